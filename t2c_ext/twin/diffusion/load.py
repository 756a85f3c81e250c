"""A model from whatever the user names: a file, a folder, or a repository of the hub."""

from __future__ import annotations

import os
from pathlib import Path

from t2c_ext.errors import UserError, Way
from t2c_ext.twin import miniature
from t2c_ext.twin.diffusion.components import Components, Placement
from t2c_ext.twin.diffusion.folder import INDEX, load_folder, load_hub
from t2c_ext.twin.diffusion.single_file import load_single_file
from t2c_ext.weights.places import expanded

FILES = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")


def load_model(name: str, placement: Placement, prediction: str = "auto") -> Components:
    """The parts of a model; the hub is asked last, and not at all with HF_HUB_OFFLINE=1.

    Args:
        name: a checkpoint file, a folder in diffusers' layout, "owner/name" or "owner/name@revision" of the hub, or
            "miniature", the built-in model, for which nothing else is looked for anywhere.
        placement: where it will compute.
        prediction: what the UNet predicts ("epsilon", "v_prediction"), or "auto".

    Raises:
        UserError: it is not there, damaged, of another architecture, or diffusers is not installed.
    """
    require_diffusers()
    if name.strip() == miniature.NAME:
        return load_single_file(miniature.model_file(), placement, prediction, online=False)
    path, online = expanded(name), os.environ.get("HF_HUB_OFFLINE", "0") in ("", "0")
    if not name.strip():
        raise UserError(
            "no model is named", ways=[Way("name a checkpoint file, a folder, or a repository of the hub", "model")]
        )
    components = _load(name, path, placement, prediction, online)
    if placement.device.type == "mps":
        # its attention holds all probabilities at once; elsewhere torch's own needs no slicing
        components.unet.set_attention_slice("auto")
    return components


def _load(name: str, path: Path, placement: Placement, prediction: str, online: bool) -> Components:
    if path.is_file():
        return load_single_file(path, placement, prediction, online)
    if path.is_dir():
        if not (path / INDEX).is_file():
            raise UserError(f"{path} has no {INDEX}; name a folder in diffusers' layout, or the checkpoint file in it")
        return load_folder(path, placement, prediction)
    if path.suffix.lower() in FILES or name.count("/") != 1 or path.is_absolute():
        raise UserError(f"there is no model {name}")
    return load_hub(name, placement, prediction, online)


def require_diffusers() -> None:
    """Raise UserError, with what to install, unless diffusers can be imported."""
    try:
        import accelerate
        import diffusers
        import transformers
    except ImportError as error:
        raise UserError(
            f"making pictures needs the package {error.name}: pip install text2cinemagraph-webui[diffusion]"
        ) from None
    del accelerate, diffusers, transformers
