import assert from "node:assert/strict";
import { test } from "node:test";
import { wordsFor } from "../../javascript/studio/translate.mjs";

const LANGUAGES = { de_DE: { Speed: "Geschwindigkeit" }, zh_CN: { Speed: "速度" } };

test("the first language that is known is taken; English needs none", () => {
    assert.equal(wordsFor(LANGUAGES, ["de-AT", "en"])?.Speed, "Geschwindigkeit");
    assert.equal(wordsFor(LANGUAGES, ["nl", "zh-Hans-CN"])?.Speed, "速度");
    assert.equal(wordsFor(LANGUAGES, ["en-GB", "de"]), null);
    assert.equal(wordsFor(LANGUAGES, ["nl"]), null);
});
