"""The small mask network: five levels down, four up, about 1.4 million parameters."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from world.canvas import KINDS

WIDTHS = (16, 32, 64, 96, 112)
"""Channels at half, quarter, ... of the picture's size: as many as 6 MB of weights allow."""


def block(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    """A convolution with its normalisation, which the export folds into it."""
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(inplace=True)
    )


class Residual(nn.Module):
    """Two convolutions around which the input passes."""

    def __init__(self, channels: int) -> None:
        """Make it."""
        super().__init__()
        self.first = block(channels, channels)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, 1, 1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, h, w] to the same."""
        return functional.relu(x + self.second(self.first(x)))


class MaskNetwork(nn.Module):
    """A U-Net that ends at half of the picture's size."""

    def __init__(self) -> None:
        """Make it."""
        super().__init__()
        a, b, c, d, e = WIDTHS
        self.stem = block(3, a, 2)
        self.down = nn.ModuleList(
            [
                nn.Sequential(block(a, b, 2), Residual(b)),
                nn.Sequential(block(b, c, 2), Residual(c), Residual(c)),
                nn.Sequential(block(c, d, 2), Residual(d), Residual(d)),
                nn.Sequential(block(d, e, 2), Residual(e), Residual(e)),
            ]
        )
        self.whole = nn.Conv2d(e, e, 1)
        self.up = nn.ModuleList([block(e + d, d), block(d + c, c), block(c + b, b), block(b + a, a)])
        self.head = nn.Conv2d(a, len(KINDS), 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Logits [N, 11, H / 2, W / 2] of pictures [N, 3, H, W] of 0..1; H and W are multiples of 32."""
        x = self.stem(picture * 4 - 2)
        kept = [x]
        for level in self.down:
            x = level(x)
            kept.append(x)
        x = functional.relu(x + self.whole(x.mean((2, 3), keepdim=True)))
        for number, level in enumerate(self.up):
            beside = kept[-2 - number]
            larger = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            x = level(torch.cat([larger, beside], 1))
        return self.head(x)
