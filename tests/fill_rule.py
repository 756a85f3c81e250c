"""Weights made from a rule, so that numbers can be compared without the released files (one normal draw per key)."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import torch


def filled_state(shapes: Mapping[str, Sequence[int]], salt: str) -> dict[str, torch.Tensor]:
    """A state dict filled by the rule.

    Args:
        shapes: the shape of each key.
        salt: put before each key when its generator is seeded.

    Returns:
        float32 tensors, in the order of `shapes`.
    """
    filled = {key: _value(key, tuple(shape), salt) for key, shape in shapes.items() if not key.endswith(".weight_v")}
    for key in shapes:
        if key.endswith(".weight_v"):
            layer = key.removesuffix("weight_v")
            matrix = filled[layer + "weight_orig"].flatten(1)
            right = matrix.T @ filled[layer + "weight_u"]
            filled[key] = right / right.norm()
    return {key: filled[key] for key in shapes}


def _value(key: str, shape: tuple[int, ...], salt: str) -> torch.Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32((salt + key).encode("utf-8")))
    drawn = torch.randn(shape, generator=generator, dtype=torch.float32)
    leaf = key.rsplit(".", 1)[-1]
    if leaf in ("weight", "weight_orig") and len(shape) >= 2:
        return drawn / float(torch.tensor(shape[1:]).prod()) ** 0.5
    if leaf == "weight":
        return 1 + 0.1 * drawn
    if leaf in ("bias", "stored_mean"):
        return 0.1 * drawn
    if leaf == "weight_u":
        return drawn / drawn.norm()
    if leaf == "stored_var":
        return 1.5 + 0.25 * drawn.abs()
    if leaf == "accumulation_counter":
        return torch.zeros(shape)
    raise KeyError(f"the rule has no value for {key}")


def state_shapes(module: torch.nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of each entry of a module's state dict."""
    return {key: tuple(value.shape) for key, value in module.state_dict().items()}
