"""What the warps look up: the picture continued outward, and its local means and variances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.extents import Window, bands, whole_of
from t2c_ext.jit import njit
from t2c_ext.loop.blend import local_mean
from t2c_ext.loop.cycles import Cycles
from t2c_ext.loop.paths import MARGIN, Scalar
from t2c_ext.loop.spline import spline_coefficients
from t2c_ext.loop.trajectories import Trajectories, landing
from t2c_ext.types import BoolArray, FloatArray

MEAN_WINDOW = 12.0
"""Sigma of the local mean about which variance is preserved, in pixels at 512."""


@dataclass(frozen=True)
class Texture:
    """What is looked up.

    Attributes:
        spline: float32 [H + 2 MARGIN, W + 2 MARGIN, 4], B-spline coefficients of R, G, B (and a spare zero), 0..1.
        broad: float32 [h, w, 4 + L], at 1 / `step` of the resolution: local mean R, G, B, variance of the rest, and
            its covariance with the rest downstream at each of the `Cycles.lags`.
        step: pixels per cell of `broad`.
    """

    spline: FloatArray
    broad: FloatArray
    step: int


def coarse_step(window: float) -> int:
    """Pixels per cell of a coarse grid that still carries a local mean of `window` pixels."""
    return max(1, int(window / 3))


def shrink(plane: FloatArray, step: int, weight: FloatArray | BoolArray | None = None) -> FloatArray:
    """Mean over cells of `step` by `step` pixels (the last may reach beyond the border, which is repeated).

    Args:
        plane: float32 [H, W] or [H, W, C].
        step: pixels per cell.
        weight: [H, W] that the plane is multiplied by before; None: 1.
    """
    cells = (-(-plane.shape[0] // step), -(-plane.shape[1] // step), *plane.shape[2:])
    result = np.empty(cells, np.float32)
    for rows in cell_bands(plane.shape, step):
        part = plane[rows]
        if weight is not None:
            part = part * (weight[rows] if part.ndim == 2 else weight[rows, :, None])
        result[rows.start // step : -(-rows.stop // step)] = _means(part, step).reshape(-1, *cells[1:])
    return result


def _means(plane: FloatArray, step: int) -> FloatArray:
    """`shrink` of one band."""
    if step == 1:
        return plane
    down, right = -plane.shape[0] % step, -plane.shape[1] % step
    padded = cv2.copyMakeBorder(plane, 0, down, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(padded, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA), np.float32)


def cell_bands(size: tuple[int, ...], step: int) -> Iterator[slice]:
    """Like `bands`, but of whole cells of `step` rows."""
    for band in bands((-(-size[0] // step), size[1] * step)):
        yield slice(band.start * step, min(band.stop * step, size[0]))


def make_texture(  # noqa: PLR0917
    continued: FloatArray,
    core: BoolArray,
    inside: BoolArray,
    trajectories: Trajectories,
    cycles: Cycles,
    window: Window | None = None,
) -> Texture:
    """The texture of a region.

    Args:
        continued: float32 [H, W, 3], what travels, continued outward from the core.
        core: bool [H, W], the pixels that are trusted.
        inside: bool [H, W], the moving pixels.
        trajectories: tell where each texture meets itself one period downstream.
        cycles: of the pixels inside.
        window: where they lie in the picture; None: they are all of it.
    """
    reach = MEAN_WINDOW * (window or whole_of(core.shape)).scale
    step = coarse_step(reach)
    area = core | inside
    weight = shrink(area.astype(np.float32), step)
    sigma = reach / step
    mean = local_mean(shrink(continued, step, area), weight, sigma)
    height, width = core.shape
    full = cv2.resize(mean, (mean.shape[1] * step, mean.shape[0] * step), interpolation=cv2.INTER_LINEAR)
    rest = np.subtract(continued, full[:height, :width], out=full[:height, :width])
    lags, period, done = cycles.lags, cycles.period, 0
    means = np.empty((*weight.shape, 1 + len(lags)), np.float32)
    for band in cell_bands(inside.shape, step):
        row, column = (part.astype(np.int32) for part in np.nonzero(inside[band]))
        row += band.start
        here, own = rest[row, column], period[done : done + row.size]
        done += row.size
        moments = np.zeros((band.stop - band.start, width, 1 + len(lags)), np.float32)
        moments[row - band.start, column, 0] = np.einsum("pc,pc->p", here, here) / 3
        for number, lag in enumerate(lags):
            there = rest[landing(trajectories, row, column, np.float32(lag) * own)]
            moments[row - band.start, column, 1 + number] = np.einsum("pc,pc->p", here, there) / 3
        means[band.start // step : -(-band.stop // step)] = shrink(moments, step)
    del full, rest
    blurred = local_mean(means, weight, sigma)
    broad = np.ascontiguousarray(np.dstack([mean, blurred]), np.float32)
    return Texture(spline_coefficients(continued), broad, step)


@njit(cache=True, nogil=True, inline="always")
def cell(broad: FloatArray, step: int, x: Scalar, y: Scalar) -> tuple[int, int, Scalar, Scalar]:
    """Row, column and fractions of a padded position in `Texture.broad`."""
    half, inverse = np.float32(0.5), np.float32(1.0) / np.float32(step)
    gx = (x - np.float32(MARGIN) + half) * inverse - half
    gy = (y - np.float32(MARGIN) + half) * inverse - half
    gx = min(max(gx, np.float32(0.0)), np.float32(broad.shape[1]) - np.float32(1.001))
    gy = min(max(gy, np.float32(0.0)), np.float32(broad.shape[0]) - np.float32(1.001))
    column, row = int(gx), int(gy)
    return row, column, gx - np.float32(column), gy - np.float32(row)


@njit(cache=True, nogil=True, inline="always")
def level(broad: FloatArray, place: tuple[int, int, Scalar, Scalar], channel: int) -> Scalar:
    """One channel of `Texture.broad` at a place (from `cell`)."""
    row, column, fx, fy = place
    top = broad[row, column, channel] + fx * (broad[row, column + 1, channel] - broad[row, column, channel])
    low = broad[row + 1, column, channel] + fx * (broad[row + 1, column + 1, channel] - broad[row + 1, column, channel])
    return top + fy * (low - top)
