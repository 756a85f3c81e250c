/** What the studio asks Python for on request: the segmenter's regions, and a small loop. */

import { Lost, Superseded, asError } from "./channel.mjs";
import { el } from "./dom.mjs";
import { isVideo } from "./frames.mjs";
import { decodeMask } from "./png.mjs";

/** Ask for the segmenter's regions, once for each picture. @param {import("./studio.mjs").Studio} studio */
export async function segment(studio) {
    const { picture } = studio.store;
    const { segments } = studio.board;
    if (picture === null || segments.state === "asked" || segments.state === "there") return;
    segments.state = "asked";
    studio.status.textContent = "Looking for regions…";
    try {
        const answer = await studio.channel.ask("segment");
        const regions = await Promise.all(answer.regions.map(async (region) => ({ ...region, mask: await decodeMask(region.mask) })));
        Object.assign(segments, { state: "there", regions });
        if (studio.board.segments === segments && studio.tool.name === "fill") studio.showHelp();
    } catch (error) {
        segments.state = "failed";
        if (studio.board.segments === segments) studio.say(error instanceof Lost ? "No regions came from the server." : asError(error).message);
    }
}

/** Play a small loop in the picture's place, or stop it. @param {import("./studio.mjs").Studio} studio */
export async function togglePreview(studio) {
    if (studio.board.element.classList.contains("t2c-previewing")) {
        studio.board.showPreview(null);
        return;
    }
    const { picture, state } = studio.store;
    const button = studio.toolbar.preview;
    button.setAttribute("aria-busy", "true");
    try {
        const answer = await studio.channel.ask("preview", await studio.writer.request());
        if (studio.store.picture !== picture || studio.store.state.document !== state.document || studio.words.held()) return;
        studio.board.showPreview(moving(answer.url));
    } catch (error) {
        if (!(error instanceof Superseded)) studio.say(error instanceof Lost ? "The preview took too long." : asError(error).message);
    } finally {
        button.removeAttribute("aria-busy");
    }
}

/** An element that plays a loop. @param {string} url */
function moving(url) {
    // a browser drags a picture that it may drag, and cancels the stroke over it
    if (!isVideo(url)) return el("img", { src: url, alt: "", draggable: "false" });
    const video = el("video", { src: url, loop: true, autoplay: true, playsinline: true });
    video.muted = true;
    return video;
}

