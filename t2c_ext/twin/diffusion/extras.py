"""LoRAs and textual inversions: small files beside a model that change it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError, Way
from t2c_ext.twin.diffusion.components import Components, Encoder
from t2c_ext.twin.diffusion.embeddings import names_pattern
from t2c_ext.twin.diffusion.lora_deltas import KNOWN, merged_bias, merged_weight, unsupported_kind
from t2c_ext.twin.diffusion.lora_names import grouped, layers_of, with_alphas
from t2c_ext.twin.diffusion.prompt import LoraRequest, named_embeddings
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


def apply_loras(components: Components, requests: Sequence[LoraRequest], folder: str) -> tuple[str, ...]:
    """Merge LoRAs into the UNet and the text encoders, each with its strength.

    Args:
        components: the model; changed for good, so load it anew for another prompt.
        requests: what the prompt names.
        folder: where the files lie.

    Returns:
        Sentences for the user: which layers of a file this model does not have.

    Raises:
        UserError: no folder is named, or a file is not there, of a kind that is not supported, or of another model.
    """
    if not requests:
        return ()
    if not folder:
        raise UserError(
            f"the prompt names the LoRA {requests[0].name}, and no folder of LoRAs is named",
            ways=[Way("say where it lies", "lora_folder")],
        )
    files = []
    for request in requests:
        path = find_by_name(expanded(folder), request.name)
        if path is None:
            raise UserError(f"there is no LoRA called {request.name} in {folder}")
        files.append((request, path))
    return tuple(note for request, path in files for note in _merge(components, request, path))


def _merge(components: Components, request: LoraRequest, path: Path) -> Iterator[str]:
    """Add a file's differences to the layers that they are for; nothing is changed where one does not fit."""
    import torch

    from t2c_ext.weights.states import load_state, notes_of

    plain, left_out = grouped(load_state(path))
    try:
        groups = with_alphas(plain, notes_of(path).get("lora_adapter_metadata", ""))
    except ValueError as error:
        raise UserError(f"the LoRA {path.name} cannot be used: {error}") from None
    kind = unsupported_kind(part for parts in groups.values() for part in parts)
    if kind:
        raise UserError(
            f"the file {path.name} is of the kind {kind}, which is not supported; "
            "LoRA, LoCon, LoHa, LoKr, DoRA and full differences are"
        )
    layers = _layers(components)
    changes: list[tuple[Any, Any]] = []
    for (network, layer), parts in groups.items():
        module = layers.get(network, {}).get(layer)
        if module is None or not KNOWN.issuperset(parts):
            left_out.append(f"{network} {layer}")
            continue
        strength = request.unet if network == "unet" else request.encoder
        try:
            changes.append((module.weight, merged_weight(module.weight, parts, strength)))
            if getattr(module, "bias", None) is not None:
                changes.append((module.bias, merged_bias(module.bias, parts, strength)))
        except ValueError as error:
            raise UserError(f"the LoRA {path.name} does not fit this model ({layer}: {error})") from None
    if not changes:
        raise UserError(f"the LoRA {path.name} does not fit this model (none of its layers are in it)")
    with torch.no_grad():
        for parameter, value in changes:
            parameter.copy_(value)
    if left_out:
        count = f"{len(left_out)} parts" if len(left_out) > 1 else "a part"
        yield f"This model has no place for {count} of the LoRA {request.name} ({left_out[0][:100]}); left out."


def _layers(components: Components) -> dict[str, dict[str, Any]]:
    """The layers of each network by the names that files give them."""
    names = ("text_encoder", "text_encoder_2")
    encoders = zip(names, components.encoders, strict=False)
    return {"unet": layers_of(components.unet, True)} | {name: layers_of(part.model, False) for name, part in encoders}


def load_embeddings(components: Components, folder: str, prompts: Sequence[str]) -> tuple[str, ...]:
    """Give the text encoders the textual inversions whose names stand in the prompts.

    Args:
        components: the model.
        folder: where the files lie; empty: none.
        prompts: all prompts.

    Returns:
        Sentences for the user: what belongs to another kind of model, and what is named as a textual inversion
        (`embedding:name`, or `<name>` as in diffusers' files) and is not there.

    Raises:
        UserError: the folder is not there, or a file is damaged.
    """
    notes = []
    if folder:
        if not expanded(folder).is_dir():
            raise UserError(f"there is no embeddings folder {folder}")
        for path in embedding_files(folder, prompts):
            notes += _load_embedding(components, path)
    known = {name for encoder in components.encoders for name in encoder.embeddings}
    missing = [name for prompt in prompts for name in named_embeddings(prompt) if name.lower() not in known]
    notes += [f"There is no textual inversion called {name} for this model." for name in dict.fromkeys(missing)]
    return tuple(notes)


def embedding_files(folder: str, prompts: Sequence[str]) -> list[Path]:
    """The textual inversions in a folder whose names stand in the prompts; none where no folder is named."""
    words = " ".join(prompts)
    found = sorted(expanded(folder).rglob("*")) if folder else []
    return [path for path in found if path.suffix.lower() in ENDINGS and re.search(names_pattern([path.stem]), words)]


def _load_embedding(components: Components, path: Path) -> list[str]:
    name = path.stem.lower()
    for encoder, vectors in zip(components.encoders, _vectors(path, components.encoders), strict=True):
        if vectors is not None:
            encoder.embeddings[name] = vectors
    if any(name in encoder.embeddings for encoder in components.encoders):
        return []
    return [f"The textual inversion {path.stem} belongs to another kind of model and was left out."]


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
