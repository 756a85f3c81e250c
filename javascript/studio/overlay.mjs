/**
 * The painted regions and what stands still, as hatched colours over the picture. A colour alone is lost on a picture of
 * that colour; a dark line beside a light one, and stripes with a shade, are seen on any.
 */

import { context2d } from "./dom.mjs";

/** @import { Box, Mask } from "./mask.mjs" */

/**
 * @typedef {[number, number, number]} RGB  0..255
 * @typedef {{step: number, period: number, way: 1|-1, rgb: RGB, stripe: number, ground: number}} Hatch
 *   step: pixels of each of an outline's lines; period: from one stripe to the next; stripe, ground: 0..1, how strong
 */

/** How strong a region's stripes are, and what lies between them. */
const USUAL = { stripe: 0.32, ground: 0.1 };
const ACTIVE = { stripe: 0.46, ground: 0.18 };
const FROZEN = { stripe: 0.75, ground: 0.25 };
/** Window pixels: each of an outline's two lines, and from one stripe to the next. */
const LINE = 2;
const PERIOD = 9;
/** @type {RGB} */
const DARK = [12, 16, 24];
/** @type {RGB} */
const ICE = [214, 236, 255];

/** @param {string} colour @returns {[number, number, number]} */
export function rgbOf(colour) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
    return [r, g, b];
}

export class Overlay {
    /** @param {HTMLCanvasElement} canvas */
    constructor(canvas) {
        this.canvas = canvas;
        this.context = context2d(canvas);
        /** @type {unknown[]} what was drawn last */
        this.layers = [];
    }

    /**
     * @param {import("./document.mjs").Document} document
     * @param {{width: number, height: number}} size  of the masks
     * @param {{active: string|null, hidden: Set<string>, scale: number}} how  scale: window pixels for one of a mask's
     * @param {import("./mask.mjs").Box|null} box  what has changed, or null for all of it
     */
    draw(document, size, how, box) {
        const step = Math.max(1, Math.round(LINE / how.scale));
        const period = Math.max(5, Math.round(PERIOD / how.scale));
        const layers = [size.width, size.height, step, period, document.still, how.active, ...document.regions.flatMap((region) => (
            [region.mask, region.colour, region.name, how.hidden.has(region.name)]))];
        const same = layers.length === this.layers.length && layers.every((layer, index) => layer === this.layers[index]);
        this.layers = layers;
        if (same && box === null) return;
        let changed = box;
        if (this.canvas.width !== size.width || this.canvas.height !== size.height) {
            this.canvas.width = size.width;
            this.canvas.height = size.height;
            changed = null;
        }
        // more on each side, for the outlines
        const reach = 2 * step;
        const area = changed === null
            ? { left: 0, top: 0, right: size.width, bottom: size.height }
            : {
                left: Math.max(0, changed.left - reach), top: Math.max(0, changed.top - reach),
                right: Math.min(size.width, changed.right + reach), bottom: Math.min(size.height, changed.bottom + reach),
            };
        const [width, height] = [area.right - area.left, area.bottom - area.top];
        if (width <= 0 || height <= 0) return;
        const image = this.context.createImageData(width, height);
        for (const region of document.regions) {
            if (region.mask === null || how.hidden.has(region.name)) continue;
            const strength = region.name === how.active ? ACTIVE : USUAL;
            hatch(image, region.mask, area, { step, period, way: 1, rgb: rgbOf(region.colour), ...strength });
        }
        if (document.still !== null) hatch(image, document.still, area, { step, period, way: -1, rgb: ICE, ...FROZEN });
        this.context.putImageData(image, area.left, area.top);
    }
}

/**
 * Lay stripes over an image as far as a mask reaches, and a dark and a light line inside of where it is half.
 * @param {ImageData} image
 * @param {Mask} mask
 * @param {Box} area
 * @param {Hatch} how
 */
function hatch(image, mask, area, { step, period, way, rgb, stripe, ground }) {
    const { data, width } = mask;
    /** @param {number} part */
    const lighter = (part) => Math.round(part + 0.72 * (255 - part));
    /** @type {RGB} */
    const light = [lighter(rgb[0]), lighter(rgb[1]), lighter(rgb[2])];
    const shades = shadesOf(period, rgb, light, stripe, ground);
    for (let y = area.top; y < area.bottom; y++) {
        const shift = way * (y % period) + period;
        for (let x = area.left; x < area.right; x++) {
            const value = data[y * width + x];
            if (value === 0) continue;
            const at = ((y - area.top) * image.width + (x - area.left)) * 4;
            if (value >= 128 && onEdge(mask, x, y, 2 * step)) {
                const outer = onEdge(mask, x, y, step);
                blend(image.data, at, outer ? DARK : light, outer ? 0.7 : 0.95);
            } else {
                const shade = shades[(x + shift) % period];
                blend(image.data, at, shade.rgb, (value / 255) * shade.alpha);
            }
        }
    }
}

/**
 * What one period of the stripes is made of: a light line, the colour, a shade beside it, and the ground.
 * @param {number} period
 * @param {RGB} rgb
 * @param {RGB} light
 * @param {number} stripe
 * @param {number} ground
 */
function shadesOf(period, rgb, light, stripe, ground) {
    return Array.from({ length: period }, (_, index) => {
        const share = (index + 0.5) / period;
        if (share < 0.17) return { rgb: light, alpha: stripe };
        if (share < 0.34) return { rgb, alpha: stripe };
        if (share <= 0.5) return { rgb: DARK, alpha: 0.5 * stripe };
        return { rgb, alpha: ground };
    });
}

/**
 * @param {Mask} mask
 * @param {number} x
 * @param {number} y
 * @param {number} step
 * @returns {boolean} whether a pixel of a mask has a neighbour, `step` pixels on, that is mostly outside
 */
export function onEdge({ data, width, height }, x, y, step) {
    const at = y * width + x;
    return (x >= step && data[at - step] < 128) || (x + step < width && data[at + step] < 128)
        || (y >= step && data[at - step * width] < 128) || (y + step < height && data[at + step * width] < 128);
}

/** @param {Uint8ClampedArray} pixels @param {number} at @param {RGB} rgb @param {number} alpha */
function blend(pixels, at, rgb, alpha) {
    if (pixels[at + 3] === 0) {
        pixels[at] = rgb[0];
        pixels[at + 1] = rgb[1];
        pixels[at + 2] = rgb[2];
        pixels[at + 3] = 255 * alpha;
        return;
    }
    const below = pixels[at + 3] / 255;
    const sum = alpha + below * (1 - alpha);
    for (let i = 0; i < 3; i++) pixels[at + i] = (rgb[i] * alpha + pixels[at + i] * below * (1 - alpha)) / sum;
    pixels[at + 3] = 255 * sum;
}
