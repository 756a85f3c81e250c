/**
 * The words of the page and the list of regions are one thing: what is typed changes the regions, what is changed in
 * the list or by drawing is written in words. Neither answers to its own echo.
 *
 * @typedef {import("./document.mjs").Document} Document
 * @typedef {import("./document.mjs").Spoken} Spoken
 */

import { UNMOVED, addRegion, changeRegion, findRegion, isUnmoved, mergeRegions, removeRegion, saidOf } from "./document.mjs";
import { Lost, Refusal, Superseded } from "./channel.mjs";
import { turnArrows } from "./steer.mjs";

/** @import { Region, Said } from "./document.mjs" */
/** @import { Answers, Asked, Motion, Parsed, Question } from "./types" */

/** Names that painted areas are given without words. */
const UNNAMED = /^(area|region)( \d+)?$/;

/** @param {Parsed} parsed @returns {Spoken} */
export function spokenOf(parsed) {
    /** @type {Map<string, Said>} */
    const spoken = new Map();
    for (const name of parsed.regions) spoken.set(name.toLowerCase(), UNMOVED);
    for (const { region, angle, kind, speed } of parsed.motions) spoken.set(region.toLowerCase(), { angle, kind, speed });
    for (const [name, { angle, kind, speed }] of boundOf(parsed)) spoken.set(name.toLowerCase(), { angle, kind, speed });
    return Object.fromEntries(spoken);
}

/**
 * Painted regions that have a name, and the motion that each takes.
 * @param {Parsed} parsed
 * @returns {[string, Motion][]}
 */
function boundOf(parsed) {
    return Object.entries(parsed.bound ?? {})
        .filter(([name]) => !UNNAMED.test(name))
        .map(([name, index]) => [name, parsed.motions[index]]);
}

/** The names of motions that painted regions of other names take. @param {Parsed} parsed @returns {Set<string>} */
function taken(parsed) {
    const pairs = boundOf(parsed).map(([name, motion]) => [name.toLowerCase(), motion.region.toLowerCase()]);
    return new Set(pairs.filter(([name, motion]) => name !== motion).map(([, motion]) => motion));
}

/**
 * The document after the words have changed. Where the words say what they said before, what was drawn stays.
 * @param {Document} document
 * @param {Parsed} parsed
 * @param {Spoken} before  what the words said before
 * @returns {Document}
 */
export function merge(document, parsed, before) {
    const now = spokenOf(parsed);
    const elsewhere = taken(parsed);
    let result = named(document, parsed, now, before, elsewhere);
    const said = [...parsed.regions, ...parsed.motions.map((motion) => motion.region)];
    // the run moves the painted region of another name; a row of its own would be a phantom
    const names = [...said.filter((name) => !elsewhere.has(name.toLowerCase())), ...boundOf(parsed).map(([name]) => name)];
    for (const name of elsewhere) {
        const region = findRegion(result, name);
        if (region !== undefined && !isUsed(result, region)) result = removeRegion(result, region.name);
    }
    for (const name of new Set(names.map((one) => one.toLowerCase()))) {
        const region = findRegion(result, name);
        if (region === undefined) {
            result = addRegion(result, { name: names.find((one) => one.toLowerCase() === name) ?? name, ...now[name] });
        } else if (!sameMotion(now[name], saidOf(before, name))) {
            result = changeRegion(result, region.name, now[name]);
        }
    }
    for (const name of Object.keys(before)) {
        const region = findRegion(result, name);
        if (saidOf(now, name) !== undefined || region === undefined) continue;
        if (isUsed(result, region)) result = changeRegion(result, region.name, UNMOVED);
        else result = removeRegion(result, region.name);
    }
    return result;
}

/**
 * The document after something was painted that the words call by another name: it is the region that they mean.
 * @param {Document} document
 * @param {Parsed} parsed
 * @returns {Document}
 */
export function asMeant(document, parsed) {
    let result = document;
    for (const [name, motion] of boundOf(parsed)) {
        const [painted, said] = [name, motion.region].map((one) => findRegion(result, one));
        if (painted === undefined || said === undefined || painted === said) continue;
        if (isUnmoved(painted) && !isUsed(result, said)) result = mergeRegions(result, painted.name, said.name);
    }
    return result;
}

/** Whether a region is painted, or has an arrow. @param {Document} document @param {Region} region */
function isUsed(document, region) {
    return region.mask !== null || document.arrows.some((arrow) => arrow.region === region.name);
}

/**
 * Painted areas that nothing names take the new names in their order, so that what is painted goes the way that is said.
 * @param {Document} document
 * @param {Parsed} parsed
 * @param {Spoken} now
 * @param {Spoken} before
 * @param {Set<string>} elsewhere
 */
function named(document, parsed, now, before, elsewhere) {
    const fresh = parsed.regions.filter((name) => findRegion(document, name) === undefined && !elsewhere.has(name.toLowerCase()));
    const open = document.regions.filter(({ name, mask }) => (
        mask !== null && saidOf(now, name) === undefined && (UNNAMED.test(name) || saidOf(before, name) !== undefined)));
    const painted = document.regions.filter((region) => region.mask !== null);
    // of several names the first is that of the only region, as a run has it; else nothing says which is meant
    const first = fresh.length > 1 && open.length === 1 && painted.length === 1;
    if (fresh.length !== open.length && !first) return document;
    return open.reduce((result, region, index) => renamed(result, region, fresh[index], now, before), document);
}

/** @param {Document} document @param {Region} region @param {string} name @param {Spoken} now @param {Spoken} before */
function renamed(document, region, name, now, before) {
    const said = sameMotion(region, saidOf(before, region.name));
    // what was drawn as its motion stays; the words follow it
    const motion = isUnmoved(region) || said ? now[name.toLowerCase()] : {};
    return changeRegion(document, region.name, { name, ...motion });
}

/** @param {Said} a @param {Said|undefined} b */
function sameMotion(a, b) {
    // a region that is only mentioned says nothing of its motion
    if (b === undefined) return isUnmoved(a);
    return a.angle === b.angle && a.kind === b.kind && a.speed === b.speed;
}

/** What of the regions can be said. @param {Document} document */
export function sayable(document) {
    return document.regions
        .filter((region) => region.angle !== null || region.kind !== "translate")
        .map(({ name, angle, kind, speed }) => ({ name, angle, kind, speed }));
}

/** Keeps the words and the regions in step. */
export class Words {
    /**
     * @param {Asked} channel
     * @param {import("./store.mjs").Store} store
     * @param {{motion: () => string, prompt: () => string, setMotion: (text: string) => void}} page
     * @param {(sentence: string) => void} report  tells the user what went wrong
     */
    constructor(channel, store, page, report) {
        this.channel = channel;
        this.store = store;
        this.page = page;
        this.report = report;
        /** The words as they were last read or written here: what differs was typed. */
        /** @type {{motion?: string, prompt?: string}} */
        this.seen = { motion: page.motion(), prompt: page.prompt() };
        /** Whether a gesture is in hand; it ends on the document it began with, so words wait for its end. */
        this.held = () => false;
    }

    /** Whether the page's words have changed since they were last looked at. */
    get changed() {
        return this.page.motion() !== this.seen.motion || this.page.prompt() !== this.seen.prompt;
    }

    /** The words have changed: bring the regions in step. */
    async typed() {
        const asked = { motion: this.page.motion(), prompt: this.page.prompt() };
        this.seen = asked;
        const parsed = await this.asking("parse", { ...asked, regions: this.painted() });
        if (parsed === null || this.store.picture === null || this.seen !== asked || this.changed) return;
        if (this.held()) {
            this.seen = {};
            return;
        }
        const { document, spoken } = this.store.state;
        const merged = merge(document, parsed, spoken);
        const turned = merged === document ? document : turnArrows(merged, this.store.opened);
        this.store.takeWords({ document: turned, words: asked.motion, spoken: spokenOf(parsed) });
    }

    /** The regions have changed: say so in words. */
    async drawn() {
        const { document } = this.store.state;
        const asked = this.seen;
        const answer = await this.asking("describe", { regions: sayable(document), motion: this.page.motion() });
        // whoever typed in the meantime is right
        if (answer === null || this.seen !== asked || this.changed || this.store.state.document.regions !== document.regions) return;
        this.put(answer.motion);
        this.store.amendWords({ words: answer.motion, spoken: this.store.state.spoken });
        const parsed = await this.asking("parse", { ...this.seen, regions: this.painted() });
        if (parsed === null || this.page.motion() !== answer.motion || this.store.state.document.regions !== document.regions) return;
        this.store.amendWords({ words: answer.motion, spoken: spokenOf(parsed) });
        const { document: now } = this.store.state;
        const meant = asMeant(now, parsed);
        if (meant !== now) this.store.amendDocument(meant);
    }

    /** The names of the regions that a run will move as they are painted. @private */
    painted() {
        return this.store.state.document.regions.filter((region) => region.mask !== null).map((region) => region.name);
    }

    /** Write words into the page without hearing them as typed. @param {string} text */
    put(text) {
        if (text !== this.page.motion()) this.page.setMotion(text);
        this.seen = { motion: this.page.motion(), prompt: this.page.prompt() };
    }

    /**
     * @private
     * @template {Question} What
     * @param {What} what
     * @param {object} payload
     * @returns {Promise<Answers[What]|null>} null where there is no answer; why is told
     */
    async asking(what, payload) {
        try {
            return await this.channel.ask(what, payload);
        } catch (error) {
            if (error instanceof Superseded) return null;
            if (!(error instanceof Refusal || error instanceof Lost)) throw error;
            this.report(error instanceof Lost ? "The words could not be read: no answer came." : error.message);
            return null;
        }
    }
}
