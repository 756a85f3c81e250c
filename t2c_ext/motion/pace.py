"""Bringing a network's flow to the speed that words, arrows and settings ask for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.motion.binding import Drive
from t2c_ext.motion.guide import arrow_velocity
from t2c_ext.types import Arrow, BoolArray, FloatArray, angle_of, scale_of

_STILL = 0.05
"""Share of a region's fastest (or typical) speed below which a place counts as standing still."""

_FAR_OFF = 45.0
"""Degrees between a region's mean motion and its direction from which on the user is told."""


def bring_to_speed(field: FloatArray, drives: Sequence[Drive], speed: float) -> FloatArray:
    """Scale each region of a field; directions stay as they are.

    A region's median speed becomes its own speed times `speed` (1 pixel per frame at 512); a region with arrows moves
    on the mean under them as fast as they say. Where regions overlap their factors mix by their masks.

    Args:
        field: float32 [H, W, 2].
        drives: what moves each region.
        speed: multiplies all.

    Raises:
        UserError: the field stands still in a region.
    """
    masks = [drive.region.mask for drive in drives]
    total = np.maximum(sum(masks), np.float32(1e-12))
    factor = sum(mask * np.float32(_factor(field, drive, masks)) for drive, mask in zip(drives, masks, strict=True))
    return np.asarray(field * (factor / total * np.float32(speed))[..., None], np.float32)


def wrong_turns(field: FloatArray, drives: Sequence[Drive]) -> tuple[str, ...]:
    """A sentence for each region whose mean motion in `field` is far from the direction that it was given."""
    notes = []
    for drive in drives:
        if drive.angle is None or drive.arrows:
            continue
        dx, dy = (field * drive.region.mask[..., None]).sum(axis=(0, 1), dtype=np.float64)
        away = abs((angle_of(float(dx), float(dy)) - drive.angle + 180) % 360 - 180)
        if away > _FAR_OFF:
            notes.append(
                f"{drive.region.name}: the network's motion turns {away:.0f} degrees away from the direction; "
                "the solver as motion model keeps to it."
            )
    return tuple(notes)


def own_pixels(mask: FloatArray, masks: Sequence[FloatArray]) -> BoolArray:
    """bool [H, W]: where a region's speed is measured: well inside it, and where it has most of the pixel, if anywhere.

    Args:
        mask: float32 [H, W], the region's.
        masks: those of all regions, it among them.
    """
    inside = mask > 0.5 * min(1.0, float(mask.max()))
    if len(masks) > 1:
        own = inside & (mask >= np.maximum.reduce(list(masks)))
        inside = own if own.any() else inside
    return np.asarray(inside)


def _factor(field: FloatArray, drive: Drive, masks: Sequence[FloatArray]) -> float:
    mask = drive.region.mask
    inside = own_pixels(mask, masks)
    speeds = np.hypot(field[..., 0], field[..., 1])
    typical = _typical(speeds[inside], drive.region.name)
    under = [(arrow, _under(speeds, inside, arrow)) for arrow in drive.arrows]
    met = [(arrow, found) for arrow, found in under if found is not None]
    if not met:
        return drive.speed * scale_of(*mask.shape) / typical
    wanted = sum(float(np.hypot(*arrow_velocity(arrow, *mask.shape))) for arrow, _ in met)
    # an arrow over a still place would else scale the rest without bounds
    return wanted / sum(found if found > _STILL * typical else typical for _, found in met)


def _typical(speeds: FloatArray, name: str) -> float:
    """The median; where most stands still the median of what moves, which would else be scaled without bounds."""
    fastest = float(np.quantile(speeds, 0.95)) if speeds.size else 0.0
    moving = speeds[speeds > _STILL * fastest]
    if fastest <= 0 or not moving.size:
        raise UserError(f"the flow network leaves {name or 'the region'} still; choose the solver as motion model")
    median = float(np.median(speeds))
    return median if median > _STILL * fastest else float(np.median(moving))


def _under(speeds: FloatArray, inside: BoolArray, arrow: Arrow) -> float | None:
    """Mean speed under an arrow, inside the mask; None where it nowhere touches it."""
    places = arrow.pixels(*speeds.shape)
    met = inside[places]
    return float(speeds[places][met].mean()) if met.any() else None
