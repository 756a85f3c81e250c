"""Does the loop close: the step over its seam, and frames that repeat."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.spatial.distance import pdist, squareform

from t2c_ext.types import BoolArray, ByteArray

SAMPLES = 4096
REPEAT = 0.25
_ONE_LEVEL = 1e-9


@dataclass(frozen=True)
class Seam:
    """What the seam meter found.

    Attributes:
        ratio: step from the last to the first frame / median step; None for fewer than three frames or when
            nothing moves.
        last_repeats: the last frame repeats another one.
        repeats: number of frames that repeat an earlier one.
    """

    ratio: float | None
    last_repeats: bool
    repeats: int


def spread_evenly(count: int, wanted: int) -> np.ndarray:
    """min(count, wanted) distinct indices below `count`, sorted: floor(count * frac(k * golden ratio)), k = 0, 1, ...

    An index that comes again is passed over. Deterministic, evenly spread, and without the columns that a constant
    stride picks out of a picture.
    """
    if count <= wanted:
        return np.arange(count)
    golden = (np.sqrt(5.0) - 1.0) / 2.0
    indices = (count * np.modf(np.arange(2 * wanted) * golden)[0]).astype(np.int64)
    firsts = np.sort(np.unique(indices, return_index=True)[1])[:wanted]
    return np.sort(indices[firsts])


class SeamMeter:
    """Takes the frames one after another; keeps two of them and 4096 pixels of each.

    step(a, b) = mean of |a - b| over the pixels inside the mask and the three channels, in levels of 255.
    ratio = step(last, first) / median over t of step(frame t, frame t + 1), t = 0 .. N-2.

    Frame j repeats an earlier frame i when the mean of |i - j| over 4096 pixels inside the mask (all, if there are
    fewer; evenly spread; luma) is below a quarter of the median of the same between successive frames, the seam
    included. The quarter leaves room for a codec's noise. When nothing moves at all, every frame repeats.
    """

    def __init__(self, where: BoolArray) -> None:
        """`where`: bool [H, W], the pixels inside the mask."""
        self._where = where
        places = np.flatnonzero(where)
        self._places = places[spread_evenly(len(places), SAMPLES)]
        self._steps: list[float] = []
        self._samples: list[ByteArray] = []
        self._first: ByteArray | None = None
        self._last: ByteArray | None = None

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        if self._last is None:
            self._first = frame
        else:
            self._steps.append(self._step(self._last, frame))
        self._last = frame
        self._samples.append(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).ravel()[self._places])

    def result(self) -> Seam:
        """The measures over the frames so far."""
        ratio = None
        if self._first is not None and self._last is not None and len(self._steps) >= 2:
            median = float(np.median(self._steps))
            if median > _ONE_LEVEL:
                ratio = self._step(self._last, self._first) / median
        repeats = self._repeats()
        return Seam(ratio, bool(len(repeats) > 1 and repeats[-1]), int(repeats.sum()))

    def _step(self, first: ByteArray, second: ByteArray) -> float:
        return float(cv2.absdiff(first, second)[self._where].mean())

    def _repeats(self) -> BoolArray:
        count = len(self._samples)
        if count < 2:
            return np.zeros(count, bool)
        samples = np.stack(self._samples).astype(np.float64)
        distance = squareform(pdist(samples, "cityblock")) / samples.shape[1]
        successive = distance[np.arange(count), (np.arange(count) + 1) % count]
        limit = REPEAT * float(np.median(successive))
        earlier = np.tril(distance <= max(limit, _ONE_LEVEL), k=-1)
        return np.asarray(earlier.any(axis=1))
