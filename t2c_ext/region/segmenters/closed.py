"""Segmenters with a closed vocabulary: every pixel gets a probability for each class, and words are sets of classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from t2c_ext.region.segmenters.base import MOST_OFFERED, SMALLEST_OFFERED
from t2c_ext.region.segmenters.labels import Classes, Vocabulary
from t2c_ext.region.segmenters.likelihood import certainty, enlarge
from t2c_ext.region.segmenters.networks import Lazily
from t2c_ext.types import FloatArray, Region


class ClosedNetwork(Protocol):
    """What a closed-vocabulary model has to do.

    Attributes:
        labels: the name of each class.
    """

    labels: tuple[str, ...]

    def probabilities(self, picture: FloatArray) -> FloatArray:
        """float32 [C, h, w], 0..1, at any size; it covers the whole picture, and sums to at most 1 over the classes.

        `picture` is float32 [H, W, 3], 0..1.
        """
        ...


class WordTable(Protocol):
    """Which classes a word means, as `Vocabulary` tells it for a list of labels."""

    labels: tuple[str, ...]

    def find(self, word: str) -> Classes | None:
        """The classes that stand for a word, or None when there are none."""
        ...

    def name(self, index: int) -> str:
        """The plain name of a class."""
        ...

    def movers(self) -> tuple[tuple[int, ...], ...]:
        """Groups of classes that move of their own accord."""
        ...


@dataclass(frozen=True)
class _Seen:
    """The last picture that the network looked at."""

    picture: FloatArray
    probabilities: FloatArray


class ClosedSegmenter:
    """Sums the probabilities of a word's classes, the only ones that it knows: smoke, fire and fog are none of them."""

    threshold = 0.5

    def __init__(self, name: str, load: Callable[[], ClosedNetwork]) -> None:
        """Keep how the network is loaded; that happens when it is first needed."""
        self.name = name
        self._network = Lazily(load)
        self._seen: _Seen | None = None

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`; words that the vocabulary lacks are left out."""
        regions = []
        for word in words:
            classes = self._vocabulary().find(word)
            if classes is None:
                continue
            region = self._region(picture, word, classes.own)
            if region.score < self.threshold and classes.near:
                region = max(region, self._region(picture, word, classes.near), key=lambda row: row.score)
            regions.append(region)
        return regions

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`: what moves of its own accord first, then the largest of the rest."""
        probabilities, vocabulary = self._probabilities(picture), self._vocabulary()
        owner = _owner(probabilities)
        share = np.bincount(owner.ravel(), minlength=len(vocabulary.labels) + 1)[:-1] / owner.size
        movers = vocabulary.movers()
        still = sorted(set(range(len(vocabulary.labels))) - {index for group in movers for index in group})
        groups = [*_largest_first(movers, share), *_largest_first([(index,) for index in still], share)]
        offered: dict[str, Region] = {}
        for group in groups[:MOST_OFFERED]:
            name = vocabulary.name(max(group, key=lambda index: share[index]))
            mask = enlarge(np.isin(owner, group).astype(np.float32), *picture.shape[:2])
            sure = self._score(self._sum(picture, group))
            offered.setdefault(name, Region(name, (mask >= 0.5).astype(np.float32), sure, self.name))
        return list(offered.values())

    def close(self) -> None:
        """Let the network go."""
        self._seen = None
        self._network.close()

    def _vocabulary(self) -> WordTable:
        return Vocabulary(self._network().labels)

    def _region(self, picture: FloatArray, word: str, classes: Sequence[int]) -> Region:
        mask = self._sum(picture, classes)
        return Region(word, mask, self._score(mask), self.name)

    def _score(self, mask: FloatArray) -> float:
        """How likely a mask of probabilities is right."""
        return certainty(mask)

    def _sum(self, picture: FloatArray, classes: Sequence[int]) -> FloatArray:
        """The probability of any of the classes, at the picture's size."""
        return enlarge(self._probabilities(picture)[list(classes)].sum(axis=0), *picture.shape[:2])

    def _probabilities(self, picture: FloatArray) -> FloatArray:
        if self._seen is None or self._seen.picture is not picture:
            self._seen = _Seen(picture, self._network().probabilities(picture))
        return self._seen.probabilities


def _owner(probabilities: FloatArray) -> NDArray[np.int64]:
    """The likeliest class of each pixel, [h, w]; one more than the last where none is likelier than nothing."""
    nothing = np.maximum(1 - probabilities.sum(axis=0, keepdims=True), 0)
    return np.argmax(np.concatenate([probabilities, nothing]), axis=0)


def _largest_first(groups: Sequence[Sequence[int]], share: NDArray[np.float64]) -> list[tuple[int, ...]]:
    """The groups that are large enough to be offered."""
    large = [tuple(group) for group in groups if share[list(group)].sum() >= SMALLEST_OFFERED]
    return sorted(large, key=lambda group: (-share[list(group)].sum(), group))
