/** Brings what a run shows into view where it begins below the window: on a phone, all stands in one column. */

/**
 * @param {() => Element|null} place  where the run is shown
 * @returns {(state: {running?: object|null}) => void} to be told of each state
 */
export function attend(place) {
    let before = false;
    return (state) => {
        const running = (state.running ?? null) !== null;
        const element = running && !before ? place() : null;
        before = running;
        if (element === null || element.getBoundingClientRect().top < window.innerHeight) return;
        const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
        element.scrollIntoView({ behavior: calm ? "auto" : "smooth", block: "center" });
    };
}
