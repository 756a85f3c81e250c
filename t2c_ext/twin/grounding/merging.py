"""The layers' maps as one, and the mean self-attention that refines it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from t2c_ext.twin.capture import attention_maps
from t2c_ext.twin.grounding.layer_weights import resized_self_attention
from t2c_ext.twin.layout import Grid


def summed(maps: Sequence[Tensor], sizes: Sequence[Grid], weights: Tensor, target: Grid) -> Tensor:
    """The weighted sum of the layers' maps.

    Args:
        maps: for each layer [h * w, tokens].
        sizes: their grids (h, w).
        weights: [layers].
        target: the grid of the sum; the maps are brought to it bilinearly.

    Returns:
        [tokens, height, width].
    """
    total = maps[0].new_zeros(maps[0].shape[1], *target)
    for values, size, weight in zip(maps, sizes, weights, strict=True):
        layer = values.T.reshape(1, -1, *size)
        total += weight * functional.interpolate(layer, target, mode="bilinear", align_corners=False)[0]
    return total


def normalised(total: Tensor) -> Tensor:
    """Negative attention left out, and what all tokens [tokens, h, w] get at a place made to sum to 1."""
    positive = total.clamp(min=0)
    whole = positive.sum(dim=0, keepdim=True)
    return torch.where(whole > 0, positive / whole, 0)


def head_mean(query: Tensor, key: Tensor, scale: float | None = None) -> Tensor:
    """The self-attention of queries and keys [heads, n, width], mean over the heads: float32 [n, n]."""
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    return torch.cat([part.mean(dim=0) for _, part in attention_maps(query, key, scale)])


def mean_self_attention(layers: Iterable[tuple[Tensor, Grid]], target: Grid) -> Tensor:
    """The mean of self-attention maps [n, n] with their grids, each brought to the target's grid."""
    total, count = torch.zeros(()), 0
    for attention, size in layers:
        resized = resized_self_attention(attention, size, target)
        total = resized if count == 0 else total + resized
        count += 1
    if count == 0:
        raise ValueError("there is no self-attention to take the mean of")
    return total / count
