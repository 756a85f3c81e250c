"""Brightness and colour as video codecs want them, without colour that bleeds over a mask's edge."""

from __future__ import annotations

import cv2
import numpy as np

from t2c_ext.extents import bands
from t2c_ext.types import BoolArray, ByteArray, FloatArray

Planes = tuple[ByteArray, ByteArray, ByteArray]
"""Y [H, W], Cb and Cr [H / 2, W / 2]; both sides even."""

_FROM_RGB = np.array(
    [
        [0.299 * 219 / 255, 0.587 * 219 / 255, 0.114 * 219 / 255, 16],
        [-0.299 / 1.772 * 224 / 255, -0.587 / 1.772 * 224 / 255, 0.5 * 224 / 255, 128],
        [0.5 * 224 / 255, -0.587 / 1.402 * 224 / 255, -0.114 / 1.402 * 224 / 255, 128],
    ],
    np.float32,
)
"""Y, Cb and Cr from R, G, B and 1 (ITU-R BT.601, 8 bits, video range)."""

_BLOCK = 16


def to_planes(frame: ByteArray) -> Planes:
    """Luma and the two colour differences, BT.601 in video range, each colour sample the mean of 2 x 2 pixels.

    Args:
        frame: uint8 [H, W, 3], RGB, both sides even.

    Returns:
        uint8 [H, W], [H / 2, W / 2], [H / 2, W / 2].
    """
    luma = cv2.transform(frame, _FROM_RGB[:1])
    half = cv2.resize(frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA)
    differences = cv2.transform(half, _FROM_RGB[1:])
    return np.asarray(luma), np.asarray(differences[:, :, 0]), np.asarray(differences[:, :, 1])


class PlaneMaker:
    """Turns the frames of a clip into planes, one after another.

    A colour sample that a pixel which stands still shares with one that moves would change the still pixel's colour in
    every frame. So every sample from which a player draws a still pixel (those of its own 2 x 2 pixels and the
    neighbours, for bilinear interpolation) keeps what it has in the first frame, where it is the mean of its still
    pixels alone if it has any.
    """

    def __init__(self, mask: FloatArray | None = None) -> None:
        """`mask`: float32 [H, W], 0 where every frame is the same; None when that is not known."""
        self._still = None if mask is None else _even((mask == 0).view(np.uint8))
        self._fixed: tuple[BoolArray, ByteArray, ByteArray] | None = None

    def __call__(self, frame: ByteArray) -> Planes:
        """The planes of the next frame, uint8 [H, W, 3]; odd sides are widened by repeating the edge."""
        even = _even(frame)
        luma, blue, red = to_planes(even)
        if self._fixed is None and self._still is not None:
            self._fixed, self._still = _still_colour(even, self._still, blue, red), None
        if self._fixed is None:
            return luma, blue, red
        where, still_blue, still_red = self._fixed
        return luma, np.where(where, still_blue, blue), np.where(where, still_red, red)


def _still_colour(
    frame: ByteArray, still: ByteArray, blue: ByteArray, red: ByteArray
) -> tuple[BoolArray, ByteArray, ByteArray]:
    """Where colour samples touch still pixels, and what they are there: bool and twice uint8, [H / 2, W / 2]."""
    has_still, still_blue, still_red = np.empty(blue.shape, np.bool_), blue.copy(), red.copy()
    for band in bands(blue.shape):
        rows = slice(2 * band.start, 2 * band.stop)
        part, size = still[rows].astype(np.float32), (blue.shape[1], band.stop - band.start)
        share = cv2.resize(part, size, interpolation=cv2.INTER_AREA)
        total = cv2.resize(frame[rows] * part[:, :, None], size, interpolation=cv2.INTER_AREA)
        mean = np.rint(total / np.maximum(share, 0.25)[:, :, None]).astype(np.uint8)
        differences = cv2.transform(mean, _FROM_RGB[1:])
        has_still[band] = share > 0
        np.copyto(still_blue[band], differences[:, :, 0], where=has_still[band])
        np.copyto(still_red[band], differences[:, :, 1], where=has_still[band])
    touches = cv2.dilate(has_still.view(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return touches, still_blue, still_red


def mean_change(first: ByteArray, second: ByteArray) -> float:
    """Mean of |second - first|, in levels of 255, over the blocks of 16 x 16 in which anything differs; 0 if none does.

    Args:
        first, second: luma, uint8 [H, W].
    """
    difference = cv2.absdiff(first, second)
    height, width = difference.shape
    padded = np.pad(difference, ((0, -height % _BLOCK), (0, -width % _BLOCK)))
    blocks = padded.reshape(padded.shape[0] // _BLOCK, _BLOCK, -1, _BLOCK).mean(axis=(1, 3))
    return float(blocks[blocks > 0].mean()) if blocks.any() else 0.0


def _even(array: np.ndarray) -> np.ndarray:
    """The array [H, W, ...] with its last row and column repeated where a side is odd."""
    rows, columns = array.shape[:2]
    if rows % 2 or columns % 2:
        return np.pad(array, [(0, rows % 2), (0, columns % 2)] + [(0, 0)] * (array.ndim - 2), mode="edge")
    return np.ascontiguousarray(array)
