"""Where to measure (inside and outside of a mask), and how well a mask agrees with the true one."""

from __future__ import annotations

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.types import BoolArray, FloatArray, scale_of

FEATHER_REACH = 8.0
"""Pixels at 512 by which a hard-edged mask is widened before a pixel counts as outside of it."""

_SOFT_SHARE = 0.001


def inside(mask: FloatArray) -> BoolArray:
    """bool [H, W]: where the mask (float32 [H, W], 0..1) is above one half.

    Raises:
        UserError: the mask is nowhere above one half.
    """
    result: BoolArray = mask > 0.5
    if not result.any():
        raise UserError("the mask is empty; give one whose white part moves")
    return result


def is_soft(mask: FloatArray) -> bool:
    """True when more than 0.1 % of the pixels lie strictly between 0 and 1: the mask is already feathered."""
    return float(np.mean((mask > 0.02) & (mask < 0.98))) > _SOFT_SHARE


def outside(mask: FloatArray) -> BoolArray:
    """bool [H, W]: the pixels that must stand still.

    Of a soft mask these are the pixels where it is zero. A hard-edged one is first widened by 8 px at 512, because
    the edge that it was feathered to is not known.
    """
    moving = mask > 0
    if not is_soft(mask):
        moving = grow(moving, FEATHER_REACH * scale_of(*moving.shape))
    return ~moving


def grow(region: BoolArray, radius: float) -> BoolArray:
    """The pixels at most `radius` pixels away (Euclidean) from the region, bool [H, W]."""
    if not region.any():
        return region.copy()
    distance = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance <= radius)


def shrink(region: BoolArray, radius: float) -> BoolArray:
    """The region's pixels more than `radius` pixels away (Euclidean) from the rest of the picture, bool [H, W].

    The picture's own border does not count as the rest.
    """
    if region.all():
        return region.copy()
    distance = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance > radius)


def intersection_over_union(predicted: FloatArray, truth: FloatArray) -> float:
    """|P and T| / |P or T| of the two masks, each above one half; 1 when both are empty."""
    first, second = predicted > 0.5, truth > 0.5
    union = np.count_nonzero(first | second)
    return float(np.count_nonzero(first & second) / union) if union else 1.0


def boundary(region: BoolArray) -> BoolArray:
    """The region's pixels that have a 4-neighbour outside of it; the picture's border is no boundary."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    eroded = cv2.erode(region.astype(np.uint8), cross, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(region & (eroded == 0))


def boundary_f(predicted: FloatArray, truth: FloatArray, tolerance: float = 0.008) -> float:
    """The boundary F-measure of DAVIS (Perazzi et al. 2016): F = 2 p r / (p + r).

    p is the share of the predicted boundary that lies within `tolerance` times the picture's diagonal of the true
    boundary, r the share of the true boundary that lies as near to the predicted one. 1 when neither has a boundary,
    0 when only one has.
    """
    first, second = boundary(predicted > 0.5), boundary(truth > 0.5)
    if not first.any() or not second.any():
        return float(first.any() == second.any())
    radius = float(np.ceil(tolerance * np.hypot(*truth.shape)))
    precision = np.count_nonzero(first & grow(second, radius)) / np.count_nonzero(first)
    recall = np.count_nonzero(second & grow(first, radius)) / np.count_nonzero(second)
    return float(2 * precision * recall / (precision + recall)) if precision + recall else 0.0
