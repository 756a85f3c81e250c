/** Selecting, moving and deleting arrows, swirls, pins and frozen areas. */

import { withItem } from "../document.mjs";
import { clamp } from "../geometry.mjs";
import { followArrows } from "../steer.mjs";

const LISTS = { arrow: "arrows", swirl: "swirls", pin: "pins", freeze: "freeze" };
const NAMES = { arrow: "arrow", swirl: "swirl", pin: "pin", freeze: "frozen area" };

/** (dx, dy) made so small that none of the points leaves the picture. */
function inside(points, [dx, dy]) {
    const limit = (axis, way) => {
        const values = points.map((point) => point[axis]);
        return Math.min(1 - Math.max(...values), Math.max(-Math.min(...values), way));
    };
    return [limit(0, dx), limit(1, dy)];
}

function shifted(points, way) {
    const [dx, dy] = inside(points, way);
    return points.map(([x, y]) => clamp([x + dx, y + dy]));
}

/**
 * A shape moved by (dx, dy).
 * @param {string} kind
 * @param {"from"|"to"|"body"|"rim"} part  what of it
 * @param {{width: number, height: number}} picture
 */
export function movedItem(kind, item, part, way, picture) {
    if (kind === "pin") return shifted([item], way)[0];
    if (kind === "freeze") return shifted(item, way);
    if (kind === "arrow") {
        if (part === "body") {
            const [from, to] = shifted([item.from, item.to], way);
            return { ...item, from, to };
        }
        const moved = { ...item, [part]: shifted([item[part]], way)[0] };
        const same = moved.from[0] === moved.to[0] && moved.from[1] === moved.to[1];
        return same ? item : moved;
    }
    if (part !== "rim") return { ...item, at: shifted([item.at], way)[0] };
    const grown = item.radius + (way[0] * picture.width) / Math.min(picture.width, picture.height);
    return { ...item, radius: Math.min(4, Math.max(0.02, grown)) };
}

/** The document with the selected shape moved, or the same document. */
export function nudged(store, part, way) {
    const { document } = store.state;
    if (store.selection === null) return document;
    const { kind, index } = store.selection;
    const item = movedItem(kind, document[LISTS[kind]][index], part, way, store.picture);
    const changed = withItem(document, LISTS[kind], index, item);
    return kind === "arrow" ? followArrows(changed, store.picture) : changed;
}

/** Delete what is selected. @returns {boolean} whether something was */
export function removeSelected(store) {
    if (store.selection === null) return false;
    const { kind, index } = store.selection;
    const document = withItem(store.state.document, LISTS[kind], index, null);
    store.selection = null;
    store.commit(kind === "arrow" ? followArrows(document, store.picture) : document, `deleting the ${NAMES[kind]}`);
    return true;
}

/** All shapes, in the order in which the keyboard goes through them. */
export function items(document) {
    return Object.entries(LISTS).flatMap(([kind, list]) => document[list].map((_, index) => ({ kind, index })));
}

/** What is said of a selected shape. */
export function named({ kind, index }, document) {
    return `${NAMES[kind]} ${index + 1} of ${document[LISTS[kind]].length}`;
}

/** Move what is under the pointer. @returns {import("./index.mjs").Gesture} */
export function move(board, under, touch) {
    const { store } = board;
    const { document } = store.state;
    const { kind, index, part } = under;
    const item = document[LISTS[kind]][index];
    store.select({ kind, index });
    let changed = document;
    return {
        move({ point }) {
            let way = [point[0] - touch.point[0], point[1] - touch.point[1]];
            if (part === "rim") way = [rimGrowth(item, touch.point, point, store.picture), 0];
            changed = withItem(document, LISTS[kind], index, movedItem(kind, item, part, way, store.picture));
            store.sketch(changed);
        },
        up() {
            const after = kind === "arrow" && changed !== document ? followArrows(changed, store.picture) : changed;
            store.commit(after, `moving the ${NAMES[kind]}`);
        },
        cancel: () => store.sketch(null),
    };
}

/** How much farther from a swirl's middle the pointer is now, in shares of the picture's width. */
function rimGrowth(item, start, now, picture) {
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
