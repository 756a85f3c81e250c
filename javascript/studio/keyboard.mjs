/** The keyboard: shortcuts in the whole frame of the canvas, and on the stage a cursor that stands for the pointer. */

import { items, named, nudged, removeSelected } from "./tools/select.mjs";
import { TOOLS } from "./tools/index.mjs";

/** @import { Part, Point } from "./geometry.mjs" */
/** @import { Tool } from "./tools/index.mjs" */
/** @import { Selection } from "./types" */

const STEPS = { plain: 0.02, fast: 0.1, fine: 0.002 };
/** @type {{[key: string]: Point|undefined}} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
/** Keys of the cursor on the stage; elsewhere in the frame they are the controls' own. */
const OF_THE_STAGE = new Set([...Object.keys(WAYS), "Enter", " ", "0", "n", "N", "t"]);
/** @type {Record<Selection["kind"], readonly Part[]>} */
const PARTS = { arrow: ["body", "to", "from"], swirl: ["body", "rim"], pin: ["body"], freeze: ["body"] };
/** @type {Record<Part, string>} */
const PART_NAMES = { body: "all of it", to: "its head", from: "its tail", rim: "its size" };

/** What the help shows: keys and what they do. */
/** @type {[string, [string, string][]][]} */
export const SHORTCUTS = [
    ["Tools", TOOLS.map((tool) => [tool.key.toUpperCase(), tool.label])],
    ["Drawing", [
        ["[ ]", "smaller, larger brush"], ["Ctrl Z", "undo"], ["Ctrl Shift Z", "redo"], ["Delete", "delete what is selected"],
        ["Esc", "give up the gesture, let go"], ["I", "invert the region"], ["D", "particles on and off"], ["M", "masks on and off"],
    ]],
    ["View", [["+ −", "zoom; also Ctrl and wheel"], ["0", "whole picture"], ["Space", "hold and drag to move the picture"]]],
    ["Without a mouse", [
        ["← ↑ → ↓", "move the cursor or what is selected; Shift far, Alt fine"],
        ["Enter", "press and let go: start, then end an arrow or a stroke"],
        ["N", "select the next shape; Shift N the one before"], ["T", "move all, head or tail"],
        ["Tab", "on to the tools and regions"],
    ]],
];

/** @param {Element} element @returns {boolean} whether what is typed in an element is meant for it */
function takesText(element) {
    return element.matches("select, textarea, [contenteditable]") || element.matches("input:not([type=range], [type=color])");
}

export class Keyboard {
    /**
     * @param {import("./board.mjs").Board} board
     * @param {import("./pointer.mjs").Pointers} pointers
     * @param {{tool: () => Tool, take: (tool: Tool) => void, help: () => void, invert: () => void, drift: () => void,
     *   masks: () => void, resize: (factor: number) => void, say: (sentence: string) => void}} acts
     */
    constructor(board, pointers, acts) {
        this.board = board;
        this.pointers = pointers;
        this.acts = acts;
        /** @type {Part} what of the selected shape the cursor keys move */
        this.part = "body";
        this.commands = this.commandsOf();
        /** Whether the keys' cursor is shown. */
        this.using = false;
        /** @type {[number, number]} */
        this.cursor = [0.5, 0.5];
        /** @type {import("./tools/index.mjs").Gesture|null} */
        this.gesture = null;
        board.element.addEventListener("keyup", (event) => this.release(event));
        board.element.addEventListener("blur", () => {
            this.cancel();
            this.leave();
        });
        board.element.addEventListener("pointerdown", () => {
            this.using = false;
            this.cancel();
        });
    }

    /** Listen to the keys of the canvas. @param {HTMLElement} frame  holds the toolbar, the stage and the list of regions */
    listen(frame) {
        frame.addEventListener("keydown", (event) => {
            this.press(event);
            this.stay(frame);
        });
        // not every browser gives a field that is clicked the focus, and what it opens must stay open
        frame.addEventListener("click", (event) => {
            if (/** @type {Element} */ (event.target).closest("input, select, label") === null) this.stay(frame);
        });
    }

    /**
     * Where the focus has gone with its control, the stage takes it, or the keys would be dead.
     * @private
     * @param {HTMLElement} frame
     */
    stay(frame) {
        const { activeElement } = /** @type {DocumentOrShadowRoot} */ (/** @type {unknown} */ (frame.getRootNode()));
        if (activeElement !== null && frame.contains(activeElement) && !activeElement.matches(":disabled")) return;
        if (frame.isConnected && this.board.store.picture !== null) this.board.element.focus({ preventScroll: true });
    }

    /** @private @param {KeyboardEvent} event */
    press(event) {
        if (event.isComposing || takesText(/** @type {Element} */ (event.target))) return;
        if (event.target !== this.board.element && OF_THE_STAGE.has(event.key)) return;
        const handled = this.command(event) || (!event.ctrlKey && !event.metaKey && this.plain(event));
        if (!handled) return;
        // the WebUI has shortcuts of its own on the page
        event.preventDefault();
        event.stopPropagation();
    }

    /** @private @param {KeyboardEvent} event */
    command(event) {
        if (!(event.ctrlKey || event.metaKey) || event.altKey) return false;
        const key = event.key.toLowerCase();
        // what is in hand goes first
        const busy = ["z", "y"].includes(key) && (this.pointers.cancel() || this.cancel());
        if (busy) return true;
        if (key === "z" && event.shiftKey || key === "y") this.board.store.redo();
        else if (key === "z") this.board.store.undo();
        else return false;
        return true;
    }

    /** @private @param {KeyboardEvent} event @returns {boolean} whether the key is one of ours */
    plain(event) {
        if (event.key === "?") {
            this.acts.help();
            return true;
        }
        if (this.board.store.picture === null) return false;
        const way = WAYS[event.key];
        if (way !== undefined) {
            this.go(way, event);
            return true;
        }
        if (event.altKey) return false;
        const tool = TOOLS.find((one) => one.key === event.key.toLowerCase());
        if (tool !== undefined && !event.shiftKey) {
            this.acts.take(tool);
            return true;
        }
        const command = this.commands.get(event.key);
        return command !== undefined && command(event) !== false;
    }

    /** What the other keys do; false where a key was not needed. @private @returns {Map<string, (event: KeyboardEvent) => boolean|void>} */
    commandsOf() {
        const { board, acts } = this;
        const remove = () => { removeSelected(board.store); };
        /** @param {KeyboardEvent} event */
        const next = (event) => this.nextItem(event.shiftKey ? -1 : 1);
        const larger = () => board.zoomBy(1.25);
        return new Map(Object.entries({
            "[": () => acts.resize(1 / 1.2),
            "]": () => acts.resize(1.2),
            "+": larger,
            "=": larger,
            "-": () => board.zoomBy(0.8),
            0: () => board.showAll(),
            i: () => acts.invert(),
            d: () => acts.drift(),
            m: () => acts.masks(),
            n: next,
            N: next,
            t: () => this.nextPart(),
            Enter: () => this.toggle(),
            Escape: () => this.escape(),
            " ": () => this.hold(),
            Delete: remove,
            Backspace: remove,
        }));
    }

    /** The pointer moves the picture while the key is down. @private */
    hold() {
        this.pointers.holding = true;
        this.board.element.dataset.pointer = "grab";
    }

    /** @private @param {KeyboardEvent} event */
    release(event) {
        if (event.key === " ") this.leave();
    }

    /** @private */
    leave() {
        this.pointers.holding = false;
        this.board.element.dataset.pointer = this.acts.tool().pointer;
        if (this.using) this.board.point(null);
    }

    /** Give up the gesture that the keys began. @returns {boolean} whether there was one */
    cancel() {
        const { gesture } = this;
        this.gesture = null;
        gesture?.cancel();
        return gesture !== null;
    }

    /** Give up what is in hand; without that, leave the key to others. @private */
    escape() {
        const selected = this.board.store.selection !== null;
        const busy = this.pointers.cancel();
        if (this.cancel()) return true;
        if (selected) this.board.store.select(null);
        return busy || selected;
    }

    /** @private @param {Point} way @param {KeyboardEvent} event */
    go([x, y], event) {
        const { board } = this;
        const step = event.shiftKey ? STEPS.fast : event.altKey ? STEPS.fine : STEPS.plain;
        const picture = board.store.opened;
        const short = Math.min(picture.width, picture.height);
        /** @type {Point} */
        const way = [(x * step * short) / picture.width, (y * step * short) / picture.height];
        if (this.gesture === null && this.acts.tool().name === "select" && board.store.selection !== null) {
            this.nudge(way);
            return;
        }
        this.cursor = [Math.min(1, Math.max(0, this.cursor[0] + way[0])), Math.min(1, Math.max(0, this.cursor[1] + way[1]))];
        this.gesture?.move(this.touch());
        this.show();
    }

    /** @private @param {Point} way */
    nudge(way) {
        const { store } = this.board;
        if (store.selection === null) return;
        const { kind, index } = store.selection;
        const part = PARTS[kind].includes(this.part) ? this.part : "body";
        /** @type {Point} */
        const along = part === "rim" && way[0] === 0 ? [-way[1], 0] : way;
        store.commit(nudged(store, part, along), "moving with the keys", "drawing", `${part} of ${kind} ${index}`);
    }

    /** @private */
    touch() {
        return { point: this.cursor, pressure: 0.5, erase: false };
    }

    /** @private */
    show() {
        this.using = true;
        const tool = this.acts.tool();
        this.board.point({ point: this.cursor, ring: tool.pointer === "ring", keys: true });
        if (tool.pointer === "pick") this.board.light(this.cursor);
    }

    /** Press, or let go again. @private */
    toggle() {
        const tool = this.acts.tool();
        if (this.gesture) {
            const { gesture } = this;
            this.gesture = null;
            gesture.up();
            this.acts.say(`${tool.label}: done.`);
        } else {
            this.board.showPreview(null);
            this.gesture = tool.down(this.board, this.touch());
            const atOnce = tool.name === "fill" || tool.name === "pin";
            if (this.gesture !== null && atOnce) {
                this.toggle();
                return;
            }
            if (this.gesture !== null) this.acts.say(`${tool.label}: move with the cursor keys, Enter ends it.`);
        }
        this.show();
    }

    /** @private @param {1|-1} step */
    nextItem(step) {
        const { store } = this.board;
        const { document } = store.state;
        const all = items(document);
        if (all.length === 0) {
            this.acts.say("There is no arrow, swirl, pin or frozen area yet.");
            return;
        }
        const now = all.findIndex((one) => one.kind === store.selection?.kind && one.index === store.selection?.index);
        const next = all[(now < 0 ? (step > 0 ? 0 : all.length - 1) : now + step + all.length) % all.length];
        this.acts.take(TOOLS[0]);
        this.part = "body";
        store.select(next);
        this.acts.say(`Selected ${named(next, document)}; the cursor keys move it.`);
    }

    /** @private */
    nextPart() {
        const { selection } = this.board.store;
        if (selection === null) return;
        const parts = PARTS[selection.kind];
        this.part = parts[(parts.indexOf(this.part) + 1) % parts.length];
        this.acts.say(`The cursor keys move ${PART_NAMES[this.part]}.`);
    }
}
