// The only classic script: hosts load it, it loads the studio's modules and makes one global, `t2c`.
window.t2c ??= (() => {
    const address = new URL(document.currentScript.src, document.baseURI);
    const modules = new URL("studio/main.mjs", address);
    modules.search = address.search;
    let started = null;

    // Twice is once; a failure to load is tried again at the next call.
    function mount() {
        started ??= import(modules.href).then((main) => (main.start(), main));
        return started.then((main) => main.mount(), (error) => {
            started = null;
            console.error("Cinemagraph: the studio could not be loaded.", error);
        });
    }

    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", mount, { once: true });
    else mount();
    return Object.freeze({ mount });
})();

// The WebUI calls this by its name when a picture is sent to the Cinemagraph tab.
function switch_to_cinemagraph() {
    for (const button of gradioApp().querySelectorAll("#tabs > .tab-nav > button")) {
        if (button.textContent.trim() === "Cinemagraph") button.click();
    }
    return Array.from(arguments);
}
