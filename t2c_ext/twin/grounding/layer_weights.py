"""How much each layer has to say: how well its self-attention agrees with a reference feature (GoCA, 2603.06178).

R is what the reference feature finds alike: softmax over rows of f f^T / sqrt(channels). A layer's self-attention, mean
over its heads, is brought to the reference's grid (keys bilinear with half-pixel centres, queries nearest), and its
score is the sum of the products of both. The published code leaves the rows of a resized map as they are, so coarse
layers count more by the ratio of the grids; whether that is meant is open, so it is a parameter.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor
from torch.nn import functional

from t2c_ext.twin.capture import attention_maps
from t2c_ext.twin.layout import Grid


class LayerMethod(str, Enum):
    """What weighs a layer.

    DOT is the method; the others are those that it was compared with: DISTANCE by one over the summed lengths of the
    rows' differences, OVERLAP by the sum of the minima over the sum of the maxima, MEAN alike.
    """

    DOT = "dot"
    DISTANCE = "distance"
    OVERLAP = "overlap"
    MEAN = "mean"


def reference_affinity(feature: Tensor) -> Tensor:
    """float32 [n, n], rows sum to 1: how alike the places of a reference feature [n, channels] are."""
    feature = feature.float()
    return torch.softmax(feature @ feature.T * feature.shape[1] ** -0.5, dim=1)


def resized_self_attention(attention: Tensor, size: Grid, target: Grid, renormalise: bool = False) -> Tensor:
    """A self-attention map on another grid.

    Args:
        attention: [h * w, h * w], query by key.
        size: its grid (h, w).
        target: the grid to bring it to.
        renormalise: make its rows sum to 1 again.

    Returns:
        [n, n] with n = target's height times width.
    """
    if size != target:
        rows = attention[nearest_places(size, target, attention.device)].reshape(-1, *size)
        attention = functional.interpolate(rows[:, None], target, mode="bilinear", align_corners=False).flatten(1)
    return attention / attention.sum(dim=1, keepdim=True) if renormalise else attention


def nearest_places(size: Grid, target: Grid, device: torch.device | None = None) -> Tensor:
    """For each place of the target grid the place of a grid of `size` that it is taken from: floor(i * in / out)."""
    down, across = (torch.arange(out, device=device) * inside // out for inside, out in zip(size, target, strict=True))
    return (down[:, None] * size[1] + across).flatten()


def layer_score(affinity: Tensor, attention: Tensor, method: LayerMethod = LayerMethod.DOT) -> Tensor:
    """How well a self-attention map agrees with the reference, both [n, n] on one grid; a scalar."""
    if method is LayerMethod.DISTANCE:
        return 1 / (affinity - attention).norm(dim=1).sum()
    if method is LayerMethod.OVERLAP:
        return torch.minimum(affinity, attention).sum() / torch.maximum(affinity, attention).sum()
    if method is LayerMethod.MEAN:
        return affinity.new_ones(())
    return (affinity * attention).sum()


class Agreement:
    """Scores of self-attention against a reference, from queries and keys: nothing is enlarged to its grid.

    The resizing is linear, so the product with a resized map is that of the map with the reference taken back by the
    transposed resizing; what is taken back is kept for each grid.

    Args:
        affinity: [n, n] of `reference_affinity`.
        size: the reference's grid.
        renormalise: score as though the rows of resized maps were made to sum to 1.
    """

    def __init__(self, affinity: Tensor, size: Grid, renormalise: bool = False) -> None:
        self.affinity = affinity
        self.size = size
        self.renormalise = renormalise
        self._taken_back: dict[Grid, tuple[Tensor, Tensor]] = {}

    def score(self, query: Tensor, key: Tensor, size: Grid, scale: float | None = None) -> Tensor:
        """The score of a self-attention (`LayerMethod.DOT`), a scalar.

        Args:
            query, key: [heads, h * w, width].
            size: their grid (h, w).
            scale: factor before the softmax; None: one over the root of the width.
        """
        scale = query.shape[-1] ** -0.5 if scale is None else scale
        wanted, coverage = self._on(size)
        used = torch.nonzero(wanted.any(dim=1)).flatten()
        total = wanted.new_zeros(())
        for part, probabilities in attention_maps(query[:, used], key, scale):
            attention = probabilities.mean(dim=0)
            products = (attention * wanted[used[part]]).sum(dim=1)
            total = total + (products / (attention @ coverage) if self.renormalise else products).sum()
        return total

    def _on(self, size: Grid) -> tuple[Tensor, Tensor]:
        """The reference on another grid, [h * w, h * w], and how much each key counts in a resized row, [h * w]."""
        if size == self.size:
            return self.affinity, self.affinity.new_ones(len(self.affinity))
        if size not in self._taken_back:
            down, across = (
                _bilinear(inside, out).to(self.affinity) for inside, out in zip(size, self.size, strict=True)
            )
            keys = torch.einsum("nyx,yh,xw->nhw", self.affinity.reshape(-1, *self.size), down, across).flatten(1)
            places = nearest_places(size, self.size, keys.device)
            taken = keys.new_zeros(size[0] * size[1], keys.shape[1]).index_add_(0, places, keys)
            self._taken_back[size] = taken, torch.outer(down.sum(dim=0), across.sum(dim=0)).flatten()
        return self._taken_back[size]


def _bilinear(inside: int, out: int) -> Tensor:
    """[out, inside]: the matrix of linear interpolation along one side, with half-pixel centres."""
    return functional.interpolate(torch.eye(inside)[None], size=out, mode="linear", align_corners=False)[0].T


def layer_weights(scores: Sequence[Tensor] | Tensor) -> Tensor:
    """The scores as shares of their sum, float32 [layers]."""
    values = torch.stack(list(scores)) if not isinstance(scores, Tensor) else scores
    return values / values.sum()
