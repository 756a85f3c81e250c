/** The painted regions and what stands still, as colours over the picture. */

const FILL = 0.26;
const FILL_ACTIVE = 0.4;
const STRIPE = 9;

/** @returns {[number, number, number]} */
export function rgbOf(colour) {
    return [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
}

export class Overlay {
    /** @param {HTMLCanvasElement} canvas */
    constructor(canvas) {
        this.canvas = canvas;
        this.context = canvas.getContext("2d");
    }

    /**
     * @param {import("./document.mjs").Document} document
     * @param {{width: number, height: number}} size  of the masks
     * @param {{active: string|null, hidden: Set<string>}} how
     * @param {import("./mask.mjs").Box|null} box  what has changed, or null for all of it
     */
    draw(document, size, how, box) {
        const layers = [size.width, size.height, document.still, how.active, ...document.regions.flatMap((region) => (
            [region.mask, region.colour, region.name, how.hidden.has(region.name)]))];
        const same = layers.length === this.layers?.length && layers.every((layer, index) => layer === this.layers[index]);
        this.layers = layers;
        if (same && box === null) return;
        if (this.canvas.width !== size.width || this.canvas.height !== size.height) {
            this.canvas.width = size.width;
            this.canvas.height = size.height;
            box = null;
        }
        // a pixel more on each side, for the outlines
        const step = Math.max(1, Math.round(size.width / 640));
        const area = box === null
            ? { left: 0, top: 0, right: size.width, bottom: size.height }
            : {
                left: Math.max(0, box.left - step), top: Math.max(0, box.top - step),
                right: Math.min(size.width, box.right + step), bottom: Math.min(size.height, box.bottom + step),
            };
        const [width, height] = [area.right - area.left, area.bottom - area.top];
        if (width <= 0 || height <= 0) return;
        const image = this.context.createImageData(width, height);
        for (const region of document.regions) {
            if (region.mask === null || how.hidden.has(region.name)) continue;
            const fill = region.name === how.active ? FILL_ACTIVE : FILL;
            tint(image, region.mask, area, step, rgbOf(region.colour), fill, fill, 1);
        }
        if (document.still !== null) {
            tint(image, document.still, area, step, [214, 236, 255], 0.75, 0.25, STRIPE);
        }
        this.context.putImageData(image, area.left, area.top);
    }
}

/** Lay a colour over an image as far as a mask reaches, in stripes of two strengths, with an outline where it is half. */
function tint(image, mask, area, step, rgb, strong, weak, stripe) {
    const { data, width } = mask;
    for (let y = area.top; y < area.bottom; y++) {
        for (let x = area.left; x < area.right; x++) {
            const value = data[y * width + x];
            if (value === 0) continue;
            let alpha = (value / 255) * (2 * ((x + y) % stripe) < stripe ? strong : weak);
            if (value >= 128 && onEdge(mask, x, y, step)) alpha = 0.95;
            blend(image.data, ((y - area.top) * image.width + (x - area.left)) * 4, rgb, alpha);
        }
    }
}

/** @returns {boolean} whether a pixel of a mask has a neighbour, `step` pixels on, that is mostly outside */
export function onEdge({ data, width, height }, x, y, step) {
    return (x >= step && data[y * width + x - step] < 128) || (x + step < width && data[y * width + x + step] < 128)
        || (y >= step && data[(y - step) * width + x] < 128) || (y + step < height && data[(y + step) * width + x] < 128);
}

function blend(pixels, at, rgb, alpha) {
    const below = pixels[at + 3] / 255;
    const sum = alpha + below * (1 - alpha);
    for (let i = 0; i < 3; i++) pixels[at + i] = (rgb[i] * alpha + pixels[at + i] * below * (1 - alpha)) / sum;
    pixels[at + 3] = 255 * sum;
}
