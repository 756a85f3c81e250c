"""What a checkpoint file in the original (ldm) layout is, and the configuration that its shapes tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError
from t2c_ext.twin.families import Family

if TYPE_CHECKING:
    from torch import Tensor

UNET = "model.diffusion_model."
VAE = "first_stage_model."
HEAD_WIDTH = 64
"""Channels of one attention head in SD2, SDXL and every CLIP text encoder; SD1's UNet has eight heads instead."""

Config = dict[str, Any]


@dataclass(frozen=True)
class EncoderLayout:
    """Where a text encoder's weights lie in the file, and how it is built.

    Attributes:
        prefix: what stands before its keys.
        open_clip: whether the keys are those of OpenCLIP instead of transformers.
        config: of transformers' CLIPTextConfig.
        projection: whether it also gives a pooled, projected embedding.
    """

    prefix: str
    open_clip: bool
    config: Config
    projection: bool


@dataclass(frozen=True)
class Architecture:
    """The configurations of a checkpoint's parts, in diffusers' and transformers' words."""

    family: Family
    unet: Config
    vae: Config
    encoders: tuple[EncoderLayout, ...]
    scheduler: Config


_OTHER_MODELS = {
    "model.diffusion_model.joint_blocks.": "a Stable Diffusion 3 model",
    "joint_blocks.": "a Stable Diffusion 3 model",
    "model.diffusion_model.double_blocks.": "a Flux model",
    "double_blocks.": "a Flux model",
    "control_model.": "a ControlNet",
    "lora_unet_": "a LoRA (write <lora:its name:1> in the prompt, and name a model as well)",
    "lora_te": "a LoRA (write <lora:its name:1> in the prompt, and name a model as well)",
    "unet.down_blocks.": "a LoRA (write <lora:its name:1> in the prompt, and name a model as well)",
    "emb_params": "a textual inversion (put it in the embeddings folder, and name a model as well)",
    "clip_l": "a textual inversion (put it in the embeddings folder, and name a model as well)",
    "down_blocks.": "one part of a diffusers folder (name the whole folder)",
    "encoder.down": "a VAE alone",
    "transformer_blocks.": "a diffusion transformer",
}


def architecture_of(state: Mapping[str, Tensor], what: str) -> Architecture:
    """Tell a checkpoint's family and configuration from its keys and shapes.

    Args:
        state: the file's tensors, keys as in the file.
        what: the file's name, for errors.

    Raises:
        UserError: it is for inpainting or editing, a refiner, of another architecture, or lacks a part.
    """
    if UNET + "input_blocks.0.0.weight" not in state:
        found = next((name for start, name in _OTHER_MODELS.items() if any(key.startswith(start) for key in state)), "")
        raise UserError(f"{what} is {found or 'no Stable Diffusion checkpoint'}; a model of SD1, SD2 or SDXL is needed")
    unet = _unet_config(state, what)
    encoders = _encoders(state, what)
    family = _family(unet, encoders, what)
    if family is Family.SDXL:
        sizes = unet["projection_class_embeddings_input_dim"] - encoders[-1].config["projection_dim"]
        unet |= {"addition_time_embed_dim": sizes // 6, "sample_size": 128}
    if VAE + "encoder.conv_in.weight" not in state:
        raise UserError(f"{what} has no VAE; use a checkpoint that has one inside")
    return Architecture(family, unet, _vae_config(state, family), encoders, _scheduler_config(state, family))


def refuse_channels(channels: int, what: str) -> None:
    """Raise UserError unless a UNet takes plain latents (4 channels)."""
    if channels != 4:
        kinds = {9: "an inpainting model", 8: "an image-editing model", 5: "a depth model", 7: "an upscaling model"}
        kind = kinds.get(channels, f"a model with {channels} input channels")
        raise UserError(f"{what} is {kind}; use the model that it was made from")


def _family(unet: Config, encoders: tuple[EncoderLayout, ...], what: str) -> Family:
    if unet["addition_embed_type"] is None and len(encoders) == 1:
        return Family.SD2 if unet["use_linear_projection"] else Family.SD1
    if unet["addition_embed_type"] is not None and len(encoders) == 2:
        return Family.SDXL
    raise UserError(f"{what} is an SDXL refiner or of another architecture; use a base model of SD1, SD2 or SDXL")


def _count(state: Mapping[str, Tensor], start: str) -> int:
    """How many numbers follow `start` in the keys."""
    return len({key[len(start) :].split(".")[0] for key in state if key.startswith(start)})


def _unet_config(state: Mapping[str, Tensor], what: str) -> Config:
    """The UNet2DConditionModel's configuration, level by level."""
    refuse_channels(state[UNET + "input_blocks.0.0.weight"].shape[1], what)
    channels: list[int] = []
    depths: list[int] = []
    layers = 0
    for index in range(1, _count(state, UNET + "input_blocks.")):
        block = f"{UNET}input_blocks.{index}."
        if block + "0.out_layers.3.weight" not in state:
            continue
        if not channels or block.replace(f".{index}.", f".{index - 1}.") + "0.op.weight" in state:
            channels.append(state[block + "0.out_layers.3.weight"].shape[0])
            depths.append(_count(state, block + "1.transformer_blocks."))
        layers += len(channels) == 1
    middle = _count(state, UNET + "middle_block.1.transformer_blocks.")
    keys = [key for key in state if key.startswith(UNET) and key.endswith("attn2.to_k.weight")]
    if not channels or not keys or not middle or depths[-1] not in (0, middle):
        raise UserError(f"{what} is of another architecture; a model of SD1, SD2 or SDXL is needed")
    projection = next(key for key in state if key.startswith(UNET) and key.endswith("1.proj_in.weight"))
    linear = state[projection].dim() == 2
    config: Config = {
        "sample_size": 64,
        "in_channels": 4,
        "out_channels": 4,
        "block_out_channels": tuple(channels),
        "layers_per_block": layers,
        "down_block_types": tuple("CrossAttnDownBlock2D" if depth else "DownBlock2D" for depth in depths),
        "up_block_types": tuple("CrossAttnUpBlock2D" if depth else "UpBlock2D" for depth in reversed(depths)),
        "transformer_layers_per_block": tuple([depth or 1 for depth in depths[:-1]] + [middle]),
        "cross_attention_dim": state[keys[0]].shape[1],
        "attention_head_dim": tuple(width // HEAD_WIDTH for width in channels) if linear else 8,
        "use_linear_projection": linear,
        "addition_embed_type": None,
    }
    label = state.get(UNET + "label_emb.0.0.weight")
    if label is not None:
        config |= {"addition_embed_type": "text_time", "projection_class_embeddings_input_dim": label.shape[1]}
    return config


def _vae_config(state: Mapping[str, Tensor], family: Family) -> Config:
    levels = _count(state, VAE + "encoder.down.")
    widths = tuple(state[f"{VAE}encoder.down.{level}.block.0.conv1.weight"].shape[0] for level in range(levels))
    return {
        "block_out_channels": widths,
        "down_block_types": ("DownEncoderBlock2D",) * levels,
        "up_block_types": ("UpDecoderBlock2D",) * levels,
        "layers_per_block": _count(state, VAE + "encoder.down.0.block."),
        "latent_channels": 4,
        "sample_size": 1024 if family is Family.SDXL else 512,
        "scaling_factor": 0.13025 if family is Family.SDXL else 0.18215,
        # SDXL's own VAE overflows in half precision
        "force_upcast": family is Family.SDXL,
    }


def _encoders(state: Mapping[str, Tensor], what: str) -> tuple[EncoderLayout, ...]:
    """The text encoders, in the order in which the UNet sees them."""
    found = []
    for prefix in ("cond_stage_model.transformer.", "conditioner.embedders.0.transformer."):
        if any(key.startswith(prefix) for key in state):
            found.append(_clip_layout(state, prefix))
    for prefix in ("cond_stage_model.model.", "conditioner.embedders.0.model.", "conditioner.embedders.1.model."):
        if prefix + "token_embedding.weight" in state:
            found.append(_open_clip_layout(state, prefix))
    if not found:
        raise UserError(f"{what} has no text encoder; use a checkpoint that has one inside")
    return tuple(found)


def _clip_layout(state: Mapping[str, Tensor], prefix: str) -> EncoderLayout:
    inner = prefix + ("text_model." if any(key.startswith(prefix + "text_model.") for key in state) else "")
    config = _text_config(
        state[inner + "embeddings.token_embedding.weight"],
        state[inner + "embeddings.position_embedding.weight"],
        state[inner + "encoder.layers.0.mlp.fc1.weight"],
        _count(state, inner + "encoder.layers."),
        "quick_gelu",
    )
    return EncoderLayout(inner, False, config, False)


def _open_clip_layout(state: Mapping[str, Tensor], prefix: str) -> EncoderLayout:
    layers = _count(state, prefix + "transformer.resblocks.")
    projection = prefix.startswith("conditioner.")
    config = _text_config(
        state[prefix + "token_embedding.weight"],
        state[prefix + "positional_embedding"],
        state[prefix + "transformer.resblocks.0.mlp.c_fc.weight"],
        # SD2 reads the last layer but one and then normalises: the last layer is left out altogether
        layers if projection else layers - 1,
        "gelu",
    )
    if projection:
        config["projection_dim"] = state[prefix + "text_projection"].shape[1]
    return EncoderLayout(prefix, True, config, projection)


def _text_config(token: Tensor, position: Tensor, wide: Tensor, layers: int, activation: str) -> Config:
    return {
        "vocab_size": token.shape[0],
        "hidden_size": token.shape[1],
        "max_position_embeddings": position.shape[0],
        "intermediate_size": wide.shape[0],
        "num_hidden_layers": layers,
        "num_attention_heads": token.shape[1] // HEAD_WIDTH,
        "hidden_act": activation,
        "bos_token_id": token.shape[0] - 2,
        "eos_token_id": token.shape[0] - 1,
        "pad_token_id": token.shape[0] - 1,
    }


def _scheduler_config(state: Mapping[str, Tensor], family: Family) -> Config:
    """The noise schedule; community files for v-prediction and zero-terminal-SNR carry a key that says so."""
    return {
        "num_train_timesteps": 1000,
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "steps_offset": 1,
        "clip_sample": False,
        "set_alpha_to_one": False,
        # a schedule that ends in pure noise has to start there
        "timestep_spacing": "trailing" if "ztsnr" in state else "leading",
        "prediction_type": "v_prediction" if "v_pred" in state else "epsilon",
        "rescale_betas_zero_snr": "ztsnr" in state,
    }
