/** The work on each picture, kept in the tab (and only there) over a reload and while another picture is open. */

/** @import { Spoken } from "./document.mjs" */

/** @typedef {{document: object, words: string, spoken: Spoken, unsaid?: boolean}} Work  as it is kept; the document as JSON */

const PREFIX = "t2c:work:";

export class Keep {
    /** @param {Storage} storage */
    constructor(storage) {
        this.storage = storage;
    }

    /**
     * @param {string} key  of the picture
     * @returns {Work|null}
     */
    load(key) {
        try {
            return JSON.parse(this.storage.getItem(PREFIX + key) ?? "null")?.work ?? null;
        } catch {
            return null;
        }
    }

    /** @returns {boolean} whether there is a drawing on any picture */
    get drawn() {
        return this.others("").some((name) => /^\{"at":\d+,"drawn":true/.test(this.storage.getItem(name) ?? ""));
    }

    /**
     * Keep the work on a picture; where there is no room, that of the pictures not seen for longest goes.
     * @param {boolean} drawn  whether something was drawn, beyond what words say
     * @param {string} key
     * @param {Work} work
     * @returns {boolean} whether it is kept
     */
    save(key, work, drawn) {
        const text = JSON.stringify({ at: Date.now(), drawn, work });
        for (;;) {
            try {
                this.storage.setItem(PREFIX + key, text);
                return true;
            } catch {
                const oldest = this.others(key)[0];
                if (oldest === undefined) {
                    this.storage.removeItem(PREFIX + key);
                    return false;
                }
                this.storage.removeItem(oldest);
            }
        }
    }

    /** @param {string} key */
    drop(key) {
        this.storage.removeItem(PREFIX + key);
    }

    /** @private @param {string} key */
    others(key) {
        /** @param {string} name */
        const age = (name) => Number(/^\{"at":(\d+)/.exec(this.storage.getItem(name) ?? "")?.[1] ?? 0);
        return Object.keys(this.storage)
            .filter((name) => name.startsWith(PREFIX) && name !== PREFIX + key)
            .sort((a, b) => age(a) - age(b));
    }
}
