/**
 * Arrows and the directions of regions are one thing: a drawn arrow gives its region the direction, a direction that is
 * set in the list or in words turns the arrows of the region.
 *
 * @typedef {import("./document.mjs").Document} Document
 * @typedef {{width: number, height: number}} Size
 */

import { changeRegion, regionCalled } from "./document.mjs";
import { angleOf, clamp, readArrow, unitVector } from "./geometry.mjs";
import { valueAt } from "./mask.mjs";

/** @import { Arrow } from "./document.mjs" */

/** Degrees below which two directions count as the same. */
const SAME = 1;

/**
 * The region of an arrow: the one it names, else the one whose mask is strongest under it, else the only one.
 * @param {import("./document.mjs").Arrow} arrow
 * @param {Document} document
 * @returns {string|null}
 */
export function ownerOf(arrow, document) {
    const named = document.regions.find((region) => region.name === arrow.region);
    if (named !== undefined) return named.name;
    let best = 0;
    /** @type {string|null} */
    let name = null;
    for (const region of document.regions) {
        if (region.mask === null) continue;
        let sum = 0;
        for (let step = 0; step <= 32; step++) {
            sum += valueAt(region.mask, [
                arrow.from[0] + (step / 32) * (arrow.to[0] - arrow.from[0]),
                arrow.from[1] + (step / 32) * (arrow.to[1] - arrow.from[1]),
            ]);
        }
        if (sum > best) [best, name] = [sum, region.name];
    }
    if (name !== null || document.regions.length !== 1) return name;
    return document.regions[0].mask === null ? document.regions[0].name : null;
}

/** @param {Document} document @returns {Map<string, import("./document.mjs").Arrow[]>} the arrows of each region */
function arrowsByRegion(document) {
    const found = new Map();
    for (const arrow of document.arrows) {
        const owner = ownerOf(arrow, document);
        if (owner !== null) found.set(owner, [...(found.get(owner) ?? []), arrow]);
    }
    return found;
}

/**
 * The mean direction of arrows in whole degrees, or null where they cancel out.
 * @param {readonly Arrow[]} arrows
 * @param {Size} picture
 * @returns {number|null}
 */
function meanAngle(arrows, picture) {
    let [dx, dy] = [0, 0];
    for (const { from, to } of arrows) {
        dx += (to[0] - from[0]) * picture.width;
        dy += (to[1] - from[1]) * picture.height;
    }
    return Math.hypot(dx, dy) < 1e-9 ? null : Math.round(angleOf(dx, dy)) % 360;
}

/**
 * @param {Document} document
 * @param {Size} picture
 * @returns {Document} each region with arrows goes the way of its arrows
 */
export function followArrows(document, picture) {
    let result = document;
    for (const [name, arrows] of arrowsByRegion(document)) {
        const region = regionCalled(document, name);
        const angle = meanAngle(arrows, picture);
        if (angle === null || (region.kind === "translate" && region.angle !== null && apart(angle, region.angle) < SAME)) continue;
        result = changeRegion(result, name, { angle, kind: "translate" });
    }
    return result;
}

/**
 * @param {Document} document
 * @param {Size} picture
 * @returns {Document} the arrows of each region go the way that the region has in `document`
 */
export function turnArrows(document, picture) {
    let result = document;
    for (const [name, arrows] of arrowsByRegion(document)) {
        const region = regionCalled(document, name);
        const mean = meanAngle(arrows, picture);
        if (region.angle === null || mean === null || apart(mean, region.angle) < SAME) continue;
        const turn = region.angle - mean;
        const turned = result.arrows.map((arrow) => (arrows.includes(arrow) ? rotated(arrow, turn, picture) : arrow));
        result = { ...result, arrows: turned };
    }
    return result;
}

/**
 * @param {Document} document
 * @param {string} name
 * @param {Size} picture
 * @returns {number|null} the speed that the arrows of a region say, their mean, or null where it has none
 */
export function arrowSpeed(document, name, picture) {
    const arrows = arrowsByRegion(document).get(name) ?? [];
    const sum = arrows.reduce((before, arrow) => before + readArrow(arrow, picture).speed, 0);
    return arrows.length === 0 ? null : sum / arrows.length;
}

/**
 * @param {Document} document
 * @param {string} name
 * @param {number} speed
 * @param {Size} picture
 * @returns {Document} the arrows of a region with a number beside their length, so that together they say a speed
 */
export function paceArrows(document, name, speed, picture) {
    const owned = arrowsByRegion(document).get(name) ?? [];
    const drawn = arrowSpeed(document, name, picture);
    if (drawn === null) return document;
    /** @param {Arrow} arrow */
    const paced = (arrow) => Number(((readArrow(arrow, picture).speed * speed) / Math.max(drawn, 1e-6)).toFixed(3));
    return { ...document, arrows: document.arrows.map((arrow) => (owned.includes(arrow) ? { ...arrow, speed: paced(arrow) } : arrow)) };
}

/**
 * An arrow turned about its middle, shortened where it would leave the picture.
 * @param {Arrow} arrow
 * @param {number} degrees
 * @param {Size} picture
 */
function rotated(arrow, degrees, picture) {
    const middle = [(arrow.from[0] + arrow.to[0]) / 2, (arrow.from[1] + arrow.to[1]) / 2];
    const dx = ((arrow.to[0] - arrow.from[0]) * picture.width) / 2;
    const dy = ((arrow.to[1] - arrow.from[1]) * picture.height) / 2;
    const [x, y] = unitVector(angleOf(dx, dy) + degrees);
    const half = [(x * Math.hypot(dx, dy)) / picture.width, (y * Math.hypot(dx, dy)) / picture.height];
    /** @param {number} at @param {number} way */
    const room = (at, way) => (way === 0 ? 1 : ((way > 0 ? 1 - at : at)) / Math.abs(way));
    const share = Math.min(1, ...[0, 1].flatMap((i) => [room(middle[i], half[i]), room(middle[i], -half[i])]));
    /** @param {1|-1} sign */
    const end = (sign) => clamp([middle[0] + sign * share * half[0], middle[1] + sign * share * half[1]]);
    return { ...arrow, from: end(-1), to: end(1) };
}

/** @param {number} a @param {number} b */
function apart(a, b) {
    return Math.abs(((a - b + 540) % 360) - 180);
}
