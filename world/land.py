"""What stands still: mountains, hills, forests, fields, roads, cliffs, trees and rocks."""

from __future__ import annotations

import cv2
import numpy as np

from world.canvas import Canvas, Colour
from world.textures import Array

ROCKS: tuple[Colour, ...] = (
    (0.42, 0.42, 0.46),
    (0.46, 0.39, 0.32),
    (0.33, 0.34, 0.36),
    (0.55, 0.47, 0.40),
    (0.28, 0.27, 0.29),
    (0.58, 0.42, 0.32),
)
LEAVES: tuple[Colour, ...] = (
    (0.16, 0.30, 0.12),
    (0.24, 0.38, 0.12),
    (0.34, 0.44, 0.16),
    (0.10, 0.22, 0.16),
    (0.46, 0.42, 0.14),
    (0.58, 0.34, 0.12),
    (0.30, 0.46, 0.28),
)
GROUNDS: dict[str, tuple[Colour, str]] = {
    "meadow": ((0.36, 0.50, 0.18), "vegetation"),
    "grass": ((0.28, 0.42, 0.16), "vegetation"),
    "wheat field": ((0.76, 0.62, 0.28), "vegetation"),
    "sand": ((0.80, 0.69, 0.50), "ground"),
    "rocks": ((0.44, 0.42, 0.40), "ground"),
    "earth": ((0.44, 0.33, 0.22), "ground"),
    "snow": ((0.90, 0.93, 0.97), "snow"),
}
"""What may lie on the ground: its colour and class."""


def one_of(canvas: Canvas, colours: tuple[Colour, ...]) -> Colour:
    """A colour of a list, a little varied."""
    base = np.array(colours[int(canvas.random.integers(len(colours)))])
    varied = base * canvas.uniform(0.8, 1.2) * canvas.random.uniform(0.92, 1.08, 3)
    return (float(varied[0]), float(varied[1]), float(varied[2]))


def draw_mountains(canvas: Canvas, horizon: float, height: float, layers: int = 2) -> None:
    """Ridges behind one another, the far ones hazy, now and then with snow."""
    snowy = canvas.chance(0.5)
    tall = canvas.uniform(0.7, 1.4)
    rock = one_of(canvas, ROCKS)
    for number in range(layers):
        near = (number + 1) / layers
        top = horizon - height * (1 - 0.45 * near * (layers > 1)) * _peaks(canvas, tall) + 0.02
        distance = 0.95 - 0.35 * near
        down = canvas.y - top[None]
        colour = _slopes(canvas, canvas.lit(rock), down)
        if snowy:
            line = canvas.uniform(0.05, 0.16) + 0.05 * canvas.noise("even", 1.2)
            cap = canvas.edge(line - down, 3)[..., None] * 0.92
            shine = np.clip(0.72 + 0.5 * (colour / np.maximum(canvas.lit(rock), 0.02) - 0.9), 0.35, 1.05)
            colour = colour + (canvas.lit((0.95, 0.96, 1.0)) * shine - colour) * cap
        opacity = canvas.edge(down) * (canvas.y < horizon + 0.2)
        canvas.cover("ground", opacity, canvas.hazy(colour, distance), distance, "mountains")
    if snowy:
        canvas.describe("mountains", "snowy")


def _peaks(canvas: Canvas, sharp: float) -> Array:
    line = canvas.skyline(canvas.uniform(0.7, 1.3), canvas.uniform(1.5, 4.5))
    return line**sharp


def _slopes(canvas: Canvas, colour: Array, down: Array) -> Array:
    """Ribs that run down from the ridge, lit from one side."""
    relief = canvas.noise("even", canvas.uniform(0.8, 1.6))
    step = max(1, canvas.width // 128)
    side = 1 if canvas.chance(0.5) else -1
    facing = (relief - np.roll(relief, side * step, axis=1)) * 2.2
    shade = np.clip(0.95 + 0.35 * facing + 0.06 * canvas.noise("grain"), 0.45, 1.4)
    return np.asarray(colour * (shade * (1.02 - 0.35 * np.clip(down / 0.3, 0, 1)))[..., None], np.float32)


def draw_hills(canvas: Canvas, base: float, height: float, distance: float) -> None:
    """Rounded hills of grass, or bare."""
    bare = canvas.chance(0.25)
    colour = canvas.lit(one_of(canvas, ROCKS if bare else LEAVES))
    top = base - height * canvas.skyline(0.35, canvas.uniform(1, 3))
    down = canvas.y - top[None]
    mottle = 1 + 0.10 * canvas.noise("even") + 0.05 * canvas.noise("grain")
    shade = mottle * (1.1 - 0.4 * np.clip(down / 0.3, 0, 1))
    painted = canvas.hazy(colour * shade[..., None], distance)
    canvas.cover("ground" if bare else "vegetation", canvas.edge(down), painted, distance, "hills")


def draw_forest(canvas: Canvas, base: float, height: float, distance: float) -> None:
    """A wall of trees: spires or round crowns along a line."""
    spires = canvas.chance(0.5)
    columns = np.arange(canvas.width, dtype=np.float32) / canvas.width * canvas.aspect
    count = canvas.uniform(14, 40) * (0.5 + distance)
    phase = columns * count + 0.7 * canvas.skyline(1.0, 8)
    index = np.floor(phase).astype(int)
    share = phase - index
    tall = np.random.default_rng(int(canvas.random.integers(2**31))).uniform(0.4, 1.0, index.max() + 2)[index]
    crown = 1 - np.abs(2 * share - 1) if spires else np.sqrt(np.clip(1 - (2 * share - 1) ** 2, 0, 1)) * 0.6 + 0.3
    swell = canvas.skyline(0.6, 3)
    top = base - height * (0.45 * swell + 0.55 * tall * crown) - 0.01 * canvas.skyline(1.2, 60)
    down = canvas.y - top[None]
    colour = canvas.lit(one_of(canvas, LEAVES)) * (0.6 if spires else 0.85)
    leafy = 1 + 0.24 * canvas.noise("fine", 1.0) + 0.10 * canvas.noise("grain")
    shade = np.clip(leafy, 0.3, 1.7) * (1.15 - 0.5 * np.clip(down / max(height, 0.05), 0, 1))
    painted = canvas.hazy(colour * shade[..., None], distance * 0.8)
    canvas.cover("vegetation", canvas.edge(down, 1.5), painted, distance, "trees")


def draw_ground(canvas: Canvas, horizon: float, kind: str = "") -> str:
    """Level ground down to the lower border; its word is returned."""
    kind = kind or canvas.pick(list(GROUNDS), [3, 4, 1, 1.5, 1.2, 1.2, 1.5])
    base, share = GROUNDS[kind]
    top = horizon + 0.012 * (canvas.skyline(0.6, 3) - 0.5)
    near = canvas.nearness(horizon)
    texture = canvas.plane("even", canvas.uniform(0.5, 1.2), horizon) * (0.4 + 0.6 * near)
    mottle = 1 + 0.14 * texture + 0.06 * canvas.noise("grain") * near
    if kind == "wheat field" or (share != "snow" and canvas.chance(0.15)):
        mottle = mottle + 0.14 * np.sin((canvas.x - canvas.uniform(0, 1)) / (near + 0.05) * canvas.uniform(8, 20))
    colour = canvas.lit(base) * (mottle * (0.8 + 0.3 * near))[..., None]
    if kind in ("meadow", "grass") and canvas.chance(0.35):
        flower = (canvas.noise("grain", 0.6) > 2.0) * near
        colour = colour + (canvas.lit(_flower(canvas)) - colour) * np.clip(flower, 0, 1)[..., None]
    canvas.cover(share, canvas.edge(canvas.y - top[None]), canvas.hazy(colour, 0.55 * (1 - near)[..., None]), 0.3, kind)
    return kind


def _flower(canvas: Canvas) -> Colour:
    return ((0.9, 0.2, 0.2), (0.95, 0.9, 0.3), (0.7, 0.4, 0.9), (1.0, 1.0, 1.0))[int(canvas.random.integers(4))]


def draw_road(canvas: Canvas, horizon: float) -> None:
    """A road or a path towards the horizon: what a river may be mistaken for."""
    near = canvas.nearness(horizon)
    away, close = canvas.uniform(0.3, 0.7), canvas.uniform(0.2, 0.8)
    middle = away + (close - away) * near + canvas.uniform(-0.1, 0.1) * np.sin(near * canvas.uniform(1, 5)) * near
    half = 0.008 + canvas.uniform(0.15, 0.5) * near
    across = (canvas.x - middle) / half
    asphalt = canvas.chance(0.6)
    colour = canvas.lit((0.30, 0.30, 0.32) if asphalt else (0.62, 0.52, 0.38))
    colour = colour * (1 + 0.06 * canvas.noise("grain") + 0.05 * canvas.noise("even"))[..., None]
    if asphalt and canvas.chance(0.7):
        dashes = (np.sin(6 / (near + 0.03)) > 0) & (np.abs(across) < 0.03)
        colour = np.where(
            (dashes | (np.abs(np.abs(across) - 0.9) < 0.03))[..., None], canvas.lit((0.9, 0.9, 0.85)), colour
        )
    opacity = canvas.edge((half - np.abs(canvas.x - middle)) * canvas.aspect) * canvas.edge(canvas.y - horizon - 0.01)
    canvas.cover("ground", opacity, canvas.hazy(colour, 0.5 * (1 - near)[..., None]), 0.3, "road")


def rock_face(canvas: Canvas) -> Array:
    """Colours of a cliff: cracks, layers, moss; float32 [H, W, 3]."""
    rock = canvas.lit(one_of(canvas, ROCKS))
    relief = canvas.noise("tall" if canvas.chance(0.6) else "even", canvas.uniform(0.6, 1.3))
    step = max(1, canvas.width // 128)
    facing = (relief - np.roll(relief, step, axis=1)) * 1.2
    shade = 0.9 + 0.22 * facing + 0.16 * canvas.noise("even", 1.2) + 0.08 * canvas.noise("fine", 1.5)
    if canvas.chance(0.3):
        shade = shade + 0.12 * np.sin(canvas.y * canvas.uniform(20, 60) + 2 * canvas.noise("soft"))
    colour = rock * np.clip(shade, 0.25, 1.6)[..., None]
    if canvas.chance(0.5):
        moss = canvas.edge(canvas.noise("even", 1.0) - canvas.uniform(0.2, 1.2), 60)[..., None]
        colour = (
            colour + (canvas.lit(one_of(canvas, LEAVES)) * np.clip(shade, 0.3, 1.5)[..., None] - colour) * moss * 0.8
        )
    return np.asarray(colour, np.float32)


def draw_tree(canvas: Canvas, x: float, foot: float, height: float, distance: float) -> None:
    """A conifer, a round tree or a bare one."""
    wide = height * canvas.uniform(0.25, 0.55) / canvas.aspect
    where = canvas.box(x - wide * 1.2, foot - height * 1.05, x + wide * 1.2, foot + 0.01)
    if where is None:
        return
    across, up = (canvas.x[where] - x) / wide, (foot - canvas.y[where]) / height
    noise = cv2.resize(canvas.noise("fine", 0.5)[: across.shape[0], : across.shape[1]], across.shape[::-1])
    kind = canvas.pick(["conifer", "round", "poplar"], [4, 4, 1])
    if kind == "conifer":
        tiers = np.abs((up * canvas.uniform(3, 6)) % 1 - 0.0)
        crown = (1 - up) * (0.75 - 0.25 * tiers) - np.abs(across) + 0.08 * noise
        crown = np.where(up > 0.1, crown, -1)
    elif kind == "round":
        crown = 0.85 - np.hypot(across, (up - 0.62) / 0.40) + 0.13 * noise
    else:
        crown = 0.30 * np.sqrt(np.clip(up * (1 - up) * 4, 0, 1)) - np.abs(across) + 0.05 * noise
    opacity = np.clip(crown * height * canvas.height * 0.5 + 0.5, 0, 1)
    trunk = (np.abs(across) < 0.07) & (up > 0) & (up < 0.5)
    lit = np.clip(0.85 + 0.25 * noise - 0.3 * across * (1 if x < 0.5 else -1) + 0.25 * (up - 0.5), 0.35, 1.5)
    leaf = canvas.hazy(canvas.lit(one_of(canvas, LEAVES)), distance * 0.6) * lit[..., None]
    bark = canvas.hazy(canvas.lit((0.26, 0.19, 0.14)), distance * 0.6)
    canvas.cover_box("vegetation", where, trunk.astype(np.float32), bark, distance, "trees")
    canvas.cover_box("vegetation", where, opacity.astype(np.float32), leaf.astype(np.float32), distance, "trees")


def draw_trees(canvas: Canvas, horizon: float, count: int) -> None:
    """Trees here and there on the ground, the near ones larger; not in the water."""
    feet = np.sort(canvas.random.uniform(horizon + 0.01, min(horizon + 0.35, 0.98), count))
    for foot in feet:
        x = canvas.uniform(-0.02, 1.02)
        near = (foot - horizon) / (1 - horizon)
        row, column = (int(np.clip(v * n, 0, n - 1)) for v, n in ((foot, canvas.height), (x, canvas.width)))
        if canvas.shares[2:4, row, column].sum() < 0.3:
            draw_tree(canvas, x, float(foot), 0.07 + canvas.uniform(0.3, 0.65) * near, 0.6 * (1 - near))


def draw_frame(canvas: Canvas) -> None:
    """Near leaves that come in from a side, as painters frame a view."""
    left = canvas.chance(0.5)
    reach = canvas.uniform(0.12, 0.36)
    side = canvas.x if left else 1 - canvas.x
    tilt = canvas.uniform(-0.25, 0.25) * (canvas.y - 0.5)
    leafy = canvas.noise("even", canvas.uniform(0.7, 1.4))
    distance = reach + tilt - side + 0.06 * leafy + 0.05 * (canvas.skyline(1, 4)[0] - 0.5)
    colour = canvas.lit(one_of(canvas, LEAVES)) * canvas.uniform(0.45, 0.95)
    shade = np.clip(0.9 + 0.35 * canvas.noise("fine", 0.9) + 0.15 * leafy, 0.25, 1.7)
    canvas.cover("vegetation", canvas.edge(distance, 2), colour * shade[..., None], 0.05, "trees")


def draw_bank(canvas: Canvas) -> None:
    """The near shore: a corner of rock, grass or bush at the lower border."""
    side = canvas.x if canvas.chance(0.5) else 1 - canvas.x
    high, long = canvas.uniform(0.08, 0.3), canvas.uniform(0.25, 1.3)
    line = 1 - high * np.clip(1 - side / long, 0, 1) ** canvas.uniform(0.6, 1.4)
    line = line + 0.025 * canvas.noise("even", 0.8)
    distance = canvas.y - line - 0.01
    if canvas.chance(0.5):
        colour, kind, word = rock_face(canvas), "ground", "rocks"
    else:
        leaf = canvas.lit(one_of(canvas, LEAVES))
        colour = leaf * np.clip(0.9 + 0.3 * canvas.noise("fine"), 0.3, 1.6)[..., None]
        kind, word = "vegetation", "grass"
    canvas.cover(kind, canvas.edge(distance, 1.5) * (side < long), colour, 0.05, word)


def draw_rocks(canvas: Canvas, top: float, count: int, largest: float = 0.09) -> None:
    """Boulders, in or beside water."""
    face = rock_face(canvas)
    for _ in range(count):
        x, y = canvas.uniform(0, 1), canvas.uniform(top, 1.0)
        wide = canvas.uniform(0.3, 1.0) * largest * (0.35 + y)
        tall = wide * canvas.uniform(0.4, 0.9)
        where = canvas.box(
            x - wide * 1.3 / canvas.aspect, y - tall * 1.3, x + wide * 1.3 / canvas.aspect, y + tall * 0.5
        )
        if where is None:
            continue
        across, up = (canvas.x[where] - x) * canvas.aspect / wide, (y - canvas.y[where]) / tall
        angle = np.arctan2(up, across)
        bumps = 0.12 * np.sin(angle * 3 + canvas.uniform(0, 6)) + 0.06 * np.sin(angle * 7 + canvas.uniform(0, 6))
        shape = 0.9 + bumps - np.hypot(across, up)
        opacity = np.clip(shape * wide * canvas.height + 0.5, 0, 1) * np.clip((up + 0.25) * tall * canvas.height, 0, 1)
        shade = np.clip(0.75 + 0.35 * up - 0.15 * across, 0.4, 1.3)
        canvas.cover_box("ground", where, opacity, face[where] * shade[..., None], 0.2, "rocks")
