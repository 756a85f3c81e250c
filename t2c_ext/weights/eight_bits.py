"""Checkpoints whose weights are stored in eight bits (float8), with or without a scale beside each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

SCALES = (".scale_weight", ".weight_scale")
"""Where a weight `x.weight` has its scale: `x` and one of these, as ComfyUI's and other converters write it."""

UNUSED = (".scale_input", ".input_scale", ".comfy_quant")
"""Hints for arithmetic in eight bits, which is not done here."""

MARK = "scaled_fp8"
"""An empty tensor of this name says that there are scales."""

HALF_RANGE = (2.0**-10, 2.0**15)
"""A weight whose largest value is in this range loses nothing that matters in half precision."""


def widened(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state with every weight in half precision or float32 instead of eight bits, multiplied by its scale.

    Half precision holds every number of float8 exactly; a scaled weight is rounded to 11 of its bits, of which the file
    has 4. Weights that half precision could not hold come in float32.

    Raises:
        ValueError: a scale does not fit its weight, or weights are packed in four bits.
    """
    if any(key.endswith((".absmax", ".quant_map")) for key in state):
        raise ValueError("its weights are packed in four bits, which is not supported; use the file in half precision")
    scales = {key[: -len(end)] + ".weight": key for key in state for end in SCALES if key.endswith(end)}
    found = {}
    for key, value in state.items():
        if key.endswith((*SCALES, *UNUSED)) or key.rpartition(".")[2] == MARK:
            continue
        scale = state[scales[key]] if key in scales else None
        found[key] = _widened(key, value, scale) if scale is not None or "float8" in str(value.dtype) else value
    return found


def _widened(key: str, value: Tensor, scale: Tensor | None) -> Tensor:
    import torch

    if scale is None:
        return value.to(torch.float16)
    factor = scale.float()
    if factor.numel() not in (1, value.shape[0] if value.ndim else 1):
        raise ValueError(f"the scale of {key} has {factor.numel()} numbers")
    wide = value.float() * factor.reshape(-1, *[1] * (value.ndim - 1))
    largest = float(wide.abs().max()) if wide.numel() else 0.0
    return wide.to(torch.float16) if HALF_RANGE[0] < largest < HALF_RANGE[1] else wide
