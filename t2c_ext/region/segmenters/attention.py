"""The segmenter that asks the diffusion model which painted the picture, or looked at it: where is each noun?

It needs no pixels, only what the model's attention said (GoCA, arXiv 2603.06178); see `twin/grounding`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from t2c_ext.errors import UserError, Way
from t2c_ext.lexicon import load_lexicon
from t2c_ext.region.evidence import enlarged, evidence
from t2c_ext.types import FloatArray, NounMaps, Region

SHARPNESS = 6.0
"""How fast a place becomes surely a thing's as its map rises above the others'."""

MARGIN = 0.01
"""By how much a thing has to be ahead of the background, so that what nothing is said of is nobody's."""

SMALLEST = 0.01
"""Share of the picture below which a thing's places are too few to be it."""

LEAST_SHARE = 0.2
"""Below this share a noun is hardly attended to anywhere, and the likelier not to be in the picture."""


class AttentionSegmenter:
    """Each place goes to the noun that the model attends to most there, of those that it was asked for.

    Attributes:
        maps: what the model said, or None where there was none to ask.
    """

    name = "attention"
    threshold = 0.75

    def __init__(self, maps: NounMaps | None) -> None:
        """Keep what the model said."""
        self.maps = maps

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`.

        Raises:
            UserError: there is nothing to go by.
        """
        if self.maps is None:
            raise UserError(
                "the segmenter attention asks a diffusion model, and none has looked at this picture",
                ways=[Way("name one", "model"), Way("take another segmenter", "segmenter", "auto")],
            )
        known = {word: name for word in words if (name := self._name(word)) is not None}
        if not known:
            return []
        return [self._region(picture, word, name) for word, name in known.items()]

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`: each noun that was asked for."""
        names = () if self.maps is None else tuple(self.maps.things)
        found = self.segment(picture, names) if names else []
        return [region for region in found if (region.mask >= 0.5).mean() >= SMALLEST]

    def close(self) -> None:
        """Nothing is held that is not small."""

    def _name(self, word: str) -> str | None:
        """The noun that stands for a word: itself, else one that means the same thing."""
        assert self.maps is not None
        plain = word.strip().lower()
        if plain in self.maps.things:
            return plain
        thing = load_lexicon().find(word)
        if thing is None:
            return None
        return next((name for name in self.maps.things if thing.is_like(load_lexicon().find(name))), None)

    def _region(self, picture: FloatArray, word: str, name: str) -> Region:
        assert self.maps is not None
        names = list(self.maps.things)
        small = np.stack([*self.maps.things.values(), self.maps.background]).astype(np.float32)
        values = evidence(enlarged(small, *picture.shape[:2]), threshold=MARGIN)
        own = values[1 + names.index(name)]
        others = np.delete(values, 1 + names.index(name), axis=0).max(axis=0)
        mask = np.asarray(1 / (1 + np.exp(-SHARPNESS * (own - others))), np.float32)
        return Region(word, mask, certainty(mask, self.maps.shares[name]), self.name)


def certainty(mask: FloatArray, share: float) -> float:
    """How likely the places are the thing: how clear they are of the others, and how much they say the noun at all.

    Args:
        mask: float32 [H, W], 0..1.
        share: the noun's largest share of what all nouns get at any place.
    """
    inside = mask >= 0.5
    area = float(inside.mean())
    if area < SMALLEST:
        return 0.0
    clear = float(mask[inside].mean())
    whole = float(mask[inside].sum() / (np.count_nonzero(inside) + mask[~inside].sum()))
    return float(np.clip(0.5 * clear + 0.5 * whole, 0, 1)) * min(1.0, share / LEAST_SHARE)
