"""The weights in a folder, as the hub's libraries lay them out: one file or several with an index, whole or halved."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from t2c_ext.errors import UserError
from t2c_ext.weights.states import load_state
from t2c_ext.weights.unpack import safe_path

if TYPE_CHECKING:
    from torch import Tensor

NETWORK = ("diffusion_pytorch_model",)
"""What diffusers calls the weights of a network."""

TRANSFORMER = ("model", "pytorch_model")
"""What transformers calls them: as safetensors, and as a pickle."""

ENDINGS = (".safetensors", ".bin")
"""The kinds of files, the safer first; what is in them decides how they are read."""

VARIANTS = ("", "fp16", "bf16")
"""Whole weights first; the others are read where there is nothing else."""


def find_weights(folder: Path, names: tuple[str, ...]) -> Path | None:
    """The file of weights in a folder, or the index of several; None without any."""
    for ending in ENDINGS:
        for name in names:
            for variant in VARIANTS:
                mark = f".{variant}" if variant else ""
                for file in (
                    f"{name}{mark}{ending}",
                    f"{name}{ending}.index{mark}.json",
                    f"{name}{mark}{ending}.index.json",
                ):
                    if (folder / file).is_file():
                        return folder / file
    return None


def load_folder(folder: Path, names: tuple[str, ...]) -> dict[str, Tensor]:
    """The weights of a network in a folder, on the CPU.

    Args:
        folder: the folder, without those inside it.
        names: what the files are called, without endings and numbers: `NETWORK` or `TRANSFORMER`.

    Returns:
        Key to tensor; nothing in a file is run.

    Raises:
        UserError: there are none, or a file is missing, damaged or holds code.
    """
    found = find_weights(folder, names)
    if found is None:
        raise UserError(f"{folder} has no {names[0]}.safetensors; download the model again")
    if found.suffix != ".json":
        return load_state(found)
    places = _index(found)
    state: dict[str, Tensor] = {}
    for name in dict.fromkeys(places.values()):
        state |= load_state(folder / name)
    missing = next((key for key in places if key not in state), None)
    if missing is not None:
        raise UserError(f"{found} says {missing[:100]!r} lies in {places[missing]}, but it does not; download it again")
    return state


def _index(path: Path) -> dict[str, str]:
    """The file of each key, by an index."""
    try:
        places = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
        found = {str(key): str(name) for key, name in places.items()}
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise UserError(f"{path} is no index of weights; download it again") from None
    for name in found.values():
        if safe_path(name) is None or "/" in name:
            raise UserError(f"{path} names the unsafe file {name[:80]!r}; get the model elsewhere")
    return found
