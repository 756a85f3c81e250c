import assert from "node:assert/strict";
import { test } from "node:test";
import { Channel, Lost, Refusal, Superseded } from "../../javascript/studio/channel.mjs";
import { EMPTY, addRegion, changeRegion, mergeRegions } from "../../javascript/studio/document.mjs";
import { emptyMask } from "../../javascript/studio/mask.mjs";
import { Page } from "../../javascript/studio/page.mjs";
import { Store } from "../../javascript/studio/store.mjs";
import { Words, asMeant, merge, spokenOf } from "../../javascript/studio/words.mjs";

const PICTURE = { width: 100, height: 100, key: "k", url: "" };
const turn = () => new Promise((done) => { setTimeout(done, 0); });

/** A wire and a clock that the test moves. */
function wired() {
    const it = { sent: [], answer: "", now: 0, work: [] };
    it.channel = new Channel(
        { send: (text) => it.sent.push(JSON.parse(text)), receive: () => it.answer },
        { now: () => it.now, later: (work) => it.work.push(work) },
    );
    it.pass = async (milliseconds = 25) => {
        it.now += milliseconds;
        for (const work of it.work.splice(0)) work();
        await turn();
    };
    it.reply = (n, rest) => { it.answer = JSON.stringify({ n, ok: true, ...rest }); };
    return it;
}

test("one question at a time; answers are matched by their number", async () => {
    const it = wired();
    const [first, second] = [it.channel.ask("segment"), it.channel.ask("parse", { motion: "a" })];
    assert.equal(it.sent.length, 1);
    it.reply(it.sent[0].n - 1, { stale: true });
    await it.pass();
    it.reply(it.sent[0].n, { one: 1 });
    await it.pass();
    assert.equal((await first).one, 1);
    assert.deepEqual(it.sent[1], { n: it.sent[0].n + 1, what: "parse", motion: "a" });
    it.reply(it.sent[1].n, { two: 2 });
    await it.pass();
    assert.equal((await second).two, 2);
});

test("of several questions of a kind, only the latest goes out", async () => {
    const it = wired();
    const asked = [1, 2, 3, 4].map((x) => it.channel.ask("solve", { x }).catch((error) => error));
    it.reply(it.sent[0].n, { x: 1 });
    await it.pass();
    assert.deepEqual(it.sent.map((one) => one.x), [1, 4]);
    it.reply(it.sent[1].n, { x: 4 });
    await it.pass();
    const [a, b, c, d] = await Promise.all(asked);
    assert.ok(a instanceof Superseded && b instanceof Superseded && c instanceof Superseded);
    assert.equal(d.x, 4);
});

test("a refusal is a sentence with its kind; what never comes is lost and lets the next one out", async () => {
    const it = wired();
    const refused = it.channel.ask("solve").catch((error) => error);
    it.answer = JSON.stringify({ n: it.sent[0].n, ok: false, error: "paint what moves first", kind: "no-region" });
    await it.pass();
    const error = await refused;
    assert.ok(error instanceof Refusal && error.message === "paint what moves first" && error.kind === "no-region");
    const lost = it.channel.ask("parse").catch((one) => one);
    const next = it.channel.ask("describe");
    it.answer = "{broken";
    await it.pass();
    await it.pass(10_000);
    assert.ok(await lost instanceof Lost);
    it.reply(it.sent[2].n, { motion: "m" });
    await it.pass();
    assert.equal((await next).motion, "m");
});

test("a wire that is not there fails the question, not the channel", async () => {
    let there = false;
    const channel = new Channel({ send: () => { if (!there) throw new Error("no box"); }, receive: () => "" }, { now: () => 0, later: () => {} });
    await assert.rejects(channel.ask("parse"), /no box/);
    there = true;
    channel.ask("parse");
    assert.notEqual(channel.open, null);
});

test("the page is written through the native setter, so that Gradio hears it", () => {
    class HTMLTextAreaElement {
        set value(text) { this.stored = text; }
        get value() { return this.stored ?? ""; }
        dispatchEvent(event) { this.heard = event.type; }
    }
    Object.assign(globalThis, { HTMLTextAreaElement, HTMLInputElement: class {} });
    const area = new HTMLTextAreaElement();
    // Gradio's frameworks put a value of their own on the element
    Object.defineProperty(area, "value", { set() { throw new Error("not this one"); }, get() { return this.stored; } });
    const page = new Page({ querySelector: (selector) => (selector.startsWith("#t2c_motion ") ? area : null) });
    page.setMotion("river left");
    assert.deepEqual([area.stored, area.heard], ["river left", "input"]);
    assert.equal(page.write("t2c_absent", "x"), false);
    assert.equal(page.read("t2c_absent"), "");
    assert.equal(page.speed(), 1);
});

const WAYS = { left: 180, right: 0, up: 90, down: 270 };
const parse = ({ motion }) => {
    const motions = motion.split(", ").filter(Boolean).map((part) => part.split(" ")).map(([region, way, pace]) => (
        { region, angle: WAYS[way] ?? null, kind: "translate", speed: pace === "fast" ? 2 : 1 }));
    return { regions: motions.map((one) => one.region), motions: motions.filter((one) => one.angle !== null) };
};
const describe = ({ regions }) => ({
    motion: regions.map(({ name, angle, speed }) => `${name} ${Object.keys(WAYS).find((way) => WAYS[way] === angle) ?? angle}${speed > 1.4 ? " fast" : ""}`).join(", "),
});

/** Words on a page that is two strings. */
function talking(motion = "") {
    const page = { text: motion, motion: () => page.text, prompt: () => "", setMotion: (text) => { page.text = text; page.written = (page.written ?? 0) + 1; } };
    const asked = [];
    const channel = { ask: async (what, payload) => { asked.push(what); return what === "parse" ? parse(payload) : describe(payload); } };
    const store = new Store();
    store.open(PICTURE, { document: EMPTY, words: "", spoken: {} });
    const said = [];
    return { page, asked, store, said, words: new Words(channel, store, page, (text) => said.push(text)) };
}

test("typed words fill the list, and change it", async () => {
    const { page, store, words } = talking();
    page.text = "river left, clouds right fast";
    assert.ok(words.changed);
    await words.typed();
    assert.deepEqual(store.state.document.regions.map(({ name, angle, speed }) => [name, angle, speed]), [["river", 180, 1], ["clouds", 0, 2]]);
    assert.ok(!words.changed);
    page.text = "river up";
    await words.typed();
    assert.deepEqual(store.state.document.regions.map(({ name, angle }) => [name, angle]), [["river", 90]]);
});

test("a changed region is written in words, once, and is not heard as typed", async () => {
    const { page, store, words, asked } = talking();
    page.text = "river left";
    await words.typed();
    store.commit(changeRegion(store.state.document, "river", { angle: 270 }), "dial");
    await words.drawn();
    assert.equal(page.text, "river down");
    assert.equal(page.written, 1);
    assert.ok(!words.changed, "its own words are no typing");
    assert.deepEqual(asked, ["parse", "describe", "parse"]);
    assert.equal(store.state.spoken.river.angle, 270);
    assert.equal(store.state.document.regions[0].angle, 270);
});

test("parse of describe gives the regions back", async () => {
    const regions = [{ name: "river", angle: 180, speed: 1 }, { name: "clouds", angle: 90, speed: 2 }];
    const { page, store, words } = talking();
    store.commit(regions.reduce(addRegion, EMPTY), "drawn");
    await words.drawn();
    const { document } = store.state;
    await words.typed();
    assert.equal(store.state.document, document, "nothing to change");
    assert.equal(page.text, "river left, clouds up fast");
});

test("undo brings the words back with the regions", async () => {
    const { page, store, words } = talking("river left");
    await words.typed();
    store.commit(changeRegion(store.state.document, "river", { angle: 0 }), "dial");
    await words.drawn();
    assert.equal(page.text, "river right");
    store.undo();
    words.put(store.state.words);
    assert.equal(page.text, "river left");
    store.redo();
    assert.equal(store.state.words, "river right");
});

test("words that were never brought in step with a state are so when it comes back", async () => {
    const { page, store, words } = talking("river left, clouds right");
    await words.typed();
    const turn = (name, angle) => store.commit(changeRegion(store.state.document, name, { angle }), "dial", "drawing", name);
    turn("clouds", 90);
    turn("river", 270);
    assert.ok(store.state.unsaid);
    await words.drawn();
    assert.equal(page.text, "river down, clouds up");
    assert.ok(!store.state.unsaid);
    store.undo();
    assert.ok(store.state.unsaid);
    const { document } = store.state;
    words.put(store.state.words);
    await words.drawn();
    assert.equal(page.text, "river left, clouds up");
    assert.equal(store.state.document, document);
    store.undo();
    assert.ok(!store.state.unsaid);
    assert.equal(store.state.words, "river left, clouds right");
});

test("a control that is used again at once goes on with its step; what changes nothing makes none", async () => {
    const { store, words } = talking("river left");
    await words.typed();
    const first = store.state.document;
    const turn = (angle) => store.commit(changeRegion(store.state.document, "river", { angle }), "dial", "drawing", "dial of river");
    turn(180);
    assert.equal(store.history.undoLabel, null);
    for (const angle of [185, 190]) turn(angle);
    store.undo();
    assert.equal(store.state.document, first);
    store.redo();
    assert.equal(store.state.document.regions[0].angle, 190);
    turn(195);
    store.undo();
    assert.equal(store.state.document.regions[0].angle, 190, "after a step there or back begins another");
});

test("whoever types while an answer is on its way is right", async () => {
    const { page, store, words } = talking("river left");
    await words.typed();
    store.commit(changeRegion(store.state.document, "river", { angle: 0 }), "dial");
    const drawn = words.drawn();
    page.text = "river left and";
    await drawn;
    assert.equal(page.text, "river left and");
});

test("what was painted survives the words' silence, what was only said does not", () => {
    const mask = emptyMask({ width: 2, height: 2 });
    let document = merge(EMPTY, parse({ motion: "river left, sky up" }), {});
    document = changeRegion(document, "river", { mask });
    const spoken = { river: { angle: 180, kind: "translate", speed: 1 }, sky: { angle: 90, kind: "translate", speed: 1 } };
    const after = merge(document, parse({ motion: "" }), spoken);
    assert.deepEqual(after.regions.map(({ name, angle }) => [name, angle]), [["river", null]]);
    const tuned = changeRegion(document, "river", { speed: 1.3 });
    assert.equal(merge(tuned, parse({ motion: "river left, sky down" }), spoken).regions[0].speed, 1.3, "the same words leave a tuned speed alone");
});

const still = (name, angle) => ({ region: name, angle, kind: "translate", speed: 1 });
const DOT = { width: 1, height: 1, data: new Uint8Array([255]) };

test("one painted area takes the first of two new names, and the other is a region to be found", () => {
    const parsed = { regions: ["waterfall", "clouds"], motions: [still("waterfall", 270), still("clouds", 0)], bound: { area: 0 } };
    const merged = merge(addRegion(EMPTY, { name: "area", mask: DOT }), parsed, {});
    assert.deepEqual(merged.regions.map(({ name, angle, mask }) => [name, angle, mask]), [["waterfall", 270, DOT], ["clouds", 0, null]]);
    const two = ["area", "area 2"].reduce((before, name) => addRegion(before, { name, mask: DOT }), EMPTY);
    assert.deepEqual(merge(two, { ...parsed, bound: {} }, {}).regions.map(({ name, angle }) => [name, angle]), [["waterfall", 270], ["clouds", 0]]);
});

test("a motion of the same family moves the painted region, without a phantom beside it", () => {
    const parsed = { regions: ["river"], motions: [{ ...still("river", 180), speed: 0.5 }], bound: { water: 0 } };
    const painted = addRegion(EMPTY, { name: "water", mask: DOT });
    const merged = merge(painted, parsed, {});
    assert.deepEqual(merged.regions.map(({ name, angle, speed }) => [name, angle, speed]), [["water", 180, 0.5]]);
    assert.deepEqual(spokenOf(parsed).water, { angle: 180, kind: "translate", speed: 0.5 }, "or its speed would count twice");
    const phantom = merge(addRegion(painted, { name: "river", angle: 180 }), parsed, {});
    assert.deepEqual(phantom.regions.map(({ name }) => name), ["water"]);
    const silent = merge(merged, { regions: [], motions: [], bound: {} }, spokenOf(parsed));
    assert.deepEqual(silent.regions.map(({ name, angle }) => [name, angle]), [["water", null]]);
});

test("what is painted under another name than the words use is the region that they mean", async () => {
    const { page, store, words } = talking("river left");
    words.channel.ask = async (what, payload) => (what === "describe" ? { motion: page.text } : {
        ...parse(payload), bound: Object.fromEntries(payload.regions.map((name) => [name, 0])),
    });
    await words.typed();
    const { document } = store.state;
    store.commit(addRegion(document, { name: "water", mask: DOT }), "adding water");
    await words.drawn();
    assert.deepEqual(store.state.document.regions.map(({ name, angle, mask }) => [name, angle, mask]), [["river", 180, DOT]]);
    assert.deepEqual([page.text, store.active], ["river left", "river"]);
    store.undo();
    assert.equal(store.state.document, document);
});

test("what is painted and goes its own way stays beside what the words name", () => {
    const parsed = { regions: ["river"], motions: [still("river", 180)], bound: { water: 0 } };
    const said = addRegion(EMPTY, { name: "river", angle: 180 });
    const apart = addRegion(said, { name: "water", angle: 90, mask: DOT });
    assert.equal(asMeant(apart, parsed), apart);
    const both = addRegion(changeRegion(said, "river", { mask: DOT }), { name: "water", mask: DOT });
    assert.equal(asMeant(both, parsed), both);
});

test("a painted region takes the place of one that was only said", () => {
    const document = addRegion(addRegion(EMPTY, { name: "area", mask: DOT }), { name: "waterfall", angle: 270 });
    const [one, ...others] = mergeRegions(document, "area", "waterfall").regions;
    assert.deepEqual([one.name, one.angle, one.mask, others.length], ["waterfall", 270, DOT, 0]);
    const moving = mergeRegions(changeRegion(document, "area", { angle: 10 }), "area", "waterfall").regions;
    assert.deepEqual(moving.map(({ angle }) => angle), [10]);
});
