"""Waves: the sea's swell runs toward the shore, and its edge comes and goes on the sand.

Crests travel over a ground plane that is seen from its bank: those nearer the horizon are smaller, closer together and,
on the screen, slower. Under each, water goes round in an orbit and comes back to where it was, up and forward on the
crest, down and backward in the trough (a linear wave on deep water; long waves run faster than short ones by the root
of their length). A second harmonic makes crests narrower than troughs, as Stokes found.

The shore, if there is one, is drawn by `shore`.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.loop.laws.base import Motions, Oscillation, Place, Term, phases, whole_cycles
from t2c_ext.loop.laws.shore import find_shore
from t2c_ext.types import FloatArray, unit_vector

REACH = 10.0
"""Height of the largest wave near the viewer above the mean, at strength 1, in pixels at 512."""

TRAINS = ((250.0, 0.55, 0.0), (140.0, 0.30, 24.0), (84.0, 0.20, -33.0))
"""Trains of waves: length on the ground in pixels at 512, share of the reach, degrees off the way that they go."""

PARTS = sum(part for _, part, _ in TRAINS)

PACE = 0.45
"""Frequency, in Hz, of the longest train."""

TILT = 0.42
"""How much shorter lengths on the ground are that point away from the viewer, near the viewer."""

STEEPEST = 0.65
"""Largest slope of all trains on the screen, in pixels of displacement per pixel: beyond 1, what is near the horizon
would fold (it is 1.2 times as large where the second harmonic adds to it)."""

SHARP = 0.22
"""Share of the second harmonic."""

SHADE = 0.09
"""Share of light by which the longest waves' sides differ from level water."""

NARROWEST = 8.0
"""Pixels between two crests from which light tells them apart."""

ABOVE = 0.04
"""How far the horizon lies above the region's top, as a share of its height."""

BEYOND = 0.7
"""The same where the region goes on beyond the picture's top, so that the horizon is not seen."""

GROUPS = 300.0
"""Size on the ground, in pixels at 512, of groups of high and low waves, and of bends of their crests."""

BENT = 0.22
"""Turns by which crests deviate from straight lines."""

TILE = 64
"""Cells of the pattern of groups, which repeats beyond."""

ROOM = 40.0
"""Pixels at 512 around the region in which its shore is sought."""


@dataclass(frozen=True)
class Ground:
    """The plane that the region lies on.

    Attributes:
        near: float32 [h, 1], size of things on the screen, 1 at the region's foot; 0.02 and less at the horizon.
        across: float32 [h, w], pixels on the ground to the right of the picture's middle.
        away: float32 [h, 1], pixels on the ground away from the viewer.
    """

    near: FloatArray
    across: FloatArray
    away: FloatArray


def waves(place: Place) -> Motions:
    """The motions of the sea."""
    generator, scale = np.random.default_rng([place.seed, 5]), place.window.scale
    ground = ground_of(place)
    shore = find_shore(place, ground.near, generator)
    angle = place.angle if place.angle is not None else 270.0
    share = _groups(ground, scale, generator)
    bends = np.float32(BENT) * _groups(ground, scale, generator)
    height = place.mask * (np.float32(0.7) + np.float32(0.3) * np.clip(share, -1, 1))
    if shore is not None:
        height *= shore.depth
    shift, gain = list[Term](), list[Term]()
    for length, part, off in TRAINS:
        way = unit_vector(angle + off)
        straight = (np.float32(way[0]) * ground.across - np.float32(way[1]) * ground.away) / np.float32(length * scale)
        phase = phases(np.asarray(straight + bends, np.float32))
        train = _train(place, PACE * (TRAINS[0][0] / length) ** 0.5, generator)
        apart = np.float32(length * scale * TILT) * ground.near**2
        steepest = np.float32(STEEPEST * part / PARTS / (2 * np.pi)) * apart
        most = np.minimum(np.float32(REACH * part * scale * place.strength) * ground.near, steepest)
        most *= np.clip(apart / (NARROWEST / 2) - 1, 0, 1)  # finer ones than that are no waves on pixels
        amplitude = np.asarray(most * height, np.float32)
        # a pixel shows what lies below it where a crest has lifted that, and what lies behind it where that has come
        shift.append(Term(train, phase, amplitude, (0.0, 1.0)))
        shift.append(Term(_quarter(train), phase, amplitude, (-way[0], -way[1] * TILT)))
        if not gain:
            told_apart = np.clip((apart - NARROWEST) / (2 * NARROWEST), 0, 1)
            shade = height * np.float32(SHADE * min(place.strength, 2.0)) * told_apart
            gain.append(Term(_quarter(train), phase, np.asarray(shade, np.float32)))
    if shore is None:
        return Motions(tuple(shift), tuple(gain), covers=True)
    return Motions((*shift, *shore.shift), tuple(gain), lap=shore.lap, covers=True)


def ground_of(place: Place) -> Ground:
    """The plane of a region whose top is the horizon, or which goes on beyond the picture's top."""
    window, rows = place.window, np.flatnonzero((place.mask >= 0.5).any(axis=1))
    first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, window.size[0] - 1)
    tall = max(last - first, 1)
    horizon = first - tall * (BEYOND if first + window.top <= 1 else ABOVE)
    row = np.arange(window.size[0], dtype=np.float32)[:, None]
    near = np.clip((row - np.float32(horizon)) / np.float32(last - horizon), np.float32(0.01), None)
    column = np.arange(window.size[1], dtype=np.float32)[None, :] + np.float32(window.left - window.whole[1] / 2)
    away = np.float32((last - horizon) / TILT) / near
    return Ground(np.asarray(near, np.float32), np.asarray(column / near, np.float32), np.asarray(away, np.float32))


def _train(place: Place, frequency: float, generator: np.random.Generator) -> Oscillation:
    cycles = whole_cycles(place.seconds, frequency * place.speed, frequency * place.speed)[:1]
    start = generator.uniform()
    harmonics = np.array([1, 2])
    return Oscillation(cycles * harmonics, harmonics, np.array([1 - SHARP, SHARP]), start * harmonics)


def _quarter(train: Oscillation) -> Oscillation:
    """A quarter of a turn later, of the first harmonic alone."""
    return Oscillation(train.cycles[:1], train.turns[:1], np.ones(1), train.starts[:1] - 0.25)


def _groups(ground: Ground, scale: float, generator: np.random.Generator) -> FloatArray:
    """float32 [h, w], about -1..1: smooth noise on the ground."""
    tile = np.tile(generator.standard_normal((TILE, TILE)).astype(np.float32), (3, 3))
    smooth = cv2.GaussianBlur(tile, (0, 0), 1.0)[TILE : 2 * TILE, TILE : 2 * TILE] * np.float32(3)
    cell = np.float32(GROUPS * scale / 2)
    away = np.broadcast_to(ground.away / cell, ground.across.shape)
    cells = np.pad(smooth, ((0, 2), (0, 2)), mode="wrap")
    return np.asarray(
        cv2.remap(cells, ground.across / cell % TILE, away % TILE, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )
