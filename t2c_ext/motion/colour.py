"""Pictures of a flow: the colour wheel, and arrows for people."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.types import ByteArray, FloatArray

_SECTORS = ((15, (0, 1), 1), (6, (1, 0), -1), (4, (1, 2), 1), (11, (2, 1), -1), (13, (2, 0), 1), (6, (0, 2), -1))
"""Steps of the six stretches of the wheel, (full channel, changing channel), and whether that rises or falls."""


def colour_wheel() -> NDArray[np.float64]:
    """float64 [55, 3], 0..255: the wheel of Baker et al., "A Database and Evaluation Methodology for Optical Flow"."""
    rows = []
    for steps, (full, changing), sign in _SECTORS:
        sector = np.zeros((steps, 3))
        ramp = np.floor(255.0 * np.arange(steps) / steps)
        sector[:, full] = 255.0
        sector[:, changing] = ramp if sign > 0 else 255.0 - ramp
        rows.append(sector)
    return np.concatenate(rows)


def flow_to_colour(flow: FloatArray) -> ByteArray:
    """uint8 [H, W, 3] RGB: hue tells the direction and saturation the speed of flow [H, W, 2]; white stands still.

    Speeds are relative to the largest one plus 1e-5, as in the paper's pictures (Baker et al., section 4).
    """
    u, v = flow[..., 0], flow[..., 1]
    largest = np.max(np.sqrt(u**2 + v**2), initial=0.0)
    u, v = u / (largest + 1e-5), v / (largest + 1e-5)
    radius = np.sqrt(u**2 + v**2)
    wheel = colour_wheel()
    position = (np.arctan2(-v, -u) / np.pi + 1) / 2 * (len(wheel) - 1)
    lower = np.floor(position).astype(np.int64)
    upper = (lower + 1) % len(wheel)
    fraction = (position - lower)[..., None]
    colour = (1 - fraction) * (wheel[lower] / 255) + fraction * (wheel[upper] / 255)
    inside = radius[..., None] <= 1
    colour = np.where(inside, 1 - radius[..., None] * (1 - colour), colour * 0.75)
    return np.floor(255 * colour).astype(np.uint8)


def arrows_over(picture: FloatArray, flow: FloatArray, spacing: int = 0) -> ByteArray:
    """uint8 [H, W, 3]: the picture (float32 [H, W, 3], 0..1), darkened, with an arrow every `spacing` pixels.

    An arrow's length is what the place travels in 20 frames; 0 spaces them by a 24th of the short side.
    """
    height, width = flow.shape[:2]
    canvas = np.ascontiguousarray(np.clip(picture * 0.7 * 255 + 0.5, 0, 255).astype(np.uint8))
    step = spacing or max(4, min(height, width) // 24)
    thickness = max(1, min(height, width) // 400)
    for y in range(step // 2, height, step):
        for x in range(step // 2, width, step):
            dx, dy = (float(value) * 20 for value in flow[y, x])
            if dx or dy:
                end = (round(x + dx), round(y + dy))
                cv2.arrowedLine(canvas, (x, y), end, (255, 230, 60), thickness, cv2.LINE_AA, tipLength=0.35)
    return canvas
