"""LoRAs and textual inversions: small files beside a model that change it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError
from t2c_ext.twin.diffusion.components import Components, Encoder
from t2c_ext.twin.diffusion.prompt import LoraRequest
from t2c_ext.twin.families import Family
from t2c_ext.weights.places import expanded

if TYPE_CHECKING:
    from torch import Tensor

ENDINGS = (".safetensors", ".pt", ".bin", ".ckpt")


def find_by_name(folder: Path, name: str, endings: Sequence[str] = ENDINGS) -> Path | None:
    """The file of that name (without its ending, letters of either case) in a folder or the folders inside it."""
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in endings and path.stem.lower() == name.lower() and path.is_file()
    ]
    return min(found, key=lambda path: endings.index(path.suffix.lower())) if found else None


def apply_loras(components: Components, requests: Sequence[LoraRequest], folder: str) -> None:
    """Merge LoRAs into the UNet and the text encoders, each with its strength.

    Args:
        components: the model; changed for good, so load it anew for another prompt.
        requests: what the prompt names.
        folder: where the files lie.

    Raises:
        UserError: no folder is named, a file is not there or of another model, or the environment lacks PEFT.
    """
    if not requests:
        return
    if not folder:
        raise UserError(f"the prompt names the LoRA {requests[0].name}; say where it lies with --lora-folder")
    files = []
    for request in requests:
        path = find_by_name(expanded(folder), request.name)
        if path is None:
            raise UserError(f"there is no LoRA called {request.name} in {folder}")
        files.append((request, path))
    _require_peft()
    pipeline = pipeline_of(components)
    for request, path in files:
        _merge(pipeline, request, path)


def _require_peft() -> None:
    import diffusers.utils

    if not getattr(diffusers.utils, "USE_PEFT_BACKEND", False):
        raise UserError(
            "LoRAs need the package peft and a newer transformers (pip install -U peft transformers); "
            "or take the <lora:…> out of the prompt"
        )


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


def _merge(pipeline: Any, request: LoraRequest, path: Path) -> None:
    from t2c_ext.weights.states import load_state

    state = load_state(path)
    networks = {
        name: getattr(pipeline, name) for name in ("unet", "text_encoder", "text_encoder_2") if _has(pipeline, name)
    }
    try:
        pipeline.load_lora_weights(state, adapter_name="t2c")
        touched = [name for name, network in networks.items() if getattr(network, "peft_config", None)]
        if not touched:
            raise ValueError("none of its layers are in this model")
        for name in touched:
            strength = request.unet if name == "unet" else request.encoder
            pipeline.fuse_lora(components=[name], lora_scale=strength)
        pipeline.unload_lora_weights()
    except Exception as error:  # diffusers, peft and torch each have their own for a file of another model
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:160]
        raise UserError(f"the LoRA {path.name} does not fit this model ({reason})") from None
    for network in networks.values():
        network.eval().requires_grad_(False)


def _has(pipeline: Any, name: str) -> bool:
    return getattr(pipeline, name, None) is not None


def load_embeddings(components: Components, folder: str, prompts: Sequence[str]) -> tuple[str, ...]:
    """Give the text encoders the textual inversions whose names stand in the prompts.

    Args:
        components: the model.
        folder: where the files lie; empty: none.
        prompts: all prompts.

    Returns:
        Sentences for the user: what was left out, as it belongs to another kind of model.

    Raises:
        UserError: the folder is not there, or a file is damaged.
    """
    if not folder:
        return ()
    place = expanded(folder)
    if not place.is_dir():
        raise UserError(f"there is no embeddings folder {folder}")
    notes = []
    words = " ".join(prompts).lower()
    for path in sorted(place.rglob("*")):
        if path.suffix.lower() in ENDINGS and path.stem.lower() in words:
            for encoder, vectors in zip(components.encoders, _vectors(path, components.encoders), strict=True):
                if vectors is not None:
                    encoder.embeddings[path.stem.lower()] = vectors
            if not any(path.stem.lower() in encoder.embeddings for encoder in components.encoders):
                notes.append(f"The textual inversion {path.stem} belongs to another kind of model and was left out.")
    return tuple(notes)


def _vectors(path: Path, encoders: Sequence[Encoder]) -> list[Tensor | None]:
    """For each encoder the vectors of its width, [vectors, width], or None."""
    import torch

    tensors = [value for value in _tensors(path) if value.dtype.is_floating_point and value.numel()]
    rows = [value.reshape(-1, value.shape[-1]).to(torch.float32) for value in tensors]
    left = list(rows)
    found: list[Tensor | None] = []
    for encoder in encoders:
        match = next((row for row in left if row.shape[1] == encoder.width), None)
        found.append(match)
        left = [row for row in left if row is not match] if len(left) > 1 else left
    return found


def _tensors(path: Path) -> list[Tensor]:
    """The tensors of a textual inversion's file: a dictionary of them, or one under "string_to_param"."""
    import torch

    from t2c_ext.weights.states import load_content

    content = load_content(path)
    content = content.get("string_to_param", content) if isinstance(content, dict) else content
    values = content if isinstance(content, dict) else {"": content}
    named = [values[name] for name in ("clip_l", "clip_g") if name in values]
    return [value for value in named or values.values() if isinstance(value, torch.Tensor)]
