/**
 * Soft masks: 8 bits for each pixel, 255 wholly inside. A mask in a document is never written to; a stroke works on a
 * copy of its own.
 *
 * @typedef {{width: number, height: number, data: Uint8Array}} Mask
 * @typedef {{left: number, top: number, right: number, bottom: number}} Box  right and bottom are outside
 * @typedef {[number, number]} Point  0..1 of width and height
 */

/** @import { Size } from "./geometry.mjs" */

/** The long side of the masks that are painted. */
export const LONG_SIDE = 1024;

/** @param {Size} picture @returns {{width: number, height: number}} the size of the masks for a picture */
export function maskSize(picture) {
    const scale = Math.min(1, LONG_SIDE / Math.max(picture.width, picture.height));
    return {
        width: Math.max(1, Math.round(picture.width * scale)),
        height: Math.max(1, Math.round(picture.height * scale)),
    };
}

/** @param {Size} size @returns {Mask} */
export function emptyMask(size) {
    return { width: size.width, height: size.height, data: new Uint8Array(size.width * size.height) };
}

/** @param {Mask} mask @returns {boolean} */
export function isEmpty(mask) {
    const { data } = mask;
    for (let i = 0; i < data.length; i++) if (data[i] !== 0) return false;
    return true;
}

/**
 * @param {Mask} mask
 * @param {number} side
 * @returns {boolean} whether nothing is as thick as `side` pixels, such as what is left along an edge
 */
export function isThin(mask, side) {
    const { width, height, data } = mask;
    // of each pixel the side of the largest square that ends there
    let above = new Uint16Array(width + 1);
    for (let y = 0; y < height; y++) {
        const row = new Uint16Array(width + 1);
        for (let x = 0; x < width; x++) {
            if (data[y * width + x] < 128) continue;
            row[x + 1] = 1 + Math.min(above[x], above[x + 1], row[x]);
            if (row[x + 1] >= side) return false;
        }
        above = row;
    }
    return true;
}

/** @param {Mask|null} a @param {Mask|null} b @returns {boolean} */
export function equalMasks(a, b) {
    if (a === b) return true;
    if (a === null || b === null || a.width !== b.width || a.height !== b.height) return false;
    for (let i = 0; i < a.data.length; i++) if (a.data[i] !== b.data[i]) return false;
    return true;
}

/** @param {Mask} a @param {Mask} b @param {(one: number, other: number) => number} rule */
function combined(a, b, rule) {
    const data = new Uint8Array(a.data.length);
    for (let i = 0; i < data.length; i++) data[i] = rule(a.data[i], b.data[i]);
    return { width: a.width, height: a.height, data };
}

/** @param {Mask} a @param {Mask} b @returns {Mask} what is in either */
export function union(a, b) {
    return combined(a, b, Math.max);
}

/**
 * @param {Mask} a
 * @param {Mask} b
 * @returns {Mask} what is in `a` and not in `b`; of a mask without itself nothing is left, soft edges included
 */
export function without(a, b) {
    return combined(a, b, (x, y) => Math.max(0, x - y));
}

/** @param {Mask} mask @returns {Mask} */
export function inverted(mask) {
    return { width: mask.width, height: mask.height, data: mask.data.map((value) => 255 - value) };
}

/** @param {Mask} part @param {Mask} mask @returns {number} 0..1: how much of `part` lies in `mask` */
export function shareInside(part, mask) {
    let [inside, all] = [0, 0];
    for (let i = 0; i < part.data.length; i++) {
        all += part.data[i];
        inside += Math.min(part.data[i], mask.data[i]);
    }
    return all === 0 ? 0 : inside / all;
}

/** @param {Mask} mask @param {Point} point @returns {number} 0..255 at a point of the picture; 0 outside of it */
export function valueAt(mask, point) {
    if (!(point[0] >= 0 && point[0] <= 1 && point[1] >= 0 && point[1] <= 1)) return 0;
    const x = Math.min(mask.width - 1, Math.floor(point[0] * mask.width));
    const y = Math.min(mask.height - 1, Math.floor(point[1] * mask.height));
    return mask.data[y * mask.width + x];
}

/**
 * @param {Mask} mask
 * @param {Size} size
 * @returns {Mask} the mask at another size: means of areas where it gets smaller, bilinear where larger
 */
export function resized(mask, size) {
    if (mask.width === size.width && mask.height === size.height) return mask;
    const across = weights(mask.width, size.width);
    const down = weights(mask.height, size.height);
    const rows = new Float32Array(size.width * mask.height);
    for (let y = 0; y < mask.height; y++) {
        for (let x = 0; x < size.width; x++) {
            const [start, first] = [across.starts[x], y * mask.width + across.from[x]];
            let sum = 0;
            for (let i = 0; i < across.counts[x]; i++) sum += across.weights[start + i] * mask.data[first + i];
            rows[y * size.width + x] = sum;
        }
    }
    const result = emptyMask(size);
    for (let y = 0; y < size.height; y++) {
        const start = down.starts[y];
        for (let x = 0; x < size.width; x++) {
            let sum = 0;
            for (let i = 0; i < down.counts[y]; i++) sum += down.weights[start + i] * rows[(down.from[y] + i) * size.width + x];
            result.data[y * size.width + x] = Math.round(sum);
        }
    }
    return result;
}

/**
 * For each new pixel the old ones that it is made of (`counts` of them, beginning at `from`), with weights that sum to 1
 * (a tent as wide as the step), which lie one after another from `starts` on.
 * @param {number} before
 * @param {number} now
 */
function weights(before, now) {
    const step = before / now;
    const reach = Math.max(1, step);
    const result = { from: new Int32Array(now), counts: new Int32Array(now), starts: new Int32Array(now) };
    /** @type {number[]} */
    const all = [];
    for (let index = 0; index < now; index++) {
        const middle = (index + 0.5) * step - 0.5;
        const first = Math.max(0, Math.ceil(middle - reach));
        const last = Math.min(before - 1, Math.floor(middle + reach));
        const tent = Array.from({ length: last - first + 1 }, (_, i) => Math.max(0, 1 - Math.abs(first + i - middle) / reach));
        const sum = tent.reduce((one, two) => one + two, 0);
        result.from[index] = first;
        result.counts[index] = tent.length;
        result.starts[index] = all.length;
        all.push(...tent.map((weight) => weight / sum));
    }
    return { ...result, weights: Float32Array.from(all) };
}

/** Lines of each row on which a polygon's edges are looked for. */
const LINES = 4;

/**
 * A filled polygon (even-odd) with soft edges.
 * @param {{width: number, height: number}} size
 * @param {Point[]} corners
 * @returns {Mask}
 */
export function polygonMask(size, corners) {
    const mask = emptyMask(size);
    const points = corners.map(([x, y]) => /** @type {Point} */ ([x * size.width, y * size.height]));
    const row = new Float32Array(size.width + 1);
    for (let y = 0; y < size.height; y++) {
        row.fill(0);
        for (let line = 0; line < LINES; line++) addLine(row, crossings(points, y + (line + 0.5) / LINES), size.width);
        for (let x = 0; x < size.width; x++) mask.data[y * size.width + x] = Math.round((255 * row[x]) / LINES);
    }
    return mask;
}

/**
 * The places where a horizontal line crosses a polygon's edges, from left to right.
 * @param {readonly Point[]} points
 * @param {number} y
 */
function crossings(points, y) {
    const found = [];
    for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
        const [[x1, y1], [x2, y2]] = [points[j], points[i]];
        if (y1 > y !== y2 > y) found.push(x1 + ((y - y1) / (y2 - y1)) * (x2 - x1));
    }
    return found.sort((a, b) => a - b);
}

/** @param {Float32Array} row @param {readonly number[]} places @param {number} width */
function addLine(row, places, width) {
    for (let pair = 0; pair + 1 < places.length; pair += 2) {
        const [start, end] = [Math.max(0, places[pair]), Math.min(width, places[pair + 1])];
        for (let x = Math.floor(start); x < end; x++) row[x] += Math.min(end, x + 1) - Math.max(start, x);
    }
}

/** One stroke of a brush: however often it crosses itself, a pixel gets no more than one stamp's worth. */
export class Stroke {
    /**
     * @param {Mask} base  the mask before; it is not written to
     * @param {{softness: number, erase: boolean}} brush  softness 0 (hard) to 1
     */
    constructor(base, brush) {
        this.base = base;
        this.brush = brush;
        /** @type {Mask} the mask as it is now; written to until the stroke ends */
        this.mask = { width: base.width, height: base.height, data: base.data.slice() };
        this.cover = new Uint8Array(base.data.length);
        /** @type {Point|null} */
        this.last = null;
        /** Whether any pixel is another than before. */
        this.changed = false;
    }

    /**
     * Draw on to a point.
     * @param {Point} point
     * @param {number} radius  pixels of the mask
     * @returns {Box} where the mask has changed
     */
    to(point, radius) {
        const [x, y] = [point[0] * this.base.width, point[1] * this.base.height];
        const [fromX, fromY] = this.last ?? [x, y];
        const steps = Math.max(1, Math.ceil(Math.hypot(x - fromX, y - fromY) / Math.max(0.5, radius / 4)));
        for (let step = this.last === null ? steps : 1; step <= steps; step++) {
            this.stamp(fromX + (step / steps) * (x - fromX), fromY + (step / steps) * (y - fromY), radius);
        }
        this.last = [x, y];
        return box(Math.min(x, fromX), Math.min(y, fromY), Math.max(x, fromX), Math.max(y, fromY), radius + 1, this.base);
    }

    /** @private @param {number} x @param {number} y @param {number} radius */
    stamp(x, y, radius) {
        const { width } = this.base;
        const area = box(x, y, x, y, radius + 1, this.base);
        // a hard brush still has an edge of one pixel, or it would look like stairs
        const edge = Math.max(1, radius * this.brush.softness);
        for (let row = area.top; row < area.bottom; row++) {
            for (let column = area.left; column < area.right; column++) {
                const distance = Math.hypot(column + 0.5 - x, row + 0.5 - y);
                const share = Math.min(1, Math.max(0, (radius + (edge === 1 ? 0.5 : 0) - distance) / edge));
                if (share === 0) continue;
                const index = row * width + column;
                const value = Math.round(255 * share * share * (3 - 2 * share));
                if (value <= this.cover[index]) continue;
                this.cover[index] = value;
                const before = this.base.data[index];
                const left = (before * (255 - value)) / 255;
                this.mask.data[index] = Math.round(this.brush.erase ? left : left + value);
                if (this.mask.data[index] !== before) this.changed = true;
            }
        }
    }
}

/**
 * @param {number} left
 * @param {number} top
 * @param {number} right
 * @param {number} bottom
 * @param {number} reach
 * @param {Size} size
 * @returns {Box}
 */
function box(left, top, right, bottom, reach, size) {
    return {
        left: Math.max(0, Math.floor(left - reach)),
        top: Math.max(0, Math.floor(top - reach)),
        right: Math.min(size.width, Math.ceil(right + reach)),
        bottom: Math.min(size.height, Math.ceil(bottom + reach)),
    };
}
