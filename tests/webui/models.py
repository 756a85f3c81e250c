"""Small files that a request may name: a LoRA and a VAE for the random checkpoint, and the built-in miniature."""

from __future__ import annotations

from pathlib import Path

import numpy as np

MINIATURE = "t2c-miniature"
LORA, VAE = "tiny-lora", "soft.safetensors"
"""A VAE whose name began as the checkpoint's would always be taken."""

BLOCKS = ("down_blocks_0_attentions_0", "down_blocks_1_attentions_1", "up_blocks_3_attentions_2")
RANK = 4


def write_lora(models: Path, widths: tuple[int, int, int]) -> None:
    """A LoRA of some self-attention layers, in the names that trainers use.

    Args:
        models: the host's folder.
        widths: of the checkpoint's layers in `BLOCKS`.
    """
    from safetensors.numpy import save_file

    generator, state = np.random.default_rng(0), {}
    for block, width in zip(BLOCKS, widths, strict=True):
        for leaf in ("to_q", "to_k", "to_v"):
            name = f"lora_unet_{block}_transformer_blocks_0_attn1_{leaf}"
            state[f"{name}.lora_down.weight"] = generator.normal(0, 0.3, (RANK, width)).astype(np.float32)
            state[f"{name}.lora_up.weight"] = generator.normal(0, 0.3, (width, RANK)).astype(np.float32)
            state[f"{name}.alpha"] = np.float32(RANK)
    (models / "Lora").mkdir(parents=True, exist_ok=True)
    save_file({key: np.asarray(value) for key, value in state.items()}, models / "Lora" / f"{LORA}.safetensors")


def write_vae(models: Path, checkpoint: str) -> None:
    """A checkpoint's VAE, slightly changed."""
    from safetensors.numpy import load_file, save_file

    prefix = "first_stage_model."
    whole = load_file(models / "Stable-diffusion" / checkpoint)
    state = {key.removeprefix(prefix): value for key, value in whole.items() if key.startswith(prefix)}
    state["decoder.conv_out.weight"] = np.ascontiguousarray(
        state["decoder.conv_out.weight"] * np.asarray(0.5, state["decoder.conv_out.weight"].dtype)
    )
    (models / "VAE").mkdir(parents=True, exist_ok=True)
    save_file(state, models / "VAE" / VAE)


def write_miniature(models: Path) -> None:
    """The built-in model as a checkpoint."""
    from t2c_ext.twin.miniature.checkpoint import export_checkpoint

    export_checkpoint(models / "Stable-diffusion")
