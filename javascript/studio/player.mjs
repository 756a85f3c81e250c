/** The player: the loop without a gap, frame by frame, beside the still, with its motion and mask laid over it. */

import { context2d, el, icon, iconButton } from "./dom.mjs";
import { decodeField } from "./field.mjs";
import { NoFrames, decodeFrames, isVideo } from "./frames.mjs";
import { drawStreams } from "./particles.mjs";
import { ExportPanel } from "./export.mjs";

/** @import { Field } from "./field.mjs" */
/** @import { RGB } from "./overlay.mjs" */
/** @import { Asked, Loop, Picture } from "./types" */

const PACES = [0.25, 0.5, 1, 2];

/**
 * @param {number} seconds
 * @param {number} fps
 * @param {number} frames
 * @returns {number} the frame of a loop at a time
 */
export function frameAt(seconds, fps, frames) {
    return ((Math.floor(seconds * fps + 1e-6) % frames) + frames) % frames;
}

/** The loop as the browser itself plays it; its still until it is there. @param {Loop} loop @param {boolean} playing */
function moving(loop, playing) {
    if (!isVideo(loop.url)) return picture(loop);
    const video = el("video", { src: loop.url, loop: true, autoplay: playing, playsinline: true, "aria-label": "the loop" });
    if (loop.poster) video.poster = loop.poster;
    video.muted = true;
    return video;
}

/** A moving picture over its still; not for longer than it is on its way, for it may be transparent. @param {Loop} loop */
function picture(loop) {
    const shown = el("img", { src: loop.url, alt: "the loop" });
    if (loop.poster) shown.style.background = `center / contain no-repeat url("${loop.poster}")`;
    shown.addEventListener("load", () => shown.removeAttribute("style"), { once: true });
    return shown;
}

export class Player {
    canvas = el("canvas", { class: "t2c-frame-now" });
    native = el("div", { class: "t2c-native" });
    over = el("canvas", { class: "t2c-over", "aria-hidden": "true" });
    still = el("img", { class: "t2c-still", alt: "the still" });
    divider = el("div", {
        class: "t2c-divider", role: "slider", tabindex: "0", "aria-label": "Compare: the still on the left", "aria-valuemin": 0, "aria-valuemax": 100,
    });
    waiting = el("p", { class: "t2c-waiting", text: "The loop plays here once it is made." });
    outdated = el("span", { class: "t2c-step-mark", text: "out of date", title: "Something has changed since this loop was made", hidden: true });
    screen = el("div", { class: "t2c-screen", tabindex: "0", role: "group", "aria-label": "The loop" },
        this.native, this.canvas, this.still, this.over, this.divider, this.waiting, this.outdated);
    toggle = iconButton("pause", "Pause", () => this.setPlaying(!this.playing));
    scrub = el("input", {
        type: "range", min: 0, max: 1, step: 1, value: 0, class: "t2c-scrub", "aria-label": "Frame",
        oninput: () => {
            const asked = Number(this.scrub.value);
            this.setPlaying(false);
            this.go(asked);
        },
    });
    count = el("output", { class: "t2c-count" });
    rate = el("select", { class: "t2c-kind", "aria-label": "Speed of playing", onchange: () => this.setPace(Number(this.rate.value)) },
        ...PACES.map((pace) => el("option", { value: pace, text: `${pace}×`, selected: pace === 1 })));
    compare = iconButton("compare", "Compare with the still", () => this.setSplit(this.split === null ? 0.5 : null), { "aria-pressed": "false" });
    flowButton = iconButton("flow", "Show the motion", () => this.setOverlay("flow"), { "aria-pressed": "false" });
    maskButton = iconButton("mask", "Show what moves", () => this.setOverlay("mask"), { "aria-pressed": "false" });
    steps = [
        iconButton("back", "One frame back", () => this.step(-1)), iconButton("next", "One frame on", () => this.step(1)),
    ];
    save = el("a", { class: "t2c-button t2c-worded t2c-save", download: "", title: "Save the loop as it is" }, icon("save"), "Save");
    controls = el("div", { class: "t2c-controls" },
        el("div", { class: "t2c-group" }, this.steps[0], this.toggle, this.steps[1]), this.scrub, this.count, this.rate,
        el("div", { class: "t2c-group" }, this.compare, this.flowButton, this.maskButton), this.save);
    note = el("p", { class: "t2c-hint" });
    blank = el("div", { class: "t2c-loop-blank" }, el("p", { text: this.waiting.textContent }));
    whole = el("div", { class: "t2c-loop-whole" }, this.screen, this.controls, this.note);
    element = el("div", { class: "t2c-loop" }, this.blank, this.whole);

    /**
     * @param {Element} root  where to build
     * @param {Asked} channel
     * @param {(sentence: string) => void} say
     */
    constructor(root, channel, say) {
        /** @type {ImageBitmap[]|null} */
        this.frames = null;
        /** @type {Loop|null} */
        this.loop = null;
        /** @type {Loop|Picture|null} the loop, or the picture in its place */
        this.shown = null;
        /** @type {Field|null} */
        this.field = null;
        this.at = 0;
        this.pace = 1;
        this.playing = true;
        this.visible = true;
        this.overlays = { flow: false, mask: false };
        /** @type {number|null} 0..1: where the still ends */
        this.split = null;
        /** @type {number|undefined} the animation's frame that is asked for */
        this.frame = undefined;
        /** @type {number|undefined} when frame 0 was shown, had it played on ever since */
        this.started = undefined;
        this.exports = new ExportPanel(channel, say);
        this.whole.append(this.exports.element);
        root.replaceChildren(this.element);
        this.screen.addEventListener("keydown", (event) => this.key(event));
        this.watchDivider();
        this.seen = new IntersectionObserver((entries) => {
            this.visible = entries.at(-1)?.isIntersecting ?? this.visible;
            this.tick();
        });
        this.seen.observe(this.screen);
        this.sizes = new ResizeObserver(() => this.drawOver());
        this.sizes.observe(this.screen);
        this.show(null);
    }

    dispose() {
        this.seen.disconnect();
        this.sizes.disconnect();
        this.forget();
    }

    /**
     * Show another loop; without one the picture, so that the loop will find its room; or nothing.
     * @param {Loop|null} loop  as in the page's state
     * @param {Picture|null} [picture]  likewise
     * @param {boolean} [outdated]  whether the loop no longer is what a run would make
     */
    show(loop, picture = null, outdated = false) {
        this.outdated.hidden = loop === null || !outdated;
        const shown = loop ?? picture;
        if (shown !== null && this.shown?.url === shown.url) return;
        this.forget();
        this.loop = loop;
        this.shown = shown;
        this.field = null;
        this.at = 0;
        this.blank.hidden = shown !== null;
        this.whole.hidden = shown === null;
        this.waiting.hidden = loop !== null;
        this.exports.show(loop);
        this.offer(loop);
        if (shown === null) return;
        this.screen.style.aspectRatio = `${shown.width} / ${shown.height}`;
        this.compare.disabled = !loop?.poster;
        this.setSplit(null);
        if (loop?.flow) this.field = decodeField(loop.flow, loop);
        this.flowButton.disabled = this.maskButton.disabled = this.field === null;
        if (loop === null) {
            this.wait(shown.url);
            return;
        }
        this.still.src = loop.poster ?? "";
        this.scrub.max = String(Math.max(0, loop.frames - 1));
        this.playNatively(loop);
        this.decode(loop);
        this.drawOver();
    }

    /** The loop to be saved as it is. @private @param {Loop|null} loop */
    offer(loop) {
        this.save.hidden = loop === null;
        if (loop === null) return;
        this.save.href = loop.url;
        this.save.download = `cinemagraph${/\.\w+(?=$|\?)/.exec(loop.url)?.[0] ?? ""}`;
    }

    /** @private */
    forget() {
        for (const frame of this.frames ?? []) frame.close();
        this.frames = null;
        this.canvas.hidden = true;
        this.native.replaceChildren();
        if (this.frame !== undefined) cancelAnimationFrame(this.frame);
        this.frame = undefined;
    }

    /** The picture, where the loop will be. @private @param {string} url */
    wait(url) {
        this.native.replaceChildren(el("img", { src: url, alt: "the picture" }));
        this.setControls(false);
        this.note.textContent = "";
        this.scrub.value = "0";
        this.count.textContent = "–";
        this.drawOver();
    }

    /**
     * The browser's own player, until the frames are there (and where they do not come).
     * @private
     * @param {Loop} loop
     */
    playNatively(loop) {
        this.native.replaceChildren(moving(loop, this.playing));
        this.setControls(isVideo(loop.url));
        this.note.textContent = "";
        this.count.textContent = `–/${loop.frames}`;
        this.tick();
    }

    /** @private @param {boolean} able */
    setControls(able) {
        for (const control of [...this.steps, this.toggle, this.scrub, this.rate]) control.disabled = !able;
    }

    /** @private @param {Loop} loop */
    async decode(loop) {
        try {
            const frames = await decodeFrames(loop, { stopped: () => this.loop !== loop });
            if (this.loop !== loop) {
                frames.forEach((frame) => frame.close());
                return;
            }
            this.frames = frames;
            this.scrub.max = String(frames.length - 1);
            [this.canvas.width, this.canvas.height] = [frames[0].width, frames[0].height];
            this.native.replaceChildren();
            this.canvas.hidden = false;
            this.setControls(true);
            this.started = undefined;
            this.go(this.at);
            this.tick();
        } catch (error) {
            if (!(error instanceof NoFrames)) throw error;
            if (this.loop === loop) this.note.textContent = `The browser's own player shows the loop: ${error.message}.`;
        }
    }

    /** @private */
    get video() {
        return this.native.querySelector("video");
    }

    /** @param {boolean} playing */
    setPlaying(playing) {
        if (!playing) this.follow();
        this.playing = playing;
        this.toggle.replaceChildren(...iconButton(playing ? "pause" : "play", "", () => {}).childNodes);
        this.toggle.title = playing ? "Pause" : "Play";
        this.toggle.setAttribute("aria-label", this.toggle.title);
        this.started = undefined;
        if (playing) this.video?.play().catch(() => {});
        else this.video?.pause();
        this.tick();
    }

    /** @param {number} pace */
    setPace(pace) {
        this.pace = pace;
        this.started = undefined;
        if (this.video !== null) this.video.playbackRate = pace;
    }

    /** @param {number} by */
    step(by) {
        this.setPlaying(false);
        this.go(this.at + by);
    }

    /** Show a frame; they are counted round. @param {number} index */
    go(index) {
        const { loop, frames } = this;
        if (loop === null) return;
        const count = frames?.length ?? loop.frames;
        const at = ((index % count) + count) % count;
        if (frames !== null) context2d(this.canvas).drawImage(frames[at], 0, 0);
        else if (this.video !== null) this.video.currentTime = (at + 0.5) / loop.fps;
        this.place(at, count);
    }

    /** @private @param {number} at @param {number} count */
    place(at, count) {
        this.at = at;
        this.scrub.value = String(at);
        this.scrub.setAttribute("aria-valuetext", `frame ${at + 1} of ${count}`);
        this.count.textContent = `${at + 1}/${count}`;
    }

    /** @private */
    tick() {
        if (this.frame !== undefined || !this.playing || !this.visible || (this.frames === null && this.video === null)) return;
        this.frame = requestAnimationFrame((now) => {
            this.frame = undefined;
            if (!this.playing) return;
            if (this.frames === null) this.follow();
            else this.advance(now);
            this.tick();
        });
    }

    /** @private @param {number} now */
    advance(now) {
        const { loop, frames } = this;
        if (loop === null || frames === null) return;
        this.started ??= now - (this.at / loop.fps / this.pace) * 1000;
        const index = frameAt(((now - this.started) / 1000) * this.pace, loop.fps, frames.length);
        if (index !== this.at) this.go(index);
    }

    /** Where the browser's own player is. @private */
    follow() {
        const { video, loop } = this;
        if (loop === null || this.frames !== null || video === null || video.seeking || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
        this.place(frameAt(video.currentTime, loop.fps, loop.frames), loop.frames);
    }

    /** @param {"flow"|"mask"} name */
    setOverlay(name) {
        this.overlays[name] = !this.overlays[name];
        this.flowButton.setAttribute("aria-pressed", String(this.overlays.flow));
        this.maskButton.setAttribute("aria-pressed", String(this.overlays.mask));
        this.drawOver();
    }

    /** @private */
    drawOver() {
        const { field, loop } = this;
        const [width, height] = [this.screen.clientWidth, this.screen.clientHeight];
        this.over.width = width;
        this.over.height = height;
        if (field === null || loop === null || width === 0) return;
        const scale = Math.min(width / loop.width, height / loop.height);
        const area = { width: scale * loop.width, height: scale * loop.height };
        const [left, top] = [(width - area.width) / 2, (height - area.height) / 2];
        const context = context2d(this.over);
        if (this.overlays.mask || this.overlays.flow) {
            context.drawImage(tinted(field, this.overlays), left, top, area.width, area.height);
        }
        if (this.overlays.flow) drawStreams(field, context, (x, y) => [left + x * area.width, top + y * area.height], 36, area);
    }

    /** @param {number|null} split  0..1: where the still ends, or null */
    setSplit(split) {
        this.split = split;
        this.compare.setAttribute("aria-pressed", String(split !== null));
        this.still.hidden = this.divider.hidden = split === null;
        if (split === null) return;
        this.still.style.clipPath = `inset(0 ${100 * (1 - split)}% 0 0)`;
        this.divider.style.left = `${100 * split}%`;
        this.divider.setAttribute("aria-valuenow", String(Math.round(100 * split)));
    }

    /** @private */
    watchDivider() {
        /** @param {number} split */
        const put = (split) => this.setSplit(Math.min(1, Math.max(0, split)));
        /** @param {PointerEvent} event */
        const at = (event) => {
            const box = this.screen.getBoundingClientRect();
            return (event.clientX - box.left) / box.width;
        };
        let held = false;
        this.divider.addEventListener("pointerdown", (event) => {
            held = true;
            this.divider.setPointerCapture(event.pointerId);
        });
        this.divider.addEventListener("pointermove", (event) => { if (held) put(at(event)); });
        for (const name of ["pointerup", "pointercancel"]) this.divider.addEventListener(name, () => { held = false; });
        this.divider.addEventListener("keydown", (event) => {
            const step = event.key === "ArrowLeft" ? -0.02 : 0.02;
            if (this.split === null || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
            put(this.split + step);
            event.preventDefault();
            event.stopPropagation();
        });
    }

    /** @private @param {KeyboardEvent} event */
    key(event) {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        /** @type {{[key: string]: (() => void)|undefined}} */
        const acts = { " ": () => this.setPlaying(!this.playing), ArrowLeft: () => this.step(-1), ArrowRight: () => this.step(1) };
        const act = acts[event.key];
        if (act === undefined || this.toggle.disabled) return;
        act();
        event.preventDefault();
        event.stopPropagation();
    }
}

/**
 * The field as a picture: what moves in one colour, or directions as hues, stronger where faster.
 * @param {Field} field
 * @param {{flow: boolean}} overlays
 */
function tinted(field, { flow }) {
    const canvas = Object.assign(document.createElement("canvas"), { width: field.width, height: field.height });
    const context = context2d(canvas);
    const image = context.createImageData(field.width, field.height);
    let fastest = 1e-6;
    field.dx.forEach((dx, i) => { fastest = Math.max(fastest, Math.hypot(dx, field.dy[i])); });
    field.mask.forEach((share, i) => {
        const speed = Math.hypot(field.dx[i], field.dy[i]) / fastest;
        const [r, g, b] = flow ? hue(Math.atan2(-field.dy[i], field.dx[i])) : [28, 143, 255];
        image.data.set([r, g, b, 255 * share * (flow ? 0.25 + 0.45 * speed : 0.5)], i * 4);
    });
    context.putImageData(image, 0, 0);
    return canvas;
}

/** @param {number} angle @returns {RGB} the colour of a direction in radians */
function hue(angle) {
    const turn = (angle / (2 * Math.PI) + 1) % 1;
    const [r, g, b] = [0, 1 / 3, 2 / 3].map((shift) => {
        const at = Math.abs((((turn - shift) % 1) + 1.5) % 1 - 0.5) * 6;
        return Math.round(255 * Math.min(1, Math.max(0, 2 - at)));
    });
    return [r, g, b];
}
