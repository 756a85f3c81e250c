/** The app's page in the browser's language; in the WebUI the host does this itself. */

/** Attributes whose texts are shown. */
const SHOWN = ["title", "placeholder", "aria-label"];

/** @typedef {{[english: string]: string}} Words */

/**
 * The words of the first language that the reader knows and the page has.
 * @param {{[language: string]: Words}} languages  by names such as "de_DE"
 * @param {readonly string[]} wanted  as the browser has them, such as "de" or "de-AT"
 * @returns {Words|null} null for English, or where there is none
 */
export function wordsFor(languages, wanted) {
    for (const one of wanted) {
        const short = one.toLowerCase().split("-")[0];
        if (short === "en") return null;
        const name = Object.keys(languages).find((language) => language.toLowerCase().startsWith(short));
        if (name !== undefined) return languages[name];
    }
    return null;
}

/** @param {ParentNode} host  @returns {Words|null} the page's, where it has some in the reader's language */
export function pageWords(host) {
    const text = /** @type {HTMLElement|null} */ (host.querySelector(".t2c-languages"))?.dataset.words;
    return text === undefined ? null : wordsFor(JSON.parse(text), navigator.languages);
}

/** Put the texts of the page into another language. @param {Node} root @param {Words} words */
export function translate(root, words) {
    const texts = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
        const said = words[node.nodeValue?.trim() ?? ""];
        if (said !== undefined) node.nodeValue = said;
    }
    for (const element of /** @type {Element} */ (root).querySelectorAll(SHOWN.map((name) => `[${name}]`).join(", "))) {
        for (const name of SHOWN) {
            const said = words[element.getAttribute(name) ?? ""];
            if (said !== undefined) element.setAttribute(name, said);
        }
    }
}
