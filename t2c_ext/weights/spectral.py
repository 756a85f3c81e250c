"""Layers whose weight is divided by its spectral norm (Miyato et al. 2018), as the paper's checkpoints store them.

A layer's entries, in order: `bias` (where it has one), `weight_orig`, `weight_u`, `weight_v`. The weight in use is

    W = weight_orig / sigma,    sigma = weight_u . (M weight_v),    M = weight_orig as [out, in * kh * kw]

with u and v as they were stored: sigma is an estimate that training left behind, and its own singular value would be
another number. The bias is not divided.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class SpectralLayer(nn.Module):
    """The entries of a layer with a spectral norm, and the weight that follows from them.

    Args:
        shape: of the weight, [out, in, ...].
        bias: has a bias [out].
    """

    bias: nn.Parameter | None
    weight_u: Tensor
    weight_v: Tensor
    _frozen: Tensor | None

    def __init__(self, shape: tuple[int, ...], bias: bool = True) -> None:
        super().__init__()
        # registered first: the checkpoints list it before the weight
        self.register_parameter("bias", nn.Parameter(torch.zeros(shape[0])) if bias else None)
        fan_in = math.prod(shape[1:])
        self.weight_orig = nn.Parameter(torch.randn(shape) / math.sqrt(fan_in))
        self.register_buffer("weight_u", functional.normalize(torch.randn(shape[0]), dim=0))
        self.register_buffer("weight_v", functional.normalize(torch.randn(fan_in), dim=0))
        self.register_buffer("_frozen", None, persistent=False)

    @property
    def weight(self) -> Tensor:
        """The weight in use, of `weight_orig`'s shape and type."""
        return self._normalised() if self._frozen is None else self._frozen

    def freeze(self) -> None:
        """Divide once and for all, until other entries are loaded: a forward pass then costs no more than a plain one.

        Call it while the entries are float32 and before `.to(dtype)`, which then casts the divided weight.
        """
        with torch.no_grad():
            self._frozen = self._normalised()

    def _normalised(self) -> Tensor:
        matrix = self.weight_orig.flatten(1)
        # in half precision the sum over thousands of products would lose digits
        sigma = torch.dot(self.weight_u.float(), torch.mv(matrix.float(), self.weight_v.float()))
        return self.weight_orig / sigma.to(self.weight_orig.dtype)

    def _load_from_state_dict(self, *args: Any, **kwargs: Any) -> None:
        self._frozen = None
        super()._load_from_state_dict(*args, **kwargs)


class SpectralConv2d(SpectralLayer):
    """A convolution [N, inputs, H, W] -> [N, outputs, H', W'] whose weight is divided by its spectral norm."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, *, stride: int = 1, padding: int = 0, bias: bool = True
    ) -> None:
        super().__init__((outputs, inputs, kernel, kernel), bias)
        self.stride = stride
        self.padding = padding

    def forward(self, x: Tensor) -> Tensor:
        """Convolve."""
        return functional.conv2d(x, self.weight, self.bias, self.stride, self.padding)


class SpectralLinear(SpectralLayer):
    """A linear map [..., inputs] -> [..., outputs] whose weight is divided by its spectral norm."""

    def __init__(self, inputs: int, outputs: int, *, bias: bool = True) -> None:
        super().__init__((outputs, inputs), bias)

    def forward(self, x: Tensor) -> Tensor:
        """Multiply."""
        return functional.linear(x, self.weight, self.bias)


def freeze_spectral(module: nn.Module) -> None:
    """Divide the weights of all spectral layers in `module` once (see `SpectralLayer.freeze`)."""
    for layer in module.modules():
        if isinstance(layer, SpectralLayer):
            layer.freeze()
