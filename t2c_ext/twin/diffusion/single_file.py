"""Models from one file in the original layout (`.safetensors`, `.ckpt`), without asking the hub for configurations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.documents import parse_document
from t2c_ext.errors import UserError
from t2c_ext.twin.diffusion.architecture import (
    UNET,
    VAE,
    Architecture,
    Config,
    EncoderLayout,
    architecture_of,
)
from t2c_ext.twin.diffusion.components import Components, Encoder, Placement
from t2c_ext.twin.diffusion.tokenizer import find_tokenizer
from t2c_ext.twin.families import Family
from t2c_ext.weights.states import fill_module, load_state, notes_of

if TYPE_CHECKING:
    import torch
    from torch import Tensor

PROBE_STEP = 999
"""The noisiest step: there a model that predicts v gives back minus the picture, one that predicts noise the noise."""


def load_single_file(path: Path, placement: Placement, prediction: str = "auto", online: bool = True) -> Components:
    """The parts of a checkpoint file.

    Args:
        path: the file; a `.yaml` of the same name may say `parameterization: v`, its metadata what the shapes of
            unusual models do not tell (see `told`).
        placement: where they will compute.
        prediction: "epsilon", "v_prediction", or "auto": as the file's header (`modelspec.prediction_type`), its keys
            or its `.yaml` say; SD2 is tried out.
        online: whether the tokenizer may be fetched from the hub.

    Raises:
        UserError: the file is no checkpoint, damaged, or of another architecture; or there is no tokenizer for it.
    """
    state = load_state(path)
    architecture = told(architecture_of(state, str(path)), path)
    encoders = _encoders(state, architecture, path, placement.dtype, online)
    components = Components(
        name=path.stem,
        family=architecture.family,
        unet=_unet(state, architecture.unet, path, placement.dtype),
        vae=_vae(state, architecture.vae, path),
        encoders=encoders,
        scheduler=architecture.scheduler,
        placement=placement,
    )
    components.scheduler = {**architecture.scheduler, "prediction_type": _prediction(components, path, prediction)}
    if components.family is Family.SD2 and components.scheduler["prediction_type"] == "v_prediction":
        # of the two kinds of SD2 the one that predicts v was trained at 768
        components.unet.register_to_config(sample_size=96)
    return components


NOTE = "architecture"
LARGEST = 1024
TOLD = {"unet": ("attention_head_dim", "norm_num_groups", "sample_size"), "vae": ("norm_num_groups", "sample_size")}
"""What a safetensors file's metadata may say of each part under `NOTE`, in diffusers' words."""


def told(architecture: Architecture, path: Path) -> Architecture:
    """The architecture with what the file itself says of it.

    Heads, groups of normalisation and the size of training leave no trace in the shapes of weights; an unusual model
    says them as a JSON object in the metadata of its safetensors file.

    Raises:
        UserError: what it says is no JSON object of small whole numbers.
    """
    note = notes_of(path).get(NOTE)
    if note is None:
        return architecture
    what = f"what {path} says of its architecture"
    said = parse_document(note, what)
    found = {"unet": dict(architecture.unet), "vae": dict(architecture.vae)}
    for part, names in TOLD.items():
        values = said.get(part, {})
        if not isinstance(values, dict):
            raise UserError(f"{what} is damaged; download it again")
        for name in names:
            value = values.get(name)
            if value is not None and (type(value) is not int or not 0 < value <= LARGEST):
                raise UserError(f"{what} is damaged: {part}.{name} must be a whole number up to {LARGEST}")
            if value is not None:
                found[part][name] = value
    return replace(architecture, unet=found["unet"], vae=found["vae"])


def empty(make: Any, config: Any, dtype: torch.dtype) -> Any:
    """A module whose parameters take no memory yet; `fill_module` gives them theirs."""
    import torch
    from accelerate import init_empty_weights

    with init_empty_weights(include_buffers=False):
        module = make(config)
    # diffusers' own `to` warns of every change of type
    return torch.nn.Module.to(module, dtype).eval().requires_grad_(False)


def _unet(state: Mapping[str, Tensor], config: Config, path: Path, dtype: torch.dtype) -> Any:
    from diffusers import UNet2DConditionModel
    from diffusers.loaders.single_file_utils import convert_ldm_unet_checkpoint

    own = {key: value for key, value in state.items() if key.startswith(UNET)}
    module = empty(UNet2DConditionModel.from_config, config, dtype)
    fill_module(module, _converted(convert_ldm_unet_checkpoint, own, config, path), path)
    return module


def _vae(state: Mapping[str, Tensor], config: Config, path: Path) -> Any:
    import torch
    from diffusers import AutoencoderKL
    from diffusers.loaders.single_file_utils import convert_ldm_vae_checkpoint

    own = {key: value for key, value in state.items() if key.startswith(VAE)}
    module = empty(AutoencoderKL.from_config, config, torch.float32)
    fill_module(module, _converted(convert_ldm_vae_checkpoint, own, config, path), path)
    return module


def _converted(convert: Any, state: dict[str, Tensor], config: Config, path: Path) -> dict[str, Tensor]:
    try:
        return dict(convert(state, config))
    except (KeyError, IndexError, AttributeError) as error:
        raise UserError(f"{path} lacks a part ({error}); download it again") from None


def _encoders(
    state: Mapping[str, Tensor], architecture: Architecture, path: Path, dtype: torch.dtype, online: bool
) -> tuple[Encoder, ...]:
    tokenizer = find_tokenizer(path, online)
    found = []
    for layout in architecture.encoders:
        model = text_model(layout.config, layout.projection, dtype)
        fill_text_model(model, text_state(state, layout), path)
        # OpenCLIP fills up with token 0, CLIP with the end mark
        found.append(Encoder(tokenizer, model, 0 if layout.open_clip else int(tokenizer.eos_token_id)))
    return tuple(found)


def text_model(config: Config, projection: bool, dtype: torch.dtype) -> Any:
    """An empty CLIPTextModel, or CLIPTextModelWithProjection."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    return empty(CLIPTextModelWithProjection if projection else CLIPTextModel, CLIPTextConfig(**config), dtype)


def fill_text_model(model: Any, state: Mapping[str, Tensor], what: str | Path) -> None:
    """Fill a CLIP text model from keys without `text_model.`, whichever way this transformers names its own.

    Raises:
        UserError: as `fill_module`.
    """
    own = model.state_dict()
    wrapped = {key.removeprefix("text_model."): key for key in own}
    renamed = {wrapped.get(key, key): value for key, value in state.items() if not key.endswith("position_ids")}
    renamed |= {key: value for key, value in own.items() if key.endswith("position_ids")}
    fill_module(model, renamed, what)


def text_state(state: Mapping[str, Tensor], layout: EncoderLayout) -> dict[str, Tensor]:
    """A text encoder's tensors under transformers' names, without `text_model.`."""
    own = {key.removeprefix(layout.prefix): value for key, value in state.items() if key.startswith(layout.prefix)}
    if not layout.open_clip:
        return own
    return _from_open_clip(own, layout)


_OPEN_CLIP_NAMES = {
    "token_embedding.weight": "embeddings.token_embedding.weight",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_final.weight": "final_layer_norm.weight",
    "ln_final.bias": "final_layer_norm.bias",
}
_OPEN_CLIP_PARTS = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
    "attn.out_proj": "self_attn.out_proj",
}


def _from_open_clip(own: Mapping[str, Tensor], layout: EncoderLayout) -> dict[str, Tensor]:
    """OpenCLIP's tensors under transformers' names; query, key and value come apart."""
    found = {new: own[old] for old, new in _OPEN_CLIP_NAMES.items() if old in own}
    if layout.projection:
        found["text_projection.weight"] = own["text_projection"].T.contiguous()
    for key, value in own.items():
        if not key.startswith("transformer.resblocks."):
            continue
        number, part = key.removeprefix("transformer.resblocks.").split(".", 1)
        if int(number) >= layout.config["num_hidden_layers"]:
            continue
        target, kind = f"encoder.layers.{number}.", part.rsplit(".", 1)[-1]
        if part.startswith("attn.in_proj_"):
            leaf = kind.removeprefix("in_proj_")
            for name, piece in zip("qkv", value.chunk(3), strict=True):
                found[f"{target}self_attn.{name}_proj.{leaf}"] = piece.contiguous()
        elif part.rsplit(".", 1)[0] in _OPEN_CLIP_PARTS:
            found[f"{target}{_OPEN_CLIP_PARTS[part.rsplit('.', 1)[0]]}.{kind}"] = value
    return found


_PREDICTIONS = {"epsilon": "epsilon", "eps": "epsilon", "v": "v_prediction", "v_prediction": "v_prediction"}
"""What a file's header calls what its UNet predicts, and our name for it."""


def _prediction(components: Components, path: Path, prediction: str) -> str:
    """What the UNet predicts."""
    stated = str(components.scheduler["prediction_type"])
    if prediction != "auto":
        return prediction
    written = notes_of(path).get("modelspec.prediction_type", "").strip().lower()
    if written in _PREDICTIONS:
        return _PREDICTIONS[written]
    description = path.with_suffix(".yaml")
    if description.is_file() and stated == "epsilon":
        text = description.read_text(encoding="utf-8", errors="replace")
        words = [line.split(":", 1)[1].strip(" \"'") for line in text.splitlines() if "parameterization:" in line]
        if words:
            return "v_prediction" if words[0].startswith("v") else "epsilon"
    if components.family is Family.SD2:
        return probe_prediction(components)
    return stated


def probe_prediction(components: Components) -> str:
    """Try out whether a UNet predicts noise or v: both kinds of SD2 have the same shapes.

    At the noisiest step the input is all noise: a predictor of noise returns its input, one of v minus the picture,
    which is far from it.
    """
    import torch

    placement, unet = components.placement, components.unet
    width = int(unet.config.cross_attention_dim)
    dtype = torch.float32 if placement.device.type == "cpu" else placement.dtype
    with torch.no_grad(), components.at_work(unet):
        noise = torch.randn(1, 4, 16, 16, generator=torch.Generator().manual_seed(0))
        noise = noise.to(placement.device, dtype)
        context = torch.zeros(1, 77, width, device=placement.device, dtype=dtype)
        torch.nn.Module.to(unet, dtype)
        found = unet(noise, PROBE_STEP, context).sample.float()
        torch.nn.Module.to(unet, placement.dtype)
    alike = torch.nn.functional.cosine_similarity(found.flatten(), noise.float().flatten(), dim=0)
    return "epsilon" if float(alike) > 0.5 else "v_prediction"


def with_prediction(components: Components, prediction: str) -> Components:
    """The same model, told what its UNet predicts."""
    if prediction == "auto":
        return components
    return replace(components, scheduler={**components.scheduler, "prediction_type": prediction})
