"""Precision and memory."""

from contextlib import nullcontext

unet_needs_upcast = False
autocast = without_autocast = nullcontext


def torch_gc() -> None:
    """Nothing to free."""
