/** Builds the studio wherever the page has a place for it, also when Gradio draws late or again. */

import { attend } from "./attend.mjs";
import { Player } from "./player.mjs";
import { Results } from "./results.mjs";
import { Strip } from "./strip.mjs";
import { Studio } from "./studio.mjs";
import { pageWords, translate } from "./translate.mjs";

/** @import { PageState } from "./types" */

/** Milliseconds between a change of the page and a look for new places. */
const PATIENCE = 100;

/** @type {Map<HTMLElement, Studio>} */
const studios = new Map();

/** The work of a studio whose place has gone; the next one goes on with it. @type {import("./store.mjs").Store|null} */
let left = null;

/** @param {HTMLElement} canvas */
function leave(canvas) {
    const studio = studios.get(canvas);
    if (studio === undefined) return;
    left = studio.dispose();
    studios.delete(canvas);
}

/** @param {ParentNode} place @param {string} selector @returns {NodeListOf<HTMLElement>} */
function elements(place, selector) {
    return place.querySelectorAll(selector);
}

function host() {
    return typeof window.gradioApp === "function" ? window.gradioApp() : document;
}

/** Build what is missing, leave what is gone. */
export function mount() {
    for (const canvas of studios.keys()) if (!canvas.isConnected) leave(canvas);
    for (const root of elements(host(), ".t2c-studio")) {
        for (const canvas of elements(root, ".t2c-canvas")) {
            const whole = studios.has(canvas) && canvas.firstElementChild === studios.get(canvas)?.frame;
            if (whole) continue;
            leave(canvas);
            studios.set(canvas, new Studio(root, canvas, host(), window.sessionStorage, left ?? undefined));
            left = null;
        }
        const studio = [...studios.values()].find((one) => one.root === root);
        if (studio === undefined) continue;
        furnish(root, studio);
        // the page's plain player and figures step back
        const live = { canvas: true, player: studio.player !== null, strip: studio.strip !== null };
        for (const [part, there] of Object.entries(live)) root.classList.toggle(`t2c-live-${part}`, there);
    }
}

/**
 * Whether the loop that is there is not what the settings make: one has changed, or a later run was stopped or refused.
 * @param {PageState} state
 */
function isOutdated(state) {
    const stage = state.stages?.loop;
    return (state.running ?? null) === null && stage !== undefined && (stage.stale || stage.pictures.length === 0);
}

/**
 * The player and the strip of a studio, where the page has places for them.
 * @param {Element} root
 * @param {Studio} studio
 */
function furnish(root, studio) {
    if (!studio.arrivals.watchers.has("run")) studio.arrivals.watch("run", attend(
        () => root.querySelector("#t2c_status"), () => root.querySelector(".t2c-player-root"),
    ));
    const player = root.querySelector(".t2c-player-root");
    if (player !== null && player.firstElementChild !== studio.player?.element) {
        studio.player?.dispose();
        const made = new Player(player, studio.channel, (sentence) => studio.say(sentence));
        studio.player = made;
        studio.arrivals.watch("player", (state) => made.show(state.loop ?? null, state.picture ?? null, isOutdated(state)));
    }
    const strip = root.querySelector(".t2c-strip-root");
    if (strip !== null && strip.firstElementChild !== studio.strip?.element) {
        const made = new Strip(strip, studio.page);
        studio.strip = made;
        studio.arrivals.watch("strip", (state) => made.show(state));
    }
}

/** What is under the host's galleries, once the page is there. @type {Results|null} */
let results = null;

/** Send what a gallery of the host's shows to the studio's page. @param {string} tab @param {string} info */
export function send(tab, info) {
    results?.send(tab, info);
}

/** Mount now and whenever the page changes. */
export function start() {
    mount();
    results = new Results(host());
    const words = pageWords(document);
    if (words !== null) translate(document.body, words);
    let waiting = false;
    const observer = new MutationObserver(() => {
        if (waiting) return;
        waiting = true;
        setTimeout(() => {
            waiting = false;
            mount();
            results?.look();
            if (words !== null) translate(document.body, words);
        }, PATIENCE);
    });
    const app = host();
    observer.observe(app instanceof Document ? app.documentElement : app, { childList: true, subtree: true });
}
