"""Make a random checkpoint of Stable Diffusion 1, 2 or XL that Forge and reForge load.

Run it with the WebUI's own Python, in the WebUI's folder:

    python .../tests/host/forge_checkpoint.py [--kind sd1 sd2 sdxl] [--folder models/Stable-diffusion]

For each kind it writes `narrow-KIND.safetensors` (sd1: 0.6 GB; sd2: 1.1 GB; sdxl: 2.4 GB). Both hosts know a
checkpoint by the shapes of its weights and have their own configurations of VAE and text encoders, so these are of
full size; the UNet has its family's block layout and first width, and keeps that width at all levels.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tiny_unets import LdmUNet, TinyConfig

WIDTH, TOKENS, VOCABULARY = 320, 77, 49408
UNETS = {
    "sd1": TinyConfig((WIDTH,) * 4, (1, 1, 1, 0), (8,) * 4, context=768),
    "sd2": TinyConfig((WIDTH,) * 4, (1, 1, 1, 0), (5,) * 4, linear=True, context=1024),
    "sdxl": TinyConfig((WIDTH,) * 3, (0, 2, 10), (5,) * 3, linear=True, context=2048, vector=2816, middle_depth=10),
}
VAE_WIDTHS = (128, 256, 512, 512)


def vae() -> torch.nn.Module:
    """With diffusers' names, which both hosts convert."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=VAE_WIDTHS,
        down_block_types=("DownEncoderBlock2D",) * len(VAE_WIDTHS),
        up_block_types=("UpDecoderBlock2D",) * len(VAE_WIDTHS),
        layers_per_block=2,
        latent_channels=4,
    )


def clip_l() -> torch.nn.Module:
    """CLIP ViT-L/14's text encoder, of SD1 and SDXL."""
    from transformers import CLIPTextConfig, CLIPTextModel

    layers = {"num_hidden_layers": 12, "num_attention_heads": 12, "intermediate_size": 3072}
    return CLIPTextModel(CLIPTextConfig(vocab_size=VOCABULARY, hidden_size=768, projection_dim=768, **layers))


def open_clip_text(width: int, heads: int, layers: int) -> torch.nn.Module:
    """OpenCLIP's text encoder, of SD2 (ViT-H/14) and SDXL (ViT-bigG/14)."""
    from open_clip.transformer import TextTransformer

    sizes = {"context_length": TOKENS, "vocab_size": VOCABULARY, "output_dim": width}
    return TextTransformer(width=width, heads=heads, layers=layers, **sizes)


def parts(family: str) -> dict[str, torch.nn.Module]:
    """The model's parts by the prefix of their weights."""
    found = {"model.diffusion_model.": LdmUNet(UNETS[family]), "first_stage_model.": vae()}
    if family == "sd1":
        return {**found, "cond_stage_model.transformer.": clip_l()}
    if family == "sd2":
        return {**found, "cond_stage_model.model.": open_clip_text(1024, 16, 24)}
    large = {"conditioner.embedders.1.model.": open_clip_text(1280, 20, 32)}
    return {**found, "conditioner.embedders.0.transformer.": clip_l(), **large}


def drawn(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Every weight drawn afresh, in half precision: layers that are zero at first would make constant pictures."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for key, value in state.items():
        if not value.is_floating_point():
            found[key] = value
            continue
        random = torch.randn(value.shape, generator=generator)
        scale = value[0].numel() ** -0.5 if value.ndim > 1 else 0.1
        norm = value.ndim == 1 and key.endswith("weight")
        found[key] = (1 + 0.1 * random if norm else scale * random).half()
    return found


def write_checkpoint(family: str, folder: Path) -> None:
    """Write a family's checkpoint."""
    from safetensors.torch import save_file

    state = {
        prefix + key: value
        for prefix, module in parts(family).items()
        for key, value in drawn(module.state_dict()).items()
    }
    file = folder / f"narrow-{family}.safetensors"
    save_file({key: value.contiguous() for key, value in state.items()}, file)
    print(f"{file}: {sum(value.numel() for value in state.values()) / 1e6:.0f} million weights")


def main() -> None:
    """Write the checkpoints that are asked for, into the WebUI in the current folder or elsewhere."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", nargs="+", default=["sd1"], choices=list(UNETS))
    parser.add_argument("--folder", type=Path, default=Path("models/Stable-diffusion"))
    given = parser.parse_args()
    for family in given.kind:
        write_checkpoint(family, given.folder)


if __name__ == "__main__":
    main()
