"""A scene by its number: the picture in a look, with words, masks, flow and depth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from world import words
from world.canvas import Canvas, Thing
from world.looks import LOOKS, sheet_of
from world.sky import choose_light
from world.textures import Array
from world.views import VIEWS, draw

PAINTED = 0.65
"""Share of scenes that are painted when no look is asked for; the others are photographs."""

ODD_COLOURS = 0.2
"""Share of scenes whose things have strange colours."""


@dataclass(frozen=True)
class Scene:
    """A picture and everything that is true of it.

    Attributes:
        seed: its number.
        view: which kind of picture, one of `VIEWS`.
        look: one of `LOOKS`.
        time: of day, in words.
        rgb: float32 [H, W, 3], 0..1.
        shares: float32 [11, H, W], 0..1: whose each pixel is, by `KINDS`; they sum to 1.
        flow: float32 [H, W, 2], pixels a frame of this picture; 0 where nothing moves.
        depth: float32 [H, W], 0 near .. 1 far.
        things: what words can name, with masks of their own.
        caption: a sentence about it.
    """

    seed: int
    view: str
    look: str
    time: str
    rgb: Array
    shares: Array
    flow: Array
    depth: Array
    things: tuple[Thing, ...]
    caption: str


def make_scene(
    seed: int, height: int = 256, width: int = 256, *, look: str | None = None, view: str | None = None
) -> Scene:
    """Draw a scene; the same number, size, look and view give the same one, and every size and look the same layout.

    Args:
        seed: its number, 0 or more.
        height: in pixels, at least 32.
        width: in pixels, at least 32.
        look: one of `LOOKS`; chosen by the number when None.
        view: one of `VIEWS`; chosen by the number when None.
    """
    random = np.random.default_rng([seed, 0])
    chances = np.array([weight for _, weight in VIEWS.values()])
    chosen = str(random.choice(list(VIEWS), p=chances / chances.sum()))
    light = choose_light(random)
    canvas = Canvas(height, width, random, light, haze=float(random.uniform(0.2, 0.8)))
    canvas.tint = float(random.uniform(0.2, 0.7)) if random.random() < ODD_COLOURS else 0.06
    draw(canvas, view or chosen)
    manner = np.random.default_rng([seed, 1])
    own = _choose_look(manner)
    look = look or own
    rgb = np.clip(LOOKS[look][0](sheet_of(canvas, np.random.default_rng([seed, 2, list(LOOKS).index(look)]))), 0, 1)
    shares = np.clip(canvas.shares, 0, 1)
    shares /= shares.sum(axis=0, keepdims=True)
    flow = canvas.flow * (min(height, width) / 512)
    text = words.caption(canvas.things, light.name, look, np.random.default_rng([seed, 3]))
    return Scene(
        seed,
        view or chosen,
        look,
        light.name,
        np.ascontiguousarray(rgb, np.float32),
        shares,
        flow,
        canvas.depth,
        tuple(canvas.things),
        text,
    )


def _choose_look(random: np.random.Generator) -> str:
    if random.random() >= PAINTED:
        return "photograph"
    chances = np.array([weight for _, weight in LOOKS.values()])
    return str(random.choice(list(LOOKS), p=chances / chances.sum()))
