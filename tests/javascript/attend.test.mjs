import assert from "node:assert/strict";
import { test } from "node:test";

import { attend } from "../../javascript/studio/attend.mjs";

const LOOP = { url: "/loop.mp4" };

/** What is brought into view by a row of states, with the run and the loop that far down the window. */
function brought(states, top = 2000) {
    globalThis.window = { innerHeight: 800, matchMedia: () => ({ matches: true }) };
    const seen = [];
    const element = (name) => ({ getBoundingClientRect: () => ({ top }), scrollIntoView: () => seen.push(name) });
    const hear = attend(() => element("run"), () => element("loop"));
    for (const state of states) hear(state);
    return seen;
}

test("a run that begins is shown, once", () => {
    const running = { id: "a", running: { stage: "twin" } };
    assert.deepEqual(brought([{}, running, { ...running }, { id: "a", loop: LOOP }]), ["run"]);
});

test("a cinemagraph that is opened is shown; one that was there from the start, or has no loop, is not", () => {
    assert.deepEqual(brought([{}, { id: "a", loop: LOOP }]), ["loop"]);
    assert.deepEqual(brought([{ id: "a", loop: LOOP }, { id: "b", loop: LOOP }, { id: "b", loop: { url: "/2" } }]), ["loop"]);
    assert.deepEqual(brought([{ id: "a", loop: LOOP }, { id: "b", picture: {} }]), []);
});

test("what is in view stays where it is", () => {
    assert.deepEqual(brought([{}, { id: "a", loop: LOOP }, { id: "a", running: {} }], 300), []);
});
