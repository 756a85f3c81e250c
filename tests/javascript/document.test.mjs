import assert from "node:assert/strict";
import { test } from "node:test";
import * as doc from "../../javascript/studio/document.mjs";
import { History } from "../../javascript/studio/history.mjs";
import { emptyMask } from "../../javascript/studio/mask.mjs";
import { decodeMask, encodeMask } from "../../javascript/studio/png.mjs";
import { Store } from "../../javascript/studio/store.mjs";
import { Keep } from "../../javascript/studio/keep.mjs";

const CODEC = { encode: encodeMask, decode: decodeMask };
const SIZE = { width: 24, height: 16 };
const painted = (value = 200) => {
    const mask = emptyMask(SIZE);
    mask.data.fill(value, 100, 200);
    return mask;
};

async function full() {
    return {
        version: 2,
        arrows: [{ from: [0.1, 0.2], to: [0.3, 0.4], region: "river" }, { from: [0.5, 0.5], to: [0.6, 0.5] }],
        swirls: [{ at: [0.5, 0.5], radius: 0.2, turn: -1 }], pins: [[0.9, 0.1]], freeze: [[[0, 0], [1, 0], [1, 1]]],
        still: await encodeMask(painted(90)),
        regions: [
            { name: "river", angle: 180, speed: 1.5, kind: "translate", colour: "#1c8fff", mask: await encodeMask(painted()) },
            { name: "whirl", angle: null, speed: 1, kind: "swirl_cw", colour: "#123456" },
        ],
    };
}

test("what is written is what was read, key by key", async () => {
    const given = await full();
    const document = await doc.read(given, CODEC, SIZE);
    assert.deepEqual(await doc.write(document, CODEC), given);
    assert.ok(doc.equal(document, await doc.read(given, CODEC, SIZE)));
});

test("version 1 is read", async () => {
    const document = await doc.read({ version: 1, pins: [[0.5, 0.5]], regions: [{ name: "river", angle: 10 }] }, CODEC, SIZE);
    assert.deepEqual(document.pins, [[0.5, 0.5]]);
    assert.equal(document.regions[0].speed, 1);
    assert.equal(document.regions[0].colour, doc.COLOURS[0]);
    assert.throws(() => doc.validate({ version: 1, regions: [{ name: "river", kind: "swirl" }] }), /hints\.regions\[0\]\.kind: unknown/);
    assert.throws(() => doc.validate({ version: 1, still: "x" }), /hints\.still: unknown/);
});

test("everything that is wrong is refused with its place", async () => {
    const wrong = [
        [{ version: 3 }, /hints\.version/], [{}, /hints\.version: is missing/], [[], /hints: must be an object/], [null, /hints/],
        [{ version: 2, arows: [] }, /hints\.arows: unknown/],
        [{ version: 2, arrows: [{ from: [0, 0], to: [0, 0] }] }, /hints\.arrows\[0\]\.to: equals from/],
        [{ version: 2, arrows: [{ from: [0, 0], to: [1.1, 0] }] }, /hints\.arrows\[0\]\.to\[0\]/],
        [{ version: 2, arrows: [{ from: [0, 0], to: [NaN, 0] }] }, /number/],
        [{ version: 2, arrows: [{ from: [0, 0] }] }, /hints\.arrows\[0\]\.to: is missing/],
        [{ version: 2, swirls: [{ at: [0, 0], radius: 0 }] }, /hints\.swirls\[0\]\.radius/],
        [{ version: 2, swirls: [{ at: [0, 0], radius: 1, turn: 0 }] }, /hints\.swirls\[0\]\.turn/],
        [{ version: 2, freeze: [[[0, 0], [1, 1]]] }, /at least 3/],
        [{ version: 2, regions: [{ name: " " }] }, /hints\.regions\[0\]\.name/],
        [{ version: 2, regions: [{ name: "a" }, { name: "a" }] }, /given twice/],
        [{ version: 2, regions: [{ name: "a", kind: "jump" }] }, /hints\.regions\[0\]\.kind/],
        [{ version: 2, regions: [{ name: "a", colour: "red" }] }, /hints\.regions\[0\]\.colour/],
        [{ version: 2, regions: [{ name: "a", mask: 5 }] }, /hints\.regions\[0\]\.mask/],
        [{ version: 2, still: "" }, /hints\.still/],
        [{ version: 2, pins: Array(257).fill([0, 0]) }, /at most 256/],
        [{ version: 2, regions: Array.from({ length: 17 }, (_, i) => ({ name: `r${i}`, mask: "x" })) }, /at most 16/],
    ];
    for (const [json, message] of wrong) assert.throws(() => doc.validate(json), { constructor: doc.HintsError, message });
    await assert.rejects(doc.read({ version: 2, still: btoa("no") }, CODEC, SIZE), /hints\.still: this is no PNG/);
    const tall = await encodeMask(emptyMask({ width: 16, height: 24 }));
    await assert.rejects(doc.read({ version: 2, still: tall }, CODEC, SIZE), /another shape/);
});

test("the words and the document share the speed: their product is what the list shows", async () => {
    const spoken = { river: { angle: 180, kind: "translate", speed: 2 } };
    let document = doc.addRegion(doc.EMPTY, { name: "River", angle: 180, speed: 3, mask: painted() });
    const json = await doc.write(document, CODEC, spoken);
    assert.equal(json.regions[0].speed, 1.5);
    assert.equal((await doc.read(json, CODEC, SIZE, spoken)).regions[0].speed, 3);
    document = doc.addRegion(doc.EMPTY, { name: "river", angle: 180, speed: 2 });
    assert.deepEqual((await doc.write(document, CODEC, spoken)).regions, [], "the words say all of it");
    assert.equal((await doc.write(document, CODEC)).regions.length, 1);
    assert.equal((await doc.write(doc.changeRegion(document, "river", { angle: 90 }), CODEC, spoken)).regions[0].angle, 90);
});

test("regions: colours differ, names are free, arrows follow a new name", () => {
    let document = doc.EMPTY;
    for (let i = 0; i < 8; i++) document = doc.addRegion(document, { name: doc.freeName(document, "area") });
    assert.equal(new Set(document.regions.map((region) => region.colour)).size, 8);
    assert.equal(document.regions[1].name, "area 2");
    document = { ...document, arrows: [{ from: [0, 0], to: [1, 1], region: "area 2" }] };
    document = doc.changeRegion(document, "area 2", { name: "river" });
    assert.equal(document.arrows[0].region, "river");
    assert.equal(doc.removeRegion(document, "river").arrows.length, 0);
    assert.equal(doc.findRegion(document, " RIVER ").name, "river");
});

test("undo and redo give the very snapshots; a new step ends the redo", () => {
    const store = new Store();
    const states = [store.state.document];
    for (const x of [0.1, 0.2, 0.3]) {
        const { document } = store.state;
        store.commit({ ...document, pins: [...document.pins, [x, x]] }, `pin ${x}`);
        states.push(store.state.document);
    }
    assert.equal(store.history.undoLabel, "pin 0.3");
    for (const index of [2, 1, 0]) {
        store.undo();
        assert.equal(store.state.document, states[index]);
    }
    store.undo();
    assert.equal(store.state.document, states[0]);
    for (const index of [1, 2, 3, 3]) {
        store.redo();
        assert.equal(store.state.document, states[index]);
    }
    store.undo();
    store.commit({ ...store.state.document, pins: [] }, "no pins");
    assert.equal(store.history.redoLabel, null);
    store.commit(store.state.document, "nothing");
    assert.equal(store.history.undoLabel, "no pins", "what changes nothing is no step");
});

test("the way back is bounded by steps and by the masks' weight", () => {
    const history = new History(0, { steps: 5 });
    for (let i = 1; i <= 20; i++) history.push(i, `${i}`);
    for (let i = 0; i < 30; i++) history.undo();
    assert.equal(history.state, 15);
    const heavy = new History(0, { weight: 30, weigh: (states) => 10 * states.length });
    for (let i = 1; i <= 9; i++) heavy.push(i, `${i}`);
    assert.equal(heavy.entries.length, 3);
    assert.equal(heavy.state, 9);
});

test("a selection that an undo takes away is let go", () => {
    const store = new Store();
    store.commit({ ...store.state.document, pins: [[0.5, 0.5]] }, "a pin");
    store.select({ kind: "pin", index: 0 });
    store.undo();
    assert.equal(store.selection, null);
});

/** A Storage of so many letters. */
function storage(room) {
    const items = {};
    return new Proxy({
        getItem: (key) => items[key] ?? null,
        removeItem: (key) => { delete items[key]; },
        setItem(key, text) {
            const used = Object.entries(items).reduce((sum, [name, value]) => sum + (name === key ? 0 : value.length), 0);
            if (used + text.length > room) throw new Error("QuotaExceededError");
            items[key] = text;
        },
    }, { ownKeys: () => Object.keys(items), getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }) });
}

test("work is kept by picture; the oldest makes room; what does not fit is not half kept", async () => {
    const keep = new Keep(storage(400));
    const work = (letters) => ({ document: { version: 2 }, words: "x".repeat(letters), spoken: {} });
    assert.ok(keep.save("a", work(50), false));
    await new Promise((done) => { setTimeout(done, 3); });
    assert.ok(keep.save("b", work(50), false));
    assert.deepEqual(keep.load("a"), work(50));
    assert.equal(keep.load("c"), null);
    assert.ok(keep.save("c", work(150), false));
    assert.equal(keep.load("a"), null);
    assert.deepEqual(keep.load("b"), work(50));
    assert.equal(keep.save("b", work(500), true), false);
    assert.equal(keep.load("b"), null);
});

test("it is known whether any picture was drawn on", () => {
    const keep = new Keep(storage(400));
    keep.save("a", { words: "river flowing left" }, false);
    assert.ok(!keep.drawn);
    keep.save("b", { words: "" }, true);
    assert.ok(keep.drawn);
    keep.drop("b");
    assert.ok(!keep.drawn);
});

test("regions that only words have named are not a drawing", () => {
    const region = { name: "river", angle: 180, speed: 1, kind: "translate", colour: "#1c8fff", mask: null };
    const named = { ...doc.EMPTY, regions: [region] };
    assert.ok(!doc.isBlank(named) && !doc.isDrawn(named));
    assert.ok(doc.isDrawn({ ...named, regions: [{ ...region, mask: emptyMask(4, 4) }] }));
    assert.ok(doc.isDrawn({ ...named, pins: [[0.5, 0.5]] }));
});

test("beside a painted region, one without paint is written, so that it is found by its name", async () => {
    const spoken = { clouds: { angle: 0, kind: "translate", speed: 1 } };
    const said = doc.addRegion(doc.EMPTY, { name: "clouds", angle: 0 });
    const codec = { encode: async () => "mask", decode: null };
    assert.deepEqual((await doc.write(said, codec, spoken)).regions, []);
    const both = doc.addRegion(said, { name: "waterfall", mask: { width: 1, height: 1, data: new Uint8Array([255]) } });
    assert.deepEqual((await doc.write(both, codec, spoken)).regions.map(({ name, mask }) => [name, mask]), [["clouds", undefined], ["waterfall", "mask"]]);
});

test("a colour that only looks like one when it is written out is refused", () => {
    const given = { version: 2, regions: [{ name: "river", colour: ["#1c8fff"] }] };
    assert.throws(() => doc.validate(given), { message: "hints.regions[0].colour: must be like #1c8fff" });
});

test("a region may have the name of something that every object has", async () => {
    const region = { name: "Constructor", angle: 90, speed: 2, kind: "translate", colour: "#1c8fff" };
    const document = doc.addRegion(doc.EMPTY, region);
    assert.deepEqual((await doc.write(document, CODEC, {})).regions, [region]);
    assert.deepEqual((await doc.read({ version: 2, regions: [region] }, CODEC, SIZE, {})).regions, document.regions);
    const beside = doc.addRegion(doc.addRegion(doc.EMPTY, { name: "constructor" }), { name: "river", mask: painted() });
    assert.ok(!doc.isSought(beside, beside.regions[0], {}));
});
