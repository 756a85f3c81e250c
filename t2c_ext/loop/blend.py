"""Cross-fading the forward and the backward warp.

Two unlike textures that are averaged lose contrast: with weights a + b = 1 the variance of their mix is
a^2 + b^2 of either. So the mix's deviation from its local mean is amplified until the variance is what the
cross-fade of the two variances says, given how much the textures have in common (`gain`).
"""

from __future__ import annotations

import cv2
import numpy as np

from t2c_ext.jit import njit
from t2c_ext.loop.paths import Scalar
from t2c_ext.types import FloatArray

MOST_GAIN = 1.8
"""Bound of the amplification, reached only where the two textures are opposite."""

FADE = 0.25
"""Part of the period that the default cross-fade takes, so that few places show two textures at a time."""


@njit(cache=True, nogil=True, inline="always")
def fade(progress: Scalar, turn: Scalar, length: Scalar) -> Scalar:
    """Weight of the backward warp at `progress` 0..1 of the period.

    It rises in a part `length` of the period with its middle at `turn`; linearly where that is the whole period.
    """
    one, half = np.float32(1.0), np.float32(0.5)
    straight = min(max((progress - turn) / length + half, np.float32(0.0)), one)
    if length >= one:
        return straight
    return straight * straight * (np.float32(3.0) - np.float32(2.0) * straight)


@njit(cache=True, nogil=True, inline="always")
def contributions(
    weight: Scalar, past_beyond: Scalar, future_beyond: Scalar, frames: Scalar, trust: bool
) -> tuple[Scalar, Scalar]:
    """Shares (of sum 1) of the forward and the backward warp.

    Args:
        weight: of the backward warp, from `fade`.
        past_beyond, future_beyond: frames since either warp met the region's edge (negative: it has not).
        frames: frames of one period.
        trust: lower the share of texture that is continued beyond an edge.
    """
    one = np.float32(1.0)
    a, b = one - weight, weight
    if trust:
        reach = np.float32(0.15) * frames
        if past_beyond > 0:
            a *= np.float32(0.25) + np.float32(0.75) * reach / (reach + past_beyond)
        if future_beyond > 0:
            b *= np.float32(0.25) + np.float32(0.75) * reach / (reach + future_beyond)
    total = a + b
    return a / total, b / total


@njit(cache=True, nogil=True, inline="always")
def gain(a: Scalar, b: Scalar, variance_a: Scalar, variance_b: Scalar, covariance: Scalar) -> Scalar:
    """Amplification of the mix's deviation from its local mean that keeps the variance."""
    small = np.float32(1e-7)
    wanted = a * variance_a + b * variance_b + small
    found = a * a * variance_a + b * b * variance_b + np.float32(2.0) * a * b * covariance + small
    return np.float32(min(np.sqrt(wanted / max(found, np.float32(0.1) * wanted)), MOST_GAIN))


def local_mean(summed: FloatArray, weight: FloatArray, window: float) -> FloatArray:
    """Gaussian mean (sigma `window`) of float32 [H, W, C] values that were multiplied by their `weight` [H, W]."""
    total = cv2.GaussianBlur(weight, (0, 0), window)
    blurred = cv2.GaussianBlur(summed, (0, 0), window)
    return (blurred / np.maximum(total, np.float32(1e-4))[..., None]).astype(np.float32)
