"""Tiny checkpoint files in the original layout, with the model that they come from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch
from tiny_pipelines import text_encoder, tiny_vae, write_bpe
from tiny_unets import LdmUNet, TinyConfig, fill

from t2c_ext.twin.diffusion.tokenizer import unpack_bpe

WIDTH = 64
UNETS = {
    "SD1": TinyConfig((32, 32, 64, 64), (1, 1, 1, 0), (8, 8, 8, 8), context=WIDTH),
    "SD2": TinyConfig((64, 64, 64, 64), (1, 1, 1, 0), (1, 1, 1, 1), linear=True, context=WIDTH),
    "SDXL": TinyConfig(
        (64, 64, 64), (0, 1, 2), (1, 1, 1), True, context=2 * WIDTH, vector=WIDTH + 6 * 8, middle_depth=2
    ),
}

_VAE_NAMES = (
    (r"^(encoder)\.down_blocks\.(\d+)\.resnets\.(\d+)\.", r"\1.down.\2.block.\3."),
    (r"^(encoder)\.down_blocks\.(\d+)\.downsamplers\.0\.", r"\1.down.\2.downsample."),
    (r"^(decoder)\.up_blocks\.(\d+)\.resnets\.(\d+)\.", r"\1.up.\2.block.\3."),
    (r"^(decoder)\.up_blocks\.(\d+)\.upsamplers\.0\.", r"\1.up.\2.upsample."),
    (r"mid_block\.resnets\.0\.", "mid.block_1."),
    (r"mid_block\.resnets\.1\.", "mid.block_2."),
    (r"mid_block\.attentions\.0\.group_norm\.", "mid.attn_1.norm."),
    (r"mid_block\.attentions\.0\.to_([qkv])\.", r"mid.attn_1.\1."),
    (r"mid_block\.attentions\.0\.to_out\.0\.", "mid.attn_1.proj_out."),
    (r"conv_shortcut", "nin_shortcut"),
    (r"conv_norm_out", "norm_out"),
)
_CLIP_NAMES = (
    ("embeddings.token_embedding.weight", "token_embedding.weight"),
    ("embeddings.position_embedding.weight", "positional_embedding"),
    ("final_layer_norm", "ln_final"),
    ("encoder.layers.", "transformer.resblocks."),
    ("layer_norm1", "ln_1"),
    ("layer_norm2", "ln_2"),
    ("mlp.fc1", "mlp.c_fc"),
    ("mlp.fc2", "mlp.c_proj"),
    ("self_attn.out_proj", "attn.out_proj"),
)


def original_vae(vae: Any) -> dict[str, torch.Tensor]:
    """An AutoencoderKL's weights under the original names."""
    levels = len(vae.config.block_out_channels)
    found = {}
    for key, value in vae.state_dict().items():
        name = key
        for pattern, new in _VAE_NAMES:
            name = re.sub(pattern, new, name)
        # the original counts the decoder's levels from the finest
        name = re.sub(r"^decoder\.up\.(\d+)", lambda match: f"decoder.up.{levels - 1 - int(match[1])}", name)
        is_projection = re.search(r"attn_1\.(q|k|v|proj_out)\.weight", name)
        found["first_stage_model." + name] = value[:, :, None, None] if is_projection else value
    return found


def plain_text_state(model: Any) -> dict[str, torch.Tensor]:
    """A text encoder's weights without `text_model.` and without positions."""
    state = {key.removeprefix("text_model."): value for key, value in model.state_dict().items()}
    return {key: value for key, value in state.items() if not key.endswith("position_ids")}


def open_clip_state(model: Any, prefix: str) -> dict[str, torch.Tensor]:
    """A text encoder's weights as OpenCLIP has them."""
    found: dict[str, torch.Tensor] = {}
    state = plain_text_state(model)
    for key, value in state.items():
        if "self_attn.k_proj" in key or "self_attn.v_proj" in key:
            continue
        if "self_attn.q_proj" in key:
            parts = [state[key.replace("q_proj", f"{letter}_proj")] for letter in "qkv"]
            leaf = key.rsplit(".", 1)[-1]
            key = key.replace(f"self_attn.q_proj.{leaf}", f"attn.in_proj_{leaf}")  # noqa: PLW2901
            value = torch.cat(parts)  # noqa: PLW2901
        for old, new in _CLIP_NAMES:
            key = key.replace(old, new)  # noqa: PLW2901
        if key == "text_projection.weight":
            found[prefix + "text_projection"] = value.T.contiguous()
        else:
            found[prefix + key] = value
    return found


def checkpoint(family: str, **changes: Any) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """The state dict of a checkpoint file, and the modules that its weights are of (encoders: by their order)."""
    config = UNETS[family]
    unet = fill(LdmUNet(TinyConfig(**{**config.__dict__, **changes})))
    vae = tiny_vae(5, block_out_channels=(32, 32, 32, 32), norm_num_groups=32)
    state = {"model.diffusion_model." + key: value for key, value in unet.state_dict().items()}
    state |= original_vae(vae)
    if family == "SD2":
        # one layer more than transformers' version of this encoder, which leaves the last one out
        encoders = [text_encoder(1, False, layers=4)]
        state |= open_clip_state(encoders[0], "cond_stage_model.model.")
    else:
        encoders = [text_encoder(1, False, activation="quick_gelu")]
        prefix = "cond_stage_model." if family == "SD1" else "conditioner.embedders.0."
        state |= {f"{prefix}transformer.text_model.{key}": v for key, v in plain_text_state(encoders[0]).items()}
    if family == "SDXL":
        encoders.append(text_encoder(2, True))
        state |= open_clip_state(encoders[1], "conditioner.embedders.1.model.")
    return {key: value.contiguous() for key, value in state.items()}, {"unet": unet, "vae": vae, "encoders": encoders}


def write_tokenizer(folder: Path) -> None:
    """`vocab.json` and `merges.txt` in a folder that is made for them."""
    folder.mkdir(parents=True, exist_ok=True)
    write_bpe(folder / "bpe.gz")
    unpack_bpe(folder / "bpe.gz", folder)


def write_checkpoint(path: Path, state: dict[str, torch.Tensor]) -> Path:
    """A file of that ending, with a tokenizer beside it."""
    from safetensors.torch import save_file

    write_tokenizer(path.parent / "tokenizer")
    if path.suffix == ".safetensors":
        save_file({key: value.clone() for key, value in state.items()}, str(path))
    else:
        torch.save({"state_dict": state, "global_step": 7}, path)
    return path
