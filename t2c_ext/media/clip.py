"""What every encoder gets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from t2c_ext.errors import UserError
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
        text: metadata.
        reporter: told after each frame.
    """

    frames: Callable[[], Iterator[ByteArray]]
    size: tuple[int, int]
    count: int
    fps: float
    quality: int
    alpha: FloatArray | None = None
    text: dict[str, str] = field(default_factory=dict)
    reporter: Reporter = field(default_factory=Reporter)

    def tracked(self) -> Iterator[ByteArray]:
        """The frames, each checked and reported.

        Raises:
            UserError: a frame is of another size than the clip.
        """
        for frame in self.reporter.track("loop", self.frames(), self.count):
            if frame.shape[:2] != self.size:
                raise UserError(f"a frame is {frame.shape[1]}x{frame.shape[0]}, but the clip is {self.size[::-1]}")
            yield frame

    def with_alpha(self, frame: ByteArray) -> ByteArray:
        """The frame with its opacity as a fourth channel, when there is one."""
        return frame if self.alpha is None else np.dstack([frame, np.rint(self.alpha * 255).astype(np.uint8)])

    def on_white(self, frame: ByteArray) -> ByteArray:
        """The frame on a white ground."""
        if self.alpha is None:
            return frame
        share = self.alpha[..., None]
        return np.rint(frame * share + 255 * (1 - share)).astype(np.uint8)

    def durations(self, unit: int, shortest: int = 1) -> list[int]:
        """How long each frame stands, in 1/unit seconds, whole numbers whose sum is right."""
        edges = [round(number * unit / self.fps) for number in range(self.count + 1)]
        return [max(shortest, after - before) for before, after in pairwise(edges)]
