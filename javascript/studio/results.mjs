/** The loops under the host's galleries: what a click on them does, and what is sent from there to the studio's page. */

import { Page } from "./page.mjs";

/** Milliseconds in which Gradio takes a box's new value over. */
const TAKEN_OVER = 20;

/** Milliseconds in which the pictures of loops that have just come are waited for. */
const GROWING = 5000;

/** The host's tabs that make pictures. */
const TABS = ["txt2img", "img2img"];

/** What a click on may ask for something. */
const ASKS = ["open", "choose", "delete", "model", "stop"].map((what) => `[data-t2c-${what}]`).join(", ");

/** The button of the host's tab that holds the studio. */
const TAB = "Cinemagraph";

/**
 * What the host says about its pictures.
 * @typedef {{index_of_first_image?: number, infotexts?: string[], extra_generation_params?: {[name: string]: unknown}}} Info
 */

/**
 * The id of the workspace of a gallery's picture, "" where it has none.
 * @param {Info} info
 * @param {number} index  of the picture in the gallery; below 0 where none is chosen
 * @returns {string}
 */
export function idOf(info, index) {
    const ids = info.extra_generation_params?.["Cinemagraph ids"];
    if (!Array.isArray(ids)) return "";
    // a grid stands for its first picture
    const id = ids[Math.max(0, Math.max(0, index) - (info.index_of_first_image ?? 0))];
    return typeof id === "string" ? id : "";
}

/** @param {string} text @returns {Info} nothing where it cannot be read */
function read(text) {
    try {
        return JSON.parse(text) ?? {};
    } catch {
        return {};
    }
}

/** Show the studio's tab from its beginning, wherever the page was scrolled to. @param {ParentNode} host */
function showTab(host) {
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (host.querySelectorAll("#tabs > .tab-nav > button"))) {
        if (button.textContent.trim() === TAB) button.click();
    }
    host.querySelector("#tabs")?.scrollIntoView({ block: "start" });
}

export class Results {
    /** @param {ParentNode & EventTarget} host  the host's page */
    constructor(host) {
        this.host = host;
        this.page = new Page(host);
        /** What the host said last of each tab's generation. @type {{[tab: string]: string}} */
        this.said = {};
        /** The workspaces whose loops each tab shows. @type {{[tab: string]: string}} */
        this.shown = {};
        host.addEventListener("click", (event) => this.clicked(event));
        this.look();
    }

    /**
     * Whether a generation has ended, of which the host always says something else: then its loops are shown. What it
     * says stands in the inner element; beside that Gradio counts the seconds, and an answer to each of them could come
     * after the last one's.
     */
    look() {
        for (const tab of TABS) {
            this.bringIntoView(tab);
            const said = this.host.querySelector(`#html_log_${tab} .prose`)?.textContent?.trim() ?? "";
            if (said === (this.said[tab] ?? "")) continue;
            this.said[tab] = said;
            setTimeout(() => this.page.press(`${tab}_cinemagraph_show`), TAKEN_OVER);
        }
    }

    /** Loops that have just come are in view, wherever the gallery ends. @private @param {string} tab */
    bringIntoView(tab) {
        const place = `#${tab}_cinemagraph_loops`;
        const cards = /** @type {NodeListOf<HTMLElement>} */ (this.host.querySelectorAll(`${place} [data-t2c-id]`));
        // a loop takes the place of a choice, and plays only where it is seen
        const shown = [...cards].map((card) => `${card.dataset.t2cId} ${card.querySelector(".t2c-card-screen") !== null}`).join(" ");
        if (shown === (this.shown[tab] ?? "")) return;
        this.shown[tab] = shown;
        // a plot's moving grid stands above its cells
        const first = this.host.querySelector(`${place} .t2c-card`);
        if (first === null) return;
        const show = () => first.scrollIntoView({ block: "nearest", behavior: "smooth" });
        show();
        // they grow when their pictures come
        for (const kind of ["load", "loadedmetadata"]) first.addEventListener(kind, show, { capture: true });
        setTimeout(() => {
            for (const kind of ["load", "loadedmetadata"]) first.removeEventListener(kind, show, { capture: true });
        }, GROWING);
    }

    /** Open a workspace in the studio's page. @param {string} id */
    open(id) {
        this.put("t2c_wanted", id, "t2c_open");
        showTab(this.host);
    }

    /**
     * Send what a gallery shows: the workspace of the picture, else the picture and its parameters.
     * @param {string} tab  of the gallery
     * @param {string} text  what the host says about the pictures
     */
    send(tab, text) {
        const info = read(text);
        const index = typeof window.selected_gallery_index === "function" ? window.selected_gallery_index() : 0;
        const id = idOf(info, index);
        if (id !== "") this.open(id);
        else this.put(`${tab}_cinemagraph_infotext`, info.infotexts?.[Math.max(0, index)] ?? "", `${tab}_cinemagraph_relay`);
    }

    /** @private @param {string} box @param {string} text @param {string} button */
    put(box, text, button) {
        this.page.write(box, text);
        setTimeout(() => this.page.press(button), TAKEN_OVER);
    }

    /** @private @param {Event} event */
    clicked(event) {
        const target = event.target instanceof Element ? event.target.closest(ASKS) : null;
        if (!(target instanceof HTMLElement)) return;
        const { t2cOpen: id, t2cChoose: region, t2cDelete: gone, t2cModel: model, t2cStop: stop } = target.dataset;
        if (id !== undefined) this.open(id);
        if (region !== undefined) this.choose(target, region);
        if (model !== undefined) this.put("t2c_wanted", model, "t2c_download");
        if (stop !== undefined) this.page.press("t2c_stop");
        if (gone !== undefined && window.confirm("Delete this cinemagraph? Loops that were saved elsewhere stay.")) this.put("t2c_wanted", gone, "t2c_delete");
    }

    /** A region was chosen for a picture of which it was not known what moves. @private @param {HTMLElement} button @param {string} region */
    choose(button, region) {
        const card = /** @type {HTMLElement|null} */ (button.closest("[data-t2c-id]"));
        const place = button.closest("[id$=_cinemagraph_loops]");
        if (card === null || place === null) return;
        const prefix = place.id.replace(/_loops$/, "");
        this.put(`${prefix}_choice`, JSON.stringify({ id: card.dataset.t2cId, region }), `${prefix}_choose`);
    }
}
