/** Mouse, finger and pen on the stage: one pointer draws, two fingers move and zoom, the middle button moves. */

/** @import { Point } from "./geometry.mjs" */
/** @import { Touch } from "./tools/index.mjs" */

/** The eraser end of a pen, among the buttons of a pointer's event. */
const PEN_ERASER = 32;

export class Pointers {
    /**
     * @param {import("./board.mjs").Board} board
     * @param {() => import("./tools/index.mjs").Tool} tool  the one in hand
     */
    constructor(board, tool) {
        this.board = board;
        this.tool = tool;
        /** Whether the picture is being moved. */
        this.panning = false;
        /** @type {Map<number, [number, number]>} */
        this.down = new Map();
        /** @type {import("./tools/index.mjs").Gesture|null} */
        this.gesture = null;
        this.holding = false;
        const { element } = board;
        element.addEventListener("pointerdown", (event) => this.press(event));
        element.addEventListener("pointermove", (event) => this.move(event));
        element.addEventListener("pointerup", (event) => this.release(event));
        element.addEventListener("pointercancel", (event) => this.drop(event));
        element.addEventListener("pointerleave", () => this.leave());
        element.addEventListener("auxclick", (event) => event.preventDefault());
    }

    /** @private @param {PointerEvent} event @returns {Touch} */
    touchOf(event) {
        const pen = event.pointerType === "pen";
        return {
            point: this.board.toPoint(this.board.local(event)),
            pressure: pen ? event.pressure : 0.5,
            erase: pen && (event.buttons & PEN_ERASER) !== 0,
        };
    }

    /** @private @param {PointerEvent} event */
    press(event) {
        if (this.board.store.picture === null || event.button === 2) return;
        this.board.element.focus({ preventScroll: true });
        try {
            this.board.element.setPointerCapture(event.pointerId);
        } catch {
            // the pointer has gone already
        }
        this.down.set(event.pointerId, this.board.local(event));
        if (this.down.size === 2) {
            this.cancel();
            return;
        }
        if (this.down.size > 1) return;
        if (event.button === 1 || this.holding) {
            event.preventDefault();
            this.panning = true;
            return;
        }
        this.board.holdWith(event.pointerType);
        // one draws on the picture, not on the loop in its place
        this.board.showPreview(null);
        this.gesture = this.tool().down(this.board, this.touchOf(event));
        this.show(event);
    }

    /** @private @param {PointerEvent} event */
    move(event) {
        if (this.board.store.picture === null) return;
        const before = this.down.get(event.pointerId);
        const now = this.board.local(event);
        if (before !== undefined && this.down.size === 2) {
            this.pinch(event.pointerId, before, now);
            return;
        }
        if (before !== undefined && this.panning) this.board.panBy(now[0] - before[0], now[1] - before[1]);
        if (before !== undefined) this.down.set(event.pointerId, now);
        if (this.gesture !== null) {
            const steps = event.getCoalescedEvents?.() ?? [];
            for (const step of steps.length > 0 ? steps : [event]) this.gesture.move(this.touchOf(step));
        }
        this.show(event);
    }

    /** @private @param {number} id @param {Point} before @param {Point} now */
    pinch(id, before, now) {
        const [other] = [...this.down].filter(([one]) => one !== id).map(([, at]) => at);
        /** @param {Point} a @param {Point} b */
        const apart = (a, b) => Math.hypot(a[0] - b[0], a[1] - b[1]);
        /** @type {Point} */
        const middle = [(now[0] + other[0]) / 2, (now[1] + other[1]) / 2];
        this.board.zoomBy(apart(now, other) / Math.max(1, apart(before, other)), middle);
        this.board.panBy((now[0] - before[0]) / 2, (now[1] - before[1]) / 2);
        this.down.set(id, now);
    }

    /** @private @param {PointerEvent} event */
    release(event) {
        if (!this.down.delete(event.pointerId)) return;
        const { gesture } = this;
        this.gesture = null;
        if (this.down.size === 0) this.panning = false;
        if (gesture === null) return;
        for (const name of ["t2c:drift", "t2c:release"]) performance.clearMarks(name);
        performance.mark("t2c:release");
        gesture.up();
        if (event.pointerType === "touch") this.board.point(null);
    }

    /** @private @param {PointerEvent} event */
    drop(event) {
        this.down.delete(event.pointerId);
        this.cancel();
        if (this.down.size === 0) this.panning = false;
    }

    /** Give up the gesture in hand. @returns {boolean} whether there was one */
    cancel() {
        const { gesture } = this;
        this.gesture = null;
        gesture?.cancel();
        return gesture !== null;
    }

    /** @private */
    leave() {
        if (this.gesture !== null) return;
        this.board.point(null);
        this.board.light(null);
    }

    /** The brush's ring, the lit region, and the hand over what can be taken. @private @param {PointerEvent} event */
    show(event) {
        const { board } = this;
        const tool = this.tool();
        const point = board.toPoint(board.local(event));
        board.point({ point, ring: tool.pointer === "ring" && event.pointerType !== "touch", keys: false });
        if (tool.pointer === "pick") board.light(point);
        const taken = this.gesture === null && tool.pointer !== "ring" && tool.pointer !== "pick" && board.hit(point) !== null;
        board.element.dataset.pointer = this.panning || this.holding ? "grab" : taken ? "grab" : tool.pointer;
    }
}
