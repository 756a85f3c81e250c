/** The page that Python makes: its text boxes and buttons, by their ids. Gradio may put new ones in their place. */

export class Page {
    /** @param {ParentNode} host  where the ids are looked for */
    constructor(host) {
        this.host = host;
    }

    /** @param {string} id @returns {HTMLTextAreaElement|HTMLInputElement|null} */
    box(id) {
        return this.host.querySelector(`#${id} textarea, #${id} input, textarea#${id}, input#${id}`);
    }

    /** @param {string} id @returns {string} what stands in a box; "" where there is none */
    read(id) {
        return this.box(id)?.value ?? "";
    }

    /**
     * Write into a box so that Gradio notices.
     * @param {string} id
     * @param {string} text
     * @returns {boolean} whether the box is there
     */
    write(id, text) {
        const box = this.box(id);
        if (box === null) return false;
        const kind = box instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
        Object.getOwnPropertyDescriptor(kind.prototype, "value")?.set?.call(box, text);
        box.dispatchEvent(new Event("input", { bubbles: true }));
        return true;
    }

    /** @param {string} id @returns {HTMLElement|null} */
    button(id) {
        const found = this.host.querySelector(`#${id}`);
        return found === null || found.matches("button") ? found : found.querySelector("button");
    }

    /** @param {string} id @returns {boolean} whether the button is there */
    press(id) {
        const button = this.button(id);
        button?.click();
        return button !== null;
    }

    /** @param {string} id @returns {HTMLElement|null} a group of settings that opens and closes, where it is in view */
    group(id) {
        const found = /** @type {HTMLElement|null} */ (this.host.querySelector(`#${id}`));
        return found === null || found.offsetParent === null ? null : found;
    }

    /** Open a group of settings and go to it. @param {string} id */
    reveal(id) {
        const group = this.group(id);
        const label = /** @type {HTMLElement|null} */ (group?.querySelector(".label-wrap") ?? null);
        if (label !== null && !label.classList.contains("open")) label.click();
        group?.scrollIntoView({ block: "center" });
        label?.focus({ preventScroll: true });
    }

    motion() {
        return this.read("t2c_motion");
    }

    prompt() {
        return this.read("t2c_prompt");
    }

    /** @param {string} text */
    setMotion(text) {
        this.write("t2c_motion", text);
    }

    /** @param {string} text */
    setPrompt(text) {
        this.write("t2c_prompt", text);
    }

    /** The speed of everything, where the page has a setting for it. @returns {number} */
    speed() {
        const speed = Number(this.read("t2c_speed"));
        return speed > 0 ? speed : 1;
    }

    /** The wire of a channel. @returns {import("./channel.mjs").Wire} */
    wire() {
        return {
            send: (text) => {
                if (!this.write("t2c_ask", text)) throw new Error("the page has no box to ask through");
                // Gradio takes the box's new value over in a task of its own
                setTimeout(() => this.press("t2c_ask_go"), 20);
            },
            receive: () => this.read("t2c_answer"),
        };
    }
}
