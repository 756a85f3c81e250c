/** Fill by click: the segmenter's regions light up under the pointer, a click adds or removes one. */

import { TOO_MANY_PAINTED, addRegion, changeRegion, findRegion, freeName, mayPaint, regionCalled } from "../document.mjs";
import { isThin, resized, shareInside, union, valueAt, without } from "../mask.mjs";

/** @import { Document } from "../document.mjs" */
/** @import { Point, Size } from "../geometry.mjs" */

/** A region is taken to be painted already when this share of it is. */
const MOSTLY = 0.5;

/** What is left of a region is nothing when it is thinner than the picture's width by this. */
const THIN = 100;

/**
 * The segmenter's regions of a picture.
 * @typedef {{name: string, named: boolean, mask: import("../mask.mjs").Mask, area?: number}} Segment
 *   area: the sum of its mask, once it is known
 * @typedef {{state: "none"|"asked"|"there"|"failed", regions: Segment[]}} Segments
 */

/**
 * @param {Segments} segments
 * @param {Point} point
 * @returns {number} the index of the smallest region at a point, or -1
 */
export function segmentAt(segments, point) {
    let [best, area] = [-1, Infinity];
    segments.regions.forEach((region, index) => {
        if (valueAt(region.mask, point) < 128) return;
        const size = region.area ?? region.mask.data.reduce((sum, value) => sum + value, 0);
        region.area = size;
        if (size < area) [best, area] = [index, size];
    });
    return best;
}

/**
 * The document after a click on one of the segmenter's regions. A region with a name goes into the document's region of
 * that name; one without, into the one that is being painted.
 * @param {Document} document
 * @param {Segment} segment
 * @param {Size} size
 * @param {string|null} active
 * @returns {{document: import("../document.mjs").Document, label: string, name: string}}
 */
export function clicked(document, segment, size, active) {
    const part = resized(segment.mask, size);
    const covering = document.regions.find((region) => region.mask !== null && shareInside(part, region.mask) > MOSTLY);
    if (covering !== undefined && covering.mask !== null) {
        const rest = without(covering.mask, part);
        const mask = isThin(rest, Math.max(2, Math.round(size.width / THIN))) ? null : rest;
        return { document: changeRegion(document, covering.name, { mask }), label: `removing ${segment.name}`, name: covering.name };
    }
    const wanted = segment.named ? segment.name : (active ?? document.regions[0]?.name);
    const found = wanted === undefined ? undefined : findRegion(document, wanted);
    if (found === undefined) {
        const name = segment.named ? segment.name : freeName(document, "area");
        return { document: addRegion(document, { name, mask: part }), label: `adding ${name}`, name };
    }
    const mask = found.mask === null ? part : union(found.mask, part);
    return { document: changeRegion(document, found.name, { mask }), label: `adding ${segment.name} to ${found.name}`, name: found.name };
}

/** @type {import("./index.mjs").Tool} */
export const fill = {
    name: "fill", label: "Fill by click", key: "f", icon: "fill", pointer: "pick",
    help: "Click a region that lights up to add it; click again to remove it.",
    down(board, touch) {
        const { segments, store } = board;
        if (segments.state !== "there") {
            board.say(segments.state === "failed" ? "No regions could be found; paint with the brush." : "Still looking for regions…");
            return null;
        }
        return {
            move: ({ point }) => board.light(point),
            up() {
                const index = segmentAt(segments, touch.point);
                if (index < 0) {
                    board.say("There is no region here; paint it with the brush or the lasso.");
                    return;
                }
                const before = store.asPaint;
                const { document, label, name } = clicked(before, segments.regions[index], board.size, store.active);
                if (!mayPaint(before, name)) {
                    board.say(TOO_MANY_PAINTED);
                    return;
                }
                store.active = name;
                store.commit(regionCalled(document, name).mask === null ? store.emptied(document, name) : document, label);
                board.light(touch.point);
            },
            cancel: () => board.light(null),
        };
    },
};
