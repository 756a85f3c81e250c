"""Small models with random weights, built from configurations: SD1, SD2 with v-prediction, SDXL."""

from __future__ import annotations

import gzip
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from t2c_ext.twin.diffusion.components import Components, Encoder, Placement
from t2c_ext.twin.diffusion.tokenizer import END, open_tokenizer, unpack_bpe
from t2c_ext.twin.families import Family

WORDS = ("river", "mountain", "night", "painting", "water", "sky")
FAMILIES = ("SD1", "SD2", "SDXL")
SCHEDULE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "steps_offset": 1,
    "clip_sample": False,
    "set_alpha_to_one": False,
    "timestep_spacing": "leading",
}


def write_bpe(path: Path) -> None:
    """A BPE file as CLIP's, with only the merges of a few words."""
    merges = []
    for word in WORDS:
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            line = f"{parts[0]} {parts[1]}"
            parts = [parts[0] + parts[1], *parts[2:]]
            if line not in merges:
                merges.append(line)
    with gzip.open(path, "wt", encoding="utf-8") as file:
        file.write("\n".join(["#version: 0.2", *merges]) + "\n")


def tiny_tokenizer(filler: str = END) -> Any:
    with TemporaryDirectory() as folder:
        write_bpe(Path(folder) / "bpe.gz")
        unpack_bpe(Path(folder) / "bpe.gz", Path(folder))
        tokenizer = open_tokenizer(Path(folder))
    tokenizer.pad_token = filler
    return tokenizer


def text_encoder(seed: int, projection: bool, width: int = 64, layers: int = 3, activation: str = "gelu") -> Any:
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(seed)
    size = len(tiny_tokenizer())
    config = CLIPTextConfig(
        vocab_size=size,
        hidden_size=width,
        intermediate_size=2 * width,
        num_hidden_layers=layers,
        num_attention_heads=width // 64,
        max_position_embeddings=77,
        projection_dim=width,
        hidden_act=activation,
        bos_token_id=size - 2,
        eos_token_id=size - 1,
        pad_token_id=size - 1,
    )
    model = (CLIPTextModelWithProjection if projection else CLIPTextModel)(config)
    return _lively(model.eval().requires_grad_(False))


def unet_config(family: str) -> dict[str, Any]:
    common = {"in_channels": 4, "out_channels": 4, "layers_per_block": 2, "norm_num_groups": 16, "sample_size": 16}
    if family == "SDXL":
        return common | {
            "block_out_channels": (32, 64, 64),
            "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
            "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
            "transformer_layers_per_block": (1, 1, 2),
            "cross_attention_dim": 128,
            "attention_head_dim": (2, 4, 4),
            "use_linear_projection": True,
            "addition_embed_type": "text_time",
            "addition_time_embed_dim": 8,
            "projection_class_embeddings_input_dim": 6 * 8 + 64,
        }
    return common | {
        "block_out_channels": (16, 32, 32, 32),
        "down_block_types": (*("CrossAttnDownBlock2D",) * 3, "DownBlock2D"),
        "up_block_types": ("UpBlock2D", *("CrossAttnUpBlock2D",) * 3),
        "cross_attention_dim": 64,
        "attention_head_dim": 4 if family == "SD1" else (2, 4, 4, 4),
        "use_linear_projection": family == "SD2",
    }


def _lively(module: Any) -> Any:
    """Redraw what starts at zero or one, so that every part has an effect."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if parameter.ndim > 1 and "embedding" not in name:
                fan_in = parameter[0].numel()
                parameter.copy_(torch.randn_like(parameter) / fan_in**0.5)
            elif "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.1 * torch.randn_like(parameter))
            elif "embedding" in name:
                parameter.copy_(torch.randn_like(parameter))
    return module


def tiny_unet(family: str, seed: int = 0, **changes: Any) -> Any:
    from diffusers import UNet2DConditionModel

    torch.manual_seed(seed)
    return _lively(UNet2DConditionModel(**{**unet_config(family), **changes}).eval().requires_grad_(False))


def tiny_vae(seed: int = 0, **changes: Any) -> Any:
    from diffusers import AutoencoderKL

    torch.manual_seed(seed)
    config = {
        "block_out_channels": (8, 8, 16, 16),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 8,
        "sample_size": 64,
    }
    return AutoencoderKL(**{**config, **changes}).eval().requires_grad_(False)


def tiny_components(family: str, seed: int = 0) -> Components:
    """A model of the family; SD2 predicts v."""
    tokenizer = tiny_tokenizer()
    end = int(tokenizer.eos_token_id)
    encoders = [Encoder(tokenizer, text_encoder(seed + 1, False, activation="quick_gelu"), end)]
    if family == "SDXL":
        encoders.append(Encoder(tiny_tokenizer("!"), text_encoder(seed + 2, True), 0))
    return Components(
        name=f"tiny {family}",
        family=Family[family],
        unet=tiny_unet(family, seed),
        vae=tiny_vae(seed),
        encoders=tuple(encoders),
        scheduler={**SCHEDULE, "prediction_type": "v_prediction" if family == "SD2" else "epsilon"},
        placement=Placement(torch.device("cpu"), torch.float32),
    )


def save_folder(components: Components, folder: Path) -> Path:
    """Write a model in diffusers' layout."""
    from diffusers import DDIMScheduler, StableDiffusionPipeline, StableDiffusionXLPipeline

    shared = {
        "vae": components.vae,
        "unet": components.unet,
        "scheduler": DDIMScheduler(**components.scheduler),
        "text_encoder": components.encoders[0].model,
        "tokenizer": components.encoders[0].tokenizer,
    }
    if components.family is Family.SDXL:
        second = components.encoders[1]
        pipeline: Any = StableDiffusionXLPipeline(
            **shared, text_encoder_2=second.model, tokenizer_2=second.tokenizer, add_watermarker=False
        )
    else:
        pipeline = StableDiffusionPipeline(
            **shared, safety_checker=None, feature_extractor=None, requires_safety_checker=False
        )
    pipeline.save_pretrained(folder)
    return folder


def pipeline_of(components: Components) -> Any:
    """diffusers' pipeline around the parts, which knows the kinds of LoRA files."""
    import diffusers

    kinds: Any = diffusers
    first = components.encoders[0]
    parts = {
        "vae": components.vae,
        "unet": components.unet,
        "text_encoder": first.model,
        "tokenizer": first.tokenizer,
        # its own defaults make the pipeline warn of a schedule that is never used
        "scheduler": kinds.DDIMScheduler(clip_sample=False, steps_offset=1),
    }
    if components.family is Family.SDXL:
        second = components.encoders[1]
        return kinds.StableDiffusionXLPipeline(
            **parts, text_encoder_2=second.model, tokenizer_2=second.tokenizer, add_watermarker=False
        )
    return kinds.StableDiffusionPipeline(
        **parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False
    )
