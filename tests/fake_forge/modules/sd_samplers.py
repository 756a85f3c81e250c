"""One sampler, Euler's, with the batch as Forge's denoiser hands it on."""

from __future__ import annotations

from itertools import accumulate, pairwise
from types import SimpleNamespace
from typing import Any

import torch
from backend.sampling.sampling_function import sampling_function
from modules import script_callbacks, sd_samplers_common
from modules.prompt_parser import stacked
from modules.shared import state
from torch import Tensor


class Sampler:
    def __init__(self, model: Any) -> None:
        self.model = model.forge_objects.unet.model
        self.sampler_extra_args: dict[str, Any] = {}
        self.last_latent: Any = None

    def sample(self, p: Any, x: Tensor, conditional: Any, unconditional: Any, image_conditioning: Any = None) -> Tensor:
        self.sampler_extra_args = {"cond": conditional, "uncond": unconditional}
        self.last_latent = x
        sigmas = torch.linspace(10.0, 0.0, p.steps + 1)
        x = x * sigmas[0]
        denoiser = SimpleNamespace(p=p, sampler=self, step=0, total_steps=p.steps)
        try:
            for sigma, following in pairwise(sigmas):
                denoised = self._denoised(denoiser, x, sigma)
                x = x + (x - denoised) / sigma * (following - sigma)
                denoiser.step += 1
        except sd_samplers_common.InterruptedException:
            return self.last_latent
        return x

    def _denoised(self, denoiser: Any, x: Tensor, sigma: Tensor) -> Tensor:
        if state.interrupted or state.skipped:
            raise sd_samplers_common.InterruptedException
        batch, negative = self.sampler_extra_args["cond"].batch, self.sampler_extra_args["uncond"]
        params = SimpleNamespace(
            x=x,
            sigma=sigma.repeat(len(x)),
            denoiser=denoiser,
            text_cond=stacked([part.schedules[0].cond for row in batch for part in row]),
            text_uncond=None if negative is None else stacked([row[0].cond for row in negative]),
        )
        script_callbacks.cfg_denoiser_callback(params)
        starts = list(accumulate((len(row) for row in batch), initial=0))[:-1]
        cond = [
            (batch[-1][part].weight, params.text_cond[[start + part for start in starts]])
            for part in range(min(len(row) for row in batch))
        ]
        scale = denoiser.p.cfg_scale
        given = params.x if hasattr(self.model, "predictor") else x  # reForge passes over a latent that was put there
        denoised = sampling_function(self.model, given, params.sigma, params.text_uncond, cond, scale=scale)
        self.last_latent = denoised
        sd_samplers_common.store_latent(denoised)
        return denoised


def create_sampler(name: str, model: Any) -> Sampler:
    return Sampler(model)
