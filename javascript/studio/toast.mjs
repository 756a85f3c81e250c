/** Sentences for the user: shown for a while, and read out. */

import { el } from "./dom.mjs";

const SHOWN = 6000;

/** @param {string} text @returns {string} a note or an error as a sentence among others */
export function sentence(text) {
    return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`.replace(/\.\.$/, ".");
}

export class Toast {
    constructor() {
        this.element = el("div", { class: "t2c-toast", role: "status", "aria-live": "polite", hidden: true });
    }

    /** @param {string} sentence */
    say(sentence) {
        clearTimeout(this.timer);
        this.element.textContent = sentence[0].toUpperCase() + sentence.slice(1);
        this.element.hidden = false;
        this.timer = setTimeout(() => { this.element.hidden = true; }, SHOWN);
    }
}
