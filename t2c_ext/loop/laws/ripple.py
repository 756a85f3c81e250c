"""Ripple: lakes, puddles, reflections, heat. Small waves that travel, and after each of which all is where it was.

Reflections stay where they are and only waver: sideways most, as on water that is seen from its bank. What is far, at
the region's top, has finer and smaller waves.
"""

from __future__ import annotations

import numpy as np

from t2c_ext.loop.laws.base import Motions, Oscillation, Place, Term, nearness, phases, smooth_noise, whole_cycles
from t2c_ext.types import FloatArray

REACH = 4.0
"""Largest displacement near the viewer at strength 1, in pixels at 512."""

FARTHEST = 0.4
"""Size of the waves at the region's top, as a share of that at its bottom."""

TRAINS = ((22.0, 0.9, 0.10), (13.0, 1.3, -0.16), (37.0, 0.55, 0.05))
"""Trains of waves: length at the bottom in pixels at 512, frequency in Hz, and columns per row by which crests lean."""

BROKEN = 0.35
"""Turns by which crests deviate from straight lines."""


def ripple(place: Place) -> Motions:
    """The motions of what ripples."""
    generator, scale = np.random.default_rng([place.seed, 3]), place.window.scale
    near = nearness(place.window, FARTHEST)
    amplitude = place.mask * near * np.float32(REACH * scale * place.strength / len(TRAINS))
    column = np.arange(place.window.size[1], dtype=np.float32)[None, :] + place.window.left
    across = np.cumsum(1 / near, axis=0, dtype=np.float32)
    shift = []
    for length, frequency, lean in TRAINS:
        straight = (across + np.float32(lean) * column) / np.float32(length * scale)
        bends = np.float32(BROKEN) * smooth_noise(place.window, 2 * length * scale, generator)
        turned: FloatArray = np.asarray(straight + bends, np.float32)
        cycles = whole_cycles(place.seconds, frequency * place.speed, frequency * place.speed)[:1]
        one = np.ones(1)
        train = Oscillation(cycles, one.astype(np.int64), one, generator.uniform(size=1))
        shift.append(Term(train, phases(turned), amplitude, (0.9, 0.44)))
    return Motions(shift=tuple(shift), covers=True)
