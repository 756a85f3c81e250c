/** Arrows: press, drag, release; the length is the way of a point in a second, within bounds. */

import { MAX_ITEMS, withItem } from "../document.mjs";
import { bounded, clamp } from "../geometry.mjs";
import { followArrows } from "../steer.mjs";
import { move } from "./select.mjs";

/** Window pixels; a shorter arrow was a click. */
const SHORTEST = 6;

/** @type {import("./index.mjs").Tool} */
export const arrow = {
    name: "arrow", label: "Arrow", key: "a", icon: "arrow", pointer: "cross",
    help: "Press, drag, let go: where it flows. The longer, the faster, within bounds.",
    down(board, touch) {
        const under = board.hit(touch.point);
        if (under?.kind === "arrow" && under.part !== "body") return move(board, under, touch);
        const { document } = board.store.state;
        if (document.arrows.length >= MAX_ITEMS) {
            board.say(`At most ${MAX_ITEMS} arrows are allowed.`);
            return null;
        }
        const from = clamp(touch.point);
        let to = from;
        const made = () => withItem(document, "arrows", document.arrows.length, bounded({ from, to }, board.store.opened));
        board.store.select(null);
        return {
            move({ point }) {
                to = clamp(point);
                board.store.sketch(made());
            },
            up() {
                if (board.apart(from, to) < SHORTEST) {
                    board.store.sketch(null);
                    if (under !== null) board.store.select(under);
                    return;
                }
                board.store.commit(followArrows(made(), board.store.opened), "an arrow");
                board.store.select({ kind: "arrow", index: document.arrows.length });
            },
            cancel: () => board.store.sketch(null),
        };
    },
};
