"""One sampler, Euler's, with guidance as the host lays it out."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from modules import script_callbacks, sd_samplers_common
from modules.prompt_parser import stacked
from modules.shared import state

GUIDANCE = 3.0


class Sampler:
    def __init__(self, model: Any) -> None:
        self.unet = model.model.diffusion_model
        self.sampler_extra_args: dict[str, Any] = {}
        self.last_latent: Any = None

    def sample(self, p: Any, x: Tensor, conditional: Any, unconditional: Any, image_conditioning: Any = None) -> Tensor:
        self.sampler_extra_args = {"cond": conditional, "uncond": unconditional}
        self.last_latent = x
        sigmas = torch.linspace(10.0, 0.0, p.steps + 1)
        x = x * sigmas[0]
        denoiser = SimpleNamespace(p=p, sampler=self, step=0, total_steps=p.steps)
        state.sampling_steps = p.steps
        try:
            for sigma, following in pairwise(sigmas):
                denoised = self._denoised(denoiser, x, sigma)
                x = x + (x - denoised) / sigma * (following - sigma)
                denoiser.step += 1
                state.sampling_step = denoiser.step
        except sd_samplers_common.InterruptedException:
            return self.last_latent
        return x

    def _denoised(self, denoiser: Any, x: Tensor, sigma: Tensor) -> Tensor:
        if state.interrupted or state.skipped:
            raise sd_samplers_common.InterruptedException
        conditions = [part.schedules[0].cond for row in self.sampler_extra_args["cond"].batch for part in row]
        texts = stacked([*conditions, *(row[0].cond for row in self.sampler_extra_args["uncond"])])
        params = SimpleNamespace(x=torch.cat([x, x]), sigma=sigma.repeat(2 * len(x)), denoiser=denoiser)
        script_callbacks.cfg_denoiser_callback(params)
        scale = 1 / (sigma**2 + 1) ** 0.5
        noise = self.unet(params.x * scale, torch.full((len(texts),), 99.0 * float(sigma)), texts).sample
        with_text, without = (params.x - sigma * noise).chunk(2)
        denoised = without + GUIDANCE * (with_text - without)
        self.last_latent = denoised
        sd_samplers_common.store_latent(denoised)
        return denoised


def create_sampler(name: str, model: Any) -> Sampler:
    return Sampler(model)


def visible_samplers() -> list[Any]:
    return [SimpleNamespace(name="Euler"), SimpleNamespace(name="DDIM")]
