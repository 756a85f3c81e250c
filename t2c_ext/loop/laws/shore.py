"""The sea's edge on the sand: it goes out and comes back, and what it lays bare is the sand that lies beside it.

A shore is where the region ends below, or beside, on bright ground that is not blue and that goes on to the picture's
border: a rock in the sea, a quay or a boat is none. Nothing outside of the region changes: the edge of the still is how
far the water comes, and from there it goes out.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.curves import smoothstep
from t2c_ext.loop.inflow import continue_outward, nearest
from t2c_ext.loop.laws.base import Lap, Oscillation, Place, Term, phases, smooth_noise, whole_cycles
from t2c_ext.types import BoolArray, FloatArray

BAND = 26.0
"""How far the water goes out near the viewer, in pixels at 512, at strength 1."""

WIDEST = 1.6
"""In multiples of this, however strong it is."""

FOLLOWS = 3.0
"""In multiples of the band, how far from the shore the water goes out with its edge."""

PACE = 0.3
"""Frequency, in Hz, at which it comes and goes."""

STAGGER = 0.3
"""Turns by which places along the shore differ."""

BRIGHT = 0.3
"""Luminance (0..1) from which ground is sand."""

COLD = 1.05
"""Blue in multiples of red from which it is none."""

LEAST = 0.12
"""Length of the least shore, as a share of the picture's width."""

DOWNWARD = 0.15
"""Share of the way out of the region that points downward, from which its edge is a shore."""

WET = 0.86
"""Light of wet sand, in multiples of dry sand's."""

DRY = 12.0
"""Pixels at 512 beyond the edge from which the ground's colours are taken; from half of them on it is dry."""

LACE = 7.0
"""Size of the holes in foam, in pixels at 512."""


@dataclass(frozen=True)
class Shore:
    """A region's shore.

    Attributes:
        lap: what is drawn over the water.
        shift: terms of displacement: the water goes with its edge.
        depth: float32 [h, w], 0..1: how high waves are, less where it is shallow.
    """

    lap: Lap
    shift: tuple[Term, ...]
    depth: FloatArray


def find_shore(place: Place, near: FloatArray, generator: np.random.Generator) -> Shore | None:
    """The shore of a region, or None where it has none.

    Args:
        place: the region.
        near: float32 [h, 1], size of things on the screen.
        generator: of all that is random.
    """
    scale = place.window.scale
    water = place.mask >= 0.5
    land = _land(place, water)
    if land is None:
        return None
    away, row, column = nearest(land)
    band = np.float32(BAND * scale * min(place.strength, WIDEST)) * np.clip(near, 0, 1.2)
    varied = np.float32(0.7) + np.float32(0.3) * np.clip(smooth_noise(place.window, 70 * scale, generator), -1, 1)
    reach = np.asarray(band * varied, np.float32)
    cycles = whole_cycles(place.seconds, PACE * place.speed, PACE * place.speed)[:1]
    harmonics = np.array([1, 2])
    # up the beach fast, back slowly
    swash = Oscillation(cycles * harmonics, harmonics, np.array([1.0, 0.25]), np.array([0.0, 0.2])).normalised()
    turned = np.float32(STAGGER) * smooth_noise(place.window, 110 * scale, generator)
    phase = phases(np.asarray(turned, np.float32))
    edge = Term(swash, phase, np.asarray(reach / 2, np.float32), rest=1.0)
    along = reach / 2 * smoothstep(1 - away / np.maximum(FOLLOWS * reach, 1e-3)) * place.mask
    rows, columns = np.indices(land.shape, dtype=np.float32)
    size = np.maximum(away, 1.0)
    smooth = max(2.0 * scale, 1.0)
    right, down = (
        np.asarray(cv2.GaussianBlur(part / size, (0, 0), smooth) * along, np.float32)
        for part in (column - columns, row - rows)
    )
    shift = (Term(swash, phase, right, (1.0, 0.0), 1.0), Term(swash, phase, down, (0.0, 1.0), 1.0))
    lace = np.clip(0.62 + 0.5 * smooth_noise(place.window, LACE * scale, generator), 0, 1)
    ground = continue_outward(place.picture, _dry(land, water, scale))  # type: ignore[arg-type]
    lap = Lap(
        edge,
        away,
        np.asarray(ground, np.uint8),
        np.asarray(lace, np.float32),
        _foam(place, water),
        near * np.float32(scale),
        WET,
    )
    shallow = np.clip(away / np.maximum(2 * reach, 1e-3), 0, 1)
    return Shore(lap, shift, np.asarray(0.35 + 0.65 * shallow, np.float32))


def _land(place: Place, water: BoolArray) -> BoolArray | None:
    """bool [h, w]: the sand that the water comes to, or None."""
    colours = cv2.GaussianBlur(place.picture, (0, 0), max(2.0 * place.window.scale, 0.8)).astype(np.float32)
    light = colours @ np.array([0.299, 0.587, 0.114], np.float32)
    sand = (light >= BRIGHT * 255) & (colours[..., 2] <= COLD * colours[..., 0]) & ~water
    _, labels = cv2.connectedComponents((~water).astype(np.uint8), connectivity=4)
    border = np.unique(np.concatenate([labels[-1], labels[:, 0], labels[:, -1]]))
    sand &= np.isin(labels, border[border > 0])
    if not sand.any():
        return None
    # the way out of the water, of a soft mask that the picture's border does not end
    soft = cv2.GaussianBlur(water.astype(np.float32), (0, 0), max(3.0 * place.window.scale, 1.0))
    outward_x, outward_y = -cv2.Sobel(soft, cv2.CV_32F, 1, 0), -cv2.Sobel(soft, cv2.CV_32F, 0, 1)
    below = outward_y > DOWNWARD * np.hypot(outward_x, outward_y)
    beside = cv2.dilate(water.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    edge = sand & beside & below
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(
        cv2.dilate(edge.astype(np.uint8), np.ones((5, 5), np.uint8)), connectivity=8
    )
    least = LEAST * place.window.whole[1]
    long = [
        part
        for part in range(1, count)
        if max(boxes[part, cv2.CC_STAT_WIDTH], boxes[part, cv2.CC_STAT_HEIGHT]) >= least
    ]
    edge &= np.isin(parts, long)
    if not edge.any():
        return None
    return edge


def _dry(land: BoolArray, water: BoolArray, scale: float) -> BoolArray:
    """bool [h, w]: ground near the land that no foam and no soft edge mixes with."""
    near = cv2.dilate(land.astype(np.uint8), np.ones((2 * round(DRY * scale) + 3,) * 2, np.uint8)) > 0
    apart = cv2.distanceTransform((~water).astype(np.uint8), cv2.DIST_L2, 5) > max(DRY * scale / 2, 1.5)
    return near & apart if (near & apart).any() else land


def _foam(place: Place, water: BoolArray) -> tuple[int, int, int]:
    """Levels of R, G, B: the brightest of the water, as the picture has it."""
    inside = place.picture[water].astype(np.float32)
    light = inside @ np.array([0.299, 0.587, 0.114], np.float32)
    bright = inside[light >= np.percentile(light, 99)].mean(axis=0)
    # foam of dark water is brighter than anything in it
    red, green, blue = (round(float(level)) for level in np.maximum(bright, 0.5 * bright + 110).clip(0, 255))
    return red, green, blue
