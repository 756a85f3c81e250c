// Plays the Python side for the tests of the canvas: reads a few words, writes them, and answers `solve` with the
// direction that arrows, regions and words give, inside what is painted. `window.fake` is the tests' handle.
import { decodeMask, encodeMask, toBase64 } from "/javascript/studio/png.mjs";

const WAYS = { right: 0, up: 90, left: 180, down: 270 };
const PACES = { gently: 0.5, fast: 2 };
const box = (id) => document.querySelector(`#${id} textarea`);

const fake = {
    asked: [],
    delays: {},
    refusals: {},
    notes: [],
    /** Like Gradio: without an event. */
    set: (id, text) => { box(id).value = text; },
    state: { id: "one", picture: null, loop: null, stages: {}, hints: null, running: null },
    show(change) {
        Object.assign(fake.state, change);
        fake.set("t2c_state", JSON.stringify(fake.state));
    },
    picture(width = 512, height = 384, key = "first") {
        fake.show({ picture: { url: fake.painted(width, height, key), width, height, key } });
    },
    painted(width, height, key) {
        const canvas = Object.assign(document.createElement("canvas"), { width, height });
        const context = canvas.getContext("2d");
        const fillAll = (stops, top, bottom) => {
            const gradient = context.createLinearGradient(0, top * height, 0, bottom * height);
            stops.forEach((stop, index) => gradient.addColorStop(index / (stops.length - 1), stop));
            context.fillStyle = gradient;
            context.fillRect(0, top * height, width, (bottom - top) * height);
        };
        fillAll(key === "first" ? ["#f3b58a", "#8aa2c8"] : ["#aac4a0", "#e8d8b0"], 0, 0.5);
        fillAll(["#4a6741", "#2f4a33"], 0.45, 0.6);
        fillAll(["#3c6f8f", "#274b66"], 0.6, 1);
        return canvas.toDataURL();
    },
};
window.fake = fake;

export function parse(text) {
    const motions = [];
    const regions = [];
    for (const part of text.toLowerCase().split(",").map((one) => one.trim()).filter(Boolean)) {
        const [name, ...rest] = part.split(" ");
        regions.push(name);
        const way = rest.find((word) => word in WAYS);
        const degrees = /at (\d+) degrees/.exec(part);
        const swirl = /swirling (clockwise|counterclockwise)/.exec(part);
        const speed = PACES[rest.find((word) => word in PACES)] ?? 1;
        if (swirl) motions.push({ region: name, angle: null, kind: swirl[1] === "clockwise" ? "swirl_cw" : "swirl_ccw", speed });
        else if (degrees || way) motions.push({ region: name, angle: degrees ? Number(degrees[1]) : WAYS[way], kind: "translate", speed });
    }
    return { regions, motions };
}

export function describe(regions) {
    return regions.map(({ name, angle, kind, speed }) => {
        const pace = speed < 0.71 ? " gently" : speed > 1.41 ? " fast" : "";
        if (kind !== "translate") return `${name} swirling ${kind === "swirl_cw" ? "clockwise" : "counterclockwise"}${pace}`;
        const way = Object.keys(WAYS).find((one) => WAYS[one] === angle);
        return way ? `${name} flowing ${way}${pace}` : `${name} flowing at ${angle} degrees${pace}`;
    }).join(", ");
}

async function solve({ hints, motion, speed }) {
    const { width: pictureWidth, height: pictureHeight } = fake.state.picture;
    const painted = hints.regions.filter((region) => region.mask);
    if (painted.length === 0) return { ok: false, error: "paint what moves first", kind: "no-region" };
    const scale = Math.min(1, 192 / Math.max(pictureWidth, pictureHeight));
    const [width, height] = [Math.round(pictureWidth * scale), Math.round(pictureHeight * scale)];
    const flow = new Int16Array(width * height * 2);
    const shares = new Uint8Array(width * height);
    const unit = 1 / 256;
    const said = parse(motion).motions;
    for (const region of painted) {
        const mask = await decodeMask(region.mask);
        const words = said.find((one) => one.region === region.name) ?? (said.length === 1 ? said[0] : null);
        const angle = ((region.angle ?? words?.angle ?? 0) * Math.PI) / 180;
        const pace = ((region.speed * (words?.speed ?? 1)) * speed * Math.min(pictureWidth, pictureHeight)) / 512;
        const arrow = hints.arrows[0];
        const way = arrow
            ? [((arrow.to[0] - arrow.from[0]) * pictureWidth) / 30, ((arrow.to[1] - arrow.from[1]) * pictureHeight) / 30]
            : [Math.cos(angle) * pace, -Math.sin(angle) * pace];
        for (let y = 0; y < height; y++) {
            for (let x = 0; x < width; x++) {
                const at = Math.floor(((y + 0.5) * mask.height) / height) * mask.width + Math.floor(((x + 0.5) * mask.width) / width);
                if (mask.data[at] === 0) continue;
                shares[y * width + x] = Math.max(shares[y * width + x], mask.data[at]);
                flow[2 * (y * width + x)] = Math.round(way[0] / unit);
                flow[2 * (y * width + x) + 1] = Math.round(way[1] / unit);
            }
        }
    }
    return {
        width, height, unit, flow: toBase64(new Uint8Array(flow.buffer)), mask: toBase64(shares), picture: [pictureWidth, pictureHeight],
        notes: fake.notes, seconds: 0.01,
    };
}

async function segment() {
    const [width, height] = [128, 96];
    const band = (name, named, from, to) => {
        const data = new Uint8Array(width * height);
        data.fill(255, Math.round(from * height) * width, Math.round(to * height) * width);
        return encodeMask({ width, height, data }).then((mask) => ({ name, named, mask, score: 0.9 }));
    };
    const regions = await Promise.all([band("sky", true, 0, 0.45), band("region 2", false, 0.45, 0.6), band("river", true, 0.6, 1)]);
    return { width, height, regions };
}

const ANSWERS = fake.answers = {
    solve, segment,
    parse: ({ motion }) => parse(motion),
    describe: ({ regions }) => ({ motion: describe(regions) }),
    preview: () => ({ url: fake.previewUrl ?? fake.state.picture.url, fps: 15, frames: 30, width: 256, height: 192 }),
    export: (request) => ({ url: `loop.${request.format}`, bytes: 1_234_567, name: `cinemagraph.${request.format}` }),
};

document.querySelector("#t2c_ask_go").addEventListener("click", async () => {
    const request = JSON.parse(box("t2c_ask").value);
    fake.asked.push(request);
    const answer = fake.refusals[request.what] ?? await ANSWERS[request.what](request);
    await new Promise((done) => { setTimeout(done, fake.delays[request.what] ?? 5); });
    fake.set("t2c_answer", JSON.stringify({ n: request.n, ok: true, ...answer }));
});

document.querySelector("#t2c_example").addEventListener("click", () => {
    fake.set("t2c_motion", "river flowing left");
    fake.picture(512, 384, "first");
});
