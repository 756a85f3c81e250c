"""Half precision for training, where the processor has it: without the instructions bfloat16 is ten times slower."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch


def quick_dtype() -> torch.dtype:
    """bfloat16 where the processor multiplies matrices in it (AVX-512 BF16 or AMX), else float32."""
    has_bfloat16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.bfloat16 if has_bfloat16 else torch.float32


def quick() -> AbstractContextManager[object]:
    """What runs under it is computed in `quick_dtype`; weights stay as they are."""
    return torch.autocast("cpu", torch.bfloat16, enabled=quick_dtype() == torch.bfloat16)


def quick_format() -> torch.memory_format:
    """The order of a picture's numbers that convolutions in `quick_dtype` are fastest with."""
    return torch.channels_last if quick_dtype() == torch.bfloat16 else torch.contiguous_format
