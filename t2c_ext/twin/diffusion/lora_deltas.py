"""What a low-rank file adds to a layer's weight: LoRA, LoCon, LoHa, LoKr, full differences, and DoRA around them.

The formulas are those of the methods' papers, in the layouts that LyCORIS and PEFT write: LoRA (Hu et al. 2021), LoHa
(Hyeon-Woo et al. 2021, FedPara), LoKr (Edalati et al. 2022, KronA; Yeh et al. 2023, LyCORIS), DoRA (Liu et al. 2024).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

Parts = Mapping[str, "Tensor"]
"""What a file holds for one layer, by the name of the part."""

UNSUPPORTED = {
    "oft_blocks": "OFT",
    "oft_diag": "OFT",
    "oft_R": "OFT",
    "boft_R": "BOFT",
    "a1.weight": "GLoRA",
    "on_input": "IA3",
    "vera_lambda_b": "VeRA",
}
"""Parts by which a kind that is not supported is known."""

KNOWN = frozenset(
    {
        *("lora_up", "lora_down", "lora_mid", "alpha", "dora_scale", "magnitude", "diff", "diff_b", "w_norm", "b_norm"),
        *("hada_w1_a", "hada_w1_b", "hada_w2_a", "hada_w2_b", "hada_t1", "hada_t2"),
        *("lokr_w1", "lokr_w1_a", "lokr_w1_b", "lokr_w2", "lokr_w2_a", "lokr_w2_b", "lokr_t2"),
    }
)
"""The parts that the formulas need."""


def unsupported_kind(parts: Iterable[str]) -> str | None:
    """The name of a kind that is not supported, when the parts are of one."""
    return next((UNSUPPORTED[part] for part in parts if part in UNSUPPORTED), None)


def merged_weight(weight: Tensor, parts: Parts, strength: float) -> Tensor:
    """A layer's weight with what the file adds, of the weight's shape, type and device.

    Args:
        weight: [out, in] or [out, in, height, width], or [channels] of a norm.
        parts: as the file has them; without a part for the weight it stays as it is.
        strength: 0 leaves the weight, 1 is how the file was trained.

    Raises:
        ValueError: the parts do not fit the weight or each other.
    """
    delta = _delta({name: part.detach().to(weight.device).float() for name, part in parts.items()})
    if delta is None:
        return weight
    base = weight.detach().float()
    if delta.shape[:1] != base.shape[:1] or delta.numel() != base.numel():
        raise ValueError(f"its layer is {list(delta.shape)}, should be {list(base.shape)}")
    change = delta.reshape(base.shape)
    magnitude = parts["magnitude"].flatten() if "magnitude" in parts else parts.get("dora_scale")
    if magnitude is not None:
        change = _decomposed(base + change, magnitude.to(base)) - base
    return (base + strength * change).to(weight.dtype)


def merged_bias(bias: Tensor, parts: Parts, strength: float) -> Tensor:
    """A layer's bias with what the file adds; raises as `merged_weight`."""
    delta = parts.get("diff_b", parts.get("b_norm"))
    if delta is None:
        return bias
    if delta.shape != bias.shape:
        raise ValueError(f"its bias is {list(delta.shape)}, should be {list(bias.shape)}")
    return (bias.detach().float() + strength * delta.to(bias.device).float()).to(bias.dtype)


def _delta(parts: Parts) -> Tensor | None:
    """The difference of the weight at strength 1."""
    try:
        if "lora_up" in parts:
            return _lora(parts)
        if "hada_w1_a" in parts:
            return _hadamard(parts)
        if any(name.startswith("lokr_w") for name in parts):
            return _kronecker(parts)
        return parts.get("diff", parts.get("w_norm"))
    except KeyError as error:
        raise ValueError(f"its part {error.args[0]} is missing") from None
    except RuntimeError as error:  # what torch says of shapes that do not fit
        raise ValueError((str(error).splitlines() or ["its parts do not fit each other"])[0]) from None


def _lora(parts: Parts) -> Tensor:
    """up . down, for a convolution with the kernel in down, or (LoCon, Tucker) in the middle between them."""
    import torch

    up, down = parts["lora_up"], parts["lora_down"]
    scale = _scale(parts, down.shape[0])
    if "lora_mid" in parts:
        return scale * torch.einsum("mn...,im,nj->ij...", parts["lora_mid"], up.flatten(1), down.flatten(1))
    return scale * (up.flatten(1) @ down.flatten(1)).reshape(up.shape[0], *down.shape[1:])


def _hadamard(parts: Parts) -> Tensor:
    """(w1_a . w1_b) * (w2_a . w2_b), element by element; with cores t1, t2 for convolutions."""
    first = _pair(parts["hada_w1_a"], parts["hada_w1_b"], parts.get("hada_t1"))
    second = _pair(parts["hada_w2_a"], parts["hada_w2_b"], parts.get("hada_t2"))
    return _scale(parts, parts["hada_w1_b"].shape[0]) * first * second


def _kronecker(parts: Parts) -> Tensor:
    """w1 (x) w2, each whole or as a product. Without a product there is no rank, and alpha has no effect."""
    import torch

    first, second = parts.get("lokr_w1"), parts.get("lokr_w2")
    rank = None
    if first is None:
        first, rank = parts["lokr_w1_a"] @ parts["lokr_w1_b"], parts["lokr_w1_b"].shape[0]
    if second is None:
        second = _pair(parts["lokr_w2_a"], parts["lokr_w2_b"], parts.get("lokr_t2"))
        rank = parts["lokr_w2_b"].shape[0]
    first = first.reshape(*first.shape, *[1] * (second.ndim - first.ndim))
    return (1.0 if rank is None else _scale(parts, rank)) * torch.kron(first, second.contiguous())


def _pair(left: Tensor, right: Tensor, core: Tensor | None) -> Tensor:
    """left . right; or a core [i, j, height, width], its first axis times left [i, out], its second right [j, in]."""
    import torch

    if core is None:
        return left @ right
    return torch.einsum("ij...,ip,jr->pr...", core, left, right)


def _scale(parts: Parts, rank: int) -> float:
    """alpha / rank; files without alpha mean 1."""
    alpha = float(parts["alpha"]) if "alpha" in parts else float(rank)
    if not math.isfinite(alpha):
        raise ValueError("its alpha is no number")
    return alpha / rank


def _decomposed(merged: Tensor, magnitude: Tensor) -> Tensor:
    """The merged weight with its columns or rows at the magnitudes that were trained apart from their directions.

    A magnitude of one row holds for the inputs, any other for the outputs: LyCORIS writes both.
    """
    inputs = magnitude.ndim > 1 and magnitude.shape[0] == 1
    kept = 1 if inputs else 0
    if magnitude.numel() != merged.shape[kept]:
        raise ValueError(f"its DoRA scale has {magnitude.numel()} numbers for {merged.shape[kept]}")
    others = tuple(axis for axis in range(merged.ndim) if axis != kept)
    length = merged.square().sum(dim=others, keepdim=True).sqrt().clamp_min(1e-12)
    return merged * (magnitude.reshape(length.shape) / length)
