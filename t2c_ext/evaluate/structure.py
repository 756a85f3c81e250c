"""Do the large shapes stay where they are in the still."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.evaluate.motion import reduced_size
from t2c_ext.types import BoolArray, ByteArray, FloatArray, scale_of

SIGMA = 6.0
"""Sigma of the low-pass in pixels at 512: what it leaves is as large as a ledge or a rock, not as foam."""

_FLAT = 1e-3


@dataclass(frozen=True)
class Structure:
    """What the structure meter found; both are None when there is no frame or the still is flat inside the mask.

    Attributes:
        drift: how far the large shapes change over the loop, in multiples of their own contrast.
        kept: how much the worst frame's large shapes are the still's, -1 to 1.
    """

    drift: float | None
    kept: float | None


class StructureMeter:
    """Compares the low-passed frames with each other and with the low-passed still, inside the mask.

    low(I) = G(I M) / (G(M) + 0.0001), where I is the mean of the three channels, M the mask as 0 or 1, and G a Gaussian
    of sigma 6 px at 512: an average inside the mask only (normalised convolution).

    drift = mean over the pixels of M of the standard deviation of low(frame) over time
    / standard deviation over the pixels of M of low(still).

    kept = min over the frames of the correlation of low(frame) with low(still) over the pixels of M.

    Water whose ledges and rocks stay has a drift of about 0.1 and keeps 0.95; where they slide with the water and are
    faded back it is 0.3 and 0.85. Clouds, whose large shapes are what moves, may drift more. Frames whose short side is
    longer than 512 are brought down to 512 by area averaging.
    """

    def __init__(self, still: ByteArray, where: BoolArray) -> None:
        """`still`: uint8 [H, W, 3]; `where`: bool [H, W], the pixels inside the mask."""
        self._shape = reduced_size(*where.shape)
        small = self._reduce(where.astype(np.uint8) * 255) > 127
        self._where = small if small.any() else np.ones(self._shape, np.bool_)
        self._mask = self._where.astype(np.float32)
        self._sigma = SIGMA * scale_of(*self._shape)
        self._total = cv2.GaussianBlur(self._mask, (0, 0), self._sigma) + np.float32(1e-4)
        self._still = self._low(still)
        self._sum, self._squares, self._count = np.zeros(self._still.shape), np.zeros(self._still.shape), 0
        self._kept: float | None = None

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        apart = self._low(frame) - self._still
        self._sum += apart
        self._squares += np.square(apart, dtype=np.float64)
        self._count += 1
        shapes = self._still + apart
        if self._still.std() > _FLAT:
            kept = float(np.corrcoef(shapes, self._still)[0, 1]) if shapes.std() > _FLAT else 0.0
            self._kept = kept if self._kept is None else min(self._kept, kept)

    def result(self) -> Structure:
        """The measures over the frames so far."""
        contrast = float(self._still.std())
        if self._count == 0 or contrast <= _FLAT:
            return Structure(None, None)
        variance = np.maximum(self._squares / self._count - np.square(self._sum / self._count), 0)
        return Structure(float(np.sqrt(variance).mean()) / contrast, self._kept)

    def _low(self, picture: ByteArray) -> FloatArray:
        """float32 [P]: the low-passed luminance of the pixels inside, in levels of 255."""
        grey = self._reduce(picture).astype(np.float32).mean(axis=-1)
        blurred = cv2.GaussianBlur(grey * self._mask, (0, 0), self._sigma) / self._total
        return np.asarray(blurred[self._where], np.float32)

    def _reduce(self, picture: ByteArray) -> ByteArray:
        if picture.shape[:2] == self._shape:
            return picture
        return np.asarray(cv2.resize(picture, self._shape[::-1], interpolation=cv2.INTER_AREA))
