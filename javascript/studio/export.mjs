/** Exporting the loop: format, size and quality first; what it weighs is shown before it is saved. */

import { Lost, Superseded, asError } from "./channel.mjs";
import { el, icon } from "./dom.mjs";
import { sentence } from "./toast.mjs";

/** @import { Size } from "./geometry.mjs" */
/** @import { Asked, Exported } from "./types" */

/** @typedef {{format: string, quality: number, side: number, max_megabytes: number}} ExportOptions  what a file is to be like */

/** @type {[string, string][]} */
const FORMATS = [["mp4", "MP4"], ["webm", "WebM"], ["gif", "GIF"], ["webp", "WebP"], ["apng", "APNG"]];
const SIDES = [0, 256, 384, 512, 768, 1024];

/** @param {number} bytes @returns {string} */
export function megabytes(bytes) {
    return bytes >= 99_500 ? `${(bytes / 1e6).toFixed(bytes < 9.95e6 ? 1 : 0)} MB` : `${Math.max(1, Math.round(bytes / 1e3))} kB`;
}

export class ExportPanel {
    /**
     * @param {Asked} channel
     * @param {(sentence: string) => void} say
     */
    constructor(channel, say) {
        this.channel = channel;
        this.say = say;
        /** @type {Size|null} */
        this.loop = null;
        this.format = select("Format", FORMATS);
        this.side = select("Size", []);
        this.quality = el("input", { type: "range", min: 10, max: 100, step: 5, value: 80, "aria-label": "Quality" });
        this.qualitySaid = el("output", { text: "80" });
        this.quality.addEventListener("input", () => { this.qualitySaid.textContent = this.quality.value; });
        this.most = el("input", { type: "number", min: 0, step: 0.5, placeholder: "any", class: "t2c-number", "aria-label": "At most, in megabytes" });
        this.make = el("button", { type: "button", class: "t2c-button t2c-worded", onclick: () => this.run() }, "Export");
        this.copy = el("button", {
            type: "button", class: "t2c-button t2c-worded", title: "Puts a GIF on the clipboard, to paste into a message", onclick: () => this.copyGif(),
        }, icon("copy"), "Copy as GIF");
        this.result = el("p", { class: "t2c-result", role: "status" });
        this.element = el("details", { class: "t2c-export" }, el("summary", { text: "Export" }),
            el("div", { class: "t2c-export-row" },
                field("Format", this.format), field("Size", this.side), field("Quality", this.quality, this.qualitySaid),
                field("At most (MB)", this.most), el("div", { class: "t2c-group" }, this.make, this.copy)),
            this.result);
        // what was exported no longer fits other choices
        for (const input of [this.format, this.side, this.quality, this.most]) input.addEventListener("change", () => this.result.replaceChildren());
    }

    /** @param {{width: number, height: number}|null} loop */
    show(loop) {
        this.loop = loop;
        this.result.replaceChildren();
        if (loop === null) return;
        const long = Math.max(loop.width, loop.height);
        const sides = SIDES.filter((side) => side < long);
        this.side.replaceChildren(...sides.map((side) => el("option", { value: side, text: side === 0 ? `${loop.width} × ${loop.height}` : `${side} px` })));
    }

    /** @private @param {string} format @returns {ExportOptions} */
    request(format) {
        return {
            format, quality: Number(this.quality.value), side: Number(this.side.value), max_megabytes: Math.max(0, Number(this.most.value) || 0),
        };
    }

    /**
     * Ask for a file.
     * @param {ExportOptions} request
     * @param {HTMLButtonElement} button
     * @returns {Promise<{url: string, bytes: number, name: string}|null>}
     */
    async ask(request, button) {
        const { loop } = this;
        button.setAttribute("aria-busy", "true");
        button.disabled = true;
        try {
            const made = await this.channel.ask("export", request);
            return this.loop === loop ? made : null;
        } catch (error) {
            if (error instanceof Superseded) return null;
            this.result.textContent = error instanceof Lost ? "The export took too long." : sentence(asError(error).message);
            return null;
        } finally {
            button.removeAttribute("aria-busy");
            button.disabled = false;
        }
    }

    /** @private */
    async run() {
        this.result.textContent = "Writing the file…";
        const made = await this.ask(this.request(this.format.value), this.make);
        if (made !== null) this.offer(made);
    }

    /** @private @param {Exported} made */
    offer(made) {
        this.result.replaceChildren(
            el("span", { text: `${made.name}, ${megabytes(made.bytes)}` }),
            el("a", { class: "t2c-button t2c-worded t2c-primary", href: made.url, download: made.name }, icon("save"), "Save"));
    }

    /** @private */
    async copyGif() {
        this.result.textContent = "Making the GIF…";
        // the limit is of the file that is saved
        const made = await this.ask({ ...this.request("gif"), max_megabytes: 0 }, this.copy);
        if (made === null) return;
        try {
            if (!navigator.clipboard?.write) throw new Error("this page may not use the clipboard");
            const html = await asHtml(made.url);
            await navigator.clipboard.write([new ClipboardItem({ "text/html": html })]);
            this.result.textContent = `The GIF is on the clipboard (${megabytes(made.bytes)}).`;
        } catch (error) {
            this.offer(made);
            this.say(`It could not be copied (${asError(error).message}); save it instead.`);
        }
    }
}

/**
 * A picture's file as a piece of HTML with the file inside; programs paste that with its motion.
 * @param {string} url
 */
async function asHtml(url) {
    const response = await fetch(url);
    if (!response.ok) throw new Error(`the file was not given out (${response.status})`);
    const blob = await response.blob();
    const data = await new Promise((resolve, reject) => {
        const reader = new FileReader();
        reader.onload = () => resolve(reader.result);
        reader.onerror = () => reject(reader.error);
        reader.readAsDataURL(blob);
    });
    return new Blob([`<img src="${data}" alt="cinemagraph">`], { type: "text/html" });
}

/** @param {string} label @param {readonly (readonly [string, string])[]} choices */
function select(label, choices) {
    return el("select", { class: "t2c-kind", "aria-label": label }, ...choices.map(([value, text]) => el("option", { value, text })));
}

/** @param {string} label @param {...(Node|string)} controls */
function field(label, ...controls) {
    return el("label", { class: "t2c-field" }, el("span", { text: label }), el("span", { class: "t2c-field-row" }, ...controls));
}
