"""Guidance: the whole batch once for each part of the prompts and once for the negative prompts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from modules import shared
from torch import Tensor

COND, UNCOND = 0, 1


@dataclass
class Piece:
    """The batch with one text for each row."""

    mark: int
    text: Tensor
    strength: float = 1.0


def sampling_function(
    model: Any, x: Tensor, sigma: Tensor, uncond: Tensor | None, cond: Sequence[tuple[float, Tensor]], *, scale: float
) -> Tensor:
    """The denoised batch.

    Args:
        model: has `apply_model`.
        x, sigma: [B, C, H, W], [B].
        uncond: [B, tokens, width], or None.
        cond: strength and texts of each part.
        scale: of the guidance.
    """
    waiting = [Piece(COND, text, strength) for strength, text in cond]
    waiting += [] if uncond is None or math.isclose(scale, 1.0) else [Piece(UNCOND, uncond)]
    totals: dict[int, Tensor] = {COND: torch.zeros_like(x), UNCOND: torch.zeros_like(x)}
    weights = {COND: 0.0, UNCOND: 0.0}
    while waiting:
        alike = [place for place, piece in enumerate(waiting) if joins(piece.text, waiting[0].text)]
        alike.reverse()
        call = [waiting.pop(place) for place in alike[: max(1, shared.opts.rows_at_once // len(x))]]
        longest = math.lcm(*(piece.text.shape[1] for piece in call))
        context = torch.cat([piece.text.repeat(1, longest // piece.text.shape[1], 1) for piece in call])
        options = {"cond_or_uncond": [piece.mark for piece in call]}
        times = len(call)
        found = model.apply_model(x.repeat(times, 1, 1, 1), sigma.repeat(times), context, transformer_options=options)
        for piece, part in zip(call, found.chunk(times), strict=True):
            totals[piece.mark] += piece.strength * part
            weights[piece.mark] += piece.strength
    with_text = totals[COND] / weights[COND]
    without = totals[UNCOND] / (weights[UNCOND] or 1.0)
    return without + scale * (with_text - without)


def joins(one: Tensor, other: Tensor) -> bool:
    """Whether texts may be given to the UNet in one call: shorter ones are repeated, at most four times."""
    lengths = one.shape[1], other.shape[1]
    return math.lcm(*lengths) // min(lengths) <= 4


def sampling_cleanup(unet: Any) -> None:
    unet.cleanups += 1
