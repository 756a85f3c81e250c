"""Make a random Stable Diffusion 1 checkpoint that Forge and reForge load.

Run it with the WebUI's own Python, in the WebUI's folder:

    python .../tests/host/forge_checkpoint.py

It writes `models/Stable-diffusion/narrow.safetensors` (0.6 GB). Both hosts know a checkpoint by the shapes of its
weights and have their own configurations of VAE and text encoder, so these are of full size; the UNet has the block
layout and the first width of Stable Diffusion 1, and keeps that width at all levels.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

from tiny_checkpoint import redraw  # noqa: E402
from tiny_unets import LdmUNet, TinyConfig  # noqa: E402

WIDTH, HEADS, CONTEXT, VOCABULARY = 320, 8, 768, 49408
UNET = TinyConfig((WIDTH,) * 4, (1, 1, 1, 0), (HEADS,) * 4, context=CONTEXT)
LEVELS = (128, 256, 512, 512)
TEXT = {
    "hidden_size": CONTEXT,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": CONTEXT,
    "vocab_size": VOCABULARY,
}


def parts() -> dict[str, torch.nn.Module]:
    """The model's parts by the prefix of their weights; the VAE has diffusers' names, which both hosts convert."""
    from diffusers import AutoencoderKL
    from transformers import CLIPTextConfig, CLIPTextModel

    vae = AutoencoderKL(
        block_out_channels=LEVELS,
        down_block_types=("DownEncoderBlock2D",) * len(LEVELS),
        up_block_types=("UpDecoderBlock2D",) * len(LEVELS),
        layers_per_block=2,
        latent_channels=4,
    )
    return {
        "model.diffusion_model.": LdmUNet(UNET),
        "first_stage_model.": vae,
        "cond_stage_model.transformer.": CLIPTextModel(CLIPTextConfig(**TEXT)),
    }


def main() -> None:
    """Write the checkpoint into the WebUI in the current folder."""
    from safetensors.torch import save_file

    state = {prefix + key: value for prefix, module in parts().items() for key, value in module.state_dict().items()}
    drawn = {key: value.half() if value.is_floating_point() else value for key, value in redraw(state).items()}
    file = Path("models/Stable-diffusion/narrow.safetensors")
    save_file({key: value.contiguous() for key, value in drawn.items()}, file)
    print(f"{file}: {sum(value.numel() for value in drawn.values()) / 1e6:.0f} million weights")


if __name__ == "__main__":
    main()
