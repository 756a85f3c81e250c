/** The list of regions beside the stage: name, colour, direction, speed, whether it is shown. */

import { addRegion, changeRegion, findRegion, freeName, isSought, mergeRegions, removeRegion } from "./document.mjs";
import { el, icon, iconButton, svg } from "./dom.mjs";
import { unpainted } from "./found.mjs";
import { arrowSpeed, stretchArrows, turnArrows } from "./steer.mjs";

const SLOWEST = 0.25;
const FASTEST = 4;
const TURNS = [["translate", "flows"], ["swirl_ccw", "turns left"], ["swirl_cw", "turns right"]];

/** @returns {string} */
function said(region) {
    if (region.kind === "swirl_cw") return "turns right";
    if (region.kind === "swirl" || region.kind === "swirl_ccw") return "turns left";
    return region.angle === null ? "any way" : `${Math.round(((region.angle % 360) + 360) % 360)}°`;
}

export class RegionList {
    /**
     * @param {import("./store.mjs").Store} store
     * @param {{draw: () => void, say: (sentence: string) => void}} acts
     */
    constructor(store, acts) {
        Object.assign(this, { store, acts });
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
        const input = [...this.list.querySelectorAll("input.t2c-name")].at(-1);
        input?.focus();
        input?.select();
    }

    /** Draw the list anew, except where the user is at work in it. */
    refresh() {
        const { document } = this.store.state;
        this.found = new Map(unpainted(document, this.store.found).map((row) => [row.name, row]));
        this.none.hidden = document.regions.length > 0 || this.store.picture === null;
        this.add.disabled = this.store.picture === null;
        const rows = new Map([...this.list.children].map((row) => [row.dataset.name, row]));
        const wanted = document.regions.map((region) => {
            const row = rows.get(region.name) ?? this.row(region.name);
            this.update(row, region);
            return row;
        });
        const same = wanted.length === this.list.children.length && wanted.every((row, index) => this.list.children[index] === row);
        if (!same) this.list.replaceChildren(...wanted);
    }

    /** @private */
    region(row) {
        return findRegion(this.store.state.document, row.dataset.name);
    }

    /** @private */
    row(name) {
        const row = el("li", { class: "t2c-region", "data-name": name });
        const change = (changed, label) => this.change(row.dataset.name, changed, label);
        const colour = el("input", {
            type: "color", class: "t2c-colour", "aria-label": "Colour",
            onchange: () => change({ colour: colour.value }, "another colour"),
        });
        const input = el("input", {
            type: "text", class: "t2c-name", "aria-label": "Name of the region", maxlength: 60, spellcheck: "false",
            onchange: () => this.rename(row, input),
            onkeydown: (event) => { if (event.key === "Enter") input.blur(); },
        });
        const eye = iconButton("eye", "Hide its paint", () => this.toggle(row.dataset.name), { class: "t2c-button t2c-small t2c-eye" });
        const bin = iconButton("trash", "Remove the region", () => this.remove(row.dataset.name), { class: "t2c-button t2c-small" });
        const kind = el("select", {
            class: "t2c-kind", "aria-label": "How it moves",
            onchange: () => this.turn(row.dataset.name, kind.value),
        }, ...TURNS.map(([value, text]) => el("option", { value, text })));
        const speed = el("input", {
            type: "range", min: -20, max: 20, step: 1, class: "t2c-speed", "aria-label": "Speed",
            oninput: () => { row.querySelector(".t2c-speed-said").textContent = `${speedOf(speed.value)}×`; },
            onchange: () => this.pace(row.dataset.name, speedOf(speed.value)),
        });
        row.append(
            el("div", { class: "t2c-region-head" }, colour, input, eye, bin),
            el("div", { class: "t2c-region-body" },
                this.dial(row),
                el("div", { class: "t2c-region-way" },
                    el("div", { class: "t2c-line" }, kind, el("output", { class: "t2c-angle-said" })),
                    el("label", { class: "t2c-line" }, el("span", { text: "speed" }), speed, el("output", { class: "t2c-speed-said" })))),
            el("p", { class: "t2c-hint t2c-whence" }),
        );
        row.addEventListener("pointerdown", () => { if (this.store.active !== row.dataset.name) this.store.activate(row.dataset.name); });
        row.addEventListener("focusin", () => { if (this.store.active !== row.dataset.name) this.store.activate(row.dataset.name); });
        return row;
    }

    /** A dial: drag its hand, or turn it with the cursor keys; a double click leaves the direction open. @private */
    dial(row) {
        const hand = svg("path", { class: "t2c-hand", d: "M0 0H13M9 -4.500 13.500 0 9 4.500" });
        const dial = el("div", { class: "t2c-dial", role: "slider", tabindex: "0", "aria-label": "Direction", "aria-valuemin": 0, "aria-valuemax": 359 },
            svg("svg", { viewBox: "-20 -20 40 40", "aria-hidden": "true" },
                svg("circle", { r: 18, class: "t2c-face" }),
                ...[0, 90, 180, 270].map((angle) => svg("path", { d: "M15 0H18", class: "t2c-tick", transform: `rotate(${angle})` })), hand));
        const angleAt = (event) => {
            const box = dial.getBoundingClientRect();
            const angle = (Math.atan2(box.top + box.height / 2 - event.clientY, event.clientX - box.left - box.width / 2) * 180) / Math.PI;
            const step = event.shiftKey ? 1 : 5;
            return (Math.round(angle / step) * step + 360) % 360;
        };
        const put = (angle) => this.change(row.dataset.name, { angle, kind: "translate" }, "another direction", "dial");
        let turning = null;
        dial.addEventListener("pointerdown", (event) => {
            dial.setPointerCapture(event.pointerId);
            turning = angleAt(event);
            this.showAngle(row, turning);
        });
        dial.addEventListener("pointermove", (event) => {
            if (turning === null) return;
            turning = angleAt(event);
            this.showAngle(row, turning);
        });
        dial.addEventListener("pointerup", () => {
            if (turning !== null) put(turning);
            turning = null;
        });
        dial.addEventListener("pointercancel", () => { turning = null; this.refresh(); });
        dial.addEventListener("dblclick", () => put(null));
        dial.addEventListener("keydown", (event) => {
            const step = { ArrowLeft: 5, ArrowUp: 5, ArrowRight: -5, ArrowDown: -5 }[event.key];
            if (event.key === "Delete" || event.key === "Backspace") put(null);
            else if (step !== undefined) put(((this.region(row).angle ?? 0) + (event.shiftKey ? step / 5 : step) + 360) % 360);
            else return;
            event.preventDefault();
            event.stopPropagation();
        });
        return dial;
    }

    /** @private */
    showAngle(row, angle) {
        const dial = row.querySelector(".t2c-dial");
        dial.classList.toggle("t2c-open", angle === null);
        dial.querySelector(".t2c-hand").setAttribute("transform", `rotate(${-(angle ?? 0)})`);
        if (angle !== null) dial.setAttribute("aria-valuenow", String(Math.round(angle)));
        else dial.removeAttribute("aria-valuenow");
        const text = said({ angle, kind: "translate" });
        dial.setAttribute("aria-valuetext", text);
        row.querySelector(".t2c-angle-said").textContent = text;
    }

    /** @private */
    update(row, region) {
        const hidden = this.store.hidden.has(region.name);
        row.classList.toggle("t2c-active", region.name === this.store.active);
        row.classList.toggle("t2c-unpainted", region.mask === null);
        row.style.setProperty("--t2c-colour", region.colour);
        const put = (selector, value) => {
            const field = row.querySelector(selector);
            if (field !== document.activeElement || field.type !== "text") field.value = value;
        };
        put(".t2c-colour", region.colour);
        put(".t2c-name", region.name);
        put(".t2c-kind", region.kind === "swirl" ? "swirl_ccw" : region.kind);
        // where arrows are drawn, their length is the speed
        const drawn = region.kind === "translate" ? arrowSpeed(this.store.state.document, region.name, this.store.picture) : null;
        const pace = drawn ?? region.speed;
        put(".t2c-speed", String(placeOf(pace)));
        row.querySelector(".t2c-speed").title = drawn === null ? "" : "The length of its arrow";
        row.querySelector(".t2c-speed-said").textContent = `${drawn === null ? Number(pace.toFixed(2)) : pace.toFixed(1)}×`;
        this.showAngle(row, region.kind === "translate" ? region.angle : null);
        row.querySelector(".t2c-angle-said").textContent = region.kind === "translate" ? said(region) : "";
        const eye = row.querySelector(".t2c-eye");
        eye.replaceChildren(icon(hidden ? "hidden" : "eye"));
        const { document: shown, spoken } = this.store.state;
        const found = this.found.get(region.name);
        const whence = row.querySelector(".t2c-whence");
        const asked = isSought(shown, region, spoken);
        const old = this.store.found.stale ? " (before the last change)" : "";
        whence.textContent = found === undefined ? "The run looks for it by its name" : `Found: ${found.source}${old}`;
        whence.title = found === undefined ? "" : "The first stroke begins from what was found";
        whence.hidden = found === undefined && !asked;
        eye.disabled = region.mask === null && found === undefined;
        const what = found === undefined ? "its paint" : "what was found";
        eye.title = eye.disabled ? "Nothing is painted yet" : `${hidden ? "Show" : "Hide"} ${what}`;
        eye.setAttribute("aria-label", eye.title);
        eye.setAttribute("aria-pressed", String(hidden));
    }

    /** @private */
    change(name, changed, label, control = null) {
        const { document } = this.store.state;
        let after = changeRegion(document, name, changed);
        if ("angle" in changed && changed.angle !== null) after = turnArrows(after, this.store.picture);
        this.store.commit(after, label, "drawing", control === null ? null : `${control} of ${name}`);
    }

    /** Another kind of motion; one that flows again goes where it went. @private */
    turn(name, kind) {
        const { angle } = findRegion(this.store.state.document, name);
        if (angle !== null) this.ways.set(name, angle);
        this.change(name, { kind, angle: kind === "translate" ? this.ways.get(name) ?? null : null }, "another motion");
    }

    /** Another speed: that of its arrows, where it has some. @private */
    pace(name, speed) {
        const { document } = this.store.state;
        const region = findRegion(document, name);
        const drawn = region.kind === "translate" ? arrowSpeed(document, name, this.store.picture) : null;
        // the slider's places are coarser than the speeds that words and arrows have
        const same = placeOf(speed) === placeOf(drawn ?? region.speed);
        if (!same && drawn === null) this.change(name, { speed }, "another speed", "speed");
        else if (!same) this.store.commit(stretchArrows(document, name, speed, this.store.picture), "another speed", "drawing", `speed of ${name}`);
        this.refresh();
    }

    /** @private */
    rename(row, input) {
        const { document } = this.store.state;
        const [before, wanted] = [row.dataset.name, input.value.trim()];
        if (wanted === before) return;
        const other = findRegion(document, wanted);
        const free = other?.mask === null && !this.found.has(other.name) && findRegion(document, before).mask !== null;
        if (free && other.name !== before) {
            this.adopt(row, other.name);
            return;
        }
        if (wanted === "" || (other !== undefined && other.name !== before)) {
            this.acts.say(wanted === "" ? "A region needs a name." : `There is a region called ${other.name} already.`);
            input.value = before;
            return;
        }
        row.dataset.name = wanted;
        if (this.store.hidden.delete(before)) this.store.hidden.add(wanted);
        this.store.active = wanted;
        this.store.commit(changeRegion(document, before, { name: wanted }), "another name");
    }

    /** A painted region takes the name of one that was only said, and its place. @private */
    adopt(row, name) {
        const before = row.dataset.name;
        if (this.store.hidden.delete(before)) this.store.hidden.add(name);
        this.store.active = name;
        this.store.commit(mergeRegions(this.store.state.document, before, name), "another name");
    }

    /** @private */
    remove(name) {
        this.store.commit(removeRegion(this.store.state.document, name), `removing ${name}`);
    }

    /** @private */
    toggle(name) {
        if (!this.store.hidden.delete(name)) this.store.hidden.add(name);
        this.refresh();
        this.acts.draw();
    }
}

/** @returns {number} a speed's place on the slider, -20 to 20 */
function placeOf(speed) {
    return Math.round((20 * Math.log(Math.min(FASTEST, Math.max(SLOWEST, speed)))) / Math.log(FASTEST));
}

/** @returns {number} the speed at a place of the slider, two figures */
function speedOf(value) {
    return Number(Math.exp((Number(value) / 20) * Math.log(FASTEST)).toFixed(2));
}
