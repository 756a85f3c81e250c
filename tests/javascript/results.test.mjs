import assert from "node:assert/strict";
import { test } from "node:test";
import { Results, idOf } from "../../javascript/studio/results.mjs";

const ids = ["a", "", "c"];

test("a gallery's picture has the workspace of its number; a grid stands for its first", () => {
    const info = { index_of_first_image: 1, extra_generation_params: { "Cinemagraph ids": ids } };
    assert.deepEqual([-1, 0, 1, 2, 3, 4].map((index) => idOf(info, index)), ["a", "a", "a", "", "c", ""]);
});

test("without workspaces there is none", () => {
    for (const info of [{}, { extra_generation_params: {} }, { extra_generation_params: { "Cinemagraph ids": "a" } }]) {
        assert.equal(idOf(info, 0), "");
    }
});

test("of a plot's loops the moving grid, which stands first, is brought into view", (context) => {
    const place = "#txt2img_cinemagraph_loops", seen = [];
    const card = (name) => ({ scrollIntoView: () => seen.push(name), addEventListener() {}, removeEventListener() {} });
    const cell = { ...card("cell"), dataset: { t2cId: "a" }, querySelector: () => ({}) };
    const host = {
        addEventListener() {},
        querySelector: (selector) => (selector === `${place} .t2c-card` ? card("grid") : null),
        querySelectorAll: (selector) => (selector === `${place} [data-t2c-id]` ? [cell] : []),
    };
    context.mock.timers.enable({ apis: ["setTimeout"] });
    new Results(host);
    assert.deepEqual(seen, ["grid"]);
});
