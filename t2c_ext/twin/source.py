"""Where the twin pictures come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from t2c_ext.progress import Reporter
from t2c_ext.types import Plan, Twin


class TwinSource(Protocol):
    """Makes the two pictures of a plan."""

    def key(self, plan: Plan) -> tuple[object, ...]:
        """Everything that the result depends on, as arrays and values with a stable repr."""

    def make(self, plan: Plan, reporter: Reporter) -> Twin:
        """The pictures; raises UserError when they cannot be made, Cancelled when the user stops."""


@dataclass(frozen=True)
class GivenTwin:
    """Pictures that are already there: a painting, or a pair made elsewhere."""

    twin: Twin

    def key(self, plan: Plan) -> tuple[object, ...]:
        """The pictures themselves; the plan has no say."""
        art, natural, attention = self.twin.art, self.twin.natural, self.twin.attention
        maps = () if attention is None else (attention.self_attention, *attention.words, *attention.words.values())
        return ("given", art.rgb, art.alpha, None if natural is None else natural.rgb, *maps)

    def make(self, plan: Plan, reporter: Reporter) -> Twin:
        """The pictures as they are, and what their reading had to say."""
        pictures = (self.twin.art, *(() if self.twin.natural is None else (self.twin.natural,)))
        return replace(self.twin, notes=(*self.twin.notes, *(note for picture in pictures for note in picture.notes)))
