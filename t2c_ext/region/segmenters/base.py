"""The one interface of everything that can point at a thing in a picture.

What `choose` opens also has `close()`, which lets go of what it has loaded (`relay.Closable`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from t2c_ext.types import FloatArray, Region

POSSIBLE = "possible "
"""What the name of a guess begins with, such as "possible river"."""

MOST_OFFERED = 6
"""Regions that a segmenter proposes at most, so that a person can tell them apart at a glance."""

SMALLEST_OFFERED = 0.02
"""Share of the picture from which on a region is proposed."""


class Segmenter(Protocol):
    """Finds things by word.

    Attributes:
        name: what the setting `segmenter` calls it.
        threshold: the score from which on a region may be moved without asking.
    """

    name: str
    threshold: float

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """Where the words' things are.

        Args:
            picture: float32 [H, W, 3], 0..1, of any size.
            words: nouns; those that the segmenter does not know are left out of its answer.

        Returns:
            At most one region per word, named by the word, with a soft mask float32 [H, W] and a score: the
            estimated probability that the mask is the thing. The same picture and words give the same answer.
        """
        ...

    def propose(self, picture: FloatArray) -> list[Region]:
        """Regions that a person may choose from, disjoint, most likely to move first, each with a name of its own.

        The same picture gives the same regions and names.
        """
        ...
