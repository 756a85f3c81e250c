"""What can be measured on every group of pieces: where it lies, its shape, colour, texture and outline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from t2c_ext.region.segmenters.superpixels import Pieces
from t2c_ext.types import BoolArray

Vector = NDArray[np.float64]

BANDS = 6
"""Rows and columns of the grid on which colours are compared."""

GRID = 40
"""Shapes are measured on a grid of this many rows and columns."""


@dataclass(frozen=True)
class Measures:
    """One value per group, float64 [K]; lengths and places as shares of the picture's height or width.

    Attributes:
        area: share of the picture.
        top, bottom, sides: share of the picture's upper and lower border, and of the better of the other two.
        height_at: mean height of its pixels, 0 at the top and 1 at the bottom.
        width, tall: share of the columns, and of the rows, that it takes part in.
        covered: share of the cells above it (in its columns) that are not its own.
        hollow: share of the cells below its upper edge (in its columns) that are not its own.
        level: 0..1, how level its upper edge is, over the columns it takes part in.
        level_below: the same of its lower edge, where that is not the picture's border.
        wedge: 0..1, how much it narrows upwards to a point, as a road does.
        upright: its mean run of rows divided by its mean run of columns, as log2.
        lightness, green_red, blue_yellow: mean L (0..100), a and b of CIE Lab.
        chroma: mean colourfulness, sqrt(a^2 + b^2) of the mean colour.
        lighter: its lightness minus that of what touches it.
        below_lighter: its lightness minus the mean of what lies below its mean height and is not its own.
        roughness: mean gradient of its lightness.
        lying: -1..1, its texture runs upright (-1) or level (1).
        contrast: mean colour step along its outline.
        unlike: 0..1, how different its colours are from those of what touches it.
        even: 0..1, how alike its colours are from left to right, at equal height.
        steady: 0..1, how alike its colours are across the sharpest break from top to bottom.
    """

    area: Vector
    top: Vector
    bottom: Vector
    sides: Vector
    height_at: Vector
    width: Vector
    tall: Vector
    covered: Vector
    hollow: Vector
    level: Vector
    level_below: Vector
    wedge: Vector
    upright: Vector
    lightness: Vector
    green_red: Vector
    blue_yellow: Vector
    chroma: Vector
    lighter: Vector
    below_lighter: Vector
    roughness: Vector
    lying: Vector
    contrast: Vector
    unlike: Vector
    even: Vector
    steady: Vector


def measure(pieces: Pieces, groups: BoolArray) -> Measures:
    """Measure every group (bool [K, N])."""
    member = groups.astype(np.float64)
    area = member @ pieces.area
    lab = (member @ pieces.colour) / area[:, None]
    tensor = (member @ pieces.tensor) / area[:, None]
    labels = pieces.labels
    edges = [np.bincount(line, minlength=pieces.count) for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1])]
    top, bottom, left, right = (member @ edge / edge.sum() for edge in edges)
    return Measures(
        area=area / pieces.area.sum(),
        top=top,
        bottom=bottom,
        sides=np.maximum(left, right),
        lightness=lab[:, 0],
        green_red=lab[:, 1],
        blue_yellow=lab[:, 2],
        chroma=np.hypot(lab[:, 1], lab[:, 2]),
        roughness=np.sqrt(tensor[:, 0] + tensor[:, 1]),
        lying=(tensor[:, 1] - tensor[:, 0]) / (tensor[:, 0] + tensor[:, 1] + 0.05),
        **_outline(pieces, groups),
        **_shape(pieces, groups),
        **_evenness(pieces, groups),
    )


def _outline(pieces: Pieces, groups: BoolArray) -> dict[str, Vector]:
    """Contrast and difference to what touches each group."""
    first, second = groups[:, pieces.neighbours[:, 0]], groups[:, pieces.neighbours[:, 1]]
    crossing = first != second
    length = crossing @ pieces.length
    contrast = (crossing @ pieces.edge) / np.maximum(length, 1)
    lightness = pieces.colour[:, 0] / pieces.area
    step = lightness[pieces.neighbours[:, 0]] - lightness[pieces.neighbours[:, 1]]
    lighter = ((first & ~second) @ (pieces.length * step) - (second & ~first) @ (pieces.length * step)) / np.maximum(
        length, 1
    )
    touching = np.zeros(groups.shape, bool)
    for column, outside in ((0, first & ~second), (1, second & ~first)):
        other = pieces.neighbours[:, 1 - column]
        order = np.argsort(other, kind="stable")
        starts = np.flatnonzero(np.diff(other[order], prepend=-1))
        touching[:, other[order][starts]] |= np.logical_or.reduceat(outside[:, order], starts, axis=1)
    own = groups @ pieces.histogram
    around = touching @ pieces.histogram
    own /= np.maximum(own.sum(axis=1, keepdims=True), 1)
    around /= np.maximum(around.sum(axis=1, keepdims=True), 1)
    overlap = np.sqrt(np.maximum(own * around, 0)).sum(axis=1)
    return {
        "contrast": contrast,
        "lighter": lighter,
        "unlike": np.where(length > 0, 1 - overlap, 0.0),
    }


def _evenness(pieces: Pieces, groups: BoolArray) -> dict[str, Vector]:
    """How alike the colours of a group are in different places, compared between the cells of a coarse grid."""
    height, width = pieces.labels.shape
    rows, columns = np.indices((height, width))
    flat = pieces.labels.ravel()
    down = np.bincount(flat, rows.ravel()) / pieces.area / height
    across = np.bincount(flat, columns.ravel()) / pieces.area / width
    cell = np.minimum((down * BANDS).astype(int), BANDS - 1) * BANDS + np.minimum(
        (across * BANDS).astype(int), BANDS - 1
    )
    colours = pieces.histogram.shape[1]
    spread = np.zeros((pieces.count, BANDS * BANDS, colours), np.float32)
    spread[np.arange(pieces.count), cell] = pieces.histogram
    share = groups.astype(np.float32) @ spread.reshape(pieces.count, -1)
    cells = share.reshape(len(groups), BANDS, BANDS, colours).astype(np.float64)
    mass = cells.sum(axis=-1)
    pairs = [(one, other) for one in range(BANDS) for other in range(one + 1, BANDS)]
    alike = np.stack([_alike(cells[:, :, one], cells[:, :, other]) for one, other in pairs], axis=-1)
    weight = np.stack([np.minimum(mass[:, :, one], mass[:, :, other]) for one, other in pairs], axis=-1)
    total = weight.sum(axis=(1, 2))
    band = cells.sum(axis=2)
    size = band.sum(axis=-1)
    counts = np.minimum(size[:, 1:], size[:, :-1]) > 0.08 * size.sum(axis=1, keepdims=True)
    steady = np.where(counts, _alike(band[:, 1:], band[:, :-1]), 1.0).min(axis=1)
    return {
        "even": np.where(total > 0, (alike * weight).sum(axis=(1, 2)) / np.maximum(total, 1e-9), 1.0),
        "steady": steady,
    }


def _alike(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bhattacharyya coefficient along the last axis; 0 where one is empty."""
    product = np.sqrt(np.maximum(one * other, 0)).sum(axis=-1)
    return np.asarray(product / np.sqrt(np.maximum(one.sum(axis=-1) * other.sum(axis=-1), 1e-9)))


def _shape(pieces: Pieces, groups: BoolArray) -> dict[str, Vector]:
    """Everything that is counted on the coarse grid."""
    height, width = pieces.labels.shape
    rows = ((np.arange(GRID) + 0.5) * height / GRID).astype(int)
    columns = ((np.arange(GRID) + 0.5) * width / GRID).astype(int)
    cells = groups[:, pieces.labels[np.ix_(rows, columns)]]
    light = (pieces.colour[:, 0] / pieces.area)[pieces.labels[np.ix_(rows, columns)]]
    place = np.arange(GRID)
    filled = np.maximum(cells.sum(axis=(1, 2)), 1)
    height_at = (cells.sum(axis=2) @ (place + 0.5)) / filled / GRID
    used: BoolArray = np.asarray(cells.any(axis=1), bool)
    first = np.where(used, cells.argmax(axis=1), 0)
    last = np.where(used, GRID - 1 - cells[:, ::-1].argmax(axis=1), 0)
    columns_used = np.maximum(used.sum(axis=1), 1)
    above = np.where(used, first, 0).sum(axis=1)
    below_top = np.where(used, GRID - first, 0).sum(axis=1)
    lower = (place[None, :] >= (height_at * GRID)[:, None])[:, :, None] & ~cells
    own_light = (cells * light).sum(axis=(1, 2)) / filled
    lower_light = (lower * light).sum(axis=(1, 2)) / np.maximum(lower.sum(axis=(1, 2)), 1)
    rows_used = cells.any(axis=2)
    run_down = filled / columns_used
    run_across = filled / np.maximum(rows_used.sum(axis=1), 1)
    return {
        "height_at": height_at,
        "width": used.mean(axis=1),
        "tall": rows_used.mean(axis=1),
        "covered": above / (above + filled),
        "hollow": 1 - filled / np.maximum(below_top, 1),
        "level": _level(first, used),
        "level_below": _level(last, used & (last < GRID - 1)),
        "wedge": _wedge(cells),
        "upright": np.log2(run_down / run_across),
        "below_lighter": own_light - lower_light,
    }


def _level(edge: NDArray[np.int_], used: BoolArray) -> Vector:
    """Share of the used columns whose edge lies within a cell of the most common height of its kind."""
    near = np.zeros((len(edge), GRID))
    for offset in (-1, 0, 1):
        at = edge + offset
        counts = used & (at >= 0) & (at < GRID)
        np.add.at(near, (np.nonzero(counts)[0], at[counts]), 1)
    return near.max(axis=1) / np.maximum(used.sum(axis=1), 1)


def _wedge(cells: BoolArray) -> Vector:
    """Correlation of the row's width with its height in the picture, times the share by which it narrows."""
    width = cells.sum(axis=2).astype(np.float64)
    used = width > 0
    count = np.maximum(used.sum(axis=1), 1)
    place = np.arange(cells.shape[1], dtype=np.float64)
    mean_place = (used * place).sum(axis=1) / count
    mean_width = width.sum(axis=1) / count
    along = np.where(used, place - mean_place[:, None], 0)
    across = np.where(used, width - mean_width[:, None], 0)
    spread = np.sqrt((along**2).sum(axis=1) * (across**2).sum(axis=1))
    correlation = (along * across).sum(axis=1) / np.maximum(spread, 1e-9)
    first = used.argmax(axis=1)
    upper = np.take_along_axis(width, np.minimum(first + 1, cells.shape[1] - 1)[:, None], axis=1)[:, 0]
    narrowing = 1 - upper / np.maximum(width.max(axis=1), 1)
    return np.clip(correlation, 0, 1) ** 4 * np.clip(narrowing, 0, 1)
