"""What flows: rivers, canals, lakes, seas and waterfalls, with the velocity of every pixel."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from world.canvas import Canvas, Colour
from world.land import rock_face
from world.textures import Array

WATERS: tuple[Colour, ...] = (
    (0.10, 0.26, 0.38),
    (0.08, 0.32, 0.36),
    (0.16, 0.30, 0.28),
    (0.10, 0.18, 0.26),
    (0.22, 0.44, 0.52),
    (0.28, 0.27, 0.20),
    (0.30, 0.58, 0.62),
)
"""Deep blue, teal, green, dark, light blue, muddy, turquoise."""


def water_colours(canvas: Canvas, shore: Array | float, calm: float) -> Array:
    """Water seen from its bank: it mirrors what stands behind it, has a colour of its own, ripples and glitter.

    Args:
        canvas: as it is before there is water.
        shore: y at which things are mirrored, a number or float32 [H, W].
        calm: 1 a mirror, 0 choppy.

    Returns:
        float32 [H, W, 3].
    """
    near = np.clip((canvas.y - shore) / np.maximum(1 - np.asarray(shore, np.float32), 0.1), 0, 1)
    ripple = canvas.plane("wide", canvas.uniform(0.3, 0.9), float(np.mean(shore))) * (0.3 + 0.7 * near)
    small = canvas.noise("flat", canvas.uniform(0.6, 1.4))
    wobble = (0.004 + 0.05 * (1 - calm) * near) * ripple
    source_y = np.clip(2 * np.asarray(shore, np.float32) - canvas.y + wobble, 0.01, 0.99) * canvas.height
    source_x = np.clip(canvas.x + wobble * 0.4, 0, 1) * canvas.width
    mirrored = cv2.remap(
        canvas.rgb,
        source_x.astype(np.float32),
        source_y.astype(np.float32),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    above = np.asarray(canvas.light.middle, np.float32) * 0.6 + 0.4 * np.asarray(canvas.light.zenith, np.float32)
    own = canvas.lit(WATERS[int(canvas.random.integers(len(WATERS)))]) * canvas.uniform(0.7, 1.25) * 0.6 + 0.4 * above
    share = np.clip(0.30 + 0.55 * calm - 0.35 * near, 0.1, 0.9)[..., None]
    colour = own * (1 - share) + mirrored * share * 0.94
    relief = canvas.uniform(0.08, 0.22) * (1.15 - calm) * ripple + 0.05 * (1.1 - calm) * small
    colour = colour * np.clip(1 + relief, 0.4, 1.7)[..., None]
    glint = 0.6 * canvas.plane("fine", canvas.uniform(0.8, 1.6), float(np.mean(shore))) + 0.6 * small + 0.3 * ripple
    sparkle = np.clip((glint - canvas.uniform(1.0, 2.2)) * 1.5, 0, 1) * (1.1 - calm)
    shine = np.asarray(canvas.light.horizon, np.float32) * 0.6 + 0.4 * np.asarray(canvas.light.lamp, np.float32)
    colour = colour + (shine - colour) * np.clip(sparkle, 0, 0.85)[..., None]
    return np.asarray(colour, np.float32)


def _drift(canvas: Canvas, speed: Array, dx: Array | float, dy: Array | float) -> Array:
    length = np.sqrt(np.asarray(dx, np.float32) ** 2 + np.asarray(dy, np.float32) ** 2) + 1e-6
    shape = (canvas.height, canvas.width)
    parts = [np.broadcast_to(np.asarray(part / length * speed, np.float32), shape) for part in (dx, dy)]
    return np.stack(parts, axis=-1)


def draw_river(canvas: Canvas, horizon: float) -> None:
    """A river that comes from the distance in bends, or goes there."""
    near = canvas.nearness(horizon)
    away, close = canvas.uniform(0.25, 0.75), canvas.uniform(0.0, 1.0)
    swing, turns, phase = canvas.uniform(0.05, 0.32), canvas.uniform(0.6, 2.2), canvas.uniform(0, 6.3)
    path = near ** canvas.uniform(0.45, 0.8)
    middle = away + (close - away) * path + swing * near**0.6 * np.sin(path * 6.28 * turns + phase)
    half = 0.006 + canvas.uniform(0.08, 0.5) * near ** canvas.uniform(0.9, 1.3)
    half = half * (1 + 0.10 * canvas.noise("soft"))
    inside = (half - np.abs(canvas.x - middle)) * canvas.aspect
    slope = np.gradient(middle[:, 0]) * canvas.height * canvas.aspect
    lean = np.clip(slope, -6, 6)[:, None] * np.ones((1, canvas.width), np.float32)
    sign = 1 if canvas.chance(0.75) else -1
    flow = _drift(canvas, 0.3 + 1.4 * near, lean * sign, np.full_like(lean, sign))
    _fill(canvas, inside, canvas.y - horizon - 0.008, horizon, flow, "river", canvas.uniform(0.1, 0.8))


def draw_band(canvas: Canvas, horizon: float, word: str = "river") -> float:
    """Water from side to side with a far bank, and perhaps a near one; its upper edge is returned."""
    top = horizon + canvas.uniform(0.0, 0.12)
    tilt = canvas.uniform(-0.12, 0.12)
    upper = top + tilt * (canvas.x - 0.5) + 0.02 * (canvas.skyline(0.8, 3)[None] - 0.5)
    lower = np.full_like(upper, 1.2)
    if canvas.chance(0.45):
        lower = canvas.uniform(0.72, 0.98) + canvas.uniform(-0.2, 0.2) * (canvas.x - 0.5)
        lower = lower + 0.06 * (canvas.skyline(0.7, 3)[None] - 0.5)
    inside = np.minimum(canvas.y - upper, lower - canvas.y)
    near = canvas.nearness(top)
    sign = 1 if canvas.chance(0.5) else -1
    slant = tilt + canvas.uniform(-0.3, 0.5) * near
    flow = _drift(canvas, 0.35 + 1.0 * near, np.full_like(near, sign), slant * sign)
    calm = canvas.uniform(0.55, 1.0) if word == "lake" else canvas.uniform(0.0, 0.8)
    _fill(canvas, inside, inside, top, flow, word, calm)
    return top


def draw_lake(canvas: Canvas, horizon: float) -> None:
    """A lake or a pond that lies in the ground."""
    middle_y = horizon + canvas.uniform(0.12, 0.3)
    tall = min(canvas.uniform(0.08, 0.26), (middle_y - horizon) * 0.92)
    wide = canvas.uniform(0.28, 0.75)
    middle_x = canvas.uniform(0.2, 0.8)
    ring = np.hypot((canvas.x - middle_x) / wide, (canvas.y - middle_y) / tall)
    inside = (1 - ring + 0.09 * canvas.noise("soft", 1.2)) * tall
    sign = 1 if canvas.chance(0.5) else -1
    flow = _drift(canvas, np.full_like(ring, 0.5), np.full_like(ring, sign), 0.0)
    _fill(canvas, inside, canvas.y - horizon - 0.008, middle_y - tall, flow, "lake", canvas.uniform(0.5, 1.0))


def _fill(canvas: Canvas, inside: Array, below: Array, shore: float, flow: Array, word: str, calm: float) -> None:
    """Water with a bank around it."""
    opacity = canvas.edge(inside, 1.5) * canvas.edge(below)
    bank = canvas.edge(inside + 0.006, 3) * canvas.edge(below + 0.006)
    canvas.add(canvas.lit((0.30, 0.26, 0.20)) * canvas.uniform(0.5, 1.1), bank * canvas.uniform(0.1, 0.6))
    colour = water_colours(canvas, shore, calm)
    if calm < 0.45 and canvas.chance(0.7):
        colour = _rapids(canvas, colour, flow, canvas.uniform(0.2, 1.0) * (1 - calm))
    canvas.cover("water", opacity, colour, 0.25, word, flow)


def _rapids(canvas: Canvas, colour: Array, flow: Array, amount: float) -> Array:
    """White water drawn out along the stream."""
    noise = canvas.noise("even", 0.9) + 0.4 * canvas.noise("fine")
    length = np.sqrt((flow**2).sum(axis=-1)) + 1e-6
    step = 0.006 * canvas.height
    columns, rows = canvas.x * canvas.width - 0.5, canvas.y * canvas.height - 0.5
    total = noise.copy()
    for number in (-3, -2, -1, 1, 2, 3):
        dx, dy = (flow[..., k] / length * step * number for k in (0, 1))
        total += cv2.remap(
            noise,
            (columns + dx).astype(np.float32),
            (rows + dy).astype(np.float32),
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REFLECT,
        )
    foam = np.clip((total / 3.2 + 1.9 * amount - 1.5) * 1.2, 0, 0.95)[..., None]
    return np.asarray(colour + (canvas.lit((0.93, 0.96, 0.98)) - colour) * foam, np.float32)


def draw_sea(canvas: Canvas, horizon: float) -> None:
    """The sea to the horizon: smooth, with swell, or with breakers in rows; perhaps a beach."""
    near = canvas.nearness(horizon)
    rough = canvas.uniform(0, 1)
    colour = water_colours(canvas, horizon, 0.9 - 0.8 * rough)
    warp = 0.55 * canvas.plane("even", 0.6, horizon)
    waves = np.sin(canvas.uniform(1.6, 4.5) / (near + 0.10) + warp * canvas.uniform(1.2, 3) + canvas.uniform(0, 6))
    swell = waves * (0.35 + near) * rough
    colour = colour * np.clip(1 + 0.26 * swell, 0.5, 1.5)[..., None]
    if rough > 0.35:
        crest = np.clip((waves - canvas.uniform(0.5, 0.9)) * 4, 0, 1) * np.clip(
            0.6 + 0.8 * canvas.plane("fine", 0.9, horizon), 0, 1
        )
        colour = colour + (canvas.lit((0.95, 0.97, 0.99)) - colour) * (crest * (0.25 + 0.75 * near))[..., None]
    sign = 1 if canvas.chance(0.5) else -1
    flow = _drift(canvas, 0.2 + 0.9 * near, np.full_like(near, sign), canvas.uniform(0, 0.3))
    level = np.full(canvas.width, horizon, np.float32)
    opacity = canvas.edge(canvas.y - level[None])
    if canvas.chance(0.4):
        _beach(canvas, horizon, colour)
        shore = canvas.uniform(0.74, 0.95) + 0.08 * (canvas.skyline(0.5, 2)[None] - 0.5)
        shore = shore + canvas.uniform(-0.25, 0.25) * (canvas.x - 0.5)
        inside = shore - canvas.y
        foam = np.exp(-((inside / canvas.uniform(0.01, 0.03)) ** 2)) * canvas.uniform(0.4, 1)
        colour = colour + (canvas.lit((0.95, 0.97, 0.98)) - colour) * foam[..., None]
        opacity = opacity * canvas.edge(inside, 1.5)
    canvas.cover("water", opacity, canvas.hazy(colour, 0.6 * (1 - near)[..., None]), 0.3, "sea", flow)


def _beach(canvas: Canvas, horizon: float, water: Array) -> None:
    stony = canvas.chance(0.25)
    sand = canvas.lit((0.45, 0.43, 0.42) if stony else (0.82, 0.72, 0.54)) * canvas.uniform(0.7, 1.1)
    colour = sand * (1 + 0.09 * canvas.noise("even") + 0.08 * canvas.noise("grain"))[..., None]
    canvas.cover("ground", canvas.edge(canvas.y - horizon), colour, 0.1, "beach")


def draw_islands(canvas: Canvas, horizon: float, colour: Callable[[], Array]) -> None:
    """Rock or green land in the sea at the horizon."""
    middle, wide, high = canvas.uniform(0, 1), canvas.uniform(0.1, 0.45), canvas.uniform(0.04, 0.2)
    hump = np.clip(1 - ((canvas.x[0] - middle) / wide) ** 2, 0, 1)
    top = horizon - high * hump * (0.6 + 0.4 * canvas.skyline(0.9, 6)) + 0.012 * (hump <= 0)
    base = horizon + canvas.uniform(0.004, 0.05) * (hump > 0)
    opacity = canvas.edge(canvas.y - top[None]) * canvas.edge(base[None] - canvas.y)
    canvas.cover("ground", opacity, canvas.hazy(colour(), 0.5), 0.6, "island")


def draw_waterfall(canvas: Canvas, top: float, bottom: float, wide: float, middle: float) -> None:
    """A fall, or several strands of it, from a lip over ledges to its foot.

    Args:
        canvas: with the cliff on it.
        top: y of the lip.
        bottom: y of the foot.
        wide: width of the whole in shares of the width.
        middle: x of its middle.
    """
    share = np.clip((canvas.y - top) / (bottom - top), 0, 1)
    lean = canvas.uniform(-0.12, 0.12)
    tiers = int(canvas.random.integers(1, 4))
    spread = canvas.uniform(1.0, 2.0)
    strands = int(canvas.random.integers(1, 5)) if wide > 0.16 else 1
    ragged = 0.014 * canvas.noise("tall", 1.0) + 0.008 * canvas.noise("even", 1.2)
    inside = np.full_like(share, -1.0)
    centre = np.zeros_like(share)
    steps = np.floor(share * tiers * 0.999) / tiers
    for number in range(strands):
        offset = (number - (strands - 1) / 2) / strands * wide
        jog = steps * canvas.uniform(-0.15, 0.15)
        path = middle + offset * (1 + (spread - 1) * share) + lean * share + jog
        half = wide / strands * canvas.uniform(0.35, 0.62) * (1 + (spread - 1) * share + 0.2 * (share * tiers % 1))
        start = top + canvas.uniform(-0.01, 0.05) * (number > 0)
        here = np.minimum(half - np.abs(canvas.x - path) + ragged, canvas.y - start + 0.3 * ragged)
        inside = np.maximum(inside, here)
        centre = np.where(here >= inside, path, centre)
    opacity = canvas.edge(inside * canvas.aspect, 2) * canvas.edge(bottom - canvas.y + 0.5 * ragged, 2)
    colour = _falling_colours(canvas, share, tiers)
    slope = np.gradient(centre[:, canvas.width // 2])[:, None] * canvas.height
    flow = _drift(canvas, 0.9 + 0.9 * share, np.clip(slope, -0.5, 0.5) * np.ones_like(share), np.ones_like(share))
    canvas.cover("waterfall", opacity, colour, 0.35, "waterfall", flow)


def draw_veils(canvas: Canvas, top: float, bottom: float, wide: float, middle: float) -> None:
    """A fall of many threads: narrow at its lip, parted by rock, wider and fainter below, white where it lands.

    Args:
        canvas: with the rock on it.
        top: y of the lip.
        bottom: y of the foot.
        wide: width of the whole in shares of the width.
        middle: x of its middle.
    """
    share = np.clip((canvas.y - top) / (bottom - top), 0, 1)
    tiers, lean = int(canvas.random.integers(1, 5)), canvas.uniform(-0.08, 0.08)
    threads, streaks = canvas.noise("tall", canvas.uniform(0.6, 1.6)), canvas.noise("tall", canvas.uniform(1.5, 3.0))
    opacity = np.zeros_like(share)
    for number in range(int(canvas.random.integers(1, 7))):
        wander = canvas.uniform(0, 0.04) * canvas.noise("soft")[:, canvas.width // 2, None]
        jog = np.floor(share * tiers * 0.999) / tiers * canvas.uniform(-0.12, 0.12)
        path = middle + canvas.uniform(-0.5, 0.5) * wide * (number > 0) + lean * share + jog + wander
        half = wide * canvas.uniform(0.06, 0.45) * (0.3 + canvas.uniform(0.2, 1.5) * share ** canvas.uniform(0.5, 1.6))
        start = top + canvas.uniform(0, 0.3) * (bottom - top) * (number > 0)
        inside = half * (1 + 0.3 * threads) - np.abs(canvas.x - path)
        body = np.clip(inside / canvas.uniform(0.004, 0.03) + 0.5, 0, 1)
        body = body * np.clip((canvas.y - start + 0.01 * threads) / 0.012, 0, 1)
        opacity = np.maximum(opacity, body * canvas.uniform(0.75, 1.0))
    opacity = opacity * np.clip(1.15 - canvas.uniform(0.0, 0.3) + canvas.uniform(0.0, 0.35) * streaks, 0.25, 1)
    opacity = opacity * np.clip((bottom - canvas.y + 0.02 * threads) / canvas.uniform(0.01, 0.06), 0, 1)
    boil = ((canvas.x - middle - lean) / (0.4 * wide + 0.04)) ** 2 + (
        (canvas.y - bottom) / canvas.uniform(0.02, 0.08)
    ) ** 2
    mist = np.exp(-boil) * canvas.uniform(0.3, 1.0) * np.clip(0.8 + 0.35 * canvas.noise("even"), 0, 1.2)
    opacity = np.clip(np.maximum(opacity, mist), 0, 1)
    colour = _falling_colours(canvas, share, tiers)
    flow = _drift(canvas, 0.9 + 0.9 * share, np.full_like(share, lean), np.ones_like(share))
    canvas.cover("waterfall", opacity, colour, 0.35, "waterfall", flow)


def _falling_colours(canvas: Canvas, share: Array, tiers: int) -> Array:
    tint = np.array([canvas.uniform(0.75, 1.0), canvas.uniform(0.88, 1.0), 1.0], np.float32)
    threads = canvas.noise("tall", canvas.uniform(0.6, 1.4))
    shade = np.clip(0.86 + canvas.uniform(0.06, 0.20) * threads + 0.05 * canvas.noise("fine"), 0.4, 1.12)
    colour = canvas.lit((0.97, 0.98, 1.0), 0.85) * tint * shade[..., None]
    if tiers > 1:
        ledge = np.exp(-((((share * tiers) % 1) / 0.10) ** 2))[..., None] * 0.5
        colour = colour * (1 - 0.25 * ledge)
    return np.asarray(colour, np.float32)


def draw_pool(canvas: Canvas, foot: float, middle: float) -> None:
    """Water at the foot of a fall, white where it lands, from side to side or round."""
    calm = canvas.uniform(0.2, 0.9)
    colour = water_colours(canvas, foot, calm)
    boil = np.exp(-(((canvas.x - middle) / canvas.uniform(0.12, 0.3)) ** 2) - ((canvas.y - foot) / 0.07) ** 2)
    mist = np.clip(boil * (0.9 + 0.35 * canvas.noise("even")), 0, 1)[..., None]
    colour = colour + (canvas.lit((0.95, 0.97, 0.99)) - colour) * mist
    wide = canvas.uniform(0.3, 1.2)
    ring = np.hypot((canvas.x - middle) / wide, (canvas.y - foot - 0.16) / canvas.uniform(0.16, 0.3))
    inside = np.minimum(1 - ring + 0.06 * canvas.noise("soft"), (canvas.y - foot) * 6 + 0.10 * canvas.noise("even"))
    sign = 1 if canvas.chance(0.5) else -1
    flow = _drift(canvas, np.full_like(ring, 0.5), np.full_like(ring, 0.4 * sign), np.ones_like(ring))
    canvas.cover("water", canvas.edge(inside * 0.2, 2), colour, 0.25, "pool", flow)


def draw_cliff(canvas: Canvas, top: float, foot: float) -> None:
    """A wall of rock across the picture, down to the lower border."""
    line = top + 0.10 * (canvas.skyline(1.0, canvas.uniform(1.5, 5)) - 0.5)
    canvas.cover("ground", canvas.edge(canvas.y - line[None]), rock_face(canvas), 0.5, "cliff")
