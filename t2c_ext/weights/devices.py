"""Where networks run. Imports torch, so it is imported only when one does."""

from __future__ import annotations

import gc

import torch

from t2c_ext.errors import UserError


def choose_device(name: str = "auto") -> torch.device:
    """The device of this name, or the best one for "auto": CUDA, else MPS, else the CPU.

    Raises:
        UserError: torch does not know it, or this machine lacks it.
    """
    if name == "auto":
        best = "cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu"
        return torch.device(best)
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise UserError(f"this machine has no device {name!r} that torch can use; choose cpu, cuda or mps") from None
    return device


def usual_dtype(device: torch.device) -> torch.dtype:
    """What networks compute in on a device where nobody says it: float32 on the CPU, float16 on a GPU."""
    return torch.float32 if device.type == "cpu" else torch.float16


def choose_dtype(name: str, device: torch.device) -> torch.dtype:
    """The number type of this name, or for "auto" the usual one of the device.

    Args:
        name: "auto", or as torch ("float32", "float16", "bfloat16") or the settings ("fp32", "fp16", "bf16") call it.
        device: where it is computed.

    Raises:
        UserError: it has no such name, or is half precision on the CPU.
    """
    if name == "auto":
        return usual_dtype(device)
    names = ("fp32", "fp16", "bf16") if name in ("fp32", "fp16", "bf16") else ("float32", "float16", "bfloat16")
    known = dict(zip(names, (torch.float32, torch.float16, torch.bfloat16), strict=True))
    if name not in known:
        raise UserError(f"the number type {name!r} is not known; choose from {', '.join(known)}")
    if known[name] is torch.float16 and device.type == "cpu":
        raise UserError(f"{name} needs a GPU; choose {names[0]} or {names[2]} on the CPU")
    return known[name]


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that a device's memory is full.

    CUDA has a class for it; Apple's MPS, DirectML and the CPU's allocator raise a plain RuntimeError with words.
    """
    words = str(error).lower()
    signs = ("out of memory", "can't allocate memory", "not enough memory")
    return isinstance(error, torch.cuda.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(sign in words for sign in signs)
    )


def free_memory() -> None:
    """Give memory that nothing uses any more back to the device's other users."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    elif torch.backends.mps.is_available():
        torch.mps.empty_cache()
