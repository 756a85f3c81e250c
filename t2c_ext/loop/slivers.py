"""Slivers of what stands still inside the mask's edge: a boat's bow, a wing's tip, the foot of a bank.

A mask that is a few pixels too wide carries them along. They are told from what moves by their colour: unlike the
inside of the region and like the outside, next to the edge.
"""

from __future__ import annotations

import cv2
import numpy as np

from t2c_ext.extents import Window, bands, whole_of
from t2c_ext.loop.inflow import erode
from t2c_ext.loop.texture import coarse_step, shrink
from t2c_ext.types import BoolArray, FloatArray

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
    from_inside, variance, has_inside = _distance(colour, deep, REACH * scale)
    from_outside, _, has_outside = _distance(colour, still, REACH * scale)
    unlike = from_inside > DEVIATIONS**2 * (variance + np.float32(FLOOR))
    found = band & has_inside & has_outside & unlike & (from_outside < CLOSER * from_inside)
    _, label = cv2.connectedComponents((found | ~solid).astype(np.uint8))
    attached = np.zeros(int(label.max()) + 1, np.bool_)
    attached[label[~solid]] = True
    return np.asarray(found & attached[label])


def _distance(colour: FloatArray, area: BoolArray, sigma: float) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Squared distance [H, W] of each colour to the area's nearby mean, the area's variance, and where it is near."""
    step = coarse_step(sigma)
    weight = area.astype(np.float32)
    given = np.empty((*area.shape, 5), np.float32)
    np.multiply(colour, weight[..., None], out=given[..., :3])
    np.multiply(np.einsum("hwc,hwc->hw", colour, colour), weight, out=given[..., 3])
    given[..., 4] = weight
    height, width = area.shape
    blurred = cv2.GaussianBlur(shrink(given, step), (0, 0), sigma / step)
    del given
    full = cv2.resize(blurred, (blurred.shape[1] * step, blurred.shape[0] * step), interpolation=cv2.INTER_LINEAR)
    sums = full[:height, :width]
    distance, variance = np.empty(area.shape, np.float32), np.empty(area.shape, np.float32)
    for band in bands(area.shape):
        total = np.maximum(sums[band][..., 4], np.float32(1e-4))
        mean = sums[band][..., :3] / total[..., None]
        variance[band] = np.maximum(sums[band][..., 3] / total - np.einsum("hwc,hwc->hw", mean, mean), 0)
        apart = colour[band] - mean
        distance[band] = np.einsum("hwc,hwc->hw", apart, apart)
    return distance, variance, sums[..., 4] > 1e-3


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
