"""Prompts and their conditions: 7 tokens for each 5 words that are begun."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from modules import sd_hijack

CONTEXT = 24
CHUNK, WORDS = 7, 5


@dataclass
class ScheduledPromptConditioning:
    end_at_step: int
    cond: Tensor


@dataclass
class ComposableScheduledPromptConditioning:
    schedules: list[ScheduledPromptConditioning]
    weight: float = 1.0


class MulticondLearnedConditioning:
    def __init__(self, shape: tuple[int, ...], batch: list[list[ComposableScheduledPromptConditioning]]) -> None:
        self.shape, self.batch = shape, batch


class SdConditioning(list[str]):
    def __init__(
        self, prompts: Sequence[str], width: int = 0, height: int = 0, is_negative_prompt: bool = False
    ) -> None:
        super().__init__(prompts)
        self.is_negative_prompt = is_negative_prompt


def encoded(prompt: str, steps: int) -> list[ScheduledPromptConditioning]:
    chunks = sum(max(1, -(-len(part.split()) // WORDS)) for part in prompt.split("BREAK"))
    generator = torch.Generator().manual_seed(zlib.crc32(prompt.encode()))
    return [ScheduledPromptConditioning(steps, torch.randn(CHUNK * chunks, CONTEXT, generator=generator))]


def get_multicond_learned_conditioning(
    model: Any, prompts: Sequence[str], steps: int, hires_steps: Any = None, use_old_scheduling: bool = False
) -> MulticondLearnedConditioning:
    if any("(" in prompt for prompt in prompts):
        sd_hijack.model_hijack.extra_generation_params["Emphasis"] = "Original"
    batch = [
        [ComposableScheduledPromptConditioning(encoded(part, steps)) for part in prompt.split(" AND ")]
        for prompt in prompts
    ]
    return MulticondLearnedConditioning((len(batch),), batch)


def get_learned_conditioning(
    model: Any, prompts: Sequence[str], steps: int, hires_steps: Any = None, use_old_scheduling: bool = False
) -> list[list[ScheduledPromptConditioning]]:
    return [encoded(prompt, steps) for prompt in prompts]


def get_multicond_prompt_list(
    prompts: Sequence[str],
) -> tuple[list[list[tuple[int, float]]], list[str], dict[str, int]]:
    """For each prompt the places of its parts in the list of all parts, with their weights."""
    parts = [part.strip() for prompt in prompts for part in prompt.split(" AND ")]
    counts = [len(prompt.split(" AND ")) for prompt in prompts]
    starts = [sum(counts[:place]) for place in range(len(counts))]
    rows = [[(start + part, 1.0) for part in range(count)] for start, count in zip(starts, counts, strict=True)]
    return rows, parts, {}


def get_learned_conditioning_prompt_schedules(prompts: Sequence[str], steps: int) -> list[list[tuple[int, str]]]:
    return [[(steps, prompt)] for prompt in prompts]


def stacked(conditions: Sequence[Tensor]) -> Tensor:
    """All of one length: the shorter ones repeat their last token."""
    longest = max(len(condition) for condition in conditions)
    return torch.stack([torch.cat([each, each[-1:].repeat(longest - len(each), 1)]) for each in conditions])
