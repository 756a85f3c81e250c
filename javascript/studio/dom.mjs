/** Making elements. */

/** @import { Attributes } from "./types" */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]  `class`, `text`, `on…` listeners, properties that exist, else attributes; null is left out
 * @param {...(Node|string)} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (key === "text") element.textContent = String(value);
        else if (key === "style") element.style.cssText = String(value);
        else if (typeof value === "function") element.addEventListener(key.slice(2), /** @type {EventListener} */ (value));
        else element.setAttribute(key, value === true ? "" : String(value));
    }
    element.append(...children);
    return element;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {{[name: string]: string|number|null|undefined}} [attributes]  null is left out
 * @param {...Node} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) {
        if (value !== null && value !== undefined) element.setAttribute(key, String(value));
    }
    element.append(...children);
    return element;
}

/**
 * @param {HTMLCanvasElement} canvas
 * @returns {CanvasRenderingContext2D}
 * @throws {Error} the browser has no memory left for it
 */
export function context2d(canvas) {
    const context = canvas.getContext("2d");
    if (context === null) throw new Error("the browser gives no room to draw in");
    return context;
}

/** @typedef {keyof typeof ICONS} IconName */

/** Our own drawings, 24 by 24, stroked. */
const ICONS = {
    select: ["M6 3.5 18.5 12l-5.6 1.2L10 19z"],
    brush: ["M20 4c-3.6 1.4-7.4 4.8-9.6 8.2l1.6 1.6C15.4 11.6 18.7 7.7 20 4z", "M9.3 13.6c-2 .1-3.2 1.4-3.4 3.2-.1 1-.7 1.8-1.9 2.2 1.7 1 6.9 1.2 7.3-3z"],
    erase: ["M13.5 5.2 19 10.7a1.5 1.5 0 0 1 0 2.1L13.3 18.5H9.2l-4-4a1.5 1.5 0 0 1 0-2.1l6.2-7.2a1.5 1.5 0 0 1 2.1 0z", "M8.3 9 15 15.8", "M9.2 18.5H20"],
    fill: ["M5 12.5 12 5.5l6.5 6.5-6.2 6.2a1.8 1.8 0 0 1-2.5 0L5 13.4a.6.6 0 0 1 0-.9z", "M9.5 8 7 5.5", "M5.5 12.5h12.5", "M20.5 15.5c.9 1.3 1.3 2.1 1.3 2.8a1.3 1.3 0 0 1-2.6 0c0-.7.4-1.5 1.3-2.8z"],
    lasso: ["M12 4.5c4.7 0 8.5 2.3 8.5 5.2S16.7 15 12 15c-1 0-1.9-.1-2.8-.3-3.3-.7-5.7-2.7-5.7-5C3.5 6.8 7.3 4.5 12 4.5z", "M9.2 14.7c.3 1.7-.7 3-2.7 3.3-1.3.2-1.9-.6-1.5-1.6.5-1.1 2.3-1.6 4.2-1.7z", "M6.5 18c.1 1-.2 1.8-1 2.5"],
    arrow: ["M4.5 19.5 19 5", "M10.5 4.8H19.2V13.5"],
    swirl: ["M20 12a8 8 0 1 1-3.2-6.4", "M16.9 2.2v3.6h-3.6", "M15.5 12.2a3.6 3.6 0 1 1-1.6-2.9"],
    freeze: ["M12 3.5v17", "M4.6 7.8l14.8 8.5", "M4.6 16.3l14.8-8.5", "M9.8 4.6 12 6.8l2.2-2.2", "M9.8 19.4 12 17.2l2.2 2.2"],
    pin: ["M9 3.8h6l-.8 5.4 3.2 3.3v1.5H6.6v-1.5l3.2-3.3z", "M12 14v6.5"],
    undo: ["M8.5 5 4 9.5 8.5 14", "M4.5 9.5H14a5.5 5.5 0 0 1 0 11h-3"],
    redo: ["M15.5 5 20 9.5 15.5 14", "M19.5 9.5H10a5.5 5.5 0 0 0 0 11h3"],
    plus: ["M12 5v14", "M5 12h14"],
    minus: ["M5 12h14"],
    fit: ["M4 9V4.5h4.5", "M15.5 4.5H20V9", "M20 15v4.5h-4.5", "M8.5 19.5H4V15"],
    drift: ["M3.5 8.5c2.8-2.4 5.2-2.4 8.2 0s5.6 2.4 8.8 0", "M3.5 15.5c2.8-2.4 5.2-2.4 8.2 0s5.6 2.4 8.8 0"],
    mask: ["M12 4.5a7.5 7.5 0 1 0 0 15z", "M12 4.5a7.5 7.5 0 0 1 0 15"],
    eye: ["M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z", "M12 9.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6z"],
    hidden: ["M4 4.5l16 15", "M9.5 6c.8-.3 1.6-.5 2.5-.5 6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-2.9 3.6", "M6 8a16 16 0 0 0-3.5 4S6 18.5 12 18.5c1.2 0 2.3-.3 3.3-.7", "M10 10.2a2.8 2.8 0 0 0 3.9 3.9"],
    help: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z", "M9.6 9.5a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.2.9-1.2 1.9", "M12 16.6v.1"],
    play: ["M7.5 4.8 19 12 7.5 19.2z"],
    pause: ["M8 5v14", "M16 5v14"],
    back: ["M17 5.5 8 12l9 6.5z", "M5.5 5.5v13"],
    next: ["M7 5.5 16 12l-9 6.5z", "M18.5 5.5v13"],
    compare: ["M4 5h16v14H4z", "M12 3v18", "M7 10l-1.5 2L7 14", "M17 10l1.5 2-1.5 2"],
    flow: ["M4 7h9", "M10.5 4.5 13 7l-2.5 2.5", "M8 17h12", "M17.5 14.5 20 17l-2.5 2.5", "M4 12h4", "M14 12h6"],
    trash: ["M4.5 7h15", "M9.5 7V4.5h5V7", "M6.5 7l.8 12.5h9.4L17.5 7", "M10.3 10.5v5.5", "M13.7 10.5v5.5"],
    invert: ["M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z", "M12 3.5v17", "M12 8h6.5", "M12 12h8.5", "M12 16h6.5"],
    clear: ["M6 6l12 12", "M18 6 6 18"],
    save: ["M12 4v11", "M7.5 11 12 15.5 16.5 11", "M5 19.5h14"],
    copy: ["M9 8.5h10.5v11H9z", "M15 8.5v-4H4.5v11H9"],
    film: ["M4 5.5h16v13H4z", "M8 5.5v13", "M16 5.5v13", "M4 10h4", "M4 14h4", "M16 10h4", "M16 14h4"],
};

/** @param {IconName} name @returns {SVGElement} a drawing, hidden from screen readers; its button carries the name */
export function icon(name) {
    return svg("svg", { viewBox: "0 0 24 24", class: "t2c-icon", "aria-hidden": "true", focusable: "false" },
        ...ICONS[name].map((d) => svg("path", { d })));
}

/**
 * A button with a drawing and a tooltip.
 * @param {IconName} name  of the drawing
 * @param {string} label
 * @param {() => void} press
 * @param {Attributes} [attributes]
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, label, press, attributes = {}) {
    return el("button", {
        type: "button", class: "t2c-button", "aria-label": label, title: label, onclick: press, ...attributes,
    }, icon(name));
}
