"""Does everything outside the mask stand still, and does everything inside have a colour."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.types import BoolArray, ByteArray

CHANGE = 12
IDENTICAL = 100.0
"""The PSNR in dB that stands for no difference at all."""


@dataclass(frozen=True)
class Static:
    """What the static meter found; every field is None when nothing is outside the mask.

    Attributes:
        exact: every frame equals the still there, bit by bit; None without a still of the clip's size.
        psnr: of all frames against the clip's own first one, in dB; 100 at most.
        changed: share, 0..1, of the pixels that differ from the first frame by more than 12 of 255.
    """

    exact: bool | None
    psnr: float | None
    changed: float | None


class StaticMeter:
    """Compares the pixels outside the feathered mask with the still and with the clip's own first frame F.

    psnr = 10 log10(255^2 / mean of (frame t - F)^2), the mean over t = 1 .. N-1, the outside pixels and the three
    channels. changed = the share of the outside pixels at which, in any frame, any channel differs from F by more
    than 12.
    """

    def __init__(self, where: BoolArray, still: ByteArray | None) -> None:
        """`where`: bool [H, W], the pixels outside; `still`: uint8 [H, W, 3], or None when there is none."""
        self._where = where
        self._still = None if still is None else still[where]
        self._exact = True
        self._first: ByteArray | None = None
        self._squares = 0
        self._count = 0
        self._changed = np.zeros(int(where.sum()), bool)

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        pixels: ByteArray = frame[self._where]
        if self._still is not None and self._exact:
            self._exact = bool(np.array_equal(pixels, self._still))
        if self._first is None:
            self._first = pixels
            return
        difference = np.abs(pixels.astype(np.int16) - self._first)
        self._changed |= difference.max(axis=1, initial=0) > CHANGE
        self._squares += int(np.square(difference, dtype=np.int64).sum())
        self._count += difference.size

    def result(self) -> Static:
        """The measures over the frames so far."""
        if not self._changed.size:
            return Static(None, None, None)
        error = self._squares / max(self._count, 1)
        psnr = min(IDENTICAL, 10.0 * float(np.log10(255.0**2 / error))) if error > 0 else IDENTICAL
        return Static(None if self._still is None else self._exact, psnr, float(self._changed.mean()))


class GreyMeter:
    """Looks for pixels that got no colour: holes show as mid-grey (an empty network input) or as black (an empty sum).

    blank(picture) = share of the pixels inside the mask whose channels all lie within 2 of 127.5, or are all at most
    2. The measure is the highest blank(frame) - blank(still), at least 0.
    """

    def __init__(self, still: ByteArray, where: BoolArray) -> None:
        """`still`: uint8 [H, W, 3]; `where`: bool [H, W], the pixels inside the mask."""
        self._where = where
        self._own = self._blank(still)
        self._highest = self._own

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        self._highest = max(self._highest, self._blank(frame))

    def result(self) -> float:
        """The share, 0..1."""
        return self._highest - self._own

    def _blank(self, picture: ByteArray) -> float:
        grey = cv2.inRange(picture, (126, 126, 126), (129, 129, 129)) > 0
        black = cv2.inRange(picture, (0, 0, 0), (2, 2, 2)) > 0
        return float((grey | black)[self._where].mean())
