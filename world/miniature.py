"""Stable Diffusion in miniature: its topology and classes at a fifth of the width, for the words of the world."""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from t2c_ext.atomic import replacing
from world.words import vocabulary

CHANNELS = (64, 64, 128, 128)
"""Of the UNet's levels; Stable Diffusion 1 has 320, 640, 1280, 1280."""

GROUPS = 8
"""Of the UNet's group norms. Stable Diffusion has 32, but of ten channels and more: groups of one or two channels
forget how bright and what colour a picture is, as their mean is taken away over the whole of it."""

HEADS = 2
"""Of each attention; Stable Diffusion 1 has eight, which cost much and gain little at this width."""

VAE_CHANNELS = (24, 48, 96, 96)
VAE_GROUPS = 4
SIDE = 256
"""Side of its pictures in pixels."""

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


def make_unet() -> Any:
    """An untrained UNet2DConditionModel."""
    from diffusers import UNet2DConditionModel

    unet = UNet2DConditionModel(
        sample_size=32,
        layers_per_block=2,
        block_out_channels=CHANNELS,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3,
        cross_attention_dim=CONTEXT,
        attention_head_dim=HEADS,
        norm_num_groups=GROUPS,
    )
    let_through(unet, 0.0)
    return unet


def make_vae() -> Any:
    """An untrained AutoencoderKL."""
    from diffusers import AutoencoderKL

    vae = AutoencoderKL(
        block_out_channels=VAE_CHANNELS,
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=VAE_GROUPS,
        sample_size=256,
        scaling_factor=SCALE,
    )
    let_through(vae, 0.1)
    return vae


def let_through(module: nn.Module, branch: float) -> None:
    """Start a network as one that lets its input through: what is beside the straight way begins near nothing.

    With the library's own beginning the normalised branches drown the input, and brightness and colour, which
    normalisation takes away, are learnt very late.

    Args:
        module: a UNet or an autoencoder.
        branch: what the last weights of each branch are multiplied by.
    """
    for name, part in module.named_modules():
        if isinstance(part, nn.Conv2d) and part.bias is not None:
            nn.init.kaiming_normal_(part.weight, nonlinearity="linear")
            nn.init.zeros_(part.bias)
        if name.endswith((".conv2", "proj_out", "attentions.0.to_out.0")):
            with torch.no_grad():
                part.weight.mul_(branch)


def text_numbers(tokens: int) -> dict[str, Any]:
    """What the text encoder is made by, in the words of transformers' CLIPTextConfig."""
    return {
        "vocab_size": tokens,
        "hidden_size": CONTEXT,
        "intermediate_size": 2 * CONTEXT,
        "num_hidden_layers": TEXT_LAYERS,
        "num_attention_heads": CONTEXT // 64,
        "max_position_embeddings": 77,
        "hidden_act": "quick_gelu",
        "bos_token_id": tokens - 2,
        "eos_token_id": tokens - 1,
        "pad_token_id": tokens - 1,
    }


def make_text_encoder(tokens: int) -> Any:
    """An untrained CLIPTextModel."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(CLIPTextConfig(**text_numbers(tokens)))


def write_tokenizer(folder: Path) -> None:
    """CLIP's tokenizer files with merges for the world's words only; other words fall apart into letters.

    Beside them `config.json` says how large the text encoder is, for programs that open both from one folder.
    """
    merges = word_merges(vocabulary())
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
    size = {"model_type": "clip_text_model", "architectures": ["CLIPTextModel"], **text_numbers(len(table))}
    (folder / "config.json").write_text(json.dumps(size), encoding="utf-8")


def forget_unseen(text: Any, tokenizer: Any) -> None:
    """Set the embeddings of tokens that no caption has to zero: what they began as would only disturb."""
    known = {tokenizer.bos_token_id, tokenizer.eos_token_id}
    for word in (*vocabulary(), ",", "-"):
        known.update(tokenizer(word, add_special_tokens=False).input_ids)
    weight = text.get_input_embeddings().weight
    with torch.no_grad():
        weight[[index for index in range(len(weight)) if index not in known]] = 0


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


def in_eight_bits(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of a single file, the UNet's large weights in eight bits with a scale for each output channel.

    The names of the scales are those that ComfyUI's and other converters write.
    """
    found: dict[str, Tensor] = {"scaled_fp8": torch.zeros(0, dtype=torch.float8_e4m3fn)}
    for key, value in state.items():
        if not key.startswith("model.diffusion_model.") or value.ndim < 2 or value.numel() < SMALLEST_IN_EIGHT_BITS:
            found[key] = value
            continue
        rows = value.float().flatten(1)
        scale = rows.abs().amax(1).clamp(min=1e-8) / LARGEST_IN_EIGHT_BITS
        found[key] = (rows / scale[:, None]).view_as(value).to(torch.float8_e4m3fn)
        found[key.removesuffix(".weight") + ".scale_weight"] = scale
    return found


SMALLEST_IN_EIGHT_BITS = 4096
LARGEST_IN_EIGHT_BITS = 448.0
"""Of the numbers with four bits of exponent and three of mantissa."""

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


def save_model(folder: Path, unet: Any, vae: Any, text: Any, *, small: bool = False) -> Path:
    """Write `miniature.safetensors` in the original layout, whose metadata says what shapes do not, and `tokenizer`.

    With `small`, the UNet's weights take eight bits each. Returns the file.
    """
    from safetensors.torch import save_file

    path = folder / "miniature.safetensors"
    write_tokenizer(folder / "tokenizer")
    told = {
        "unet": {"attention_head_dim": HEADS, "norm_num_groups": GROUPS, "sample_size": SIDE // 8},
        "vae": {"norm_num_groups": VAE_GROUPS, "sample_size": SIDE},
    }
    state = single_file(unet.state_dict(), vae.state_dict(), text.state_dict())
    state = in_eight_bits(state) if small else state
    with replacing(path) as part:
        save_file(state, part, {"format": "pt", "architecture": json.dumps(told)})
    return path
