/** One region in the list: its name, colour, dial, speed, and whether it is shown. */

import { isSought } from "./document.mjs";
import { el, icon, iconButton, svg } from "./dom.mjs";
import { arrowSpeed } from "./steer.mjs";

/** @import { Kind, Region } from "./document.mjs" */
/** @import { Row } from "./found.mjs" */
/** @import { Store } from "./store.mjs" */

/**
 * What a row asks of the list.
 * @typedef {object} Acts
 * @property {(row: RegionRow) => void} activate
 * @property {(name: string, changed: Partial<Region>, label: string, control?: string) => void} change
 * @property {(name: string, kind: Kind) => void} turn
 * @property {(name: string, speed: number) => void} pace
 * @property {(row: RegionRow) => void} rename
 * @property {(name: string) => void} remove
 * @property {(name: string) => void} toggle  whether it is shown
 * @property {(row: RegionRow) => Region} region
 * @property {() => void} refresh
 */

const SLOWEST = 0.25;
const FASTEST = 4;

/** The largest number that can be typed. */
const MOST = 100;

/** @type {[Kind, string][]} */
const TURNS = [
    ["translate", "flows"], ["swirl_ccw", "turns left"], ["swirl_cw", "turns right"],
    ["sway", "sways"], ["flicker", "flickers"], ["ripple", "ripples"], ["waves", "rolls in waves"],
    ["fall", "falls as specks"], ["parallax", "shifts with the camera"], ["push", "comes nearer and goes"],
];

/** Degrees that a cursor key turns the dial. @type {{[key: string]: number|undefined}} */
const STEPS = { ArrowLeft: 5, ArrowUp: 5, ArrowRight: -5, ArrowDown: -5 };

/** @param {Pick<Region, "kind"|"angle">} region @returns {string} */
function said(region) {
    if (region.kind === "swirl_cw") return "turns right";
    if (region.kind === "swirl" || region.kind === "swirl_ccw") return "turns left";
    const law = TURNS.find(([kind]) => kind === region.kind && kind !== "translate");
    if (law !== undefined) return law[1];
    return region.angle === null ? "any way" : `${Math.round(((region.angle % 360) + 360) % 360)}°`;
}

export class RegionRow {
    /** @param {string} name @param {Acts} acts */
    constructor(name, acts) {
        this.name = name;
        this.acts = acts;
        /** The speed that is shown. */
        this.pace = 1;
        this.colour = el("input", {
            type: "color", class: "t2c-colour", "aria-label": "Colour",
            onchange: () => acts.change(this.name, { colour: this.colour.value }, "another colour"),
        });
        this.input = el("input", {
            type: "text", class: "t2c-name", "aria-label": "Name of the region", maxlength: 60, spellcheck: "false",
            onchange: () => acts.rename(this),
            onkeydown: (event) => { if (event.key === "Enter") this.input.blur(); },
        });
        this.eye = iconButton("eye", "Hide its paint", () => acts.toggle(this.name), { class: "t2c-button t2c-small t2c-eye" });
        const bin = iconButton("trash", "Remove the region", () => acts.remove(this.name), { class: "t2c-button t2c-small" });
        this.kind = el("select", {
            class: "t2c-kind", "aria-label": "How it moves",
            onchange: () => acts.turn(this.name, /** @type {Kind} */ (this.kind.value)),
        }, ...TURNS.map(([value, text]) => el("option", { value, text })));
        this.speed = el("input", {
            type: "range", min: -20, max: 20, step: 1, class: "t2c-speed", "aria-label": "Speed",
            oninput: () => { this.number.value = String(speedOf(this.speed.value)); },
            // its places are coarser than the speeds that words, arrows and numbers have
            onchange: () => { if (Number(this.speed.value) !== placeOf(this.pace)) acts.pace(this.name, speedOf(this.speed.value)); },
        });
        this.number = el("input", {
            type: "number", min: 0, max: MOST, step: 0.05, class: "t2c-number", "aria-label": "Speed as a number",
            onchange: () => {
                const asked = Number(this.number.value);
                if (this.number.value !== "" && asked >= 0 && asked <= MOST) acts.pace(this.name, asked);
                else acts.refresh();
            },
        });
        this.angleSaid = el("output", { class: "t2c-angle-said" });
        this.whence = el("p", { class: "t2c-hint t2c-whence" });
        this.hand = svg("path", { class: "t2c-hand", d: "M0 0H13M9 -4.500 13.500 0 9 4.500" });
        this.dial = this.makeDial();
        this.element = el("li", { class: "t2c-region", "data-name": name, onpointerdown: () => acts.activate(this), onfocusin: () => acts.activate(this) },
            el("div", { class: "t2c-region-head" }, this.colour, this.input, this.eye, bin),
            el("div", { class: "t2c-region-body" },
                this.dial,
                el("div", { class: "t2c-region-way" },
                    el("div", { class: "t2c-line" }, this.kind, this.angleSaid),
                    el("label", { class: "t2c-line" }, el("span", { text: "speed" }), this.speed, this.number, "×"))),
            this.whence);
    }

    /** Go by another name. @param {string} name */
    call(name) {
        this.name = name;
        this.element.dataset.name = name;
    }

    /** A dial: drag its hand, or turn it with the cursor keys; a double click leaves the direction open. @private */
    makeDial() {
        const dial = el("div", { class: "t2c-dial", role: "slider", tabindex: "0", "aria-label": "Direction", "aria-valuemin": 0, "aria-valuemax": 359 },
            svg("svg", { viewBox: "-20 -20 40 40", "aria-hidden": "true" },
                svg("circle", { r: 18, class: "t2c-face" }),
                ...[0, 90, 180, 270].map((angle) => svg("path", { d: "M15 0H18", class: "t2c-tick", transform: `rotate(${angle})` })), this.hand));
        /** @param {MouseEvent} event */
        const angleAt = (event) => {
            const box = dial.getBoundingClientRect();
            const angle = (Math.atan2(box.top + box.height / 2 - event.clientY, event.clientX - box.left - box.width / 2) * 180) / Math.PI;
            const step = event.shiftKey ? 1 : 5;
            return (Math.round(angle / step) * step + 360) % 360;
        };
        /** @param {number|null} angle */
        const put = (angle) => this.acts.change(this.name, { angle, kind: "translate" }, "another direction", "dial");
        /** @type {number|null} */
        let turning = null;
        dial.addEventListener("pointerdown", (event) => {
            dial.setPointerCapture(event.pointerId);
            turning = angleAt(event);
            this.showAngle(turning);
        });
        dial.addEventListener("pointermove", (event) => {
            if (turning === null) return;
            turning = angleAt(event);
            this.showAngle(turning);
        });
        dial.addEventListener("pointerup", () => {
            if (turning !== null) put(turning);
            turning = null;
        });
        dial.addEventListener("pointercancel", () => {
            turning = null;
            this.acts.refresh();
        });
        dial.addEventListener("dblclick", () => put(null));
        dial.addEventListener("keydown", (event) => {
            const step = STEPS[event.key];
            if (event.key === "Delete" || event.key === "Backspace") put(null);
            else if (step !== undefined) put(((this.acts.region(this).angle ?? 0) + (event.shiftKey ? step / 5 : step) + 360) % 360);
            else return;
            event.preventDefault();
            event.stopPropagation();
        });
        return dial;
    }

    /** @private @param {number|null} angle */
    showAngle(angle) {
        this.dial.classList.toggle("t2c-open", angle === null);
        this.hand.setAttribute("transform", `rotate(${-(angle ?? 0)})`);
        if (angle !== null) this.dial.setAttribute("aria-valuenow", String(Math.round(angle)));
        else this.dial.removeAttribute("aria-valuenow");
        const text = said({ angle, kind: "translate" });
        this.dial.setAttribute("aria-valuetext", text);
        this.angleSaid.textContent = text;
    }

    /**
     * Show a region as it is now.
     * @param {Region} region
     * @param {Store} store
     * @param {Row|undefined} found  what of it was found and is not painted
     */
    update(region, store, found) {
        this.element.classList.toggle("t2c-active", region.name === store.active);
        this.element.classList.toggle("t2c-unpainted", region.mask === null);
        this.element.style.setProperty("--t2c-colour", region.colour);
        this.colour.value = region.colour;
        // a name that is being typed stays
        if (this.input !== document.activeElement) this.input.value = region.name;
        this.kind.value = region.kind === "swirl" ? "swirl_ccw" : region.kind;
        // where arrows are drawn, their speed is the region's
        const drawn = region.kind === "translate" ? arrowSpeed(store.state.document, region.name, store.opened) : null;
        const pace = drawn ?? region.speed;
        this.speed.value = String(placeOf(pace));
        this.speed.title = drawn === null ? "" : "Said by its arrow; a number beyond what its length says can be typed";
        this.pace = pace;
        if (this.number !== document.activeElement) this.number.value = String(Number(pace.toFixed(2)));
        this.showAngle(region.kind === "translate" ? region.angle : null);
        this.angleSaid.textContent = region.kind === "translate" ? said(region) : "";
        this.showFound(region, store, found);
    }

    /** Whence its mask comes, and whether it is shown. @private @param {Region} region @param {Store} store @param {Row|undefined} found */
    showFound(region, store, found) {
        const hidden = store.hidden.has(region.name);
        const old = store.found.stale ? " (before the last change)" : "";
        this.whence.textContent = found === undefined ? "The run looks for it by its name" : `Found: ${found.source}${old}`;
        this.whence.title = found === undefined ? "" : "The first stroke begins from what was found";
        this.whence.hidden = found === undefined && !isSought(store.state.document, region, store.state.spoken);
        const { eye } = this;
        eye.replaceChildren(icon(hidden ? "hidden" : "eye"));
        eye.disabled = region.mask === null && found === undefined;
        const what = found === undefined ? "its paint" : "what was found";
        eye.title = eye.disabled ? "Nothing is painted yet" : `${hidden ? "Show" : "Hide"} ${what}`;
        eye.setAttribute("aria-label", eye.title);
        eye.setAttribute("aria-pressed", String(hidden));
    }
}

/** @param {number} speed @returns {number} a speed's place on the slider, -20 to 20 */
function placeOf(speed) {
    return Math.round((20 * Math.log(Math.min(FASTEST, Math.max(SLOWEST, speed)))) / Math.log(FASTEST));
}

/** @param {string} value @returns {number} the speed at a place of the slider, two figures */
function speedOf(value) {
    return Number(Math.exp((Number(value) / 20) * Math.log(FASTEST)).toFixed(2));
}
