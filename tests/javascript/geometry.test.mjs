import assert from "node:assert/strict";
import { test } from "node:test";
import * as geometry from "../../javascript/studio/geometry.mjs";

const PICTURE = { width: 768, height: 512 };
const WINDOWS = [{ width: 900, height: 500 }, { width: 390, height: 844 }, { width: 1024, height: 683 }];
const near = (a, b, tolerance = 1e-9) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

test("the whole picture fits, in the middle, in every window", () => {
    for (const window of WINDOWS) {
        const view = geometry.fit(PICTURE, window);
        const [left, top] = geometry.toWindow(view, PICTURE, [0, 0]);
        const [right, bottom] = geometry.toWindow(view, PICTURE, [1, 1]);
        assert.ok(left >= -1e-9 && top >= -1e-9 && right <= window.width + 1e-9 && bottom <= window.height + 1e-9);
        near(left, window.width - right);
        near(top, window.height - bottom);
    }
});

test("window to picture and back is exact at any zoom, pan and size", () => {
    for (const window of WINDOWS) {
        let view = geometry.fit(PICTURE, window);
        for (const [factor, dx, dy] of [[1, 0, 0], [3.7, 40, -25], [2, -300, 80], [0.3, 5, 5], [40, 100, 100]]) {
            view = geometry.pan(geometry.zoom(view, factor, [200, 100], PICTURE, window), dx, dy, PICTURE, window);
            for (const at of [[0, 0], [123.4, 87], [window.width, window.height]]) {
                const back = geometry.toWindow(view, PICTURE, geometry.toPicture(view, PICTURE, at));
                near(back[0], at[0], 1e-7);
                near(back[1], at[1], 1e-7);
            }
        }
    }
});

test("zooming keeps the place under the pointer", () => {
    const window = WINDOWS[0];
    const before = geometry.zoom(geometry.fit(PICTURE, window), 4, [450, 250], PICTURE, window);
    const point = geometry.toPicture(before, PICTURE, [470, 260]);
    const after = geometry.zoom(before, 1.5, [470, 260], PICTURE, window);
    const now = geometry.toPicture(after, PICTURE, [470, 260]);
    near(now[0], point[0]);
    near(now[1], point[1]);
});

test("no gap opens between the picture and the window's edge, and one cannot zoom out past the whole", () => {
    const window = WINDOWS[0];
    let view = geometry.zoom(geometry.fit(PICTURE, window), 6, [450, 250], PICTURE, window);
    view = geometry.pan(view, 1e5, 1e5, PICTURE, window);
    assert.deepEqual([view.left, view.top], [0, 0]);
    view = geometry.zoom(view, 1e-3, [0, 0], PICTURE, window);
    assert.deepEqual(view, geometry.fit(PICTURE, window));
});

test("another window size: a fitted view stays fitted, a zoomed one keeps its middle", () => {
    const [before, now] = WINDOWS;
    assert.deepEqual(geometry.resized(geometry.fit(PICTURE, before), PICTURE, before, now), geometry.fit(PICTURE, now));
    const view = geometry.zoom(geometry.fit(PICTURE, before), 8, [450, 250], PICTURE, before);
    const middle = geometry.toPicture(view, PICTURE, [before.width / 2, before.height / 2]);
    const after = geometry.resized(view, PICTURE, before, now);
    const kept = geometry.toPicture(after, PICTURE, [now.width / 2, now.height / 2]);
    near(kept[0], middle[0]);
    near(kept[1], middle[1]);
    assert.deepEqual(geometry.resized(view, PICTURE, { width: 0, height: 0 }, now), geometry.fit(PICTURE, now));
});

test("angles go counter-clockwise from the right, and an arrow's length is its speed", () => {
    assert.deepEqual([[1, 0], [0, -1], [-1, 0], [0, 1]].map(([x, y]) => geometry.angleOf(x, y)), [0, 90, 180, 270]);
    const square = { width: 512, height: 512 };
    const second = { from: [0.5, 0.5], to: [0.5 - 30 / 512, 0.5] };
    const { angle, speed } = geometry.readArrow(second, square);
    near(angle, 180);
    near(speed, 1);
    near(geometry.readArrow({ from: [0, 0.5], to: [60 / 1024, 0.5] }, { width: 1024, height: 1024 }).speed, 1);
    // the picture's sides count as they are, not as 0..1
    near(geometry.readArrow({ from: [0, 0], to: [0.1, 0.1] }, { width: 1000, height: 500 }).angle, 360 - (Math.atan(0.5) * 180) / Math.PI);
});

test("what is hit: ends before bodies, in window pixels at any zoom", () => {
    const window = { width: 768, height: 512 };
    const document = {
        arrows: [{ from: [0.2, 0.5], to: [0.4, 0.5] }], swirls: [{ at: [0.7, 0.5], radius: 0.2, turn: 1 }],
        pins: [[0.9, 0.9]], freeze: [[[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1]]],
    };
    for (const factor of [1, 3]) {
        const view = geometry.zoom(geometry.fit(PICTURE, window), factor, [384, 256], PICTURE, window);
        const under = (point, dx = 0, dy = 0) => {
            const [x, y] = geometry.toWindow(view, PICTURE, point);
            return geometry.hit(document, [x + dx, y + dy], view, PICTURE, 10);
        };
        assert.deepEqual(under([0.4, 0.5], 3, 0), { kind: "arrow", index: 0, part: "to" });
        assert.deepEqual(under([0.2, 0.5], -4, 2), { kind: "arrow", index: 0, part: "from" });
        assert.deepEqual(under([0.3, 0.5], 0, 8), { kind: "arrow", index: 0, part: "body" });
        assert.equal(under([0.3, 0.5], 0, 12), null);
        assert.deepEqual(under([0.7, 0.5]), { kind: "swirl", index: 0, part: "body" });
        assert.deepEqual(under([0.7 + (0.2 * 512) / 768, 0.5], 4, 0), { kind: "swirl", index: 0, part: "rim" });
        assert.deepEqual(under([0.9, 0.9], 5, 5), { kind: "pin", index: 0, part: "body" });
        assert.deepEqual(under([0.05, 0.05]), { kind: "freeze", index: 0, part: "body" });
        assert.equal(under([0.5, 0.1]), null);
    }
});
