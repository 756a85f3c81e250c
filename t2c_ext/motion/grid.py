"""The reduced grid that motion is solved on: how much of each cell moves, where its walls are, how wide it is."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.extents import Window, stretched
from t2c_ext.types import BoolArray, ByteArray, FloatArray

Array = NDArray[np.float64]

_SHORT_SIDE = 160
"""Cells of the short side, at most."""

_MAX_CELLS = 36_000
"""Cells in all: where the picture is long, the short side has fewer."""

_ACTIVE = 0.02
"""Share of a cell up to which what moves in it counts as nothing."""

_CORNER = 1.5
"""Radii from a disc's centre within which a corner ends: a square's are 1.41 from the centre of its largest disc."""

_RIM = 1.5
"""Cells beyond a disc that walls along a grid may leave free without there being a corner."""


@dataclass(frozen=True)
class Grid:
    """One family of regions on the reduced grid of h x w cells.

    Attributes:
        size: (H, W) of the picture in pixels.
        coverage: float64 [h, w], 0..1, the share of each cell that moves.
        shares: float64 [R, h, w], to which of the family's regions a cell belongs; sums to 1 over R everywhere.
    """

    size: tuple[int, int]
    coverage: Array
    shares: Array

    @property
    def side(self) -> int:
        """The short side in cells."""
        return min(self.coverage.shape)

    def points(self) -> tuple[Array, Array]:
        """x and y of the cells' centres in pixels of the picture, each float64 [h, w]."""
        rows, columns = self.coverage.shape
        x = (np.arange(columns) + 0.5) * (self.size[1] / columns) - 0.5
        y = (np.arange(rows) + 0.5) * (self.size[0] / rows) - 0.5
        grid_x, grid_y = np.meshgrid(x, y)
        return grid_x, grid_y


def reduced_shape(height: int, width: int) -> tuple[int, int]:
    """(h, w) of the grid for a picture of this size."""
    scale = min(1.0, _SHORT_SIDE / min(height, width), float(np.sqrt(_MAX_CELLS / (height * width))))
    return max(1, round(height * scale)), max(1, round(width * scale))


def make_grid(masks: list[FloatArray]) -> Grid:
    """The grid of regions with these masks, each float32 [H, W]."""
    height, width = masks[0].shape
    rows, columns = reduced_shape(height, width)
    small = np.stack([cv2.resize(mask, (columns, rows), interpolation=cv2.INTER_AREA) for mask in masks])
    small = small.astype(np.float64)
    union = small.max(axis=0)
    positive = union[union > _ACTIVE]
    level = float(np.percentile(positive, 95)) if positive.size else float(union.max()) or 1.0
    coverage = np.clip(union / level, 0, 1)
    coverage[coverage <= _ACTIVE] = 0
    if not coverage.any():
        coverage = np.where(union >= union.max(), 1.0, 0.0)
    spread = np.stack([blur(layer, 1.0) + 1e-9 * blur(layer, rows / 4) for layer in small]) + 1e-15
    return Grid((height, width), coverage, spread / spread.sum(axis=0))


def blur(values: Array, sigma: float) -> Array:
    """Gaussian blur of [h, w] or [h, w, 2]."""
    return np.asarray(cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.float64)


def width_of(coverage: Array) -> Array:
    """float64 [h, w]: how wide the moving area is at each cell, in cells; the picture's border is no wall.

    The diameter of the largest disc that fits between the walls and covers the cell (Hildebrand and Ruegsegger 1997),
    or leaves the cell in a corner: there no large disc fits in, but it is no channel either. Islands and cracks are
    filled first, so that a boat does not turn a lake into channels.
    """
    inside = _without_islands((coverage > 0.5).astype(np.uint8))
    radius = max(1, min(coverage.shape) // 40)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    inside = np.asarray(cv2.morphologyEx(inside, cv2.MORPH_CLOSE, kernel), np.uint8)
    largest = float(max(coverage.shape))
    if inside.all():
        return np.full(coverage.shape, 2 * largest)
    distance = np.minimum(cv2.distanceTransform(inside, cv2.DIST_L2, 5), largest)
    width = 2 * distance.astype(np.float64)
    for level in np.geomspace(1.5, max(2.0, float(distance.max())), 12):
        centres = (distance >= level).astype(np.uint8)
        if centres.any():
            away = cv2.distanceTransform(1 - centres, cv2.DIST_L2, 5)
            reach = (away <= level) | _cornered(inside, away, level)
            width[reach] = np.maximum(width[reach], 2 * level)
    return blur(width, 2.0)


def _cornered(inside: ByteArray, away: Array, level: float) -> BoolArray:
    """bool [h, w]: the corners, and the walls beside them, that discs of radius `level` leave free.

    A corner ends near the discs; what goes on farther is a channel, also where it begins.

    Args:
        inside: uint8 [h, w], 1 where it moves.
        away: float32 [h, w], distance to the discs' nearest centre, in cells.
        level: the discs' radius in cells.
    """
    near = away <= _CORNER * level
    left = (inside > 0) & (away > level + _RIM)
    _, label = cv2.connectedComponents(left.astype(np.uint8))
    goes_on = np.zeros(int(label.max()) + 1, np.bool_)
    goes_on[label[left & ~near]] = True
    return np.asarray(near & ~goes_on[label])


def _without_islands(inside: ByteArray) -> ByteArray:
    """Fill the holes that are smaller than a twentieth of the picture and do not touch its border."""
    count, labels, statistics, _ = cv2.connectedComponentsWithStats(1 - inside, connectivity=4)
    rows, columns = inside.shape
    filled = inside.copy()
    for label in range(1, count):
        left, top, width, height, area = (int(value) for value in statistics[label])
        within = left > 0 and top > 0 and left + width < columns and top + height < rows
        if within and area < 0.05 * inside.size:
            filled[labels == label] = 1
    return filled


def enlarge(field: Array, coverage: Array, window: Window) -> FloatArray:
    """The field [h, w, 2], continued beyond its cells and brought to the picture's size: float32 [H, W, 2] of a window.

    Of the whole picture it is OpenCV's interpolation; a part has the same values but for their rounding.
    """
    weight = np.where(coverage > 0.3, coverage, 0.0) if (coverage > 0.3).any() else coverage
    known = np.clip((weight - 0.3) / 0.4, 0, 1)
    result = field * known[..., None]
    missing = 1 - known
    for sigma in (1.0, 4.0, 16.0, 64.0):
        mass = blur(weight, sigma)
        fill = blur(field * weight[..., None], sigma) / np.maximum(mass, 1e-12)[..., None]
        part = missing * np.clip((mass - 1e-6) / 0.02, 0, 1)
        result += part[..., None] * fill
        missing = missing - part
    coarse = result.astype(np.float32)
    if window.is_whole:
        return np.asarray(cv2.resize(coarse, window.size[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    return stretched(coarse, window)
