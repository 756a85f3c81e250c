"""Motion without a network: from masks, words and drawn hints to a smooth field."""

from __future__ import annotations

import numpy as np

from t2c_ext.motion.binding import Drive, bind
from t2c_ext.motion.grid import enlarge, make_grid
from t2c_ext.motion.holds import hold_pins, slow_down, without_frozen
from t2c_ext.motion.stream import solve_family
from t2c_ext.progress import Reporter
from t2c_ext.settings import MotionSettings
from t2c_ext.types import FloatArray, Flow, Hints, Plan, Regions, Stage, scale_of

_STEPS = 3


def solve_flow(  # noqa: PLR0917
    picture: FloatArray,
    regions: Regions,
    plan: Plan,
    hints: Hints,
    settings: MotionSettings,
    reporter: Reporter | None = None,
) -> Flow:
    """Solve for the field of a picture.

    Regions of one family (a river and its waterfall) are one body and flow into one another; other regions are solved
    by themselves. Each is brought to its own median speed: 1 pixel per frame at 512, times `settings.speed`, the
    thing's usual speed, and the factors of words and hints. Where arrows are drawn they say both direction and speed.

    Args:
        picture: float32 [H, W, 3], 0..1.
        regions: what moves; masks of the picture's size.
        plan: the words' motions.
        hints: what the user drew.
        settings: speed, perspective, walls, texture.
        reporter: progress and cancellation.

    Returns:
        The flow, with notes about directions that nobody stated and hints that could not be used.

    Raises:
        UserError: nothing is left to move, or a mask has another size than the picture.
        Cancelled: the user stopped.
    """
    reporter = reporter or Reporter()
    moving = without_frozen(regions, hints, *picture.shape[:2])
    drives, notes = bind(picture, moving, plan, hints, settings)
    notes += tuple(note for drive in drives for note in drive.notes)
    reporter.step(Stage.MOTION.value, 1, _STEPS)
    field = _families(drives, hints, settings)
    reporter.step(Stage.MOTION.value, 2, _STEPS)
    field *= np.float32(settings.speed)
    hold_pins(field, hints)
    slow_down(field, hints)
    field[moving.mask <= 0] = 0
    reporter.step(Stage.MOTION.value, _STEPS, _STEPS)
    return Flow(np.ascontiguousarray(field, np.float32), "solver", notes)


def _families(drives: tuple[Drive, ...], hints: Hints, settings: MotionSettings) -> FloatArray:
    """float32 [H, W, 2] at speed 1: every family's field where its masks are."""
    groups: dict[str, list[Drive]] = {}
    for drive in drives:
        groups.setdefault(drive.family, []).append(drive)
    height, width = drives[0].region.mask.shape
    field = np.zeros((height, width, 2), np.float32)
    total = None if len(groups) == 1 else np.maximum(sum(drive.region.mask for drive in drives), np.float32(1e-12))
    for group in groups.values():
        members = tuple(group)
        grid = make_grid([drive.region.mask for drive in members])
        coarse = solve_family(grid, members, hints, settings.perspective, settings.walls)
        part = enlarge(coarse, grid.coverage, height, width)
        _bring_to_speed(part, members)
        if total is None:
            return part
        field += part * (sum(drive.region.mask for drive in members) / total)[..., None]
    return field


def _bring_to_speed(field: FloatArray, drives: tuple[Drive, ...]) -> None:
    """Scale each region without arrows to its own median speed."""
    masks = [drive.region.mask for drive in drives]
    factors = [_factor(field, drive, masks) for drive in drives]
    if len(drives) == 1:
        field *= np.float32(factors[0])
        return
    total = np.maximum(sum(masks), np.float32(1e-12))
    scale = sum(mask * np.float32(factor) for mask, factor in zip(masks, factors, strict=True)) / total
    field *= np.asarray(scale, np.float32)[..., None]


def _factor(field: FloatArray, drive: Drive, masks: list[FloatArray]) -> float:
    if drive.arrows:
        return 1.0
    mask = drive.region.mask
    inside = mask > 0.5 * min(1.0, float(mask.max()))
    if len(masks) > 1:
        own = inside & (mask >= np.maximum.reduce(masks))
        inside = own if own.any() else inside
    speeds = np.hypot(field[..., 0][inside], field[..., 1][inside])
    median = float(np.median(speeds))
    if median <= 0:
        return 1.0
    return drive.speed * scale_of(*mask.shape) / median
