"""How likely a group of pieces is to be sky, water, a waterfall, a fire ...

Every appearance is a product of soft conditions on the measures, each with a reason that holds for pictures at large
(a sky has nothing above it, water is level), raised to a weight. None depends on left and right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2c_ext.curves import smoothstep
from t2c_ext.region.segmenters.measure import Measures

Vector = NDArray[np.float64]

FLOOR = 0.02
"""The least that one condition can say: no single one rules a group out with certainty."""


@dataclass(frozen=True)
class Surroundings:
    """What the sky of the picture is, for the things that are judged against it; each value per group.

    Attributes:
        in_sky: share of the group that lies in the sky.
        like_sky: 0..1, overlap of the group's colours with the sky's.
    """

    in_sky: Vector
    like_sky: Vector


Score = Callable[[Measures, Surroundings], Vector]


def rise(value: Vector, low: float, high: float, floor: float = FLOOR) -> Vector:
    """`floor` below `low`, 1 above `high`, smooth between."""
    return floor + (1.0 - floor) * smoothstep((value - low) / (high - low))


def fall(value: Vector, low: float, high: float, floor: float = FLOOR) -> Vector:
    """1 below `low`, `floor` above `high`, smooth between."""
    return rise(-value, -high, -low, floor)


def overhead(m: Measures, _: Surroundings) -> Vector:
    """Fills the top, nothing above it, ends in a clear outline over something darker or less blue.

    A dark blue that ends in white is only the part of a sky above its clouds.
    """
    bright_or_blue = np.maximum(rise(m.below_lighter, -5, 15, 0.1), rise(-m.blue_yellow, 8, 22, 0.1))
    leafy = np.where(m.blue_yellow > 4, -m.green_red, 0.0)
    return (
        rise(m.top, 0.4, 0.9)
        * fall(m.covered, 0.02, 0.25)
        * fall(m.bottom, 0.0, 0.15)
        * rise(m.area, 0.04, 0.14)
        * fall(m.area, 0.85, 0.96)
        * rise(m.width, 0.5, 0.95, 0.05)
        * rise(m.contrast, 3.0, 14.0, 0.2)
        * rise(m.unlike, 0.1, 0.45, 0.2)
        * fall(m.roughness, 3.5, 6.0, 0.3)
        * rise(m.steady, 0.4, 0.75, 0.4)
        * rise(m.lighter, -16.0, -4.0, 0.1)
        * bright_or_blue
        * fall(leafy, 5.0, 12.0, 0.1)
    ) ** 0.5


def sky(m: Measures, around: Surroundings) -> Vector:
    """Overhead, and no wall: a warm tint that is the same from top to bottom.

    Skies that are not blue or grey change their colour on the way down. What water mirrors is judged without this.
    """
    wall = rise(m.blue_yellow, -1.0, 2.0, 0.0) * rise(m.steady, 0.68, 0.78, 0.0)
    return overhead(m, around) * (1.0 - 0.9 * wall) ** 0.5


def low_water(m: Measures, around: Surroundings) -> Vector:
    """Low and wide with nothing of another kind under it, level above, lying texture (the rougher, the more), cool or
    (the warmer, the more) of the sky's colours."""
    leafy = np.where(m.blue_yellow > 4, -m.green_red, 0.0)
    mirrored = around.like_sky - 0.012 * np.maximum(m.blue_yellow, 0.0)
    coloured = np.maximum(fall(m.blue_yellow, -8.0, 2.0, 0.05), rise(mirrored, 0.33, 0.55, 0.05))
    return (
        rise(m.height_at, 0.55, 0.7)
        * fall(m.top, 0.0, 0.08)
        * fall(around.in_sky, 0.05, 0.3)
        * rise(m.width, 0.45, 0.8, 0.1)
        * rise(m.area, 0.04, 0.12)
        * rise(m.bottom, 0.05, 0.5, 0.3)
        * rise(m.sides, 0.0, 0.15, 0.2)
        * fall(m.hollow, 0.1, 0.5, 0.15)
        * rise(m.level, 0.3, 0.7, 0.2)
        * rise(m.lying, -0.1, 0.35, 0.3)
        * fall(m.wedge, 0.2, 0.5, 0.1)
        * rise(m.contrast, 3.0, 9.0, 0.3)
        * rise(m.unlike, 0.05, 0.3, 0.3)
        * coloured
        * fall(leafy, 3.0, 10.0, 0.05)
        * fall(m.roughness, 3.8, 5.0, 0.1)
        * fall(m.roughness - 2.0 * m.lying, 2.85, 3.3, 0.3)
        * rise(m.lightness, 7.0, 16.0, 0.05)
        * rise(m.even, 0.65, 0.85, 0.5)
        * rise(m.steady, 0.6, 0.95, 0.4)
    ) ** 0.5


def falling_water(m: Measures, around: Surroundings) -> Vector:
    """White against darker walls, of upright texture, with something above or beside it."""
    return (
        rise(m.lighter, 4.0, 18.0)
        * rise(m.lightness, 40.0, 65.0, 0.1)
        * fall(m.chroma, 10.0, 26.0, 0.05)
        * rise(m.contrast, 4.0, 12.0, 0.1)
        * rise(m.unlike, 0.12, 0.4, 0.1)
        * fall(m.lying, -0.2, 0.2, 0.03)
        * rise(m.upright, -1.0, 0.2, 0.5)
        * rise(m.tall, 0.2, 0.4, 0.1)
        * fall(m.top, 0.25, 0.5)
        * fall(m.top * m.sides, 0.01, 0.06)
        * rise(m.height_at, 0.3, 0.45, 0.1)
        * fall(around.in_sky, 0.05, 0.3)
        * rise(m.area, 0.015, 0.06, 0.1)
        * fall(m.area, 0.45, 0.7, 0.1)
        * fall(m.level_below, 0.9, 1.0, 0.5)
    ) ** 0.5


def fire(m: Measures, around: Surroundings) -> Vector:
    """Yellow to red, glaring against the dark, not in the sky."""
    return (
        rise(m.green_red, 5.0, 20.0)
        * rise(m.blue_yellow, 20.0, 45.0)
        * rise(m.lighter, 12.0, 35.0)
        * rise(m.lightness, 40.0, 60.0, 0.2)
        * rise(m.contrast, 12.0, 25.0, 0.1)
        * rise(m.unlike, 0.4, 0.7, 0.1)
        * fall(around.in_sky, 0.05, 0.3)
        * fall(m.top, 0.1, 0.4, 0.1)
        * rise(m.area, 0.005, 0.02, 0.1)
        * fall(m.area, 0.4, 0.6, 0.1)
    ) ** 0.5


def glow(m: Measures, _: Surroundings) -> Vector:
    """Strong colour, lighter than the dark around it."""
    return (
        rise(m.chroma, 25.0, 50.0)
        * rise(m.lighter, 10.0, 30.0)
        * rise(m.contrast, 10.0, 25.0, 0.1)
        * rise(m.unlike, 0.4, 0.7, 0.1)
        * rise(m.area, 0.01, 0.05, 0.1)
        * fall(m.area, 0.6, 0.8, 0.1)
    ) ** 0.5


def pale_vapour(m: Measures, _: Surroundings) -> Vector:
    """Grey or white, lighter than what is around it, smooth, without a sharp outline."""
    return (
        fall(m.chroma, 8.0, 20.0)
        * rise(m.lighter, 2.0, 10.0)
        * fall(m.roughness, 1.0, 3.0, 0.1)
        * fall(m.contrast, 6.0, 14.0, 0.1)
        * rise(m.area, 0.02, 0.08, 0.1)
        * fall(m.area, 0.6, 0.8, 0.1)
    ) ** 0.5


def ground_cover(m: Measures, around: Surroundings) -> Vector:
    """Low and wide, rough, green to brown."""
    return (
        rise(m.height_at, 0.55, 0.75)
        * rise(m.bottom, 0.2, 0.6, 0.1)
        * rise(m.width, 0.5, 0.9, 0.1)
        * rise(m.blue_yellow, 4.0, 15.0)
        * fall(around.in_sky, 0.05, 0.3)
        * rise(m.area, 0.05, 0.15)
        * fall(m.top, 0.0, 0.08)
    ) ** 0.5


@dataclass(frozen=True)
class Appearance:
    """One look that the lexicon's things can have.

    Attributes:
        name: what a person reads.
        score: the conditions.
        ceiling: the highest probability that colour, texture and place alone can justify.
        strands: it may lie in several places at once.
        mirrors: lights may be seen in it.
    """

    name: str
    score: Score
    ceiling: float
    strands: bool = False
    mirrors: bool = False


APPEARANCES: dict[str, Appearance] = {
    "sky": Appearance("sky", sky, 0.95),
    "low water": Appearance("water", low_water, 0.9, mirrors=True),
    "falling water": Appearance("falling water", falling_water, 0.85, strands=True),
    "fire": Appearance("fire", fire, 0.8, strands=True),
    "glow": Appearance("glow", glow, 0.4),
    "pale vapour": Appearance("vapour", pale_vapour, 0.4),
    "ground cover": Appearance("ground", ground_cover, 0.4),
}
"""Looks by the lexicon's name for them; "falling specks" are everywhere and nowhere, and cannot be found."""
