"""Where the texture at a pixel comes from: particles traced along a stationary field, kept inside the region.

Positions are in the padded frame of `Field.grid`: a pixel (x, y) of the picture is at (x + MARGIN, y + MARGIN).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from t2c_ext.jit import njit
from t2c_ext.types import FloatArray

Scalar = Any
"""A number inside compiled code, where it is float32; plain Python would call it otherwise."""


MARGIN = 3
"""Pixels of padding around the picture, enough for a step's look-up and for a cubic kernel."""


@dataclass(frozen=True)
class Field:
    """A velocity field and the domain that particles stay in.

    Attributes:
        grid: float32 [H + 2 MARGIN, W + 2 MARGIN, 4]: dx, dy in pixels per frame, the signed distance to the domain's
            edge in pixels (positive inside), and a spare zero.
    """

    grid: FloatArray


@njit(cache=True, nogil=True, inline="always")
def _look(grid: FloatArray, x: Scalar, y: Scalar, channel: int) -> Scalar:
    """`grid` at (x, y) by bilinear interpolation; positions beyond the padding take its edge."""
    height, width = grid.shape[0], grid.shape[1]
    x = min(max(x, np.float32(0.0)), np.float32(width - 1.001))
    y = min(max(y, np.float32(0.0)), np.float32(height - 1.001))
    column, row = int(x), int(y)
    fx, fy = x - np.float32(column), y - np.float32(row)
    top = grid[row, column, channel] + fx * (grid[row, column + 1, channel] - grid[row, column, channel])
    low = grid[row + 1, column, channel] + fx * (grid[row + 1, column + 1, channel] - grid[row + 1, column, channel])
    return top + fy * (low - top)


@njit(cache=True, nogil=True)
def advance(
    grid: FloatArray, x: Scalar, y: Scalar, sign: Scalar, duration: Scalar
) -> tuple[Scalar, Scalar, Scalar, bool]:
    """One step of `duration` frames by the midpoint rule, reflected along the streamline at the domain's edge.

    Args:
        grid: `Field.grid`.
        x, y: position (padded frame).
        sign: 1 with the field, -1 against it.
        duration: frames, 0..1.

    Returns:
        The new position, the new sign (turned round when the edge was met), and whether it was.
    """
    step = np.float32(sign * duration)
    half = np.float32(0.5) * step
    vx, vy = _look(grid, x, y, 0), _look(grid, x, y, 1)
    middle_x, middle_y = x + half * vx, y + half * vy
    vx, vy = _look(grid, middle_x, middle_y, 0), _look(grid, middle_x, middle_y, 1)
    new_x, new_y = x + step * vx, y + step * vy
    after = _look(grid, new_x, new_y, 2)
    if after > 0:
        return new_x, new_y, sign, False
    before = _look(grid, x, y, 2)
    share = before / (before - after) if before > after else np.float32(0.0)
    back = np.float32(2.0) * share - np.float32(1.0)
    new_x, new_y = x + step * vx * back, y + step * vy * back
    if _look(grid, new_x, new_y, 2) <= 0:
        new_x, new_y = x, y
    return new_x, new_y, -sign, True


@njit(cache=True, nogil=True)
def trace(  # noqa: PLR0917
    grid: FloatArray,
    start_x: FloatArray,
    start_y: FloatArray,
    direction: Scalar,
    stride: int,
    span: tuple[int, int],
    path: FloatArray,
    met: FloatArray,
    never: Scalar,
) -> None:
    """Trace the particles of `span`, keeping their displacement every `stride` frames.

    Args:
        grid: `Field.grid`.
        start_x, start_y: float32 [P], positions (padded frame).
        direction: 1 with the field, -1 against it.
        stride: frames from knot to knot.
        span: first particle and the one after the last.
        path: float32 [K, P, 2], receives the displacements after 0, `stride`, 2 `stride` ... frames.
        met: float32 [P], receives the frames until the domain's edge was first met, or `never`.
    """
    one = np.float32(1.0)
    for index in range(span[0], span[1]):
        x, y, sign = start_x[index], start_y[index], direction
        first = never
        for knot in range(1, path.shape[0]):
            for step in range(stride):
                x, y, sign, turned = advance(grid, x, y, sign, one)
                if turned and first == never:
                    first = np.float32((knot - 1) * stride + step)
            path[knot, index, 0] = x - start_x[index]
            path[knot, index, 1] = y - start_y[index]
        met[index] = first
