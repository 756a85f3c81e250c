"""How much each head of a cross-attention has to say at each place (GoCA, arXiv 2603.06178).

A head's say is its part in what the attention puts out: r[n, i] is the output of head n at place i after the output
projection (without its bias), r[i] their sum, and the weight w[i, n] = <r[n, i], r[i]> / |r[i]|^2. Weights may be
negative, and those of a place sum to 1.
"""

from __future__ import annotations

from enum import Enum

import torch
from torch import Tensor

from t2c_ext.twin.capture import attention_maps


class HeadMethod(str, Enum):
    """What weighs a head.

    DOT is the method; the others are those that it was compared with: CLAMPED without negative weights, NORM by the
    length of its part, COSINE by the angle between its part and the sum, MEAN alike.
    """

    DOT = "dot"
    CLAMPED = "clamped"
    NORM = "norm"
    COSINE = "cosine"
    MEAN = "mean"


def head_weights(outputs: Tensor, projection: Tensor, method: HeadMethod = HeadMethod.DOT) -> Tensor:
    """The weights of the heads at each place.

    The parts [heads, n, channels] are never formed: <r[n, i], r[i]> = <o[n, i], W_n^T r[i]>.

    Args:
        outputs: [heads, n, width], what the heads put out before the output projection.
        projection: [channels, heads * width], weight of the output projection as torch's Linear has it.
        method: what weighs a head.

    Returns:
        float32 [n, heads]; each row sums to 1. Where nothing is put out at all, the heads count alike.
    """
    heads, _, width = outputs.shape
    outputs, weight = outputs.float(), projection.float()
    if method is HeadMethod.MEAN:
        return torch.full((outputs.shape[1], heads), 1 / heads, device=outputs.device)
    whole = outputs.transpose(0, 1).flatten(1) @ weight.T
    if method is HeadMethod.NORM:
        return _shares(_lengths(outputs, weight))
    back = (whole @ weight).reshape(-1, heads, width)
    products = (outputs.transpose(0, 1) * back).sum(dim=2)
    if method is HeadMethod.CLAMPED:
        products = products.clamp(min=0)
    if method is HeadMethod.COSINE:
        # the length of the sum is the same for all heads of a place and cancels in their shares
        lengths = _lengths(outputs, weight)
        products = torch.where(lengths > 0, products / lengths, 0)
    return _shares(products)


def _lengths(outputs: Tensor, weight: Tensor) -> Tensor:
    """|r[n, i]| as [n, heads]."""
    parts = weight.reshape(weight.shape[0], outputs.shape[0], -1).transpose(0, 1)
    gram = parts.transpose(1, 2) @ parts
    squares = ((outputs @ gram) * outputs).sum(dim=2)
    return squares.clamp(min=0).sqrt().T


def _shares(values: Tensor) -> Tensor:
    total = values.sum(dim=1, keepdim=True)
    return torch.where(total != 0, values / total, 1 / values.shape[1])


def joined_heads(probabilities: Tensor, weights: Tensor) -> Tensor:
    """The attention of all heads as one: [heads, n, tokens] and [n, heads] -> [n, tokens]."""
    return torch.einsum("hnt,nh->nt", probabilities, weights)


def word_map(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    projection: Tensor,
    *,
    scale: float | None = None,
    method: HeadMethod = HeadMethod.DOT,
) -> Tensor:
    """How much each place attends to each token of the text, the heads joined by their weights.

    Args:
        query: [heads, n, width].
        key, value: [heads, tokens, width].
        projection: [channels, heads * width], weight of the output projection.
        scale: factor before the softmax; None: one over the root of the width.
        method: what weighs a head.

    Returns:
        float32 [n, tokens]; rows sum to 1, and with negative weights entries may be negative.
    """
    scale = query.shape[-1] ** -0.5 if scale is None else scale
    parts = []
    for _, probabilities in attention_maps(query, key, scale):
        weights = head_weights(probabilities @ value.float(), projection, method)
        parts.append(joined_heads(probabilities, weights))
    return torch.cat(parts)
