"""Stable Diffusion in miniature: its topology and classes at a tenth of the width, for the words of the world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from world.words import vocabulary

CHANNELS = (32, 64, 128, 160)
"""Of the UNet's levels; Stable Diffusion 1 has 320, 640, 1280, 1280. The loader wants multiples of 32."""

VAE_CHANNELS = (32, 64, 64, 64)
CONTEXT = 128
"""Width of the text encoder; Stable Diffusion 1 has 768."""

TEXT_LAYERS = 2
SCALE = 0.18215
"""What latents are multiplied by, as in Stable Diffusion 1; the autoencoder is trained to fit it."""

SCHEDULE: dict[str, Any] = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "clip_sample": False,
    "set_alpha_to_one": False,
    "timestep_spacing": "leading",
    "prediction_type": "v_prediction",
}
MORE_WORDS = "picture painting illustration style artwork beautiful large small blue green red golden white dark bright"
"""Words beside the captions' own that a prompt may well have; they have tokens, but mean nothing."""


def make_unet() -> Any:
    """An untrained UNet2DConditionModel."""
    from diffusers import UNet2DConditionModel

    return UNet2DConditionModel(
        sample_size=32,
        layers_per_block=2,
        block_out_channels=CHANNELS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        cross_attention_dim=CONTEXT,
        attention_head_dim=8,
    )


def make_vae() -> Any:
    """An untrained AutoencoderKL."""
    from diffusers import AutoencoderKL

    return AutoencoderKL(
        block_out_channels=VAE_CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        sample_size=256,
        scaling_factor=SCALE,
    )


def make_text_encoder(tokens: int) -> Any:
    """An untrained CLIPTextModel."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=tokens,
            hidden_size=CONTEXT,
            intermediate_size=2 * CONTEXT,
            num_hidden_layers=TEXT_LAYERS,
            num_attention_heads=CONTEXT // 64,
            max_position_embeddings=77,
            hidden_act="quick_gelu",
            bos_token_id=tokens - 2,
            eos_token_id=tokens - 1,
            pad_token_id=tokens - 1,
        )
    )


def write_tokenizer(folder: Path) -> None:
    """CLIP's tokenizer files with merges for the world's words only; other words fall apart into letters."""
    merges = word_merges(sorted({*vocabulary(), *MORE_WORDS.split()}))
    letters = _byte_letters()
    entries = [*letters, *(letter + "</w>" for letter in letters), *(pair.replace(" ", "") for pair in merges)]
    entries += ["<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    table = {entry: index for index, entry in enumerate(dict.fromkeys(entries))}
    (folder / "vocab.json").write_text(json.dumps(table), encoding="utf-8")
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    marks = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>"}
    kind = {"tokenizer_class": "CLIPTokenizer", "unk_token": "<|endoftext|>", "model_max_length": 77}
    (folder / "tokenizer_config.json").write_text(json.dumps({**marks, **kind}), encoding="utf-8")


def word_merges(words: list[str]) -> list[str]:
    """Byte-pair merges, "left right" each, after which every one of the words is a single token."""
    ranks: dict[tuple[str, str], int] = {}
    for word in words:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pairs = list(pairwise(parts))
            known = [pair for pair in pairs if pair in ranks]
            pair = min(known, key=ranks.__getitem__) if known else pairs[0]
            ranks.setdefault(pair, len(ranks))
            at = pairs.index(pair)
            parts = [*parts[:at], "".join(pair), *parts[at + 2 :]]
    return [" ".join(pair) for pair in ranks]


def _byte_letters() -> list[str]:
    """A printable letter for each byte, in CLIP's order."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def open_tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(str(folder), local_files_only=True)


def tokens_of(tokenizer: Any, captions: list[str]) -> Tensor:
    """int64 [N, 77]."""
    return tokenizer(captions, max_length=77, padding="max_length", truncation=True, return_tensors="pt").input_ids


def single_file(unet: Mapping[str, Tensor], vae: Mapping[str, Tensor], text: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The parts' tensors under the names of Stable Diffusion 1's original file, in half precision.

    A key of zero size, `v_pred`, says what the UNet predicts, as community checkpoints have it.
    """
    state = {f"model.diffusion_model.{unet_name(key)}": value for key, value in unet.items()}
    for key, value in vae.items():
        name = vae_name(key)
        convolution = "mid.attn_1" in name and name.endswith("weight") and "norm" not in name
        state[f"first_stage_model.{name}"] = value[..., None, None] if convolution and value.ndim == 2 else value
    prefix = "cond_stage_model.transformer.text_model."
    state |= {prefix + key.removeprefix("text_model."): value for key, value in text.items()}
    halved = {key: value.half().contiguous() for key, value in state.items() if value.is_floating_point()}
    return {**halved, "v_pred": torch.zeros(0, dtype=torch.float16)}


_UNET_RESIDUAL = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
_UNET_OUTER = {
    "time_embedding.linear_1": "time_embed.0",
    "time_embedding.linear_2": "time_embed.2",
    "conv_in": "input_blocks.0.0",
    "conv_norm_out": "out.0",
    "conv_out": "out.2",
}
LAYERS = 2
"""Residual blocks of each of the UNet's levels on the way down."""


def unet_name(key: str) -> str:
    """The original name of a tensor of UNet2DConditionModel with four levels of two blocks."""
    for new, old in _UNET_OUTER.items():
        if key.startswith(new + "."):
            return old + key[len(new) :]
    parts = key.split(".")
    if parts[0] == "mid_block":
        number = 2 * int(parts[2]) if parts[1] == "resnets" else 1
        return _inside(f"middle_block.{number}", parts[1], parts[3:])
    level, kind, index = int(parts[1]), parts[2], int(parts[3])
    if parts[0] == "down_blocks":
        number = 1 + level * (LAYERS + 1) + (LAYERS if kind == "downsamplers" else index)
        if kind == "downsamplers":
            return f"input_blocks.{number}.0.op.{parts[-1]}"
        return _inside(f"input_blocks.{number}.{int(kind == 'attentions')}", kind, parts[4:])
    number = level * (LAYERS + 1) + (LAYERS if kind == "upsamplers" else index)
    if kind == "upsamplers":
        place = 1 if level == 0 else 2
        return f"output_blocks.{number}.{place}.conv.{parts[-1]}"
    return _inside(f"output_blocks.{number}.{int(kind == 'attentions')}", kind, parts[4:])


def _inside(block: str, kind: str, rest: list[str]) -> str:
    if kind == "resnets":
        return ".".join([block, _UNET_RESIDUAL[rest[0]], *rest[1:]])
    return ".".join([block, *rest])


def vae_name(key: str) -> str:
    """The original name of a tensor of AutoencoderKL with four levels."""
    parts = key.split(".")
    if parts[0] in ("quant_conv", "post_quant_conv"):
        return key
    rest = parts[1:]
    if rest[0] == "conv_norm_out":
        return ".".join([parts[0], "norm_out", *rest[1:]])
    if rest[0] == "mid_block":
        if rest[1] == "resnets":
            return ".".join([parts[0], "mid", f"block_{int(rest[2]) + 1}", *_shortcut(rest[3:])])
        names = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out": "proj_out"}
        return ".".join([parts[0], "mid", "attn_1", names[rest[3]], rest[-1]])
    if rest[0] in ("down_blocks", "up_blocks"):
        up = rest[0] == "up_blocks"
        level = 3 - int(rest[1]) if up else int(rest[1])
        side = "up" if up else "down"
        if rest[2].endswith("samplers"):
            return ".".join([parts[0], side, str(level), f"{side}sample", *rest[4:]])
        return ".".join([parts[0], side, str(level), "block", rest[3], *_shortcut(rest[4:])])
    return key


def _shortcut(rest: list[str]) -> list[str]:
    return ["nin_shortcut", *rest[1:]] if rest[0] == "conv_shortcut" else rest


def save_model(folder: Path, unet: Any, vae: Any, text: Any) -> Path:
    """Write `miniature.safetensors` in the original layout, and the folder `miniature` in diffusers'.

    The tokenizer's files have to be in `folder/miniature/tokenizer`, where the loader looks for them. Returns the
    single file.
    """
    from diffusers import DDIMScheduler
    from safetensors.torch import save_file

    inner = folder / "miniature"
    path = folder / "miniature.safetensors"
    save_file(single_file(unet.state_dict(), vae.state_dict(), text.state_dict()), path)
    for name, part in (("unet", unet), ("vae", vae), ("text_encoder", text)):
        part.save_pretrained(str(inner / name))
    DDIMScheduler(**SCHEDULE).save_pretrained(str(inner / "scheduler"))
    index = {
        "_class_name": "StableDiffusionPipeline",
        "scheduler": ["diffusers", "DDIMScheduler"],
        "text_encoder": ["transformers", "CLIPTextModel"],
        "tokenizer": ["transformers", "CLIPTokenizer"],
        "unet": ["diffusers", "UNet2DConditionModel"],
        "vae": ["diffusers", "AutoencoderKL"],
    }
    (inner / "model_index.json").write_text(json.dumps(index, indent=1), encoding="utf-8")
    return path
