"""How well a flow agrees with the true one, and what a flow says by itself."""

from __future__ import annotations

import numpy as np

from t2c_ext.types import BoolArray, FloatArray, angle_of, scale_of

_STILL = 1e-3


def angle_between(first: float, second: float) -> float:
    """The angle between two directions in degrees, 0..180: |((a - b + 180) mod 360) - 180|."""
    return abs((first - second + 180.0) % 360.0 - 180.0)


def mean_direction(flow: FloatArray, where: BoolArray) -> float | None:
    """Direction in degrees of the sum of the vectors of flow [H, W, 2] over `where`.

    None when they cancel: the sum's length is below 1 % of the sum of their lengths, or nothing moves.
    """
    vectors = flow[where].astype(np.float64)
    total = vectors.sum(axis=0)
    lengths = float(np.linalg.norm(vectors, axis=1).sum())
    if lengths <= _STILL * max(len(vectors), 1) or float(np.linalg.norm(total)) < 0.01 * lengths:
        return None
    return angle_of(float(total[0]), float(total[1]))


def angular_error(predicted: FloatArray, truth: FloatArray, where: BoolArray | None = None) -> float | None:
    """Mean angle in degrees, 0..180, between the vectors of two flows [H, W, 2].

    The mean is over the pixels of `where` (default: all) at which the truth is longer than 0.001 px per frame. A
    predicted vector that is shorter than that has no direction and counts as 90 degrees. None when the truth is still.
    """
    moving = np.linalg.norm(truth, axis=2) > _STILL
    if where is not None:
        moving &= where
    if not moving.any():
        return None
    first, second = predicted[moving].astype(np.float64), truth[moving].astype(np.float64)
    dot = (first * second).sum(axis=1)
    cross = first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]
    degrees = np.rad2deg(np.abs(np.arctan2(cross, dot)))
    degrees[np.linalg.norm(first, axis=1) <= _STILL] = 90.0
    return float(degrees.mean())


def end_point_error(predicted: FloatArray, truth: FloatArray, where: BoolArray | None = None) -> float:
    """Mean length of predicted - truth over `where` (default: all), in pixels per frame."""
    error = np.linalg.norm(predicted.astype(np.float64) - truth.astype(np.float64), axis=2)
    return float(error.mean() if where is None else error[where].mean())


def travel_of(flow: FloatArray, frames: int, where: BoolArray) -> float:
    """Median over `where` of frames * |flow|, in pixels of a picture whose short side is 512."""
    lengths = np.linalg.norm(flow[where].astype(np.float64), axis=1)
    return float(frames * np.median(lengths) / scale_of(*flow.shape[:2]))
