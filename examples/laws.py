"""Small pictures of what does not flow, each with the mask of what moves, and their loops for the README.

python examples/laws.py
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from brush import Array, fractal

from t2c_ext import animate

SIDE = 256
SHIFT = 4
"""Bits of a fraction of a pixel in coordinates of OpenCV."""

Scene = tuple[Array, Array]
"""Colours [SIDE, SIDE, 3] in 0..1, and the mask [SIDE, SIDE] of what moves."""


def _ground(top: tuple[float, float, float], bottom: tuple[float, float, float]) -> Array:
    share = np.linspace(0, 1, SIDE)[:, None, None]
    return np.repeat(np.array(top) + share * (np.array(bottom) - np.array(top)), SIDE, axis=1)


def _fixed(*point: float) -> tuple[int, ...]:
    return tuple(round(value * 2**SHIFT) for value in point)


def _line(picture: Array, start: Array, end: Array, colour: tuple[float, ...], width: int) -> None:
    cv2.line(picture, _fixed(*start), _fixed(*end), colour, width, cv2.LINE_AA, SHIFT)


def draw_tree(random: np.random.Generator) -> Scene:
    """A birch before an evening sky; its crown moves, and its trunk stands."""
    picture, crown = _ground((0.55, 0.66, 0.80), (0.96, 0.82, 0.66)), np.zeros((SIDE, SIDE))
    picture[226:] = np.array([0.25, 0.30, 0.18]) + random.random((30, SIDE, 1)) * 0.1

    def branch(foot: Array, angle: float, length: float, width: float, left: int) -> None:
        tip = foot + length * np.array([np.cos(angle), -np.sin(angle)])
        _line(picture, foot, tip, (0.30, 0.24, 0.22), max(1, round(width)))
        if left < 4:
            cv2.circle(crown, _fixed(*tip), round(9 * 2**SHIFT), 1, -1, cv2.LINE_AA, SHIFT)
        if left == 0:
            return
        for turn in random.uniform(0.15, 0.65, 2) * (1, -1):
            branch(tip, angle + turn, length * random.uniform(0.72, 0.86), width * 0.68, left - 1)

    branch(np.array([128.0, 230.0]), np.pi / 2, 52.0, 11.0, 7)
    for row, column in random.permutation(np.argwhere(crown > 0.4))[:5200]:
        light = 0.55 + 0.45 * (1 - row / SIDE) + 0.25 * random.standard_normal()
        colour = np.clip(np.array([0.62, 0.58, 0.20]) * light, 0, 1)
        axes, turn = (2, 1), float(random.uniform(0, 180))
        cv2.ellipse(picture, (int(column), int(row)), axes, turn, 0, 360, tuple(colour), -1, cv2.LINE_AA)
    mask = cv2.GaussianBlur(cv2.dilate(crown, np.ones((5, 5))), (0, 0), 1.5)
    return picture, mask


def draw_flag(random: np.random.Generator) -> Scene:
    """A flag of stripes on its pole, in folds."""
    picture, mask = _ground((0.42, 0.60, 0.84), (0.80, 0.88, 0.95)), np.zeros((SIDE, SIDE))
    picture += 0.05 * fractal(random, (SIDE, SIDE), (3, 3))[..., None]
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    fold = 6 * np.sin(columns / 17 + 0.4)
    height = (rows - 50 - fold) / 110
    inside = (height > 0) & (height < 1) & (columns >= 58) & (columns < 222)
    shade = 0.82 + 0.18 * np.cos(columns / 17 + 0.4)
    stripes = np.array([[0.80, 0.16, 0.18], [0.95, 0.93, 0.86]])[(height * 7).astype(int) % 2]
    weave = 1 + 0.05 * random.standard_normal((SIDE, SIDE))
    picture[inside] = (stripes * (shade * weave)[..., None])[inside]
    mask[inside] = 1
    cv2.rectangle(picture, (50, 26), (56, 256), (0.35, 0.27, 0.20), -1)
    return np.clip(picture, 0, 1), cv2.GaussianBlur(mask, (0, 0), 1.0)


def draw_candles(random: np.random.Generator) -> Scene:
    """Three candles on a table before a dark wall, which they light."""
    picture, mask = _ground((0.10, 0.07, 0.08), (0.22, 0.13, 0.09)), np.zeros((SIDE, SIDE))
    picture += 0.03 * fractal(random, (SIDE, SIDE), (6, 6))[..., None]
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    for x, top in ((62.0, 128.0), (130.0, 100.0), (196.0, 140.0)):
        away = np.hypot(columns - x, rows - top + 12)
        glow = np.exp(-away / 34)
        picture += glow[..., None] * np.array([0.85, 0.48, 0.16]) * 0.75
        mask = np.maximum(mask, np.clip(1.6 * np.exp(-away / 40) - 0.15, 0, 1))
        body = (np.abs(columns - x) < 9) & (rows > top) & (rows < 226)
        wax = np.clip(1 - np.abs(columns - x) / 14, 0, 1)[..., None]
        lit = np.exp(-(rows - top) / 55)[..., None]
        picture[body] = (np.array([0.62, 0.52, 0.42]) * wax * (0.35 + 0.75 * lit))[body]
        flame = ((columns - x) / 5.0) ** 2 + ((rows - top + 13) / 13.0) ** 2
        heart = np.clip(1.4 - flame, 0, 1)[..., None]
        picture = picture + heart * (np.array([1.0, 0.86, 0.48]) - picture)
    return np.clip(picture, 0, 1), mask


def draw_lake(random: np.random.Generator) -> Scene:
    """A village across a lake at dusk, and its lights on the water."""
    picture, mask = _ground((0.16, 0.18, 0.34), (0.72, 0.48, 0.42)), np.zeros((SIDE, SIDE))
    shore = 128
    hills = 96 + (18 * fractal(random, (1, SIDE), (1, 4))[0]).astype(int)
    for column in range(SIDE):
        picture[hills[column] : shore, column] = (0.12, 0.13, 0.20)
    for x in range(14, SIDE - 20, 26):
        tall, wide = int(random.integers(14, 30)), int(random.integers(14, 22))
        picture[shore - tall : shore, x : x + wide] = (0.20, 0.17, 0.20)
        for window in range(x + 3, x + wide - 4, 7):
            picture[shore - tall + 5 : shore - tall + 11, window : window + 4] = (1.0, 0.80, 0.42)
    picture[shore:] = picture[shore - 1 :: -1][: SIDE - shore] * np.array([0.72, 0.76, 0.86])
    picture[shore:] += 0.02 * random.standard_normal((SIDE - shore, SIDE, 1))
    mask[shore + 1 :] = 1
    return np.clip(picture, 0, 1), cv2.GaussianBlur(mask, (0, 0), 1.0)


def draw_snow(random: np.random.Generator) -> Scene:
    """The same village; snow falls in front of all of it."""
    picture, mask = draw_lake(random)
    return picture, np.ones_like(mask)


def draw_beach(random: np.random.Generator) -> Scene:
    """The sea before a beach, with crests that come nearer, a rock in it, and a low sun."""
    picture, mask = _ground((0.50, 0.66, 0.84), (0.98, 0.86, 0.70)), np.zeros((SIDE, SIDE))
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    horizon = 92
    # the sea: darker below, crests closer together toward the horizon
    near = np.clip((rows - horizon + 3) / (SIDE - horizon), 0.02, None)
    water = np.array([0.16, 0.38, 0.46]) + np.clip(1 - near, 0, 1)[..., None] * np.array([0.30, 0.26, 0.20])
    bend = fractal(random, (SIDE, SIDE), (4, 3))
    crest = np.cos(2 * np.pi * (3.2 / near + 0.9 * bend))
    water += (0.10 * np.clip(crest - 0.35, 0, 1) - 0.04 * np.clip(-crest, 0, 1))[..., None]
    water += 0.05 * (fractal(random, (SIDE, SIDE), (60, 20)) * np.sqrt(near))[..., None]
    glint = np.exp(-(((columns - 170) / (10 + 30 * near)) ** 2)) * (fractal(random, (SIDE, SIDE), (80, 26)) > 0.25)
    water += 0.5 * glint[..., None] * np.array([1.0, 0.9, 0.7])
    shore = 205 + 8 * np.sin(columns / 41) + 5 * np.sin(columns / 17 + 1)
    sand = np.array([0.80, 0.70, 0.52]) + 0.02 * random.standard_normal((SIDE, SIDE, 1))
    sand = sand + 0.04 * fractal(random, (SIDE, SIDE), (20, 8))[..., None]
    picture = np.where((rows > horizon)[..., None], water, picture)
    # foam along the edge
    foam = np.exp(-(((shore - rows - 3) / 3.0) ** 2)) * (0.6 + 0.4 * (fractal(random, (SIDE, SIDE), (50, 40)) > 0))
    picture += foam[..., None] * (np.array([0.93, 0.95, 0.93]) - picture)
    beach = np.clip(rows - shore + 0.5, 0, 1)[..., None]
    picture += beach * (sand - picture)
    mask = ((rows > horizon) & (rows < shore)).astype(float)
    for x, y, wide, tall in ((44.0, 128.0, 20.0, 17.0), (66.0, 130.0, 9.0, 7.0)):
        rock = ((columns - x) / wide) ** 2 + ((rows - y + 6) / tall) ** 2 + 0.25 * bend < 1
        rock &= rows < y
        stone = np.array([0.24, 0.21, 0.20]) + 0.10 * np.clip((x - columns) / wide, -1, 1)[..., None]
        stone = stone + 0.05 * random.standard_normal((SIDE, SIDE, 1))
        picture, mask[rock] = np.where(rock[..., None], stone, picture), 0
    sun = np.clip(1.5 - np.hypot(columns - 170, rows - 58) / 9, 0, 1)[..., None]
    picture += sun * (np.array([1.0, 0.97, 0.86]) - picture)
    return np.clip(picture, 0, 1), cv2.GaussianBlur(mask, (0, 0), 0.8)


def draw_gate(random: np.random.Generator) -> Scene:
    """Columns of an old gate before hills in the evening; `depth_of_gate` has its truth."""
    picture = _ground((0.36, 0.42, 0.66), (0.99, 0.80, 0.56))
    depth = depth_of_gate()
    haze = fractal(random, (SIDE, SIDE), (6, 3))
    grain = random.standard_normal((SIDE, SIDE))
    hills = np.array([0.45, 0.44, 0.52]) - 0.20 * np.clip(depth / 0.2, 0, 1)[..., None] + 0.05 * haze[..., None]
    picture = np.where((depth > 0)[..., None], hills, picture)
    grass = np.array([0.34, 0.38, 0.20]) + 0.07 * fractal(random, (SIDE, SIDE), (50, 25))[..., None]
    picture = np.where((depth >= 0.3)[..., None], grass, picture)
    columns = np.mgrid[:SIDE, :SIDE][1].astype(np.float64)
    for x in COLUMNS:
        across = (columns - x) / 13
        light = (0.55 + 0.45 * np.sqrt(np.clip(1 - across**2, 0, 1)) * (1 - 0.5 * across))[..., None]
        stone = np.array([0.78, 0.66, 0.52]) * light * (1 - 0.10 * (np.cos(columns * 1.1) > 0.2))[..., None]
        stone = stone + 0.05 * haze[..., None] + 0.015 * grain[..., None]
        picture = np.where(_column(x)[..., None], stone, picture)
    return np.clip(picture, 0, 1), np.ones((SIDE, SIDE))


COLUMNS = (40.0, 128.0, 216.0)


def _column(x: float) -> Array:
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    shaft, foot = (np.abs(columns - x) < 13) & (rows > 44), (np.abs(columns - x) < 18) & (rows > 214)
    head = (np.abs(columns - x) < 18) & (rows > 34) & (rows < 50)
    return np.asarray((shaft | foot | head) & (rows < 228))


def depth_of_gate() -> Array:
    """[SIDE, SIDE], 0..1, 1 is near: sky 0, hills 0.1 and 0.2, grass from 0.3 to 1, columns 0.72."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    depth = np.where(rows > 118 + 16 * np.sin(columns / 36) + 6 * np.sin(columns / 13), 0.1, 0.0)
    depth = np.where(rows > 148 + 12 * np.sin(columns / 27 + 2), 0.2, depth)
    depth = np.where(rows > 178, 0.3 + 0.7 * (rows - 178) / (SIDE - 178), depth)
    for x in COLUMNS:
        depth = np.where(_column(x), 0.72, depth)
    return np.asarray(depth)


SCENES: dict[str, tuple[Callable[[np.random.Generator], Scene], str]] = {
    "tree": (draw_tree, "the tree sways"),
    "flag": (draw_flag, "the flag waves"),
    "candles": (draw_candles, "the candles flicker"),
    "lake": (draw_lake, "the lake ripples"),
    "snow": (draw_snow, "snow falls gently"),
    "beach": (draw_beach, "waves roll toward the shore"),
    "gate": (draw_gate, "the camera drifts"),
}
"""How each is drawn, and the words that move it."""


def draw(name: str) -> Scene:
    """A scene by its name, the same each time; float32."""
    picture, mask = SCENES[name][0](np.random.default_rng(list(SCENES).index(name)))
    return picture.astype(np.float32), np.clip(mask, 0, 1).astype(np.float32)


def main() -> None:
    """Write law-*.webp beside this file."""
    # snow that is not in the picture is drawn; all of the picture moves then, and so there are fewer frames
    others: dict[str, dict[str, object]] = {
        "snow": {"law": "fall", "strength": 0.6, "frames": 24, "fps": 12},
        "beach": {"frames": 60},
        "gate": {"depth": depth_of_gate(), "frames": 40, "fps": 12},
    }
    for name, (_, words) in SCENES.items():
        picture, mask = draw(name)
        path = Path(__file__).with_name(f"law-{name}.webp")
        settings = {"fps": 20, "frames": 50, "quality": 60, "max_megabytes": 0.15} | others.get(name, {})
        named = None if name == "gate" else {name: mask}
        animate(picture, path, mask=named, motion=words, **settings)


if __name__ == "__main__":
    main()
