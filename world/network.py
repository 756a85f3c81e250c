"""The small mask network: five levels down, four up, about 1.4 million parameters."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.region.segmenters.onnx_file import initialisers
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


def _convolutions(network: MaskNetwork) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
    """Every convolution with its normalisation, in the order of the written file."""

    def pairs(part: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.BatchNorm2d | None]]:
        if isinstance(part, Residual):
            yield from pairs(part.first)
            yield from pairs(part.second)
        elif isinstance(part[0], nn.Conv2d):  # type: ignore[index]
            yield part[0], part[1]  # type: ignore[index,misc]
        else:
            for inner in part:  # type: ignore[attr-defined]
                yield from pairs(inner)

    yield from pairs(network.stem)
    for level in network.down:
        yield from pairs(level)
    yield network.whole, None
    for level in network.up:
        yield from pairs(level)
    yield network.head, None


def fill(network: MaskNetwork, content: bytes, pictures: Tensor) -> None:
    """Give a network the weights of a written file, whose normalisations are folded into its convolutions.

    The normalisations are set so that they give for these pictures what the file's network gives.

    Args:
        network: changed in place.
        content: of the file.
        pictures: [N, 3, S, S], 0..1, as they are seen in training.
    """
    tensors = [tensor for tensor in initialisers(content) if tensor.ndim == 4 or tensor.shape[0] not in (0, 4)]
    rows = iter(tensors[2:])  # the first convolution brings 0..1 to -2..2
    hooks = []
    for convolution, norm in _convolutions(network):
        weight, bias = torch.from_numpy(next(rows)), torch.from_numpy(next(rows))
        convolution.weight.data.copy_(weight)
        if norm is None:
            convolution.bias.data.copy_(bias)  # type: ignore[union-attr]
        else:
            hooks.append(norm.register_forward_pre_hook(_Fitting(bias)))
    with torch.no_grad():
        network.eval()(pictures)
    for hook in hooks:
        hook.remove()


class _Fitting:
    """Sets a normalisation by what comes in: it then adds the bias, and nothing else."""

    def __init__(self, bias: Tensor) -> None:
        self.bias = bias

    def __call__(self, norm: nn.BatchNorm2d, given: tuple[Tensor]) -> None:
        variance, mean = torch.var_mean(given[0], (0, 2, 3), correction=0)
        norm.running_mean.copy_(mean)  # type: ignore[union-attr]
        norm.running_var.copy_(variance)  # type: ignore[union-attr]
        norm.weight.data.copy_(torch.sqrt(variance + norm.eps))
        norm.bias.data.copy_(self.bias + mean)
