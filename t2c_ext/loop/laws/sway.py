"""Sway: trees, grass, flags, hair and whatever else is rooted somewhere and moved by the wind.

After Chuang et al. 2005, "Animating Pictures with Stochastic Motion Textures": what sways is a damped oscillator, and
its displacement the wind's spectrum times its own response. The wind is a pattern that travels, so that neighbours
follow one another; on top of it small parts tremble by themselves. What is rooted is displaced more, the farther it is
from its root. Cloth on a pole is rooted beside: waves run through it away from the pole, up and down.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.loop.laws.base import Motions, Oscillation, Place, Term, phases, smooth_noise, whole_cycles
from t2c_ext.types import FloatArray, unit_vector

REACH = 6.0
"""Largest displacement of the tips at strength 1, in pixels at 512."""

OWN = 0.7
"""Frequency, in Hz, that it sways in by itself."""

DAMPING = 0.35
"""Share of the critical damping: leaves in air."""

WIND = -5 / 6
"""Exponent of the amplitudes of wind over frequency: Kolmogorov's -5/3 of its power."""

GUSTS = 260.0
"""Pixels at 512 that a gust travels in a second."""

TREMBLING = 0.25
"""Share of the displacement by which small parts move by themselves."""

PARTS = 14.0
"""Size of these parts, in pixels at 512."""

CLOTH = 120.0
"""Pixels at 512 that a wave in cloth on a pole travels in a second."""

BLOWN = 0.5
"""Where the wind's direction is said: the mean of the displacement, as a share of how far it goes to and fro."""

BENDING = 1.3
"""Exponent of the displacement over the distance from the root: 1 turns stiffly, 2 bends like a blade."""


def sway(place: Place) -> Motions:
    """The motions of what sways."""
    generator, scale = np.random.default_rng([place.seed, 1]), place.window.scale
    own = OWN * place.speed
    amplitude = from_root(place) * place.mask * np.float32(REACH * scale * place.strength)
    slow, quick = _driven(place.seconds, own, generator), _driven(place.seconds, 2.5 * own, generator)
    height, width = place.window.size
    column = np.arange(width, dtype=np.float32)[None, :] + place.window.left
    row = np.arange(height, dtype=np.float32)[:, None] + place.window.top
    beside = place.root == "beside"
    blown = None if place.angle is None else unit_vector(place.angle)
    backward = not pole_is_left(place.mask) if beside else blown is not None and blown[0] < 0
    travel = (CLOTH if beside else GUSTS) * (-1 if backward else 1)
    straight = (column + np.float32(0.3) * row) / np.float32(travel * scale * place.seconds)
    arrival = np.asarray(straight + np.float32(0.06) * smooth_noise(place.window, 60 * scale, generator), np.float32)
    each = smooth_noise(place.window, PARTS * scale, generator)
    trembling = amplitude * np.float32(TREMBLING)
    swing = amplitude * np.float32(1 - TREMBLING)
    if blown is None or beside:
        gust = Term(slow, phases(arrival), swing, (0.3, 0.95) if beside else (0.98, 0.18))
    else:
        # a pixel shows what lies behind it, against the wind; no farther away than without one
        share = np.float32(1 / (1 + BLOWN))
        gust = Term(slow, phases(arrival), swing * share, (-blown[0], -blown[1]), rest=BLOWN)
    return Motions(shift=(gust, Term(quick, phases(each), trembling, (0.7, -0.7))))


def _driven(seconds: float, own: float, generator: np.random.Generator) -> Oscillation:
    """A damped oscillator in the wind; the pattern travels as a whole, as all harmonics turn as often as they cycle."""
    cycles = whole_cycles(seconds, 0.4 * own, 3 * own)
    frequency = cycles / seconds
    response = 1 / np.hypot(own**2 - frequency**2, 2 * DAMPING * own * frequency)
    starts = generator.uniform(size=cycles.size)
    return Oscillation(cycles, cycles, frequency**WIND * response, starts).normalised()


def from_root(place: Place) -> FloatArray:
    """float32 [h, w], 0..1: how far each pixel gives way; each connected part has its own root."""
    if place.root == "within":
        return np.ones(place.mask.shape, np.float32)
    if place.root == "beside":
        away = np.linspace(0, 1, place.mask.shape[1], dtype=np.float32)
        share = np.sqrt(away if pole_is_left(place.mask) else away[::-1])
        return np.broadcast_to(share, place.mask.shape).astype(np.float32)
    labels, top, height = _parts(place.mask)
    row = np.arange(place.mask.shape[0], dtype=np.float32)[:, None]
    below = (row - top[labels]) / np.maximum(height[labels], 1)
    share = below if place.root == "above" else 1 - below
    return np.asarray(np.clip(share, 0, 1) ** np.float32(BENDING), np.float32)


def pole_is_left(mask: FloatArray) -> bool:
    """Whether the left edge of a mask is the straighter one, as cloth is along its pole."""
    solid = mask >= 0.5
    rows = np.flatnonzero(solid.any(axis=1))
    if not len(rows):
        return True
    left, right = solid[rows].argmax(axis=1), solid[rows, ::-1].argmax(axis=1)
    return bool(np.std(left) <= np.std(right))


def _parts(mask: FloatArray) -> tuple[NDArray[np.int32], FloatArray, FloatArray]:
    """The connected parts of a mask: labels [h, w], and first row and height of each."""
    _, labels, boxes, _ = cv2.connectedComponentsWithStats((mask > 0).astype(np.uint8), connectivity=8)
    top, height = boxes[:, cv2.CC_STAT_TOP], boxes[:, cv2.CC_STAT_HEIGHT]
    return labels, top.astype(np.float32), (height - 1).astype(np.float32)
