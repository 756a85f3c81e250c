"""State dicts from files: pickles opened without running code, safetensors, and loud errors for what does not fit."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn

PARALLEL_PREFIX = "module."
"""What DataParallel puts before each key."""

ZIP_START, PICKLE_START = b"PK\x03\x04", b"\x80"
"""How files of torch.save start, since version 1.6 and before it."""

NAMES_SHOWN = 3
"""So many keys of each kind are named in an error."""


def load_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, on the CPU.

    Args:
        path: a file of torch.save (a bare dictionary of tensors, or one under "state_dict") or a safetensors file;
            told apart by content, not by name.

    Returns:
        Key to tensor in the file's order, without the `module.` that DataParallel leaves before every key.

    Raises:
        UserError: there is no such file, it is truncated, no checkpoint, or a pickle that would run code.
    """
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    state = _load_safetensors(path) if _is_safetensors(start) else _load_pickle(path, start)
    return _without_prefix(state)


def fill_module(module: nn.Module, state: Mapping[str, Tensor], what: str | Path) -> None:
    """Copy a state dict into a module, all of it or an error. A module on the meta device takes the tensors over.

    Args:
        module: the module; untouched when an error is raised.
        state: key to tensor.
        what: the file that the state comes from, for the error.

    Raises:
        UserError: a key is missing, not known, or has another shape.
    """
    own = module.state_dict()
    missing = [key for key in own if key not in state]
    unknown = [key for key in state if key not in own]
    other = [key for key in own if key in state and own[key].shape != state[key].shape]
    shapes = [f"{key} is {list(state[key].shape)}, should be {list(own[key].shape)}" for key in other]
    counts = (("missing", missing), ("not known", unknown), ("of another shape", shapes))
    faults = [f"{len(rows)} {said} ({_some(rows)})" for said, rows in counts if rows]
    if faults:
        raise UserError(f"{what} does not fit this network: {'; '.join(faults)}; download it again or use another file")
    if any(value.is_meta for value in own.values()):
        module.load_state_dict({key: state[key].to(own[key].dtype) for key in own}, strict=True, assign=True)
    else:
        module.load_state_dict(dict(state), strict=True)


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMES_SHOWN]) + (", …" if len(names) > NAMES_SHOWN else "")


def _is_safetensors(start: bytes) -> bool:
    """Whether a file starts as safetensors do: eight bytes of header length, then a JSON object."""
    return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise UserError(f"{path} needs the package safetensors: pip install safetensors") from None
    try:
        return dict(load_file(str(path)))
    except (SafetensorError, ValueError, KeyError, OSError) as error:
        raise UserError(f"{path} is damaged or truncated ({_first_line(error)}); download it again") from None


def _load_pickle(path: Path, start: bytes) -> dict[str, Tensor]:
    try:
        import torch
    except ImportError:
        raise UserError(f"{path} needs torch: pip install torch") from None
    if start[:4] != ZIP_START and start[:1] != PICKLE_START:
        raise UserError(f"{path} is no checkpoint; download it again")
    _refuse_archives_of_code(path, start)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except UnpicklingError as error:
        if "Unsupported" in str(error) or "GLOBAL" in str(error):
            raise UserError(f"{path} holds code, not only weights, and was not opened; get it elsewhere") from None
        raise UserError(f"{path} is no checkpoint, or damaged; download it again") from None
    except Exception as error:  # each version of torch has its own for a file that is cut off
        raise UserError(f"{path} is truncated or no checkpoint ({_first_line(error)}); download it again") from None
    return _tensors_of(content, path)


def _refuse_archives_of_code(path: Path, start: bytes) -> None:
    """Before 2.6 torch opens tar files and TorchScript with code, whatever weights_only says (CVE-2025-32434)."""
    if start[:4] == ZIP_START:
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError):
            raise UserError(f"{path} is truncated or no checkpoint; download it again") from None
        if any(name.rsplit("/", 1)[-1] == "constants.pkl" for name in names):
            raise UserError(f"{path} is a TorchScript program, not a checkpoint of weights; use the state dict")
    elif tarfile.is_tarfile(path):
        raise UserError(f"{path} is a tar archive, not a checkpoint of weights; unpack it and use the file inside")


def _tensors_of(content: Any, path: Path) -> dict[str, Tensor]:
    import torch

    inner = content.get("state_dict", content) if isinstance(content, Mapping) else None
    if not isinstance(inner, Mapping) or not inner:
        raise UserError(f"{path} is no state dict: it holds a {type(content).__name__}")
    strangers = [str(key) for key, value in inner.items() if not isinstance(value, torch.Tensor)]
    if strangers:
        raise UserError(f"{path} is no state dict: {_some(strangers)} is not a tensor")
    return {str(key): value for key, value in inner.items()}


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    while state and all(key.startswith(PARALLEL_PREFIX) for key in state):
        state = {key.removeprefix(PARALLEL_PREFIX): value for key, value in state.items()}
    return state


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
