"""Dense hints for the direction network: from a direction as in the paper, and from what the user drew.

A hint point says how fast a place moves; between points the hint is their weighted mean,

    hint(p) = sum_i w_i v_i / sum_i w_i,    w_i = exp(-(d_i / sigma)^2),    sigma = H / k,

with d_i the distance from p to point i and k the number of points (Mahapatra and Kulkarni, "Controllable Animation of
Fluid Elements in Still Images", 2022). In training there were 1 to 5 points, with the true flow at each.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2c_ext.motion.binding import Drive
from t2c_ext.motion.guide import arrow_velocity, pin_window, swirl_window, turning
from t2c_ext.types import Arrow, BoolArray, FloatArray, Hints, MotionKind, scale_of, unit_vector

Array = NDArray[np.float64]

MOST_POINTS = 5
"""Training never saw more points than these: with more, sigma shrinks no further."""

SMALLEST_MASK = 5
"""The paper gives no hint for a mask whose sum is below this."""


@dataclass(frozen=True)
class HintPoint:
    """A place and its velocity.

    Attributes:
        start, end: (x, y) in pixels; distances are to the line between them, so that a long arrow speaks for its way.
        velocity: (dx, dy).
    """

    start: tuple[float, float]
    end: tuple[float, float]
    velocity: tuple[float, float]


def paper_hint(mask: FloatArray, angle: float | None) -> FloatArray:
    """The paper's dense hint: one point at the mask's centroid, as a unit vector.

    Normalised by its own weight one point gives the same vector everywhere, so only the mask shapes the hint. Training
    divided hints by 64 and the original's inference does not: `hint_velocity` keeps to training.

    Args:
        mask: float32 [h, w], 0..1.
        angle: degrees (0 right, 90 up), or None for no direction.

    Returns:
        float32 [h, w, 2]; zero where the mask is, for a mask that sums to less than 5, and without a direction.
    """
    if angle is None or int(mask.sum()) < SMALLEST_MASK:
        return np.zeros((*mask.shape, 2), np.float32)
    rows, columns = np.nonzero(mask)
    centroid = float(int(columns.mean())), float(int(rows.mean()))
    point = HintPoint(centroid, centroid, unit_vector(angle))
    height, width = mask.shape
    return spread([point], height, width, sigma=height) * mask[..., None]


def spread(points: Sequence[HintPoint], height: int, width: int, sigma: float) -> FloatArray:
    """The weighted mean of the points' velocities at every pixel: float32 [height, width, 2]."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    nearest = np.full((height, width), np.inf)
    for point in points:
        np.minimum(nearest, _squared_distance(point, x, y), out=nearest)
    total, field = np.zeros((height, width)), np.zeros((height, width, 2))
    for point in points:
        # the nearest point's weight is divided out: far from all points every weight would be 0
        weight = np.exp((nearest - _squared_distance(point, x, y)) / sigma**2)
        total += weight
        field += weight[..., None] * point.velocity
    return np.asarray(field / total[..., None], np.float32)


def _squared_distance(point: HintPoint, x: Array, y: Array) -> Array:
    """float64 [h, w]: squared distance to the line from `start` to `end`."""
    x, y = x - point.start[0], y - point.start[1]
    dx, dy = point.end[0] - point.start[0], point.end[1] - point.start[1]
    share = np.clip((x * dx + y * dy) / max(dx * dx + dy * dy, 1e-12), 0, 1)
    return np.asarray((x - share * dx) ** 2 + (y - share * dy) ** 2)


def hint_velocity(drives: Iterable[Drive], masks: Sequence[FloatArray], hints: Hints) -> FloatArray:
    """What regions, arrows, swirls and pins ask for, at speed 1.

    Every region has its own hint: its arrows', else its direction's, else a turning about its centre; where regions
    overlap they mix by their masks. A drawn swirl turns within its radius; a pin is a hint of standing still nearby.

    Args:
        drives: what moves each region.
        masks: float32 [h, w] each, the regions' masks at the hint's size.
        hints: what the user drew.

    Returns:
        float32 [h, w, 2], pixels per frame of a picture of h x w; zero outside of every mask.
    """
    height, width = masks[0].shape
    total = np.maximum(sum(masks), np.float32(1e-6))
    field = np.zeros((height, width, 2), np.float32)
    for drive, mask in zip(drives, masks, strict=True):
        field += (mask / total)[..., None] * _of_region(drive, mask)
    for swirl in hints.swirls:
        radius = swirl.radius * min(height, width)
        x, y = _offsets(swirl.at, height, width)
        inside = swirl_window(np.hypot(x, y) / radius)
        speed = swirl.turn * _mean_speed(field, inside > 0)
        field += inside[..., None] * (turning(x, y, speed / radius).astype(np.float32) - field)
    for pin in hints.pins:
        field *= (1 - pin_window(*_offsets(pin, height, width), min(height, width)))[..., None]
    field[np.maximum.reduce(list(masks)) <= 0] = 0
    return np.asarray(field, np.float32)


def _of_region(drive: Drive, mask: FloatArray) -> FloatArray:
    height, width = mask.shape
    if drive.arrows:
        points = [_of_arrow(arrow, height, width) for arrow in drive.arrows]
        return spread(points, height, width, height / min(len(points), MOST_POINTS))
    speed = drive.speed * scale_of(height, width)
    if drive.angle is not None:
        return np.broadcast_to(np.array(unit_vector(drive.angle), np.float32) * speed, (height, width, 2))
    x, y = _offsets((0.0, 0.0), height, width)
    weight = mask / max(float(mask.sum()), 1e-12)
    x, y = x - (weight * x).sum(), y - (weight * y).sum()
    radius = max(float((weight * np.hypot(x, y)).sum()), 1e-6)
    rate = (-speed if drive.kind is MotionKind.SWIRL_CW else speed) / radius
    return np.asarray(turning(x, y, rate), np.float32)


def _of_arrow(arrow: Arrow, height: int, width: int) -> HintPoint:
    dx, dy = arrow_velocity(arrow, height, width)
    return HintPoint(_pixel(arrow.start, height, width), _pixel(arrow.end, height, width), (float(dx), float(dy)))


def _pixel(at: tuple[float, float], height: int, width: int) -> tuple[float, float]:
    """(x, y) in pixels of a place in 0..1; pixel centres at integers."""
    return at[0] * width - 0.5, at[1] * height - 0.5


def _offsets(at: tuple[float, float], height: int, width: int) -> tuple[Array, Array]:
    """x and y of every pixel from a place in 0..1, each float64 [height, width]."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    left, top = _pixel(at, height, width)
    return x - left, y - top


def _mean_speed(field: FloatArray, inside: BoolArray) -> float:
    """Mean speed where the field moves; that of speed 1 where it stands still."""
    speeds = np.hypot(field[..., 0], field[..., 1])[inside]
    moving = speeds[speeds > 0]
    return float(moving.mean()) if moving.size else scale_of(*field.shape[:2])
