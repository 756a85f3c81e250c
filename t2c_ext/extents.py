"""Rectangles of a picture: where something is in it, the bands that large arrays are worked on in, a mask's shape.

Memory is to follow what moves and not the picture. So what is computed of a large picture is computed inside a window
around what moves; outside of it arrays are made by `np.zeros` and never written, which takes no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from t2c_ext.types import ByteArray, FloatArray, scale_of

LARGE = 4_194_304
"""Pixels (2048 x 2048) up to which a picture is worked on as a whole."""

BAND = 1 << 20
"""Pixels of a band of rows; its temporaries take a few MB."""

SHAPE_TOLERANCE = 0.05
"""By how much (in logarithm) a mask's aspect may differ from the picture's before it is taken for another's: a small
mask's sides are rounded to whole pixels."""

Values = TypeVar("Values", bound=np.generic)


@dataclass(frozen=True)
class Window:
    """A rectangle of a picture.

    Attributes:
        whole: (H, W) of the picture.
        top, bottom, left, right: the rows `top` to `bottom` - 1 and the columns `left` to `right` - 1.
    """

    whole: tuple[int, int]
    top: int
    bottom: int
    left: int
    right: int

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) of the window."""
        return self.bottom - self.top, self.right - self.left

    @property
    def area(self) -> int:
        """Its pixels."""
        return self.size[0] * self.size[1]

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole picture."""
        return self.size == self.whole

    @property
    def scale(self) -> float:
        """Pixels of the picture per pixel of one whose short side is 512."""
        return scale_of(*self.whole)

    def of(self, values: NDArray[Values]) -> NDArray[Values]:
        """The window's part of an array [H, W, ...]; a view."""
        return values[self.top : self.bottom, self.left : self.right]

    def grown(self, reach: int, step: int = 1) -> Window:
        """With `reach` more pixels on each side, and more up to multiples of `step`, as far as there are any."""
        height, width = self.whole
        top, left = ((low - reach) // step * step for low in (self.top, self.left))
        bottom, right = (-(-(high + reach) // step) * step for high in (self.bottom, self.right))
        return Window(self.whole, max(0, top), min(height, bottom), max(0, left), min(width, right))

    def around(self, other: Window) -> Window:
        """The smallest one that holds both."""
        return Window(
            self.whole,
            min(self.top, other.top),
            max(self.bottom, other.bottom),
            min(self.left, other.left),
            max(self.right, other.right),
        )

    def meets(self, other: Window) -> bool:
        """Whether they have a pixel in common."""
        apart = self.bottom <= other.top or other.bottom <= self.top
        return not (apart or self.right <= other.left or other.right <= self.left)


def whole_of(size: tuple[int, ...]) -> Window:
    """All of an array [H, W, ...] of this shape."""
    return Window((size[0], size[1]), 0, size[0], 0, size[1])


def extent_of(values: NDArray[Any]) -> Window:
    """The smallest window around what is not zero in values [H, W]; one pixel where all is."""
    rows, columns = np.flatnonzero(values.any(axis=1)), np.flatnonzero(values.any(axis=0))
    height, width = values.shape
    if not len(rows):
        return Window((height, width), 0, 1, 0, 1)
    return Window((height, width), int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)


def bands(size: tuple[int, ...]) -> Iterator[slice]:
    """Slices of rows that together are all rows of an array [H, W, ...] of this shape."""
    step = max(1, BAND // max(1, size[1]))
    for top in range(0, size[0], step):
        yield slice(top, min(size[0], top + step))


def sparse(values: FloatArray) -> FloatArray:
    """A large [H, W] whose zeros around what is not zero take no memory; others as they are."""
    if values.size <= LARGE:
        return values
    window, result = extent_of(values), np.zeros(values.shape, np.float32)
    window.of(result)[:] = window.of(values)
    return result


def to_bytes(values: FloatArray) -> ByteArray:
    """0..1, [H, W, ...], as uint8 of the same shape, clipped and rounded."""
    levels = np.empty(values.shape, np.uint8)
    for band in bands(values.shape):
        levels[band] = np.rint(np.clip(values[band], 0, 1) * 255)
    return levels


def is_other_shape(size: tuple[int, int], picture: tuple[int, int]) -> bool:
    """Whether a mask of `size` clearly has another shape than a picture; both are (height, width)."""
    return abs(float(np.log(size[1] / size[0] * picture[0] / picture[1]))) > SHAPE_TOLERANCE


def all_finite(values: FloatArray) -> bool:
    """Whether [H, W, ...] holds numbers only."""
    return all(bool(np.isfinite(values[band]).all()) for band in bands(values.shape))


def stretched(values: FloatArray, window: Window) -> FloatArray:
    """A window of values [h, w, ...] that are enlarged to the picture by linear interpolation; float32.

    The same as OpenCV's `resize` of all of it, but for the rounding.
    """
    left, right, fraction = _between(window.left, window.right, window.whole[1], values.shape[1])
    tail = (1,) * (values.ndim - 2)
    fraction = fraction.reshape(-1, *tail)
    across = values[:, left] + fraction * (values[:, right] - values[:, left])
    above, below, share = _between(window.top, window.bottom, window.whole[0], values.shape[0])
    part: FloatArray = np.empty((*window.size, *values.shape[2:]), np.float32)
    for row in range(window.size[0]):
        part[row] = across[above[row]] + share[row] * (across[below[row]] - across[above[row]])
    return part


def _between(first: int, end: int, side: int, cells: int) -> tuple[NDArray[np.intp], NDArray[np.intp], FloatArray]:
    """For pixels `first` to `end` - 1 of a `side`, the cells before and after each, and where it lies between them."""
    place = np.clip((np.arange(first, end) + 0.5) * (cells / side) - 0.5, 0, cells - 1)
    before = np.minimum(place.astype(np.intp), max(cells - 2, 0))
    return before, np.minimum(before + 1, cells - 1), np.asarray(place - before, np.float32)
