"""The network of the segmenter `lite` as it is trained: the features of EfficientNet-Lite0, and a decoder of our own.

`t2c_ext/region/segmenters/lite.py` says what it is, and runs it. Names of parameters are those of the file of features.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.region.segmenters.lite import DECODER_EPSILON, EPSILON, KEPT, ROWS, STEM, WIDTHS, Row
from t2c_ext.region.segmenters.small import LABELS
from t2c_ext.weights.states import fill_module, load_state

HEAD = ("_conv_head.", "_bn1.", "_fc.")
"""How the names of the file's parameters begin that tell ImageNet's classes apart: not needed here."""


class SameConvolution(nn.Conv2d):
    """Without a bias, padded as TensorFlow does: as many pixels come out as strides begin, the odd one behind."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        """As for `Conv2d`."""
        super().__init__(inside, outside, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C', ceil(H / stride), ceil(W / stride)]."""
        over = [_missing(length, self.kernel_size[0], self.stride[0]) for length in x.shape[-2:]]
        (top, bottom), (left, right) = ((each // 2, each - each // 2) for each in over)
        return self._conv_forward(functional.pad(x, (left, right, top, bottom)), self.weight, None)


def _missing(length: int, kernel: int, stride: int) -> int:
    return max((-(-length // stride) - 1) * stride + kernel - length, 0)


class Block(nn.Module):
    """An inverted bottleneck."""

    def __init__(self, inside: int, row: Row, stride: int) -> None:
        """`inside` channels come in."""
        super().__init__()
        wide = inside * row.expansion
        self.widens, self.adds = row.expansion != 1, stride == 1 and inside == row.channels
        if self.widens:
            self._expand_conv, self._bn0 = SameConvolution(inside, wide, 1), nn.BatchNorm2d(wide, EPSILON)
        self._depthwise_conv = SameConvolution(wide, wide, row.kernel, stride, groups=wide)
        self._bn1 = nn.BatchNorm2d(wide, EPSILON)
        self._project_conv = SameConvolution(wide, row.channels, 1)
        self._bn2 = nn.BatchNorm2d(row.channels, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """[N, C, H, W] to [N, C', H / stride, W / stride]."""
        wide = functional.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        wide = functional.relu6(self._bn1(self._depthwise_conv(wide)))
        found: Tensor = self._bn2(self._project_conv(wide))
        return x + found if self.adds else found


class Features(nn.Module):
    """EfficientNet-Lite0 up to its last stage; 3.0 million parameters."""

    def __init__(self) -> None:
        """Make it; the weights come from a file."""
        super().__init__()
        self._conv_stem, self._bn0 = SameConvolution(3, STEM, 3, 2), nn.BatchNorm2d(STEM, EPSILON)
        blocks, inside = [], STEM
        for row in ROWS:
            for number in range(row.blocks):
                blocks.append(Block(inside, row, row.stride if number == 0 else 1))
                inside = row.channels
        self._blocks = nn.ModuleList(blocks)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """[N, 3, H, W], 0..1, to what the blocks of `KEPT` give."""
        x = functional.relu6(self._bn0(self._conv_stem((picture * 255 - 127) / 128)))
        kept = []
        for number, block in enumerate(self._blocks):
            x = block(x)
            if number in KEPT:
                kept.append(x)
        return kept


def _block(inside: int, outside: int, kernel: int = 3) -> nn.Sequential:
    convolution = nn.Conv2d(inside, outside, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outside, DECODER_EPSILON), nn.ReLU(inplace=True))


class LiteMaskNetwork(nn.Module):
    """The features and a decoder, a U-Net's, that ends at half of the picture's size."""

    def __init__(self) -> None:
        """Make it; its weights come from two files."""
        super().__init__()
        self.features = Features()
        self.beside = nn.ModuleList([_block(a, b, 1) for a, b in zip(KEPT.values(), WIDTHS, strict=True)])
        self.whole, self.middle = nn.Linear(WIDTHS[-1], WIDTHS[-1]), _block(WIDTHS[-1], WIDTHS[-1])
        self.up = nn.ModuleList(
            [_block(a + b, a) for a, b in zip(reversed(WIDTHS[:-1]), reversed(WIDTHS[1:]), strict=True)]
        )
        self.head = nn.Conv2d(WIDTHS[0], len(LABELS), 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Logits [N, 11, H / 2, W / 2] of pictures [N, 3, H, W] of 0..1."""
        *kept, x = (reduce(each) for reduce, each in zip(self.beside, self.features(picture), strict=True))
        x = functional.relu(self.middle(x) + self.whole(x.mean((2, 3)))[..., None, None])
        for level in self.up:
            finer = kept.pop()
            larger = functional.interpolate(x, finer.shape[-2:], mode="bilinear", align_corners=False)
            x = level(torch.cat([larger, finer], 1))
        logits: Tensor = self.head(x)
        return logits

    def train(self, mode: bool = True) -> LiteMaskNetwork:
        """The features keep the means and variances that they came with."""
        super().train(mode)
        self.features.eval()
        return self

    def norms(self) -> Iterator[nn.BatchNorm2d]:
        """The normalisations of the features, whose scale and shift are ours."""
        return (part for part in self.features.modules() if isinstance(part, nn.BatchNorm2d))


def with_features(path: Path) -> LiteMaskNetwork:
    """The network with the features of a file; the decoder is as new.

    Raises:
        UserError: the file is damaged, or of something else.
    """
    network = LiteMaskNetwork()
    state = {name: value for name, value in load_state(path).items() if not name.startswith(HEAD)}
    fill_module(network.features, state, path)
    return network
