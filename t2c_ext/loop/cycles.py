"""How often each place's texture begins anew within a loop.

A place carries its texture on for one *cycle* and then begins anew. One cycle in the whole loop carries texture far,
into places that it does not fit, and long loops farther. So a loop may hold several cycles, each place a whole number
of its own: as many as its texture's travel asks for. That travel is some multiple of the length over which the texture
resembles itself along its path (shorter ones would show as trembling), but only a part of the region's length.

Cycles would show the same texture every time. So each begins a little further up or down the path (`shift`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.extents import Window, whole_of
from t2c_ext.jit import njit
from t2c_ext.loop.paths import Scalar
from t2c_ext.types import BoolArray, FloatArray, IntArray

SHIFT = 0.25
"""Most that the texture of a cycle lies further up or down its path, in cycles. More hides the repeat better, but
carries texture farther from where it fits."""

GOLDEN = 0.6180339887498949
"""Steps of this part never come back to the same place."""

FIRST_LAG, STEP = 0.6, 0.2
LAGS = (1.0, 0.6, 0.8, 1.0, 1.2, 1.4)
"""Distances along the path, in cycles, for which it is known how much the texture resembles itself: that of a single
cycle, then from `FIRST_LAG` on in steps of `STEP`."""

SHORTEST, LONGEST = 12.0, 17.0
"""Least and most travel of a cycle, in pixels at 512."""

BRIEFEST = 12
"""Fewest frames of a cycle; briefer ones flicker."""

LENGTHS = 4.0
"""Travel of a cycle in lengths over which the texture resembles itself."""

RESEMBLES = 0.2
"""Correlation from which texture resembles itself."""

PART = 0.5
"""Largest part of the region's length along the motion that a cycle travels."""

SAMPLES = 20_000
"""Places that are looked at, at most."""

FEWEST = 100
"""Places that a correlation is taken over, at least."""

SMALL = 24.0
"""Side, in pixels at 512, of the smallest part of a region that has a number of its own."""

Places = tuple[NDArray[np.intp], NDArray[np.intp]]
"""Rows and columns."""


@dataclass(frozen=True)
class Cycles:
    """The cycles of P pixels.

    Attributes:
        count: int32 [P], cycles in the loop, at least 1.
        frames: frames of the loop.
    """

    count: IntArray
    frames: int

    @property
    def period(self) -> FloatArray:
        """float32 [P], frames of one cycle."""
        return np.asarray(self.frames / self.count, np.float32)

    @property
    def longest(self) -> int:
        """Frames over which paths are looked up."""
        if int(self.count.max()) == 1:
            return self.frames
        return int(np.ceil(self.frames / int(self.count.min()) * (1 + SHIFT))) + 1

    @property
    def lags(self) -> tuple[float, ...]:
        """How far apart, in cycles along the path, two textures that are faded over may lie; see `takes`."""
        return (1.0,) if int(self.count.max()) == 1 else LAGS


@njit(cache=True, nogil=True, inline="always")
def takes(cycle: int, count: int) -> tuple[Scalar, Scalar, int]:
    """What a cycle and the one after it show.

    Args:
        cycle: which, 0 to `count` - 1.
        count: cycles in the loop; after the last comes the first.

    Returns:
        By how many cycles the texture of this one and of the next lies further up its path (0 for the first cycle,
        then all different, in steps of the golden ratio), and which of `Cycles.lags` is nearest to how far they are
        apart.
    """
    if count == 1:
        return np.float32(0.0), np.float32(0.0), 0
    here, after = _take(cycle), _take(0 if cycle + 1 == count else cycle + 1)
    lag = int((np.float32(1.0) + here - after - np.float32(FIRST_LAG)) / np.float32(STEP) + np.float32(0.5))
    return here, after, 1 + min(max(lag, 0), 4)


@njit(cache=True, nogil=True, inline="always")
def _take(cycle: int) -> Scalar:
    place = np.float32(cycle * GOLDEN + 0.5)
    return np.float32(SHIFT) * (np.float32(2.0) * (place - np.floor(place)) - np.float32(1.0))


def one_cycle(count: int, frames: int) -> Cycles:
    """One cycle in the loop, for `count` pixels."""
    return Cycles(np.ones(count, np.int32), frames)


def given_cycles(count: int, frames: int, cycles: int) -> Cycles:
    """The same number of cycles for all of `count` pixels."""
    return Cycles(np.full(count, max(1, min(cycles, frames)), np.int32), frames)


def fitting_cycles(
    texture: FloatArray, inside: BoolArray, flow: FloatArray, frames: int, window: Window | None = None
) -> Cycles:
    """Cycles that fit the picture: one number for each connected part of the region.

    Args:
        texture: float32 [H, W, 3], what travels.
        inside: bool [H, W], the region; not empty.
        flow: float32 [H, W, 2], pixels per frame.
        frames: frames of the loop.
        window: where they lie in the picture; None: they are all of it.
    """
    scale = (window or whole_of(inside.shape)).scale
    grey = np.asarray(cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY), np.float32)
    parts, labels, boxes, _ = cv2.connectedComponentsWithStats(inside.astype(np.uint8), connectivity=8)
    counts = np.full(parts, _count(grey, inside, flow, _places(inside), frames, scale), np.int32)
    smallest = (SMALL * scale) ** 2
    for part in range(1, parts if parts > 2 else 0):
        left, top, width, height, size = (int(value) for value in boxes[part])
        if size >= smallest:
            row, column = _places(labels[top : top + height, left : left + width] == part)
            counts[part] = _count(grey, inside, flow, (row + top, column + left), frames, scale)
    return Cycles(counts[labels[inside]], frames)


def _places(area: BoolArray) -> Places:
    row, column = np.nonzero(area)
    return row, column


def _count(  # noqa: PLR0917
    grey: FloatArray, inside: BoolArray, flow: FloatArray, places: Places, frames: int, scale: float
) -> int:
    """How many cycles fit the part of the region at these places."""
    step = max(1, places[0].size // SAMPLES)
    row, column = places[0][::step], places[1][::step]
    velocity = flow[row, column].astype(np.float64)
    speed = np.linalg.norm(velocity, axis=-1)
    direction = velocity / np.maximum(speed, 1e-9)[:, None] * scale
    resembles, reach = _resemblance(grey, inside, (row, column), direction)
    wanted = min(np.clip(LENGTHS * resembles, SHORTEST, LONGEST), max(PART * reach, SHORTEST / 2))
    count = round(float(np.median(speed)) * frames / (wanted * scale))
    return max(1, min(count, int(frames / BRIEFEST)))


def _resemblance(
    grey: FloatArray, inside: BoolArray, places: Places, direction: NDArray[np.float64]
) -> tuple[float, float]:
    """How far along their motion places resemble what is there, and how long the region is along it, in pixels at 512.

    `direction` [P, 2]: (dx, dy) of one pixel at 512 along the motion.
    """
    row, column = places
    height, width = inside.shape
    resembles, apart = 0.0, False
    reach = np.zeros(row.size)
    for lag in range(2, int(2 * LONGEST / PART) + 1, 2):
        to_row = np.rint(row + lag * direction[:, 1]).astype(int)
        to_column = np.rint(column + lag * direction[:, 0]).astype(int)
        within = (to_row >= 0) & (to_row < height) & (to_column >= 0) & (to_column < width)
        within[within] = inside[to_row[within], to_column[within]]
        reach[within & (reach == lag - 2)] = lag
        if not apart and within.sum() > FEWEST:
            pair = grey[row[within], column[within]], grey[to_row[within], to_column[within]]
            apart = not float(np.corrcoef(*pair)[0, 1]) > RESEMBLES
            resembles = resembles if apart else float(lag)
    return resembles, 2 * float(np.median(reach))
