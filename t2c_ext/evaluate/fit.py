"""Brings stills, masks and flows to the size of the frames."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.errors import UserError
from t2c_ext.types import ByteArray, FloatArray


def odd_side(shape: tuple[int, ...], size: tuple[int, ...]) -> bool:
    """Whether two sizes (height, width, ...) are equal up to the one pixel by which codecs make a side even."""
    return all(abs(shape[axis] - size[axis]) <= 1 for axis in (0, 1))


def fit_still(still: ByteArray | FloatArray, size: tuple[int, ...], notes: list[str]) -> ByteArray:
    """The still, uint8 or float (0..1) [h, w, 3], as uint8 [H, W, 3].

    Raises:
        UserError: it is no picture.
    """
    if still.ndim != 3 or still.shape[2] != 3:
        raise UserError(f"the still is {list(still.shape)}, but must be [height, width, 3]")
    levels = still if still.dtype == np.uint8 else np.rint(np.clip(still, 0, 1) * 255)
    picture = np.ascontiguousarray(levels, dtype=np.uint8)
    if odd_side(picture.shape, size):
        return _trim(picture, size)
    notes.append("the still was resized to the frames; exactness outside the mask is not judged")
    shrinks = size[0] < picture.shape[0]
    resized = cv2.resize(picture, size[1::-1], interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC)
    return np.asarray(resized, np.uint8)


def fit_mask(mask: NDArray[Any], size: tuple[int, ...], notes: list[str]) -> FloatArray:
    """The mask, bool, uint8 or float (0..1) [h, w], as float32 [H, W], 0..1.

    Raises:
        UserError: it is no mask.
    """
    if mask.ndim != 2:
        raise UserError(f"the mask is {list(mask.shape)}, but must be [height, width]")
    values = mask.astype(np.float32) / np.float32(255 if mask.dtype == np.uint8 else 1)
    if odd_side(values.shape, size):
        return _trim(values, size)
    notes.append("a mask was resized to the frames")
    return np.asarray(cv2.resize(values, size[1::-1], interpolation=cv2.INTER_LINEAR), np.float32)


def fit_flow(flow: FloatArray | None, size: tuple[int, ...]) -> FloatArray | None:
    """The flow [h, w, 2], its vectors scaled with it, as float32 [H, W, 2]; None stays None.

    Raises:
        UserError: it is no flow.
    """
    if flow is None:
        return None
    if flow.ndim != 3 or flow.shape[2] != 2:
        raise UserError(f"the flow is {list(flow.shape)}, but must be [height, width, 2]")
    values = flow.astype(np.float32)
    if odd_side(values.shape, size):
        return _trim(values, size)
    scale = np.array([size[1] / flow.shape[1], size[0] / flow.shape[0]], np.float32)
    return np.asarray(cv2.resize(values, size[1::-1]) * scale, np.float32)


def _trim(values: NDArray[Any], size: tuple[int, ...]) -> NDArray[Any]:
    """Leave out, or repeat, the last row and column."""
    height, width = size[:2]
    missing = [(0, max(0, height - values.shape[0])), (0, max(0, width - values.shape[1]))]
    padded = np.pad(values, missing + [(0, 0)] * (values.ndim - 2), mode="edge")
    return np.ascontiguousarray(padded[:height, :width])
