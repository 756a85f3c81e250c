import assert from "node:assert/strict";
import { test } from "node:test";
import { NoFrames, decodeFrames } from "../../javascript/studio/frames.mjs";

const LOOP = { url: "loop.webp", frames: 2, fps: 30, width: 4, height: 4 };

/** A browser's decoder that has found `track` in a file. */
function browserWith(track) {
    globalThis.fetch = async () => ({ ok: true, blob: async () => new Blob([], { type: "image/webp" }) });
    globalThis.createImageBitmap = async (image) => ({ of: image.index });
    globalThis.ImageDecoder = class {
        tracks = { ready: Promise.resolve(), selectedTrack: track };
        completed = Promise.resolve();
        decode = async ({ frameIndex }) => ({ image: { index: frameIndex, close() {} } });
        close() {}
    };
}

test("a loop is taken apart into its frames", async () => {
    browserWith({ frameCount: 2 });
    assert.deepEqual(await decodeFrames(LOOP), [{ of: 0 }, { of: 1 }]);
});

test("a file in which the browser finds no pictures is refused in a sentence, so that its own player stays", async () => {
    browserWith(null);
    await assert.rejects(decodeFrames(LOOP), (error) => error instanceof NoFrames && error.message === "the loop has no frames");
});

test("a loop that would take too much memory is not fetched", async () => {
    await assert.rejects(decodeFrames(LOOP, { budget: 100 }), NoFrames);
});
