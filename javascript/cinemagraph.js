// The only classic script: hosts load it, it loads the studio's modules and makes one global, `t2c`.
window.t2c ??= (() => {
    const script = /** @type {HTMLScriptElement} */ (document.currentScript);
    const address = new URL(script.src, document.baseURI);
    const modules = new URL("studio/main.mjs", address);
    modules.search = address.search;
    /** @type {Promise<typeof import("./studio/main.mjs")>|null} */
    let started = null;

    // Twice is once; a failure to load is tried again at the next call.
    function mount() {
        started ??= import(modules.href).then((/** @type {typeof import("./studio/main.mjs")} */ main) => {
            main.start();
            return main;
        });
        return started.then((main) => main.mount(), (/** @type {unknown} */ error) => {
            started = null;
            console.error("Cinemagraph: the studio could not be loaded.", error);
        });
    }

    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount, { once: true });
    else mount();
    // A button under a gallery: the pictures go to the studio's page.
    /** @param {string} tab @param {string} info */
    function send(tab, info) {
        return mount().then(() => started?.then((/** @type {typeof import("./studio/main.mjs")} */ main) => main.send(tab, info)));
    }

    return Object.freeze({ mount, send });
})();

// The WebUI calls this by its name when a picture is sent to the Cinemagraph tab.
/** @param {...unknown} given  what its button hands on */
function switch_to_cinemagraph(...given) {
    for (const button of /** @type {NodeListOf<HTMLElement>} */ (gradioApp().querySelectorAll("#tabs > .tab-nav > button"))) {
        if (button.textContent.trim() === "Cinemagraph") button.click();
    }
    gradioApp().querySelector("#tabs")?.scrollIntoView({ block: "start" }); // the button can be far down its page
    return given;
}

// And this when generation parameters go there; it has no prompts to count again.
/** @param {...unknown} given  what its button hands on */
function recalculate_prompts_cinemagraph(...given) {
    return given;
}
