"""Between pictures and latents, and the noise that both pictures start from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from t2c_ext.errors import UserError, Way
from t2c_ext.twin.diffusion.components import Components
from t2c_ext.types import FloatArray

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Size = tuple[int, int]
"""(height, width) in pixels."""

UNIT = 8
"""Sides of a picture are multiples of this."""

SMALLEST_SIDE = 64


def check_size(size: Size) -> None:
    """Raise UserError unless both sides are multiples of 8 and at least 64."""
    for name, side in zip(("height", "width"), size, strict=True):
        if side % UNIT or side < SMALLEST_SIDE:
            near = max(SMALLEST_SIDE, round(side / UNIT) * UNIT)
            raise UserError(
                f"the {name} is {side}, but must be a multiple of {UNIT}, at least {SMALLEST_SIDE}; try {near}"
            )


def native_side(components: Components) -> int:
    """The side of the square pictures that the model was trained on."""
    sample = components.unet.config.sample_size or 64
    return int(sample if isinstance(sample, int) else min(sample)) * components.scale


def fitted_size(size: Size, area: float) -> Size:
    """The size of about `area` pixels, sides multiples of 8, whose aspect is nearest to that of `size`."""
    factor = (area / (size[0] * size[1])) ** 0.5
    height, width = (max(SMALLEST_SIDE, round(side * factor / UNIT) * UNIT) for side in size)
    return height, width


def resized(rgb: FloatArray, size: Size) -> FloatArray:
    """A picture at another size: averaged where it shrinks, Lanczos where it grows; values stay in 0..1."""
    if rgb.shape[:2] == size:
        return rgb
    shrinks = rgb.shape[0] * rgb.shape[1] > size[0] * size[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LANCZOS4
    found = cv2.resize(np.asarray(rgb, np.float32), (size[1], size[0]), interpolation=method)
    return np.clip(found, 0, 1).astype(np.float32)


def generators(seeds: list[int]) -> list[torch.Generator]:
    """One generator on the CPU for each picture, so that a seed means the same noise on every device."""
    import torch

    return [torch.Generator().manual_seed(seed) for seed in seeds]


def start_noise(components: Components, size: Size, sources: list[torch.Generator]) -> Tensor:
    """float32 [pictures, 4, h, w] of standard normal noise on the device."""
    import torch

    shape = (1, 4, size[0] // components.scale, size[1] // components.scale)
    drawn = [torch.randn(shape, generator=source) for source in sources]
    return torch.cat(drawn).to(components.placement.device)


def encode(components: Components, rgb: FloatArray) -> Tensor:
    """float32 [1, 4, h, w]: the mean of the VAE's posterior, scaled as the UNet expects it.

    Args:
        components: the model.
        rgb: float32 [H, W, 3] in 0..1, sides multiples of 8.
    """
    import torch

    pixels = torch.from_numpy(np.ascontiguousarray(rgb)).permute(2, 0, 1)[None] * 2 - 1

    def run(vae: Any) -> Tensor:
        return vae.encode(pixels.to(components.placement.device, torch.float32)).latent_dist.mean

    latent = _within_memory(components, run)
    return (latent - _shift(components)) * components.vae.config.scaling_factor


def decode(components: Components, latents: Tensor) -> list[FloatArray]:
    """The pictures, each float32 [H, W, 3] in 0..1.

    The VAE computes in float32, picture by picture: in half precision SDXL's overflows.

    Raises:
        UserError: the model gave no numbers.
    """
    import torch

    pictures = []
    for row in latents:
        latent = row[None].float() / components.vae.config.scaling_factor + _shift(components)

        def run(vae: Any, latent: Tensor = latent) -> Tensor:
            return vae.decode(latent.to(components.placement.device)).sample

        pixels = _within_memory(components, run)[0].float().cpu()
        if not bool(torch.isfinite(pixels).all()):
            raise UserError(
                "the model gave no picture (not-a-number values)",
                ways=[Way("try another precision", "precision", "fp32 or bf16")],
            )
        pictures.append((pixels / 2 + 0.5).clamp(0, 1).permute(1, 2, 0).contiguous().numpy())
    return pictures


def _shift(components: Components) -> float:
    return float(getattr(components.vae.config, "shift_factor", None) or 0.0)


def _within_memory(components: Components, run: Any) -> Tensor:
    """Run the VAE; once more tile by tile when the whole does not fit."""
    import torch

    from t2c_ext.weights.devices import free_memory, out_of_memory

    vae = components.vae
    with torch.no_grad(), components.at_work(vae):
        try:
            result: Tensor = run(vae)
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            free_memory()
            vae.enable_tiling()
            try:
                result = run(vae)
            finally:
                vae.disable_tiling()
    return result
