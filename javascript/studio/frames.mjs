/** A loop's frames, decoded once, so that it plays without a gap and any of them can be shown. */

import { asError } from "./channel.mjs";

/** @import { Loop } from "./types" */

/** Bytes that decoded frames may take; beyond that the browser's own player loops. */
export const BUDGET = 320e6;

/** How long a sought frame may take to be shown, in milliseconds. */
const PATIENCE = 5000;

/** The loop cannot be taken apart here; the sentence says why. */
export class NoFrames extends Error {}

/** @param {string} url @returns {boolean} */
export function isVideo(url) {
    return /\.(mp4|webm)(\?|#|$)/i.test(url);
}

/**
 * Decode a loop.
 * @param {{url: string, frames: number, fps: number, width: number, height: number}} loop
 * @param {{budget?: number, stopped?: () => boolean}} [limits]
 * @returns {Promise<ImageBitmap[]>}
 * @throws {NoFrames}
 */
export async function decodeFrames(loop, { budget = BUDGET, stopped = () => false } = {}) {
    const bytes = loop.frames * loop.width * loop.height * 4;
    if (bytes > budget) throw new NoFrames(`${Math.round(bytes / 1e6)} MB of frames are more than is kept in memory`);
    try {
        const response = await fetch(loop.url);
        if (!response.ok) throw new NoFrames(`the loop's file was not given out (${response.status})`);
        const blob = await response.blob();
        return await (isVideo(loop.url) ? fromVideo(blob, loop, stopped) : fromPicture(blob, loop, stopped));
    } catch (error) {
        // the network and the decoders fail in ways of their own
        throw error instanceof NoFrames ? error : new NoFrames(`the loop could not be taken apart (${asError(error).message})`);
    }
}

/** Of a moving picture (GIF, WebP, APNG). @param {Blob} blob @param {Loop} loop @param {() => boolean} stopped */
async function fromPicture(blob, loop, stopped) {
    if (typeof ImageDecoder === "undefined") throw new NoFrames("this browser does not take moving pictures apart");
    const type = blob.type.startsWith("image/") ? blob.type : typeOf(loop.url);
    const decoder = new ImageDecoder({ data: await blob.arrayBuffer(), type });
    await decoder.tracks.ready;
    await decoder.completed;
    const frames = [];
    for (let index = 0; index < (decoder.tracks.selectedTrack?.frameCount ?? 0) && !stopped(); index++) {
        const { image } = await decoder.decode({ frameIndex: index });
        frames.push(await createImageBitmap(image));
        image.close();
    }
    decoder.close();
    if (frames.length === 0) throw new NoFrames("the loop has no frames");
    return frames;
}

/** @param {string} url */
function typeOf(url) {
    const ending = /\.(\w+)(\?|#|$)/.exec(url)?.[1].toLowerCase();
    return ending === "apng" ? "image/png" : `image/${ending ?? "webp"}`;
}

/**
 * Of a video: the middle of each frame's time is sought.
 * @param {Blob} blob
 * @param {Loop} loop
 * @param {() => boolean} stopped
 */
async function fromVideo(blob, loop, stopped) {
    const video = document.createElement("video");
    video.muted = true;
    video.preload = "auto";
    video.src = URL.createObjectURL(blob);
    try {
        await once(video, "loadeddata");
        const frames = [];
        for (let index = 0; index < loop.frames && !stopped(); index++) {
            const sought = once(video, "seeked");
            video.currentTime = (index + 0.5) / loop.fps;
            await sought;
            const frame = await shownFrame(video, index, loop.fps);
            frames.push(await createImageBitmap(frame));
            frame.close();
        }
        return frames;
    } finally {
        URL.revokeObjectURL(video.src);
        video.removeAttribute("src");
        video.load();
    }
}

/**
 * A video's frame, once it is the one that was sought: on a busy machine "seeked" comes before its picture does.
 * Its time is the frame's beginning, which files round (WebM to a millisecond), or the time that was sought.
 * @param {HTMLVideoElement} video
 * @param {number} index
 * @param {number} fps
 */
async function shownFrame(video, index, fps) {
    if (typeof VideoFrame === "undefined") throw new NoFrames("this browser does not tell a video's frames apart");
    for (const start = performance.now(); performance.now() - start < PATIENCE;) {
        if (video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) {
            const frame = frameNow(video);
            if (frame !== null && Math.floor((frame.timestamp / 1e6) * fps + 0.25) === index) return frame;
            frame?.close();
        }
        await new Promise((resolve) => { setTimeout(resolve, 4); });
    }
    throw new NoFrames(`frame ${index + 1} of the video did not come`);
}

/** What a video shows, or null where it has data and yet no picture, as between two on a busy machine. @param {HTMLVideoElement} video */
function frameNow(video) {
    try {
        return new VideoFrame(video);
    } catch (error) {
        if (error instanceof DOMException && error.name === "InvalidStateError") return null;
        throw error;
    }
}

/** @param {HTMLVideoElement} video @param {string} name @returns {Promise<unknown>} */
function once(video, name) {
    return new Promise((resolve, reject) => {
        video.addEventListener(name, resolve, { once: true });
        video.addEventListener("error", () => reject(new NoFrames("this browser cannot play the loop's format")), { once: true });
    });
}
