/**
 * The hints document, version 2: what the user drew. Documents are snapshots: a change makes a new one.
 *
 * @typedef {import("./mask.mjs").Mask} Mask
 * @typedef {[number, number]} Point  0..1 of the picture's width and height
 * @typedef {{from: Point, to: Point, region?: string, speed?: number}} Arrow  speed: in place of what its length says
 * @typedef {{at: Point, radius: number, turn: number}} Swirl
 *   radius: share of the picture's short side; turn: above 0 counter-clockwise
 * @typedef {"translate"|"swirl"|"swirl_cw"|"swirl_ccw"|"sway"|"flicker"|"ripple"|"fall"|"waves"|"parallax"|"push"} Kind
 * @typedef {{name: string, angle: number|null, speed: number, kind: Kind, colour: string, mask: Mask|null}} Region
 *   angle: degrees, 0 right, 90 up, or null where nobody said; speed: 1 is the usual; mask: what moves, or null
 * @typedef {{arrows: readonly Arrow[], swirls: readonly Swirl[], pins: readonly Point[],
 *   freeze: readonly (readonly Point[])[], still: Mask|null, regions: readonly Region[]}} Document
 * @typedef {{encode: (mask: Mask) => Promise<string>, decode: (text: string) => Promise<Mask>}} Codec
 * @typedef {{angle: number|null, kind: Kind, speed: number}} Said
 * @typedef {{arrows: Arrow, swirls: Swirl, pins: Point, freeze: readonly Point[]}} Items  what each list holds
 * @typedef {Omit<Region, "colour"|"mask"> & {colour?: string, mask?: string}} Given  a region as it is written
 * @typedef {Pick<Document, "arrows"|"swirls"|"pins"|"freeze"> & {still?: string, regions: readonly Given[]}} Written
 *   what JSON says, with the usual put in; masks as text
 * @typedef {Record<string, Said>} Spoken
 *   what the words say of each region, by its name
 */

import { equalMasks, isEmpty, resized } from "./mask.mjs";

export const VERSION = 2;
export const MAX_ITEMS = 256;
export const MAX_CORNERS = 1024;
export const MAX_NAME = 200;
export const MAX_SPEED = 100;
export const MAX_MASKS = 16;
export const MAX_MASK_TEXT = 2 * 1024 * 1024;
/** @type {readonly Kind[]} */
const KINDS = [
    "translate", "swirl", "swirl_cw", "swirl_ccw", "sway", "flicker", "ripple", "fall", "waves", "parallax", "push",
];

/** Colours of regions, in the order in which they are given; told apart on most pictures. */
export const COLOURS = [
    "#1c8fff", "#ff8a1c", "#23b26b", "#e0559a", "#8f6bff", "#d4ac0d", "#12b0b8", "#e2503c",
];

/** @type {Document} */
export const EMPTY = Object.freeze({
    arrows: Object.freeze([]), swirls: Object.freeze([]), pins: Object.freeze([]), freeze: Object.freeze([]),
    still: null, regions: Object.freeze([]),
});

/** A document that is refused; the message names the place, as "hints.arrows[2].to: …". */
export class HintsError extends Error {}

/** @param {Document} document @returns {boolean} whether nothing is drawn or said */
export function isBlank(document) {
    return document.still === null && [
        document.arrows, document.swirls, document.pins, document.freeze, document.regions,
    ].every((list) => list.length === 0);
}

/** @param {Document} document @returns {boolean} whether something was drawn, beyond what words say of regions */
export function isDrawn(document) {
    return !isBlank({ ...document, regions: document.regions.filter((region) => region.mask !== null) });
}

/** @param {Document} a @param {Document} b @returns {boolean} whether two documents say the same, to the last pixel */
export function equal(a, b) {
    if (a === b) return true;
    if (!equalMasks(a.still, b.still) || a.regions.length !== b.regions.length) return false;
    /** @param {Document} document */
    const plain = (document) => JSON.stringify({
        ...document, still: null, regions: document.regions.map((region) => ({ ...region, mask: null })),
    });
    return plain(a) === plain(b) && a.regions.every((region, index) => equalMasks(region.mask, b.regions[index].mask));
}

/** @param {Document} document @param {string|null|undefined} name @returns {Region|undefined} */
export function findRegion(document, name) {
    const wanted = String(name ?? "").trim().toLowerCase();
    return document.regions.find((region) => region.name.trim().toLowerCase() === wanted);
}

/**
 * @param {Document} document
 * @param {string} name  of a region that is there, letter for letter
 * @returns {Region}
 * @throws {Error} there is none, which is a fault of the caller
 */
export function regionCalled(document, name) {
    const region = document.regions.find((one) => one.name === name);
    if (region === undefined) throw new Error(`there is no region called ${name}`);
    return region;
}

/**
 * @param {Document} document
 * @param {string} wanted
 * @returns {string} `wanted`, or with a number after it where that is taken
 */
export function freeName(document, wanted) {
    if (findRegion(document, wanted) === undefined) return wanted;
    for (let number = 2; ; number++) {
        if (findRegion(document, `${wanted} ${number}`) === undefined) return `${wanted} ${number}`;
    }
}

/**
 * @param {Document} document
 * @param {Partial<Region>} given
 * @returns {Document} with a region more, at the end; what is not given is the usual
 */
export function addRegion(document, given) {
    const used = new Set(document.regions.map((region) => region.colour));
    const colour = COLOURS.find((one) => !used.has(one)) ?? COLOURS[document.regions.length % COLOURS.length];
    /** @type {Region} */
    const region = { name: "area", angle: null, speed: 1, kind: "translate", colour, mask: null, ...given };
    return { ...document, regions: [...document.regions, Object.freeze(region)] };
}

/**
 * @param {Document} document
 * @param {string} name
 * @param {Partial<Region>} change
 * @returns {Document} with a region changed; its arrows follow a new name
 */
export function changeRegion(document, name, change) {
    const regions = document.regions.map((region) => (region.name === name ? Object.freeze({ ...region, ...change }) : region));
    if (change.name === undefined || change.name === name) return { ...document, regions };
    const after = change.name;
    const arrows = document.arrows.map((arrow) => (arrow.region === name ? { ...arrow, region: after } : arrow));
    return { ...document, regions, arrows };
}

/**
 * What the words say of a region; a region may be called "constructor", as something that every object has.
 * @param {Spoken|null} spoken
 * @param {string} name
 * @returns {Said|undefined}
 */
export function saidOf(spoken, name) {
    const key = name.toLowerCase();
    return spoken !== null && Object.hasOwn(spoken, key) ? spoken[key] : undefined;
}

/** The motion of a region of which nothing is said. @type {Readonly<Said>} */
export const UNMOVED = Object.freeze({ angle: null, kind: "translate", speed: 1 });

/** @param {Said} said @returns {boolean} whether nothing is said of a motion */
export function isUnmoved({ angle, kind, speed }) {
    return angle === null && kind === "translate" && speed === 1;
}

/**
 * @param {Document} document
 * @param {string} painted
 * @param {string} other
 * @returns {Document} with a painted region that takes the place of an unpainted one: its name, and its motion where it has none
 */
export function mergeRegions(document, painted, other) {
    const [mine, theirs] = [findRegion(document, painted), findRegion(document, other)];
    if (mine === undefined || theirs === undefined) return document;
    const { angle, kind, speed } = isUnmoved(mine) ? theirs : mine;
    const without = { ...document, regions: document.regions.filter((region) => region !== theirs) };
    return changeRegion(without, mine.name, { name: theirs.name, angle, kind, speed });
}

/**
 * @param {Document} document
 * @param {string} name
 * @returns {boolean} whether a region may be painted: it is already, or there is room for one more
 */
export function mayPaint(document, name) {
    const painted = document.regions.filter((region) => region.mask !== null);
    return painted.length < MAX_MASKS || (painted.length === MAX_MASKS && painted.some((region) => region.name === name));
}

/**
 * @param {Document} document
 * @param {Region} region
 * @param {Spoken} spoken
 * @returns {boolean} whether a run looks for a region by its name: it moves beside painted ones, and is not painted
 */
export function isSought(document, region, spoken) {
    const beside = document.regions.some((one) => one.mask !== null);
    return region.mask === null && beside && (!isUnmoved(region) || saidOf(spoken, region.name) !== undefined);
}

/** What is said where there is no room for another painted region. */
export const TOO_MANY_PAINTED = `At most ${MAX_MASKS} regions can be painted; paint in one of them, or remove one.`;

/** @param {Document} document @param {string} name @returns {Document} without a region and the arrows that name it */
export function removeRegion(document, name) {
    return {
        ...document,
        regions: document.regions.filter((region) => region.name !== name),
        arrows: document.arrows.filter((arrow) => arrow.region !== name),
    };
}

/**
 * @template {keyof Items} List
 * @param {Document} document
 * @param {List} list
 * @param {number} index
 * @param {Items[List]|null} item
 * @returns {Document} with one item of a list ("arrows", "swirls", "pins", "freeze") put in, changed or (null) out
 */
export function withItem(document, list, index, item) {
    const items = [.../** @type {readonly Items[List][]} */ (document[list])];
    if (item === null) items.splice(index, 1);
    else items[index] = item;
    return { ...document, [list]: items };
}

/**
 * The document as JSON. What the words of the page already say of an unpainted region is left out, unless it stands beside
 * painted ones, where the words ask to find it. A region's speed is what remains beside the words', because the solver
 * multiplies the two.
 * @param {Document} document
 * @param {Codec} codec
 * @param {Spoken|null} spoken  null writes all of it as it stands
 * @returns {Promise<Written & {version: number}>}
 */
export async function write(document, codec, spoken = null) {
    /** @type {Given[]} */
    const regions = [];
    const alone = document.regions.every((region) => region.mask === null);
    for (const region of document.regions) {
        const words = saidOf(spoken, region.name);
        const speed = words === undefined || words.speed === 0 ? region.speed : rounded(region.speed / words.speed);
        if (spoken !== null && (alone || words === undefined) && isLeftOut({ ...region, speed }, words)) continue;
        const entry = { name: region.name, angle: region.angle, speed, kind: region.kind, colour: region.colour };
        regions.push(region.mask === null ? entry : { ...entry, mask: await codec.encode(region.mask) });
    }
    const { arrows, swirls, pins, freeze } = document;
    const result = { version: VERSION, arrows, swirls, pins, freeze, regions };
    return document.still === null ? result : { ...result, still: await codec.encode(document.still) };
}

/** Whether the words say all of an unpainted region, or there is nothing to say. @param {Region} region @param {Said|undefined} words */
function isLeftOut(region, words) {
    const told = words !== undefined && words.angle === region.angle && words.kind === region.kind && region.speed === 1;
    return region.mask === null && (told || isUnmoved(region));
}

/** @param {number} value */
function rounded(value) {
    return Math.round(value * 1e4) / 1e4;
}

/**
 * The document of JSON, version 1 or 2.
 * @param {unknown} json
 * @param {Codec} codec
 * @param {{width: number, height: number}} size  of the masks
 * @param {Spoken|null} spoken  as in `write`
 * @returns {Promise<Document>}
 * @throws {HintsError}
 */
export async function read(json, codec, size, spoken = null) {
    const given = validate(json);
    /** @param {string|undefined} text @param {string} where */
    const decode = async (text, where) => {
        if (text === undefined) return null;
        const mask = await codec.decode(text).catch((error) => {
            throw new HintsError(`${where}: ${error.message}`);
        });
        const ratio = (mask.width * size.height) / (mask.height * size.width);
        if (ratio < 0.95 || ratio > 1.05) throw new HintsError(`${where}: has another shape than the picture`);
        const fitting = resized(mask, size);
        return isEmpty(fitting) ? null : fitting;
    };
    /** @type {Document} */
    let document = { ...EMPTY, arrows: given.arrows, swirls: given.swirls, pins: given.pins, freeze: given.freeze };
    for (const [index, region] of given.regions.entries()) {
        const said = saidOf(spoken, region.name)?.speed ?? 1;
        const { mask: text, ...rest } = region;
        const mask = await decode(text, `hints.regions[${index}].mask`);
        document = addRegion(document, { ...rest, speed: region.speed * said, mask });
    }
    return Object.freeze({ ...document, still: await decode(given.still, "hints.still") });
}

/**
 * Check JSON against the contract, and put the usual in where something is left out.
 * @param {unknown} json
 * @returns {Written}
 * @throws {HintsError}
 */
export function validate(json) {
    const given = fields(json, "hints");
    const { version } = given;
    const known = version === 1 ? [] : ["still"];
    keys(given, "hints", ["version"], ["arrows", "swirls", "pins", "freeze", "regions", ...known]);
    if (version !== 1 && version !== VERSION) throw new HintsError(`hints.version: must be 1 or ${VERSION}`);
    const regions = list(given.regions ?? [], "hints.regions", (value, where) => region(value, where, version));
    const names = regions.map((one) => one.name);
    names.forEach((name, index) => {
        if (names.indexOf(name) < index) throw new HintsError(`hints.regions[${index}].name: is given twice`);
    });
    if (regions.filter((one) => one.mask !== undefined).length > MAX_MASKS) {
        throw new HintsError(`hints.regions: at most ${MAX_MASKS} of them may have masks`);
    }
    return {
        arrows: list(given.arrows ?? [], "hints.arrows", arrow),
        swirls: list(given.swirls ?? [], "hints.swirls", swirl),
        pins: list(given.pins ?? [], "hints.pins", point),
        freeze: list(given.freeze ?? [], "hints.freeze", polygon),
        regions,
        ...(given.still === undefined ? {} : { still: maskText(given.still, "hints.still") }),
    };
}

/** @param {unknown} value @param {string} where @returns {{[key: string]: unknown}} */
function fields(value, where) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
        throw new HintsError(`${where}: must be an object`);
    }
    return /** @type {{[key: string]: unknown}} */ (value);
}

/**
 * @param {unknown} given
 * @param {string} where
 * @param {readonly string[]} required
 * @param {readonly string[]} optional
 * @returns {{[key: string]: unknown}} what was given, without a key too many or too few
 */
function keys(given, where, required, optional) {
    const value = fields(given, where);
    for (const key of Object.keys(value)) {
        if (!required.includes(key) && !optional.includes(key)) throw new HintsError(`${where}.${key}: unknown`);
    }
    for (const key of required) if (!(key in value)) throw new HintsError(`${where}.${key}: is missing`);
    return value;
}

/**
 * @template Item
 * @param {unknown} value
 * @param {string} where
 * @param {(item: unknown, where: string) => Item} check
 * @param {number} [limit]
 * @returns {Item[]}
 */
function list(value, where, check, limit = MAX_ITEMS) {
    if (!Array.isArray(value)) throw new HintsError(`${where}: must be a list`);
    if (value.length > limit) throw new HintsError(`${where}: at most ${limit} items are allowed`);
    return value.map((item, index) => check(item, `${where}[${index}]`));
}

/** @param {unknown} value @param {string} where @param {number} low @param {number} high @returns {number} */
function number(value, where, low, high) {
    if (typeof value !== "number" || !Number.isFinite(value) || value < low || value > high) {
        throw new HintsError(`${where}: must be a number from ${low} to ${high}`);
    }
    return value;
}

/** @param {unknown} value @param {string} where @returns {Point} */
function point(value, where) {
    if (!Array.isArray(value) || value.length !== 2) throw new HintsError(`${where}: must be [x, y]`);
    return [number(value[0], `${where}[0]`, 0, 1), number(value[1], `${where}[1]`, 0, 1)];
}

/** @param {unknown} value @param {string} where @returns {Point[]} */
function polygon(value, where) {
    const corners = list(value, where, point, MAX_CORNERS);
    if (corners.length < 3) throw new HintsError(`${where}: an area needs at least 3 corners`);
    return corners;
}

/** @param {unknown} value @param {string} where @returns {string} */
function nameOf(value, where) {
    if (typeof value !== "string" || value.trim() === "" || value.length > MAX_NAME) {
        throw new HintsError(`${where}: must be a name of at most ${MAX_NAME} letters`);
    }
    return value;
}

/** @param {unknown} given @param {string} where @returns {Arrow} */
function arrow(given, where) {
    const value = keys(given, where, ["from", "to"], ["region", "speed"]);
    const [from, to] = [point(value.from, `${where}.from`), point(value.to, `${where}.to`)];
    if (from[0] === to[0] && from[1] === to[1]) throw new HintsError(`${where}.to: equals from`);
    return {
        from, to,
        ...(value.region == null ? {} : { region: nameOf(value.region, `${where}.region`) }),
        ...(value.speed == null ? {} : { speed: number(value.speed, `${where}.speed`, 0, MAX_SPEED) }),
    };
}

/** @param {unknown} given @param {string} where @returns {Swirl} */
function swirl(given, where) {
    const value = keys(given, where, ["at", "radius"], ["turn"]);
    const turn = number(value.turn ?? 1, `${where}.turn`, -MAX_SPEED, MAX_SPEED);
    if (turn === 0) throw new HintsError(`${where}.turn: must not be 0`);
    return { at: point(value.at, `${where}.at`), radius: number(value.radius, `${where}.radius`, 0.005, 4), turn };
}

/** @param {unknown} given @param {string} where @param {1|2} version @returns {Given} */
function region(given, where, version) {
    const value = keys(given, where, ["name"], ["angle", "speed", ...(version === 1 ? [] : ["kind", "colour", "mask"])]);
    /** @type {Given} */
    const result = {
        name: nameOf(value.name, `${where}.name`),
        angle: value.angle == null ? null : number(value.angle, `${where}.angle`, -360, 360),
        speed: number(value.speed ?? 1, `${where}.speed`, 0, MAX_SPEED),
        kind: kindOf(value.kind ?? "translate", `${where}.kind`),
    };
    if (value.colour != null) {
        if (typeof value.colour !== "string" || !/^#[0-9a-f]{6}$/i.test(value.colour)) throw new HintsError(`${where}.colour: must be like #1c8fff`);
        result.colour = value.colour;
    }
    if (value.mask != null) result.mask = maskText(value.mask, `${where}.mask`);
    return result;
}

/** @param {unknown} value @param {string} where @returns {Kind} */
function kindOf(value, where) {
    const kind = KINDS.find((one) => one === value);
    if (kind === undefined) throw new HintsError(`${where}: must be one of ${KINDS.join(", ")}`);
    return kind;
}

/** @param {unknown} value @param {string} where @returns {string} */
function maskText(value, where) {
    if (typeof value !== "string" || value === "") throw new HintsError(`${where}: must be a PNG in base64`);
    if (value.length > (MAX_MASK_TEXT * 4) / 3 + 4) throw new HintsError(`${where}: is larger than 2 MB`);
    return value;
}
