"""What stands still because the user says so: frozen areas, what a soft brush froze, and pins."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.extents import all_finite, bands, extent_of, is_other_shape
from t2c_ext.motion.guide import pin_window
from t2c_ext.types import BoolArray, FloatArray, Hints, Painted, Regions

_REACH = 0.2
"""Half the side of the square that is searched around a pin, in shares of the picture's short side: far beyond where
`guide.pin_window` is zero."""


def still_share(hints: Hints, height: int, width: int) -> FloatArray:
    """float32 [height, width], 0..1: how far each pixel stands still, by frozen areas and the soft brush.

    Raises:
        UserError: what the brush painted has clearly another shape than the picture.
    """
    share = frozen_area(hints, height, width).astype(np.float32)
    return share if hints.still is None else np.maximum(share, _brushed(hints.still, height, width))


def slow_down(field: FloatArray, hints: Hints) -> None:
    """Slow field [H, W, 2] as far as the soft brush froze it, so that a wide soft edge does not show two pictures."""
    if hints.still is not None:
        brushed = _brushed(hints.still, *field.shape[:2])
        for band in bands(field.shape):
            if field[band].any():
                field[band] *= (1 - brushed[band])[..., None]


def _brushed(still: Painted, height: int, width: int) -> FloatArray:
    painted = still.mask
    if is_other_shape(painted.shape, (height, width)) and min(painted.shape) > 1:
        raise UserError(
            f"hints.still: is {painted.shape[1]}x{painted.shape[0]}, another shape than the picture's {width}x{height}"
        )
    method = cv2.INTER_AREA if painted.shape[0] > height else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(painted, (width, height), interpolation=method), np.float32)


def frozen_area(hints: Hints, height: int, width: int) -> BoolArray:
    """bool [height, width]: inside one of the frozen areas."""
    canvas = np.zeros((height, width), np.uint8)
    for polygon in hints.freeze:
        corners = (np.array(polygon) * (width, height) - 0.5) * 256
        cv2.fillPoly(canvas, [np.round(corners).astype(np.int32)], 1, cv2.LINE_8, 8)
    return canvas.astype(bool)


def without_frozen(regions: Regions, hints: Hints, height: int, width: int) -> Regions:
    """The regions of a picture of height x width without the frozen areas, and without those of which nothing is left.

    Raises:
        UserError: nothing is left, or a mask has another size than the picture or holds what is no number.
    """
    moving = 1 - still_share(hints, height, width) if hints.freeze or hints.still is not None else None
    kept = []
    for region in regions.regions:
        if region.mask.shape != (height, width):
            raise UserError(f"the mask of {region.name} has another size than the picture")
        mask = region.mask if moving is None else _within(region.mask, moving)
        if not all_finite(mask):
            raise UserError(f"the mask of {region.name} holds values that are no numbers")
        if mask.max(initial=0) > 0:
            kept.append(replace(region, mask=mask))
    if not kept:
        raise UserError("nothing is left to move: the mask is empty, or all of it is frozen; paint where it moves")
    return replace(regions, regions=tuple(kept))


def _within(mask: FloatArray, moving: FloatArray) -> FloatArray:
    """The mask times what is free to move, float32 [H, W]."""
    part, result = extent_of(mask), np.zeros(mask.shape, np.float32)
    np.multiply(part.of(mask), part.of(moving), out=part.of(result), casting="same_kind")
    return result


def hold_pins(field: FloatArray, hints: Hints) -> None:
    """Make field [H, W, 2] zero at each pin's pixel, and slow around it."""
    height, width = field.shape[:2]
    reach = max(1, round(_REACH * min(height, width)))
    for pin_x, pin_y in hints.pins:
        column, row = min(int(pin_x * width), width - 1), min(int(pin_y * height), height - 1)
        rows = slice(max(0, row - reach), row + reach + 1)
        columns = slice(max(0, column - reach), column + reach + 1)
        part = field[rows, columns]
        y, x = np.mgrid[rows.start : rows.start + part.shape[0], columns.start : columns.start + part.shape[1]]
        window = pin_window(x - float(column), y - float(row), min(height, width))
        part *= (1 - window)[..., None].astype(np.float32)
