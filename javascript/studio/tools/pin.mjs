/** Pins: places that stand still. */

import { MAX_ITEMS, withItem } from "../document.mjs";
import { clamp } from "../geometry.mjs";
import { move } from "./select.mjs";

/** @type {import("./index.mjs").Tool} */
export const pin = {
    name: "pin", label: "Pin", key: "p", icon: "pin", pointer: "cross",
    help: "Click a place that stands still.",
    down(board, touch) {
        const under = board.hit(touch.point);
        if (under?.kind === "pin") return move(board, under, touch);
        const { document } = board.store.state;
        if (document.pins.length >= MAX_ITEMS) {
            board.say(`At most ${MAX_ITEMS} pins are allowed.`);
            return null;
        }
        let at = clamp(touch.point);
        const made = () => withItem(document, "pins", document.pins.length, at);
        board.store.sketch(made());
        return {
            move({ point }) {
                at = clamp(point);
                board.store.sketch(made());
            },
            up() {
                board.store.commit(made(), "a pin");
                board.store.select({ kind: "pin", index: document.pins.length });
            },
            cancel: () => board.store.sketch(null),
        };
    },
};
