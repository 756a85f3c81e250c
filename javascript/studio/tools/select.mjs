/** Selecting, moving and deleting arrows, swirls, pins and frozen areas. */

import { withItem } from "../document.mjs";
import { bounded, clamp } from "../geometry.mjs";
import { followArrows } from "../steer.mjs";

/** @import { Arrow, Document, Swirl } from "../document.mjs" */
/** @import { Hit, Part, Point, Size } from "../geometry.mjs" */
/** @import { Store } from "../store.mjs" */
/** @import { Selection } from "../types" */
/** @import { Board, Touch } from "./index.mjs" */

/** @type {Record<Selection["kind"], string>} */
const NAMES = { arrow: "arrow", swirl: "swirl", pin: "pin", freeze: "frozen area" };

/** @param {Document} document @returns {Record<Selection["kind"], readonly unknown[]>} the shapes of each kind */
function lists({ arrows, swirls, pins, freeze }) {
    return { arrow: arrows, swirl: swirls, pin: pins, freeze };
}

/**
 * (dx, dy) made so small that none of the points leaves the picture.
 * @param {readonly Point[]} points
 * @param {Point} way
 * @returns {Point}
 */
function inside(points, [dx, dy]) {
    /** @param {0|1} axis @param {number} way */
    const limit = (axis, way) => {
        const values = points.map((point) => point[axis]);
        return Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), way));
    };
    return [limit(0, dx), limit(1, dy)];
}

/** @param {readonly Point[]} points @param {Point} way @returns {Point[]} */
function shifted(points, way) {
    const [dx, dy] = inside(points, way);
    return points.map(([x, y]) => clamp([x + dx, y + dy]));
}

/** @param {Arrow} arrow @param {Part} part @param {Point} way @param {Size} picture @returns {Arrow} the same where it would have no length */
function movedArrow(arrow, part, way, picture) {
    if (part !== "from" && part !== "to") {
        const [from, to] = shifted([arrow.from, arrow.to], way);
        return { ...arrow, from, to };
    }
    const moved = { ...arrow, [part]: shifted([arrow[part]], way)[0] };
    const same = moved.from[0] === moved.to[0] && moved.from[1] === moved.to[1];
    return same ? arrow : bounded(moved, picture);
}

/** @param {Swirl} swirl @param {Part} part @param {Point} way @param {Size} picture @returns {Swirl} */
export function movedSwirl(swirl, part, way, picture) {
    if (part !== "rim") return { ...swirl, at: shifted([swirl.at], way)[0] };
    const grown = swirl.radius + (way[0] * picture.width) / Math.min(picture.width, picture.height);
    return { ...swirl, radius: Math.min(4, Math.max(0.02, grown)) };
}

/**
 * The document with one of its shapes moved by (dx, dy).
 * @param {Document} document
 * @param {Selection} shape
 * @param {Part} part  what of it
 * @param {Point} way
 * @param {Size} picture
 * @returns {Document}
 */
export function movedShape(document, { kind, index }, part, way, picture) {
    const { arrows, swirls, pins, freeze } = document;
    if (kind === "arrow") return withItem(document, "arrows", index, movedArrow(arrows[index], part, way, picture));
    if (kind === "swirl") return withItem(document, "swirls", index, movedSwirl(swirls[index], part, way, picture));
    if (kind === "pin") return withItem(document, "pins", index, shifted([pins[index]], way)[0]);
    return withItem(document, "freeze", index, shifted(freeze[index], way));
}

/** @param {Document} document @param {Selection} shape @returns {Document} */
function withoutShape(document, { kind, index }) {
    if (kind === "arrow") return withItem(document, "arrows", index, null);
    if (kind === "swirl") return withItem(document, "swirls", index, null);
    return withItem(document, kind === "pin" ? "pins" : "freeze", index, null);
}

/**
 * The document with the selected shape moved, or the same document.
 * @param {Store} store
 * @param {Part} part
 * @param {Point} way
 * @returns {Document}
 */
export function nudged(store, part, way) {
    const { document } = store.state;
    const { selection } = store;
    if (selection === null) return document;
    const changed = movedShape(document, selection, part, way, store.opened);
    return selection.kind === "arrow" ? followArrows(changed, store.opened) : changed;
}

/** Delete what is selected. @param {Store} store @returns {boolean} whether something was */
export function removeSelected(store) {
    const { selection } = store;
    if (selection === null) return false;
    const document = withoutShape(store.state.document, selection);
    store.selection = null;
    store.commit(
        selection.kind === "arrow" ? followArrows(document, store.opened) : document, `deleting the ${NAMES[selection.kind]}`,
    );
    return true;
}

/** All shapes, in the order in which the keyboard goes through them. @param {Document} document @returns {Selection[]} */
export function items(document) {
    const all = /** @type {[Selection["kind"], readonly unknown[]][]} */ (Object.entries(lists(document)));
    return all.flatMap(([kind, list]) => list.map((_, index) => ({ kind, index })));
}

/** What is said of a selected shape. @param {Selection} selection @param {Document} document @returns {string} */
export function named({ kind, index }, document) {
    return `${NAMES[kind]} ${index + 1} of ${lists(document)[kind].length}`;
}

/**
 * Move what is under the pointer.
 * @param {Board} board
 * @param {Hit} under
 * @param {Touch} touch
 * @returns {import("./index.mjs").Gesture}
 */
export function move(board, under, touch) {
    const { store } = board;
    const { document } = store.state;
    const { kind, index, part } = under;
    store.select({ kind, index });
    let changed = document;
    return {
        move({ point }) {
            /** @type {Point} */
            let way = [point[0] - touch.point[0], point[1] - touch.point[1]];
            if (part === "rim") way = [rimGrowth(document.swirls[index], touch.point, point, store.opened), 0];
            changed = movedShape(document, { kind, index }, part, way, store.opened);
            store.sketch(changed);
        },
        up() {
            const after = kind === "arrow" && changed !== document ? followArrows(changed, store.opened) : changed;
            store.commit(after, `moving the ${NAMES[kind]}`);
        },
        cancel: () => store.sketch(null),
    };
}

/**
 * How much farther from a swirl's middle the pointer is now, in shares of the picture's width.
 * @param {Swirl} item
 * @param {Point} start
 * @param {Point} now
 * @param {Size} picture
 */
function rimGrowth(item, start, now, picture) {
    /** @param {Point} point */
    const apart = ([x, y]) => Math.hypot((x - item.at[0]) * picture.width, (y - item.at[1]) * picture.height);
    return (apart(now) - apart(start)) / picture.width;
}

/** @type {import("./index.mjs").Tool} */
export const select = {
    name: "select", label: "Select and move", key: "v", icon: "select", pointer: "move",
    help: "Click an arrow, swirl, pin or frozen area; drag it or one of its ends. Delete removes it.",
    down(board, touch) {
        const under = board.hit(touch.point);
        if (under !== null) return move(board, under, touch);
        board.store.select(null);
        return null;
    },
};
