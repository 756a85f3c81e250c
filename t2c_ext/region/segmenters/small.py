"""The package's own small mask network: eleven classes, six megabytes, run by OpenCV; nothing to download.

It has learnt from drawn scenes and from a few paintings and photographs (`world/` in the repository has the scenes, the
pictures' list, its training and its model card).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import cv2
import numpy as np

from t2c_ext.lexicon import Thing, load_lexicon
from t2c_ext.region.segmenters.closed import ClosedSegmenter
from t2c_ext.region.segmenters.labels import Classes
from t2c_ext.region.segmenters.likelihood import expected_overlap, likelier
from t2c_ext.types import FloatArray, Region

LABELS = ("sky", "cloud", "water", "waterfall", "fire", "smoke", "snow", "plants", "ground", "building", "object")
"""What the network tells apart, in the order of its output."""

SIDE = 160
"""Side of the square that it sees, in pixels; its maps have half of it."""

SQUAREST = 1.5
"""A picture whose sides differ by more than this factor is looked at in parts of this shape."""

OVERLAP = 0.25
"""Share of a part that the next one sees too."""

WARMTH = 1.0
"""What the logits are divided by, so that probabilities mean what they say on held-out scenes."""

EXPECTED, EXPECTED_OF = 1.2, {(0, 1): 1.0, (2,): 1.8, (3,): 1.8, (5,): 2.4}
"""Log-odds that are added everywhere for what is asked for, by its classes: who asks for a river mostly has one in the
picture. Of water the network is too unsure, as what mirrors in it looks like something else, and of smoke, which
few of the pictures had that it learnt from."""

SMALLEST_PICTURE, LEAST_CONTRAST = 16, 0.02
"""A shorter side in pixels, and a range of values, below which a picture shows nothing."""

_BY_APPEARANCE = {
    "sky": Classes((0, 1)),
    "low water": Classes((2,)),
    "falling water": Classes((3,)),
    "fire": Classes((4,)),
    "pale vapour": Classes((5,)),
}
_BY_FAMILY = {"plants": Classes((7,)), "ground": Classes((8,))}


@dataclass
class SmallVocabulary:
    """Which classes a word means: by how its thing looks, as the rules of colour have it too."""

    labels: tuple[str, ...] = LABELS

    def find(self, word: str) -> Classes | None:
        """The classes that stand for a word; None for words of which the network knows nothing."""
        thing = load_lexicon().find(word)
        if thing is not None:
            return _classes_of(thing)
        own = tuple(index for index, label in enumerate(self.labels) if label == word.strip().lower())
        return Classes(own) if own else None

    def name(self, index: int) -> str:
        """The plain name of a class."""
        return self.labels[index]

    def movers(self) -> tuple[tuple[int, ...], ...]:
        """Groups of classes that move of their own accord, sky and water first."""
        return tuple(classes.own for classes in _BY_APPEARANCE.values())


def _classes_of(thing: Thing) -> Classes | None:
    if thing.appearance == "ground cover":
        return _BY_FAMILY.get(thing.family)
    return _BY_APPEARANCE.get(thing.appearance)


class SmallNetwork:
    """The network itself."""

    labels: tuple[str, ...] = LABELS

    def __init__(self) -> None:
        """Read the weights that come with the package."""
        content = files("t2c_ext.region.segmenters").joinpath("small.onnx").read_bytes()
        self._net: Any = cv2.dnn.readNetFromONNX(np.frombuffer(content, np.uint8))

    def probabilities(self, picture: FloatArray) -> FloatArray:
        """See `ClosedNetwork.probabilities`; a view and its mirror image are averaged."""
        height, width = picture.shape[:2]
        if height > width:
            return np.ascontiguousarray(self._wide(picture.transpose(1, 0, 2), upright=False).transpose(0, 2, 1))
        return self._wide(picture, upright=True)

    def _wide(self, picture: FloatArray, upright: bool) -> FloatArray:
        """The probabilities of a picture that is at least as wide as high; `upright` unless it was turned for that."""
        height, width = picture.shape[:2]
        rows = SIDE // 2
        columns = max(1, round(rows * width / height)) if width > SQUAREST * height else rows
        if columns == rows:
            return self._square(picture, upright)
        span = round(rows * SQUAREST)
        total = np.zeros((len(LABELS), rows, columns), np.float32)
        weight = np.zeros(columns, np.float32)
        for start in starts(columns, span):
            left, right = (round(at / columns * width) for at in (start, start + span))
            part = self._square(picture[:, left:right], upright)
            fitted = np.stack([cv2.resize(plane, (span, rows), interpolation=cv2.INTER_LINEAR) for plane in part])
            share = np.minimum(np.arange(span) + 0.5, span - np.arange(span) - 0.5).astype(np.float32)
            total[..., start : start + span] += fitted * share
            weight[start : start + span] += share
        return np.asarray(total / weight, np.float32)

    def _square(self, picture: FloatArray, upright: bool) -> FloatArray:
        view = picture if upright else picture.transpose(1, 0, 2)
        smaller = min(view.shape[:2]) > SIDE
        method = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        small = cv2.resize(np.ascontiguousarray(view), (SIDE, SIDE), interpolation=method)
        both = self._run(small) + self._run(small[:, ::-1])[..., ::-1]
        found = both / 2
        return np.asarray(found if upright else found.transpose(0, 2, 1), np.float32)

    def _run(self, small: FloatArray) -> FloatArray:
        """Probabilities [11, SIDE / 2, SIDE / 2] of one view."""
        self._net.setInput(np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32))
        logits = np.asarray(self._net.forward(), np.float32)[0] / WARMTH
        powers = np.exp(logits - logits.max(axis=0, keepdims=True))
        return np.asarray(powers / powers.sum(axis=0, keepdims=True), np.float32)


def starts(length: int, span: int) -> list[int]:
    """Where parts of `span` begin that cover `length` evenly and overlap by at least `OVERLAP`."""
    count = 1 + int(np.ceil((length - span) / (span * (1 - OVERLAP))))
    return [round(number * (length - span) / max(count - 1, 1)) for number in range(count)]


class SmallSegmenter(ClosedSegmenter):
    """The small network's classes summed for each word: sky, water, waterfalls, fire, smoke, plants and ground."""

    name = "small"

    def __init__(self, load: Callable[[], SmallNetwork] = SmallNetwork) -> None:
        """Nothing is loaded until it is needed."""
        super().__init__(self.name, load)

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`; in a picture that is tiny or of one colour there is nothing."""
        return [] if _is_empty(picture) else super().segment(picture, words)

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`."""
        return [] if _is_empty(picture) else super().propose(picture)

    def _region(self, picture: FloatArray, word: str, classes: Sequence[int]) -> Region:
        """What is asked for is likelier to be there than what is not; see `EXPECTED`."""
        mask = likelier(self._sum(picture, classes), EXPECTED_OF.get(tuple(classes), EXPECTED))
        return Region(word, mask, self._score(mask), self.name)

    def _score(self, mask: FloatArray) -> float:
        """See `ClosedSegmenter._score`; a network this small sees parts of things."""
        return expected_overlap(mask)

    def _vocabulary(self) -> SmallVocabulary:
        return SmallVocabulary()


def _is_empty(picture: FloatArray) -> bool:
    return min(picture.shape[:2]) < SMALLEST_PICTURE or float(np.ptp(picture)) < LEAST_CONTRAST
