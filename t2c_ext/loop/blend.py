"""Cross-fading the forward and the backward warp.

Two unlike textures that are averaged lose contrast: with weights a + b = 1 the variance of their mix is
a^2 + b^2 of either. So the mix's deviation from its local mean is amplified until the variance is what the
cross-fade of the two variances says, given how much the textures have in common (`gain`).
"""

from __future__ import annotations

import cv2
import numpy as np
from numba import njit

from t2c_ext.loop.paths import Scalar
from t2c_ext.types import FloatArray, scale_of

MOST_GAIN = 1.8
"""Bound of the amplification, reached only where the two textures are opposite."""

MOST_STRETCH = 0.25
"""Largest change of displacement per pixel that the phase may cause, along the flow."""


@njit(cache=True, nogil=True, inline="always")
def fade(progress: Scalar, steepness: Scalar) -> Scalar:
    """Weight of the backward warp at `progress` 0..1 of the period; `steepness` 1 is linear, more is steeper."""
    one, half = np.float32(1.0), np.float32(0.5)
    straight = min(max((progress - half) * steepness + half, np.float32(0.0)), one)
    if steepness <= one:
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


def phase_field(  # noqa: PLR0917
    share: FloatArray, flow: FloatArray, energy: FloatArray, frames: int, spread: float, seed: int
) -> FloatArray:
    """By which part of the period each place is ahead of the clock: smooth, and evenly spread over the texture.

    Even means that at any time the same amount of texture is at each stage of the cross-fade, so that the whole does
    not breathe. Where the phase would stretch the texture along the flow by more than `MOST_STRETCH`, its range is
    made smaller.

    Args:
        share: float32 [H, W], what moves.
        flow: float32 [H, W, 2], pixels per frame.
        energy: float32 [H, W], how much texture there is.
        frames: frames of one period.
        spread: size of the areas of one phase, in pixels at 512.
        seed: of the random field.

    Returns:
        float32 [H, W], 0..1; 0 where nothing moves.
    """
    height, width = share.shape
    sigma = spread * scale_of(height, width)
    cell = sigma / 8
    rows, columns = int(height / cell) + 50, int(width / cell) + 50
    noise = np.random.default_rng(seed).standard_normal((rows, columns)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 4)[20:-20, 20:-20]
    matrix = np.array([[cell, 0, 0], [0, cell, 0]], np.float32)
    field = cv2.warpAffine(smooth, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    moving = share > 0
    values = field[moving]
    order = np.argsort(values, kind="stable")
    weights = (energy[moving] * share[moving] + 1e-6 * max(float(energy[moving].mean()), 1e-6))[order]
    level = np.cumsum(weights, dtype=np.float64)
    level /= level[-1]
    knots = np.linspace(0, values.size - 1, min(values.size, 257)).astype(int)
    phase = np.interp(field, values[order][knots], level[knots]).astype(np.float32)
    phase = cv2.GaussianBlur(phase, (0, 0), max(sigma / 8, 1.0))
    slope_y, slope_x = np.gradient(phase)
    stretch = np.abs(slope_x * flow[..., 0] + slope_y * flow[..., 1])[moving] * frames
    worst = float(np.percentile(stretch, 98))
    if worst > MOST_STRETCH:
        phase *= MOST_STRETCH / worst
    return np.where(moving, phase, 0).astype(np.float32)
