/**
 * The work on one picture: its document, the words that go with it, the way back, and what is selected.
 *
 * @typedef {import("./document.mjs").Document} Document
 * @typedef {{document: Document, words: string, spoken: import("./document.mjs").Spoken, unsaid?: boolean}} State
 *   unsaid: the words have not yet been brought in step with the document
 * @typedef {"change"|"draft"|"selection"|"found"} Topic
 * @typedef {{from: string, box: Box|null}} Change  from: who made it; box: what of the paint has changed, or null for all
 */

import { EMPTY, addRegion, changeRegion, equal, findRegion, freeName, isBlank, removeRegion } from "./document.mjs";
import { NOTHING, adopted, unpainted } from "./found.mjs";
import { History } from "./history.mjs";

/** @import { Found } from "./found.mjs" */
/** @import { Box } from "./mask.mjs" */
/** @import { Brought, Picture, Selection } from "./types" */

/** Milliseconds within which the same control, used again, goes on with its step. */
const SOON = 700;

/** Bytes of all masks that the states hold; a mask that several share counts once. @param {readonly State[]} states */
function weigh(states) {
    const masks = new Set();
    for (const { document } of states) {
        if (document.still !== null) masks.add(document.still);
        for (const region of document.regions) if (region.mask !== null) masks.add(region.mask);
    }
    let bytes = 0;
    for (const mask of masks) bytes += mask.data.length;
    return bytes;
}

/** What words can say of the regions. @param {Document} document */
function told(document) {
    return JSON.stringify(document.regions.map(({ name, angle, kind, speed }) => [name, angle, kind, speed]));
}

export class Store {
    constructor() {
        /** @type {Map<Topic, Set<(change: Change) => void>>} */
        this.listeners = new Map();
        /** The document that the page put in last, as text. */
        this.given = "";
        /** @type {Brought} the words that came with the picture */
        this.brought = {};
        /** @type {Picture|null} */
        this.picture = null;
        /** @type {{control: string|null, moves: number, at: number}|null} what made the last step, and when */
        this.used = null;
        /** @type {History<State>} */
        this.history = new History({ document: EMPTY, words: "", spoken: {} }, { weigh });
        /** @type {Document|null} what a gesture shows while it lasts */
        this.draft = null;
        /** @type {Selection|null} */
        this.selection = null;
        /** @type {string|null} the region that the brush paints */
        this.active = null;
        /** @type {Set<string>} regions whose masks are not shown */
        this.hidden = new Set();
        /** @type {Found} what moves although nobody painted it */
        this.found = NOTHING;
    }

    /** Begin with a picture and the work on it. @param {Picture|null} picture @param {State} state */
    open(picture, state) {
        this.picture = picture;
        this.history = new History(state, { weigh });
        this.draft = null;
        this.selection = null;
        this.active = state.document.regions[0]?.name ?? null;
        this.hidden = new Set();
        this.found = NOTHING;
        this.tell("change", { from: "open" });
    }

    /**
     * @returns {Picture} the picture that is worked on
     * @throws {Error} there is none, and nothing to do then
     */
    get opened() {
        if (this.picture === null) throw new Error("there is no picture");
        return this.picture;
    }

    /** @returns {State} */
    get state() {
        return this.history.state;
    }

    /** @returns {Document} what to draw: the gesture's draft, or the document */
    get shown() {
        return this.draft ?? this.state.document;
    }

    /** @param {Topic} topic @param {(change: Change) => void} listener */
    on(topic, listener) {
        const listeners = this.listeners.get(topic) ?? new Set();
        this.listeners.set(topic, listeners.add(listener));
    }

    /** @param {Topic} topic @param {Partial<Change>} [change] */
    tell(topic, { from = "", box = null } = {}) {
        for (const listener of this.listeners.get(topic) ?? []) listener({ from, box });
    }

    /** Show a document while a gesture lasts. @param {Document|null} document @param {Box|null} [box]  what changed */
    sketch(document, box = null) {
        this.draft = document;
        this.tell("draft", { box });
    }

    /**
     * The end of a gesture: a step that can be undone, if it changes anything.
     * @param {Document} document
     * @param {string} label
     * @param {string} [from]
     * @param {string|null} [control]  what is used again and again, as by a key that is held; it makes one step
     */
    commit(document, label, from = "drawing", control = null) {
        this.draft = null;
        const before = this.state;
        if (equal(document, before.document)) {
            this.tell("draft", { box: null });
            return;
        }
        const state = { ...before, document, unsaid: before.unsaid || told(document) !== told(before.document) };
        if (this.goesOn(control)) this.history.amend(state);
        else this.history.push(state, label);
        this.used = { control, moves: this.history.moves, at: performance.now() };
        this.settle();
        this.tell("change", { from });
    }

    /** Whether the last step was made by the same control just now. @private @param {string|null} control */
    goesOn(control) {
        const { used, history } = this;
        return control !== null && used !== null && used.control === control && used.moves === history.moves && performance.now() - used.at < SOON;
    }

    /** The words have changed, and the regions with them. @param {State} state */
    takeWords(state) {
        // the words that a picture comes with are where its work begins
        const beginning = this.history.undoLabel === null && isBlank(this.state.document);
        if (state.document === this.state.document || beginning) {
            this.history.amend(state);
            this.settle();
        } else {
            this.history.push(state, "words");
            this.settle();
        }
        this.tell("change", { from: "words" });
    }

    /** The words of the present state, without a step of their own. @param {Pick<State, "words"|"spoken">} words */
    amendWords({ words, spoken }) {
        this.history.amend({ ...this.state, words, spoken, unsaid: false });
        this.tell("change", { from: "echo" });
    }

    /** The document of the present state, without a step of its own. @param {Document} document */
    amendDocument(document) {
        this.history.amend({ ...this.state, document });
        this.settle();
        this.tell("change", { from: "words" });
    }

    undo() {
        if (this.history.undoLabel === null) return;
        this.draft = null;
        this.history.undo();
        this.settle();
        this.tell("change", { from: "history" });
    }

    redo() {
        if (this.history.redoLabel === null) return;
        this.draft = null;
        this.history.redo();
        this.settle();
        this.tell("change", { from: "history" });
    }

    /** @param {Selection|null} selection */
    select(selection) {
        this.selection = selection;
        this.tell("selection");
    }

    /** @param {string|null} name */
    activate(name) {
        this.active = name;
        this.tell("selection");
    }

    /** Another run has found something, or another mask file was put in. @param {import("./found.mjs").Found} found */
    find(found) {
        this.found = found;
        this.tell("found");
    }

    /** @returns {Document} where a change of a region's mask begins: what was found is paint from then on */
    get asPaint() {
        return adopted(this.state.document, this.found);
    }

    /**
     * @param {Document} document
     * @param {string} name
     * @returns {Document} with nothing left of a region's mask; one that was found goes, or a run would find it again
     */
    emptied(document, name) {
        const found = unpainted(this.state.document, this.found).some((row) => row.name === name);
        return found ? removeRegion(document, name) : changeRegion(document, name, { mask: null });
    }

    /** The region to paint in, and the document that has it. @returns {{document: Document, name: string}} */
    target() {
        const document = this.asPaint;
        const found = this.active === null ? undefined : findRegion(document, this.active);
        if (found !== undefined) return { document, name: found.name };
        if (document.regions.length > 0) return { document, name: document.regions[0].name };
        const name = freeName(document, "area");
        return { document: addRegion(document, { name }), name };
    }

    /** What is selected or active must be there. @private */
    settle() {
        const { document } = this.state;
        const lists = { arrow: document.arrows, swirl: document.swirls, pin: document.pins, freeze: document.freeze };
        if (this.selection !== null && lists[this.selection.kind].length <= this.selection.index) this.selection = null;
        if (this.active === null || findRegion(document, this.active) === undefined) {
            this.active = document.regions[0]?.name ?? null;
        }
    }
}
