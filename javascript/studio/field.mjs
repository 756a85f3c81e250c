/**
 * Fields of motion on a small grid: the solver's, as it is sent, and one made at once from the hints alone.
 *
 * @typedef {{width: number, height: number, picture: {width: number, height: number},
 *   dx: Float32Array, dy: Float32Array, mask: Float32Array}} Field
 *   dx, dy: pixels of the picture per frame, y down; mask: 0..1, the share that moves
 * @typedef {Region & {mask: Mask}} Painted
 * @typedef {{region: Region|null, share: Float32Array, arrows: readonly Arrow[]}} MovingPart  share: 0..1 of each cell
 * @typedef {(cell: number) => [number, number]} Velocity
 */

import { arrowVelocity, insidePolygon, speedUnit, unitVector } from "./geometry.mjs";
import { resized, valueAt } from "./mask.mjs";
import { fromBase64 } from "./png.mjs";

/** @import { Arrow, Document, Region } from "./document.mjs" */
/** @import { Point, Size } from "./geometry.mjs" */
/** @import { Mask } from "./mask.mjs" */

/** The long side of the field that is made here. */
const LONG_SIDE = 96;
const ARROW_REACH = 0.05;
const PIN_REACH = 0.04;
/** How far around an arrow or swirl things move while nothing says what moves; share of the short side. */
const FREE_REACH = 0.12;

/**
 * The solver's field as it comes in a reply or in the state.
 * @param {{width: number, height: number, flow: string, unit: number, mask: string, picture?: [number, number]}} sent
 * @param {{width: number, height: number}} picture
 * @returns {Field}
 */
export function decodeField(sent, picture) {
    const { width, height, unit } = sent;
    const bytes = fromBase64(sent.flow);
    const shares = fromBase64(sent.mask);
    const cells = width * height;
    if (bytes.length !== 4 * cells || shares.length !== cells) throw new Error("the field has another size than it says");
    const view = new DataView(bytes.buffer);
    const field = blank(width, height, picture);
    for (let i = 0; i < cells; i++) {
        field.dx[i] = view.getInt16(4 * i, true) * unit;
        field.dy[i] = view.getInt16(4 * i + 2, true) * unit;
        field.mask[i] = shares[i] / 255;
    }
    return field;
}

/** @param {number} width @param {number} height @param {Size} picture @returns {Field} */
function blank(width, height, picture) {
    const cells = width * height;
    return {
        width, height, picture: { width: picture.width, height: picture.height },
        dx: new Float32Array(cells), dy: new Float32Array(cells), mask: new Float32Array(cells),
    };
}

/**
 * The field at a point, bilinear.
 * @param {Field} field
 * @param {number} x  0..1
 * @param {number} y  0..1
 * @param {Float32Array} out  gets [dx, dy, mask]
 */
export function sample(field, x, y, out) {
    const { width, height, dx, dy, mask } = field;
    const column = Math.min(width - 1, Math.max(0, x * width - 0.5));
    const row = Math.min(height - 1, Math.max(0, y * height - 0.5));
    const [left, top] = [Math.floor(column), Math.floor(row)];
    const [right, bottom] = [Math.min(width - 1, left + 1), Math.min(height - 1, top + 1)];
    const [u, v] = [column - left, row - top];
    const [a, b, c, d] = [top * width + left, top * width + right, bottom * width + left, bottom * width + right];
    const [wa, wb, wc, wd] = [(1 - u) * (1 - v), u * (1 - v), (1 - u) * v, u * v];
    out[0] = wa * dx[a] + wb * dx[b] + wc * dx[c] + wd * dx[d];
    out[1] = wa * dy[a] + wb * dy[b] + wc * dy[c] + wd * dy[d];
    out[2] = wa * mask[a] + wb * mask[b] + wc * mask[c] + wd * mask[d];
}

/** @param {Field} field @returns {boolean} whether anything moves in it */
export function moves(field) {
    return field.mask.some((share, i) => share > 0.1 && (field.dx[i] !== 0 || field.dy[i] !== 0));
}

/**
 * What the hints alone say, without the solver's banks and depth.
 * @param {import("./document.mjs").Document} document
 * @param {{width: number, height: number}} picture
 * @param {{speed?: number, prior?: Field|null}} [more]
 *   speed: of everything; prior: the solver's last field, for directions and places that the hints leave open
 * @returns {Field}
 */
export function localField(document, picture, { speed = 1, prior = null } = {}) {
    const scale = LONG_SIDE / Math.max(picture.width, picture.height);
    const width = Math.max(1, Math.round(picture.width * scale));
    const height = Math.max(1, Math.round(picture.height * scale));
    const field = blank(width, height, picture);
    const parts = movingParts(document, field, prior);
    const total = new Float32Array(width * height);
    for (const part of parts) {
        const velocity = velocityOf(part, field, prior);
        for (let i = 0; i < total.length; i++) {
            if (part.share[i] === 0) continue;
            const [dx, dy] = velocity(i);
            total[i] += part.share[i];
            field.dx[i] += part.share[i] * dx;
            field.dy[i] += part.share[i] * dy;
            field.mask[i] = Math.max(field.mask[i], part.share[i]);
        }
    }
    for (let i = 0; i < total.length; i++) {
        const factor = total[i] === 0 ? 0 : 1 / total[i];
        field.dx[i] *= factor;
        field.dy[i] *= factor;
    }
    turn(field, document);
    hold(field, document);
    field.dx.forEach((value, i) => { field.dx[i] = value * speed; });
    field.dy.forEach((value, i) => { field.dy[i] = value * speed; });
    return field;
}

/** Pixels of the picture of a cell's middle. @param {Field} field @param {number} i @returns {Point} */
function middle(field, i) {
    return [
        ((i % field.width) + 0.5) * (field.picture.width / field.width),
        (Math.floor(i / field.width) + 0.5) * (field.picture.height / field.height),
    ];
}

/**
 * What moves: the painted regions; without any, what the solver found; without that, around what is drawn.
 * @param {Document} document
 * @param {Field} field
 * @param {Field|null} prior
 * @returns {MovingPart[]}
 */
function movingParts(document, field, prior) {
    const painted = document.regions.filter(isPainted);
    const size = { width: field.width, height: field.height };
    if (painted.length > 0) {
        return painted.map((region) => ({
            region, share: Float32Array.from(resized(region.mask, size).data, (value) => value / 255),
            arrows: arrowsOf(region, painted, document.arrows),
        }));
    }
    const share = new Float32Array(field.width * field.height);
    const out = new Float32Array(3);
    for (let i = 0; i < share.length; i++) {
        if (prior !== null) {
            const [x, y] = middle(field, i);
            sample(prior, x / field.picture.width, y / field.picture.height, out);
            share[i] = out[2];
        } else {
            share[i] = nearShapes(document, field, middle(field, i));
        }
    }
    return [{ region: document.regions.length === 1 ? document.regions[0] : null, share, arrows: document.arrows }];
}

/** @param {Region} region @returns {region is Painted} */
function isPainted(region) {
    return region.mask !== null;
}

/**
 * The arrows that name a region, or else lie most in it.
 * @param {Painted} region
 * @param {readonly Painted[]} painted
 * @param {readonly Arrow[]} arrows
 * @returns {Arrow[]}
 */
function arrowsOf(region, painted, arrows) {
    return arrows.filter((arrow) => {
        const named = painted.find((one) => one.name === arrow.region);
        if (named !== undefined) return named === region;
        const under = painted.map((one) => alongArrow(one.mask, arrow));
        const best = Math.max(...under);
        return best > 0 && under[painted.indexOf(region)] === best;
    });
}

/** @param {Mask} mask @param {Arrow} arrow */
function alongArrow(mask, arrow) {
    let sum = 0;
    for (let step = 0; step <= 32; step++) {
        const share = step / 32;
        sum += valueAt(mask, [
            arrow.from[0] + share * (arrow.to[0] - arrow.from[0]), arrow.from[1] + share * (arrow.to[1] - arrow.from[1]),
        ]);
    }
    return sum;
}

/** @param {Document} document @param {Field} field @param {Point} at */
function nearShapes(document, field, at) {
    const short = Math.min(field.picture.width, field.picture.height);
    let distance = Infinity;
    for (const arrow of document.arrows) distance = Math.min(distance, arrowDistance(arrow, field.picture, at));
    for (const swirl of document.swirls) {
        distance = Math.min(distance, Math.max(0, fromPoint(swirl.at, field.picture, at) - swirl.radius * short));
    }
    return Math.exp(-0.5 * (distance / (FREE_REACH * short)) ** 2);
}

/** @param {Point} point @param {Size} picture @param {Point} at */
function fromPoint(point, picture, at) {
    return Math.hypot(at[0] - point[0] * picture.width, at[1] - point[1] * picture.height);
}

/** @param {Arrow} arrow @param {Size} picture @param {Point} at */
function arrowDistance(arrow, picture, at) {
    const [x, y] = [at[0] - arrow.from[0] * picture.width, at[1] - arrow.from[1] * picture.height];
    const dx = (arrow.to[0] - arrow.from[0]) * picture.width;
    const dy = (arrow.to[1] - arrow.from[1]) * picture.height;
    const share = Math.min(1, Math.max(0, (x * dx + y * dy) / Math.max(dx * dx + dy * dy, 1e-12)));
    return Math.hypot(x - share * dx, y - share * dy);
}

/** Kinds of motion that do not flow. */
const LAWS = new Set(["sway", "flicker", "ripple", "fall", "waves", "parallax", "push"]);

/**
 * The velocity of a part by cell: along its arrows, turning, straight, or as the solver had it.
 * @param {MovingPart} part
 * @param {Field} field
 * @param {Field|null} prior
 * @returns {Velocity}
 */
function velocityOf(part, field, prior) {
    const { picture } = field;
    if (part.arrows.length > 0) return alongArrows(part.arrows, field);
    const speed = (part.region?.speed ?? 1) * speedUnit(picture);
    const kind = part.region?.kind ?? "translate";
    if (LAWS.has(kind)) return () => [0, 0]; // nothing flows there
    if (kind !== "translate") return turning(part, field, kind === "swirl_cw" ? -speed : speed);
    if (part.region !== null && part.region.angle !== null) {
        const [x, y] = unitVector(part.region.angle);
        return () => [speed * x, speed * y];
    }
    if (prior === null) {
        // with a swirl alone nothing flows; otherwise the solver's last resort is to the right
        const drifts = part.region !== null && part.region.mask !== null;
        return () => [drifts ? speed : 0, 0];
    }
    const mean = meanOf(prior, part, field);
    const out = new Float32Array(3);
    return (i) => {
        const [x, y] = middle(field, i);
        sample(prior, x / picture.width, y / picture.height, out);
        return out[2] > 0.5 ? [out[0], out[1]] : mean;
    };
}

/** @param {Field} prior @param {MovingPart} part @param {Field} field @returns {Point} */
function meanOf(prior, part, field) {
    const out = new Float32Array(3);
    let [dx, dy, sum] = [0, 0, 0];
    for (let i = 0; i < part.share.length; i++) {
        if (part.share[i] === 0) continue;
        const [x, y] = middle(field, i);
        sample(prior, x / field.picture.width, y / field.picture.height, out);
        const weight = part.share[i] * out[2];
        dx += weight * out[0];
        dy += weight * out[1];
        sum += weight;
    }
    return sum === 0 ? [speedUnit(field.picture), 0] : [dx / sum, dy / sum];
}

/** @param {readonly Arrow[]} arrows @param {Field} field @returns {Velocity} */
function alongArrows(arrows, field) {
    const { picture } = field;
    const reach = ARROW_REACH * Math.min(picture.width, picture.height);
    const velocities = arrows.map((arrow) => arrowVelocity(arrow, picture));
    return (i) => {
        const at = middle(field, i);
        let [dx, dy, sum] = [0, 0, 0];
        arrows.forEach((arrow, index) => {
            const weight = 1 / (arrowDistance(arrow, picture, at) ** 2 + reach ** 2) ** 2;
            dx += weight * velocities[index][0];
            dy += weight * velocities[index][1];
            sum += weight;
        });
        return [dx / sum, dy / sum];
    };
}

/** @param {MovingPart} part @param {Field} field @param {number} speed @returns {Velocity} */
function turning(part, field, speed) {
    let [x, y, sum, radius] = [0, 0, 1e-9, 0];
    /** @param {(share: number, x: number, y: number) => void} visit */
    const each = (visit) => part.share.forEach((share, i) => visit(share, ...middle(field, i)));
    each((share, px, py) => { x += share * px; y += share * py; sum += share; });
    [x, y] = [x / sum, y / sum];
    each((share, px, py) => { radius += (share * Math.hypot(px - x, py - y)) / sum; });
    return (i) => {
        const [px, py] = middle(field, i);
        return [((py - y) * speed) / Math.max(radius, 1e-6), (-(px - x) * speed) / Math.max(radius, 1e-6)];
    };
}

/**
 * Put the swirls in: within their radius things turn as fast as they moved before.
 * @param {Field} field
 * @param {Document} document
 */
function turn(field, document) {
    const { picture } = field;
    for (const swirl of document.swirls) {
        const radius = swirl.radius * Math.min(picture.width, picture.height);
        const inside = field.mask.map((_, i) => falling(fromPoint(swirl.at, picture, middle(field, i)) / radius));
        let [speed, sum] = [0, 1e-9];
        inside.forEach((share, i) => {
            if (share === 0) return;
            speed += field.mask[i] * Math.hypot(field.dx[i], field.dy[i]);
            sum += field.mask[i];
        });
        speed = speed / sum || speedUnit(picture);
        inside.forEach((share, i) => {
            const [px, py] = middle(field, i);
            const [x, y] = [px - swirl.at[0] * picture.width, py - swirl.at[1] * picture.height];
            field.dx[i] += share * ((y * swirl.turn * speed) / radius - field.dx[i]);
            field.dy[i] += share * ((-x * swirl.turn * speed) / radius - field.dy[i]);
        });
    }
}

/** @param {number} distance */
function falling(distance) {
    const share = Math.min(1, Math.max(0, (1 - distance) / 0.4));
    return share * share * (3 - 2 * share);
}

/** Pins, frozen areas and what the freeze brush covers stand still. @param {Field} field @param {Document} document */
function hold(field, document) {
    const { picture } = field;
    const reach = PIN_REACH * Math.min(picture.width, picture.height);
    const still = document.still === null ? null : resized(document.still, { width: field.width, height: field.height });
    for (let i = 0; i < field.mask.length; i++) {
        const at = middle(field, i);
        /** @type {Point} */
        const point = [at[0] / picture.width, at[1] / picture.height];
        let kept = still === null ? 1 : 1 - still.data[i] / 255;
        if (document.freeze.some((corners) => insidePolygon(point, corners))) kept = 0;
        field.mask[i] *= kept;
        for (const pin of document.pins) {
            const free = 1 - Math.exp(-0.5 * (fromPoint(pin, picture, at) / reach) ** 2);
            field.dx[i] *= free;
            field.dy[i] *= free;
        }
    }
}
