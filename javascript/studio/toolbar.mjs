/** The tools beside the stage, and above it the options of the tool in hand, the way back and the view. */

import { el, icon, iconButton } from "./dom.mjs";
import { GROUPS, TOOLS } from "./tools/index.mjs";

/** @import { Options, Tool } from "./tools/index.mjs" */

/** What a cursor key goes on by. @type {{[key: string]: number|undefined}} */
const STEPS = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

export class Toolbar {
    /**
     * @param {import("./store.mjs").Store} store
     * @param {import("./board.mjs").Board} board
     * @param {{take: (tool: Tool) => void, tool: () => Tool, help: () => void, preview: () => void,
     *   drift: () => void, masks: () => void, invert: () => void, clear: () => void}} acts
     */
    constructor(store, board, acts) {
        this.store = store;
        this.board = board;
        this.acts = acts;
        this.tools = el("div", { class: "t2c-tools", role: "toolbar", "aria-label": "Tools", "aria-orientation": "vertical" },
            ...GROUPS.map((group) => el("div", { class: "t2c-group" }, ...group.map((tool) => this.toolButton(tool)))));
        this.tools.addEventListener("keydown", (event) => this.walk(event));
        this.options = el("div", { class: "t2c-options" });
        this.undo = iconButton("undo", "Undo", () => store.undo());
        this.redo = iconButton("redo", "Redo", () => store.redo());
        this.percent = el("button", {
            type: "button", class: "t2c-button t2c-percent", title: "Show the whole picture", "aria-label": "Show the whole picture",
            text: "100%", onclick: () => board.showAll(),
        });
        this.drift = iconButton("drift", "Particles show the motion", acts.drift, { "aria-pressed": "true" });
        this.masks = iconButton("mask", "Show what is painted", acts.masks, { "aria-pressed": "true" });
        this.preview = el("button", { type: "button", class: "t2c-button t2c-worded", onclick: acts.preview }, icon("film"),
            el("span", { class: "t2c-either" }, el("span", { text: "Preview" }), el("span", { text: "Stop" })));
        this.playing(false);
        this.bar = el("div", { class: "t2c-top" },
            el("div", { class: "t2c-group" }, this.undo, this.redo),
            this.options,
            el("div", { class: "t2c-group t2c-view" },
                iconButton("minus", "Zoom out", () => board.zoomBy(0.8)), this.percent,
                iconButton("plus", "Zoom in", () => board.zoomBy(1.25))),
            el("div", { class: "t2c-group" }, this.drift, this.masks, this.preview,
                iconButton("help", "Keyboard shortcuts (?)", acts.help)));
        board.onpreview = (playing) => this.playing(playing);
        board.onview = (zoomed) => { this.percent.textContent = `${Math.round(100 * zoomed)}%`; };
        store.on("change", () => this.refresh());
        store.on("selection", () => this.refresh());
        this.taken();
    }

    /** @private @param {Tool} tool */
    toolButton(tool) {
        return iconButton(tool.icon, tool.label, () => this.acts.take(tool), {
            "data-tool": tool.name, title: `${tool.label} (${tool.key.toUpperCase()})`, "aria-pressed": "false",
            "aria-keyshortcuts": tool.key.toUpperCase(),
        });
    }

    /** One stop for Tab; the cursor keys go through the tools. @private @param {KeyboardEvent} event */
    walk(event) {
        const step = STEPS[event.key];
        if (step === undefined) return;
        event.preventDefault();
        event.stopPropagation();
        const buttons = [...this.tools.querySelectorAll("button")];
        const pressed = /** @type {HTMLButtonElement} */ (/** @type {Element} */ (event.target).closest("button"));
        const next = buttons[(buttons.indexOf(pressed) + step + buttons.length) % buttons.length];
        next.focus();
    }

    /** Another tool is in hand. */
    taken() {
        const tool = this.acts.tool();
        for (const button of this.tools.querySelectorAll("button")) {
            const chosen = button.dataset.tool === tool.name;
            button.setAttribute("aria-pressed", String(chosen));
            button.tabIndex = chosen ? 0 : -1;
        }
        this.options.replaceChildren(...this.optionsOf(tool));
        this.refresh();
    }

    /** Whether a preview plays. @private @param {boolean} playing */
    playing(playing) {
        this.preview.title = playing ? "Stop the preview" : "Play a small loop here";
        this.preview.setAttribute("aria-label", playing ? "Stop the preview" : "Preview");
        this.preview.setAttribute("aria-pressed", String(playing));
    }

    /** @private @param {Tool} tool @returns {HTMLElement[]} */
    optionsOf(tool) {
        const { options } = this.board;
        if (tool.pointer === "ring") {
            const brush = [this.slider("Size", "size", 0.005, 0.3, options.size), this.slider("Soft", "softness", 0, 1, options.softness)];
            const what = this.choice("Erase from", "erases", [["region", "region"], ["still", "frozen"]]);
            return tool.name === "erase" ? [...brush, what] : tool.name === "brush" ? [...brush, ...this.regionActs()] : brush;
        }
        if (tool.name === "lasso") {
            return [this.choice("The outline", "lasso", [["add", "adds"], ["remove", "removes"], ["still", "freezes"]]), ...this.regionActs()];
        }
        if (tool.name === "swirl") return [this.choice("Turns", "turn", [[1, "↺ left"], [-1, "↻ right"]])];
        return tool.name === "fill" ? this.regionActs() : [el("span", { class: "t2c-tool-name", text: tool.label })];
    }

    /** @private */
    regionActs() {
        return [
            iconButton("invert", "Invert the region (I)", this.acts.invert, { class: "t2c-button t2c-small" }),
            iconButton("clear", "Clear the region's paint", this.acts.clear, { class: "t2c-button t2c-small" }),
        ];
    }

    /**
     * @private
     * @param {string} label
     * @param {"size"|"softness"} name
     * @param {number} min
     * @param {number} max
     * @param {number} value
     */
    slider(label, name, min, max, value) {
        const input = el("input", {
            type: "range", min: 0, max: 100, step: 1, "aria-label": name === "size" ? "Size of the brush" : "Softness of the brush", "data-option": name,
            value: String(Math.round(100 * Math.sqrt((value - min) / (max - min)))),
            oninput: () => {
                // finer steps where the brush is small
                this.board.options[name] = min + (max - min) * (Number(input.value) / 100) ** 2;
            },
        });
        return el("label", { class: "t2c-slider" }, el("span", { text: label }), input);
    }

    /** Show a changed size of the brush. */
    showSize() {
        const input = /** @type {HTMLInputElement|null} */ (this.options.querySelector("[data-option=size]"));
        if (input !== null) input.value = String(Math.round(100 * Math.sqrt((this.board.options.size - 0.005) / 0.295)));
    }

    /**
     * @private
     * @template {keyof Options} Name
     * @param {string} label
     * @param {Name} name
     * @param {[Options[Name], string][]} choices
     */
    choice(label, name, choices) {
        const buttons = choices.map(([value, text]) => el("button", {
            type: "button", class: "t2c-choice", role: "radio", "aria-checked": String(this.board.options[name] === value), text,
            onclick: () => {
                this.board.options[name] = value;
                buttons.forEach((button, index) => button.setAttribute("aria-checked", String(choices[index][0] === value)));
            },
        }));
        return el("div", { class: "t2c-segments", role: "radiogroup", "aria-label": label }, ...buttons);
    }

    /** @private */
    refresh() {
        const { history, picture } = this.store;
        /** @param {HTMLButtonElement} button @param {string|null} label @param {string} word */
        const show = (button, label, word) => {
            button.disabled = label === null;
            button.title = label === null ? `${word}: nothing` : `${word} ${label}`;
        };
        show(this.undo, history.undoLabel, "Undo");
        show(this.redo, history.redoLabel, "Redo");
        for (const button of [this.preview, this.drift, this.masks, this.percent]) button.disabled = picture === null;
        for (const button of this.tools.querySelectorAll("button")) button.disabled = picture === null;
        const controls = this.bar.querySelectorAll(".t2c-view button, .t2c-options button, .t2c-options input");
        for (const control of /** @type {NodeListOf<HTMLButtonElement|HTMLInputElement>} */ (controls)) {
            control.disabled = picture === null;
        }
        this.drift.setAttribute("aria-pressed", String(this.board.drifting));
        this.masks.setAttribute("aria-pressed", String(this.board.masked));
    }
}

/** @param {string} name @returns {Tool} the tool of a name */
export function toolNamed(name) {
    const tool = TOOLS.find((one) => one.name === name);
    if (tool === undefined) throw new Error(`there is no tool called ${name}`);
    return tool;
}
