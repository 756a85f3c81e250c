"""From a picture to features and their importance, at full resolution."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from t2c_ext.loop.synthesis.layers import NoiseNorm
from t2c_ext.weights.spectral import SpectralConv2d

WIDTHS = (3, 32, 32, 32, 64, 64, 64, 64, 65)
"""Channels before and after each block of the paper's encoder; the last channel is the importance."""


class EncoderBlock(nn.Module):
    """Two normalised 3 x 3 convolutions beside a shortcut: [N, inputs, H, W] -> [N, outputs, H, W]."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.ch_a = nn.Sequential(
            NoiseNorm(inputs, "bn"),
            nn.ReLU(),
            SpectralConv2d(inputs, outputs, 3, padding=1),
            NoiseNorm(outputs, "bn"),
            nn.ReLU(),
            SpectralConv2d(outputs, outputs, 3, padding=1),
        )
        self.ch_b = nn.Sequential(SpectralConv2d(inputs, outputs, 1)) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """Residual block."""
        return self.ch_a(x) + self.ch_b(x)


class Encoder(nn.Module):
    """[N, 3, H, W], -1..1, to [N, 65, H, W]: 64 features and the importance Z (linear, without bounds).

    Args:
        widths: channels before and after each block.
    """

    def __init__(self, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.gblocks = nn.Sequential(*(EncoderBlock(*pair) for pair in pairwise(widths)))

    @property
    def blocks(self) -> list[EncoderBlock]:
        """The blocks in order."""
        return [block for block in self.gblocks if isinstance(block, EncoderBlock)]

    def forward(self, picture: Tensor) -> Tensor:
        """Encode."""
        return self.gblocks(picture)
