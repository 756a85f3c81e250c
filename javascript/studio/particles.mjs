/** Drifting particles with trails: the field as it would move the picture, at the loop's own pace. */

import { moves, sample } from "./field.mjs";

/** @import { Field } from "./field.mjs" */
/** @import { Point, Size } from "./geometry.mjs" */

/** Frames of the loop in a second. */
export const PACE = 30;
const TRAIL = 12;
const TRAIL_STEP = 0.045;
const LIFE = [0.9, 2.2];
const MOST = 480;
const PIXELS_EACH = 850;
const LEAST_SHARE = 0.2;

/** Colours and widths: a dark line below a light one is seen on any picture. @typedef {[string, number][]} Lines */

/** @type {Lines} */
const TRAIL_LINES = [["rgba(0, 0, 0, .38)", 3], ["rgba(255, 255, 255, .92)", 1.5]];
/** @type {Lines} */
const STREAM_LINES = [["rgba(0, 0, 0, .6)", 3.5], ["#fff", 1.75]];

export class Particles {
    /** @param {() => number} [random] 0..1 */
    constructor(random = Math.random) {
        this.random = random;
        /** @type {Field|null} */
        this.field = null;
        this.count = 0;
        /** Where something moves. @type {number[]} */
        this.cells = [];
        /** Seconds that each has left. */
        this.life = new Float32Array(0);
        /** The last points of each, x and y, newest first. */
        this.trails = new Float32Array(0);
        /** Seconds since the trails were moved on. */
        this.since = 0;
        this.out = new Float32Array(3);
    }

    /**
     * Move by another field; the particles stay where they are, as far as something moves there.
     * @param {import("./field.mjs").Field|null} field
     * @param {number} area  of the whole picture in the window, square pixels
     */
    follow(field, area) {
        /** @type {number[]} */
        const cells = [];
        this.cells = cells;
        if (field === null || !moves(field)) {
            this.field = null;
            this.count = 0;
            return;
        }
        this.field = field;
        field.mask.forEach((share, index) => { if (share > LEAST_SHARE) cells.push(index); });
        const moving = (area * cells.length) / field.mask.length;
        const count = Math.min(MOST, Math.max(24, Math.round(moving / PIXELS_EACH)));
        if (count !== this.count) this.make(count, field);
    }

    /** @private @param {number} count @param {Field} field */
    make(count, field) {
        const [before, kept] = [this.trails, Math.min(this.count, count)];
        const life = new Float32Array(count);
        const trails = new Float32Array(count * TRAIL * 2);
        if (kept > 0) {
            trails.set(before.subarray(0, kept * TRAIL * 2));
            life.set(this.life.subarray(0, kept));
        }
        this.count = count;
        this.life = life;
        this.trails = trails;
        for (let i = kept; i < count; i++) {
            this.spawn(i, field);
            life[i] *= this.random();
        }
    }

    /** @private @param {number} i @param {Size} size  of the field */
    spawn(i, { width, height }) {
        const cell = this.cells[Math.min(this.cells.length - 1, Math.floor(this.random() * this.cells.length))];
        const x = ((cell % width) + this.random()) / width;
        const y = (Math.floor(cell / width) + this.random()) / height;
        for (let point = 0; point < TRAIL; point++) {
            this.trails[(i * TRAIL + point) * 2] = x;
            this.trails[(i * TRAIL + point) * 2 + 1] = y;
        }
        this.life[i] = LIFE[0] + this.random() * (LIFE[1] - LIFE[0]);
    }

    /** Move everything on. @param {number} seconds */
    step(seconds) {
        const { field } = this;
        if (field === null) return;
        const { picture } = field;
        this.since += seconds;
        const shift = this.since >= TRAIL_STEP;
        if (shift) this.since %= TRAIL_STEP;
        for (let i = 0; i < this.count; i++) {
            const at = i * TRAIL * 2;
            const [x, y] = [this.trails[at], this.trails[at + 1]];
            sample(field, x, y, this.out);
            this.life[i] -= seconds;
            const outside = x < 0 || y < 0 || x > 1 || y > 1;
            if (this.life[i] <= 0 || outside || this.out[2] < LEAST_SHARE / 2) {
                this.spawn(i, field);
                continue;
            }
            if (shift) this.trails.copyWithin(at + 2, at, at + (TRAIL - 1) * 2);
            this.trails[at] = x + (this.out[0] * PACE * seconds) / picture.width;
            this.trails[at + 1] = y + (this.out[1] * PACE * seconds) / picture.height;
        }
    }

    /**
     * @param {CanvasRenderingContext2D} context
     * @param {(x: number, y: number) => [number, number]} place  window pixels of a point
     */
    draw(context, place) {
        if (this.field === null) return;
        context.lineCap = "round";
        for (const [colour, width] of TRAIL_LINES) {
            context.strokeStyle = colour;
            context.lineWidth = width;
            for (let point = 0; point + 1 < TRAIL; point++) {
                context.globalAlpha = (1 - point / (TRAIL - 1)) ** 1.4;
                context.beginPath();
                for (let i = 0; i < this.count; i++) {
                    const at = (i * TRAIL + point) * 2;
                    const t = this.trails;
                    if (t[at] === t[at + 2] && t[at + 1] === t[at + 3]) continue;
                    context.moveTo(...place(t[at], t[at + 1]));
                    context.lineTo(...place(t[at + 2], t[at + 3]));
                }
                context.stroke();
            }
        }
        context.globalAlpha = 1;
    }
}

/**
 * The field standing still, for those who want no motion: short lines along the flow, each with a head.
 * @param {import("./field.mjs").Field} field
 * @param {CanvasRenderingContext2D} context
 * @param {(x: number, y: number) => [number, number]} place
 * @param {number} apart  window pixels between lines
 * @param {{width: number, height: number}} area  of the picture in the window
 */
export function drawStreams(field, context, place, apart, area) {
    const out = new Float32Array(3);
    const [columns, rows] = [Math.max(1, Math.round(area.width / apart)), Math.max(1, Math.round(area.height / apart))];
    const lines = [];
    for (let row = 0; row < rows; row++) {
        for (let column = 0; column < columns; column++) {
            const line = trace(field, [(column + 0.5) / columns, (row + 0.5) / rows], out);
            if (line.length > 1) lines.push(line.map(([x, y]) => place(x, y)));
        }
    }
    context.lineCap = "round";
    context.lineJoin = "round";
    for (const [colour, width] of STREAM_LINES) {
        context.strokeStyle = colour;
        context.lineWidth = width;
        context.beginPath();
        for (const line of lines) {
            context.moveTo(...line[0]);
            for (const point of line.slice(1)) context.lineTo(...point);
            addHead(context, line);
        }
        context.stroke();
    }
}

/**
 * The way of a point in half a second.
 * @param {Field} field
 * @param {Point} start
 * @param {Float32Array} out
 * @returns {Point[]}
 */
function trace(field, start, out) {
    /** @type {Point[]} */
    const line = [start];
    let [x, y] = start;
    for (let step = 0; step < 6; step++) {
        sample(field, x, y, out);
        if (out[2] < LEAST_SHARE || Math.hypot(out[0], out[1]) < 0.02) break;
        x += (out[0] * PACE) / 12 / field.picture.width;
        y += (out[1] * PACE) / 12 / field.picture.height;
        line.push([x, y]);
    }
    return line;
}

/** @param {CanvasRenderingContext2D} context @param {Point[]} line */
function addHead(context, line) {
    const [[x1, y1], [x2, y2]] = line.slice(-2);
    const angle = Math.atan2(y2 - y1, x2 - x1);
    for (const side of [-2.5, 2.5]) {
        context.moveTo(x2, y2);
        context.lineTo(x2 + 5 * Math.cos(angle + side), y2 + 5 * Math.sin(angle + side));
    }
}
