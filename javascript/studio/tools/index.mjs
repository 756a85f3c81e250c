/**
 * The tools of the canvas. A tool is given `down`, `move` and `up` in the picture's coordinates, whether they come
 * from a mouse, a finger, a pen or the cursor keys; while the gesture lasts it sketches, at its end it commits.
 *
 * @typedef {{point: [number, number], pressure: number, erase: boolean}} Touch  pressure 0..1; 0.5 for a mouse
 * @typedef {object} Board  what a tool may use
 * @property {import("../store.mjs").Store} store
 * @property {Options} options
 * @property {{width: number, height: number}} size  of the masks
 * @property {(point: [number, number]) => import("../geometry.mjs").Hit|null} hit
 * @property {(from: [number, number], to: [number, number]) => number} apart  window pixels
 * @property {(sentence: string) => void} say
 * @property {(corners: readonly [number, number][]|null) => void} outline  of a lasso, while it is drawn
 * @property {(point: [number, number]|null) => void} light  lights the segmenter's region at a point
 * @property {import("./fill.mjs").Segments} segments
 * @typedef {{size: number, softness: number, pressure: boolean, erases: "region"|"still",
 *   lasso: "add"|"remove"|"still", turn: 1|-1}} Options
 *   size: the brush's radius as a share of the picture's short side
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} label
 * @property {string} key  its shortcut
 * @property {import("../dom.mjs").IconName} icon
 * @property {string} help  one sentence for the line below the picture
 * @property {"ring"|"cross"|"move"|"pick"} pointer
 * @property {(board: Board, touch: Touch) => Gesture|null} down
 * @typedef {{move: (touch: Touch) => void, up: () => void, cancel: () => void}} Gesture
 */

import { arrow } from "./arrow.mjs";
import { brush, erase, freeze } from "./brush.mjs";
import { fill } from "./fill.mjs";
import { lasso } from "./lasso.mjs";
import { pin } from "./pin.mjs";
import { select } from "./select.mjs";
import { swirl } from "./swirl.mjs";

/** The tools in the order of the toolbar, by groups. @type {Tool[][]} */
export const GROUPS = [[select], [brush, erase, fill, lasso], [arrow, swirl], [freeze, pin]];

/** @type {Tool[]} */
export const TOOLS = GROUPS.flat();

/** @returns {Options} */
export function usualOptions() {
    return { size: 0.05, softness: 0.35, pressure: true, erases: "region", lasso: "add", turn: 1 };
}
