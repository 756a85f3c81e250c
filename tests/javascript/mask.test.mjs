import assert from "node:assert/strict";
import { test } from "node:test";
import * as mask from "../../javascript/studio/mask.mjs";
import { decodeMask, encodeMask, fromBase64 } from "../../javascript/studio/png.mjs";

const SIZE = { width: 60, height: 40 };
const area = (one) => one.data.reduce((sum, value) => sum + value, 0) / 255;
const noise = (size, seed) => {
    const one = mask.emptyMask(size);
    let value = seed;
    for (let i = 0; i < one.data.length; i++) {
        value = (value * 1103515245 + 12345) % 2147483648;
        one.data[i] = value >> 8;
    }
    return one;
};
const dab = (base, point, radius, brush) => {
    const stroke = new mask.Stroke(base, { softness: 0, erase: false, ...brush });
    stroke.to(point, radius);
    return stroke.mask;
};

test("a hard stamp covers its disc", () => {
    const one = dab(mask.emptyMask(SIZE), [0.5, 0.5], 10);
    assert.ok(Math.abs(area(one) - Math.PI * 100) < 6, `${area(one)}`);
    assert.equal(mask.valueAt(one, [0.5, 0.5]), 255);
    assert.equal(mask.valueAt(one, [0.5 + 12 / 60, 0.5]), 0);
});

test("a soft stamp falls off from the middle outwards, within the radius", () => {
    const one = dab(mask.emptyMask(SIZE), [0.5, 0.5], 15, { softness: 1 });
    const row = [0, 4, 8, 12, 14].map((dx) => mask.valueAt(one, [0.5 + dx / 60, 0.5]));
    row.reduce((before, value) => (assert.ok(value < before, `${row}`), value));
    assert.equal(mask.valueAt(one, [0.5 + 16 / 60, 0.5]), 0);
});

test("a stroke leaves no gaps, and going over it again adds nothing", () => {
    const stroke = new mask.Stroke(mask.emptyMask(SIZE), { softness: 1, erase: false });
    stroke.to([0.1, 0.5], 4);
    stroke.to([0.9, 0.5], 4);
    const once = stroke.mask.data.slice();
    const line = Array.from({ length: 40 }, (_, i) => mask.valueAt(stroke.mask, [0.15 + (i / 40) * 0.7, 0.5]));
    assert.ok(Math.min(...line) > 180, `${line}`);
    stroke.to([0.1, 0.5], 4);
    const thicker = stroke.mask.data.filter((value, i) => value > once[i] + 12).length;
    assert.equal(thicker, 0);
});

test("what a stroke says has changed is all that has changed, and its base is left alone", () => {
    const base = noise(SIZE, 7);
    const before = base.data.slice();
    const stroke = new mask.Stroke(base, { softness: 0.5, erase: true });
    stroke.to([0.3, 0.3], 6);
    const box = stroke.to([0.6, 0.7], 6);
    assert.deepEqual(base.data, before);
    const now = stroke.mask.data.slice();
    const last = new mask.Stroke(base, { softness: 0.5, erase: true });
    last.to([0.3, 0.3], 6);
    now.forEach((value, i) => {
        const [x, y] = [i % 60, Math.floor(i / 60)];
        const inside = x >= box.left && x < box.right && y >= box.top && y < box.bottom;
        if (!inside) assert.equal(value, last.mask.data[i]);
    });
});

test("erasing takes away what painting put there, at the border of the picture too", () => {
    const painted = dab(mask.emptyMask(SIZE), [0, 0], 12);
    assert.ok(area(painted) > 90);
    assert.ok(mask.isEmpty(dab(painted, [0, 0], 14, { erase: true })));
});

test("a polygon is filled as far as its area says, with soft edges", () => {
    const triangle = [[0.1, 0.1], [0.9, 0.15], [0.4, 0.93]];
    const one = mask.polygonMask(SIZE, triangle);
    const [[ax, ay], [bx, by], [cx, cy]] = triangle.map(([x, y]) => [x * 60, y * 40]);
    const wanted = Math.abs((bx - ax) * (cy - ay) - (cx - ax) * (by - ay)) / 2;
    assert.ok(Math.abs(area(one) - wanted) < 0.005 * wanted, `${area(one)} ${wanted}`);
    const star = mask.polygonMask(SIZE, [[0.2, 0.9], [0.5, 0.1], [0.8, 0.9], [0.1, 0.4], [0.9, 0.4]]);
    assert.equal(mask.valueAt(star, [0.5, 0.55]), 0, "even-odd: the star's middle is outside");
});

test("invert, union, without", () => {
    const [left, right] = [dab(mask.emptyMask(SIZE), [0.4, 0.5], 10), dab(mask.emptyMask(SIZE), [0.6, 0.5], 10)];
    assert.ok(mask.equalMasks(mask.inverted(mask.inverted(left)), left));
    const soft = dab(mask.emptyMask(SIZE), [0.5, 0.5], 15, { softness: 1 });
    assert.ok(mask.isEmpty(mask.without(soft, soft)));
    const both = mask.union(left, right);
    assert.equal(mask.valueAt(both, [0.3, 0.5]), 255);
    assert.equal(mask.valueAt(both, [0.7, 0.5]), 255);
    assert.equal(mask.valueAt(mask.without(both, right), [0.7, 0.5]), 0);
    assert.equal(mask.shareInside(left, both), 1);
    assert.ok(mask.shareInside(left, right) < 0.7);
});

test("another size keeps the share that moves", () => {
    const one = dab(mask.emptyMask({ width: 200, height: 100 }), [0.4, 0.6], 30);
    for (const size of [{ width: 50, height: 25 }, { width: 333, height: 170 }, { width: 96, height: 48 }]) {
        const other = mask.resized(one, size);
        const share = area(other) / (size.width * size.height);
        assert.ok(Math.abs(share - area(one) / 20000) < 0.003, `${share}`);
    }
    assert.deepEqual(mask.maskSize({ width: 4000, height: 2000 }), { width: 1024, height: 512 });
    assert.deepEqual(mask.maskSize({ width: 512, height: 300 }), { width: 512, height: 300 });
});

test("a mask goes through PNG unchanged", async () => {
    const soft = dab(mask.emptyMask(SIZE), [0.5, 0.5], 15, { softness: 1 });
    for (const one of [mask.emptyMask({ width: 1, height: 1 }), noise({ width: 37, height: 23 }, 3), soft]) {
        const text = await encodeMask(one);
        const bytes = fromBase64(text);
        assert.deepEqual([bytes[24], bytes[25]], [8, 0], "8 bits of grey");
        assert.ok(mask.equalMasks(await decodeMask(text), one));
        assert.ok(mask.equalMasks(await decodeMask(`data:image/png;base64,${text}`), one));
    }
});

test("what is no such PNG is refused with a sentence", async () => {
    const good = await encodeMask(noise({ width: 9, height: 9 }, 1));
    for (const text of ["not base64 !", btoa("GIF89a"), good.slice(0, 60), btoa(atob(good).replace("IHDR\0\0\0\x09", "IHDR\0\0\0\xff"))]) {
        await assert.rejects(decodeMask(text), { constructor: (await import("../../javascript/studio/png.mjs")).PngError });
    }
});

test("what is left along an edge is thin, a part of any thickness is not", () => {
    const band = mask.emptyMask({ width: 30, height: 20 });
    for (let y = 0; y < 20; y++) band.data.fill(255, y * 30 + 4, y * 30 + 7);
    assert.equal(mask.isThin(band, 4), true);
    assert.equal(mask.isThin(band, 3), false);
    assert.equal(mask.isThin(mask.emptyMask(band), 1), true);
});
