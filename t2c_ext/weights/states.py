"""Weights from files: the one way in which this package reads what torch or safetensors wrote.

A file is told apart by its content, not by its name, and nothing in it is run (see `torch_files`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError
from t2c_ext.pipes import refuse_pipe
from t2c_ext.weights.eight_bits import widened
from t2c_ext.weights.pickles import Made
from t2c_ext.weights.torch_files import TorchFile, mapping_of, open_torch_file

if TYPE_CHECKING:
    from torch import Tensor, nn

PARALLEL_PREFIX = "module."
"""What DataParallel puts before each key."""

WRAPPERS = ("state_dict", "model_state_dict", "model")
"""Keys under which training code keeps the tensors, beside what it needs to go on."""

NAMES_SHOWN = 3
"""So many keys of each kind are named in an error."""


def load_state(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, on the CPU.

    Args:
        path: a file of torch.save (a bare dictionary of tensors, or one under "state_dict" or "model", beside whatever
            training left there) or a safetensors file.

    Returns:
        Key to tensor in the file's order, without the `module.` that DataParallel leaves before every key; weights of
        eight bits are widened (see `eight_bits`).

    Raises:
        UserError: there is no such file, it is truncated, no checkpoint, or a pickle that would run code.
    """
    state = _load_safetensors(path) if is_safetensors(path) else _load_torch(path)
    try:
        return widened(_without_prefix(state))
    except ValueError as error:
        raise UserError(f"{path} cannot be used: {error}") from None


def notes_of(path: Path) -> dict[str, str]:
    """The texts that a safetensors file carries beside its tensors; empty for other files."""
    if not is_safetensors(path):
        return {}
    from safetensors import safe_open

    try:
        with safe_open(str(path), "pt") as file:
            return dict(file.metadata() or {})
    except Exception:  # reading the tensors says what is wrong with the file
        return {}


def load_content(path: Path) -> Any:
    """What a file holds: dictionaries, lists and tuples of tensors and plain values, or a lone tensor, on the CPU.

    Objects of other classes come as inert descriptions of them (`pickles.Made`).

    Raises:
        UserError: as `load_state`.
    """
    if is_safetensors(path):
        return _load_safetensors(path)
    with closing(_open(path)) as file:
        return file.thaw(file.content)


def load_tensor(path: Path) -> Tensor:
    """The only tensor of a file, on the CPU.

    Raises:
        UserError: as `load_state`, or it holds something else.
    """
    import torch

    content = load_content(path)
    values = list(content.values()) if isinstance(content, dict) else [content]
    if len(values) != 1 or not isinstance(values[0], torch.Tensor):
        raise UserError(f"{path} holds no tensor, or more than one")
    return values[0]


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
    shown = ["".join(sign if sign.isprintable() else "?" for sign in name)[:100] for name in names[:NAMES_SHOWN]]
    return ", ".join(shown) + (", …" if len(names) > NAMES_SHOWN else "")


def is_safetensors(path: Path) -> bool:
    """Whether a file starts as safetensors do: eight bytes of header length, then a JSON object.

    Raises:
        UserError: it cannot be read.
    """
    try:
        refuse_pipe(path)
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    return len(start) > 8 and start[8:9] == b"{" and int.from_bytes(start[:8], "little") < 2**32


def _load_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ImportError:
        raise UserError(f"{path} needs the package safetensors: pip install safetensors") from None
    try:
        return dict(load_file(str(path)))
    except (SafetensorError, ValueError, KeyError, AttributeError, OSError) as error:
        raise UserError(f"{path} is damaged or truncated ({_first_line(error)}); download it again") from None


def _open(path: Path) -> TorchFile:
    try:
        import torch  # noqa: F401 - said before the file is read
    except ImportError:
        raise UserError(f"{path} needs torch: pip install torch") from None
    return open_torch_file(path)


def _load_torch(path: Path) -> dict[str, Tensor]:
    with closing(_open(path)) as file:
        return _tensors_of(file)


def _tensors_of(file: TorchFile) -> dict[str, Tensor]:
    import torch

    inner = mapping_of(file.content)
    for name in WRAPPERS:
        if inner is not None and mapping_of(inner.get(name)):
            inner = mapping_of(inner[name])
            break
    if not inner:
        raise UserError(f"{file.path} is no state dict: it holds {_kind(file.thaw(file.content))}")
    state = file.thaw(dict(inner))
    unknown = [str(key) for key, value in state.items() if not isinstance(value, torch.Tensor)]
    if unknown:
        raise UserError(f"{file.path} is no state dict: {_some(unknown)} is not a tensor")
    return {str(key): value for key, value in state.items()}


def _kind(content: object) -> str:
    if isinstance(content, Made):
        return f"an object of {content.maker}"
    return f"a {type(content).__name__}"


def _without_prefix(state: dict[str, Tensor]) -> dict[str, Tensor]:
    while state and all(key.startswith(PARALLEL_PREFIX) for key in state):
        state = {key.removeprefix(PARALLEL_PREFIX): value for key, value in state.items()}
    return state


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:120]
