"""Depth maps: pictures of 8 or 16 bits, or arrays of NumPy; what is larger (brighter) is nearer.

A depth is read by rules of its own, not by a mask's (`t2c_ext.media.masks`): its levels are distances, so that black is
far rather than nothing, and the nearest may be dark. Transparency says nothing about them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from t2c_ext.arrays import MAGIC, npy_of, read_npy
from t2c_ext.errors import UserError, Way
from t2c_ext.extents import bands
from t2c_ext.media.stills import Still, read_still, still_of
from t2c_ext.types import FloatArray

DepthSource = str | os.PathLike[str] | bytes | Image.Image | NDArray[Any]
"""A file (a picture or an `.npy`), the bytes of one, a Pillow picture, or an array."""

LUMA = (0.299, 0.587, 0.114)
"""Shares of red, green and blue in a picture's brightness (ITU-R BT.601)."""

LARGEST_NUMBER = float(np.finfo(np.float32).max)


def read_depth(source: DepthSource, name: str | None = None) -> FloatArray:
    """float32 [h, w], 0..1: nearness, 1 is the nearest; the range of what is given is stretched to that.

    Of a picture the brightness counts, with all of its 8 or 16 bits; its transparency is passed over.

    Args:
        source: a picture or an `.npy`, as a file or its bytes; a Pillow picture; or an array [h, w] or [h, w, 1].
        name: what errors call it; None: "the depth", with its file.

    Raises:
        UserError: it cannot be read, is no plane of numbers, or is the same everywhere.
    """
    called = name or (f"the depth {source}" if isinstance(source, (str, os.PathLike)) else "the depth")
    values = _values(source, called)
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2 or values.dtype.kind not in "fiu" or min(values.shape) < 2:
        raise UserError(f"{called} is no depth map: give one number for each pixel, larger is nearer")
    with np.errstate(invalid="ignore"):  # what is no number is found below
        low, high = float(values.min()), float(values.max())
    if not (abs(low) <= LARGEST_NUMBER and abs(high) <= LARGEST_NUMBER):
        raise UserError(f"{called} holds values that are no numbers")
    if high <= low:
        raise UserError(
            f"{called} is the same everywhere, so that nothing would stand out before a camera",
            ways=[
                Way("give one in which what is near is brighter than what is far"),
                Way("leave it out for a plain ground"),
            ],
        )
    depth = np.empty(values.shape, np.float32)
    for band in bands(values.shape):  # in float64, for the range of float32 itself is no float32
        depth[band] = (values[band].astype(np.float64) - low) / (high - low)
    return depth


def _values(source: DepthSource, called: str) -> NDArray[Any]:
    """The numbers as they are given."""
    if isinstance(source, Image.Image):
        return _brightness(still_of(source, called, 1, in_srgb=False))
    if isinstance(source, bytes):
        return npy_of(source, called) if source.startswith(MAGIC) else _brightness(_read(source, called))
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        return read_npy(path) if path.suffix.lower() == ".npy" else _brightness(_read(path, called))
    return np.asarray(source)


def _read(source: Path | bytes, called: str) -> Still:
    return read_still(source, called, 1, in_srgb=False)  # levels are no colours, whatever a profile says


def _brightness(still: Still) -> FloatArray:
    """float32 [h, w], 0..1; equal colours are equal to the last bit, so that what is flat remains so."""
    colour = still.pixels.colour
    if colour.ndim == 2:
        return colour
    grey = colour[..., 0] * np.float32(LUMA[0])
    for channel in (1, 2):
        grey += colour[..., channel] * np.float32(LUMA[channel])
    return grey
