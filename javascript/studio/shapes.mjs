/** Arrows, swirls, pins and frozen areas, drawn in the window's pixels so that their lines keep their width. */

import { svg } from "./dom.mjs";
import { toWindow } from "./geometry.mjs";

/** @import { Arrow } from "./document.mjs" */
/** @import { Point } from "./geometry.mjs" */
/** @import { Selection } from "./types" */

/**
 * Draw a document's shapes.
 * @param {SVGElement} layer  emptied first
 * @param {import("./document.mjs").Document} document
 * @param {import("./geometry.mjs").View} view
 * @param {{width: number, height: number}} picture
 * @param {{selection: Selection|null, colourOf: (arrow: Arrow) => string}} how
 */
export function drawShapes(layer, document, view, picture, how) {
    /** @param {Point} point */
    const place = (point) => toWindow(view, picture, point);
    /** @param {Selection["kind"]} kind @param {number} index */
    const chosen = (kind, index) => how.selection?.kind === kind && how.selection.index === index;
    const short = Math.min(picture.width, picture.height) * view.scale;
    layer.replaceChildren(
        ...document.freeze.map((corners, index) => frozen(corners.map(place), chosen("freeze", index))),
        ...document.swirls.map((one, index) => swirl(place(one.at), one.radius * short, one.turn, chosen("swirl", index))),
        ...document.arrows.map((one, index) => arrow(place(one.from), place(one.to), how.colourOf(one), chosen("arrow", index))),
        ...document.pins.map((point, index) => pin(place(point), chosen("pin", index))),
    );
}

/** @param {string} kind @param {boolean} chosen @param {...Node} children */
function group(kind, chosen, ...children) {
    return svg("g", { class: `t2c-shape t2c-shape-${kind}${chosen ? " t2c-chosen" : ""}` }, ...children);
}

/** A line with a dark rim, readable on any picture. @param {string} d @param {string} colour @param {number} width */
function rimmed(d, colour, width) {
    return [
        svg("path", { d, fill: "none", stroke: "rgba(0, 0, 0, .65)", "stroke-width": width + 3 }),
        svg("path", { d, fill: "none", stroke: colour, "stroke-width": width }),
    ];
}

/** @param {Point} from @param {Point} to @param {string} colour @param {boolean} chosen */
function arrow(from, to, colour, chosen) {
    const [dx, dy] = [to[0] - from[0], to[1] - from[1]];
    const length = Math.hypot(dx, dy) || 1;
    const head = Math.min(14, Math.max(7, length / 3));
    /** @param {number} side */
    const wing = (side) => {
        const angle = Math.atan2(dy, dx) + side * 2.6;
        return `${(to[0] + head * Math.cos(angle)).toFixed(1)} ${(to[1] + head * Math.sin(angle)).toFixed(1)}`;
    };
    const d = `M${from[0].toFixed(1)} ${from[1].toFixed(1)} L${to[0].toFixed(1)} ${to[1].toFixed(1)} `
        + `M${wing(1)} L${to[0].toFixed(1)} ${to[1].toFixed(1)} L${wing(-1)}`;
    const ends = chosen
        ? [from, to].map(([x, y]) => svg("circle", { cx: x, cy: y, r: 6, class: "t2c-handle" }))
        : [svg("circle", { cx: from[0], cy: from[1], r: 4, fill: colour, stroke: "rgba(0, 0, 0, .65)", "stroke-width": 1.5 })];
    return group("arrow", chosen, ...rimmed(d, "#fff", chosen ? 4 : 3), ...ends);
}

/** @param {Point} at @param {number} radius @param {number} turn @param {boolean} chosen */
function swirl(at, radius, turn, chosen) {
    const side = turn > 0 ? 1 : -1;
    const arms = [0, 1, 2].map((arm) => {
        const start = (arm * 2 * Math.PI) / 3;
        /** @param {number} step @returns {Point} */
        const pointAt = (step) => {
            const angle = start + side * (step / 14) * 1.7;
            return [at[0] + 0.62 * radius * Math.cos(angle), at[1] - 0.62 * radius * Math.sin(angle)];
        };
        const points = Array.from({ length: 15 }, (_, step) => pointAt(step));
        const [[beforeX, beforeY], [x, y]] = points.slice(-2);
        const way = Math.atan2(y - beforeY, x - beforeX);
        const head = Math.min(10, radius / 4);
        /** @param {number} turned */
        const wing = (turned) => `${(x + head * Math.cos(way + turned)).toFixed(1)} ${(y + head * Math.sin(way + turned)).toFixed(1)}`;
        return `M${points.map(([px, py]) => `${px.toFixed(1)} ${py.toFixed(1)}`).join(" L")} M${wing(2.5)} L${x.toFixed(1)} ${y.toFixed(1)} L${wing(-2.5)}`;
    });
    return group("swirl", chosen,
        svg("circle", { cx: at[0], cy: at[1], r: radius, class: "t2c-rim" }),
        ...rimmed(arms.join(" "), "#fff", chosen ? 3.5 : 2.5),
        svg("circle", { cx: at[0], cy: at[1], r: chosen ? 6 : 3.5, class: "t2c-handle" }));
}

/** @param {Point} at @param {boolean} chosen */
function pin(at, chosen) {
    const [x, y] = at;
    return group("pin", chosen,
        svg("path", { d: `M${x} ${y} l-6 -14 a7 7 0 1 1 12 0 z`, class: "t2c-pinhead" }),
        svg("circle", { cx: x, cy: y - 18, r: 2.5, fill: "#fff" }));
}

/** @param {readonly Point[]} corners @param {boolean} chosen */
function frozen(corners, chosen) {
    const points = corners.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    return group("freeze", chosen, svg("polygon", { points, class: "t2c-frozen" }));
}
