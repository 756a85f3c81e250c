"""The network made ready for inference: weights divided once, and each second norm folded into the convolution before.

With scale r and mean m of a norm, ((W x) ratio + b - m) r = (W r x) ratio + (b - m) r.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from t2c_ext.loop.synthesis.decoder import Decoder, DecoderBlock, Resampling
from t2c_ext.loop.synthesis.encoder import Encoder, EncoderBlock
from t2c_ext.loop.synthesis.layers import NoiseNorm
from t2c_ext.weights.spectral import SpectralLayer

Ready = Callable[[Tensor], Tensor]
"""Brings a tensor to the device and type in use."""


@dataclass(frozen=True)
class Convolution:
    """weight [out, in, k, k] and bias [out] or None; "same" zero padding."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, x: Tensor) -> Tensor:
        """Convolve with the bias."""
        return functional.conv2d(x, self.weight, self.bias, padding=self.weight.shape[-1] // 2)

    def plain(self, x: Tensor) -> Tensor:
        """Convolve without it."""
        return functional.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2)


@dataclass(frozen=True)
class Activation:
    """relu(x scale + shift), both [C, 1, 1]."""

    scale: Tensor
    shift: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """A new tensor."""
        return torch.addcmul(self.shift, x, self.scale).relu_()


@dataclass(frozen=True)
class FoldedBlock:
    """A block of either half: `first` holds the norm that follows it; `shortcut` None is the identity."""

    activation: Activation
    first: Convolution
    second: Convolution
    shortcut: Convolution | None
    resampling: Resampling = Resampling.NONE


def fold_encoder(encoder: Encoder, device: torch.device, dtype: torch.dtype) -> tuple[FoldedBlock, ...]:
    """The encoder's blocks."""
    ready = _mover(device, dtype)
    return tuple(_fold_encoder_block(block, ready) for block in encoder.blocks)


def fold_decoder(decoder: Decoder, device: torch.device, dtype: torch.dtype) -> tuple[FoldedBlock, ...]:
    """The decoder's blocks."""
    ready = _mover(device, dtype)
    return tuple(_fold_decoder_block(block, ready) for block in decoder.blocks)


def encode(blocks: tuple[FoldedBlock, ...], x: Tensor) -> Tensor:
    """[N, 3, H, W] to [N, 65, H, W]."""
    for block in blocks:
        a = block.first(block.activation(x)).relu_()
        x = block.second(a).add_(x if block.shortcut is None else block.shortcut(x))
    return x


def layout(device: torch.device) -> torch.memory_format:
    """The faster layout, channels last, but for Apple's GPUs, whose convolutions take the plain one without doubt."""
    return torch.contiguous_format if device.type == "mps" else torch.channels_last


def _mover(device: torch.device, dtype: torch.dtype) -> Ready:
    def ready(value: Tensor) -> Tensor:
        moved = value.detach().to(device, dtype)
        return moved.contiguous(memory_format=layout(device)) if moved.ndim == 4 else moved

    return ready


def _fold_encoder_block(block: EncoderBlock, ready: Ready) -> FoldedBlock:
    parts: Any = block.ch_a
    norm, _, first, second_norm, _, second = parts
    beside = block.ch_b[0] if isinstance(block.ch_b, nn.Sequential) else None
    shortcut = _plain(beside, ready) if isinstance(beside, SpectralLayer) else None
    return FoldedBlock(_activation(norm, ready), _with_norm(first, second_norm, ready), _plain(second, ready), shortcut)


def _fold_decoder_block(block: DecoderBlock, ready: Ready) -> FoldedBlock:
    return FoldedBlock(
        _activation(block.bn_noise1, ready),
        _with_norm(block.conv_aa, block.bn_noise2, ready),
        _plain(block.conv_ab, ready),
        _plain(block.conv_b, ready) if block.projects else None,
        block.resampling,
    )


def _activation(norm: NoiseNorm, ready: Ready) -> Activation:
    stored = norm.statistics
    scale = stored.scale
    return Activation(ready(scale)[:, None, None], ready(-stored.stored_mean * scale)[:, None, None])


def _with_norm(convolution: SpectralLayer, norm: NoiseNorm, ready: Ready) -> Convolution:
    assert convolution.bias is not None
    stored = norm.statistics
    weight = convolution.weight * stored.scale[:, None, None, None]
    return Convolution(ready(weight), ready((convolution.bias - stored.stored_mean) * stored.scale))


def _plain(convolution: SpectralLayer, ready: Ready) -> Convolution:
    bias = convolution.bias
    return Convolution(ready(convolution.weight), None if bias is None else ready(bias))
