/**
 * Undo and redo by snapshots that never change: going back gives the very object that was there.
 *
 * @template State
 */
export class History {
    /**
     * @param {State} first
     * @param {{steps?: number, weight?: number, weigh?: (states: State[]) => number}} [limits]
     *   steps: the longest way back; weight: of all states together, as `weigh` measures it
     */
    constructor(first, limits = {}) {
        this.limits = { steps: 200, weight: 128e6, weigh: () => 0, ...limits };
        /** @type {{state: State, label: string}[]} */
        this.entries = [{ state: first, label: "" }];
        this.at = 0;
        /** Grows with each step there and back, and not where the present state is amended. */
        this.moves = 0;
    }

    /** @returns {State} */
    get state() {
        return this.entries[this.at].state;
    }

    /** What undo would take back, or null. */
    get undoLabel() {
        return this.at > 0 ? this.entries[this.at].label : null;
    }

    /** What redo would do again, or null. */
    get redoLabel() {
        return this.at + 1 < this.entries.length ? this.entries[this.at + 1].label : null;
    }

    /** @param {State} state @param {string} label */
    push(state, label) {
        this.entries.length = this.at + 1;
        this.entries.push({ state, label });
        while (this.entries.length > 2 && this.tooLarge()) this.entries.shift();
        this.at = this.entries.length - 1;
        this.moves++;
    }

    /** Change the present state without a step of its own. @param {State} state */
    amend(state) {
        this.entries[this.at] = { ...this.entries[this.at], state };
    }

    /** @returns {State} */
    undo() {
        this.at = Math.max(0, this.at - 1);
        this.moves++;
        return this.state;
    }

    /** @returns {State} */
    redo() {
        this.at = Math.min(this.entries.length - 1, this.at + 1);
        this.moves++;
        return this.state;
    }

    /** @private */
    tooLarge() {
        const { steps, weight, weigh } = this.limits;
        return this.entries.length > steps + 1 || weigh(this.entries.map((entry) => entry.state)) > weight;
    }
}
