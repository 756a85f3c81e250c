/**
 * What moves although nobody painted it: what a run found, or a mask file gives. It is seen on the canvas, and the first
 * change of any region's mask begins from all of it, so that nothing is lost. It is not part of the document until then.
 *
 * @typedef {import("./document.mjs").Document} Document
 * @typedef {import("./mask.mjs").Mask} Mask
 * @typedef {{name: string, source: string, mask: Mask}} Row  name: "" where nothing says what it is
 * @typedef {{rows: readonly Row[], stale: boolean}} Found  stale: the region stage no longer fits the page
 */

import { addRegion, changeRegion, findRegion } from "./document.mjs";
import { isEmpty, resized } from "./mask.mjs";

/** @import { PageState, SentRow } from "./types" */

/** The sources of what the user painted, and of what a mask file gives, as the region stage calls them. */
const PAINTED = "painted";
const MASK_FILE = "mask file";

/** The name of a region that no word names, as the region stage calls it. */
const NO_WORD = "region";

/** @type {Found} */
export const NOTHING = Object.freeze({ rows: Object.freeze([]), stale: false });

/**
 * The rows that the page's state holds: a mask file that no run has taken in yet, else what the region stage gave.
 * @param {PageState} state
 * @returns {SentRow[]}
 */
export function rowsOf(state) {
    const stage = state.stages?.region;
    if (state.mask) return state.mask;
    // a mask file that is no longer there says nothing
    return (stage?.regions ?? []).filter((row) => row.source !== PAINTED && !(stage?.stale && row.source === MASK_FILE));
}

/**
 * What the page's state holds, at the size of the document's masks; what has another shape than the picture is left out.
 * What was found before and is painted now is kept, for the way back to where it was not.
 * @param {PageState} state
 * @param {(text: string) => Promise<Mask>} decode
 * @param {{width: number, height: number}} size
 * @param {Found} [before]
 * @returns {Promise<Found>}
 */
export async function readFound(state, decode, size, before = NOTHING) {
    /** @param {State} state */
    const painted = (state.stages?.region?.regions ?? []).filter((row) => row.source === PAINTED).map((row) => row.name);
    const rows = before.rows.filter((row) => row.source !== MASK_FILE && painted.includes(row.name));
    for (const { name, source, mask: text } of rowsOf(state)) {
        const mask = await decode(text);
        const ratio = (mask.width * size.height) / (mask.height * size.width);
        if (ratio < 0.95 || ratio > 1.05) continue;
        const fitting = resized(mask, size);
        if (!isEmpty(fitting)) rows.push(Object.freeze({ name, source, mask: fitting }));
    }
    return { rows, stale: state.stages?.region?.stale ?? false };
}

/**
 * What of it moves beside a document's paint.
 * @param {Document} document
 * @param {Found} found
 * @returns {Row[]} each with the name of its region, which the document may not have yet
 */
export function unpainted(document, found) {
    const painted = document.regions.some((region) => region.mask !== null);
    const rows = [];
    for (const row of found.rows) {
        const given = row.source === MASK_FILE;
        // painted regions take the place of a mask file
        if (given && painted) continue;
        const region = findRegion(document, row.name) ?? (given && nameless(row) ? document.regions[0] : undefined);
        if (region?.mask || (region === undefined && found.stale && !given)) continue;
        rows.push({ ...row, name: region?.name ?? (row.name || NO_WORD) });
    }
    return rows;
}

/** @param {{name: string}} row */
function nameless(row) {
    return row.name === "" || row.name === NO_WORD;
}

/**
 * @param {Document} document
 * @param {Found} found
 * @returns {Document} with all of it as paint; the same document where there is nothing
 */
export function adopted(document, found) {
    let result = document;
    for (const { name, mask } of unpainted(document, found)) {
        const known = findRegion(result, name);
        result = known === undefined ? addRegion(result, { name, mask }) : changeRegion(result, known.name, { mask });
    }
    return result;
}
