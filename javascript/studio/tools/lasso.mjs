/** The lasso: an outline drawn by hand, filled. */

import { MAX_CORNERS, MAX_ITEMS, TOO_MANY_PAINTED, changeRegion, mayPaint, regionCalled } from "../document.mjs";
import { clamp } from "../geometry.mjs";
import { emptyMask, isEmpty, polygonMask, union, without } from "../mask.mjs";

/** @import { Document } from "../document.mjs" */
/** @import { Point } from "../geometry.mjs" */
/** @import { Board } from "./index.mjs" */

/** Window pixels between two corners. */
const STEP = 3;

/** At most as many corners as a document may hold, evenly taken. @param {readonly Point[]} corners */
export function thinned(corners) {
    const every = Math.ceil(corners.length / MAX_CORNERS);
    return corners.filter((_, index) => index % every === 0);
}

/**
 * What the outline does to the document.
 * @param {Board} board
 * @param {Point[]} corners
 * @returns {{document: Document, label: string}}
 */
function filled(board, corners) {
    const { options, size, store } = board;
    if (options.lasso === "still") {
        const { document } = store.state;
        if (document.freeze.length >= MAX_ITEMS) {
            board.say(`At most ${MAX_ITEMS} frozen areas are allowed.`);
            return { document, label: "" };
        }
        return { document: { ...document, freeze: [...document.freeze, thinned(corners)] }, label: "freezing an area" };
    }
    const { document, name } = store.target();
    const before = regionCalled(document, name).mask;
    const area = polygonMask(size, corners);
    const removing = options.lasso === "remove";
    if (removing && before === null) {
        board.say(`Nothing is painted in ${name} yet.`);
        return { document: store.state.document, label: "" };
    }
    if (!mayPaint(document, name)) {
        board.say(TOO_MANY_PAINTED);
        return { document: store.state.document, label: "" };
    }
    const painted = before ?? emptyMask(size);
    const after = removing ? without(painted, area) : union(painted, area);
    store.active = name;
    const label = removing ? `cutting out of ${name}` : `outlining ${name}`;
    return { document: isEmpty(after) ? store.emptied(document, name) : changeRegion(document, name, { mask: after }), label };
}

/** @type {import("./index.mjs").Tool} */
export const lasso = {
    name: "lasso", label: "Lasso", key: "l", icon: "lasso", pointer: "cross",
    help: "Draw around what moves; the outline is filled when you let go.",
    down(board, touch) {
        const corners = [clamp(touch.point)];
        const show = () => board.outline(corners);
        show();
        return {
            move({ point }) {
                const next = clamp(point);
                if (board.apart(corners[corners.length - 1], next) < STEP) return;
                corners.push(next);
                show();
            },
            up() {
                board.outline(null);
                if (corners.length < 3) return;
                const { document, label } = filled(board, corners);
                board.store.commit(document, label);
            },
            cancel: () => board.outline(null),
        };
    },
};
