"""What both flow networks are built from: the condition at every size, and normalisation that follows it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.errors import UserError

MASK_CHANNEL = 3
"""A network's input has RGB in -1..1, then the mask, and for the direction network the hint's dx and dy."""

HIDDEN = 128


class Condition:
    """A network's own input, resized to the size of each layer; every size is made once.

    Args:
        x: [N, C, H, W], the network's input. The mask is resized nearest, all other channels bilinearly; a hint's
            vectors keep their values.
    """

    def __init__(self, x: Tensor) -> None:
        self._full = x
        self._resized: dict[tuple[int, int], Tensor] = {}

    def at(self, height: int, width: int) -> Tensor:
        """[N, C, height, width]."""
        size = (height, width)
        if size not in self._resized:
            resized = functional.interpolate(self._full, size, mode="bilinear", align_corners=False)
            mask = self._full[:, MASK_CHANNEL : MASK_CHANNEL + 1]
            resized[:, MASK_CHANNEL : MASK_CHANNEL + 1] = functional.interpolate(mask, size, mode="nearest")
            self._resized[size] = resized
        return self._resized[size]


class Spade(nn.Module):
    """Spatially-adaptive normalisation (Park et al. 2019): InstanceNorm(x) * (1 + gamma) + beta, both of the condition.

    Args:
        condition_channels: channels of the condition.
        channels: channels of what is normalised.
    """

    def __init__(self, condition_channels: int, channels: int) -> None:
        super().__init__()
        self.mlp_shared = nn.Sequential(nn.Conv2d(condition_channels, HIDDEN, 3, padding=1), nn.ReLU())
        self.mlp_gamma = nn.Conv2d(HIDDEN, channels, 3, padding=1)
        self.mlp_beta = nn.Conv2d(HIDDEN, channels, 3, padding=1)

    def forward(self, x: Tensor, condition: Condition) -> Tensor:
        """Normalise x [N, channels, H, W]; H * W must be more than 1."""
        hidden = self.mlp_shared(condition.at(x.shape[2], x.shape[3]))
        return functional.instance_norm(x) * (1 + self.mlp_gamma(hidden)) + self.mlp_beta(hidden)


def double(x: Tensor) -> Tensor:
    """[N, C, H, W] to [N, C, 2H, 2W], bilinear."""
    return functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def double_but_mask(x: Tensor) -> Tensor:
    """`double`, but channel 3 is nearest: the paper's network treats it as a mask in its features too."""
    doubled = double(x)
    mask = x[:, MASK_CHANNEL : MASK_CHANNEL + 1]
    doubled[:, MASK_CHANNEL : MASK_CHANNEL + 1] = functional.interpolate(mask, scale_factor=2.0, mode="nearest")
    return doubled


def check_input(x: Tensor, channels: int, stride: int) -> None:
    """Refuse an input that a network cannot take.

    Raises:
        UserError: x is not [N, channels, H, W], or H or W is no multiple of `stride`.
    """
    if x.ndim != 4 or x.shape[1] != channels:
        raise UserError(f"this flow network takes [N, {channels}, H, W], not {list(x.shape)}")
    height, width = x.shape[2:]
    if height % stride or width % stride or not torch.numel(x):
        raise UserError(
            f"this flow network takes pictures whose sides are multiples of {stride}, not {height} x {width}; pad it"
        )
