/** What was found but not painted, as light over the picture: fainter than paint, with a broken outline. */

import { context2d } from "./dom.mjs";
import { onEdge, rgbOf } from "./overlay.mjs";

/** @import { Mask } from "./mask.mjs" */
/** @import { RGB } from "./overlay.mjs" */

const FILL = 0.2;
const LINE = 0.9;

/** Pixels of a dash and of the gap after it, along both sides together. */
const DASH = 6;

export class Light {
    /** @param {HTMLCanvasElement} canvas */
    constructor(canvas) {
        this.canvas = canvas;
        /** @type {unknown[]|null} what was drawn last */
        this.before = null;
    }

    /**
     * @param {{mask: import("./mask.mjs").Mask, colour: string}[]} layers
     * @param {{width: number, height: number}} size  of the masks
     * @returns {boolean} whether it is another picture than before
     */
    draw(layers, size) {
        const now = [size.width, size.height, ...layers.flatMap(({ mask, colour }) => [mask, colour])];
        const { before } = this;
        if (before !== null && now.length === before.length && now.every((part, index) => part === before[index])) return false;
        this.before = now;
        this.canvas.width = size.width;
        this.canvas.height = size.height;
        const context = context2d(this.canvas);
        const image = context.createImageData(size.width, size.height);
        const step = Math.max(1, Math.round(size.width / 640));
        for (const { mask, colour } of layers) lay(image.data, mask, rgbOf(colour), step);
        context.putImageData(image, 0, 0);
        return true;
    }
}

/** @param {Uint8ClampedArray} pixels @param {Mask} mask @param {RGB} rgb @param {number} step */
function lay(pixels, mask, rgb, step) {
    const { width, height, data } = mask;
    for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
            const value = data[y * width + x];
            if (value === 0) continue;
            const line = value >= 128 && onEdge(mask, x, y, step);
            // dashes in white and in the region's colour show on any picture
            const white = line && Math.floor((x + y) / (DASH * step)) % 2 === 0;
            pixels.set(white ? [255, 255, 255] : rgb, (y * width + x) * 4);
            pixels[(y * width + x) * 4 + 3] = 255 * (line ? LINE : (value / 255) * FILL);
        }
    }
}
