"""Where the twin pictures come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

from t2c_ext.progress import Reporter
from t2c_ext.types import Plan, Twin


class TwinSource(Protocol):
    """Makes the two pictures of a plan."""

    def key(self, plan: Plan) -> tuple[object, ...]:
        """Everything that the result depends on, as values that `keys.key_of` takes."""

    def make(self, plan: Plan, reporter: Reporter) -> Twin:
        """The pictures; raises UserError when they cannot be made, Cancelled when the user stops."""


@dataclass(frozen=True)
class GivenTwin:
    """Pictures that are already there: a painting, or a pair made elsewhere."""

    twin: Twin

    def key(self, plan: Plan) -> tuple[object, ...]:
        """The pictures themselves, with the text that travels with them; the plan has no say."""
        stills = [None if still is None else replace(still, notes=()) for still in (self.twin.art, self.twin.natural)]
        return ("given", *stills, self.twin.attention)

    def make(self, plan: Plan, reporter: Reporter) -> Twin:
        """The pictures as they are, and what their reading had to say."""
        pictures = (self.twin.art, *(() if self.twin.natural is None else (self.twin.natural,)))
        return replace(self.twin, notes=(*self.twin.notes, *(note for picture in pictures for note in picture.notes)))
