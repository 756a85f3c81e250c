"""Fall: snow, rain, petals, ash, embers and dust, drawn anew in front of what the picture shows.

Specks lie in layers of depth: near ones are larger and faster. Each crosses its region a whole number of times in the
loop, and wobbles by whole numbers of cycles, so that the last frame leads to the first. What the mask leaves out stands
before them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from t2c_ext.loop.laws.base import Motions, Place, Specks
from t2c_ext.types import unit_vector

REACH = 0.06
"""Room around the region in which specks come and go, as a share of its size."""

NEAREST, FARTHEST = 1.0, 0.35
"""Size and pace of the nearest and of the farthest specks, in multiples of their kind's."""


@dataclass(frozen=True)
class Kind:
    """What specks of a kind are like.

    Attributes:
        colour: levels of R, G, B.
        radius: of the nearest, in pixels at 512.
        streak: their length, in radii; 0 for round ones.
        pace: of the nearest, in pixels at 512 per second.
        wobble: how far they go to either side of their way, in pixels at 512.
        number: of specks in a region of 512 x 512.
        opacity: 0..1.
    """

    colour: tuple[int, int, int]
    radius: float
    streak: float
    pace: float
    wobble: float
    number: int
    opacity: float


SNOW = Kind((250, 252, 255), 2.4, 0.0, 110.0, 9.0, 420, 0.9)
RAIN = Kind((205, 215, 228), 0.8, 26.0, 620.0, 0.0, 420, 0.45)
PETALS = Kind((244, 190, 205), 3.2, 1.2, 70.0, 22.0, 70, 0.95)
ASH = Kind((150, 146, 142), 1.5, 0.0, 60.0, 12.0, 200, 0.7)
EMBERS = Kind((255, 168, 70), 1.4, 1.5, 130.0, 14.0, 140, 0.95)
DUST = Kind((250, 236, 205), 1.0, 0.0, 22.0, 16.0, 220, 0.5)

KINDS = {
    "rain": RAIN,
    "leaf": PETALS,
    "ash": ASH,
    "spark": EMBERS,
    "fire": EMBERS,
    "dust": DUST,
    "sand": DUST,
}
"""By the lexicon's name; other things are snow."""


def fall(place: Place) -> Motions:
    """The specks of a region."""
    kind, scale = KINDS.get(place.thing, SNOW), place.window.scale
    generator = np.random.default_rng([place.seed, 4])
    height, width = place.window.size
    count = max(1, round(kind.number * height * width / (512 * scale) ** 2 * min(place.strength, 3.0)))
    depth = np.sort(generator.uniform(FARTHEST, NEAREST, count))  # far ones are drawn first
    along = unit_vector(270.0 if place.angle is None else place.angle)
    way = abs(along[0]) * width + abs(along[1]) * height
    wanted = kind.pace * scale * place.speed * depth * place.seconds / (way * (1 + 2 * REACH))
    # a whole number of crossings, drawn so that their mean is the pace that is asked for
    crossings = np.maximum(np.floor(wanted + generator.uniform(size=count)), 1).astype(np.int64)
    return Motions(
        specks=Specks(
            start=generator.uniform(size=(count, 2)),
            crossings=crossings,
            along=along,
            radius=kind.radius * scale * depth,
            streak=kind.streak * kind.radius * scale * depth,
            wobble=kind.wobble * scale * depth,
            cycles=generator.integers(1, max(2, round(0.6 * place.seconds) + 1), count),
            phase=generator.uniform(size=count),
            opacity=kind.opacity * depth,
            colour=kind.colour,
            room=REACH,
        )
    )
