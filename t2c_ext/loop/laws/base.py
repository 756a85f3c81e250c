"""What a law of motion is: from a region to oscillations, which close over the loop by construction.

A law is a function from a `Place` to `Motions`: terms of displacement, and terms of gain. A term is an amplitude at
each pixel times an `Oscillation`, which is a sum of harmonics with *whole* numbers of cycles in the loop, so that the
frame after the last is the first. Pixels differ by amplitude and by phase.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.extents import Window
from t2c_ext.types import ByteArray, FloatArray

STEPS = 1024
"""Phases that are told apart."""

MOST_HARMONICS = 16
"""As many frequencies describe swaying well (Li et al. 2024, "Generative Image Dynamics")."""

Phases = NDArray[np.uint16]


@dataclass(frozen=True)
class Place:
    """What a law knows of its region.

    Attributes:
        picture: uint8 [h, w, 3], the still.
        mask: float32 [h, w], 0..1.
        window: where they lie in the picture.
        seconds: length of the loop.
        speed: a factor of frequencies.
        strength: a factor of amplitudes.
        root: which side of it is fast: "below", "above", "beside", or "within" where it is rooted all over, like grass.
        seed: of all that is random.
    """

    picture: ByteArray
    mask: FloatArray
    window: Window
    seconds: float
    speed: float
    strength: float
    root: str
    seed: int


@dataclass(frozen=True)
class Oscillation:
    """sum over k of weight_k cos(2 pi (cycles_k time - turns_k phase + start_k)), time and phase in 0..1.

    Attributes:
        cycles: int [K], how often in the loop.
        turns: int [K], how often over the phases.
        weights, starts: float [K].
    """

    cycles: NDArray[np.int64]
    turns: NDArray[np.int64]
    weights: NDArray[np.float64]
    starts: NDArray[np.float64]

    def table(self, time: float) -> FloatArray:
        """float32 [STEPS]: its value at each phase."""
        phase = np.arange(STEPS) / STEPS
        turned = self.cycles * time + self.starts - phase[:, None] * self.turns
        return (np.cos(2 * np.pi * turned) @ self.weights).astype(np.float32)

    def normalised(self) -> Oscillation:
        """With a largest value of 1, as far as a few hundred times and phases tell."""
        largest = max(float(np.abs(self.table(time)).max()) for time in np.linspace(0, 1, 64, endpoint=False))
        return Oscillation(self.cycles, self.turns, self.weights / max(largest, 1e-9), self.starts)


@dataclass(frozen=True)
class Term:
    """An oscillation at each pixel.

    Attributes:
        oscillation: over time and phase.
        phase: uint16 [h, w], 0 to `STEPS` - 1.
        amplitude: float32 [h, w], pixels of displacement, or share of gain.
        along: (dx, dy) of a displacement.
        rest: what is added to the oscillation, so that a gain of 1 at most needs no more light than there is.
    """

    oscillation: Oscillation
    phase: Phases
    amplitude: FloatArray
    along: tuple[float, float] = (1.0, 0.0)
    rest: float = 0.0

    def at(self, table: FloatArray, rows: slice) -> FloatArray:
        """float32 [rows, w]: its values, given the oscillation's table of that time."""
        return np.asarray(self.amplitude[rows] * (np.take(table, self.phase[rows]) + np.float32(self.rest)))


@dataclass(frozen=True)
class Motions:
    """What a law makes of its region.

    Attributes:
        shift: terms of displacement: a pixel shows what is that far away from it.
        gain: terms of gain: a pixel is brighter by their sum, as a share.
        covers: what it shows is always its own, and never what lies beside it: water, but not leaves, between which
            and beside which there is sky.
    """

    shift: tuple[Term, ...] = ()
    gain: tuple[Term, ...] = ()
    covers: bool = False


Law = Callable[[Place], Motions]


def whole_cycles(seconds: float, slowest: float, fastest: float) -> NDArray[np.int64]:
    """Whole numbers of cycles in a loop whose frequencies lie from `slowest` to `fastest`, in Hz; at least one."""
    first = max(1, round(slowest * seconds))
    last = max(first, int(fastest * seconds))
    return np.unique(np.linspace(first, last, min(MOST_HARMONICS, last - first + 1)).round().astype(np.int64))


def phases(turned: FloatArray) -> Phases:
    """Any real numbers of turns as phases."""
    return np.asarray((turned % 1.0 * STEPS).astype(np.int64) % STEPS, np.uint16)


def smooth_noise(window: Window, sigma: float, generator: np.random.Generator) -> FloatArray:
    """float32 of the window's size, about -1..1: noise whose areas have the size `sigma`, in pixels.

    It is drawn for the whole picture, so that a window is a part of it.
    """
    height, width = window.whole
    cell = max(sigma, 1.0)
    coarse = generator.standard_normal((int(height / cell) + 5, int(width / cell) + 5)).astype(np.float32)
    coarse = cv2.GaussianBlur(coarse, (0, 0), 1.0) * np.float32(3.0)
    matrix = np.array([[cell, 0, -window.left - cell], [0, cell, -window.top - cell]], np.float64)
    return np.asarray(cv2.warpAffine(coarse, matrix, window.size[::-1], flags=cv2.INTER_CUBIC), np.float32)


def nearness(window: Window, farthest: float) -> FloatArray:
    """float32 [h, 1]: from `farthest` at the top of the window's part of the picture to 1 at its bottom."""
    rows = np.linspace(farthest, 1.0, window.size[0], dtype=np.float32)
    return rows[:, None]
