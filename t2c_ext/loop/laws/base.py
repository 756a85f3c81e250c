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
        root: which side of it is held: "below", "above", "beside", or "within" where it is rooted all over, like grass.
        seed: of all that is random.
        thing: the lexicon's name of what it is, or "".
        angle: degrees of the way that it goes, or None.
    """

    picture: ByteArray
    mask: FloatArray
    window: Window
    seconds: float
    speed: float
    strength: float
    root: str
    seed: int
    thing: str = ""
    angle: float | None = None


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
class Specks:
    """P small things that cross a region and come back, drawn in front of it.

    Attributes:
        start: float [P, 2], where each is at first, (x, y) in shares of the region with its room.
        crossings: int [P], how often each crosses it in the loop.
        along: (dx, dy), the way they go, of length 1.
        radius, streak: float [P], pixels.
        wobble: float [P], pixels to either side of the way.
        cycles: int [P], how often it wobbles to and fro.
        phase: float [P], 0..1, where of that it is at first.
        opacity: float [P], 0..1.
        colour: levels of R, G, B.
        room: beyond the region, as a share of its size, where they come and go unseen.
    """

    start: NDArray[np.float64]
    crossings: NDArray[np.int64]
    along: tuple[float, float]
    radius: NDArray[np.float64]
    streak: NDArray[np.float64]
    wobble: NDArray[np.float64]
    cycles: NDArray[np.int64]
    phase: NDArray[np.float64]
    opacity: NDArray[np.float64]
    colour: tuple[int, int, int]
    room: float

    def at(self, time: float, size: tuple[int, int]) -> NDArray[np.float64]:
        """float [P, 2]: (x, y) of each, in pixels of a region of `size` (height, width), at a time in 0..1.

        What leaves on one side enters on the other; across its way it comes back to where it was.
        """
        extent = np.array([size[1], size[0]]) * (1 + 2 * self.room)
        # of each axis a whole number of crossings, the longer one as often as is said
        slope = np.array(self.along) / extent
        turns = np.rint(self.crossings[:, None] * slope / np.abs(slope).max())
        travelled = turns * extent * time
        placed = (self.start * extent + travelled) % extent - self.room * np.array([size[1], size[0]])
        wave = self.wobble * np.sin(2 * np.pi * (self.cycles * time + self.phase))
        return np.asarray(placed + wave[:, None] * np.array([-self.along[1], self.along[0]]))

    def alpha(self, time: float, size: tuple[int, int]) -> FloatArray:
        """float32 `size`, 0..1: how much of each pixel they cover at a time."""
        canvas = np.zeros(size, np.uint8)
        ends = self.at(time, size)
        tails = ends - self.streak[:, None] * np.array(self.along)
        for (x, y), (u, v), radius, opacity in zip(ends, tails, self.radius, self.opacity, strict=True):
            # what is smaller than a pixel is fainter instead
            level = round(255 * opacity * min(1.0, radius / 0.6))
            start, end = (tuple(round(value * 16) for value in point) for point in ((u, v), (x, y)))
            if start == end:
                cv2.circle(canvas, end, round(max(radius, 0.6) * 16), level, -1, cv2.LINE_AA, 4)
            else:
                cv2.line(canvas, start, end, level, max(1, round(2 * radius)), cv2.LINE_AA, 4)
        return canvas.astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class Lap:
    """The edge of water that goes out over its ground and comes back.

    Attributes:
        edge: how far it has gone out at each place, in pixels.
        away: float32 [h, w], pixels from the land.
        ground: uint8 [h, w, 3], what lies bare where it has gone.
        lace: float32 [h, w], 0..1, how much of its foam is there.
        foam: levels of R, G, B.
        width: float32 [h, 1], pixels that are one pixel near the viewer at 512.
        wet: light of bare ground, in multiples of the dry one's.
    """

    edge: Term
    away: FloatArray
    ground: ByteArray
    lace: FloatArray
    foam: tuple[int, int, int]
    width: FloatArray
    wet: float

    def over(self, colours: FloatArray, table: FloatArray, rows: slice) -> None:
        """Draw it over rows of colours, float32 [rows, w, 3], given the table of its edge's oscillation."""
        near = (self.away[rows] < 4 * self.edge.amplitude[rows] + 8).nonzero()
        if not len(near[0]):
            return
        at = (near[0] + (rows.start or 0), near[1])
        gone = self.edge.amplitude[at] * (np.take(table, self.edge.phase[at]) + np.float32(self.edge.rest))
        width = self.width[at[0], 0]
        deep = self.away[at] - gone
        shown = colours[near]
        bare = np.clip(0.5 - deep / np.maximum(1.5 * width, 1.0), 0, 1)
        ground = self.ground[at].astype(np.float32) * np.float32(self.wet)
        shown += bare[:, None] * (ground - shown)
        # a bright line at the edge, and thinner foam behind it
        line = 0.75 * np.exp(-np.square((deep - width) / (2.2 * width))) + 0.35 * np.exp(
            -np.maximum(deep, 0) / (9 * width)
        )
        foam = line * (1 - bare) * self.lace[at] * np.clip(gone / (3 * width), 0, 1)
        shown += foam[:, None] * (np.array(self.foam, np.float32) - shown)
        colours[near] = shown


@dataclass(frozen=True)
class Motions:
    """What a law makes of its region.

    Attributes:
        shift: terms of displacement: a pixel shows what is that far away from it.
        gain: terms of gain: a pixel is brighter by their sum, as a share.
        specks: what is drawn in front of it.
        lap: its edge, where that comes and goes.
        covers: what it shows is always its own, and never what lies beside it: water, but not leaves, between which
            and beside which there is sky.
    """

    shift: tuple[Term, ...] = ()
    gain: tuple[Term, ...] = ()
    specks: Specks | None = None
    lap: Lap | None = None
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
