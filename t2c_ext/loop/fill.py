"""Filling holes that forward splatting leaves."""

from __future__ import annotations

import cv2
import numpy as np

from t2c_ext.loop.inflow import nearest
from t2c_ext.types import BoolArray, FloatArray


def fill_holes(picture: FloatArray, known: BoolArray) -> FloatArray:
    """Fill the unknown pixels from the nearest known ones, smoothed within the hole.

    Args:
        picture: float32 [H, W, C].
        known: bool [H, W]; when nothing is known, the picture is returned as it is.
    """
    if known.all() or not known.any():
        return picture
    _, row, column = nearest(known)
    filled = picture[row, column]
    smooth = cv2.GaussianBlur(filled, (0, 0), 1.0)
    return np.where(known[..., None], picture, smooth.reshape(picture.shape)).astype(np.float32)
