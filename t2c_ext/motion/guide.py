"""What the field should be before walls bend it: straight, turning, along arrows, slower far away, still at pins."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2c_ext.curves import smoothstep
from t2c_ext.motion.binding import Drive
from t2c_ext.motion.grid import Grid
from t2c_ext.types import Arrow, Hints, MotionKind, scale_of, unit_vector

Array = NDArray[np.float64]

FRAMES_OF_ARROW = 30
"""An arrow is the way that a point travels in this many frames at speed 1."""

# Set by looking at fields; "twice" says what the formula makes of twice the value.

_PIN = 0.04
"""Sigma, in short sides, of the window in which a pin holds. Twice: four times the area stands still."""

_LOWEST_SPEED = 0.05
"""The least speed of a region in its guide: at 0 it would have no direction. Regions are brought to their own speeds
afterwards, so twice changes only where regions of one family meet, of which one hardly moves."""

_ARROW_SPREAD = 0.05
"""In short sides: nearer to an arrow than about this, it alone counts, and to the letter. Twice: arrows that are nearer
to each other than a tenth of the picture blur into one."""

_STEEPEST, _LEAST_SPAN = 1.5, 0.35
"""By how much the speeds of the near and the far end of a region on the ground differ at perspective 1, and the share
of the picture's height that it must have for that. Twice the first: the far end would flow backward (1 - 1.5)."""


@dataclass(frozen=True)
class Guide:
    """What one family of regions should do, on its reduced grid.

    Attributes:
        field: float64 [h, w, 2], pixels of the picture per frame at speed 1.
        fixed: float64 [h, w], 0..1, where swirls and pins mean the guide to the letter, between walls.
        drawn: float64 [h, w], 0..1, where arrows mean it to the letter, through walls if they point there.
        still: float64 [h, w], 0..1, where a pin holds it.
    """

    field: Array
    fixed: Array
    drawn: Array
    still: Array

    @property
    def keep(self) -> Array:
        """float64 [h, w], 0..1: where the guide is meant to the letter."""
        return np.maximum(self.fixed, self.drawn)


def make_guide(grid: Grid, drives: tuple[Drive, ...], hints: Hints, perspective: float) -> Guide:
    """The guide of a family."""
    field = np.zeros((*grid.coverage.shape, 2))
    fixed, drawn = np.zeros(grid.coverage.shape), np.zeros(grid.coverage.shape)
    for drive, share in zip(drives, grid.shares, strict=True):
        part, keep = _region(grid, drive, share, perspective)
        field += share[..., None] * part
        if drive.arrows:
            drawn += share * keep
        else:
            fixed += share * keep
    for swirl in hints.swirls:
        x, y = _offsets(grid, swirl.at)
        radius = swirl.radius * min(grid.size)
        inside = swirl_window(np.hypot(x, y) / radius)
        speed = _mean_speed(field, grid.coverage * (inside > 0))
        field += inside[..., None] * (turning(x, y, swirl.turn * speed / radius) - field)
        fixed = np.maximum(fixed, inside)
    still = pinned(grid, hints)
    return Guide(field * (1 - still)[..., None], np.maximum(fixed, still), drawn, still)


def _region(grid: Grid, drive: Drive, share: Array, perspective: float) -> tuple[Array, Array]:
    height, width = grid.size
    if drive.arrows:
        return _along_arrows(grid, drive.arrows)
    speed = max(drive.speed, _LOWEST_SPEED) * scale_of(height, width)
    weight = grid.coverage * share
    if drive.angle is None:
        x, y = grid.points()
        total = max(float(weight.sum()), 1e-12)
        x, y = x - float((weight * x).sum()) / total, y - float((weight * y).sum()) / total
        radius = max(float((weight * np.hypot(x, y)).sum()) / total, 1e-6)
        sign = -1.0 if drive.kind is MotionKind.SWIRL_CW else 1.0
        return turning(x, y, sign * speed / radius), np.ones(grid.coverage.shape)
    depth = _nearness(weight, perspective) if drive.ground else np.ones(grid.coverage.shape)
    direction = np.array(unit_vector(drive.angle))
    return (speed * depth)[..., None] * direction, np.zeros(grid.coverage.shape)


def _nearness(weight: Array, perspective: float) -> Array:
    """The factor of speed on a ground plane: grows linearly from the region's far (upper) to its near (lower) end.

    With perspective 1 it goes from 0.25 to 1.75; a region of little height spans only a part of that.
    """
    rows = np.flatnonzero(weight.max(axis=1) > 0.1)
    if rows.size == 0:
        return np.ones(weight.shape)
    top, bottom = float(rows[0]), float(rows[-1])
    span = max(bottom - top, _LEAST_SPAN * weight.shape[0])
    middle = (top + bottom) / 2
    near = np.clip((np.arange(weight.shape[0]) - middle) / span, -0.5, 0.5)
    return np.broadcast_to((1 + _STEEPEST * perspective * near)[:, None], weight.shape).astype(np.float64)


def _along_arrows(grid: Grid, arrows: tuple[Arrow, ...]) -> tuple[Array, Array]:
    """Arrows' velocities, interpolated with weights 1 / (distance to the arrow)^4."""
    height, width = grid.size
    reach = _ARROW_SPREAD * min(height, width)
    total, field = np.zeros(grid.coverage.shape), np.zeros((*grid.coverage.shape, 2))
    keep = np.zeros(grid.coverage.shape)
    for arrow in arrows:
        distance = arrow_distance(grid, arrow)
        weight = 1 / (distance**2 + reach**2) ** 2
        total += weight
        field += weight[..., None] * arrow_velocity(arrow, height, width)
        keep = np.maximum(keep, np.exp(-0.5 * (distance / reach) ** 2))
    return field / total[..., None], keep


def arrow_velocity(arrow: Arrow, height: int, width: int) -> Array:
    """float64 [2]: pixels of the picture per frame at speed 1."""
    dx, dy = (arrow.end[0] - arrow.start[0]) * width, (arrow.end[1] - arrow.start[1]) * height
    way = np.array([dx, dy]) / FRAMES_OF_ARROW
    if arrow.speed is None:
        return way
    return way * (arrow.speed * scale_of(height, width) / max(float(np.hypot(*way)), 1e-12))


def arrow_distance(grid: Grid, arrow: Arrow) -> Array:
    """float64 [h, w]: distance of each cell to the arrow's line in pixels of the picture."""
    x, y = _offsets(grid, arrow.start)
    dx, dy = (arrow.end[0] - arrow.start[0]) * grid.size[1], (arrow.end[1] - arrow.start[1]) * grid.size[0]
    share = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    return np.asarray(np.hypot(x - share * dx, y - share * dy))


def pinned(grid: Grid, hints: Hints) -> Array:
    """float64 [h, w]: 1 at pins, falling off softly."""
    still = np.zeros(grid.coverage.shape)
    for pin in hints.pins:
        still = np.maximum(still, pin_window(*_offsets(grid, pin), min(grid.size)))
    return still


def pin_window(x: Array, y: Array, short_side: int) -> Array:
    """How firmly a pin holds a place that lies (x, y) pixels from it: a Gaussian of 4 % of the short side."""
    return np.asarray(np.exp(-0.5 * (x * x + y * y) / (_PIN * short_side) ** 2))


def swirl_window(distance: Array) -> Array:
    """How far a swirl turns a place: fully up to 0.6 of its radius, smoothly less, and not at all from 1 on."""
    return smoothstep((1 - distance) / 0.4)


def turning(x: Array, y: Array, rate: float) -> Array:
    """float64 [..., 2]: a rigid turning of what lies (x, y) pixels from its centre.

    Args:
        x, y: right and down.
        rate: radians per frame, positive counter-clockwise as seen on the screen.
    """
    return np.stack([y, -x], axis=-1) * rate


def _offsets(grid: Grid, at: tuple[float, float]) -> tuple[Array, Array]:
    x, y = grid.points()
    return x - (at[0] * grid.size[1] - 0.5), y - (at[1] * grid.size[0] - 0.5)


def _mean_speed(field: Array, weight: Array) -> float:
    total = float(weight.sum())
    return float((weight * np.linalg.norm(field, axis=-1)).sum()) / total if total > 0 else 0.0
