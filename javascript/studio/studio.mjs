/** The studio of one page: the canvas with its tools and regions, in step with Python. */

import { Board } from "./board.mjs";
import { Channel, Lost, Refusal, Superseded } from "./channel.mjs";
import { openHelp } from "./dialog.mjs";
import { EMPTY, TOO_MANY_PAINTED, changeRegion, equal, findRegion, isBlank, isDrawn, mayPaint, read, write } from "./document.mjs";
import { el } from "./dom.mjs";
import { decodeField, localField } from "./field.mjs";
import { readFound } from "./found.mjs";
import { readArrow } from "./geometry.mjs";
import { Keep } from "./keep.mjs";
import { Keyboard, SHORTCUTS } from "./keyboard.mjs";
import { emptyMask, inverted, isEmpty, maskSize } from "./mask.mjs";
import { Page } from "./page.mjs";
import { decodeMask, encodeMask } from "./png.mjs";
import { Pointers } from "./pointer.mjs";
import { RegionList } from "./regions.mjs";
import { segment, togglePreview } from "./requests.mjs";
import { Store } from "./store.mjs";
import { Toast, sentence } from "./toast.mjs";
import { Toolbar, toolNamed } from "./toolbar.mjs";
import { Words } from "./words.mjs";

const LOOK = 200;
const TYPING = 400;
const SETTLE = 100;
const AFTER = 30;
const CODEC = { encode: remembering(encodeMask), decode: decodeMask };

/** How many masks of what was found are remembered by their text. */
const REMEMBERED = 32;

/** Encode each mask once. */
function remembering(encode) {
    /** @type {WeakMap<object, Promise<string>>} */
    const known = new WeakMap();
    return (mask) => {
        if (!known.has(mask)) known.set(mask, encode(mask));
        return known.get(mask);
    };
}

export class Studio {
    /**
     * @param {Element} root  the page's `.t2c-studio`
     * @param {Element} canvas  where to build
     * @param {Element|ShadowRoot|Document} host  where the page's ids are
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
        /** @type {Map<string, (state: object) => void>} who else wants the page's state */
        this.watchers = new Map();
        /** @type {string[]} what the solver noted last */
        this.noted = [];
        /** @type {Map<string, import("./mask.mjs").Mask>} masks of what was found, by their text */
        this.known = new Map();
        const say = (sentence) => this.say(sentence);
        this.words = new Words(this.channel, this.store, this.page, say);
        this.board = new Board(this.store, { say, empty: this.blank() });
        this.pointers = new Pointers(this.board, () => this.tool);
        const acts = {
            tool: () => this.tool, take: (tool) => this.take(tool), help: () => openHelp(this.frame, SHORTCUTS),
            invert: () => this.invert(), clear: () => this.clear(), drift: () => this.toggleDrift(), masks: () => this.toggleMasks(),
            resize: (factor) => this.resize(factor), preview: () => togglePreview(this), draw: () => this.board.drawAll(), say,
        };
        this.keyboard = new Keyboard(this.board, this.pointers, acts);
        this.words.held = () => this.pointers.gesture !== null || this.keyboard.gesture !== null;
        this.toolbar = new Toolbar(this.store, this.board, acts);
        this.regions = new RegionList(this.store, acts);
        this.build();
        this.take(this.tool);
        this.store.on("change", (change) => this.changed(change));
        this.store.on("change", () => { if (this.reads || this.arrow() !== undefined) this.readOut(); });
        this.store.on("draft", () => this.readOut());
        this.store.on("selection", () => this.readOut());
        if (this.store.picture !== null) this.settle().then(() => this.describe());
        this.timer = setInterval(() => this.look(), LOOK);
        this.leaving = (event) => { if (!this.canvas.contains(event.target)) this.flush(); };
        // the press that starts a run must find the document written
        document.addEventListener("pointerdown", this.leaving, true);
        document.addEventListener("keydown", this.leaving, true);
        this.look();
    }

    /** @private */
    blank() {
        const press = () => { if (!this.page.press("t2c_example")) this.say("The page has no example."); };
        this.kept = el("p", { text: "What you drew on an earlier picture is kept: put the picture in again.", hidden: !this.keep.drawn });
        return el("div", {},
            el("p", { class: "t2c-blank-title", text: "Your picture appears here" }),
            el("p", { text: "Drop a picture, or make one from text. Then paint what moves and draw where it goes." }),
            this.kept, el("button", { type: "button", class: "t2c-button t2c-worded t2c-primary", text: "Try the example", onclick: press }));
    }

    /** @private */
    build() {
        this.status = el("p", { class: "t2c-status", id: "t2c_board_help" });
        this.frame = el("div", { class: "t2c-frame" },
            this.toolbar.bar,
            el("div", { class: "t2c-middle" }, this.toolbar.tools,
                el("div", { class: "t2c-centre" }, this.board.element, this.status, this.toast.element), this.regions.element));
        this.canvas.replaceChildren(this.frame);
        this.keyboard.listen(this.frame);
        this.board.onlight = (name) => { this.status.textContent = `${name}: a click adds or removes it.`; };
    }

    /** Leave the page. @returns {Store} the work, for whoever comes next */
    dispose() {
        clearInterval(this.timer);
        document.removeEventListener("pointerdown", this.leaving, true);
        document.removeEventListener("keydown", this.leaving, true);
        this.board.dispose();
        this.player?.dispose();
        this.disposed = true;
        this.store.listeners.clear();
        return this.store;
    }

    /** @param {string} sentence */
    say(sentence) {
        this.toast.say(sentence);
    }

    /** Take a tool in hand. */
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
        const { angle, speed } = readArrow(arrow, this.store.picture);
        this.status.textContent = `${Math.round(angle) % 360}°, speed ${speed.toFixed(1)}×`;
    }

    /** @private */
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
        const before = document.regions.find((region) => region.name === name).mask ?? emptyMask(this.board.size);
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
        const region = document.regions.find((one) => one.name === name);
        if (findRegion(this.store.state.document, name)?.mask == null) {
            this.say(region.mask === null ? `Nothing is painted in ${name}.` : `${name} was found, not painted; remove the region to keep it still.`);
            return;
        }
        this.store.commit(changeRegion(document, name, { mask: null }), `clearing ${name}`);
    }

    /** Hear of the page's state, now and whenever it changes. @param {string} name @param {(state: object) => void} heard */
    watch(name, heard) {
        this.watchers.set(name, heard);
        heard(this.state ?? {});
    }

    /** What the page shows has changed, or its words: look every now and then, Gradio tells nobody. @private */
    look() {
        const text = this.page.read("t2c_state");
        if (text !== this.stateText) {
            this.stateText = text;
            this.arrived(text);
        }
        if (this.words.changed && !this.words.held()) {
            clearTimeout(this.typing);
            this.words.seen = { motion: this.page.motion(), prompt: this.page.prompt() };
            this.frame.dataset.words = "typed";
            this.typing = setTimeout(() => this.words.typed().finally(() => delete this.frame.dataset.words), TYPING);
        }
    }

    /** @private */
    arrived(text) {
        let state = null;
        try {
            state = text === "" ? null : JSON.parse(text);
        } catch {
            return;
        }
        if (state === null) return;
        this.state = state;
        this.arriving = (this.arriving ?? Promise.resolve())
            .then(() => this.takeState(state))
            .catch((error) => this.say(`What the page says could not be read: ${error.message}`));
    }

    /** @private */
    async takeState(state) {
        if (this.disposed) return;
        const picture = state.picture ?? null;
        if ((picture?.key ?? null) !== (this.store.picture?.key ?? null)) await this.openPicture(picture, state);
        const hints = state.hints ? JSON.stringify(state.hints) : "";
        if (hints !== "" && hints !== this.store.given && picture !== null) {
            const document = await read(state.hints, CODEC, maskSize(picture), this.store.state.spoken);
            if (!equal(document, this.store.state.document)) {
                const kept = isDrawn(this.store.state.document);
                this.store.commit(document, "the page's own drawing", "python");
                if (kept) this.say("A drawing came with the picture; Undo brings yours back.");
            }
        }
        this.store.given = hints;
        if (state.loop?.flow && this.board.field === null && picture !== null) this.board.follow(decodeField(state.loop.flow, picture));
        for (const watch of this.watchers.values()) watch(state);
        if (picture !== null) await this.takeFound(state, picture);
    }

    /** What a run found, or a mask file gives; told only where it is another than before. @private */
    async takeFound(state, picture) {
        const { found: before } = this.store;
        const found = await readFound(state, (text) => this.decoded(text), maskSize(picture), before);
        const same = found.stale === before.stale && found.rows.length === before.rows.length && found.rows.every((row, index) => (
            ["name", "source", "mask"].every((key) => row[key] === before.rows[index][key])));
        if (!same && this.store.picture?.key === picture.key) this.store.find(found);
    }

    /** A mask of the page's state, decoded once: it comes again with every change of the page. @private */
    async decoded(text) {
        const known = this.known.get(text) ?? await decodeMask(text);
        this.known.delete(text);
        this.known.set(text, known);
        if (this.known.size > REMEMBERED) this.known.delete(this.known.keys().next().value);
        return known;
    }

    /** Another picture: the work on it, where there is some, else a new document. @private */
    async openPicture(picture, { words: brought = {}, running = null }) {
        await this.flush();
        if (running === null) this.forgetBrought(brought);
        this.store.brought = brought;
        const left = this.store.state.words;
        const work = picture === null ? null : this.keep.load(picture.key);
        let document = EMPTY;
        if (work !== null) {
            try {
                document = await read(work.document, CODEC, maskSize(picture));
            } catch (error) {
                this.keep.drop(picture.key);
                this.say(`The earlier work on this picture could not be read (${error.message}).`);
            }
        }
        this.prior = null;
        this.noted = [];
        const typed = this.page.motion();
        const words = work !== null && (typed === "" || typed === left) ? work.words : typed;
        this.store.open(picture, { document, words, spoken: work?.spoken ?? {}, unsaid: work?.unsaid });
        this.writtenState = null;
        await this.flush();
        this.frame.dataset.picture = picture?.key ?? "";
        this.take(this.tool);
        this.kept.hidden = !this.keep.drawn;
        if (picture === null) return;
        this.words.put(words);
        const known = work !== null && words === work.words;
        if (!known) this.words.typed();
        if (!isBlank(document)) this.settle().then(() => known && this.describe());
    }

    /** The words that came with a picture go with it, unless a run makes another from them. @private */
    forgetBrought(next) {
        const { prompt, motion } = this.store.brought;
        if (prompt !== next.prompt && this.page.prompt() === prompt) this.page.setPrompt("");
        if (motion !== next.motion && this.page.motion() === motion) this.words.put("");
    }

    /** @private */
    changed({ from }) {
        if (from === "open" || this.store.picture === null) return;
        if (from === "history") this.words.put(this.store.state.words);
        if (from === "echo") {
            this.write();
            return;
        }
        // the motion is looked at first; the words may follow
        const asked = this.settle();
        if (from === "drawing" || from === "history") asked.then(() => this.describe());
    }

    /** Say the regions in words, unless the words say them already. @private */
    describe() {
        if (this.store.state.unsaid) this.words.drawn();
    }

    /**
     * Show the motion at once from the hints alone, then ask the solver and write the document.
     * @private
     * @returns {Promise<void>} the solver has been asked
     */
    settle() {
        const { picture } = this.store;
        this.board.showPreview(null);
        this.board.fresh = true;
        const { document } = this.store.state;
        this.board.follow(localField(document, picture, { speed: this.page.speed(), prior: this.prior }));
        this.write();
        return this.solve();
    }

    /** Put the question to the solver. @private */
    async solve() {
        const { picture, state } = this.store;
        // the particles come first; writing masks would hold them up
        await new Promise((done) => setTimeout(done, AFTER));
        if (this.store.state.document !== state.document) return;
        const request = await this.request();
        if (this.store.state.document !== state.document) return;
        this.solved(this.channel.ask("solve", request), picture, state);
    }

    /** Follow the solver's field once it is here. @private */
    async solved(coming, picture, state) {
        try {
            const answer = await coming;
            if (this.store.picture !== picture || this.store.state.document !== state.document) return;
            this.prior = decodeField(answer, picture);
            this.board.fresh = true;
            this.board.follow(this.prior);
            this.frame.dataset.field = "solved";
            this.tell(answer.notes ?? []);
        } catch (error) {
            this.refused(error, picture);
        }
    }

    /** Say what the solver notes and has not noted before. @private */
    tell(notes) {
        const fresh = notes.filter((note) => !this.noted.includes(note));
        this.noted = notes;
        if (fresh.length > 0) this.say(fresh.map(sentence).join(" "));
    }

    /** @private */
    refused(error, picture) {
        if (error instanceof Superseded || this.store.picture !== picture) return;
        if (error instanceof Refusal && error.kind === "no-region") {
            this.prior = null;
            return;
        }
        if (error instanceof Lost) this.say("No answer came from the server; the particles show a rough guess.");
        else this.say(error.message);
    }

    /** What `solve` and `preview` are asked with. */
    async request() {
        const { document, spoken } = this.store.state;
        return {
            hints: await write(document, CODEC, spoken), motion: this.page.motion(), prompt: this.page.prompt(), speed: this.page.speed(),
        };
    }

    /** Write the document, once things have settled. @private */
    write() {
        this.frame.dataset.written = "no";
        clearTimeout(this.writing);
        this.writing = setTimeout(() => this.flush(), SETTLE);
    }

    /** Write the document now, if it has changed. */
    async flush() {
        clearTimeout(this.writing);
        const { picture, state } = this.store;
        if (this.writtenState === state) {
            this.frame.dataset.written = "yes";
            return;
        }
        const json = await write(state.document, CODEC, state.spoken);
        const work = await write(state.document, CODEC);
        if (this.store.state !== state || this.store.picture !== picture) return;
        this.writtenState = state;
        const blank = json.regions.length === 0 && isBlank({ ...state.document, regions: [] });
        this.page.write("t2c_document", blank ? "" : JSON.stringify(json));
        this.frame.dataset.written = "yes";
        if (picture === null) return;
        const kept = this.keep.save(picture.key, { document: work, words: state.words, spoken: state.spoken, unsaid: state.unsaid }, isDrawn(state.document));
        if (!kept && !this.warned) {
            this.warned = true;
            this.say("This drawing is too large to be kept over a reload.");
        }
    }
}
