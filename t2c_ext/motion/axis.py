"""The axis along which a picture's texture runs."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.extents import LARGE
from t2c_ext.types import FloatArray

_SIDE = 256
"""Short side, in pixels, at which strokes are looked at."""


@dataclass(frozen=True)
class Axis:
    """An axis without a sign.

    Attributes:
        angle: degrees, 0 <= angle < 180 (0 horizontal, 90 vertical).
        coherence: 0 (no axis) to 1 (every stroke agrees).
    """

    angle: float
    coherence: float


def _axis_of(xx: float, xy: float, yy: float, across: bool) -> Axis:
    """The main axis of a symmetric 2x2 tensor with y down, or the one across it."""
    total = xx + yy
    if total <= 0:
        return Axis(0.0, 0.0)
    spread = float(np.hypot(xx - yy, 2 * xy))
    angle = -0.5 * float(np.rad2deg(np.arctan2(2 * xy, xx - yy))) + (90.0 if across else 0.0)
    return Axis(angle % 180.0, spread / total)


def texture_axis(picture: FloatArray, mask: FloatArray) -> Axis:
    """The axis of the strokes of picture [H, W, 3] inside mask [H, W]: across the main gradient of the luma.

    The structure tensor (Foerstner and Guelch 1987) of the luma at a short side of 256, summed over the mask's inside;
    strong edges count by their length and not by the square of it, so that one outline does not outvote the texture.
    """
    scale = min(1.0, _SIDE / min(mask.shape))
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    if mask.size <= LARGE:
        small = cv2.resize(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA)
    else:  # the same numbers but for their rounding, without a grey picture of full size
        small = cv2.cvtColor(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    inside = (cv2.resize(mask, size, interpolation=cv2.INTER_AREA) > 0.5).astype(np.uint8)
    inside = np.asarray(cv2.erode(inside, np.ones((5, 5), np.uint8), borderType=cv2.BORDER_REPLICATE), np.uint8)
    blurred = cv2.GaussianBlur(small, (0, 0), 1.0)
    dx = cv2.Scharr(blurred, cv2.CV_32F, 1, 0).astype(np.float64)
    dy = cv2.Scharr(blurred, cv2.CV_32F, 0, 1).astype(np.float64)
    weight = inside / np.maximum(np.hypot(dx, dy), 1e-3)
    return _axis_of(
        float((weight * dx * dx).sum()),
        float((weight * dx * dy).sum()),
        float((weight * dy * dy).sum()),
        across=True,
    )


def shape_axis(mask: FloatArray) -> Axis:
    """The long axis of mask [H, W] by its second moments."""
    moments = cv2.moments(mask)
    return _axis_of(moments["mu20"], moments["mu11"], moments["mu02"], across=False)
