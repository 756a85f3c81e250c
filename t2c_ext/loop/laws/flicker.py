"""Flicker: candles, lamps, neon, stars. What shines is brighter and darker, each light by itself.

A light is what is brighter than the rest of its region; what lies around it in the region is lit by the nearest one,
the less the darker it is.
"""

from __future__ import annotations

import cv2
import numpy as np

from t2c_ext.curves import smoothstep
from t2c_ext.loop.laws.base import STEPS, Motions, Oscillation, Phases, Place, Term, whole_cycles
from t2c_ext.types import FloatArray

DEPTH = 0.3
"""Share of its light that the brightest part loses at most, at strength 1."""

OWN = 2.2
"""Frequency, in Hz, up to which all are alike strong; faster ones are weaker."""

LIT = 0.6
"""Share of the flicker that the darkest parts of the region take."""

SHINE = 0.3
"""Of the flicker's height, how much is brighter than the still: light that is there already cannot grow much."""

EVEN = 0.04
"""Contrast (0..1) below which a region is one light."""


def flicker(place: Place) -> Motions:
    """The motions of what flickers."""
    generator = np.random.default_rng([place.seed, 2])
    light = lights(place)
    amplitude = place.mask * (np.float32(LIT) + np.float32(1 - LIT) * light)
    amplitude *= np.float32(np.clip(DEPTH * place.strength, 0, 0.95) / 2)
    own = OWN * place.speed
    cycles = whole_cycles(place.seconds, 0.3 * own, 4 * own)
    frequency = cycles / place.seconds
    weights = 1 / (1 + (frequency / own) ** 2)
    # coprime turns: two lights have all their harmonics at other places
    turns = 2 * np.arange(1, cycles.size + 1, dtype=np.int64) - 1
    oscillation = Oscillation(cycles, turns, weights, generator.uniform(size=cycles.size)).normalised()
    rest = -1 + 2 * SHINE
    return Motions(gain=(Term(oscillation, _each(light, generator), amplitude, rest=rest),))


def lights(place: Place) -> FloatArray:
    """float32 [h, w], 0..1: how much each pixel is a light among its region's; 1 everywhere in an even region."""
    grey = cv2.cvtColor(place.picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255)
    soft = np.asarray(cv2.GaussianBlur(grey, (0, 0), max(0.7 * place.window.scale, 0.3)), np.float32)
    inside = soft[place.mask > 0.5] if (place.mask > 0.5).any() else soft[place.mask > 0]
    low, high = np.percentile(inside, (40, 99.5))
    if high - low < EVEN:
        return np.ones(grey.shape, np.float32)
    return np.asarray(smoothstep((soft - low) / (high - low)), np.float32)


def _each(light: FloatArray, generator: np.random.Generator) -> Phases:
    """A phase for each light, and for what is nearest to it."""
    shining = (light > 0.5).astype(np.uint8)
    if not shining.any():
        return np.zeros(light.shape, np.uint16)
    count, labels = cv2.connectedComponents(shining, connectivity=8)
    chosen = generator.integers(STEPS, size=count).astype(np.uint16)
    _, nearest = cv2.distanceTransformWithLabels(1 - shining, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP)
    owner = np.zeros(int(nearest.max()) + 1, np.int64)
    owner[nearest[shining > 0]] = labels[shining > 0]
    return np.asarray(chosen[owner[nearest]], np.uint16)
