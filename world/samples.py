"""A sheet of unchosen samples of a miniature model: `python -m world.samples MODEL.safetensors OUT.webp`.

The prompts are the captions of scenes that no training saw, one seed each.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from t2c_ext.twin.diffusion.components import Components, Placement
from t2c_ext.twin.diffusion.load import load_model
from world.scenes import make_scene
from world.sheet import tiled, write
from world.textures import Array

FIRST_HELD_OUT = 1_000_000


def sample(
    components: Components, prompts: Sequence[str], *, side: int, steps: int = 20, guidance: float = 4.0, seed: int = 0
) -> list[Array]:
    """Pictures float32 [side, side, 3], 0..1, one for each prompt, by DDIM."""
    from diffusers import DDIMScheduler

    scheduler = DDIMScheduler.from_config(components.scheduler)
    scheduler.set_timesteps(steps)
    (encoder,) = components.encoders
    generator = torch.Generator().manual_seed(seed)
    found = []
    with torch.no_grad():
        for prompt in prompts:
            words = encoder.tokenizer(
                ["", prompt], max_length=77, padding="max_length", truncation=True, return_tensors="pt"
            )
            context = encoder.model(input_ids=words.input_ids).last_hidden_state
            latent = torch.randn(1, 4, side // 8, side // 8, generator=generator)
            for time in scheduler.timesteps:
                plain, led = components.unet(latent.repeat(2, 1, 1, 1), time, encoder_hidden_states=context).sample
                guess = plain + guidance * (led - plain)
                latent = scheduler.step(guess[None], time, latent).prev_sample
            picture = components.vae.decode(latent / components.vae.config.scaling_factor).sample[0]
            found.append(np.clip(picture.permute(1, 2, 0).numpy() / 2 + 0.5, 0, 1).astype(np.float32))
    return found


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=64)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--steps", type=int, default=20)
    options = parser.parse_args()
    components = load_model(str(options.model), Placement(torch.device("cpu"), torch.float32))
    prompts = [make_scene(FIRST_HELD_OUT + number, 64, 64).caption for number in range(options.count)]
    print("\n".join(prompts))
    write(options.out, tiled(sample(components, prompts, side=options.side, steps=options.steps), 8), 75)


if __name__ == "__main__":
    main()
