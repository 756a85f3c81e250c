/** The studio of one page: the canvas with its tools and regions, in step with Python. */

import { Arrivals } from "./arrivals.mjs";
import { Board } from "./board.mjs";
import { Channel } from "./channel.mjs";
import { openHelp } from "./dialog.mjs";
import { TOO_MANY_PAINTED, changeRegion, findRegion, mayPaint, regionCalled } from "./document.mjs";
import { el } from "./dom.mjs";
import { readArrow } from "./geometry.mjs";
import { Keep } from "./keep.mjs";
import { Keyboard, SHORTCUTS } from "./keyboard.mjs";
import { emptyMask, inverted, isEmpty } from "./mask.mjs";
import { Page } from "./page.mjs";
import { Pointers } from "./pointer.mjs";
import { RegionList } from "./regions.mjs";
import { segment, togglePreview } from "./requests.mjs";
import { Solving } from "./solving.mjs";
import { Store } from "./store.mjs";
import { Toast } from "./toast.mjs";
import { Toolbar, toolNamed } from "./toolbar.mjs";
import { Words } from "./words.mjs";
import { Writer } from "./writing.mjs";

/** @import { Tool } from "./tools/index.mjs" */

/** Milliseconds between two looks at the page, and after the last letter that is typed before the words are read. */
const LOOK = 200;
const TYPING = 400;

export class Studio {
    /**
     * @param {HTMLElement} root  the page's `.t2c-studio`
     * @param {HTMLElement} canvas  where to build
     * @param {ParentNode} host  where the page's ids are
     * @param {Storage} storage
     * @param {Store} [store]  of a studio that was here before
     */
    constructor(root, canvas, host, storage, store = new Store()) {
        this.root = root;
        this.canvas = canvas;
        this.page = new Page(host);
        this.keep = new Keep(storage);
        this.channel = new Channel(this.page.wire());
        this.toast = new Toast();
        this.store = store;
        this.tool = toolNamed("brush");
        /** @type {import("./player.mjs").Player|null} */
        this.player = null;
        /** @type {import("./strip.mjs").Strip|null} */
        this.strip = null;
        /** Whether an arrow's direction is read out. */
        this.reads = false;
        this.kept = el("p", { text: "What you drew on an earlier picture is kept: put the picture in again.", hidden: !this.keep.drawn });
        /** @param {string} sentence */
        const say = (sentence) => this.say(sentence);
        this.words = new Words(this.channel, this.store, this.page, say);
        this.board = new Board(this.store, { say, empty: this.blank() });
        this.pointers = new Pointers(this.board, () => this.tool);
        const acts = {
            tool: () => this.tool, take: (/** @type {Tool} */ tool) => this.take(tool), help: () => { openHelp(this.frame, SHORTCUTS); },
            invert: () => this.invert(), clear: () => this.clear(), drift: () => this.toggleDrift(), masks: () => this.toggleMasks(),
            resize: (/** @type {number} */ factor) => this.resize(factor), preview: () => togglePreview(this), draw: () => this.board.drawAll(), say,
        };
        this.keyboard = new Keyboard(this.board, this.pointers, acts);
        this.words.held = () => this.pointers.gesture !== null || this.keyboard.gesture !== null;
        this.toolbar = new Toolbar(this.store, this.board, acts);
        this.regions = new RegionList(this.store, acts);
        this.status = el("p", { class: "t2c-status", id: "t2c_board_help" });
        this.frame = el("div", { class: "t2c-frame" },
            this.toolbar.bar,
            el("div", { class: "t2c-middle" }, this.toolbar.tools,
                el("div", { class: "t2c-centre" }, this.board.element, this.status, this.toast.element), this.regions.element));
        this.canvas.replaceChildren(this.frame);
        this.keyboard.listen(this.frame);
        this.board.onlight = (name) => { this.status.textContent = `${name}: a click adds or removes it.`; };
        this.writer = new Writer(this.store, this.page, this.keep, this.frame, say);
        this.solving = new Solving(this.board, this.page, this.channel, this.writer, this.frame, say);
        this.arrivals = new Arrivals(this);
        this.take(this.tool);
        this.store.on("change", (change) => this.changed(change));
        this.store.on("change", () => { if (this.reads || this.arrow() !== undefined) this.readOut(); });
        this.store.on("draft", () => this.readOut());
        this.store.on("selection", () => this.readOut());
        if (this.store.picture !== null) this.solving.settle().then(() => this.describe());
        this.timer = setInterval(() => this.look(), LOOK);
        /** @param {Event} event */
        this.leaving = (event) => { if (!this.canvas.contains(/** @type {Node} */ (event.target))) this.writer.flush(); };
        // the press that starts a run must find the document written
        document.addEventListener("pointerdown", this.leaving, true);
        document.addEventListener("keydown", this.leaving, true);
        this.look();
    }

    /** @private */
    blank() {
        return el("div", {},
            el("p", { class: "t2c-blank-title", text: "Your picture appears here" }),
            el("p", { text: "Drop a picture, try the example, or make one from text. Then paint what moves and draw where it goes." }),
            this.kept);
    }

    /** Leave the page. @returns {Store} the work, for whoever comes next */
    dispose() {
        clearInterval(this.timer);
        document.removeEventListener("pointerdown", this.leaving, true);
        document.removeEventListener("keydown", this.leaving, true);
        this.board.dispose();
        this.player?.dispose();
        this.arrivals.closed = true;
        this.store.listeners.clear();
        return this.store;
    }

    /** @param {string} sentence */
    say(sentence) {
        this.toast.say(sentence);
    }

    /** Take a tool in hand. @param {Tool} tool */
    take(tool) {
        this.pointers.cancel();
        this.keyboard.cancel();
        this.tool = tool;
        if (tool.name === "freeze") this.board.options.erases = "still";
        if (tool.name === "brush") this.board.options.erases = "region";
        this.board.element.dataset.pointer = tool.pointer;
        this.board.light(null);
        this.showHelp();
        this.toolbar.taken();
        if (tool.name === "fill") segment(this);
    }

    /** One sentence on the tool in hand. */
    showHelp() {
        this.status.textContent = this.store.picture === null ? "" : this.tool.help;
    }

    /** The arrow that is drawn or selected. @private */
    arrow() {
        const { shown, state, selection } = this.store;
        if (shown.arrows.length > state.document.arrows.length) return shown.arrows.at(-1);
        return selection?.kind === "arrow" ? shown.arrows[selection.index] : undefined;
    }

    /** Direction and speed of the arrow that is drawn or selected. @private */
    readOut() {
        const arrow = this.arrow();
        this.reads = arrow !== undefined;
        if (arrow === undefined) {
            this.showHelp();
            return;
        }
        const { angle, speed } = readArrow(arrow, this.store.opened);
        this.status.textContent = `${Math.round(angle) % 360}°, speed ${speed.toFixed(1)}×`;
    }

    /** @private @param {number} factor */
    resize(factor) {
        this.board.options.size = Math.min(0.3, Math.max(0.005, this.board.options.size * factor));
        this.toolbar.showSize();
        this.board.drawAll();
    }

    /** @private */
    toggleDrift() {
        this.board.setDrifting(!this.board.drifting);
        this.toolbar.taken();
    }

    /** @private */
    toggleMasks() {
        this.board.setMasked(!this.board.masked);
        this.toolbar.taken();
    }

    /** @private */
    invert() {
        const { document, name } = this.store.target();
        const before = regionCalled(document, name).mask ?? emptyMask(this.board.size);
        if (!mayPaint(document, name)) {
            this.say(TOO_MANY_PAINTED);
            return;
        }
        const mask = inverted(before);
        this.store.commit(isEmpty(mask) ? this.store.emptied(document, name) : changeRegion(document, name, { mask }), `inverting ${name}`);
    }

    /** @private */
    clear() {
        const { document, name } = this.store.target();
        const region = regionCalled(document, name);
        if (findRegion(this.store.state.document, name)?.mask == null) {
            this.say(region.mask === null ? `Nothing is painted in ${name}.` : `${name} was found, not painted; remove the region to keep it still.`);
            return;
        }
        this.store.commit(changeRegion(document, name, { mask: null }), `clearing ${name}`);
    }

    /** The store has opened another picture, or none. */
    opened() {
        this.frame.dataset.picture = this.store.picture?.key ?? "";
        this.take(this.tool);
        this.kept.hidden = !this.keep.drawn;
    }

    /** What the page shows has changed, or its words: look every now and then, Gradio tells nobody. @private */
    look() {
        this.arrivals.look();
        if (this.words.changed && !this.words.held()) {
            clearTimeout(this.typing);
            this.words.seen = { motion: this.page.motion(), prompt: this.page.prompt() };
            this.frame.dataset.words = "typed";
            this.typing = setTimeout(() => this.words.typed().finally(() => delete this.frame.dataset.words), TYPING);
        }
    }

    /** @private @param {{from: string}} change */
    changed({ from }) {
        if (from === "open" || this.store.picture === null) return;
        if (from === "history") this.words.put(this.store.state.words);
        if (from === "echo") {
            this.writer.write();
            return;
        }
        // the motion is looked at first; the words may follow
        const asked = this.solving.settle();
        if (from === "drawing" || from === "history") asked.then(() => this.describe());
    }

    /** Say the regions in words, unless the words say them already. */
    describe() {
        if (this.store.state.unsaid) this.words.drawn();
    }
}
