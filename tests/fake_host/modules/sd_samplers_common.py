"""Previews, and the VAE: a latent's first three channels, eight times as large."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from modules.shared import state


class InterruptedException(BaseException):
    """Interrupt or Skip was pressed."""


def store_latent(latent: Tensor) -> None:
    state.current_latent = latent


def decode_first_stage(model: Any, latents: Tensor) -> Tensor:
    return torch.nn.functional.interpolate(latents[:, :3], scale_factor=8)


def images_tensor_to_samples(images: Tensor, approximation: Any = None, model: Any = None) -> Tensor:
    small = torch.nn.functional.avg_pool2d(images * 2 - 1, 8)
    return torch.cat([small, small[:, :1]], dim=1)
