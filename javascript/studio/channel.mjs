/**
 * Questions to Python and their answers, over two text boxes. One question is open at a time; a newer one of a kind
 * that only counts in its latest form takes the place of the one that waits.
 *
 * @typedef {{send: (text: string) => void, receive: () => string}} Wire
 * @typedef {{n: number, ok: boolean, error?: string, kind?: string}} Reply  with the answer beside it, where it is ok
 * @typedef {{what: Question, payload: object, resolve: (answer: object) => void, reject: (error: Error) => void}} Waiting
 * @typedef {{later: (work: () => void, milliseconds: number) => unknown, now: () => number}} Clock
 */

/** @import { Answers, Question } from "./types" */

/**
 * Milliseconds after which a question counts as lost; what makes pictures may take longer.
 * @type {Record<Question, number>}
 */
export const PATIENCE = { solve: 10_000, parse: 10_000, describe: 10_000, segment: 120_000, preview: 120_000, export: 300_000 };
/** @type {Set<Question>} */
const LATEST = new Set(["solve", "parse", "describe", "preview"]);
const POLL = 25;

/** Python says no, in one sentence; `kind` tells which no. */
export class Refusal extends Error {
    /** @param {string} message */
    constructor(message, kind = "") {
        super(message);
        this.kind = kind;
    }
}

/** @param {unknown} thrown @returns {Error} what was thrown, which may be anything */
export function asError(thrown) {
    return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** The question was replaced by a newer one. */
export class Superseded extends Error {}

/** No answer came in time. */
export class Lost extends Error {}

export class Channel {
    /** @param {Wire} wire @param {Clock} [clock] */
    constructor(wire, clock = { later: (work, ms) => setTimeout(work, ms), now: () => performance.now() }) {
        this.wire = wire;
        this.clock = clock;
        // an answer to the page's earlier script may still stand in the box
        this.n = (Date.now() % 1_000_000) * 1000;
        /** @type {(Waiting & {n: number, until: number})|null} */
        this.open = null;
        /** @type {Waiting[]} */
        this.waiting = [];
    }

    /**
     * Ask Python.
     * @template {Question} What
     * @param {What} what
     * @param {object} [payload]
     * @returns {Promise<Answers[What]>} the answer
     * @throws {Refusal} Python refuses
     * @throws {Superseded} a newer question of this kind was asked before this one went out, or before its answer came
     * @throws {Lost} no answer came
     */
    ask(what, payload = {}) {
        return new Promise((resolve, reject) => {
            if (LATEST.has(what)) {
                const older = this.waiting.filter((one) => one.what === what);
                this.waiting = this.waiting.filter((one) => one.what !== what);
                for (const one of older) one.reject(new Superseded(what));
                // its answer is still waited for, so that two never share the box
                if (this.open?.what === what) this.open.reject(new Superseded(what));
            }
            this.waiting.push({ what, payload, resolve: /** @type {(answer: object) => void} */ (resolve), reject });
            this.next();
        });
    }

    /** @private */
    next() {
        if (this.open !== null) return;
        const question = this.waiting.shift();
        if (question === undefined) return;
        const open = { ...question, n: ++this.n, until: this.clock.now() + PATIENCE[question.what] };
        this.open = open;
        try {
            this.wire.send(JSON.stringify({ n: open.n, what: question.what, ...question.payload }));
        } catch (error) {
            this.close(() => question.reject(asError(error)));
            return;
        }
        this.clock.later(() => this.look(open), POLL);
    }

    /** @private @param {Waiting & {n: number, until: number}} open */
    look(open) {
        const { n, until, resolve, reject, what } = open;
        const answer = parsed(this.wire.receive());
        if (answer?.n === n) {
            this.close(() => {
                if (answer.ok) resolve(answer);
                else reject(new Refusal(answer.error ?? "this could not be done", answer.kind));
            });
        } else if (this.clock.now() >= until) {
            this.close(() => reject(new Lost(what)));
        } else {
            this.clock.later(() => this.look(open), POLL);
        }
    }

    /** @private @param {() => void} settle */
    close(settle) {
        this.open = null;
        settle();
        this.next();
    }
}

/** @param {string} text @returns {Reply|null} */
function parsed(text) {
    try {
        return text === "" ? null : JSON.parse(text);
    } catch {
        return null;
    }
}
