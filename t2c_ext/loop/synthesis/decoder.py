"""From splatted features, with holes, to a picture."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.loop.synthesis.layers import NoiseNorm, PartialConv2d
from t2c_ext.weights.spectral import SpectralConv2d

WIDTHS = (64, 64, 128, 256, 256, 128, 128, 128, 3)
"""Channels before and after each block of the paper's decoder."""


class Resampling(Enum):
    """What a block does to the resolution at its end."""

    NONE = "none"
    HALVE = "halve"
    DOUBLE = "double"


RESAMPLINGS = (
    Resampling.NONE,
    Resampling.HALVE,
    Resampling.HALVE,
    Resampling.NONE,
    Resampling.DOUBLE,
    Resampling.DOUBLE,
    Resampling.NONE,
    Resampling.NONE,
)

STRIDE = 4
"""Sides that are multiples of this keep their size."""


def resample(x: Tensor, how: Resampling) -> Tensor:
    """Features at half (3 x 3 means, nine the divisor at the border too), double (bilinear) or the same resolution."""
    if how is Resampling.HALVE:
        return functional.avg_pool2d(x, 3, 2, 1)
    if how is Resampling.DOUBLE:
        return functional.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return x


def resample_mask(mask: Tensor, how: Resampling) -> Tensor:
    """A mask at the resolution that `resample` gives."""
    if how is Resampling.HALVE:
        return functional.max_pool2d(mask, 3, 2, 1)
    if how is Resampling.DOUBLE:
        return functional.interpolate(mask, scale_factor=2, mode="nearest")
    return mask


class DecoderBlock(nn.Module):
    """Two partial convolutions beside a shortcut: [N, inputs, H, W] -> [N, outputs, H', W'].

    `conv_b` is in the checkpoint also where the shortcut is the identity.
    """

    def __init__(self, inputs: int, outputs: int, resampling: Resampling) -> None:
        super().__init__()
        self.bn_noise1 = NoiseNorm(inputs, "pbn")
        self.bn_noise2 = NoiseNorm(outputs, "pbn")
        self.conv_aa = PartialConv2d(inputs, outputs)
        self.conv_ab = PartialConv2d(outputs, outputs)
        self.conv_b = SpectralConv2d(inputs, outputs, 1, bias=False)
        self.resampling = resampling
        self.projects = inputs != outputs or resampling is not Resampling.NONE

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Residual block; `mask` [N, inputs or 1, H, W] is 1 where x is known."""
        a, known = self.conv_aa(functional.relu(self.bn_noise1(x)), mask)
        a, known = self.conv_ab(functional.relu(self.bn_noise2(a)), known)
        shortcut = resample(self.conv_b(x), self.resampling) if self.projects else x
        return resample(a, self.resampling) + shortcut, resample_mask(known, self.resampling)


class Decoder(nn.Module):
    """[N, 64, H, W] features, exactly 0 where unknown, to [N, 3, H, W], before the tanh.

    Args:
        widths: channels before and after each block.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        rows = zip(widths[:-1], widths[1:], RESAMPLINGS, strict=True)
        self.eblocks = nn.ModuleList(DecoderBlock(*row) for row in rows)

    @property
    def blocks(self) -> list[DecoderBlock]:
        """The blocks in order."""
        return [block for block in self.eblocks if isinstance(block, DecoderBlock)]

    def forward(self, x: Tensor) -> Tensor:
        """Decode; sides that are no multiple of 4 come out larger."""
        mask = (x != 0).to(x.dtype)
        for block in self.blocks:
            x, mask = block(x, mask)
        return x
