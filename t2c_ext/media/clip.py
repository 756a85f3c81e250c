"""What every encoder gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.extents import Window, bands, extent_of, whole_of
from t2c_ext.progress import Reporter
from t2c_ext.types import ByteArray, FloatArray


@dataclass(frozen=True)
class Clip:
    """A stream of frames and how to encode it.

    Attributes:
        frames: makes a fresh iterator of uint8 [H, W, 3].
        size: (H, W).
        count: number of frames.
        fps: frames per second.
        quality: 1 to 100.
        alpha: float32 [H, W], or None when opaque.
        mask: float32 [H, W], 0 where every frame is the same, or None when that is not known.
        text: metadata.
        reporter: told after each frame.
        remembered: another pass over the frames costs nothing.
    """

    frames: Callable[[], Iterator[ByteArray]]
    size: tuple[int, int]
    count: int
    fps: float
    quality: int
    alpha: FloatArray | None = None
    mask: FloatArray | None = None
    text: dict[str, str] = field(default_factory=dict)
    reporter: Reporter = field(default_factory=Reporter)
    remembered: bool = False

    def tracked(self) -> Iterator[ByteArray]:
        """The frames, each checked and reported.

        Raises:
            UserError: a frame is of another size than the clip, or their number is not `count`.
        """
        number = 0
        for frame in self.reporter.track("loop", self.frames(), self.count):
            if frame.shape != (*self.size, 3) or frame.dtype != np.uint8:
                expected = [*self.size, 3]
                raise UserError(f"frame {number} is {frame.dtype} {list(frame.shape)}, but must be uint8 {expected}")
            number += 1
            if number > self.count:
                raise UserError(f"there are more than the {self.count} frames that were promised")
            yield frame
        if number < self.count:
            raise UserError(f"there are {number} frames instead of the {self.count} that were promised")

    def with_alpha(self, frame: ByteArray) -> ByteArray:
        """The frame with its opacity as a fourth channel, when there is one."""
        return frame if self.alpha is None else np.dstack([frame, self.opacity(whole_of(frame.shape))])

    def opacity(self, window: Window) -> ByteArray:
        """uint8 of the window's size: the opacity, 255 where there is none."""
        levels = np.full(window.size, 255, np.uint8)
        if self.alpha is not None:
            share = window.of(self.alpha)
            for band in bands(window.size):
                levels[band] = np.rint(share[band] * 255)
        return levels

    @property
    def moving(self) -> Window:
        """Outside of it every frame is the same; its corner lies at even places."""
        return whole_of(self.size) if self.mask is None else extent_of(self.mask).grown(0, 2)

    def on_white(self, frame: ByteArray) -> ByteArray:
        """The frame on a white ground."""
        if self.alpha is None:
            return frame
        white = np.empty_like(frame)
        for band in bands(frame.shape):
            share = self.alpha[band][..., None]
            white[band] = np.rint(frame[band] * share + 255 * (1 - share))
        return white

    def durations(self, unit: int, shortest: int = 1) -> list[int]:
        """How long each frame stands, in 1/unit seconds, whole numbers whose sum is right."""
        edges = [round(number * unit / self.fps) for number in range(self.count + 1)]
        return [max(shortest, after - before) for before, after in pairwise(edges)]


class Remembered:
    """Frames that are made once and kept, so that further passes cost nothing; for clips that fit in memory."""

    def __init__(self, frames: Callable[[], Iterator[ByteArray]]) -> None:
        """`frames`: makes a fresh iterator."""
        self._frames = frames
        self._kept: list[ByteArray] = []
        self._source: Iterator[ByteArray] | None = None

    def __call__(self) -> Iterator[ByteArray]:
        """A fresh iterator over the frames, making only those that no pass before has made."""
        if self._source is None:
            self._source = self._frames()
        number = 0
        while True:
            if number == len(self._kept):
                frame = next(self._source, None)
                if frame is None:
                    return
                self._kept.append(frame.copy())
            yield self._kept[number]
            number += 1
