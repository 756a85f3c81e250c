/** The motion that the stage shows: at once from the hints alone, then as the solver has it. */

import { Lost, Refusal, Superseded, asError } from "./channel.mjs";
import { decodeField, localField } from "./field.mjs";
import { sentence } from "./toast.mjs";

/** @import { Board } from "./board.mjs" */
/** @import { Field } from "./field.mjs" */
/** @import { Page } from "./page.mjs" */
/** @import { State } from "./store.mjs" */
/** @import { Answers, Asked, Picture } from "./types" */
/** @import { Writer } from "./writing.mjs" */

/** Milliseconds after which the solver is asked: the particles come first, and writing masks would hold them up. */
const AFTER = 30;

export class Solving {
    /**
     * @param {Board} board
     * @param {Page} page
     * @param {Asked} channel
     * @param {Writer} writer
     * @param {HTMLElement} frame  its data-field says whose field is shown
     * @param {(sentence: string) => void} say
     */
    constructor(board, page, channel, writer, frame, say) {
        this.store = board.store;
        this.board = board;
        this.page = page;
        this.channel = channel;
        this.writer = writer;
        this.frame = frame;
        this.say = say;
        /** @type {Field|null} the solver's last field */
        this.prior = null;
        /** @type {string[]} what the solver noted last */
        this.noted = [];
    }

    /** Another picture: what was solved before says nothing of it. */
    forget() {
        this.prior = null;
        this.noted = [];
    }

    /**
     * Show the motion at once from the hints alone, then ask the solver and write the document.
     * @returns {Promise<void>} the solver has been asked
     */
    settle() {
        this.board.showPreview(null);
        this.board.fresh = true;
        const { document } = this.store.state;
        this.board.follow(localField(document, this.store.opened, { speed: this.page.speed(), prior: this.prior }));
        this.writer.write();
        return this.solve();
    }

    /** Put the question to the solver. @private */
    async solve() {
        const { opened: picture, state } = this.store;
        await new Promise((done) => { setTimeout(done, AFTER); });
        if (this.store.state.document !== state.document) return;
        const request = await this.writer.request();
        if (this.store.state.document !== state.document) return;
        this.solved(this.channel.ask("solve", request), picture, state);
    }

    /**
     * Follow the solver's field once it is here.
     * @private
     * @param {Promise<Answers["solve"]>} coming
     * @param {Picture} picture
     * @param {State} state
     */
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

    /** Say what the solver notes and has not noted before. @private @param {string[]} notes */
    tell(notes) {
        const fresh = notes.filter((note) => !this.noted.includes(note));
        this.noted = notes;
        if (fresh.length > 0) this.say(fresh.map(sentence).join(" "));
    }

    /** @private @param {unknown} error @param {Picture} picture */
    refused(error, picture) {
        if (error instanceof Superseded || this.store.picture !== picture) return;
        if (error instanceof Refusal && error.kind === "no-region") {
            this.prior = null;
            return;
        }
        if (error instanceof Lost) this.say("No answer came from the server; the particles show a rough guess.");
        else this.say(asError(error).message);
    }
}
