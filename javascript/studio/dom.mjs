/** Making elements. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * @param {string} tag
 * @param {object} [attributes]  `class`, `text`, `on…` listeners, properties that exist, else attributes; null is left out
 * @param {...(Node|string)} children
 * @returns {HTMLElement}
 */
export function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) {
        if (value === null || value === undefined || value === false) continue;
        if (key === "text") element.textContent = value;
        else if (key === "style") element.style.cssText = value;
        else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
        else element.setAttribute(key, value === true ? "" : value);
    }
    element.append(...children);
    return element;
}

/** @returns {SVGElement} */
export function svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS(SVG, tag);
    for (const [key, value] of Object.entries(attributes)) {
        if (value !== null && value !== undefined) element.setAttribute(key, value);
    }
    element.append(...children);
    return element;
}

/** Our own drawings, 24 by 24, stroked. */
const ICONS = {
    select: ["M6 3.5 18.5 12l-5.6 1.2L10 19z"],
    brush: ["M20 4c-3.6 1.4-7.4 4.8-9.6 8.2l1.6 1.6C15.400 11.600 18.700 7.700 20 4z", "M9.300 13.600c-2 .1-3.200 1.400-3.400 3.200-.1 1-.7 1.800-1.900 2.200 1.700 1 6.900 1.200 7.300-3z"],
    erase: ["M13.500 5.200 19 10.700a1.500 1.500 0 0 1 0 2.100L13.300 18.500H9.200l-4-4a1.500 1.500 0 0 1 0-2.100l6.200-7.200a1.500 1.500 0 0 1 2.100 0z", "M8.300 9 15 15.800", "M9.200 18.500H20"],
    fill: ["M5 12.500 12 5.500l6.500 6.500-6.200 6.200a1.800 1.800 0 0 1-2.500 0L5 13.400a.6.6 0 0 1 0-.9z", "M9.500 8 7 5.500", "M5.500 12.500h12.500", "M20.500 15.500c.9 1.300 1.300 2.100 1.300 2.800a1.300 1.300 0 0 1-2.600 0c0-.7.4-1.500 1.300-2.800z"],
    lasso: ["M12 4.500c4.700 0 8.500 2.300 8.500 5.200S16.700 15 12 15c-1 0-1.900-.1-2.800-.3-3.300-.7-5.700-2.700-5.700-5C3.500 6.800 7.300 4.500 12 4.500z", "M9.200 14.700c.3 1.700-.7 3-2.700 3.300-1.300.2-1.900-.6-1.500-1.600.5-1.100 2.300-1.600 4.200-1.700z", "M6.500 18c.1 1-.2 1.800-1 2.500"],
    arrow: ["M4.500 19.500 19 5", "M10.500 4.800H19.200V13.500"],
    swirl: ["M12 12c0-1.200 1.700-1.300 2.100 0 .7 2-1.100 3.700-3 3.400-2.700-.4-3.900-3.300-2.700-5.600 1.600-3 5.700-3.500 8.200-1.300 3 2.600 2.700 7.200-.2 9.700", "M13.200 17.600l3 .9.700-3"],
    freeze: ["M12 3.500v17", "M4.600 7.800l14.800 8.500", "M4.600 16.300l14.800-8.500", "M9.800 4.600 12 6.800l2.200-2.200", "M9.800 19.400 12 17.200l2.200 2.200"],
    pin: ["M9 3.800h6l-.8 5.400 3.200 3.300v1.500H6.600v-1.500l3.200-3.300z", "M12 14v6.500"],
    undo: ["M8.500 5 4 9.500 8.500 14", "M4.500 9.500H14a5.500 5.500 0 0 1 0 11h-3"],
    redo: ["M15.500 5 20 9.500 15.500 14", "M19.500 9.500H10a5.500 5.500 0 0 0 0 11h3"],
    plus: ["M12 5v14", "M5 12h14"],
    minus: ["M5 12h14"],
    fit: ["M4 9V4.500h4.500", "M15.500 4.500H20V9", "M20 15v4.500h-4.500", "M8.500 19.500H4V15"],
    drift: ["M3.500 8.500c2.800-2.400 5.200-2.400 8.200 0s5.600 2.400 8.800 0", "M3.500 15.500c2.800-2.400 5.200-2.400 8.200 0s5.600 2.400 8.800 0"],
    mask: ["M12 4.500a7.500 7.500 0 1 0 0 15z", "M12 4.500a7.500 7.500 0 0 1 0 15"],
    eye: ["M2.500 12S6 5.500 12 5.500 21.500 12 21.500 12 18 18.500 12 18.500 2.500 12 2.500 12z", "M12 9.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600z"],
    hidden: ["M4 4.500l16 15", "M9.500 6c.8-.3 1.600-.5 2.500-.5 6 0 9.500 6.500 9.500 6.500a17 17 0 0 1-2.900 3.600", "M6 8a16 16 0 0 0-3.500 4S6 18.500 12 18.500c1.200 0 2.300-.3 3.300-.7", "M10 10.200a2.800 2.800 0 0 0 3.900 3.900"],
    help: ["M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17z", "M9.600 9.500a2.500 2.500 0 1 1 3.600 2.200c-.8.4-1.200.9-1.200 1.900", "M12 16.600v.1"],
    play: ["M7.500 4.800 19 12 7.500 19.200z"],
    pause: ["M8 5v14", "M16 5v14"],
    back: ["M17 5.500 8 12l9 6.500z", "M5.500 5.500v13"],
    next: ["M7 5.500 16 12l-9 6.500z", "M18.500 5.500v13"],
    compare: ["M4 5h16v14H4z", "M12 3v18", "M7 10l-1.500 2L7 14", "M17 10l1.500 2-1.500 2"],
    flow: ["M4 7h9", "M10.500 4.500 13 7l-2.500 2.500", "M8 17h12", "M17.500 14.500 20 17l-2.500 2.500", "M4 12h4", "M14 12h6"],
    trash: ["M4.500 7h15", "M9.500 7V4.500h5V7", "M6.500 7l.8 12.500h9.400L17.500 7", "M10.300 10.500v5.500", "M13.700 10.500v5.500"],
    invert: ["M12 3.500a8.500 8.500 0 1 0 0 17 8.500 8.500 0 0 0 0-17z", "M12 3.500v17", "M12 8h6.500", "M12 12h8.500", "M12 16h6.500"],
    clear: ["M6 6l12 12", "M18 6 6 18"],
    save: ["M12 4v11", "M7.500 11 12 15.500 16.500 11", "M5 19.500h14"],
    copy: ["M9 8.500h10.500v11H9z", "M15 8.500v-4H4.500v11H9"],
    film: ["M4 5.500h16v13H4z", "M8 5.500v13", "M16 5.500v13", "M4 10h4", "M4 14h4", "M16 10h4", "M16 14h4"],
};

/** @returns {SVGElement} a drawing, hidden from screen readers; its button carries the name */
export function icon(name) {
    return svg("svg", { viewBox: "0 0 24 24", class: "t2c-icon", "aria-hidden": "true", focusable: "false" },
        ...ICONS[name].map((d) => svg("path", { d })));
}

/**
 * A button with a drawing and a tooltip.
 * @param {string} name  of the drawing
 * @param {string} label
 * @param {() => void} press
 * @param {object} [attributes]
 * @returns {HTMLButtonElement}
 */
export function iconButton(name, label, press, attributes = {}) {
    return el("button", {
        type: "button", class: "t2c-button", "aria-label": label, title: label, onclick: press, ...attributes,
    }, icon(name));
}
