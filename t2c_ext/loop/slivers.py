"""Slivers of what stands still inside the mask's edge: a boat's bow, a wing's tip, the foot of a bank.

A mask that is a few pixels too wide carries them along. They are told from what moves by their colour: unlike the
inside of the region and like the outside, next to the edge.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from t2c_ext.extents import Window, whole_of
from t2c_ext.loop.inflow import erode
from t2c_ext.loop.texture import coarse_step, shrink
from t2c_ext.types import BoolArray, FloatArray, IntArray

BAND = 8.0
"""Widest sliver that is looked for, in pixels at 512."""

REACH = 8.0
"""Sigma of the window that says what the inside and the outside look like nearby, in pixels at 512."""

DEVIATIONS = 3.0
"""Standard deviations of the inside's colour from which a colour is unlike it."""

CLOSER = 0.5
"""Share of its squared distance to the inside's colour that its distance to the outside's may have."""

FLOOR = 1e-3
"""Least variance of colour (three channels, 0..1) that an inside is taken to have."""


def find_slivers(picture: FloatArray, mask: FloatArray, window: Window | None = None) -> BoolArray:
    """bool [H, W]: pixels inside the mask that belong to what borders on it.

    Args:
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1.
        window: where they lie in the picture; None: they are all of it.
    """
    scale = (window or whole_of(mask.shape)).scale
    solid, still = mask >= 0.5, mask <= 0
    deep = erode(solid, BAND * scale)
    band = solid & ~deep
    if not (band.any() and deep.any() and still.any()):
        return np.zeros(mask.shape, np.bool_)
    colour = np.asarray(cv2.GaussianBlur(picture, (0, 0), max(scale, 0.5)), np.float32)
    row, column = (part.astype(np.int32) for part in np.nonzero(band))
    own = colour[row, column]
    inside, outside = (Nearby(colour, area, scale).at(row, column) for area in (deep, still))
    from_inside, from_outside = (_squared(own - side.mean) for side in (inside, outside))
    unlike = from_inside > DEVIATIONS**2 * (inside.variance + np.float32(FLOOR))
    found = np.zeros(mask.shape, np.bool_)
    found[row, column] = inside.known & outside.known & unlike & (from_outside < CLOSER * from_inside)
    return attached_to_outside(found, solid)


def attached_to_outside(found: BoolArray, solid: BoolArray) -> BoolArray:
    """bool [H, W]: of `found`, the pixels from which the outside of `solid` is reached through others of them."""
    _, label = cv2.connectedComponents((found | ~solid).astype(np.uint8))
    reached = np.zeros(int(label.max()) + 1, np.bool_)
    reached[label[~solid]] = True
    return np.asarray(found & reached[label])


def _squared(apart: FloatArray) -> FloatArray:
    """float32 [P]: squared lengths of [P, 3]."""
    return np.asarray(np.einsum("pc,pc->p", apart, apart))


class Colours(NamedTuple):
    """What an area looks like near each of P pixels.

    Attributes:
        mean: float32 [P, 3], 0..1.
        variance: float32 [P], of the three channels together.
        known: bool [P], where there is any of it.
    """

    mean: FloatArray
    variance: FloatArray
    known: BoolArray


class Nearby:
    """The colours of an area, as Gaussian means that can be asked for at any pixel."""

    def __init__(self, colour: FloatArray, area: BoolArray, scale: float, sigma: float = REACH) -> None:
        """`colour`: float32 [H, W, 3]; `area`: bool [H, W]; `sigma`: pixels at 512, about `REACH`."""
        self._step = coarse_step(REACH * scale)
        weight = area.astype(np.float32)
        given = np.empty((*area.shape, 5), np.float32)
        np.multiply(colour, weight[..., None], out=given[..., :3])
        np.multiply(np.einsum("hwc,hwc->hw", colour, colour), weight, out=given[..., 3])
        given[..., 4] = weight
        self._sums = cv2.GaussianBlur(shrink(given, self._step), (0, 0), sigma * scale / self._step)

    def at(self, row: IntArray, column: IntArray) -> Colours:
        """The colours near pixels, int32 [P] each."""
        sums = self._sums
        (above, below, down), (left, right, along) = (
            _cells(place, self._step, count) for place, count in zip((row, column), sums.shape, strict=False)
        )
        top = sums[above, left] + along * (sums[above, right] - sums[above, left])
        low = sums[below, left] + along * (sums[below, right] - sums[below, left])
        found = top + down * (low - top)
        total = np.maximum(found[:, 4], np.float32(1e-4))
        mean = found[:, :3] / total[:, None]
        variance = np.maximum(found[:, 3] / total - _squared(mean), 0)
        return Colours(mean, variance, found[:, 4] > 1e-3)


def _cells(place: IntArray, step: int, count: int) -> tuple[IntArray, IntArray, FloatArray]:
    """For pixels along a side, the cells before and after each, and, [P, 1], where it lies between their centres."""
    # whole numbers: a window of a picture, which begins at a cell, gets the picture's very bits
    halves = 2 * place + 1 - step
    before = halves // (2 * step)
    share = ((halves - before * 2 * step) / np.float32(2 * step)).astype(np.float32)
    return np.clip(before, 0, count - 1), np.clip(before + 1, 0, count - 1), share[:, None]


def without_slivers(picture: FloatArray, mask: FloatArray, window: Window | None = None) -> FloatArray:
    """The mask, softly zero at slivers: float32 [H, W]. It is the mask itself where nothing else would be left."""
    found = find_slivers(picture, mask, window)
    if not found.any():
        return mask
    scale = (window or whole_of(mask.shape)).scale
    size = 2 * max(1, round(scale)) + 1
    grown = cv2.dilate(found.astype(np.float32), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    soft = np.maximum(grown, cv2.GaussianBlur(grown, (0, 0), max(scale, 0.5)))
    kept = np.asarray(mask * np.clip(1 - soft, 0, 1), np.float32)
    kept[kept < 1 / 255] = 0
    return kept if (kept >= 0.5).any() else mask
