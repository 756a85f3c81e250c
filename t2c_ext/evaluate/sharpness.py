"""Does the loop stay as sharp as the still, evenly over its length."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.types import BoolArray, ByteArray


@dataclass(frozen=True)
class Sharpness:
    """What the sharpness meter found; every field is None when the still is flat inside the mask.

    Attributes:
        lowest, highest: lowest and highest Laplacian variance of a frame / the still's.
        breathing: (highest - lowest) / mean of that variance over the loop.
    """

    lowest: float | None
    highest: float | None
    breathing: float | None


def laplacian_variance(picture: ByteArray, where: BoolArray) -> float:
    """Variance over `where` of the Laplacian of the luma Y, in squared levels of 255.

    Y = 0.299 R + 0.587 G + 0.114 B (rounded to 8 bit); Laplacian = the sum of the four neighbours - 4 Y, the
    picture's border reflected without its edge pixel.
    """
    luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    return float(cv2.Laplacian(luma, cv2.CV_32F, ksize=1)[where].astype(np.float64).var())


class SharpnessMeter:
    """Compares each frame's Laplacian variance V inside the mask with the still's.

    lowest = min V / V(still); highest = max V / V(still); breathing = (max V - min V) / mean V.
    """

    def __init__(self, still: ByteArray, where: BoolArray) -> None:
        """`still`: uint8 [H, W, 3]; `where`: bool [H, W], the pixels inside the mask."""
        self._where = where
        self._still = laplacian_variance(still, where)
        self._values: list[float] = []

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        self._values.append(laplacian_variance(frame, self._where))

    def result(self) -> Sharpness:
        """The measures over the frames so far."""
        if not self._values or self._still <= 0 or max(self._values) <= 0:
            return Sharpness(None, None, None)
        low, high, mean = min(self._values), max(self._values), float(np.mean(self._values))
        return Sharpness(low / self._still, high / self._still, (high - low) / mean)
