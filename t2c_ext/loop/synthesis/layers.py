"""The layers of the video network that torch does not have."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.weights.spectral import SpectralLayer, SpectralLinear

EPSILON = 1e-5
"""Added to the variance."""

NOISE = 20
"""Length of the noise vector that gain and bias were meant to be made from."""


class StoredStatistics(nn.Module):
    """Mean and variance of each channel, as training left them."""

    stored_mean: Tensor
    stored_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("stored_mean", torch.zeros(channels))
        self.register_buffer("stored_var", torch.ones(channels))
        self.register_buffer("accumulation_counter", torch.zeros(1))

    @property
    def scale(self) -> Tensor:
        """[C]: one over the standard deviation."""
        return torch.rsqrt(self.stored_var + EPSILON)


class NoiseNorm(nn.Module):
    """Batch norm whose gain and bias come from a noise vector.

    The paper's models were trained and run with a noise of zero, so that the gain is 1 and the bias 0: their two maps
    are in the checkpoint and change nothing.

    Args:
        channels: C.
        statistics: the name that the statistics have in the checkpoint.
    """

    def __init__(self, channels: int, statistics: str) -> None:
        super().__init__()
        self.gain = SpectralLinear(NOISE, channels, bias=False)
        self.bias = SpectralLinear(NOISE, channels, bias=False)
        self.add_module(statistics, StoredStatistics(channels))
        self._statistics = statistics

    @property
    def statistics(self) -> StoredStatistics:
        """The stored mean and variance."""
        found = self.get_submodule(self._statistics)
        assert isinstance(found, StoredStatistics)
        return found

    def forward(self, x: Tensor) -> Tensor:
        """Normalise [N, C, H, W]."""
        stored = self.statistics
        return (x - stored.stored_mean[:, None, None]) * stored.scale[:, None, None]


class PartialConv2d(SpectralLayer):
    """A 3 x 3 convolution that leaves holes out (Liu et al., "Image Inpainting for Irregular Holes", 2018).

    With count = how many of the 3 x 3 x C inputs are known (those beyond the border are not):

        y = (W * (x mask) (9 C / count) + b) new,    new = 1 where count > 0, else 0
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__((outputs, inputs, 3, 3))

    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, Tensor]:
        """Convolve what is known.

        Args:
            x: [N, C, H, W].
            mask: 1 where x is known, else 0: [N, C, H, W], or [N, 1, H, W] where all channels have the same.

        Returns:
            y [N, outputs, H, W] and its mask [N, 1, H, W], the same for all channels.
        """
        assert self.bias is not None
        ratio, new = known_share(mask)
        y = functional.conv2d(x * mask, self.weight, padding=1)
        return (y * ratio + self.bias[:, None, None]) * new, new


def known_share(mask: Tensor) -> tuple[Tensor, Tensor]:
    """How the sums of 3 x 3 x C inputs make up for those that are not known.

    Counts are small whole numbers, exact in float32: the sum over the channels first gives the same bits as a
    convolution with ones, and (9 C) / (C n) the same as 9 / n.

    Args:
        mask: [N, C or 1, H, W] of 0 and 1.

    Returns:
        inputs / known (0 where none is), and whether any is known; both float32 [N, 1, H, W].
    """
    count = functional.conv2d(mask.float().sum(1, keepdim=True), mask.new_ones(1, 1, 3, 3).float(), padding=1)
    new = count.clamp(0, 1)
    return (9 * mask.shape[1]) / count.clamp_min(1) * new, new
