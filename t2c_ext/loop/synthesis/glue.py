"""What the paper's last stage does around the network: pictures in and frames out."""

from __future__ import annotations

import numpy as np

from t2c_ext.types import ByteArray, FloatArray


def signed(picture: FloatArray) -> FloatArray:
    """A picture 0..1 as the networks take it, -1..1."""
    return (picture - np.float32(0.5)) * np.float32(2)


def truncated_bytes(picture: FloatArray) -> ByteArray:
    """A picture -1..1 as uint8, cut off and not rounded, as the paper does."""
    scaled = (picture + np.float32(1)) / np.float32(2) * np.float32(255)
    return np.clip(scaled, 0, 255).astype(np.uint8)
