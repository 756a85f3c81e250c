/** Swirls: press in the middle, drag to the rim. */

import { MAX_ITEMS, withItem } from "../document.mjs";
import { clamp } from "../geometry.mjs";
import { move } from "./select.mjs";

/** @import { Point, Size } from "../geometry.mjs" */

const USUAL = 0.12;
const SMALLEST = 0.02;

/**
 * @param {Point} at
 * @param {Point} point
 * @param {Size} picture
 * @returns {number} the distance of two points as a share of the picture's short side
 */
export function radiusTo(at, point, picture) {
    const apart = Math.hypot((point[0] - at[0]) * picture.width, (point[1] - at[1]) * picture.height);
    return apart / Math.min(picture.width, picture.height);
}

/** @type {import("./index.mjs").Tool} */
export const swirl = {
    name: "swirl", label: "Swirl", key: "w", icon: "swirl", pointer: "cross",
    help: "Press in the middle and drag to the rim of what turns.",
    down(board, touch) {
        const under = board.hit(touch.point);
        if (under?.kind === "swirl") return move(board, under, touch);
        const { document } = board.store.state;
        if (document.swirls.length >= MAX_ITEMS) {
            board.say(`At most ${MAX_ITEMS} swirls are allowed.`);
            return null;
        }
        const at = clamp(touch.point);
        let radius = USUAL;
        const made = () => withItem(document, "swirls", document.swirls.length, { at, radius, turn: board.options.turn });
        board.store.sketch(made());
        return {
            move({ point }) {
                const drawn = radiusTo(at, point, board.store.opened);
                radius = drawn < SMALLEST ? USUAL : Math.min(4, drawn);
                board.store.sketch(made());
            },
            up() {
                board.store.commit(made(), "a swirl");
                board.store.select({ kind: "swirl", index: document.swirls.length });
            },
            cancel: () => board.store.sketch(null),
        };
    },
};
