"""Motion without a network: from masks, words and drawn hints to a smooth field."""

from __future__ import annotations

from functools import reduce

import numpy as np

from t2c_ext.extents import LARGE, Window, extent_of, whole_of
from t2c_ext.motion.binding import Drive, bind
from t2c_ext.motion.grid import enlarge, make_grid
from t2c_ext.motion.holds import hold_pins, slow_down, without_frozen
from t2c_ext.motion.pace import own_pixels
from t2c_ext.motion.stream import solve_family
from t2c_ext.progress import Reporter
from t2c_ext.settings import MotionSettings
from t2c_ext.types import FloatArray, Flow, Hints, Plan, Regions, Stage

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
    window = _window(drives)
    part = _families(drives, hints, settings, window)
    reporter.step(Stage.MOTION.value, 2, _STEPS)
    part *= np.float32(settings.speed)
    field = part
    if not window.is_whole:
        field = np.zeros((*window.whole, 2), np.float32)
        window.of(field)[:] = part
        del part
    hold_pins(field, hints)
    slow_down(field, hints)
    window.of(field)[window.of(moving.mask) <= 0] = 0
    reporter.step(Stage.MOTION.value, _STEPS, _STEPS)
    return Flow(np.ascontiguousarray(field, np.float32), "solver", notes)


def _window(drives: tuple[Drive, ...]) -> Window:
    """Where a field is needed: everywhere, or in a large picture around what moves."""
    whole = whole_of(drives[0].region.mask.shape)
    if whole.area <= LARGE:
        return whole
    return reduce(Window.around, (extent_of(drive.region.mask) for drive in drives))


def _families(drives: tuple[Drive, ...], hints: Hints, settings: MotionSettings, window: Window) -> FloatArray:
    """float32 [h, w, 2] of the window, at speed 1: every family's field where its masks are."""
    groups: dict[str, list[Drive]] = {}
    for drive in drives:
        groups.setdefault(drive.family, []).append(drive)
    field = np.zeros((*window.size, 2), np.float32)
    masks = [window.of(drive.region.mask) for drive in drives]
    total = None if len(groups) == 1 else np.maximum(sum(masks), np.float32(1e-12))
    for group in groups.values():
        members = tuple(group)
        grid = make_grid([drive.region.mask for drive in members])
        coarse = solve_family(grid, members, hints, settings.perspective, settings.walls)
        part = enlarge(coarse, grid.coverage, window)
        _bring_to_speed(part, members, window)
        if total is None:
            return part
        field += part * (sum(window.of(drive.region.mask) for drive in members) / total)[..., None]
    return field


def _bring_to_speed(field: FloatArray, drives: tuple[Drive, ...], window: Window) -> None:
    """Scale each region without arrows to its own median speed."""
    masks = [window.of(drive.region.mask) for drive in drives]
    factors = [_factor(field, drive, masks, window) for drive in drives]
    if len(drives) == 1:
        field *= np.float32(factors[0])
        return
    total = np.maximum(sum(masks), np.float32(1e-12))
    scale = sum(mask * np.float32(factor) for mask, factor in zip(masks, factors, strict=True)) / total
    field *= np.asarray(scale, np.float32)[..., None]


def _factor(field: FloatArray, drive: Drive, masks: list[FloatArray], window: Window) -> float:
    if drive.arrows:
        return 1.0
    inside = own_pixels(window.of(drive.region.mask), masks)
    speeds = np.hypot(field[..., 0][inside], field[..., 1][inside])
    median = float(np.median(speeds))
    if median <= 0:
        return 1.0
    return drive.speed * window.scale / median
