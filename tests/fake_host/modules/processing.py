"""One generation, as the host goes through it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from modules import prompt_parser, rng, sd_samplers, sd_samplers_common, shared

HEIGHT, WIDTH = 8, 16


class Processing:
    """txt2img, with hires fix where asked."""

    steps = 3
    sampler_name = "Euler"
    cfg_scale = 3.0
    subseed_strength = 0.0
    seed_resize_from_h = seed_resize_from_w = 0
    firstpass_steps = 3
    width, height = 8 * WIDTH, 8 * HEIGHT
    enable_hr = False

    def __init__(self, unet: Any, prompts: list[str], seeds: list[int]) -> None:
        self.sd_model = SimpleNamespace(
            model=SimpleNamespace(diffusion_model=unet), cond_stage_model=SimpleNamespace(), cond_stage_key="txt"
        )
        self.prompts, self.negative_prompts = prompts, [""] * len(prompts)
        self.seeds = self.subseeds = self.all_seeds = self.all_subseeds = seeds
        self.batch_size, self.iteration = len(prompts), 0
        self.c = prompt_parser.get_multicond_learned_conditioning(None, prompts, self.steps)
        self.uc = [prompt_parser.encoded("", self.steps) for _ in prompts]

    def batch(self) -> Tensor:
        """What the host does with one batch."""
        self.rng = rng.ImageRNG((4, HEIGHT, WIDTH), self.seeds)
        found: Tensor = self.sample(
            conditioning=self.c,
            unconditional_conditioning=self.uc,
            seeds=self.seeds,
            subseeds=self.subseeds,
            subseed_strength=0.0,
            prompts=self.prompts,
        )
        return found

    def sample(  # noqa: PLR0917
        self,
        conditioning: Any,
        unconditional_conditioning: Any,
        seeds: Any,
        subseeds: Any,
        subseed_strength: Any,
        prompts: Any,
    ) -> Tensor:
        sampler = sd_samplers.create_sampler(self.sampler_name, self.sd_model)
        samples = sampler.sample(self, self.rng.next(), conditioning, unconditional_conditioning)
        if not self.enable_hr:
            return samples
        return self.sample_hr_pass(samples, None, seeds, subseeds, subseed_strength, prompts)

    def sample_hr_pass(  # noqa: PLR0917
        self, samples: Tensor, decoded_samples: Any, seeds: Any, subseeds: Any, subseed_strength: Any, prompts: Any
    ) -> Tensor:
        if not len(samples) == len(seeds) == len(prompts) == len(self.prompts) == self.batch_size:
            raise RuntimeError("the batch is of several sizes")
        return samples + 1

    def txt2img_image_conditioning(self, x: Tensor, width: int, height: int) -> Any:
        return None


class StableDiffusionProcessingTxt2Img(Processing):
    """txt2img as a script of its own makes it: one picture of the loaded model."""

    def __init__(self, prompt: str, seed: int, steps: int, **given: Any) -> None:
        super().__init__(shared.sd_model.model.diffusion_model, [prompt], [seed])
        self.steps = self.firstpass_steps = steps
        self.given = given
        self.closed = False

    def close(self) -> None:
        self.closed, self.c, self.uc = True, None, None


def process_images(p: Any) -> Any:
    """Sample, decode, and keep what an interrupted sampling has so far."""
    if shared.state.job_count == -1:
        shared.state.job_count = 1
    with torch.no_grad():
        decoded = sd_samplers_common.decode_first_stage(p.sd_model, p.batch())[0]
    shared.state.nextjob()
    levels = (127.5 * (decoded.clamp(-1, 1) + 1)).round().byte().permute(1, 2, 0).numpy()
    return SimpleNamespace(images=[Image.fromarray(levels)], infotexts=[f"{p.prompts[0]}\nSteps: {p.steps}"])
