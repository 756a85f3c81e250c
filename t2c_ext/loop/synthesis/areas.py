"""Rectangles of pixels, and which part of each layer has to be made for a part of the picture.

A layer's value is made anew for a frame where two things meet: something that the frame needs depends on it (the
needed part, which widens towards the input), and it depends on something that moves (the changing part, which widens
towards the output). All other values are the same in every frame.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from t2c_ext.loop.synthesis.decoder import RESAMPLINGS, Resampling
from t2c_ext.types import BoolArray

SPLIT_GAIN = 0.85
"""A rectangle is split where the parts cost less than this share of it."""

MARGIN = 24
"""What a rectangle costs beyond its own sides, in pixels: about the mean over the layers."""


@dataclass(frozen=True)
class Area:
    """Rows `top` to `bottom` and columns `left` to `right`, the ends not included."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Columns."""
        return self.right - self.left

    @property
    def pixels(self) -> int:
        """Rows times columns."""
        return self.height * self.width

    @property
    def empty(self) -> bool:
        """Whether it holds no pixel."""
        return self.height <= 0 or self.width <= 0

    def grow(self, border: int) -> Area:
        """Wider by `border` pixels on each side; what is empty stays so."""
        if self.empty:
            return self
        return Area(self.top - border, self.left - border, self.bottom + border, self.right + border)

    def intersect(self, other: Area) -> Area:
        """What both have (perhaps empty)."""
        return Area(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def within(self, outer: Area) -> tuple[slice, slice]:
        """Rows and columns of this area in an array that holds `outer`."""
        rows = slice(self.top - outer.top, self.bottom - outer.top)
        return rows, slice(self.left - outer.left, self.right - outer.left)


def whole(height: int, width: int) -> Area:
    """The area of a picture."""
    return Area(0, 0, height, width)


def bounds(mask: BoolArray) -> Area:
    """The smallest area that holds all of a mask (empty where the mask is)."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not rows.size:
        return Area(0, 0, 0, 0)
    return Area(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def cover(mask: BoolArray, largest: int) -> list[Area]:
    """A few areas that together hold all of a mask and overlap nowhere.

    Args:
        mask: bool [H, W].
        largest: no area has more pixels than this.
    """
    return _cover(mask, bounds(mask), largest)


def _cover(mask: BoolArray, area: Area, largest: int) -> list[Area]:
    if area.empty:
        return []
    if area.pixels > largest:
        vertical = area.width > area.height
        side = (area.left + area.right) // 2 if vertical else (area.top + area.bottom) // 2
        best = _cut(mask, area, side, vertical)
    else:
        best = min(_cuts(mask, area), key=_sum_of_costs, default=())
        if not best or _sum_of_costs(best) > SPLIT_GAIN * _cost(area):
            return [area]
    return [piece for part in best for piece in _cover(mask, part, largest)]


def _cost(area: Area) -> float:
    return 0.0 if area.empty else float((area.height + MARGIN) * (area.width + MARGIN))


def _sum_of_costs(parts: tuple[Area, ...]) -> float:
    return sum(_cost(part) for part in parts)


def _cuts(mask: BoolArray, area: Area) -> Iterator[tuple[Area, ...]]:
    """The area cut in two, at some places across and some down."""
    for vertical in (False, True):
        low, high = (area.left, area.right) if vertical else (area.top, area.bottom)
        for side in range(low + 1, high, max(1, (high - low) // 16)):
            yield _cut(mask, area, side, vertical)


def _cut(mask: BoolArray, area: Area, side: int, vertical: bool) -> tuple[Area, ...]:
    """The two parts, each shrunk to what it holds of the mask."""
    if vertical:
        first = Area(area.top, area.left, area.bottom, side)
        second = Area(area.top, side, area.bottom, area.right)
    else:
        first = Area(area.top, area.left, side, area.right)
        second = Area(side, area.left, area.bottom, area.right)
    return bounds_within(mask, first), bounds_within(mask, second)


def bounds_within(mask: BoolArray, area: Area) -> Area:
    """The smallest part of an area that holds all that the mask has in it."""
    inner = bounds(mask[area.top : area.bottom, area.left : area.right])
    return Area(inner.top + area.top, inner.left + area.left, inner.bottom + area.top, inner.right + area.left)


@dataclass(frozen=True)
class Layer:
    """One map of values.

    Attributes:
        held: what the next step reads.
        fresh: what is made anew for each frame; within `held`.
        size: of the map for the whole picture.
    """

    held: Area
    fresh: Area
    size: Area


@dataclass(frozen=True)
class BlockPlan:
    """What one block of the decoder reads and makes.

    Attributes:
        inputs: its input.
        inner: between its two convolutions.
        summed: their sum with the shortcut, before the resampling.
    """

    inputs: Layer
    inner: Layer
    summed: Layer


@dataclass(frozen=True)
class DecoderPlan:
    """What the decoder reads and makes for one area of the picture; `output` holds that area."""

    blocks: tuple[BlockPlan, ...]
    output: Layer


def make_plan(needed: Area, changing: Area, size: Area) -> DecoderPlan:
    """The parts of all layers.

    Args:
        needed: of the picture, not empty.
        changing: where the decoder's input differs from frame to frame.
        size: the whole picture; its sides are multiples of 4.
    """
    sizes, changes = [size], [changing.intersect(size)]
    for how in RESAMPLINGS:
        sizes.append(_scaled(sizes[-1], how))
        change = changes[-1].grow(2)
        changes.append(change if change.empty else _changed(change, how).intersect(sizes[-1]))
    blocks: list[BlockPlan] = []
    output = Layer(needed, needed.intersect(changes[-1]), size)
    need, fresh = needed, output.fresh
    for number in range(len(RESAMPLINGS) - 1, -1, -1):
        full, change = sizes[number], changes[number]
        read = _read(need, RESAMPLINGS[number]).intersect(full)
        summed_fresh = read.intersect(change.grow(2))
        inner_need = read.grow(1).intersect(full)
        inner_fresh = inner_need.intersect(change.grow(1))
        need = read.grow(2).intersect(full)
        summed_held = _read(fresh, RESAMPLINGS[number]).intersect(full)
        fresh = need.intersect(change)
        blocks.append(
            BlockPlan(
                Layer(inner_fresh.grow(1).intersect(full), fresh, full),
                Layer(summed_fresh.grow(1).intersect(full), inner_fresh, full),
                Layer(summed_held, summed_fresh, full),
            )
        )
    return DecoderPlan(tuple(reversed(blocks)), output)


def _scaled(area: Area, how: Resampling) -> Area:
    if how is Resampling.HALVE:
        return Area(0, 0, -(-area.bottom // 2), -(-area.right // 2))
    return Area(0, 0, area.bottom * 2, area.right * 2) if how is Resampling.DOUBLE else area


def _read(area: Area, how: Resampling) -> Area:
    """What a resampling reads for its output `area`, starting where its windows do."""
    if how is Resampling.HALVE:
        # one row and column more than the windows have, so that the start is even
        return Area(2 * area.top - 2, 2 * area.left - 2, 2 * area.bottom, 2 * area.right)
    if how is Resampling.DOUBLE:
        return Area((area.top - 1) // 2, (area.left - 1) // 2, area.bottom // 2 + 1, area.right // 2 + 1)
    return area


def _changed(area: Area, how: Resampling) -> Area:
    """What a resampling's output changes where its input does in `area`."""
    if how is Resampling.HALVE:
        return Area(area.top // 2, area.left // 2, area.bottom // 2 + 1, area.right // 2 + 1)
    if how is Resampling.DOUBLE:
        return Area(2 * area.top - 1, 2 * area.left - 1, 2 * area.bottom + 1, 2 * area.right + 1)
    return area
