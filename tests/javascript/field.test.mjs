import assert from "node:assert/strict";
import { test } from "node:test";
import { EMPTY, addRegion } from "../../javascript/studio/document.mjs";
import { decodeField, localField, moves, sample } from "../../javascript/studio/field.mjs";
import { emptyMask } from "../../javascript/studio/mask.mjs";
import { Particles } from "../../javascript/studio/particles.mjs";
import { toBase64 } from "../../javascript/studio/png.mjs";
import { followArrows, ownerOf, turnArrows } from "../../javascript/studio/steer.mjs";
import { frameAt } from "../../javascript/studio/player.mjs";

const PICTURE = { width: 1024, height: 512 };
const SIZE = { width: 128, height: 64 };
const near = (a, b, tolerance) => assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);
const lower = (from = 0.5, to = 1) => {
    const mask = emptyMask(SIZE);
    mask.data.fill(255, from * 64 * 128, to * 64 * 128);
    return mask;
};
const at = (field, x, y) => {
    const out = new Float32Array(3);
    sample(field, x, y, out);
    return [...out];
};

test("the solver's field is decoded to pixels per frame, and sampled between its cells", () => {
    const flow = new Int16Array([100, -50, 300, 50, -100, 0, 0, 0]);
    const field = decodeField({
        width: 2, height: 2, unit: 0.01, flow: toBase64(new Uint8Array(flow.buffer)), mask: toBase64(new Uint8Array([255, 255, 0, 51])),
    }, PICTURE);
    const [dx, dy, share] = at(field, 0.25, 0.25);
    near(dx, 1, 1e-6);
    near(dy, -0.5, 1e-6);
    near(share, 1, 1e-6);
    near(at(field, 0.5, 0.25)[0], 2, 1e-6);
    near(at(field, 0.75, 0.75)[2], 0.2, 1e-6);
    assert.throws(() => decodeField({ width: 3, height: 2, unit: 1, flow: toBase64(new Uint8Array(16)), mask: "" }, PICTURE), /another size/);
});

test("a painted region goes the way of its angle at its speed, and only there", () => {
    const document = addRegion(EMPTY, { name: "river", angle: 90, speed: 2, mask: lower() });
    const field = localField(document, PICTURE);
    const [dx, dy, share] = at(field, 0.5, 0.8);
    near(dx, 0, 1e-6);
    near(dy, -2, 1e-6);
    near(share, 1, 1e-6);
    assert.equal(at(field, 0.5, 0.2)[2], 0);
    near(at(localField(document, PICTURE, { speed: 0.5 }), 0.5, 0.8)[1], -1, 1e-6);
});

test("arrows give direction and speed of the region they lie in, in the picture's own pixels", () => {
    let document = addRegion(EMPTY, { name: "river", angle: 90, mask: lower() });
    document = addRegion(document, { name: "sky", angle: 0, mask: lower(0, 0.4) });
    document = { ...document, arrows: [{ from: [0.5, 0.75], to: [0.44, 0.75] }] };
    const field = localField(document, PICTURE);
    near(at(field, 0.2, 0.9)[0], (-0.06 * 1024) / 30, 1e-4);
    near(at(field, 0.2, 0.2)[0], 1, 1e-4);
    assert.equal(ownerOf(document.arrows[0], document), "river");
});

test("two arrows: each rules near itself", () => {
    let document = addRegion(EMPTY, { name: "river", mask: lower(0, 1) });
    document = { ...document, arrows: [{ from: [0.2, 0.5], to: [0.25, 0.5] }, { from: [0.8, 0.5], to: [0.8, 0.6] }] };
    const field = localField(document, PICTURE);
    const [left, right] = [at(field, 0.22, 0.5), at(field, 0.8, 0.55)];
    assert.ok(left[0] > 1.5 && Math.abs(left[1]) < 0.1, `${left}`);
    assert.ok(right[1] > 1.5 && Math.abs(right[0]) < 0.1, `${right}`);
});

test("a swirl turns the way its sign says", () => {
    for (const turn of [1, -1]) {
        let document = addRegion(EMPTY, { name: "lake", angle: 0, mask: lower(0, 1) });
        document = { ...document, swirls: [{ at: [0.5, 0.5], radius: 0.4, turn }] };
        const field = localField(document, PICTURE);
        const rightOf = at(field, 0.5 + 0.08, 0.5);
        assert.ok(Math.sign(rightOf[1]) === -turn, "counter-clockwise goes up on the right");
        near(at(field, 0.05, 0.5)[0], 1, 1e-4);
    }
    const whirl = localField(addRegion(EMPTY, { name: "lake", kind: "swirl_cw", mask: lower(0, 1) }), PICTURE);
    assert.ok(at(whirl, 0.9, 0.5)[1] > 0 && at(whirl, 0.1, 0.5)[1] < 0);
});

test("pins, frozen areas and the freeze brush stand still", () => {
    let document = addRegion(EMPTY, { name: "river", angle: 0, mask: lower(0, 1) });
    document = {
        ...document, pins: [[0.5, 0.5]], freeze: [[[0.7, 0.2], [0.9, 0.2], [0.9, 0.8], [0.7, 0.8]]], still: lower(0, 0.1),
    };
    const field = localField(document, PICTURE);
    assert.ok(Math.abs(at(field, 0.5, 0.5)[0]) < 0.1);
    assert.equal(at(field, 0.8, 0.5)[2], 0);
    assert.equal(at(field, 0.5, 0.02)[2], 0);
    near(at(field, 0.2, 0.7)[0], 1, 1e-3);
});

test("without paint, things move around what is drawn, or where the solver found them", () => {
    const document = { ...EMPTY, arrows: [{ from: [0.3, 0.5], to: [0.4, 0.5] }] };
    const alone = localField(document, PICTURE);
    assert.ok(at(alone, 0.35, 0.5)[2] > 0.9 && at(alone, 0.9, 0.5)[2] < 0.01);
    const prior = localField(addRegion(EMPTY, { name: "river", angle: 270, mask: lower() }), PICTURE);
    const within = localField(document, PICTURE, { prior });
    assert.ok(at(within, 0.9, 0.9)[2] > 0.9 && at(within, 0.35, 0.3)[2] < 0.01);
    assert.ok(!moves(localField(EMPTY, PICTURE)));
    const open = localField(addRegion(EMPTY, { name: "river", mask: lower() }), PICTURE, { prior });
    near(at(open, 0.5, 0.9)[1], 1, 1e-3);
});

test("a drawn arrow gives its region the direction, and a direction turns the arrows", () => {
    let document = addRegion(EMPTY, { name: "river", mask: lower() });
    document = followArrows({ ...document, arrows: [{ from: [0.5, 0.75], to: [0.4, 0.75] }] }, PICTURE);
    assert.equal(document.regions[0].angle, 180);
    assert.equal(followArrows(document, PICTURE), document);
    const up = turnArrows(addRegion({ ...document, regions: [] }, { ...document.regions[0], angle: 90 }), PICTURE);
    const [{ from, to }] = up.arrows;
    near(from[0], to[0], 1e-9);
    near((from[1] - to[1]) * 512, 0.1 * 1024, 1e-6);
    near((from[0] + to[0]) / 2, 0.45, 1e-9);
    const only = { ...addRegion(EMPTY, { name: "river" }), arrows: [{ from: [0.1, 0.1], to: [0.2, 0.1] }] };
    assert.equal(followArrows(only, PICTURE).regions[0].angle, 0, "the only region, though unpainted");
});

test("particles move with the field, at thirty frames a second, and stay where something moves", () => {
    const field = localField(addRegion(EMPTY, { name: "river", angle: 0, mask: lower() }), PICTURE);
    let seed = 1;
    const particles = new Particles(() => (seed = (seed * 16807) % 2147483647) / 2147483647);
    particles.follow(field, 500 * 250);
    const before = particles.trails.slice();
    particles.step(0.01);
    let moved = 0;
    for (let i = 0; i < particles.count; i++) {
        const [x, y] = [before[i * 24], before[i * 24 + 1]];
        const way = (particles.trails[i * 24] - x) * 1024;
        if (particles.trails[i * 24 + 1] === y && Math.abs(way - 0.3) < 0.02) moved++;
    }
    assert.ok(moved > 0.8 * particles.count, `${moved} of ${particles.count}`);
    for (let step = 0; step < 400; step++) particles.step(0.016);
    for (let i = 0; i < particles.count; i++) assert.ok(particles.trails[i * 24 + 1] > 0.45);
    particles.follow(null, 0);
    particles.step(0.1);
    assert.equal(particles.count, 0);
});

test("a loop's frames go round", () => {
    assert.deepEqual([0, 0.5, 1.99, 2, 2.04].map((time) => frameAt(time, 30, 60)), [0, 15, 59, 0, 1]);
    assert.equal(frameAt(-1 / 30, 30, 60), 59);
});
