"""Decoding one area of the picture, with what stays the same in all frames kept from a first pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from t2c_ext.loop.synthesis.areas import Area, DecoderPlan, Layer, bounds_within, make_plan
from t2c_ext.loop.synthesis.decoder import Resampling, resample, resample_mask
from t2c_ext.loop.synthesis.folded import Convolution, FoldedBlock, layout
from t2c_ext.loop.synthesis.layers import known_share
from t2c_ext.types import BoolArray


@dataclass(frozen=True)
class Patch:
    """Values of an area.

    Attributes:
        values: [1, C, h, w].
        known: float [1, C or 1, h, w] of 0 and 1, or None where all is known.
        area: which of the map's pixels they are.
    """

    values: Tensor
    known: Tensor | None
    area: Area

    def crop(self, area: Area) -> Patch:
        """A view of a smaller area."""
        if area == self.area:
            return self
        rows, columns = area.within(self.area)
        known = None if self.known is None else self.known[..., rows, columns]
        return Patch(self.values[..., rows, columns], known, area)


Join = Callable[[int, Patch], Patch]
"""Takes a layer's number and its fresh part; gives what the next step reads of that layer."""


class Surround:
    """What stays the same around the fresh part of a layer."""

    def __init__(self, values: Patch) -> None:
        """Keep a copy, to be overwritten inside by each frame."""
        self._area = values.area
        self._values = values.values.clone()
        self._known = None if values.known is None else values.known.clone()

    def join(self, fresh: Patch) -> Patch:
        """The whole layer: the fresh part within what stays the same. Valid until the next call."""
        inner = fresh.area.intersect(self._area)
        fresh, place = fresh.crop(inner), inner.within(self._area)
        self._values[..., place[0], place[1]] = fresh.values
        if self._known is None and fresh.known is not None:
            self._known = torch.ones_like(self._values[:, : fresh.known.shape[1]])
        if self._known is None:
            return Patch(self._values, None, self._area)
        self._known[..., place[0], place[1]] = 1 if fresh.known is None else fresh.known
        return Patch(self._values, all_or_mask(self._known), self._area)


def all_or_mask(known: Tensor) -> Tensor | None:
    """None where all is known, which spares the counting."""
    return None if bool(known.all()) else known


class TileDecoder:
    """Decodes one area of the picture, frame after frame.

    Args:
        blocks: the folded decoder.
        area: the part of the picture that is wanted.
        changing: bool [H, W], where the decoder's input differs from frame to frame.
        size: the whole picture; sides are multiples of 4.
    """

    def __init__(self, blocks: tuple[FoldedBlock, ...], area: Area, changing: BoolArray, size: Area) -> None:
        self.area = area
        self._blocks = blocks
        self._everything = make_plan(area, size, size)
        self.plan = make_plan(area, bounds_within(changing, self.reads_once), size)
        self._surrounds: dict[int, Surround] = {}

    @property
    def reads(self) -> Area:
        """What `decode` reads of the blended features."""
        return self.plan.blocks[0].inputs.fresh

    @property
    def reads_once(self) -> Area:
        """What `prepare` reads of them."""
        return self._everything.blocks[0].inputs.fresh

    @property
    def constant(self) -> bool:
        """Whether no frame differs from another here."""
        return self.plan.output.fresh.empty

    @property
    def alone(self) -> bool:
        """Whether all that is read changes, so that nothing has to be prepared."""
        return all(_covers(layer) for layer in _layers(self.plan))

    def prepare(self, blended: Tensor) -> Tensor:
        """Decode one frame wholly, and keep what stays the same.

        Args:
            blended: [1, 64, h, w] of `reads_once`.

        Returns:
            [1, 3, h, w] of `area`, before the tanh.
        """
        kept: dict[int, Surround] = {}
        wanted = _layers(self.plan)

        def keep(number: int, patch: Patch) -> Patch:
            if not self.constant and not _covers(wanted[number]):
                kept[number] = Surround(patch.crop(wanted[number].held))
            return patch.crop(_layers(self._everything)[number].held)

        output = self._run(self._everything, blended, keep)
        self._surrounds = kept
        return output

    def decode(self, blended: Tensor) -> Tensor:
        """Decode one frame.

        Args:
            blended: [1, 64, h, w] of `reads`.

        Returns:
            [1, 3, h, w] of `area`, before the tanh; valid until the next call.
        """
        layers = _layers(self.plan)

        def join(number: int, patch: Patch) -> Patch:
            surround = self._surrounds.get(number)
            return patch.crop(layers[number].held) if surround is None else surround.join(patch)

        return self._run(self.plan, blended, join)

    def _run(self, plan: DecoderPlan, blended: Tensor, join: Join) -> Tensor:
        """The decoder's blocks, each on its part; `join` hands the layer of a number on as the next step reads it."""
        dtype = self._blocks[0].first.weight.dtype
        known = all_or_mask((blended != 0).to(dtype))
        values = blended.to(dtype).contiguous(memory_format=layout(blended.device))
        x = Patch(values, known, plan.blocks[0].inputs.fresh)
        for number, (block, step) in enumerate(zip(self._blocks, plan.blocks, strict=True)):
            x = join(3 * number, x)
            a = block.activation(x.values)
            if x.known is not None:
                a.mul_(x.known)
            inner = _convolve(block.first, Patch(a, x.known, x.area), step.inner)
            inner.values.relu_()
            inner = join(3 * number + 1, _without_holes(inner))
            summed = _without_holes(_convolve(block.second, inner, step.summed))
            shortcut = x.crop(step.summed.fresh).values
            summed.values.add_(shortcut if block.shortcut is None else block.shortcut(shortcut))
            del a, inner, shortcut
            out = plan.output if number + 1 == len(self._blocks) else plan.blocks[number + 1].inputs
            x = _resample(block, join(3 * number + 2, summed), out.fresh)
        return join(3 * len(self._blocks), x).values


def _layers(plan: DecoderPlan) -> list[Layer]:
    """All layers in order; the numbers of `Join`."""
    return [layer for step in plan.blocks for layer in (step.inputs, step.inner, step.summed)] + [plan.output]


def _covers(layer: Layer) -> bool:
    return layer.held.intersect(layer.fresh) == layer.held


def _convolve(convolution: Convolution, a: Patch, layer: Layer) -> Patch:
    """A partial convolution of values that are 0 where unknown; its own holes are not cleared yet.

    The convolution pads with zeros; at a side that is no border of the picture the outermost line is wrong, and is
    not in `layer.fresh`.
    """
    rows, columns = layer.fresh.within(a.area)
    bias = convolution.bias
    assert bias is not None
    if a.known is None:
        y = convolution(a.values)[..., rows, columns]
        _mend_border(y, bias[:, None], layer)
        return Patch(y, None, layer.fresh)
    ratio, new = (part[..., rows, columns].to(a.values.dtype) for part in known_share(a.known))
    y = convolution.plain(a.values)[..., rows, columns].mul_(ratio).add_(bias[:, None, None])
    return Patch(y, all_or_mask(new), layer.fresh)


def _mend_border(y: Tensor, bias: Tensor, layer: Layer) -> None:
    """Where nothing but what lies beyond the picture is unknown: a third of the inputs along each side."""
    fresh, full = layer.fresh, layer.size
    for axis, first, end, side in (
        (-2, fresh.top, fresh.bottom, full.bottom),
        (-1, fresh.left, fresh.right, full.right),
    ):
        lines = [0] * (first == 0) + [end - first - 1] * (end == side)
        for line in set(lines):
            # a map of one line has known neighbours on neither side
            y.select(axis, line).sub_(bias).mul_(1.5 if side > 1 else 3).add_(bias)


def _without_holes(patch: Patch) -> Patch:
    """The patch, zero where unknown (in place)."""
    if patch.known is not None:
        patch.values.mul_(patch.known)
    return patch


def _resample(block: FoldedBlock, x: Patch, area: Area) -> Patch:
    """The block's resampling, and of its result what `area` has."""
    how = block.resampling
    if how is Resampling.NONE:
        return x.crop(area)
    top, left = (x.area.top, x.area.left)
    values = resample(x.values, how)
    known = None if x.known is None else all_or_mask(resample_mask(x.known, how))
    top, left = (side // 2 if how is Resampling.HALVE else side * 2 for side in (top, left))
    made = Area(top, left, top + values.shape[-2], left + values.shape[-1])
    return Patch(values, known, made).crop(area)
