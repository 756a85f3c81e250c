"""Segmenters for any word: a network that takes the word itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from t2c_ext.region.segmenters.base import POSSIBLE
from t2c_ext.region.segmenters.likelihood import certainty, enlarge
from t2c_ext.region.segmenters.networks import Lazily
from t2c_ext.types import FloatArray, Region

OFFERED_WORDS = ("sky", "water", "waterfall", "smoke", "fog", "fire")
"""What is looked for when a person asks what there is."""

OFFERED = 0.3
"""The score from which on one of these is offered."""

MOST_OVERLAP = 0.5
"""Share of an offered region that may lie in a surer one, which then has those pixels."""


class Sight:
    """Where a network saw something.

    Attributes:
        probability: float32 [h, w], 0..1, of any size; it covers the whole picture.
        presence: 0..1, how sure the network is that it is in the picture at all; one half where it is undecided.
    """

    def __init__(self, probability: FloatArray, presence: float = 1.0) -> None:
        """Keep both."""
        self.probability = probability
        self.presence = presence


class OpenNetwork(Protocol):
    """What an open-vocabulary model has to do."""

    def look(self, picture: FloatArray, words: Sequence[str]) -> list[Sight]:
        """One sight per word of a picture (float32 [H, W, 3], 0..1)."""
        ...


class OpenSegmenter:
    """Asks the network for each word; it may take for one what only resembles it."""

    threshold = 0.5

    def __init__(self, name: str, load: Callable[[], OpenNetwork]) -> None:
        """Keep how the network is loaded; that happens when it is first needed."""
        self.name = name
        self._network = Lazily(load)

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`; it has an answer for every word."""
        if not words:
            return []
        regions = []
        for word, sight in zip(words, self._network().look(picture, words), strict=True):
            mask = enlarge(sight.probability, *picture.shape[:2])
            regions.append(Region(word, mask, certainty(mask) * sight.presence, self.name))
        return regions

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`: of some things that often move, those that may be here."""
        seen = [region for region in self.segment(picture, OFFERED_WORDS) if region.score >= OFFERED]
        offered: list[Region] = []
        for region in sorted(seen, key=lambda row: -row.score):
            solid = region.mask >= 0.5
            free = solid.copy()
            for other in offered:
                free &= other.mask < 0.5
            if free.sum() > (1 - MOST_OVERLAP) * solid.sum():
                name = region.name if region.score >= self.threshold else POSSIBLE + region.name
                offered.append(Region(name, free.astype("float32"), region.score, self.name))
        return offered

    def close(self) -> None:
        """Let the network go."""
        self._network.close()


def phrase(word: str) -> str:
    """The word as a network of pictures and captions knows it best: lower case, without marks."""
    plain = " ".join("".join(letter if letter.isalnum() else " " for letter in word.lower()).split())
    return plain or word
