/** The stages as thumbnails: what each made, how, in what time, whether it is out of date, and "run from here". */

import { openDialog } from "./dialog.mjs";
import { el } from "./dom.mjs";
import { sentence } from "./toast.mjs";

/** @import { PageState, Running, Stage, StageName, StagePicture } from "./types" */

/**
 * @typedef {{element: HTMLElement, pictures: HTMLElement, title: HTMLElement, time: HTMLElement, mark: HTMLElement,
 *   run: HTMLButtonElement, text: string|null}} Card  text: what it shows
 */

/** @type {StageName[]} */
const ORDER = ["twin", "region", "motion", "loop"];
const TITLES = { twin: "Picture", region: "What moves", motion: "Motion", loop: "Loop" };

/** @param {number|null|undefined} seconds @returns {string} */
function took(seconds) {
    if (seconds === null || seconds === undefined) return "";
    return seconds < 60 ? `${seconds.toFixed(1)} s` : `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

/**
 * Where thumbnail `index` of `count` looks, in per cent: side by side they show one picture, each its own part of it.
 * @param {number} index
 * @param {number} count
 */
function sidewards(index, count) {
    return count === 1 ? 50 : (100 * index) / (count - 1);
}

export class Strip {
    /**
     * @param {Element} root  where to build
     * @param {import("./page.mjs").Page} page
     */
    constructor(root, page) {
        this.root = root;
        this.page = page;
        this.cards = new Map(ORDER.map((name) => [name, this.card(name)]));
        this.element = el("ol", { class: "t2c-steps", "aria-label": "Stages" }, ...[...this.cards.values()].map((card) => card.element));
        root.replaceChildren(this.element);
    }

    /** @private @param {StageName} name @returns {Card} */
    card(name) {
        const pictures = el("div", { class: "t2c-thumbs" });
        const title = el("span", { class: "t2c-step-title", text: TITLES[name] });
        const time = el("span", { class: "t2c-step-time" });
        const mark = el("span", { class: "t2c-step-mark", text: "out of date", hidden: true });
        const run = el("button", { type: "button", class: "t2c-button t2c-worded t2c-again", text: "Run from here", onclick: () => this.page.press(`t2c_run_${name}`) });
        const element = el("li", { class: "t2c-step", "data-stage": name },
            el("div", { class: "t2c-pane" }, pictures, mark), el("div", { class: "t2c-step-about" }, title, time), run);
        return { element, pictures, title, time, mark, run, text: null };
    }

    /** @param {PageState} state */
    show(state) {
        for (const [name, card] of this.cards) {
            const stage = state.stages?.[name] ?? null;
            const running = state.running?.stage === name;
            const button = this.page.button(`t2c_run_${name}`);
            const idle = (state.picture ?? null) !== null && (state.running ?? null) === null;
            card.run.disabled = !idle || button === null || button.matches(":disabled");
            const text = JSON.stringify([stage, running ? state.running : null]);
            if (text === card.text) continue;
            card.text = text;
            this.fill(card, name, stage, running ? state.running ?? null : null);
        }
    }

    /** @private @param {Card} card @param {StageName} name @param {Stage|null} stage @param {Running|null} running */
    fill(card, name, stage, running) {
        const pictures = stage?.pictures ?? [];
        card.title.textContent = stage?.title ?? TITLES[name];
        card.time.textContent = running !== null ? `${running.done} of ${Math.max(1, running.total)}` : took(stage?.seconds);
        card.mark.hidden = !stage?.stale;
        card.element.classList.toggle("t2c-unmade", pictures.length === 0);
        card.element.classList.toggle("t2c-outdated", Boolean(stage?.stale));
        card.element.classList.toggle("t2c-running", running !== null);
        card.pictures.replaceChildren(...pictures.map((picture, index) => el("button", {
            type: "button", class: "t2c-thumb", title: `${picture.name}: open large`, "aria-label": `${card.title.textContent}, ${picture.name}: open large`,
            onclick: () => { if (stage !== null) this.open(name, card, stage, picture); },
        }, el("img", { src: picture.url, alt: "", loading: "lazy", style: `object-position: ${sidewards(index, pictures.length)}% 50%` }))));
    }

    /**
     * A stage's pictures, large, with how they were made, and the way to its settings.
     * @private
     * @param {StageName} name
     * @param {Card} card
     * @param {Stage} stage
     * @param {StagePicture} first
     */
    open(name, card, stage, first) {
        const image = el("img", { src: first.url, alt: first.name });
        const tabs = stage.pictures.map((picture) => el("button", {
            type: "button", class: "t2c-choice", role: "radio", "aria-checked": String(picture === first), text: picture.name,
            onclick: () => {
                image.src = picture.url;
                image.alt = picture.name;
                tabs.forEach((tab, index) => tab.setAttribute("aria-checked", String(stage.pictures[index] === picture)));
            },
        }));
        const facts = [stage.about ? sentence(stage.about) : "", stage.seconds != null ? `It took ${took(stage.seconds)}.` : "", stage.stale ? "It is out of date: something before it has changed." : ""];
        /** @param {() => void} act */
        const then = (act) => () => {
            dialog.addEventListener("close", act);
            dialog.close();
        };
        const { run } = card;
        const acts = [
            el("button", { type: "button", class: "t2c-button t2c-worded", text: run.textContent, disabled: run.disabled, onclick: then(() => run.click()) }),
            ...(this.page.group(`t2c_settings_${name}`) === null ? [] : [
                el("button", { type: "button", class: "t2c-button t2c-worded", text: "Its settings", onclick: then(() => this.page.reveal(`t2c_settings_${name}`)) }),
            ]),
        ];
        const dialog = openDialog(this.root.closest(".t2c") ?? this.root, card.title.textContent, [
            ...(tabs.length > 1 ? [el("div", { class: "t2c-segments", role: "radiogroup", "aria-label": "Picture" }, ...tabs)] : []),
            el("div", { class: "t2c-large" }, image),
            ...facts.filter(Boolean).map((text) => el("p", { text })),
            ...(stage.notes?.length ? [el("ul", { class: "t2c-facts" }, ...stage.notes.map((text) => el("li", { text })))] : []),
            el("div", { class: "t2c-group" }, ...acts),
        ], "t2c-lightbox");
    }
}
