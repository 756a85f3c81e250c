/** The region brush, the eraser, and the brush for what must stand still. */

import { TOO_MANY_PAINTED, changeRegion, mayPaint, regionCalled } from "../document.mjs";
import { Stroke, emptyMask, isEmpty } from "../mask.mjs";

/** @import { Document } from "../document.mjs" */
/** @import { Mask } from "../mask.mjs" */
/** @import { Board, Gesture, Touch } from "./index.mjs" */

/** The least of a stroke's radius when a pen barely touches. */
const LIGHTEST = 0.35;

/**
 * Begin a stroke in the region that is painted.
 * @param {Board} board
 * @param {Touch} touch
 * @param {boolean} erasing
 * @returns {Gesture|null}
 */
function inRegion(board, touch, erasing) {
    const { document, name } = board.store.target();
    const region = regionCalled(document, name);
    if (region.mask === null && erasing) {
        board.say(`Nothing is painted in ${name} yet.`);
        return null;
    }
    if (!mayPaint(document, name)) {
        board.say(TOO_MANY_PAINTED);
        return null;
    }
    board.store.active = name;
    /** @param {Mask|null} mask */
    const put = (mask) => changeRegion(document, name, { mask });
    /** @param {Mask|null} mask */
    const end = (mask) => (mask === null ? board.store.emptied(document, name) : put(mask));
    return painting(board, touch, region.mask, erasing, put, erasing ? `erasing in ${name}` : `painting ${name}`, end);
}

/**
 * Begin a stroke over what stands still.
 * @param {Board} board
 * @param {Touch} touch
 * @param {boolean} erasing
 * @returns {Gesture|null}
 */
function inStill(board, touch, erasing) {
    const { document } = board.store.state;
    if (document.still === null && erasing) {
        board.say("Nothing is painted to stand still yet.");
        return null;
    }
    /** @param {Mask|null} still */
    const put = (still) => ({ ...document, still });
    return painting(board, touch, document.still, erasing, put, erasing ? "erasing what stands still" : "painting what stands still");
}

/**
 * @param {Board} board
 * @param {Touch} touch
 * @param {Mask|null} before
 * @param {boolean} erasing
 * @param {(mask: Mask|null) => Document} put
 * @param {string} label
 * @param {(mask: Mask|null) => Document} [end]
 * @returns {Gesture}
 */
function painting(board, touch, before, erasing, put, label, end = put) {
    const { options, size, store } = board;
    const stroke = new Stroke(before ?? emptyMask(size), { softness: options.softness, erase: erasing });
    const full = options.size * Math.min(size.width, size.height);
    /** @param {Pick<Touch, "point"|"pressure">} touch */
    const draw = ({ point, pressure }) => {
        const firm = options.pressure ? Math.min(1, LIGHTEST + (1 - LIGHTEST) * 2 * pressure) : 1;
        store.sketch(put(stroke.mask), stroke.to(point, full * firm));
    };
    draw(touch);
    return {
        move: draw,
        up: () => {
            const nothing = erasing && isEmpty(stroke.mask);
            store.commit(stroke.changed ? end(nothing ? null : stroke.mask) : store.state.document, label);
        },
        cancel: () => store.sketch(null),
    };
}

/** @type {import("./index.mjs").Tool} */
export const brush = {
    name: "brush", label: "Region brush", key: "b", icon: "brush", pointer: "ring",
    help: "Paint what moves. [ and ] change the size.",
    down: (board, touch) => inRegion(board, touch, touch.erase),
};

/** @type {import("./index.mjs").Tool} */
export const erase = {
    name: "erase", label: "Eraser", key: "e", icon: "erase", pointer: "ring",
    help: "Take away what the brush painted.",
    down: (board, touch) => (board.options.erases === "still" ? inStill : inRegion)(board, touch, true),
};

/** @type {import("./index.mjs").Tool} */
export const freeze = {
    name: "freeze", label: "Freeze brush", key: "z", icon: "freeze", pointer: "ring",
    help: "Paint what must stand still, whatever moves around it.",
    down: (board, touch) => inStill(board, touch, touch.erase),
};
