/** Brings what has come into view where it begins below the window: on a phone, all stands in one column. */

/** @import { PageState } from "./types" */

/**
 * Whether a loop has been opened: the page shows another cinemagraph than before, which has one already.
 * @param {PageState|null} before  null for the page's first state, with which nobody has opened anything
 * @param {PageState} state
 */
function opened(before, state) {
    return before !== null && state.id !== before.id && (state.loop ?? null) !== null;
}

/** @param {PageState|null} state */
function runs(state) {
    return (state?.running ?? null) !== null;
}

/**
 * @param {() => Element|null} run  where a run is shown
 * @param {() => Element|null} loop  where a loop is shown
 * @returns {(state: PageState) => void} to be told of each state
 */
export function attend(run, loop) {
    /** @type {PageState|null} */
    let before = null;
    return (state) => {
        let element = null;
        if (runs(state)) element = runs(before) ? null : run();
        else if (opened(before, state)) element = loop();
        before = state;
        if (element === null || element.getBoundingClientRect().top < window.innerHeight) return;
        const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
        element.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: runs(state) ? "center" : "start" });
    };
}
