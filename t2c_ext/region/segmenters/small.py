"""The package's own small mask network: eleven classes, six megabytes, run by OpenCV; nothing to download.

It has learnt from drawn scenes and from a few paintings and photographs (`world/` in the repository has the scenes, the
pictures' list, its training and its model card).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np

from t2c_ext.lexicon import Thing, load_lexicon
from t2c_ext.region.segmenters.closed import ClosedSegmenter
from t2c_ext.region.segmenters.labels import Classes
from t2c_ext.region.segmenters.likelihood import expected_overlap, likelier
from t2c_ext.region.segmenters.square import SquareNetwork
from t2c_ext.types import FloatArray, Region

LABELS = ("sky", "cloud", "water", "waterfall", "fire", "smoke", "snow", "plants", "ground", "building", "object")
"""What the network tells apart, in the order of its output."""

SIDE = 160
"""Side of the square that it sees, in pixels; its maps have half of it."""

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


class SmallNetwork(SquareNetwork):
    """The network itself."""

    def __init__(self) -> None:
        """Read the weights that come with the package."""
        super().__init__(files("t2c_ext.region.segmenters").joinpath("small.onnx").read_bytes(), SIDE, LABELS)


class SmallSegmenter(ClosedSegmenter):
    """The small network's classes summed for each word: sky, water, waterfalls, fire, smoke, plants and ground."""

    name = "small"
    expected, expected_of = EXPECTED, EXPECTED_OF

    def __init__(self, load: Callable[[], SquareNetwork] = SmallNetwork) -> None:
        """Nothing is loaded until it is needed."""
        super().__init__(self.name, load)

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`; in a picture that is tiny or of one colour there is nothing."""
        return [] if _is_empty(picture) else super().segment(picture, words)

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`."""
        return [] if _is_empty(picture) else super().propose(picture)

    def _region(self, picture: FloatArray, word: str, classes: Sequence[int]) -> Region:
        """What is asked for is likelier to be there than what is not."""
        mask = likelier(self._sum(picture, classes), self.expected_of.get(tuple(classes), self.expected))
        return Region(word, mask, self._score(mask), self.name)

    def _score(self, mask: FloatArray) -> float:
        """See `ClosedSegmenter._score`; a network this small sees parts of things."""
        return expected_overlap(mask)

    def _vocabulary(self) -> SmallVocabulary:
        return SmallVocabulary()


def _is_empty(picture: FloatArray) -> bool:
    return min(picture.shape[:2]) < SMALLEST_PICTURE or float(np.ptp(picture)) < LEAST_CONTRAST
