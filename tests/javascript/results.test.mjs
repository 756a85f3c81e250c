import assert from "node:assert/strict";
import { test } from "node:test";
import { idOf } from "../../javascript/studio/results.mjs";

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
