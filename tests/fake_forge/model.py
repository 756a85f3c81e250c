"""A loaded model, as Forge and as reForge build it, around the tests' own UNet."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from tiny_unets import LdmUNet
from torch import Tensor, nn


class UNet(LdmUNet):
    """Called as Forge's is."""

    def forward(  # type: ignore[override]
        self, x: Tensor, timesteps: Tensor, context: Tensor, transformer_options: dict[str, Any]
    ) -> Tensor:
        found: Tensor = super().forward(x, timesteps, context).sample
        return found


class Predictor:
    """Forge's noise schedule."""

    def noise_scaling(self, sigma: Tensor, noise: Tensor, latent: Tensor, max_denoise: bool = False) -> Tensor:
        return noise * sigma + latent


class ModelSampling:
    """reForge's: it brings the sigmas to the latents' shape itself."""

    def noise_scaling(self, sigma: Tensor, noise: Tensor, latent: Tensor, max_denoise: bool = False) -> Tensor:
        return noise * sigma.view(-1, 1, 1, 1) + latent


class Model(nn.Module):
    """Between the denoiser and the UNet."""

    def __init__(self, unet: nn.Module, kind: str) -> None:
        super().__init__()
        self.diffusion_model = unet
        if kind == "forge":
            self.predictor = Predictor()
        else:
            self.model_sampling = ModelSampling()

    def apply_model(self, x: Tensor, sigma: Tensor, context: Tensor, transformer_options: dict[str, Any]) -> Tensor:
        level = sigma.view(-1, 1, 1, 1)
        noise = self.diffusion_model(
            x / (level**2 + 1) ** 0.5, 99.0 * sigma, context=context, transformer_options=transformer_options
        )
        return x - level * noise


def loaded(unet: nn.Module, kind: str) -> Any:
    """What the host calls `sd_model`; `kind` is "forge" or "reforge"."""
    patcher = SimpleNamespace(model=Model(unet, kind), cleanups=0)
    objects = SimpleNamespace(unet=patcher)
    if kind == "forge":
        return SimpleNamespace(forge_objects=objects)
    return SimpleNamespace(forge_objects=objects, cond_stage_model=SimpleNamespace())
