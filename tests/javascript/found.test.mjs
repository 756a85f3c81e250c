import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, MAX_MASKS, addRegion, changeRegion, findRegion, mayPaint } from "../../javascript/studio/document.mjs";
import { NOTHING, adopted, readFound, rowsOf, unpainted } from "../../javascript/studio/found.mjs";
import { emptyMask, union } from "../../javascript/studio/mask.mjs";
import { Store } from "../../javascript/studio/store.mjs";
import { brush, erase } from "../../javascript/studio/tools/brush.mjs";
import { lasso } from "../../javascript/studio/tools/lasso.mjs";
import { usualOptions } from "../../javascript/studio/tools/index.mjs";

const SIZE = { width: 40, height: 40 };
const PICTURE = { ...SIZE, key: "k", url: "" };

function rows(from, to) {
    const mask = emptyMask(SIZE);
    mask.data.fill(200, from * SIZE.width, to * SIZE.width);
    return mask;
}

const FALL = { name: "waterfall", source: "clusters", mask: rows(0, 10) };
const SKY = { name: "clouds", source: "clusters", mask: rows(20, 30) };
const FILE = { name: "", source: "mask file", mask: rows(0, 10) };

/** A store whose list has regions without paint, and a board to draw on it. */
function drawn(names, found, stale = false) {
    const store = new Store();
    const document = names.reduce((before, name) => addRegion(before, { name }), EMPTY);
    store.open(PICTURE, { document, words: "", spoken: {} });
    store.find({ rows: found, stale });
    const board = { store, options: { ...usualOptions(), size: 0.1 }, size: SIZE, say() {}, outline() {}, apart: () => 10 };
    const draw = (tool, ...points) => {
        const touches = points.map((point) => ({ point, pressure: 0.5, erase: false }));
        const gesture = tool.down(board, touches[0]);
        for (const touch of touches.slice(1)) gesture.move(touch);
        gesture.up();
    };
    return { store, draw, mask: (name) => findRegion(store.state.document, name)?.mask };
}

test("the first stroke adds to what was found, as one step that undo takes back exactly", () => {
    const { store, draw, mask } = drawn(["waterfall"], [FALL]);
    const before = store.state;
    draw(brush, [0.5, 0.8]);
    assert.equal(mask("waterfall").data[5 * 40 + 2], 200);
    assert.ok(mask("waterfall").data[32 * 40 + 20] === 255);
    assert.deepEqual(unpainted(store.state.document, store.found), []);
    store.undo();
    assert.equal(store.state, before);
    assert.deepEqual(unpainted(store.state.document, store.found).map((row) => row.name), ["waterfall"]);
});

test("the eraser takes from what was found; soft edges beside it stay as they are", () => {
    const { draw, mask } = drawn(["waterfall"], [FALL]);
    draw(erase, [0.5, 0.1]);
    assert.equal(mask("waterfall").data[4 * 40 + 20], 0);
    assert.equal(mask("waterfall").data[4 * 40 + 2], 200);
});

test("all that was found becomes paint together, so that the others go on moving", () => {
    const { store, draw, mask } = drawn(["waterfall", "clouds"], [FALL, SKY]);
    draw(brush, [0.5, 0.8]);
    assert.equal(mask("clouds"), SKY.mask);
    store.undo();
    assert.equal(mask("clouds"), null);
});

test("what was found under a name that the list has not becomes a region of that name", () => {
    const { store, draw } = drawn([], [{ ...FALL, name: "possible water" }]);
    draw(brush, [0.5, 0.8]);
    assert.deepEqual(store.state.document.regions.map((region) => region.name), ["possible water"]);
    const old = drawn(["river"], [FALL], true);
    assert.deepEqual(unpainted(old.store.state.document, old.store.found), [], "unless the words have gone on");
});

test("what is found and wholly taken away is no region any more, or a run would find it again", () => {
    const { store, draw } = drawn(["waterfall", "clouds"], [FALL, SKY]);
    store.active = "waterfall";
    const board = { ...usualOptions(), lasso: "remove" };
    const gesture = lasso.down({ store, options: board, size: SIZE, say() {}, outline() {}, apart: () => 10 }, { point: [0, 0] });
    for (const point of [[1, 0], [1, 0.5], [0, 0.5]]) gesture.move({ point });
    gesture.up();
    assert.deepEqual(store.state.document.regions.map(({ name, mask }) => [name, mask === SKY.mask]), [["clouds", true]]);
    assert.equal(draw !== null, true);
});

test("a mask file is the first region of the list, until something is painted", () => {
    const { store, draw, mask } = drawn(["river", "clouds"], [FILE]);
    assert.deepEqual(unpainted(store.state.document, store.found).map((row) => row.name), ["river"]);
    draw(brush, [0.5, 0.8]);
    assert.equal(mask("river").data[5 * 40 + 2], 200);
    assert.equal(mask("clouds"), null);
    const nameless = drawn([], [FILE]);
    assert.deepEqual(unpainted(nameless.store.state.document, nameless.store.found).map((row) => row.name), ["region"]);
    const painted = changeRegion(addRegion(EMPTY, { name: "a" }), "a", { mask: SKY.mask });
    assert.equal(adopted(painted, { rows: [FILE], stale: false }), painted);
});

test("nothing is adopted twice, and nothing where nothing was found", () => {
    const document = addRegion(EMPTY, { name: "waterfall", mask: rows(30, 35) });
    assert.equal(adopted(document, { rows: [FALL], stale: false }), document);
    assert.equal(adopted(EMPTY, NOTHING), EMPTY);
    assert.deepEqual(union(FALL.mask, FALL.mask).data, FALL.mask.data);
});

test("more than can be painted is refused instead of losing one", () => {
    const found = Array.from({ length: MAX_MASKS }, (_, index) => ({ ...FALL, name: `r${index}` }));
    const document = adopted(addRegion(EMPTY, { name: "mine", mask: SKY.mask }), { rows: found, stale: false });
    assert.equal(mayPaint(document, "mine"), false);
});

test("the page's state gives a fresh mask file first, and a stage's own paint never", async () => {
    const stage = { regions: [{ ...FALL, mask: "a" }, { name: "x", source: "painted", mask: "b" }, { ...FILE, mask: "c" }], stale: false };
    assert.deepEqual(rowsOf({ stages: { region: stage } }).map((row) => row.mask), ["a", "c"]);
    assert.deepEqual(rowsOf({ stages: { region: { ...stage, stale: true } } }).map((row) => row.mask), ["a"]);
    assert.deepEqual(rowsOf({ mask: [{ ...FILE, mask: "d" }], stages: { region: stage } }).map((row) => row.mask), ["d"]);
    assert.deepEqual(rowsOf({ mask: null, stages: {} }), []);
    const masks = { a: rows(0, 3), c: { width: 10, height: 40, data: new Uint8Array(400) } };
    const found = await readFound({ stages: { region: stage } }, async (text) => masks[text], SIZE);
    assert.deepEqual(found.rows.map((row) => row.mask), [masks.a]);
    const painted = { regions: [{ name: "waterfall", source: "painted", mask: "b" }], stale: false };
    const later = await readFound({ stages: { region: painted } }, async (text) => masks[text], SIZE, found);
    assert.deepEqual(later.rows.map((row) => row.mask), [masks.a], "undo leads back to what was found");
});
