/** The document as the page and the browser's tab keep it: written once things have settled, and only where it changed. */

import { isBlank, isDrawn, write } from "./document.mjs";
import { decodeMask, encodeMask } from "./png.mjs";

/** @import { Codec } from "./document.mjs" */
/** @import { Keep } from "./keep.mjs" */
/** @import { Page } from "./page.mjs" */
/** @import { State, Store } from "./store.mjs" */

/** Milliseconds without a change before the document is written. */
const SETTLE = 100;

/** @type {Codec} */
export const CODEC = { encode: remembering(encodeMask), decode: decodeMask };

/** Encode each mask once. @param {Codec["encode"]} encode @returns {Codec["encode"]} */
function remembering(encode) {
    /** @type {WeakMap<object, Promise<string>>} */
    const known = new WeakMap();
    return (mask) => {
        const text = known.get(mask) ?? encode(mask);
        known.set(mask, text);
        return text;
    };
}

export class Writer {
    /**
     * @param {Store} store
     * @param {Page} page
     * @param {Keep} keep
     * @param {HTMLElement} frame  its data-written says whether all is written
     * @param {(sentence: string) => void} say
     */
    constructor(store, page, keep, frame, say) {
        this.store = store;
        this.page = page;
        this.keep = keep;
        this.frame = frame;
        this.say = say;
        /** @type {State|null} the state that is written */
        this.written = null;
        /** Whether it has been said that the drawing cannot be kept. */
        this.warned = false;
    }

    /** What `solve` and `preview` are asked with. */
    async request() {
        const { document, spoken } = this.store.state;
        return {
            hints: await write(document, CODEC, spoken), motion: this.page.motion(), prompt: this.page.prompt(), speed: this.page.speed(),
        };
    }

    /** Write the document, once things have settled. */
    write() {
        this.frame.dataset.written = "no";
        clearTimeout(this.waiting);
        this.waiting = setTimeout(() => this.flush(), SETTLE);
    }

    /** Write the document now, if it has changed. */
    async flush() {
        clearTimeout(this.waiting);
        const { picture, state } = this.store;
        if (this.written === state) {
            this.frame.dataset.written = "yes";
            return;
        }
        const json = await write(state.document, CODEC, state.spoken);
        const work = await write(state.document, CODEC);
        if (this.store.state !== state || this.store.picture !== picture) return;
        this.written = state;
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
