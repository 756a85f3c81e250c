"""Draw the bundled example: a river valley at dusk, with its true regions and its true motion.

    python examples/draw_example.py [FOLDER]

writes art.png, mask.png, one mask per region, motion.json and flow_truth.npz; FOLDER defaults to `t2c_ext/example`.
Everything comes from formulas and a seeded generator: the same script draws the same picture.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from brush import Array, Brush, Canvas, cover, fractal, grid, mix, noise, ramp, smoothstep
from plants import bushes, cabin, conifer, flowers, grass, rocks
from scene import (
    FALL_FOOT,
    FALL_TOP,
    FALL_X,
    HEIGHT,
    HORIZON,
    SUN,
    WIDTH,
    River,
    below,
    clouds,
    fall_mask,
    make_river,
    ridge,
    sky_colour,
    slope_light,
    sun_mask,
)

SEED = 20
SHAPE = (HEIGHT, WIDTH)
FLOW_REDUCTION = 4
CLOUD_SPEED = 0.6
FALL_SPEED = 2.2
PROMPT = "an oil painting of a river winding through a mountain valley at dusk, a waterfall, clouds"
MOTION = "river flowing toward the bottom left, waterfall falling down, clouds drifting right"
ARROWS = (  # x, y of their start, shares of width and height; their way follows the true flow
    (0.20, 0.08), (0.50, 0.15), (0.75, 0.20), (0.30, 0.25),
    (0.205, 0.42), (0.205, 0.48),
    (0.50, 0.59), (0.43, 0.63), (0.50, 0.68), (0.59, 0.75), (0.55, 0.83), (0.47, 0.86), (0.38, 0.88),
)  # fmt: skip


@dataclass(frozen=True)
class Example:
    """What the script draws.

    Attributes:
        art: uint8 [H, W, 3].
        masks: float64 [H, W], 0..1, by region: what of it is seen.
        flow: float64 [H, W, 2], the true velocity, pixels per frame; reaches a little beyond the masks.
    """

    art: np.ndarray
    masks: dict[str, Array]
    flow: Array

    @property
    def mask(self) -> Array:
        """float64 [H, W]: the union."""
        return np.maximum.reduce(list(self.masks.values()))


def _full(value: float) -> Array:
    return np.full(SHAPE, value)


def paint_sky(canvas: Canvas, random: np.random.Generator) -> None:
    """The gradient of dusk, the sun, and long clouds."""
    ys, xs = grid(HEIGHT, WIDTH)
    colour, whole = sky_colour(), np.ones(SHAPE)
    around = np.arctan2((ys - SUN[1]) * HEIGHT, (xs - SUN[0]) * WIDTH) + np.pi / 2
    near = np.exp(-((np.hypot((xs - SUN[0]) * 1.5, ys - SUN[1]) / 0.16) ** 2))
    wave = 0.35 * noise(random, SHAPE, (4, 5))
    angle = np.where(near > 0.35, around, wave)
    sky = whole * (ys < HORIZON + 0.06)
    canvas.fill(whole, colour)
    cover(canvas, sky, colour, angle, Brush(46, 9, 0.75, 0.035, 0.2, 0.8))
    cover(canvas, sky, colour, angle, Brush(26, 5, 0.9, 0.03, 0.2, 0.6))
    disc = np.broadcast_to(np.array([1.0, 0.95, 0.78]), (*SHAPE, 3))
    canvas.fill(sun_mask(), disc)
    amount, tint = clouds(random)
    canvas.fill(amount * 0.6, tint)
    swirl = 0.55 * noise(random, SHAPE, (7, 6))
    cover(canvas, amount, tint, swirl, Brush(30, 7, 0.62, 0.05, 0.25, 0.75))
    cover(canvas, amount, tint, swirl, Brush(15, 3.6, 0.8, 0.06, 0.3, 0.75))


def paint_mountains(canvas: Canvas, random: np.random.Generator) -> None:
    """Snowy peaks far away, then two ranges that come nearer and darker."""
    ys, xs = grid(HEIGHT, WIDTH)
    near_sun = np.exp(-(((xs - SUN[0]) / 0.30) ** 2))
    far = ridge(random, 0.400, 0.115, 4, 0.02) + 0.075 * np.exp(-(((np.arange(WIDTH) / WIDTH - SUN[0]) / 0.10) ** 2))
    light = slope_light(random, far, 26)
    haze = smoothstep(0.36, 0.56, ys)
    rock = mix(np.array([0.36, 0.34, 0.58]), np.array([0.86, 0.58, 0.62]), light)
    snow_line = far[None] + 0.05 + 0.035 * noise(random, SHAPE, (12, 40))
    snow = smoothstep(0.012, -0.012, ys - snow_line)
    snowy = mix(np.array([0.56, 0.54, 0.78]), np.array([1.0, 0.84, 0.76]), light)
    colour = mix(mix(rock, snowy, snow * 0.92), np.array([0.93, 0.68, 0.60]), haze * (0.55 + 0.35 * near_sun))
    steep = np.where(light > 0.5, 0.95, 2.15) + 0.3 * noise(random, SHAPE, (20, 30))
    mask = below(far)
    canvas.fill(mask, colour)
    cover(canvas, mask, colour, steep, Brush(15, 4, 0.7, 0.05, 0.2, 0.75))
    cover(canvas, mask, colour, steep, Brush(9, 2.4, 0.95, 0.05, 0.25, 0.7))
    for height, rough, cells, tilt, dark, lit, fog in (
        (0.478, 0.085, 5, 0.03, (0.30, 0.27, 0.47), (0.70, 0.47, 0.52), 0.62),
        (0.525, 0.065, 7, -0.02, (0.19, 0.22, 0.36), (0.50, 0.40, 0.40), 0.46),
    ):
        line = ridge(random, height, rough, cells, tilt)
        light = slope_light(random, line, 34)
        mask = below(line)
        mist = smoothstep(height - 0.05, HORIZON + 0.05, ys)
        colour = mix(np.array(dark), np.array(lit), light * (0.55 + 0.45 * near_sun))
        colour = mix(colour, np.array([0.90, 0.66, 0.60]), mist * fog * (0.6 + 0.6 * near_sun).clip(0, 1))
        steep = np.where(light > 0.5, 0.75, 2.4) + 0.3 * noise(random, SHAPE, (20, 30))
        canvas.fill(mask, colour)
        cover(canvas, mask, colour, steep, Brush(14, 4, 0.7, 0.05, 0.25, 0.75))


def paint_cliff(canvas: Canvas, random: np.random.Generator) -> None:
    """The rock wall on the left, and the waterfall in its cleft."""
    ys, xs = grid(HEIGHT, WIDTH)
    columns = np.arange(WIDTH) / WIDTH
    wall = 0.365 + 0.012 * noise(random, (2, WIDTH), (1, 40))[0] + 0.008 * noise(random, (2, WIDTH), (1, 90))[0]
    shoulder = np.clip((columns - 0.27) / 0.13, 0, 1)
    wall = wall + 0.24 * shoulder**1.35 - 0.055 * np.exp(-(((columns - 0.08) / 0.07) ** 2))
    wall += 0.022 * np.exp(-(((columns - FALL_X) / 0.020) ** 2))
    mask = below(wall)
    strata = fractal(random, SHAPE, (8, 60), 3)
    light = np.clip(0.42 + 0.55 * strata + 0.5 * (xs - 0.16), 0, 1)
    colour = mix(np.array([0.15, 0.14, 0.26]), np.array([0.60, 0.42, 0.42]), light)
    top = smoothstep(0.028, 0.004, ys - wall[None])
    colour = mix(colour, np.array([0.47, 0.44, 0.26]), top * 0.8)
    colour = mix(colour, np.array([0.62, 0.52, 0.60]), smoothstep(0.50, 0.60, ys) * 0.45)
    shade = np.exp(-(((xs - FALL_X) / 0.030) ** 2)) * smoothstep(FALL_TOP - 0.02, FALL_TOP + 0.03, ys)
    colour = mix(colour, np.array([0.10, 0.10, 0.21]), shade * 0.6)
    canvas.fill(mask, colour)
    upright = _full(np.pi / 2) + 0.25 * noise(random, SHAPE, (20, 30))
    cover(canvas, mask, colour, upright, Brush(17, 4.2, 0.62, 0.07, 0.15, 0.8))
    cover(canvas, mask, colour, upright, Brush(9, 2.4, 0.9, 0.08, 0.25, 0.7))
    for number in range(26):
        column = 0.005 + 0.335 * (number + 0.6 * float(random.random())) / 26
        foot = float(wall[min(int(column * WIDTH), WIDTH - 1)]) + 0.012
        if abs(column - FALL_X) > 0.018:
            conifer(canvas, random, (column * WIDTH, foot * HEIGHT), 13 + 14 * float(random.random()), 0.35)
    falls = fall_mask()
    streak = noise(random, (2, WIDTH), (1, 260))[0][None] + 0.5 * fractal(random, SHAPE, (14, 200), 2)
    water = mix(np.array([0.62, 0.66, 0.86]), np.array([1.0, 0.95, 0.93]), np.clip(0.62 + 0.55 * streak, 0, 1))
    canvas.fill(falls, water, "waterfall")
    cover(canvas, falls, water, _full(np.pi / 2), Brush(13, 2.0, 0.5, 0.10, 0.05, 0.8), region="waterfall")


def paint_ground(canvas: Canvas, random: np.random.Generator) -> None:
    """Meadows from the foot of the mountains to the viewer."""
    ys, xs = grid(HEIGHT, WIDTH)
    line = HORIZON + 0.012 * noise(random, (2, WIDTH), (1, 6))[0] + 0.028 * (np.arange(WIDTH) / WIDTH < 0.3)
    line = np.convolve(np.pad(line, 30, mode="edge"), np.ones(61) / 61, mode="valid")
    depth = np.clip((ys - HORIZON) / (1 - HORIZON), 0, 1)
    patches = fractal(random, SHAPE, (12, 4), 4)
    swell = np.sin((depth**0.6 * 15) + 2.2 * noise(random, SHAPE, (4, 5)) + 3 * (xs - 0.5) * np.sign(xs - 0.45))
    near_sun = np.exp(-(((xs - SUN[0]) / 0.26) ** 2))
    green = ramp(
        np.clip(depth + 0.06 * patches, 0, 1),
        [(0, (164, 128, 116)), (0.10, (112, 114, 88)), (0.35, (66, 92, 62)), (1, (22, 44, 44))],
    )
    gold = ramp(depth, [(0, (250, 190, 134)), (0.25, (222, 166, 88)), (0.6, (164, 132, 62)), (1, (92, 84, 44))])
    sunny = np.clip(0.20 + 0.42 * swell + 0.55 * patches + 0.55 * near_sun * (1 - depth), 0, 1)
    colour = mix(green, gold, sunny * 0.9)
    corner = np.clip((np.abs(xs - 0.5) - 0.2) * 1.6 + (depth - 0.55) * 0.9, 0, 1)
    colour = mix(colour, np.array([0.07, 0.11, 0.15]), corner * 0.62)
    mask = below(line, 1.2)
    canvas.fill(mask, colour)
    tilt = 0.22 * noise(random, SHAPE, (8, 6)) + 0.16 * swell * np.sign(xs - 0.5)
    scale = 0.3 + 1.2 * depth
    cover(canvas, mask, colour, tilt, Brush(20, 5, 0.62, 0.08, 0.25, 0.8), scale=scale)
    cover(canvas, mask, colour, tilt, Brush(11, 2.8, 0.9, 0.10, 0.35, 0.7), scale=scale)


def paint_far_woods(canvas: Canvas, random: np.random.Generator) -> None:
    """Belts of small conifers where the meadow begins, and the mist at the foot of the falls."""
    ys, xs = grid(HEIGHT, WIDTH)
    mist = np.exp(-(((xs - FALL_X) / 0.045) ** 2) - ((ys - FALL_FOOT + 0.015) / 0.032) ** 2)
    canvas.fill(mist * 0.8, np.broadcast_to(np.array([0.94, 0.86, 0.90]), (*SHAPE, 3)))
    for low, high, row, size, count in (
        (0.62, 1.00, 0.556, 13, 110),
        (0.00, 0.36, 0.582, 17, 120),
        (0.70, 1.00, 0.576, 21, 70),
        (0.00, 0.30, 0.604, 27, 70),
        (0.84, 1.00, 0.606, 34, 28),
        (0.00, 0.17, 0.640, 40, 26),
    ):
        for number in range(count):
            share = (number + float(random.random())) / count
            if abs(low + (high - low) * share - FALL_X) < 0.018 and row < 0.60:
                continue
            x, foot = (low + (high - low) * share) * WIDTH, row * HEIGHT + 5 * (float(random.random()) - 0.5)
            tall = size * (0.55 + 0.8 * float(random.random())) * (1 - 0.6 * share if low == 0 else 0.4 + 0.6 * share)
            conifer(canvas, random, (x, foot), tall, 0.45)


def paint_river(canvas: Canvas, random: np.random.Generator, river: River) -> None:
    """Water that mirrors the sky, in strokes along the current."""
    ys, xs = grid(HEIGHT, WIDTH)
    sky = canvas.rgb
    mirror = np.clip(((HORIZON - (ys - HORIZON) * 0.92) * HEIGHT).astype(int), 0, HEIGHT - 1)
    columns = np.broadcast_to(np.arange(WIDTH), SHAPE)
    reflected = cv2.GaussianBlur(sky, (0, 0), 5)[mirror, columns]
    deep = ramp(river.depth, [(0, (236, 176, 142)), (0.25, (150, 120, 160)), (0.6, (58, 78, 130)), (1, (24, 44, 88))])
    # ripples are long along the current: noise in the river's own coordinates
    rows = np.clip((np.sqrt(river.depth) * HEIGHT * 0.98).astype(int), 0, HEIGHT - 1)
    lanes = np.clip(((river.across + 1.2) / 2.4 * WIDTH).astype(int), 0, WIDTH - 1)
    ripple = fractal(random, SHAPE, (26, 16), 4)[rows, lanes]
    colour = mix(deep, reflected, np.clip(0.50 - 0.18 * river.depth + 0.4 * ripple, 0, 1))
    glitter = np.exp(-(((xs - SUN[0]) / (0.035 + 0.10 * river.depth)) ** 2)) * smoothstep(-0.05, 0.4, ripple)
    colour = mix(colour, np.array([1.0, 0.83, 0.56]), np.clip(glitter * 0.95 * (1 - 0.45 * river.depth), 0, 1))
    crest = smoothstep(0.42, 0.72, ripple)
    colour = mix(colour, np.array([0.93, 0.80, 0.80]), crest * 0.65)
    bank = smoothstep(0.80, 1.0, np.abs(river.across))
    colour = mix(colour, np.array([0.12, 0.15, 0.22]), bank * 0.55)
    angle = np.arctan2(river.flow[..., 1], river.flow[..., 0])
    scale = 0.28 + 1.25 * river.depth
    canvas.fill(river.mask, colour, "river")
    cover(canvas, river.mask, colour, angle, Brush(30, 5.0, 0.55, 0.06, 0.06, 0.8), scale=scale, region="river")
    cover(canvas, river.mask, colour, angle, Brush(17, 2.3, 0.72, 0.10, 0.07, 0.85), scale=scale, region="river")


def paint_foreground(canvas: Canvas, random: np.random.Generator, river: River) -> None:
    """Rocks and grass along the banks, a cabin with a lit window, flowers, and the tall trees that frame the view."""
    rocks(canvas, random, river.across, river.depth)
    bushes(canvas, random, river.across, river.depth)
    cabin(canvas, random, (0.775 * WIDTH, 0.655 * HEIGHT), 54)
    grass(canvas, random, river.across, river.depth)
    flowers(canvas, random, river.across, river.depth)
    for x, foot, tall in (
        (0.700, 0.640, 52), (0.845, 0.665, 96), (0.880, 0.690, 130), (0.815, 0.640, 66),
        (0.085, 0.745, 92), (0.030, 0.770, 128), (0.935, 0.790, 214), (0.985, 0.860, 330), (0.895, 0.745, 120),
    ):  # fmt: skip
        conifer(canvas, random, (x * WIDTH, foot * HEIGHT), float(tall), 1.0)


def draw() -> Example:
    """Draw the picture; takes some seconds."""
    random = np.random.default_rng(SEED)
    ys, _ = grid(HEIGHT, WIDTH)
    river = make_river()
    canvas = Canvas(np.zeros((*SHAPE, 3)), random)
    paint_sky(canvas, random)
    canvas.shows["clouds"] = smoothstep(0.355, 0.300, ys)
    paint_mountains(canvas, random)
    paint_cliff(canvas, random)
    paint_ground(canvas, random)
    paint_far_woods(canvas, random)
    paint_river(canvas, random, river)
    paint_foreground(canvas, random, river)
    art = np.rint(np.clip(canvas.rgb, 0, 1) * 255).astype(np.uint8)
    masks = {name: np.where(shown > 0.02, shown, 0) for name, shown in canvas.shows.items()}
    return Example(art, masks, true_flow(masks, river))


def true_flow(masks: dict[str, Array], river: River) -> Array:
    """[H, W, 2]: each place has the velocity of the region that is, or would be, seen there."""
    ys, xs = grid(HEIGHT, WIDTH)
    flow = river.flow.copy()
    flow[ys < 0.37] = (CLOUD_SPEED, 0.0)
    falls = (np.abs(xs - FALL_X) < 0.035) & (ys > FALL_TOP - 0.01) & (ys < FALL_FOOT + 0.02)
    falls &= masks["clouds"] < 0.5
    drop = FALL_SPEED * (0.7 + 0.6 * np.clip((ys - FALL_TOP) / (FALL_FOOT - FALL_TOP), 0, 1))
    flow[falls] = np.stack([np.zeros(SHAPE), drop], axis=-1)[falls]
    return flow


def write(example: Example, folder: Path) -> None:
    """Write the example's files into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_png(folder / "art.png", example.art[..., ::-1])
    _write_png(folder / "mask.png", np.rint(example.mask * 255).astype(np.uint8))
    for name, mask in example.masks.items():
        _write_png(folder / f"mask_{name}.png", np.rint(mask * 255).astype(np.uint8))
    size = (WIDTH // FLOW_REDUCTION, HEIGHT // FLOW_REDUCTION)
    reduced = cv2.resize(example.flow, size, interpolation=cv2.INTER_AREA) / FLOW_REDUCTION
    np.savez_compressed(folder / "flow_truth.npz", flow=reduced.astype(np.float16))
    motion = {
        "prompt": PROMPT,
        "motion": MOTION,
        "regions": sorted(example.masks),
        "hints": {"version": 1, "arrows": [_arrow(example.flow, place) for place in ARROWS]},
    }
    (folder / "motion.json").write_text(json.dumps(motion, indent=2) + "\n", encoding="utf-8", newline="\n")


def _arrow(flow: Array, place: tuple[float, float]) -> dict[str, list[float]]:
    """The way of a point in one second (30 frames), drawn along the velocity at its start."""
    x, y = place
    dx, dy = flow[int(y * HEIGHT), int(x * WIDTH)] * 30
    return {"from": [x, y], "to": [round(float(x + dx / WIDTH), 4), round(float(y + dy / HEIGHT), 4)]}


def _write_png(path: Path, picture: np.ndarray) -> None:
    done, data = cv2.imencode(".png", np.ascontiguousarray(picture), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    if not done:
        raise OSError(f"cannot encode {path.name}")
    path.write_bytes(data.tobytes())


if __name__ == "__main__":
    default = Path(__file__).resolve().parent.parent / "t2c_ext" / "example"
    write(draw(), Path(sys.argv[1]) if len(sys.argv) > 1 else default)
