"""Which way and how far a clip moves, seen by dense optical flow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from t2c_ext.evaluate.flows import mean_direction
from t2c_ext.types import REFERENCE_SIDE, BoolArray, ByteArray, FloatArray


@dataclass(frozen=True)
class Movement:
    """What the motion meter found.

    Attributes:
        angle: direction in degrees of the mean flow inside the mask; None when it cancels or nothing moves.
        travel: median distance over the loop inside the mask, in pixels at 512.
        flow: float32 [H, W, 2], the mean flow of the clip in its own pixels per frame; None for a single frame.
    """

    angle: float | None
    travel: float | None
    flow: FloatArray | None


def reduced_size(height: int, width: int, side: int = REFERENCE_SIDE) -> tuple[int, int]:
    """(height, width) with the short side brought down to `side`; smaller pictures keep their size."""
    scale = min(1.0, side / min(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


class MotionMeter:
    """Optical flow from each frame to the next, the last to the first included.

    The flow is DIS (Kroeger et al. 2016; OpenCV, preset "medium") on the luma of frames whose short side is brought
    down to 512 if it is longer. mean flow m(x) = mean over t of flow(t -> t + 1)(x), at fixed places: the motion is
    Eulerian. angle = direction of the sum of m over the pixels inside the mask. travel = median over these pixels of
    N |m|, scaled to a short side of 512. Flat areas, where no flow can be seen, count with the little that DIS gives.
    """

    def __init__(self, where: BoolArray) -> None:
        """`where`: bool [H, W], the pixels inside the mask."""
        self._where = where
        self._height, self._width = reduced_size(*where.shape)
        self._solver: Any = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._sum = np.zeros((self._height, self._width, 2), np.float64)
        self._first: ByteArray | None = None
        self._last: ByteArray | None = None
        self._frames = 0

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        luma: Any = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if luma.shape != (self._height, self._width):
            luma = cv2.resize(luma, (self._width, self._height), interpolation=cv2.INTER_AREA)
        if self._last is None:
            self._first = luma
        else:
            self._sum += self._solver.calc(self._last, luma, None)
        self._last = luma
        self._frames += 1

    def result(self) -> Movement:
        """The measures over the frames so far."""
        if self._frames < 2 or self._last is None or self._first is None:
            return Movement(None, None, None)
        total = self._sum + self._solver.calc(self._last, self._first, None)
        mean = (total / self._frames).astype(np.float32)
        height, width = self._where.shape
        flow = cv2.resize(mean, (width, height), interpolation=cv2.INTER_LINEAR)
        flow *= np.array([width / self._width, height / self._height], np.float32)
        lengths = np.linalg.norm(flow[self._where], axis=1)
        travel = float(np.median(lengths)) * self._frames * REFERENCE_SIDE / min(height, width)
        return Movement(mean_direction(flow, self._where), travel, flow)
