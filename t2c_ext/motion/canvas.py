"""How a picture of any size and aspect lies on the input of a network with fixed strides."""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.types import REFERENCE_SIDE, FloatArray

MAX_STRETCH = 0.01
"""A side within this share of a multiple of the stride is resized to it; others are padded."""

MAX_ASPECT = 4.0
"""Pictures that are longer than this many times their short side are brought below 512 to save memory."""


@dataclass(frozen=True)
class Canvas:
    """A network's input for a picture.

    Attributes:
        size: (H, W) of the picture.
        content: (h, w) that the picture is resized to.
        padded: (h, w) of the input, multiples of the stride; the picture lies in its upper left corner.
    """

    size: tuple[int, int]
    content: tuple[int, int]
    padded: tuple[int, int]

    def lay(self, values: FloatArray) -> FloatArray:
        """[H, W] or [H, W, C] of the picture's size as [h, w(, C)] of the input's: resized and padded."""
        return self.pad(_resize(values, *self.content))

    def pad(self, values: FloatArray) -> FloatArray:
        """Values of the content's size on the whole input, mirrored beyond their edges.

        The networks normalise by the mean and variance of whole maps: mirrored, the picture keeps its statistics.
        """
        below, right = (outer - inner for outer, inner in zip(self.padded, self.content, strict=True))
        return np.asarray(cv2.copyMakeBorder(values, 0, below, 0, right, cv2.BORDER_REFLECT_101), np.float32)

    def crop(self, values: FloatArray) -> FloatArray:
        """The picture's part of values [h, w, ...] on the input."""
        return values[: self.content[0], : self.content[1]]


def plan_canvas(height: int, width: int, stride: int) -> Canvas:
    """The canvas of a picture: 512 on its short side, and both sides multiples of `stride`."""
    short, long = min(height, width), max(height, width)
    scale = min(REFERENCE_SIDE / short, MAX_ASPECT * REFERENCE_SIDE / long)
    sides = [_fit(side * scale, stride) for side in (height, width)]
    (content_height, padded_height), (content_width, padded_width) = sides
    return Canvas((height, width), (content_height, content_width), (padded_height, padded_width))


def _fit(side: float, stride: int) -> tuple[int, int]:
    """A side of the content and of the input."""
    nearest = max(1, round(side / stride)) * stride
    if abs(nearest / side - 1) <= MAX_STRETCH:
        return nearest, nearest
    content = max(1, round(side))
    return content, math.ceil(content / stride) * stride


def _resize(values: FloatArray, height: int, width: int) -> FloatArray:
    smaller = height < values.shape[0] or width < values.shape[1]
    kind = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(values, (width, height), interpolation=kind), np.float32)
