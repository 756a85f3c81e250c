/** Dialogs over the page: the shortcuts, and pictures shown large. */

import { el, iconButton } from "./dom.mjs";

/**
 * Open a dialog; Escape, its cross and a click beside it close it, and the focus goes back.
 * @param {Element} home  an element of class t2c to put it in, for the styles' sake
 * @param {string} title
 * @param {Node[]} content
 * @param {string} [kind]  a class of its own
 * @returns {HTMLDialogElement}
 */
export function openDialog(home, title, content, kind = "") {
    const back = document.activeElement;
    const dialog = el("dialog", { class: `t2c-dialog ${kind}`, "aria-label": title },
        el("header", {}, el("h3", { text: title }), iconButton("clear", "Close", () => dialog.close())), ...content);
    dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
    // the WebUI takes Escape for "interrupt"
    dialog.addEventListener("keydown", (event) => event.stopPropagation());
    dialog.addEventListener("close", () => {
        dialog.remove();
        if (back instanceof HTMLElement) back.focus({ preventScroll: true });
    });
    home.append(dialog);
    dialog.showModal();
    return dialog;
}

/** The shortcuts. @param {Element} home @param {[string, [string, string][]][]} groups */
export function openHelp(home, groups) {
    const parts = groups.map(([title, rows]) => el("section", {}, el("h4", { text: title }),
        el("dl", {}, ...rows.flatMap(([keys, what]) => [el("dt", {}, el("kbd", { text: keys })), el("dd", { text: what })]))));
    return openDialog(home, "Keyboard shortcuts", [el("div", { class: "t2c-help" }, ...parts)]);
}
