"""Forward splatting of torch tensors, and the symmetric blend that the decoder receives.

Formulas: Niklaus and Liu, "Softmax Splatting for Video Frame Interpolation", 2020, equations 2 to 8. On the CPU the
sums are made in the order of the pixels, so that they are the same each time; a GPU adds in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from t2c_ext.loop.splat import splat_sum as splat_array

WEIGHT_FLOOR = 1e-8
"""The blend is divided by no less than this."""


def splat_sum(values: Tensor, displacement: Tensor) -> Tensor:
    """Add every pixel, with bilinear weights, to the four pixels around where it goes.

    Args:
        values: float32 [H, W, C].
        displacement: float32 [H, W, 2], (dx, dy) in pixels.

    Returns:
        float32 [H, W, C]; what goes beyond the border is lost.
    """
    if values.device.type == "cpu":
        # compiled, and twelve times faster than index_add_ there
        return torch.from_numpy(splat_array(values.numpy(), displacement.numpy()))
    return splat_sum_by_index(values, displacement)


def splat_sum_by_index(values: Tensor, displacement: Tensor) -> Tensor:
    """`splat_sum` in plain torch, for any device."""
    height, width, channels = values.shape
    rows, columns = (torch.arange(side, device=values.device, dtype=torch.float32) for side in (height, width))
    x, y = columns + displacement[..., 0], rows[:, None] + displacement[..., 1]
    # beyond this nothing lands in the frame, and larger numbers would not fit an index
    x, y = x.clamp(-2, width + 1).flatten(), y.clamp(-2, height + 1).flatten()
    left, top = x.floor(), y.floor()
    flat, out = values.reshape(-1, channels), values.new_zeros(height * width, channels)
    for column, across in ((left, left + 1 - x), (left + 1, x - left)):
        for row, down in ((top, top + 1 - y), (top + 1, y - top)):
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            index = (row * width + column).masked_fill(~inside, 0).long()
            out.index_add_(0, index, flat * (across * down * inside)[:, None])
    return out.reshape(height, width, channels)


def weigh_(encoded: Tensor) -> Tensor:
    """What is splatted, made in place: features times weight, and the weight exp(Z - max Z) itself.

    Args:
        encoded: float32 [H, W, C + 1], features and importance Z of the whole picture.
    """
    weight = (encoded[..., -1] - encoded[..., -1].max()).exp_()
    encoded[..., :-1].mul_(weight[..., None])
    encoded[..., -1] = weight
    return encoded


def blend_sum(weighed: Sequence[Tensor], displacements: tuple[Tensor, Tensor], share: float) -> Tensor:
    """The forward warp with `share` and the backward warp with the rest, summed.

    Args:
        weighed: of the start picture, and of the end picture where that is another (see `weigh_`).
        displacements: forward and backward, float32 [H, W, 2].
        share: alpha of the paper, 0..1.

    Returns:
        float32 [H, W, C + 1]: features times weights, and weights.
    """
    total = splat_sum(weighed[0], displacements[0]).mul_(share)
    if share < 1:
        total.add_(splat_sum(weighed[-1], displacements[1]), alpha=1 - share)
    return total


def divide(total: Tensor) -> Tensor:
    """The blend [..., C] of such sums [..., C + 1]; exactly 0 where nothing arrived."""
    return total[..., :-1] / total[..., -1:].clamp_min(WEIGHT_FLOOR)
