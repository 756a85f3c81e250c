"""What the paper's last stage does around the network: pictures in and out, and its limits on the flow."""

from __future__ import annotations

import numpy as np

from t2c_ext.types import ByteArray, FloatArray

MOTION_NORM = np.float32(64)
"""The flow networks give pixels per frame divided by this."""


def signed(picture: FloatArray) -> FloatArray:
    """A picture 0..1 as the networks take it, -1..1."""
    return (picture - np.float32(0.5)) * np.float32(2)


def paper_flow(motion: FloatArray, speed: float, height: int, width: int) -> FloatArray:
    """The flow that the paper feeds its video network.

    No component exceeds `speed` pixels per frame: the limit is set before the speed, on each component for itself.

    Args:
        motion: float32 [h, w, 2], as the flow networks give it (pixels per frame / 64), of any size.
        speed: factor.
        height, width: of the picture.

    Returns:
        float32 [height, width, 2], pixels per frame, resized by taking the nearest value.
    """
    old_height, old_width = motion.shape[:2]
    flow = np.clip(motion * MOTION_NORM, -1, 1) * np.float32(speed)
    flow = flow * np.array([width / old_width, height / old_height], np.float32)
    rows, columns = np.arange(height) * old_height // height, np.arange(width) * old_width // width
    return np.ascontiguousarray(flow[rows[:, None], columns], np.float32)


def truncated_bytes(picture: FloatArray) -> ByteArray:
    """A picture -1..1 as uint8, cut off and not rounded, as the paper does."""
    scaled = (picture + np.float32(1)) / np.float32(2) * np.float32(255)
    return np.clip(scaled, 0, 255).astype(np.uint8)
