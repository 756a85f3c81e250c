/** The list of regions beside the stage: name, colour, direction, speed, whether it is shown. */

import { addRegion, changeRegion, findRegion, freeName, mergeRegions, regionCalled, removeRegion } from "./document.mjs";
import { el, iconButton } from "./dom.mjs";
import { unpainted } from "./found.mjs";
import { RegionRow } from "./row.mjs";
import { arrowSpeed, paceArrows, turnArrows } from "./steer.mjs";

/** @import { Kind, Region } from "./document.mjs" */
/** @import { Row } from "./found.mjs" */

export class RegionList {
    /**
     * @param {import("./store.mjs").Store} store
     * @param {{draw: () => void, say: (sentence: string) => void}} acts
     */
    constructor(store, acts) {
        this.store = store;
        this.acts = acts;
        /** @type {RegionRow[]} */
        this.rows = [];
        /** @type {Map<string, Row>} what was found and is not painted, by its region */
        this.found = new Map();
        /** @type {Map<string, number>} the direction that a region had before it turned */
        this.ways = new Map();
        this.list = el("ul", { class: "t2c-regions", "aria-label": "Regions" });
        this.none = el("p", { class: "t2c-hint", text: "Paint with the brush, or write what moves: “river flowing left”." });
        this.add = iconButton("plus", "Add a region", () => this.addOne(), { class: "t2c-button t2c-small" });
        this.element = el("section", { class: "t2c-side", "aria-label": "Regions" },
            el("header", {}, el("h3", { text: "Regions" }), this.add), this.list, this.none);
        store.on("change", ({ from }) => {
            if (from === "open") this.ways.clear();
            this.refresh();
        });
        store.on("selection", () => this.refresh());
        store.on("found", () => this.refresh());
        this.refresh();
    }

    /** @private */
    addOne() {
        const { document } = this.store.state;
        const name = freeName(document, "area");
        this.store.active = name;
        this.store.commit(addRegion(document, { name }), `adding ${name}`);
        const input = this.rows.at(-1)?.input;
        input?.focus();
        input?.select();
    }

    /** Draw the list anew, except where the user is at work in it. */
    refresh() {
        const { document } = this.store.state;
        this.found = new Map(unpainted(document, this.store.found).map((row) => [row.name, row]));
        this.none.hidden = document.regions.length > 0 || this.store.picture === null;
        this.add.disabled = this.store.picture === null;
        const rows = new Map(this.rows.map((row) => [row.name, row]));
        const wanted = document.regions.map((region) => {
            const row = rows.get(region.name) ?? new RegionRow(region.name, this);
            row.update(region, this.store, this.found.get(region.name));
            return row;
        });
        const same = wanted.length === this.rows.length && wanted.every((row, index) => this.rows[index] === row);
        this.rows = wanted;
        if (!same) this.list.replaceChildren(...wanted.map((row) => row.element));
    }

    /** @param {RegionRow} row */
    region(row) {
        return regionCalled(this.store.state.document, row.name);
    }

    /** Paint in a row's region from now on. @param {RegionRow} row */
    activate(row) {
        if (this.store.active !== row.name) this.store.activate(row.name);
    }

    /**
     * @param {string} name
     * @param {Partial<Region>} changed
     * @param {string} label
     * @param {string|null} [control]
     */
    change(name, changed, label, control = null) {
        const { document } = this.store.state;
        let after = changeRegion(document, name, changed);
        if ("angle" in changed && changed.angle !== null) after = turnArrows(after, this.store.opened);
        this.store.commit(after, label, "drawing", control === null ? null : `${control} of ${name}`);
    }

    /**
     * Another kind of motion; one that flows again goes where it went.
     * @param {string} name
     * @param {Kind} kind
     */
    turn(name, kind) {
        const { angle } = regionCalled(this.store.state.document, name);
        if (angle !== null) this.ways.set(name, angle);
        this.change(name, { kind, angle: kind === "translate" ? this.ways.get(name) ?? null : null }, "another motion");
    }

    /** Another speed: that of its arrows, where it has some. @param {string} name @param {number} speed */
    pace(name, speed) {
        const { document } = this.store.state;
        const region = regionCalled(document, name);
        const drawn = region.kind === "translate" ? arrowSpeed(document, name, this.store.opened) : null;
        const same = Math.abs(speed - (drawn ?? region.speed)) < 0.005;
        if (!same && drawn === null) this.change(name, { speed }, "another speed", "speed");
        else if (!same) this.store.commit(paceArrows(document, name, speed, this.store.opened), "another speed", "drawing", `speed of ${name}`);
        this.refresh();
    }

    /** Take the name that is typed in a row, where it is free. @param {RegionRow} row */
    rename(row) {
        const { document } = this.store.state;
        const [before, wanted] = [row.name, row.input.value.trim()];
        if (wanted === before) return;
        const other = findRegion(document, wanted);
        const free = other?.mask === null && !this.found.has(other.name) && regionCalled(document, before).mask !== null;
        if (free && other.name !== before) {
            this.adopt(row, other.name);
            return;
        }
        if (wanted === "" || (other !== undefined && other.name !== before)) {
            this.acts.say(other === undefined ? "A region needs a name." : `There is a region called ${other.name} already.`);
            row.input.value = before;
            return;
        }
        row.call(wanted);
        if (this.store.hidden.delete(before)) this.store.hidden.add(wanted);
        this.store.active = wanted;
        this.store.commit(changeRegion(document, before, { name: wanted }), "another name");
    }

    /**
     * A painted region takes the name of one that was only said, and its place.
     * @private
     * @param {RegionRow} row
     * @param {string} name
     */
    adopt(row, name) {
        const before = row.name;
        if (this.store.hidden.delete(before)) this.store.hidden.add(name);
        this.store.active = name;
        this.store.commit(mergeRegions(this.store.state.document, before, name), "another name");
    }

    /** @param {string} name */
    remove(name) {
        this.store.commit(removeRegion(this.store.state.document, name), `removing ${name}`);
    }

    /** Show a region's paint, or no longer. @param {string} name */
    toggle(name) {
        if (!this.store.hidden.delete(name)) this.store.hidden.add(name);
        this.refresh();
        this.acts.draw();
    }
}
