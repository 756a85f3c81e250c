"""Looking up a picture between its pixels by a cubic B-spline through them, which keeps detail."""

from __future__ import annotations

import numpy as np

from t2c_ext.jit import njit
from t2c_ext.loop.paths import MARGIN, Scalar
from t2c_ext.types import FloatArray


def spline_coefficients(picture: FloatArray) -> FloatArray:
    """Padded B-spline coefficients of a picture: float32 [H, W, 3] to [H + 2 MARGIN, W + 2 MARGIN, 4]."""
    from scipy.ndimage import spline_filter1d

    height, width = picture.shape[:2]
    padded = np.zeros((height + 2 * MARGIN, width + 2 * MARGIN, 4), np.float32)
    for channel in range(3):
        plane = picture[..., channel]
        for axis in range(2):
            plane = spline_filter1d(plane, order=3, axis=axis, output=np.float32, mode="mirror")
        padded[..., channel] = np.pad(plane, MARGIN, mode="reflect")
    return padded


@njit(cache=True, nogil=True, inline="always")
def cubic_weights(t: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Weights of the four B-spline coefficients around a fraction t."""
    one, sixth = np.float32(1.0), np.float32(1.0 / 6.0)
    rest = one - t
    w0 = rest * rest * rest * sixth
    w3 = t * t * t * sixth
    w1 = np.float32(2.0 / 3.0) - np.float32(0.5) * t * t * (np.float32(2.0) - t)
    return w0, w1, one - w0 - w1 - w3, w3


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def look_up(spline: FloatArray, x: Scalar, y: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """R, G, B at a position of the padded frame (kept within the picture's pixels by half a pixel)."""
    height, width = spline.shape[0], spline.shape[1]
    low = np.float32(MARGIN) - np.float32(0.5)
    x = min(max(x, low), np.float32(width - MARGIN) - np.float32(0.5))
    y = min(max(y, low), np.float32(height - MARGIN) - np.float32(0.5))
    column, row = np.int64(x), np.int64(y)
    ax, bx, cx, dx = cubic_weights(x - np.float32(column))
    wy = cubic_weights(y - np.float32(row))
    red = green = blue = np.float32(0.0)
    i = column - 1
    for k in range(4):
        line, w = spline[row - 1 + k], wy[k]
        red += w * (ax * line[i, 0] + bx * line[i + 1, 0] + cx * line[i + 2, 0] + dx * line[i + 3, 0])
        green += w * (ax * line[i, 1] + bx * line[i + 1, 1] + cx * line[i + 2, 1] + dx * line[i + 3, 1])
        blue += w * (ax * line[i, 2] + bx * line[i + 1, 2] + cx * line[i + 2, 2] + dx * line[i + 3, 2])
    return red, green, blue
