"""Depth maps: pictures of 8 or 16 bits, or arrays of NumPy; what is larger (brighter) is nearer."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from t2c_ext.arrays import MAGIC, npy_of, read_npy
from t2c_ext.errors import UserError
from t2c_ext.media.pictures import read_mask, take_mask
from t2c_ext.types import FloatArray


def read_depth(source: str | os.PathLike[str] | bytes | NDArray[Any]) -> FloatArray:
    """float32 [h, w], 0..1: nearness, 1 is the nearest; of an array or an `.npy`, whatever its range.

    Args:
        source: a picture or an `.npy`, as a file or its bytes, or an array [h, w] or [h, w, 1].

    Raises:
        UserError: it cannot be read, is no plane of numbers, or is the same everywhere.
    """
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        name = str(path)
        values = read_npy(path) if path.suffix.lower() == ".npy" else read_mask(path)
    elif isinstance(source, bytes):
        name = "the depth"
        values = npy_of(source, name) if source.startswith(MAGIC) else take_mask(source, name=name)[0]
    else:
        name, values = "the depth", np.asarray(source)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in "fiu" or min(values.shape) < 2:
        raise UserError(f"{name} is no depth map: give one number for each pixel, larger is nearer")
    with np.errstate(over="ignore"):  # what float32 does not hold is no number below
        depth = values.astype(np.float32)
    if not np.isfinite(depth).all():
        raise UserError(f"{name} holds values that are no numbers")
    low, high = float(depth.min()), float(depth.max())
    if high <= low:
        raise UserError(f"{name} is equally deep everywhere, so that a camera would pass nothing")
    return np.asarray((depth - low) / np.float32(high - low), np.float32)
