"""Is a mask made of blocks, and how large are they?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from t2c_ext.types import BoolArray, scale_of

SMALLEST_CELL = 3.0
"""Blocks below this side, in pixels at 512, are as good as pixels."""

LARGEST_CELL = 40.0
"""The edge never moves farther than this, in pixels at 512."""

FEWEST_STEPS = 8
"""An outline with fewer straight pieces is a drawn rectangle, not a staircase."""

SHORT_SHARE = 0.15
"""At most this share of a staircase's pieces is shorter than its cell."""


def cell_of(region: BoolArray, scale: float | None = None) -> float | None:
    """The side, in pixels, of the blocks that a region is made of, or None for one with a free outline.

    The outline of a blocky region is made of horizontal and vertical pieces, hardly any of which is shorter than a
    block; a free outline is mostly made of pieces of one or two pixels.

    Args:
        region: bool [H, W].
        scale: pixels per pixel of a picture whose short side is 512; None: the region is of the picture's size.
    """
    lengths = _straight_pieces(region)
    if lengths.size < FEWEST_STEPS:
        return None
    scale = scale_of(*region.shape) if scale is None else scale
    cell = float(np.quantile(lengths, SHORT_SHARE))
    if cell < SMALLEST_CELL * scale or cell < 3.0:
        return None
    return min(cell, LARGEST_CELL * scale)


def _straight_pieces(region: BoolArray) -> NDArray[np.float64]:
    """Lengths, in pixels, of the straight pieces of the region's pixel outline inside the picture."""
    lengths: list[NDArray[np.intp]] = []
    for side in (region, region.T):
        down = np.diff(side.astype(np.int8), axis=0)
        for sign in (1, -1):
            edges = np.pad((down == sign).astype(np.int8), ((0, 0), (1, 1)))
            change = np.diff(edges, axis=1).ravel()
            lengths.append(np.flatnonzero(change == -1) - np.flatnonzero(change == 1))
    return np.concatenate(lengths).astype(np.float64)
