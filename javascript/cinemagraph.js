// The WebUI calls this by its name when a picture is sent to the Cinemagraph tab.
function switch_to_cinemagraph() {
    for (const button of gradioApp().querySelectorAll("#tabs > .tab-nav > button")) {
        if (button.textContent.trim() === "Cinemagraph") button.click();
    }
    return Array.from(arguments);
}
