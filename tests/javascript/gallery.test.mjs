// What the page of a batch does without a browser: which rows are shown, where their cells lie, how a sweep is laid out.
import assert from "node:assert/strict";
import test from "node:test";

import { address, chosen, haystack, inView, layout, table } from "../../t2c_ext/batch/gallery/gallery.mjs";

const ROWS = [
    { name: "r1", done: true, file: "r1.mp4", prompt: "A River at dusk", notes: ["found by clusters"] },
    { name: "r2", done: false, error: "I could not find the river", kind: "not found" },
    { name: "r3", done: true, file: "r3.mp4", prompt: "a waterfall", group: "0", swept: { speed: 2 } },
];
const TEXTS = ROWS.map(haystack);

/** @param {Partial<{words: string, which: string, kind: string}>} wish */
const names = (wish) => chosen(ROWS, TEXTS, { words: "", which: "", kind: "", ...wish }).map((number) => ROWS[number].name);

test("rows are found by every word of prompt, notes and errors", () => {
    assert.deepEqual(names({}), ["r1", "r2", "r3"]);
    assert.deepEqual(names({ words: "RIVER" }), ["r1", "r2"]);
    assert.deepEqual(names({ words: "river clusters" }), ["r1"]);
    assert.deepEqual(names({ words: "nowhere" }), []);
});

test("rows are found by what became of them", () => {
    assert.deepEqual(names({ which: "done" }), ["r1", "r3"]);
    assert.deepEqual(names({ which: "failed" }), ["r2"]);
    assert.deepEqual(names({ which: "notes" }), ["r1"]);
    assert.deepEqual(names({ which: "swept" }), ["r3"]);
    assert.deepEqual(names({ kind: "not found" }), ["r2"]);
});

test("cells fill the width, and only those in view and a line around are drawn", () => {
    const { columns, width, height, gap } = layout(1036);
    assert.deepEqual([columns, width, height], [4, 250, 252]);
    assert.equal(layout(360).columns, 2);
    assert.equal(layout(200).width > 0, true);
    const step = height + gap;
    assert.deepEqual(inView(layout(1036), 10_000, 0, 900), [0, (Math.ceil(900 / step) + 1) * columns]);
    const [first, last] = inView(layout(1036), 10_000, 100 * step, 2 * step);
    assert.deepEqual([first, last], [99 * columns, 103 * columns]);
    assert.deepEqual(inView(layout(1036), 3, 0, 900), [0, 3]);
    assert.deepEqual(inView(layout(1036), 0, 0, 900), [0, 0]);
});

test("names are no addresses until they are encoded", () => {
    assert.equal(address("a river #1?.mp4"), "./a%20river%20%231%3F.mp4");
    assert.equal(address("frames/frame_0000.png"), "./frames/frame_0000.png");
    assert.equal(address("javascript:alert(1)"), "./javascript%3Aalert(1)");
});

test("a sweep of two settings is a table, and one of one a line", () => {
    const rows = [1, 2].flatMap((speed) => [7, 8].map((seed) => ({ name: `${speed}-${seed}`, done: true, swept: { speed, seed } })));
    const { across, down, columns, lines } = table(rows);
    assert.deepEqual([across, down, columns], ["speed", "seed", ["1", "2"]]);
    assert.deepEqual(
        lines.map((line) => [line.value, line.cells.map((cell) => cell.map((row) => row.name))]),
        [["7", [["1-7"], ["2-7"]]], ["8", [["1-8"], ["2-8"]]]],
    );
    const line = table(rows.map((row) => ({ ...row, swept: { speed: row.swept.speed } })));
    assert.equal(line.lines.length, 1);
    assert.deepEqual(line.lines[0].cells.map((cell) => cell.length), [2, 2]);
});
