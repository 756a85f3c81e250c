"""A clean soft edge that follows the picture, for any mask.

A blocky mask is taken at its word only away from its edge. Within one cell of the edge (the band) a linear model
of the local colours, fitted to the sure pixels around, says what belongs to the region: the guided filter (He, Sun
and Tang 2013, eq. 11-16) with weights that leave the band out of its own training, solved at reduced resolution and
applied at full resolution as in the fast guided filter (He and Sun 2015).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.curves import smoothstep
from t2c_ext.extents import LARGE, Window, extent_of, whole_of
from t2c_ext.region.pixelation import cell_of
from t2c_ext.settings import RegionSettings
from t2c_ext.types import BoolArray, FloatArray, scale_of

MARGIN = 4.0
"""How far beyond a large picture's mask the fit looks, in half widths of the band."""

SMALLEST_BAND = 3.0
"""Half width, in pixels at 512, of the band of a mask without blocks (matte "on")."""

WORKING_CELL = 8.0
"""The band's half width, in pixels, at which the colour models are fitted."""

SURENESS = 0.55
"""Share that a band pixel needs to belong to the region: uncertain slivers stay outside."""

REGULARITY = 1e-3
"""The guided filter's epsilon, for colours of 0..1."""

TELLING = (0.25, 0.65)
"""Share of the local variance that colours explain: below the first they tell nothing, above the second all."""

UNSURE_WEIGHT = 0.02
"""Weight of a band pixel's given value in the fit; keeps the fit defined where no sure pixel is near."""


def refine_matte(
    picture: FloatArray, mask: FloatArray, settings: RegionSettings, *, cell: float | None = None
) -> FloatArray:
    """The mask with a soft edge along the picture's edges.

    Args:
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1.
        settings: `matte` says whether the edge may move, `feather` how soft it becomes (pixels at 512).
        cell: the side, in pixels, of the blocks that the mask is made of; found from its outline when None.

    Returns:
        float32 [H, W]: exactly 0 or 1 farther from the given edge than a cell and the feather. With `matte` "off",
        and with "auto" for a mask without blocks, the edge stays in its place.
    """
    scale = scale_of(*mask.shape)
    feather = settings.feather * scale
    size = _band_width(mask, settings, scale, cell)
    if size is None:
        return soften(mask, feather)

    def followed(window: Window) -> FloatArray:
        return feathered(_follow_picture(window.of(picture), window.of(mask) >= 0.5, size), feather)

    return _where_needed(mask, MARGIN * size + feather, followed)


def _band_width(mask: FloatArray, settings: RegionSettings, scale: float, cell: float | None) -> float | None:
    """How far, in pixels, the edge may move; None: not at all."""
    near = _around(mask, 1)
    solid = near.of(mask) >= 0.5
    if settings.matte == "off" or not solid.any() or (near.is_whole and solid.all()):
        return None
    size = cell_of(solid, scale) if cell is None else cell
    if size is None:
        return None if settings.matte == "auto" else max(SMALLEST_BAND * scale, 1.0)
    return max(size, 1.0)


def _around(values: NDArray[Any], reach: float) -> Window:
    """All of [H, W]; of a large one only what is within `reach` pixels of what is not zero."""
    whole = whole_of(values.shape)
    return whole if whole.area <= LARGE else extent_of(values).grown(ceil(reach))


def _where_needed(values: NDArray[Any], reach: float, make: Callable[[Window], FloatArray]) -> FloatArray:
    """float32 [H, W]: what `make` says of the window `_around` the values, and 0 elsewhere."""
    window = _around(values, reach)
    if window.is_whole:
        return make(window)
    result = np.zeros(values.shape, np.float32)
    window.of(result)[:] = make(window)
    return result


def soften(mask: FloatArray, feather: float) -> FloatArray:
    """A hard-edged mask feathered; one that is soft already as it is (float32 [H, W])."""
    near = _around(mask, 2).of(mask)
    between = np.count_nonzero((near > 0.02) & (near < 0.98))
    outline = np.count_nonzero(_band(near >= 0.5, 1.5))
    if between > 0.5 * outline:
        return np.asarray(mask, dtype=np.float32)
    return feathered(mask >= 0.5, feather)


def feathered(region: BoolArray, feather: float) -> FloatArray:
    """The region with an edge that falls smoothly from 1 to 0 over `feather` pixels on each side of it."""

    def edged(window: Window) -> FloatArray:
        part = window.of(region).astype(np.uint8)
        if feather <= 0 or part.all() or not part.any():
            return part.astype(np.float32)
        inwards = cv2.distanceTransform(part, cv2.DIST_L2, 5)
        outwards = cv2.distanceTransform(1 - part, cv2.DIST_L2, 5)
        away = np.where(part > 0, inwards - 0.5, 0.5 - outwards)
        return np.asarray(smoothstep(0.5 + 0.5 * away / feather), dtype=np.float32)

    return _where_needed(region, feather + 2, edged)


@dataclass(frozen=True)
class _Model:
    """share = colour . slope + offset, one for every pixel of the reduced picture, and how far colours tell."""

    slope: FloatArray
    offset: FloatArray
    trust: FloatArray

    def at(self, picture: FloatArray, expected: FloatArray) -> FloatArray:
        """The share at each pixel of a picture of any size, float32 [H, W], 0..1; where colours do not tell, the
        expected one (float32 [h, w], of the model's size)."""
        size = (picture.shape[1], picture.shape[0])
        share = cv2.resize(self.offset, size, interpolation=cv2.INTER_LINEAR)
        for channel in range(3):
            share += cv2.resize(self.slope[..., channel], size, interpolation=cv2.INTER_LINEAR) * picture[..., channel]
        trust = cv2.resize(self.trust, size, interpolation=cv2.INTER_LINEAR)
        other = cv2.resize(expected, size, interpolation=cv2.INTER_LINEAR)
        return np.asarray(other + trust * (np.clip(share, 0.0, 1.0) - other))


def _follow_picture(picture: FloatArray, solid: BoolArray, cell: float) -> BoolArray:
    """The region with its outline moved, by at most a cell, to where the local colours change."""
    height, width = solid.shape
    factor = max(1.0, cell / WORKING_CELL)
    reach = cell / factor
    size = (max(1, round(width / factor)), max(1, round(height / factor)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    given = cv2.resize(solid.astype(np.float32), size, interpolation=cv2.INTER_AREA) >= 0.5
    band = _band(given, reach)
    smooth = cv2.GaussianBlur(given.astype(np.float32), (0, 0), 0.6 * reach)
    first = np.where(band, _fit(small, given, band, 2.0 * reach).at(small, smooth) >= SURENESS, given)
    narrow = band & _band(first, 0.5 * reach)
    smooth = cv2.GaussianBlur(first.astype(np.float32), (0, 0), 0.3 * reach)
    share = _fit(small, first, narrow, 1.25 * reach).at(picture, smooth)
    within = cv2.resize(narrow.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    settled = cv2.resize(first.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    share = cv2.GaussianBlur(settled + within * (share - settled), (0, 0), max(0.8, 0.06 * cell))
    depth = _depth(solid)
    moved = np.where(depth <= cell, share >= SURENESS, solid)
    return _tidy(moved, (depth > 0.5 * cell) & (moved == solid))


def _fit(picture: FloatArray, region: BoolArray, band: BoolArray, radius: float) -> _Model:
    """Least squares of the region on the colours in a window about each pixel; the band hardly counts."""
    side = 2 * max(1, round(radius)) + 1

    def mean(values: FloatArray) -> FloatArray:
        return cv2.boxFilter(values, cv2.CV_32F, (side, side), borderType=cv2.BORDER_REFLECT)

    depth = np.minimum(_depth(region) / max(0.4 * radius, 1.0), 1.0) ** 2
    weight = np.where(band, np.maximum(np.float32(UNSURE_WEIGHT), depth), np.float32(1.0)).astype(np.float32)
    share = region.astype(np.float32)
    total = mean(weight)
    colours = [picture[..., channel] - np.float32(0.5) for channel in range(3)]
    centres = [mean(weight * colour) / total for colour in colours]
    middle = mean(weight * share) / total
    spread = np.empty((*share.shape, 3, 3), np.float32)
    common = np.empty((*share.shape, 3), np.float32)
    for row in range(3):
        common[..., row] = mean(weight * share * colours[row]) / total - middle * centres[row]
        for column in range(row, 3):
            moment = mean(weight * colours[row] * colours[column]) / total - centres[row] * centres[column]
            spread[..., row, column] = spread[..., column, row] = moment
    spread[..., range(3), range(3)] += REGULARITY
    slope = np.linalg.solve(spread, common[..., None])[..., 0].astype(np.float32)
    offset = middle - sum(slope[..., channel] * (centres[channel] + np.float32(0.5)) for channel in range(3))
    explained = (slope * common).sum(axis=-1) / np.maximum(middle * (1.0 - middle), np.float32(1e-4))
    low, high = TELLING
    trust = np.clip((explained - low) / (high - low), 0.0, 1.0).astype(np.float32)
    return _Model(cv2.blur(slope, (3, 3)), cv2.blur(offset, (3, 3)), trust)


def _tidy(region: BoolArray, settled: BoolArray) -> BoolArray:
    """The region without islands and pinholes that hold no settled pixel."""
    tidy = region.copy()
    for value in (True, False):
        _, labels = cv2.connectedComponents((tidy == value).astype(np.uint8), connectivity=4)
        anchored = np.zeros(int(labels.max()) + 1, bool)
        anchored[labels[settled]] = True
        if not anchored[1:].any():
            continue
        tidy[(labels > 0) & ~anchored[labels]] = not value
    return tidy


def _band(region: BoolArray, reach: float) -> BoolArray:
    """The pixels at most `reach` pixels from the region's outline."""
    if region.all() or not region.any():
        return np.zeros_like(region)
    return np.asarray(_depth(region) <= reach)


def _depth(region: BoolArray) -> FloatArray:
    """Distance of each pixel to the nearest one on the other side of the region's outline."""
    inwards = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5)
    outwards = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, 5)
    return np.asarray(np.maximum(inwards, outwards))
