"""Models from a folder in diffusers' layout, and from the hub: its cache first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError
from t2c_ext.twin.diffusion.architecture import Config, refuse_channels
from t2c_ext.twin.diffusion.components import Components, Encoder, Placement
from t2c_ext.twin.diffusion.single_file import empty, fill_text_model, text_model, with_prediction
from t2c_ext.twin.diffusion.tokenizer import open_tokenizer
from t2c_ext.twin.families import Family
from t2c_ext.weights.first_seen import first_seen, keep_first_seen
from t2c_ext.weights.folders import NETWORK, TRANSFORMER
from t2c_ext.weights.folders import load_folder as load_weights
from t2c_ext.weights.places import hub_cache
from t2c_ext.weights.states import fill_module

if TYPE_CHECKING:
    from torch import Tensor

INDEX = "model_index.json"
PIPELINES = frozenset(f"StableDiffusion{family}{kind}Pipeline" for family in ("", "XL") for kind in ("", "Img2Img"))
UNUSED = ("safety_checker", "feature_extractor", "image_encoder")


def load_folder(folder: Path, placement: Placement, prediction: str = "auto") -> Components:
    """The parts of a folder with `model_index.json`.

    Raises:
        UserError: a part is missing or damaged, or it is another kind of pipeline.
    """
    index = _json(folder / INDEX)
    kind = str(index.get("_class_name", ""))
    if kind not in PIPELINES:
        raise UserError(f"{folder} is a {kind or 'folder of another kind'}; a model of SD1, SD2 or SDXL is needed")
    unet_config = _json(folder / "unet" / "config.json")
    refuse_channels(int(unet_config.get("in_channels", 4)), str(folder))
    names = [("tokenizer", "text_encoder"), ("tokenizer_2", "text_encoder_2")]
    present = [pair for pair in names if index.get(pair[1], [None])[0]]
    xl = unet_config.get("addition_embed_type") == "text_time"
    if len(present) != (2 if xl else 1):
        raise UserError(f"{folder} is an SDXL refiner or of another architecture; use a base model")
    family = Family.SDXL if xl else Family.SD2 if unet_config.get("use_linear_projection") else Family.SD1
    components = Components(
        name=folder.name,
        family=family,
        unet=_diffusers_part("UNet2DConditionModel", folder, "unet", placement.dtype),
        vae=_diffusers_part("AutoencoderKL", folder, "vae", None),
        encoders=tuple(_encoder(folder, *pair, placement.dtype) for pair in present),
        scheduler=_scheduler(folder),
        placement=placement,
    )
    return with_prediction(components, prediction)


def load_hub(name: str, placement: Placement, prediction: str = "auto", online: bool = True) -> Components:
    """The parts of a repository of the hub: from its cache, else downloaded with progress.

    Args:
        name: "owner/name" for the commit that was downloaded first, or the newest where none was; "owner/name@revision"
            for a commit, branch or tag.
        placement: where it will compute.
        prediction: what the UNet predicts, or "auto".
        online: whether the hub may be asked.

    Raises:
        UserError: it is neither in the cache nor can it be fetched; or as `load_folder`.
    """
    return load_folder(_snapshot(name, online), placement, prediction)


def _snapshot(name: str, online: bool) -> Path:
    from diffusers import DiffusionPipeline

    repository, _, revision = name.partition("@")
    wanted: dict[str, Any] = dict.fromkeys(UNUSED)
    wanted["revision"] = revision or first_seen(hub_cache(), repository) or None
    reason = "the hub was not asked"
    for local in (True, False) if online else (True,):
        try:
            folder = Path(DiffusionPipeline.download(repository, local_files_only=local, **wanted))
        except Exception as error:  # the hub's client has many kinds of errors, other ones in each version
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
            continue
        if (folder / INDEX).is_file():
            if not (local or revision):
                keep_first_seen(hub_cache(), repository, folder.name)
            return folder
    raise UserError(
        f"{name} is neither a file nor a folder here, nor could it be had from the hub ({reason}); "
        "name a checkpoint file, a folder with model_index.json, or a repository such as owner/name"
    )


def _json(path: Path) -> Config:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except ValueError:
        raise UserError(f"{path} is no JSON; download the model again") from None
    if not isinstance(content, dict):
        raise UserError(f"{path} holds no configuration; download the model again")
    return content


def _scheduler(folder: Path) -> Config:
    config = _json(folder / "scheduler" / "scheduler_config.json")
    return {key: value for key, value in config.items() if not key.startswith("_")}


def _diffusers_part(kind: str, folder: Path, part: str, dtype: Any) -> Any:
    """A network of diffusers', filled by our own reader of weights."""
    import diffusers
    import torch

    config = _json(folder / part / "config.json")
    try:
        module = empty(getattr(diffusers, kind).from_config, config, dtype or torch.float32)
    except Exception as error:  # whatever diffusers meets first in a configuration that is not one
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise UserError(
            f"{folder / part} is missing, damaged or of another kind ({reason}); download it again"
        ) from None
    state = _renamed(load_weights(folder / part, NETWORK), module.state_dict())
    fill_module(module, state, folder / part)
    return module


_OLD_NAMES = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""What diffusers before 0.17 called the layers of the VAE's attention."""


def _renamed(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The weights by the names of this version of diffusers."""
    found = {}
    for key, value in state.items():
        block, _, kind = key.rpartition(".")
        block, _, layer = block.rpartition(".")
        new = f"{block}.{_OLD_NAMES.get(layer, layer)}.{kind}"
        found[new if key not in own and new in own else key] = value
    return found


def _encoder(folder: Path, tokenizer_part: str, part: str, dtype: Any) -> Encoder:
    config = _json(folder / part / "config.json")
    projection = "CLIPTextModelWithProjection" in config.get("architectures", [])
    plain = {key: value for key, value in config.items() if key not in ("architectures", "torch_dtype", "dtype")}
    model = text_model(plain, projection, dtype)
    weights = load_weights(folder / part, TRANSFORMER)
    fill_text_model(model, {key.removeprefix("text_model."): value for key, value in weights.items()}, folder / part)
    tokenizer = open_tokenizer(folder / tokenizer_part)
    return Encoder(tokenizer, model, int(tokenizer.pad_token_id))
