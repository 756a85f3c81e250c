"""Callbacks; what they raise is swallowed, as the host does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

denoiser_callbacks: list[Callable[[Any], None]] = []
saving_callbacks: list[Callable[[Any], None]] = []


def on_cfg_denoiser(callback: Callable[[Any], None], *, name: str | None = None) -> None:
    denoiser_callbacks.append(callback)


def on_before_image_saved(callback: Callable[[Any], None], *, name: str | None = None) -> None:
    saving_callbacks.append(callback)


def remove_callbacks_for_function(callback: Callable[[Any], None]) -> None:
    for callbacks in (denoiser_callbacks, saving_callbacks):
        callbacks[:] = [other for other in callbacks if other != callback]


def cfg_denoiser_callback(params: Any) -> None:
    _call(denoiser_callbacks, params)


def before_image_saved_callback(params: Any) -> None:
    _call(saving_callbacks, params)


def _call(callbacks: list[Callable[[Any], None]], params: Any) -> None:
    for callback in list(callbacks):
        try:
            callback(params)
        except Exception as error:
            print("swallowed:", error)
