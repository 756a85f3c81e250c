"""Callbacks; what they raise is swallowed, as the host does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

denoiser_callbacks: list[Callable[[Any], None]] = []


def on_cfg_denoiser(callback: Callable[[Any], None], *, name: str | None = None) -> None:
    denoiser_callbacks.append(callback)


def remove_callbacks_for_function(callback: Callable[[Any], None]) -> None:
    denoiser_callbacks[:] = [other for other in denoiser_callbacks if other != callback]


def cfg_denoiser_callback(params: Any) -> None:
    for callback in list(denoiser_callbacks):
        try:
            callback(params)
        except Exception as error:
            print("swallowed:", error)
