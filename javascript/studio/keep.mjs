/** The work on each picture, kept in the tab (and only there) over a reload and while another picture is open. */

const PREFIX = "t2c:work:";

export class Keep {
    /** @param {Storage} storage */
    constructor(storage) {
        this.storage = storage;
    }

    /**
     * @param {string} key  of the picture
     * @returns {{document: object, words: string, spoken: object}|null}
     */
    load(key) {
        try {
            return JSON.parse(this.storage.getItem(PREFIX + key) ?? "null")?.work ?? null;
        } catch {
            return null;
        }
    }

    /**
     * Keep the work on a picture; where there is no room, that of the pictures not seen for longest goes.
     * @returns {boolean} whether it is kept
     */
    save(key, work) {
        const text = JSON.stringify({ at: Date.now(), work });
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

    drop(key) {
        this.storage.removeItem(PREFIX + key);
    }

    /** @private */
    others(key) {
        const age = (name) => Number(/^\{"at":(\d+)/.exec(this.storage.getItem(name) ?? "")?.[1] ?? 0);
        return Object.keys(this.storage)
            .filter((name) => name.startsWith(PREFIX) && name !== PREFIX + key)
            .sort((a, b) => age(a) - age(b));
    }
}
