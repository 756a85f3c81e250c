// The page with all loops of a batch. Only what is in view is in the page: ten thousand rows are no more than twenty.

/**
 * @typedef {object} Row
 * @property {string} name
 * @property {boolean} done
 * @property {string} [file]
 * @property {string} [poster]
 * @property {number[]} [size]
 * @property {string} [label]
 * @property {string} [prompt]
 * @property {string} [motion]
 * @property {string} [picture]
 * @property {string[]} [notes]
 * @property {string} [error]
 * @property {string} [kind]
 * @property {Record<string, number>} [seconds]
 * @property {Record<string, unknown>} [settings]
 * @property {Record<string, unknown>} [swept]
 * @property {string} [group]
 * @property {string} [where]
 * @property {string} [ended]
 */

/** @typedef {{words: string, which: string, kind: string}} Filter */
/** @typedef {{columns: number, width: number, height: number, gap: number}} Layout */

const VIDEOS = /\.(mp4|webm)$/i;
const NARROWEST = 250;
const CAPTION = 64;
const GAP = 12;
/** Rows of a sweep that are shown side by side at a time. */
const MOST_BESIDE = 64;

/** Everything of a row that words are sought in, in lower case. @param {Row} row */
export function haystack(row) {
    const parts = [row.name, row.prompt, row.motion, row.picture, row.label, row.error, ...(row.notes ?? [])];
    return parts.filter(Boolean).join("\n").toLowerCase();
}

/**
 * The numbers of the rows that a filter lets through: those that have every word.
 *
 * @param {Row[]} rows
 * @param {string[]} texts of `haystack`
 * @param {Filter} filter
 */
export function chosen(rows, texts, filter) {
    const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean);
    const result = [];
    for (let number = 0; number < rows.length; number += 1) {
        const row = rows[number];
        if (isOf(row, filter.which) && (!filter.kind || row.kind === filter.kind) && words.every((word) => texts[number].includes(word))) {
            result.push(number);
        }
    }
    return result;
}

/** @param {Row} row @param {string} which */
function isOf(row, which) {
    if (which === "done") return row.done;
    if (which === "failed") return !row.done;
    if (which === "notes") return Boolean(row.notes?.length);
    return which !== "swept" || Boolean(row.group);
}

/** How cells lie in a page of some width. @param {number} width @returns {Layout} */
export function layout(width) {
    const columns = Math.max(width < 480 ? 2 : 1, Math.floor((width + GAP) / (NARROWEST + GAP)));
    const cell = Math.max(1, (width - (columns - 1) * GAP) / columns);
    return { columns, width: cell, height: Math.round(cell * 0.75) + CAPTION, gap: GAP };
}

/**
 * The first cell in view and the one after the last, with a line more on either side.
 *
 * @param {Layout} lines
 * @param {number} count
 * @param {number} top where the view begins, in pixels of the list
 * @param {number} height of the view
 */
export function inView(lines, count, top, height) {
    const step = lines.height + lines.gap;
    const first = Math.max(0, Math.floor(top / step) - 1) * lines.columns;
    const last = (Math.ceil((top + height) / step) + 1) * lines.columns;
    return [Math.min(first, count), Math.max(0, Math.min(last, count))];
}

/** The address of a file beside the page. @param {string} name */
export function address(name) {
    return `./${name.split("/").map(encodeURIComponent).join("/")}`;
}

/**
 * The settings of a sweep: across, down, and the rows at each place. More settings than two are told in the cell.
 *
 * @param {Row[]} rows of one group
 */
export function table(rows) {
    const names = Object.keys(rows[0]?.swept ?? {});
    const [across, down] = names;
    /** @param {string | undefined} name */
    const values = (name) => (name === undefined ? [""] : [...new Set(rows.map((row) => String(row.swept?.[name])))]);
    /** @param {Row} row @param {string | undefined} name @param {string} value */
    const has = (row, name, value) => name === undefined || String(row.swept?.[name]) === value;
    const lines = values(down).map((low) => ({
        value: low,
        cells: values(across).map((value) => rows.filter((row) => has(row, across, value) && has(row, down, low))),
    }));
    return { across, down, columns: values(across), lines };
}

/**
 * @param {string} tag
 * @param {string} [className]
 * @param {string} [text]
 */
function element(tag, className = "", text = "") {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
}

/** What shows a row's loop. @param {Row} row @param {boolean} still */
function shown(row, still) {
    if (!row.done || !row.file) return element("p", "wrong", row.error || "failed");
    if (!VIDEOS.test(row.file)) {
        const picture = new Image();
        picture.decoding = "async";
        picture.alt = row.prompt || row.name;
        picture.src = address(/\.\w+$/.test(row.file) ? row.file : `${row.file}/frame_0000.png`);
        return picture;
    }
    const video = document.createElement("video");
    video.muted = true;
    video.loop = true;
    video.playsInline = true;
    video.preload = "metadata";
    if (row.poster) video.poster = address(row.poster);
    video.src = address(row.file);
    if (!still) video.play().catch(() => {});
    return video;
}

/** Stop a loop that goes out of view, and give its decoder back. @param {Element} cell */
function letGo(cell) {
    for (const video of cell.querySelectorAll("video")) {
        video.pause();
        video.removeAttribute("src");
        video.load();
    }
    cell.remove();
}

/** @param {Row} row */
function caption(row) {
    const swept = Object.entries(row.swept ?? {}).map(([name, value]) => `${name} ${value}`);
    return swept.join(", ") || row.prompt || row.motion || row.picture || row.label || "";
}

/** @param {string} id @returns {any} */
const part = (id) => document.getElementById(id);

class Gallery {
    /** @param {Row[]} rows */
    constructor(rows) {
        this.rows = rows;
        this.texts = rows.map(haystack);
        /** @type {Map<string, Row[]>} */
        this.groups = new Map();
        for (const row of rows) {
            if (!row.group) continue;
            const others = this.groups.get(row.group);
            if (others) others.push(row);
            else this.groups.set(row.group, [row]);
        }
        /** @type {Map<number, HTMLElement>} */
        this.cells = new Map();
        this.wanted = chosen(rows, this.texts, { words: "", which: "", kind: "" });
        this.open = -1;
        this.asked = false;
        this.still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
        this.list = part("rows");
        this.layout = layout(this.list.clientWidth);
    }

    start() {
        const kinds = [...new Set(this.rows.map((row) => row.kind).filter(Boolean))].sort();
        for (const kind of kinds) part("kind").append(new Option(kind, kind));
        part("kind").hidden = kinds.length === 0;
        for (const id of ["words", "which", "kind"]) part(id).addEventListener("input", () => this.filter());
        window.addEventListener("scroll", () => this.later(), { passive: true });
        new ResizeObserver(() => this.resize()).observe(this.list);
        part("close").addEventListener("click", () => part("one").close());
        part("one").addEventListener("close", () => this.clear());
        part("one").addEventListener("click", (/** @type {MouseEvent} */ event) => {
            if (event.target === part("one")) part("one").close();
        });
        part("before").addEventListener("click", () => this.turn(-1));
        part("after").addEventListener("click", () => this.turn(1));
        window.addEventListener("keydown", (event) => {
            if (part("one").open && event.key === "ArrowLeft") this.turn(-1);
            if (part("one").open && event.key === "ArrowRight") this.turn(1);
        });
        this.tell();
        this.draw();
    }

    filter() {
        const filter = { words: part("words").value, which: part("which").value, kind: part("kind").value };
        this.wanted = chosen(this.rows, this.texts, filter);
        this.empty();
        window.scrollTo(0, 0);
        this.tell();
        this.draw();
    }

    tell() {
        const failed = this.rows.filter((row) => !row.done).length;
        const loops = this.rows.length - failed;
        const all = [`${loops.toLocaleString()} ${loops === 1 ? "loop" : "loops"}`, ...(failed ? [`${failed.toLocaleString()} failed`] : [])];
        const few = this.wanted.length < this.rows.length ? `${this.wanted.length.toLocaleString()} of ` : "";
        part("count").textContent = few + all.join(", ");
    }

    empty() {
        for (const cell of this.cells.values()) letGo(cell);
        this.cells.clear();
    }

    resize() {
        const now = layout(this.list.clientWidth);
        if (now.width === this.layout.width) return;
        this.layout = now;
        this.empty();
        this.draw();
    }

    later() {
        if (this.asked) return;
        this.asked = true;
        requestAnimationFrame(() => {
            this.asked = false;
            this.draw();
        });
    }

    draw() {
        const { columns, width, height, gap } = this.layout;
        const lines = Math.ceil(this.wanted.length / columns);
        part("space").style.height = `${Math.max(0, lines * (height + gap) - gap)}px`;
        const [first, last] = inView(this.layout, this.wanted.length, -this.list.getBoundingClientRect().top, window.innerHeight);
        for (const [number, cell] of this.cells) {
            if (number < first || number >= last) {
                letGo(cell);
                this.cells.delete(number);
            }
        }
        for (let number = first; number < last; number += 1) {
            if (this.cells.has(number)) continue;
            const cell = this.cell(this.rows[this.wanted[number]], () => this.show(number));
            cell.style.width = `${width}px`;
            cell.style.height = `${height}px`;
            cell.style.left = `${(number % columns) * (width + gap)}px`;
            cell.style.top = `${Math.floor(number / columns) * (height + gap)}px`;
            this.cells.set(number, cell);
            this.list.append(cell);
        }
    }

    /** @param {Row} row @param {() => void} act */
    cell(row, act) {
        const cell = element("button", "cell");
        cell.setAttribute("type", "button");
        const seen = element("div", "seen");
        seen.append(shown(row, this.still));
        const told = element("div", "told");
        told.append(element("b", "", row.name), element("span", "", caption(row)));
        cell.append(seen, told);
        cell.addEventListener("click", act);
        return cell;
    }

    /** @param {number} number among the rows that are shown */
    show(number) {
        const row = this.rows[this.wanted[number]];
        if (row === undefined) return;
        this.open = number;
        const body = part("one-body");
        for (const old of [...body.children]) letGo(old);
        part("one-name").textContent = row.name;
        const loop = shown(row, false);
        if (loop instanceof HTMLVideoElement) loop.controls = true;
        body.append(loop, this.facts(row));
        const siblings = row.group ? (this.groups.get(row.group) ?? []) : [];
        if (siblings.length > 1) {
            const first = Math.max(0, Math.min(siblings.indexOf(row) - MOST_BESIDE / 2, siblings.length - MOST_BESIDE));
            body.append(this.sweep(row, siblings.slice(first, first + MOST_BESIDE)));
        }
        if (!part("one").open) part("one").showModal();
        body.scrollTop = 0;
    }

    /** @param {number} step */
    turn(step) {
        const number = this.open + step;
        if (number >= 0 && number < this.wanted.length) this.show(number);
    }

    clear() {
        for (const old of [...part("one-body").children]) letGo(old);
        this.open = -1;
    }

    /** @param {Row} row */
    facts(row) {
        const list = element("dl");
        const seconds = Object.entries(row.seconds ?? {}).map(([stage, time]) => `${stage} ${time.toFixed(1)} s`);
        const size = row.size ? `${row.size[0]} × ${row.size[1]}` : "";
        /** @type {[string, string | undefined][]} */
        const facts = [
            ["error", row.error], ...(row.notes ?? []).map((note) => /** @type {[string, string]} */ (["note", note])),
            ["prompt", row.prompt], ["motion", row.motion], ["picture", row.picture], ["row", row.label],
            ["size", size], ["seconds", seconds.join(", ")], ["made on", row.where], ["ended", row.ended],
            ...Object.entries(row.settings ?? {}).map(([name, value]) => /** @type {[string, string]} */ ([name.replaceAll("_", " "), String(value)])),
        ];
        for (const [name, text] of facts) {
            if (text) list.append(element("dt", "", name), element("dd", name === "error" ? "wrong" : "", text));
        }
        return list;
    }

    /** @param {Row} row @param {Row[]} siblings */
    sweep(row, siblings) {
        const { across, down, columns, lines } = table(siblings);
        const frame = element("div", "sweep");
        frame.append(element("h3", "", "The sweep, side by side"));
        const grid = element("table");
        const head = element("tr");
        head.append(element("th"), ...columns.map((value) => element("th", "", `${across} ${value}`)));
        grid.append(head);
        for (const line of lines) {
            const strip = element("tr");
            strip.append(element("th", "", down === undefined ? "" : `${down} ${line.value}`));
            for (const rows of line.cells) {
                const place = element("td");
                for (const one of rows) {
                    const cell = this.cell(one, () => this.jump(one));
                    if (one === row) cell.classList.add("here");
                    place.append(cell);
                }
                strip.append(place);
            }
            grid.append(strip);
        }
        frame.append(grid);
        return frame;
    }

    /** Show a row of a sweep, also where the filter leaves it out. @param {Row} row */
    jump(row) {
        let number = this.wanted.findIndex((index) => this.rows[index] === row);
        if (number < 0) {
            for (const id of ["words", "which", "kind"]) part(id).value = "";
            this.filter();
            number = this.wanted.findIndex((index) => this.rows[index] === row);
        }
        this.show(number);
    }
}

if (typeof document !== "undefined") new Gallery(JSON.parse(part("data").textContent)).start();
