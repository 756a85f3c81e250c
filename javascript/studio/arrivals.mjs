/** What the page's state brings: another picture with the work on it, a drawing of the page's own, and what a run found. */

import { asError } from "./channel.mjs";
import { EMPTY, equal, isBlank, isDrawn, read } from "./document.mjs";
import { decodeField } from "./field.mjs";
import { readFound } from "./found.mjs";
import { maskSize } from "./mask.mjs";
import { decodeMask } from "./png.mjs";
import { CODEC } from "./writing.mjs";

/** @import { Work } from "./keep.mjs" */
/** @import { Mask } from "./mask.mjs" */
/** @import { Studio } from "./studio.mjs" */
/** @import { Brought, PageState, Picture } from "./types" */

/** How many masks of what was found are remembered by their text. */
const REMEMBERED = 32;

export class Arrivals {
    /** @param {Studio} studio */
    constructor(studio) {
        this.studio = studio;
        this.store = studio.store;
        this.page = studio.page;
        /** The page's state as it was read last. */
        this.text = "";
        /** @type {PageState} */
        this.state = {};
        /** @type {Promise<void>} states are taken one after another */
        this.taken = Promise.resolve();
        /** @type {Map<string, (state: PageState) => void>} who else wants the page's state */
        this.watchers = new Map();
        /** @type {Map<string, Mask>} masks of what was found, by their text */
        this.known = new Map();
        this.closed = false;
    }

    /** Be given the page's state, now and whenever it changes. @param {string} name @param {(state: PageState) => void} take */
    watch(name, take) {
        this.watchers.set(name, take);
        take(this.state);
    }

    /** Take the page's state, where it is another than before. */
    look() {
        const text = this.page.read("t2c_state");
        if (text === this.text) return;
        this.text = text;
        const state = parsed(text);
        if (state === null) return;
        this.state = state;
        this.taken = this.taken
            .then(() => this.take(state))
            .catch((/** @type {Error} */ error) => this.studio.say(`What the page says could not be read: ${error.message}`));
    }

    /** @private @param {PageState} state */
    async take(state) {
        if (this.closed) return;
        const picture = state.picture ?? null;
        if ((picture?.key ?? null) !== (this.store.picture?.key ?? null)) await this.open(picture, state);
        await this.takeHints(state, picture);
        const { board } = this.studio;
        if (state.loop?.flow && board.field === null && picture !== null) board.follow(decodeField(state.loop.flow, picture));
        for (const watch of this.watchers.values()) watch(state);
        if (picture !== null) await this.takeFound(state, picture);
    }

    /** A drawing that the page itself brings, as a recipe's. @private @param {PageState} state @param {Picture|null} picture */
    async takeHints(state, picture) {
        const hints = state.hints ? JSON.stringify(state.hints) : "";
        if (hints !== "" && hints !== this.store.given && picture !== null) {
            const document = await read(state.hints, CODEC, maskSize(picture), this.store.state.spoken);
            if (!equal(document, this.store.state.document)) {
                const kept = isDrawn(this.store.state.document);
                this.store.commit(document, "the page's own drawing", "python");
                if (kept) this.studio.say("A drawing came with the picture; Undo brings yours back.");
            }
        }
        this.store.given = hints;
    }

    /**
     * What a run found, or a mask file gives; told only where it is another than before.
     * @private
     * @param {PageState} state
     * @param {Picture} picture
     */
    async takeFound(state, picture) {
        const { found: before } = this.store;
        const found = await readFound(state, (text) => this.decoded(text), maskSize(picture), before);
        const same = found.stale === before.stale && found.rows.length === before.rows.length && found.rows.every((row, index) => {
            const old = before.rows[index];
            return row.name === old.name && row.source === old.source && row.mask === old.mask;
        });
        if (!same && this.store.picture?.key === picture.key) this.store.find(found);
    }

    /**
     * A mask of the page's state, decoded once: it comes again with every change of the page.
     * @private
     * @param {string} text
     */
    async decoded(text) {
        const known = this.known.get(text) ?? await decodeMask(text);
        this.known.delete(text);
        this.known.set(text, known);
        const [oldest] = this.known.keys();
        if (this.known.size > REMEMBERED) this.known.delete(oldest);
        return known;
    }

    /**
     * Another picture: the work on it, where there is some, else a new document.
     * @private
     * @param {Picture|null} picture
     * @param {PageState} state
     */
    async open(picture, { words: brought = {}, running = null }) {
        const { writer, solving, words: said, keep } = this.studio;
        await writer.flush();
        if (running === null) this.forgetBrought(brought);
        this.store.brought = brought;
        const work = picture === null ? null : keep.load(picture.key);
        const document = picture === null || work === null ? EMPTY : await this.earlier(picture, work);
        solving.forget();
        const words = this.wordsFor(work);
        this.store.open(picture, { document, words, spoken: work?.spoken ?? {}, unsaid: work?.unsaid });
        writer.written = null;
        await writer.flush();
        this.studio.opened();
        if (picture === null) return;
        said.put(words);
        const known = work !== null && words === work.words;
        if (!known) said.typed();
        if (!isBlank(document)) solving.settle().then(() => known && this.studio.describe());
    }

    /** The words for a picture that is opened: those of the earlier work, unless others are typed already. @private @param {Work|null} work */
    wordsFor(work) {
        const typed = this.page.motion();
        return work !== null && (typed === "" || typed === this.store.state.words) ? work.words : typed;
    }

    /** The earlier work on a picture; what cannot be read is given up, and that is said. @private @param {Picture} picture @param {Work} work */
    async earlier(picture, work) {
        try {
            return await read(work.document, CODEC, maskSize(picture));
        } catch (error) {
            this.studio.keep.drop(picture.key);
            this.studio.say(`The earlier work on this picture could not be read (${asError(error).message}).`);
            return EMPTY;
        }
    }

    /**
     * The words that came with a picture go with it, unless a run makes another from them.
     * @private
     * @param {Brought} next
     */
    forgetBrought(next) {
        const { prompt, motion } = this.store.brought;
        if (prompt !== next.prompt && this.page.prompt() === prompt) this.page.setPrompt("");
        if (motion !== next.motion && this.page.motion() === motion) this.studio.words.put("");
    }
}

/** @param {string} text @returns {PageState|null} null while the page says nothing */
function parsed(text) {
    try {
        return text === "" ? null : JSON.parse(text);
    } catch {
        return null;
    }
}
