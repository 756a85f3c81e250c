"""Several segmenters as one: each word goes to the first that can answer it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from t2c_ext.region.segmenters.base import Segmenter
from t2c_ext.types import FloatArray, Region


class Closable(Segmenter, Protocol):
    """A segmenter that holds memory until it is closed."""

    def close(self) -> None:
        """Give the memory back; a later call loads again what it needs."""
        ...


class Relay:
    """Models, the best first, and a last resort for words that none of them can know.

    A word that a model answers surely enough is done. One that it answers unsurely, or that its vocabulary lacks,
    goes on to the next model, and the surest answer counts. The last resort gets only what no model had an answer
    for: it knows less than any of them, so its claim does not stand against a model's doubt.

    Attributes:
        last_resort: who gets the rest.
    """

    threshold = 0.5

    def __init__(self, models: Sequence[Closable], last_resort: Closable) -> None:
        """Keep them; nothing is loaded."""
        self._models, self.last_resort = tuple(models), last_resort
        members = (*self._models, last_resort)
        self.name = members[0].name

    def with_last_resort(self, last_resort: Closable) -> Relay:
        """The same models with another last resort."""
        return Relay(self._models, last_resort)

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`."""
        best: dict[str, Region] = {}
        for model in self._models:
            open_words = [word for word in words if word not in best or best[word].score < self.threshold]
            for region in model.segment(picture, open_words) if open_words else ():
                if region.name not in best or region.score > best[region.name].score:
                    best[region.name] = region
        unknown = [word for word in words if word not in best]
        if unknown:
            best |= {region.name: region for region in self.last_resort.segment(picture, unknown)}
        return [best[word] for word in dict.fromkeys(words) if word in best]

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`: what the best model offers, or the last resort where that is nothing."""
        offered = self._models[0].propose(picture) if self._models else []
        return offered or self.last_resort.propose(picture)

    def close(self) -> None:
        """Close them all."""
        for member in (*self._models, self.last_resort):
            member.close()
