/**
 * Where things are: between the picture (0..1 of its width and height) and the window (CSS pixels), and what is hit.
 *
 * @typedef {[number, number]} Point  coordinates of the hints document: 0..1 of width and height
 * @typedef {{width: number, height: number}} Size
 * @typedef {{scale: number, left: number, top: number}} View
 *   a picture's pixel (x, y) is drawn at (left + scale * x, top + scale * y) of the window
 * @typedef {"from"|"to"|"body"|"rim"} Part
 * @typedef {{kind: "arrow"|"swirl"|"pin"|"freeze", index: number, part: Part}} Hit
 */

/** @import { Arrow, Document } from "./document.mjs" */

/** An arrow is the way that a point travels in this many frames at speed 1. */
export const FRAMES_OF_ARROW = 30;

/** The bounds of the speed that the length of a drawn arrow says, in units of speed 1; beyond, pictures tear or stand. */
const SLOWEST_ARROW = 0.25;
const FASTEST_ARROW = 2;

/** How far one may zoom in: CSS pixels for one of the picture's pixels. */
const LARGEST_SCALE = 24;

/**
 * The view that shows the whole picture, in the middle.
 * @param {Size} picture
 * @param {Size} window
 * @returns {View}
 */
export function fit(picture, window) {
    const scale = Math.min(window.width / picture.width, window.height / picture.height) || 1;
    return {
        scale,
        left: (window.width - scale * picture.width) / 2,
        top: (window.height - scale * picture.height) / 2,
    };
}

/**
 * The view after zooming by `factor` with the place under `at` (window pixels) kept.
 * @param {View} view
 * @param {number} factor
 * @param {Point} at
 * @param {Size} picture
 * @param {Size} window
 * @returns {View}
 */
export function zoom(view, factor, at, picture, window) {
    const least = fit(picture, window).scale;
    const scale = Math.min(Math.max(view.scale * factor, least), Math.max(least, LARGEST_SCALE));
    const ratio = scale / view.scale;
    const moved = { scale, left: at[0] - ratio * (at[0] - view.left), top: at[1] - ratio * (at[1] - view.top) };
    return keepInside(moved, picture, window);
}

/**
 * @param {View} view
 * @param {number} dx
 * @param {number} dy
 * @param {Size} picture
 * @param {Size} window
 * @returns {View} the view moved by (dx, dy) window pixels
 */
export function pan(view, dx, dy, picture, window) {
    return keepInside({ scale: view.scale, left: view.left + dx, top: view.top + dy }, picture, window);
}

/**
 * @param {View} view
 * @param {Size} picture
 * @param {Size} before
 * @param {Size} now
 * @returns {View} the same view for a window of another size: the place in its middle stays in the middle
 */
export function resized(view, picture, before, now) {
    const wasFit = Math.abs(view.scale - fit(picture, before).scale) < 1e-6;
    if (wasFit || before.width === 0 || before.height === 0) return fit(picture, now);
    const middle = toPicture(view, picture, [before.width / 2, before.height / 2]);
    const moved = {
        scale: view.scale,
        left: now.width / 2 - view.scale * middle[0] * picture.width,
        top: now.height / 2 - view.scale * middle[1] * picture.height,
    };
    return zoom(moved, 1, [now.width / 2, now.height / 2], picture, now);
}

/**
 * No side of the picture leaves a gap to the window's edge while the picture is larger than the window.
 * @param {View} view
 * @param {Size} picture
 * @param {Size} window
 * @returns {View}
 */
function keepInside(view, picture, window) {
    return {
        scale: view.scale,
        left: keptSide(view.left, view.scale * picture.width, window.width),
        top: keptSide(view.top, view.scale * picture.height, window.height),
    };
}

/** @param {number} start @param {number} length @param {number} room */
function keptSide(start, length, room) {
    if (length <= room) return (room - length) / 2;
    return Math.min(0, Math.max(room - length, start));
}

/**
 * @param {View} view
 * @param {Size} picture
 * @param {Point} at
 * @returns {Point} 0..1 of the picture (outside of it: beyond that) for a place in the window
 */
export function toPicture(view, picture, at) {
    return [(at[0] - view.left) / (view.scale * picture.width), (at[1] - view.top) / (view.scale * picture.height)];
}

/**
 * @param {View} view
 * @param {Size} picture
 * @param {Point} point
 * @returns {Point} the place in the window of a point of the picture
 */
export function toWindow(view, picture, point) {
    return [view.left + view.scale * point[0] * picture.width, view.top + view.scale * point[1] * picture.height];
}

/** @param {Point} point @returns {Point} the nearest point inside the picture */
export function clamp(point) {
    return [Math.min(1, Math.max(0, point[0])), Math.min(1, Math.max(0, point[1]))];
}

/**
 * @param {number} dx
 * @param {number} dy
 * @returns {number} degrees in [0, 360): 0 right, 90 up, 180 left, 270 down; y of the vector points down
 */
export function angleOf(dx, dy) {
    const angle = (Math.atan2(-dy, dx) * 180) / Math.PI;
    return (angle + 360) % 360;
}

/** @param {number} angle @returns {[number, number]} the direction of an angle, y down */
export function unitVector(angle) {
    const radians = (angle * Math.PI) / 180;
    return [Math.cos(radians), -Math.sin(radians)];
}

/**
 * @param {Arrow} arrow
 * @param {Size} picture
 * @returns {[number, number]} an arrow's velocity in the picture's pixels per frame
 */
export function arrowVelocity(arrow, picture) {
    const dx = ((arrow.to[0] - arrow.from[0]) * picture.width) / FRAMES_OF_ARROW;
    const dy = ((arrow.to[1] - arrow.from[1]) * picture.height) / FRAMES_OF_ARROW;
    if (arrow.speed === undefined) return [dx, dy];
    const share = (arrow.speed * speedUnit(picture)) / Math.max(Math.hypot(dx, dy), 1e-12);
    return [share * dx, share * dy];
}

/**
 * An arrow that is drawn by hand: its length says the speed within bounds; beyond, it only means the direction.
 * @param {Arrow} arrow
 * @param {Size} picture
 * @returns {Arrow}
 */
export function bounded({ speed: _, ...arrow }, picture) {
    const { speed } = readArrow(arrow, picture);
    const kept = Math.min(Math.max(speed, SLOWEST_ARROW), FASTEST_ARROW);
    return kept === speed ? arrow : { ...arrow, speed: kept };
}

/**
 * @param {Arrow} arrow
 * @param {Size} picture
 * @returns {{angle: number, speed: number}} an arrow's direction, and its speed in units of speed 1
 */
export function readArrow(arrow, picture) {
    const [dx, dy] = arrowVelocity(arrow, picture);
    return { angle: angleOf(dx, dy), speed: Math.hypot(dx, dy) / speedUnit(picture) };
}

/** @param {Size} picture @returns {number} pixels per frame of speed 1: one for a picture whose short side is 512 */
export function speedUnit(picture) {
    return Math.min(picture.width, picture.height) / 512;
}

/**
 * @param {Point} at
 * @param {Point} start
 * @param {Point} end
 * @returns {number} the distance of `at` to the line from `start` to `end`
 */
export function distanceToLine(at, start, end) {
    const [dx, dy] = [end[0] - start[0], end[1] - start[1]];
    const length = dx * dx + dy * dy;
    const share = length === 0 ? 0 : ((at[0] - start[0]) * dx + (at[1] - start[1]) * dy) / length;
    const kept = Math.min(1, Math.max(0, share));
    return Math.hypot(at[0] - start[0] - kept * dx, at[1] - start[1] - kept * dy);
}

/**
 * @param {Point} point
 * @param {readonly Point[]} corners
 * @returns {boolean} whether a point lies inside a polygon (even-odd)
 */
export function insidePolygon(point, corners) {
    let inside = false;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i++) {
        const [[xi, yi], [xj, yj]] = [corners[i], corners[j]];
        if (yi > point[1] !== yj > point[1] && point[0] < ((xj - xi) * (point[1] - yi)) / (yj - yi) + xi) {
            inside = !inside;
        }
    }
    return inside;
}

/**
 * What of the document's shapes lies under a place in the window: ends of arrows first, then the nearest.
 * @param {Document} document
 * @param {Point} at  window pixels
 * @param {View} view
 * @param {Size} picture
 * @param {number} reach  window pixels
 * @returns {Hit|null}
 */
export function hit(document, at, view, picture, reach) {
    /** @param {Point} point */
    const place = (point) => toWindow(view, picture, point);
    /** @param {Point} point */
    const apart = (point) => Math.hypot(at[0] - place(point)[0], at[1] - place(point)[1]);
    /** @type {{hit: Hit, distance: number}[]} */
    const found = [];
    /** @param {Hit["kind"]} kind @param {number} index @param {Hit["part"]} part @param {number} distance */
    const offer = (kind, index, part, distance) => {
        if (distance <= reach) found.push({ hit: { kind, index, part }, distance });
    };
    document.arrows.forEach((arrow, index) => {
        offer("arrow", index, "to", apart(arrow.to) - reach);
        offer("arrow", index, "from", apart(arrow.from) - reach / 2);
        offer("arrow", index, "body", distanceToLine(at, place(arrow.from), place(arrow.to)));
    });
    document.pins.forEach((pin, index) => offer("pin", index, "body", apart(pin) - reach / 2));
    document.swirls.forEach((swirl, index) => {
        const radius = swirl.radius * Math.min(picture.width, picture.height) * view.scale;
        offer("swirl", index, "body", apart(swirl.at) - reach / 2);
        offer("swirl", index, "rim", Math.abs(apart(swirl.at) - radius));
    });
    if (found.length > 0) return found.reduce((best, next) => (next.distance < best.distance ? next : best)).hit;
    const point = toPicture(view, picture, at);
    const frozen = document.freeze.findLastIndex((corners) => insidePolygon(point, corners));
    return frozen < 0 ? null : { kind: "freeze", index: frozen, part: "body" };
}
