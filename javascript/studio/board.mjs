/** The stage: the picture with what is painted, drifts and is drawn over it, at any zoom. */

import { COLOURS, findRegion } from "./document.mjs";
import { context2d, el, svg } from "./dom.mjs";
import { fit, hit, pan, resized, toPicture, toWindow, zoom } from "./geometry.mjs";
import { moves } from "./field.mjs";
import { unpainted } from "./found.mjs";
import { Light } from "./light.mjs";
import { maskSize } from "./mask.mjs";
import { Overlay, rgbOf } from "./overlay.mjs";
import { Particles, drawStreams } from "./particles.mjs";
import { drawShapes } from "./shapes.mjs";
import { ownerOf } from "./steer.mjs";
import { segmentAt } from "./tools/fill.mjs";
import { usualOptions } from "./tools/index.mjs";

/** @import { Arrow } from "./document.mjs" */
/** @import { Point } from "./geometry.mjs" */
/** @import { Box } from "./mask.mjs" */

const REACH = 11;
const REACH_TOUCH = 22;
const WHEEL = 0.0018;

export class Board {
    image = el("img", { class: "t2c-picture", alt: "", draggable: "false" });
    paint = el("canvas", { class: "t2c-paint" });
    found = el("canvas", { class: "t2c-found", hidden: true });
    lit = el("canvas", { class: "t2c-lit", hidden: true });
    preview = el("div", { class: "t2c-preview" });
    world = el("div", { class: "t2c-world", "aria-hidden": "true" }, this.image, this.preview, this.found, this.paint, this.lit);
    drift = el("canvas", { class: "t2c-drift", "aria-hidden": "true" });
    shapes = svg("g");
    marks = svg("g");
    layer = svg("svg", { class: "t2c-shapes", "aria-hidden": "true" }, this.shapes, this.marks);
    empty = el("div", { class: "t2c-blank" });
    element = el("div", {
        class: "t2c-board", role: "application", tabindex: "0", "aria-label": "Motion canvas",
        "aria-describedby": "t2c_board_help",
    }, this.world, this.drift, this.layer, this.empty);

    /**
     * @param {import("./store.mjs").Store} store
     * @param {{say: (sentence: string) => void, empty: Node}} more  empty: shown while there is no picture
     */
    constructor(store, { say, empty }) {
        this.store = store;
        this.say = say;
        this.options = usualOptions();
        this.reach = REACH;
        this.window = { width: 0, height: 0 };
        this.view = { scale: 1, left: 0, top: 0 };
        /** @type {import("./tools/fill.mjs").Segments} */
        this.segments = { state: "none", regions: [] };
        this.particles = new Particles();
        /** @type {import("./field.mjs").Field|null} */
        this.field = null;
        this.drifting = true;
        this.masked = true;
        this.calm = matchMedia("(prefers-reduced-motion: reduce)");
        this.empty.append(empty);
        this.before = 0;
        /** What the next frame of the drift is the first of. */
        this.fresh = false;
        this.visible = true;
        /** The index of the segmenter's region that is lit, or -1. */
        this.litIndex = -1;
        /** @type {readonly Point[]|null} */
        this.corners = null;
        /** @type {{point: Point, ring: boolean, keys: boolean}|null} */
        this.pointer = null;
        /** @type {number|undefined} the frame that is asked for */
        this.frame = undefined;
        /** @type {((zoomed: number) => void)|null} is told of another view: how much larger than the whole picture */
        this.onview = null;
        /** @type {((name: string) => void)|null} is told of the region that is lit */
        this.onlight = null;
        /** @type {((playing: boolean) => void)|null} is told of a loop in the picture's place */
        this.onpreview = null;
        this.sizes = new ResizeObserver(() => this.measure());
        this.seen = new IntersectionObserver((entries) => {
            this.visible = entries.at(-1)?.isIntersecting ?? this.visible;
            if (this.visible) this.draw();
        });
        this.overlay = new Overlay(this.paint);
        this.glow = new Light(this.found);
        this.observe();
        this.showPicture();
    }

    /** Sizes of the masks for the picture. */
    get size() {
        return maskSize(this.store.picture ?? { width: 1, height: 1 });
    }

    /** @private */
    observe() {
        this.store.on("change", ({ from }) => {
            if (from === "open") this.showPicture();
            if (from !== "echo") this.drawAll();
        });
        this.store.on("draft", ({ box }) => this.drawAll(box));
        this.store.on("selection", () => this.drawAll());
        this.store.on("found", () => this.drawAll());
        this.sizes.observe(this.element);
        this.seen.observe(this.element);
        this.element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
        this.calm.addEventListener("change", () => this.draw());
    }

    dispose() {
        this.sizes.disconnect();
        this.seen.disconnect();
        if (this.frame !== undefined) cancelAnimationFrame(this.frame);
    }

    /** Another picture, or none. */
    showPicture() {
        const { picture } = this.store;
        this.segments = { state: "none", regions: [] };
        this.light(null);
        this.follow(null);
        this.showPreview(null);
        this.element.classList.toggle("t2c-without", picture === null);
        if (picture === null) {
            this.image.removeAttribute("src");
            this.element.style.aspectRatio = "";
            return;
        }
        this.image.src = picture.url;
        this.element.style.aspectRatio = `${picture.width} / ${picture.height}`;
        this.world.style.width = `${picture.width}px`;
        this.world.style.height = `${picture.height}px`;
        this.look(fit(picture, this.window));
    }

    /** @private */
    measure() {
        const now = { width: this.element.clientWidth, height: this.element.clientHeight };
        if (now.width === this.window.width && now.height === this.window.height) return;
        const before = this.window;
        this.window = now;
        // a tab that is not shown has no size
        if (now.width === 0 || now.height === 0 || this.store.picture === null) return;
        this.look(resized(this.view, this.store.picture, before, now));
        this.follow(this.field);
    }

    /** Take another view. @param {import("./geometry.mjs").View} view */
    look(view) {
        this.view = view;
        this.drawAll();
        this.onview?.(view.scale / (fit(this.store.opened, this.window).scale || 1));
    }

    /** @param {number} factor @param {Point} [at] */
    zoomBy(factor, at = [this.window.width / 2, this.window.height / 2]) {
        if (this.store.picture !== null) this.look(zoom(this.view, factor, at, this.store.picture, this.window));
    }

    /** @param {number} dx @param {number} dy */
    panBy(dx, dy) {
        if (this.store.picture !== null) this.look(pan(this.view, dx, dy, this.store.picture, this.window));
    }

    showAll() {
        if (this.store.picture !== null) this.look(fit(this.store.picture, this.window));
    }

    /** @private @param {WheelEvent} event */
    wheel(event) {
        // without a key the wheel scrolls the page, as everywhere; a pinch on a touchpad comes with ctrlKey
        if (this.store.picture === null || !(event.ctrlKey || event.metaKey)) return;
        event.preventDefault();
        this.zoomBy(Math.exp(-event.deltaY * (event.deltaMode === 1 ? 16 : 1) * WHEEL), this.local(event));
    }

    /** @param {MouseEvent} event @returns {Point} window pixels of a pointer's event */
    local(event) {
        const box = this.element.getBoundingClientRect();
        return [event.clientX - box.left - this.element.clientLeft, event.clientY - box.top - this.element.clientTop];
    }

    /** @param {Point} at @returns {Point} */
    toPoint(at) {
        return toPicture(this.view, this.store.opened, at);
    }

    /** @param {Point} point @returns {Point} */
    place(point) {
        return toWindow(this.view, this.store.opened, point);
    }

    /** @param {Point} point */
    hit(point) {
        return hit(this.store.state.document, this.place(point), this.view, this.store.opened, this.reach);
    }

    /** @param {Point} from @param {Point} to */
    apart(from, to) {
        const [a, b] = [this.place(from), this.place(to)];
        return Math.hypot(a[0] - b[0], a[1] - b[1]);
    }

    /** Fingers need more room than a mouse. @param {string} kind  of the pointer */
    holdWith(kind) {
        this.reach = kind === "touch" ? REACH_TOUCH : REACH;
    }

    /** The outline of a lasso while it is drawn. @param {readonly Point[]|null} corners */
    outline(corners) {
        this.corners = corners;
        this.drawMarks();
    }

    /** Where the pointer or the keyboard's cursor is. @param {{point: Point, ring: boolean, keys: boolean}|null} pointer */
    point(pointer) {
        this.pointer = pointer;
        this.drawMarks();
    }

    /** Light the segmenter's region at a point. @param {Point|null} point */
    light(point) {
        const index = point === null ? -1 : segmentAt(this.segments, point);
        if (index === this.litIndex) return;
        this.litIndex = index;
        this.lit.hidden = index < 0;
        if (index < 0) return;
        const { mask, name } = this.segments.regions[index];
        this.lit.width = mask.width;
        this.lit.height = mask.height;
        const context = context2d(this.lit);
        const image = context.createImageData(mask.width, mask.height);
        const [r, g, b] = rgbOf("#ffffff");
        mask.data.forEach((value, i) => image.data.set([r, g, b, value * 0.45], i * 4));
        context.putImageData(image, 0, 0);
        this.onlight?.(name);
    }

    /** A small loop in the place of the picture. @param {Node|null} loop */
    showPreview(loop) {
        this.preview.replaceChildren(...(loop === null ? [] : [loop]));
        this.element.classList.toggle("t2c-previewing", loop !== null);
        this.onpreview?.(loop !== null);
        this.draw();
    }

    /** Let the particles follow a field. @param {import("./field.mjs").Field|null} field */
    follow(field) {
        this.field = field;
        const { picture } = this.store;
        const area = picture === null ? 0 : picture.width * picture.height * this.view.scale ** 2;
        this.particles.follow(field, Math.min(area, 4 * this.window.width * this.window.height));
        this.draw();
    }

    /** @param {boolean} drifting */
    setDrifting(drifting) {
        this.drifting = drifting;
        this.draw();
    }

    /** @param {boolean} masked */
    setMasked(masked) {
        this.masked = masked;
        this.paint.hidden = !masked;
        this.drawFound();
    }

    /** Draw what is painted and drawn. @param {Box|null} [box]  what of the paint has changed, or null for all */
    drawAll(box = null) {
        const { store } = this;
        const { picture } = store;
        if (picture === null || this.window.width === 0) return;
        const { scale, left, top } = this.view;
        this.world.style.transform = `translate(${left}px, ${top}px) scale(${scale})`;
        const { size } = this;
        const seen = { active: store.active, hidden: store.hidden, scale: (scale * picture.width) / size.width };
        // what a stroke turns from light into paint is more than its own box
        const area = this.drawFound() ? null : box;
        this.overlay.draw(store.shown, size, seen, area);
        /** @param {Arrow} arrow */
        const colourOf = (arrow) => {
            const owner = ownerOf(arrow, store.shown);
            return store.shown.regions.find((region) => region.name === owner)?.colour ?? "#fff";
        };
        if (box === null) drawShapes(this.shapes, store.shown, this.view, picture, { selection: store.selection, colourOf });
        this.drawMarks();
        this.draw();
    }

    /** What was found and is not painted. @private @returns {boolean} whether that is another than before */
    drawFound() {
        const { shown, found, hidden } = this.store;
        const layers = unpainted(shown, found)
            .filter((row) => !hidden.has(row.name))
            .map((row, index) => ({ mask: row.mask, colour: findRegion(shown, row.name)?.colour ?? COLOURS[index % COLOURS.length] }));
        // a layer costs each frame of the drift, also an empty one
        this.found.hidden = !this.masked || layers.length === 0;
        return this.glow.draw(layers, this.size);
    }

    /** @private */
    drawMarks() {
        if (this.store.picture === null) return;
        const marks = [];
        if (this.corners) {
            const points = this.corners.map((corner) => this.place(corner).map((value) => value.toFixed(1)).join(",")).join(" ");
            marks.push(svg("polygon", { points, class: "t2c-outline" }));
        }
        if (this.pointer) {
            const [x, y] = this.place(this.pointer.point);
            if (this.pointer.ring) {
                const r = this.options.size * Math.min(this.store.picture.width, this.store.picture.height) * this.view.scale;
                marks.push(svg("circle", { cx: x, cy: y, r, class: "t2c-ring-dark" }), svg("circle", { cx: x, cy: y, r, class: "t2c-ring" }));
            }
            if (this.pointer.keys) {
                const d = `M${x - 12} ${y}h24M${x} ${y - 12}v24`;
                marks.push(svg("path", { d, class: "t2c-cross-dark" }), svg("path", { d, class: "t2c-cross" }));
            }
        }
        this.marks.replaceChildren(...marks);
    }

    /** Draw the drift once, and go on as long as it moves and is seen. */
    draw() {
        if (this.frame !== undefined) return;
        this.frame = requestAnimationFrame((now) => {
            this.frame = undefined;
            this.drawDrift(now);
        });
    }

    /** @private @param {number} now */
    drawDrift(now) {
        const { width, height } = this.window;
        const ratio = Math.min(2, window.devicePixelRatio || 1);
        const context = context2d(this.drift);
        if (this.drift.width !== Math.round(width * ratio) || this.drift.height !== Math.round(height * ratio)) {
            this.drift.width = Math.round(width * ratio);
            this.drift.height = Math.round(height * ratio);
        }
        context.setTransform(ratio, 0, 0, ratio, 0, 0);
        context.clearRect(0, 0, width, height);
        const { field } = this;
        const shown = this.drifting && width > 0 && !this.element.classList.contains("t2c-previewing");
        const seconds = Math.min(0.05, (now - (this.before || now)) / 1000);
        this.before = now;
        if (!shown || field === null || !moves(field)) return;
        /** @param {number} x @param {number} y @returns {Point} */
        const place = (x, y) => this.place([x, y]);
        const picture = this.store.opened;
        if (this.calm.matches) {
            const area = { width: picture.width * this.view.scale, height: picture.height * this.view.scale };
            drawStreams(field, context, place, 34, area);
        } else {
            this.particles.step(seconds);
            this.particles.draw(context, place);
            if (this.visible) this.draw();
        }
        if (this.fresh) {
            this.fresh = false;
            performance.mark("t2c:drift");
        }
    }
}
