"""Scenes kept on disk in shards of a thousand, drawn when they are first asked for: training draws each once."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from world.canvas import KINDS
from world.scenes import make_scene

SIZE = 1000
"""Scenes in a shard."""

MIXED = len(KINDS)
"""Label of a pixel that no class has the most part of: no loss is taken there."""


@dataclass(frozen=True)
class Shard:
    """A thousand scenes.

    Attributes:
        rgb: uint8 [N, S, S, 3].
        labels: uint8 [N, S, S], a class of `KINDS`, or `MIXED`.
        captions: N sentences.
    """

    rgb: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    captions: list[str]


def load_shard(folder: Path, number: int, side: int, size: int = SIZE, view: str | None = None) -> Shard:
    """The scenes `number * size` and on, squares of `side` pixels; drawn and written where they are not there yet.

    Args:
        folder: that holds them.
        number: of the shard.
        side: in pixels.
        size: scenes in it.
        view: which kind of picture all of them are, one of `VIEWS`; each its own where it is None.
    """
    path = folder / (f"{view}-{side}" if view else f"scenes-{side}") / f"{number:04d}"
    if not path.is_dir():
        _draw(path, number * size, side, size, view)
    captions = json.loads((path / "captions.json").read_text(encoding="utf-8"))
    return Shard(np.load(path / "rgb.npy", mmap_mode="r"), np.load(path / "labels.npy", mmap_mode="r"), captions)


def labels_of(shares: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The class that has most of each pixel, uint8 [H, W]; `MIXED` where none has six tenths of it."""
    owner = np.argmax(shares, axis=0).astype(np.uint8)
    owner[shares.max(axis=0) < 0.6] = MIXED
    return owner


def _draw(path: Path, first: int, side: int, size: int, view: str | None) -> None:
    rgb = np.zeros((size, side, side, 3), np.uint8)
    labels = np.zeros((size, side, side), np.uint8)
    captions = []
    for index in range(size):
        scene = make_scene(first + index, side, side, view=view)
        rgb[index] = np.round(scene.rgb * 255)
        labels[index] = labels_of(scene.shares)
        captions.append(scene.caption)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.mkdir(parents=True)
    np.save(temporary / "rgb.npy", rgb)
    np.save(temporary / "labels.npy", labels)
    (temporary / "captions.json").write_text(json.dumps(captions), encoding="utf-8")
    temporary.rename(path)
