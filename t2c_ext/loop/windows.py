"""Where a large picture is worked on: rectangles around what moves, each a loop of its own."""

from __future__ import annotations

from math import ceil, lcm

import cv2
import numpy as np

from t2c_ext.extents import LARGE, Window, extent_of, whole_of
from t2c_ext.loop.slivers import REACH as SLIVER_WINDOW
from t2c_ext.loop.texture import MEAN_WINDOW, coarse_step
from t2c_ext.loop.trajectories import node_spacing
from t2c_ext.types import BoolArray

DEVIATIONS = 4
"""Standard deviations at which OpenCV cuts a Gaussian of floats off."""

LANES = 32
"""Pixels that vector code takes at a time, or a multiple: a window that begins there gets the picture's very bits."""

CLOSE = 0.5
"""Windows become one when that takes no more than this share of pixels on top of theirs."""


def windows_of(moving: BoolArray, largest: int = LARGE) -> list[Window]:
    """Windows, no two of which meet, that hold all that moves and what filters see around it.

    Args:
        moving: bool [H, W].
        largest: pixels up to which a picture is one window; tests say less.
    """
    whole = whole_of(moving.shape)
    if whole.area <= largest:
        return [whole]
    reach = ceil(DEVIATIONS * MEAN_WINDOW * whole.scale)
    step = _step(whole.scale, reach)
    return _apart([part.grown(reach, step) for part in _parts(moving, whole, reach)])


def _step(scale: float, reach: int) -> int:
    """Pixels between the places where a window may begin: there all coarse grids begin too, where that is near."""
    texture, slivers = coarse_step(MEAN_WINDOW * scale), coarse_step(SLIVER_WINDOW * scale)
    common = lcm(node_spacing(scale), texture, slivers)
    return next((step for step in (lcm(common, LANES), common) if step <= reach), texture)


def _parts(moving: BoolArray, whole: Window, reach: int) -> list[Window]:
    """The extents of what lies within `reach` of each other."""
    cell = max(1, reach // 4)
    height, width = (-(-side // cell) for side in whole.size)
    padded = np.zeros((height * cell, width * cell), np.bool_)
    padded[: whole.size[0], : whole.size[1]] = moving
    cells = padded.reshape(height, cell, width, cell).any(axis=(1, 3)).astype(np.uint8)
    near = cv2.dilate(cells, np.ones((9, 9), np.uint8))
    count, labels = cv2.connectedComponents(near, connectivity=8)
    parts = []
    for label in range(1, count):
        rough = extent_of((labels == label) & (cells > 0))
        top, left = rough.top * cell, rough.left * cell
        bottom, right = min(rough.bottom * cell, whole.size[0]), min(rough.right * cell, whole.size[1])
        exact = extent_of(moving[top:bottom, left:right])
        parts.append(Window(whole.size, top + exact.top, top + exact.bottom, left + exact.left, left + exact.right))
    return parts


def _apart(windows: list[Window]) -> list[Window]:
    """Windows that meet, or that are hardly larger together, as one."""
    left, done = list(windows), list[Window]()
    while left:
        window = left.pop()
        for number, other in enumerate(done):
            both = window.around(other)
            if window.meets(other) or both.area <= (1 + CLOSE) * (window.area + other.area):
                del done[number]
                left.append(both)
                break
        else:
            done.append(window)
    return sorted(done, key=lambda window: (window.top, window.left))
