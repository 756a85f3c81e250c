"""What is put in beside the picture: what moves, and the depth of what a camera passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from t2c_ext.types import FloatArray, Regions

LEVEL = 2 / 255
"""Difference that rounding makes to a mask or a depth in a file of 8 bits."""

_Kind = TypeVar("_Kind", Regions, FloatArray)


@dataclass(frozen=True)
class Beside:
    """What is put in beside the picture.

    Attributes:
        mask: what moves, or None to find it.
        depth: float32 [h, w], fitted to `motion.painted.LONGEST`, of what a camera passes, or None.
    """

    mask: Regions | None = None
    depth: FloatArray | None = None

    def where_known(self, *known: Beside) -> Beside:
        """The same, with the masks and depths that are there already wherever they are equal, the first before others.

        So what is put in, taken away and put in again is the last run's, and is held once.
        """
        return Beside(_known(self.mask, [row.mask for row in known]), _known(self.depth, [row.depth for row in known]))


def area(*held: Beside) -> int:
    """Pixels of all masks and depths, each counted once."""
    arrays = [row.depth for row in held if row.depth is not None]
    arrays += [region.mask for row in held if row.mask is not None for region in row.mask.regions]
    return sum({id(array): array.size for array in arrays}.values())


def _known(new: _Kind | None, known: list[_Kind | None]) -> _Kind | None:
    return next((row for row in known if _same(row, new)), new)


def _same(one: Regions | FloatArray | None, other: Regions | FloatArray | None) -> bool:
    """Whether they are one mask or depth, but for the levels of the file that the page is given."""
    if one is other or one is None or other is None:
        return one is other
    if isinstance(one, Regions) and isinstance(other, Regions):
        return [row.name for row in one.regions] == [row.name for row in other.regions] and all(
            _same(first.mask, second.mask) for first, second in zip(one.regions, other.regions, strict=True)
        )
    if isinstance(one, Regions) or isinstance(other, Regions):
        return False
    return one.shape == other.shape and float(np.abs(one - other).max()) <= LEVEL
