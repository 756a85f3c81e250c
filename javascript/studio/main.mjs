/** Builds the studio wherever the page has a place for it, also when Gradio draws late or again. */

import { Studio } from "./studio.mjs";

/** Milliseconds between a change of the page and a look for new places. */
const PATIENCE = 100;

/** @type {Map<Element, Studio>} */
const studios = new Map();

function host() {
    return typeof window.gradioApp === "function" ? window.gradioApp() : document;
}

/** Build what is missing, leave what is gone. */
export function mount() {
    for (const [canvas, studio] of studios) {
        if (canvas.isConnected) continue;
        studio.dispose();
        studios.delete(canvas);
    }
    for (const root of host().querySelectorAll(".t2c-studio")) {
        for (const canvas of root.querySelectorAll(".t2c-canvas")) {
            const whole = studios.has(canvas) && canvas.firstElementChild === studios.get(canvas).frame;
            if (whole) continue;
            studios.get(canvas)?.dispose();
            studios.set(canvas, new Studio(root, canvas, host(), window.sessionStorage));
        }
    }
}

/** Mount now and whenever the page changes. */
export function start() {
    mount();
    let waiting = false;
    const observer = new MutationObserver(() => {
        if (waiting) return;
        waiting = true;
        setTimeout(() => {
            waiting = false;
            mount();
        }, PATIENCE);
    });
    const app = host();
    observer.observe(app instanceof Document ? app.documentElement : app, { childList: true, subtree: true });
}
