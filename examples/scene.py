"""The geometry of the valley: where everything is, which colour it has, and how the water and the clouds move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from brush import Array, fractal, grid, mix, noise, ramp, smoothstep
from scipy.interpolate import PchipInterpolator

HEIGHT, WIDTH = 512, 768
HORIZON = 0.535
SUN = (0.615, 0.405)
FALL_X, FALL_TOP, FALL_FOOT = 0.205, 0.385, 0.578

_RIVER = [  # y, x of the middle, half of the width; shares of height and width
    (0.550, 0.585, 0.003),
    (0.566, 0.560, 0.010),
    (0.590, 0.485, 0.024),
    (0.620, 0.432, 0.036),
    (0.655, 0.452, 0.047),
    (0.700, 0.540, 0.062),
    (0.750, 0.592, 0.082),
    (0.810, 0.565, 0.112),
    (0.880, 0.490, 0.155),
    (0.950, 0.430, 0.205),
    (1.020, 0.400, 0.262),
]


@dataclass(frozen=True)
class River:
    """The river in its own coordinates.

    Attributes:
        mask: float64 [H, W], 0..1, before anything stands in front of it.
        across: [H, W], -1 at its left bank, 1 at its right one; lines of equal value are streamlines.
        depth: [H, W], 0 at the horizon, 1 at the lower border.
        flow: [H, W, 2], its velocity in pixels per frame; defined a little beyond the banks too.
    """

    mask: Array
    across: Array
    depth: Array
    flow: Array


def make_river() -> River:
    """The winding river, and a velocity that follows its streamlines and grows towards the viewer."""
    ys, xs = grid(HEIGHT, WIDTH)
    rows = np.array([row for row, _, _ in _RIVER])
    middle = PchipInterpolator(rows, [x for _, x, _ in _RIVER])
    half = PchipInterpolator(rows, [w for _, _, w in _RIVER])
    clipped = np.clip(ys, rows[0], rows[-1])
    across = (xs - middle(clipped)) / half(clipped)
    slope = (middle(clipped, 1) + across * half(clipped, 1)) * WIDTH / HEIGHT
    length = np.sqrt(slope**2 + 1)
    depth = np.clip((ys - HORIZON) / (1 - HORIZON), 0, 1)
    speed = 0.35 + 1.65 * depth
    flow = np.stack([slope / length, 1 / length], axis=-1) * (speed * (np.abs(across) < 1.6))[..., None]
    edge = (1 - np.abs(across)) * half(clipped) * WIDTH / length
    mask = smoothstep(-0.7, 0.7, edge) * (ys > rows[0])
    return River(mask, across, depth, flow)


def sky_colour() -> Array:
    """Dusk: deep blue above, rose and gold about the sun."""
    ys, xs = grid(HEIGHT, WIDTH)
    stops = [
        (0.00, (34, 44, 98)),
        (0.14, (66, 68, 134)),
        (0.27, (134, 96, 156)),
        (0.36, (214, 130, 148)),
        (0.44, (248, 176, 128)),
        (0.54, (254, 212, 150)),
    ]
    far = np.hypot((xs - SUN[0]) * 1.5, ys - SUN[1])
    base = ramp(ys + 0.16 * np.clip(far - 0.15, 0, 1) ** 1.2 * -1.0, stops)
    glow = np.exp(-((far / 0.17) ** 2)) * 0.75 + np.exp(-((far / 0.42) ** 2)) * 0.25
    return mix(base, np.array([1.0, 0.86, 0.58]), np.clip(glow, 0, 1))


def sun_mask() -> Array:
    """The sun's disc."""
    ys, xs = grid(HEIGHT, WIDTH)
    return smoothstep(1.15, 0.95, np.hypot((xs - SUN[0]) * WIDTH, (ys - SUN[1]) * HEIGHT) / 23)


def clouds(random: np.random.Generator) -> tuple[Array, Array]:
    """Cover [H, W], 0..1, and colour [H, W, 3] of long clouds that the low sun lights from below."""
    ys, xs = grid(HEIGHT, WIDTH)
    shape = (HEIGHT, WIDTH)
    bend = noise(random, shape, (3, 3)) * 0.03
    field = fractal(random, shape, (9, 4), 5)
    rows = np.clip(((ys + bend) * HEIGHT).astype(int), 0, HEIGHT - 1)
    field = np.take_along_axis(field, rows, axis=0)
    band = smoothstep(0.015, 0.09, ys) * smoothstep(0.345, 0.245, ys)
    amount = smoothstep(-0.12, 0.36, field + 0.28 * band - 0.22 + 0.12 * np.cos((xs - 0.2) * 7)) * band
    below = np.roll(amount, -7, axis=0)
    lit = np.clip((amount - below) * 1.7 + 0.34 * smoothstep(0.08, 0.3, ys) + 0.12 * field, 0, 1)
    near = np.exp(-(((xs - SUN[0]) / 0.34) ** 2))
    body = ramp(np.clip(ys / 0.34, 0, 1), [(0.0, (60, 62, 116)), (0.5, (116, 88, 146)), (1.0, (182, 112, 146))])
    warm = mix(np.array([0.93, 0.56, 0.58]), np.array([1.0, 0.80, 0.56]), near)
    return amount, mix(body, warm, np.clip(lit * (0.75 + 0.45 * near), 0, 1))


def ridge(random: np.random.Generator, height: float, rough: float, cells: int, tilt: float = 0.0) -> Array:
    """A skyline: y of the ridge at each column, as a share of the height."""
    line = np.zeros(WIDTH)
    for octave in range(6):
        wave = noise(random, (2, WIDTH), (1, cells << octave))[0]
        line += (0.5 - np.abs(wave)) / 1.85**octave
    return height - rough * line + tilt * (np.arange(WIDTH) / WIDTH - 0.5)


def below(line: Array, softness: float = 0.8) -> Array:
    """Opacity [H, W] of everything under a skyline."""
    ys, _ = grid(HEIGHT, WIDTH)
    return smoothstep(-softness, softness, (ys - line[None]) * HEIGHT)


def slope_light(random: np.random.Generator, line: Array, cells: int) -> Array:
    """0..1: how much of the low sun a mountain's slope catches, in ribs that run down from the ridge."""
    ys, xs = grid(HEIGHT, WIDTH)
    down = np.clip(ys - line[None], 0, 1)
    drift = noise(random, (HEIGHT, WIDTH), (5, 7)) * 0.02
    columns = np.clip(((xs + drift + (xs - SUN[0]) * down * 0.9) * WIDTH).astype(int), 0, WIDTH - 1)
    rib = sum(noise(random, (2, WIDTH), (1, cells << octave))[0] / 1.6**octave for octave in range(4))
    facing = np.gradient(np.asarray(rib)) * WIDTH / cells * 0.12
    towards = np.sign(SUN[0] - xs)
    return smoothstep(-0.35, 0.45, facing[columns] * towards + 0.3 * noise(random, (HEIGHT, WIDTH), (40, 40)))


def fall_mask() -> Array:
    """The waterfall: narrow at its lip, wider at its foot."""
    ys, xs = grid(HEIGHT, WIDTH)
    share = np.clip((ys - FALL_TOP) / (FALL_FOOT - FALL_TOP), 0, 1)
    half = 0.0085 + 0.0085 * share**1.5
    middle = FALL_X + 0.006 * np.sin(share * 4.0)
    edge = (half - np.abs(xs - middle)) * WIDTH
    return smoothstep(-0.8, 0.8, edge) * smoothstep(-1.0, 1.5, (ys - FALL_TOP) * HEIGHT) * (ys < FALL_FOOT)
