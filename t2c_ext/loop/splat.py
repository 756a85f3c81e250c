"""Forward splatting: every source pixel is added to where it lands.

The kernels visit source pixels in row order, so sums do not depend on the number of threads; independent layers may
be splatted at the same time (the kernels release the GIL). Formulas: Niklaus and Liu, "Softmax Splatting for Video
Frame Interpolation", 2020, equations 2 to 8.
"""

from __future__ import annotations

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.jit import njit
from t2c_ext.loop.paths import Scalar
from t2c_ext.types import FloatArray

KERNELS = ("bilinear", "cubic")
MODES = ("summation", "average", "linear", "softmax")


@njit(cache=True, nogil=True)
def _splat_bilinear(values: FloatArray, flow: FloatArray, out: FloatArray) -> None:
    height, width, channels = values.shape
    for row in range(height):
        for column in range(width):
            x = np.float32(column) + flow[row, column, 0]
            y = np.float32(row) + flow[row, column, 1]
            if not (-1.0 < x < width and -1.0 < y < height):
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            for dy in range(2):
                target_y = top + dy
                if target_y < 0 or target_y >= height:
                    continue
                weight_y = y - np.float32(top) if dy else np.float32(top + 1) - y
                for dx in range(2):
                    target_x = left + dx
                    if target_x < 0 or target_x >= width:
                        continue
                    weight_x = x - np.float32(left) if dx else np.float32(left + 1) - x
                    weight = weight_x * weight_y
                    for channel in range(channels):
                        out[target_y, target_x, channel] += values[row, column, channel] * weight


@njit(cache=True, nogil=True, inline="always")
def _cubic(distance: Scalar) -> Scalar:
    """The Catmull-Rom kernel (Keys, a = -1/2)."""
    t = abs(distance)
    if t < 1.0:
        return (1.5 * t - 2.5) * t * t + 1.0
    if t < 2.0:
        return ((-0.5 * t + 2.5) * t - 4.0) * t + 2.0
    return 0.0


@njit(cache=True, nogil=True)
def _splat_cubic(values: FloatArray, flow: FloatArray, out: FloatArray) -> None:
    height, width, channels = values.shape
    for row in range(height):
        for column in range(width):
            x = np.float32(column) + flow[row, column, 0]
            y = np.float32(row) + flow[row, column, 1]
            if not (-2.0 < x < width + 1 and -2.0 < y < height + 1):
                continue
            left, top = int(np.floor(x)), int(np.floor(y))
            for target_y in range(max(top - 1, 0), min(top + 3, height)):
                weight_y = np.float32(_cubic(y - target_y))
                if weight_y == 0:
                    continue
                for target_x in range(max(left - 1, 0), min(left + 3, width)):
                    weight = np.float32(_cubic(x - target_x)) * weight_y
                    for channel in range(channels):
                        out[target_y, target_x, channel] += values[row, column, channel] * weight


def splat_sum(values: FloatArray, flow: FloatArray, kernel: str = "bilinear") -> FloatArray:
    """Sum of all values that land on a pixel.

    Args:
        values: float32 [H, W, C].
        flow: float32 [H, W, 2], displacement (dx, dy) in pixels. What lands outside, or nowhere (not finite), is lost.
        kernel: "bilinear" (2 x 2 pixels, as the paper) or "cubic" (4 x 4, Catmull-Rom: keeps detail between pixels).

    Returns:
        float32 [H, W, C].

    Raises:
        UserError: the sizes differ or the kernel is unknown.
    """
    if values.ndim != 3 or flow.shape != (*values.shape[:2], 2):
        raise UserError(f"a picture of {values.shape} cannot be splatted with a flow of {flow.shape}")
    if kernel not in KERNELS:
        raise UserError(f"the kernel is {kernel!r}, but must be one of: {', '.join(KERNELS)}")
    out = np.zeros(values.shape, np.float32)
    source = np.ascontiguousarray(values, np.float32)
    displacement = np.ascontiguousarray(flow, np.float32)
    if kernel == "cubic":
        _splat_cubic(source, displacement, out)
    else:
        _splat_bilinear(source, displacement, out)
    return out


def splat(values: FloatArray, flow: FloatArray, metric: FloatArray | None = None, mode: str = "softmax") -> FloatArray:
    """Bilinear splatting in one of the four modes.

    Args:
        values: float32 [H, W, C].
        flow: float32 [H, W, 2], displacement in pixels.
        metric: float32 [H, W], the importance; needed for "linear" (a weight) and "softmax" (its logarithm).
        mode: "summation", "average", "linear" or "softmax".

    Returns:
        float32 [H, W, C]; 0 where nothing arrived.

    Raises:
        UserError: unknown mode, or no metric where one is needed.
    """
    if mode not in MODES:
        raise UserError(f"the mode is {mode!r}, but must be one of: {', '.join(MODES)}")
    if mode == "summation":
        return splat_sum(values, flow)
    if mode == "average":
        weight = np.ones(values.shape[:2], np.float32)
    elif metric is None:
        raise UserError(f"splatting in mode {mode!r} needs an importance for every pixel")
    else:
        weight = metric if mode == "linear" else np.exp(metric)
    stacked = np.concatenate([values * weight[..., None], weight[..., None]], axis=-1).astype(np.float32)
    summed = splat_sum(stacked, flow)
    divisor = summed[..., -1:]
    return np.asarray(summed[..., :-1] / np.where(divisor == 0, np.float32(1), divisor), np.float32)
