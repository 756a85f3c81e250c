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

test("whatever fails in the network or a decoder is said in a sentence", async () => {
    browserWith({ frameCount: 2 });
    globalThis.createImageBitmap = async () => { throw new DOMException("no memory", "InvalidStateError"); };
    await assert.rejects(decodeFrames(LOOP), (error) => error instanceof NoFrames && /taken apart \(no memory\)/.test(error.message));
    globalThis.fetch = async () => { throw new TypeError("Failed to fetch"); };
    await assert.rejects(decodeFrames(LOOP), (error) => error instanceof NoFrames && /Failed to fetch/.test(error.message));
});

test("a video that has data but no picture yet is waited for", async () => {
    browserWith(null);
    const heard = {};
    const video = {
        readyState: 2, load() {}, removeAttribute() {},
        addEventListener: (name, act) => { heard[name] = act; if (name === "loadeddata") act(); },
        set currentTime(time) { this.shown = time; heard.seeked(); },
    };
    let asked = 0;
    globalThis.document = { createElement: () => video };
    globalThis.HTMLMediaElement = { HAVE_CURRENT_DATA: 2 };
    globalThis.createImageBitmap = async (frame) => frame.timestamp;
    globalThis.VideoFrame = function VideoFrame(source) {
        if (++asked % 3 !== 0) throw new DOMException("Invalid source state", "InvalidStateError");
        return { timestamp: Math.floor(source.shown * LOOP.fps) * (1e6 / LOOP.fps), close() {} };
    };
    const frames = await decodeFrames({ ...LOOP, url: "loop.webm" });
    assert.deepEqual(frames.map((time) => Math.round((time * LOOP.fps) / 1e6)), [0, 1]);
    assert.equal(asked, 6);
});
