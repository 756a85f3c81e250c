"""What the miniature model learns from: a simpler part of the world, each layout as a photograph and as a painting.

Drawn once, at 256², and kept on disk in shards; smaller pictures are made from these.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from world import words
from world.canvas import Canvas
from world.looks import LOOKS, sheet_of
from world.sky import LIGHTS
from world.textures import Array
from world.views import draw

SIDE = 256
"""Side of a lesson's pictures in pixels."""

GRID = 32
"""Side of its masks: one cell for each latent."""

SIZE = 250
"""Layouts in a shard."""

THINGS = 8
"""Most things of a layout that masks are kept of."""

WORDINGS = 4
"""Captions of each picture."""

FIRST_HELD_OUT = 1_000_000
"""No layout from this number on is ever learnt from."""

CLUTTER = 0.35
"""Of a lesson's canvas (`Canvas.clutter`): simpler than the other scenes, which have 1."""

TRIES = 5
"""Photographs that are drawn at most until one has colours."""

VIEWS: dict[str, float] = {
    "river": 4.0,
    "lake": 2.0,
    "shore": 1.0,
    "seaside": 2.5,
    "waterfall": 4.0,
    "heavens": 1.5,
    "burning": 2.2,
    "winter": 0.8,
    "canal": 0.6,
    "misty": 0.5,
}
"""Kinds of pictures, and how often each is drawn: those in which something moves."""

PAINTED: dict[str, float] = {
    "oil painting": 4.0,
    "watercolour": 2.0,
    "ukiyo-e print": 1.0,
    "starry night": 1.5,
    "anime": 1.0,
    "neon": 0.6,
}
"""Looks beside the photograph, and how often each is painted."""

LIKELY: dict[str, float] = {
    "day": 2.5,
    "sunset": 1.2,
    "dusk": 0.6,
    "dawn": 0.8,
    "night": 0.7,
    "storm": 0.5,
    "overcast": 0.8,
    "golden hour": 0.6,
}
"""Lights, and how often each is drawn."""


@dataclass(frozen=True)
class Lesson:
    """One layout in two looks.

    Attributes:
        view: one of `VIEWS`.
        look: of the painting, one of `PAINTED`.
        photograph, painting: float32 [S, S, 3], 0..1.
        captions: `WORDINGS` for the photograph, then as many for the painting.
        things: names of what can be seen, the most important first.
        masks: float32 [N, S, S], 0..1, of the things.
        angles: of each thing's motion in degrees, None where it has none.
        moving: whether each moves.
        flow: float32 [S, S, 2], pixels a frame.
    """

    view: str
    look: str
    photograph: Array
    painting: Array
    captions: tuple[str, ...]
    things: tuple[str, ...]
    masks: Array
    angles: tuple[float | None, ...]
    moving: tuple[bool, ...]
    flow: Array


def make_lesson(seed: int, side: int = SIDE) -> Lesson:
    """Draw a lesson; the same number and size give the same one."""
    random = np.random.default_rng([seed, 10])
    view = _pick(VIEWS, random)
    light = _pick(LIKELY, random)
    lights = [one for one in LIGHTS if one.name == light]
    canvas = Canvas(side, side, random, lights[int(random.integers(len(lights)))], haze=float(random.uniform(0.2, 0.7)))
    canvas.tint, canvas.clutter = 0.06, CLUTTER
    draw(canvas, view)
    look = _pick(PAINTED, np.random.default_rng([seed, 11]))
    manner = np.random.default_rng([seed, 12])
    photograph = LOOKS["photograph"][0](sheet_of(canvas, manner))
    for _ in range(TRIES):
        # one in black and white or sepia would not tell that photographs have colours
        if not _monochrome(photograph):
            break
        photograph = LOOKS["photograph"][0](sheet_of(canvas, manner))
    painting = LOOKS[look][0](sheet_of(canvas, np.random.default_rng([seed, 13])))
    talk = np.random.default_rng([seed, 14])
    captions = [words.caption(canvas.things, light, "photograph", talk, plain=0.5) for _ in range(WORDINGS)]
    captions += [words.caption(canvas.things, light, look, talk) for _ in range(WORDINGS)]
    seen = words.seen(canvas.things)[:THINGS]
    masks = np.stack([thing.mask for thing in seen]) if seen else np.zeros((0, side, side), np.float32)
    return Lesson(
        view,
        look,
        np.clip(photograph, 0, 1).astype(np.float32),
        np.clip(painting, 0, 1).astype(np.float32),
        tuple(captions),
        tuple(thing.word for thing in seen),
        masks,
        tuple(thing.angle for thing in seen),
        tuple(thing.moving for thing in seen),
        canvas.flow * (side / 512),
    )


def _monochrome(rgb: Array) -> bool:
    """Whether a picture has one hue, or none, all over."""
    tone = rgb.mean(axis=2, keepdims=True)
    return float(np.abs(rgb - tone * (rgb.mean(axis=(0, 1)) / max(float(tone.mean()), 1e-3))).mean()) < 0.008


def _pick(table: dict[str, float], random: np.random.Generator) -> str:
    share = np.array(list(table.values()))
    return str(random.choice(list(table), p=share / share.sum()))


@dataclass(frozen=True)
class Shard:
    """`SIZE` lessons, two pictures each: photographs have even places, paintings odd ones.

    Attributes:
        rgb: uint8 [2 * SIZE, 256, 256, 3].
        captions: `WORDINGS` for each picture.
        things: names for each layout.
        masks: uint8 [SIZE, THINGS, 32, 32], of the things, 0..255.
    """

    rgb: NDArray[np.uint8]
    captions: list[list[str]]
    things: list[list[str]]
    masks: NDArray[np.uint8]


def load_shard(folder: Path, number: int) -> Shard:
    """The layouts `number * SIZE` and on; drawn and written where they are not there yet."""
    path = folder / "lessons" / f"{number:04d}"
    if not path.is_dir():
        _draw(path, number * SIZE)
    said = json.loads((path / "words.json").read_text(encoding="utf-8"))
    return Shard(
        np.load(path / "rgb.npy", mmap_mode="r"), said["captions"], said["things"], np.load(path / "masks.npy")
    )


def _draw(path: Path, first: int) -> None:
    rgb = np.zeros((2 * SIZE, SIDE, SIDE, 3), np.uint8)
    masks = np.zeros((SIZE, THINGS, GRID, GRID), np.uint8)
    captions: list[tuple[str, ...]] = []
    things: list[tuple[str, ...]] = []
    for index in range(SIZE):
        lesson = make_lesson(first + index)
        rgb[2 * index] = np.round(lesson.photograph * 255)
        rgb[2 * index + 1] = np.round(lesson.painting * 255)
        for number, mask in enumerate(lesson.masks):
            masks[index, number] = np.round(cv2.resize(mask, (GRID, GRID), interpolation=cv2.INTER_AREA) * 255)
        captions += [lesson.captions[:WORDINGS], lesson.captions[WORDINGS:]]
        things.append(lesson.things)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.mkdir(parents=True)
    np.save(temporary / "rgb.npy", rgb)
    np.save(temporary / "masks.npy", masks)
    said = {"captions": captions, "things": things}
    (temporary / "words.json").write_text(json.dumps(said), encoding="utf-8")
    temporary.rename(path)


def main() -> None:
    """Draw shards: `python -m world.lessons FOLDER FIRST LAST`."""
    import sys

    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        load_shard(Path(sys.argv[1]), number)
        print(number, flush=True)


if __name__ == "__main__":
    main()
