"""Pickled checkpoints as safetensors: smaller risk, faster to open, the same numbers."""

from __future__ import annotations

import os
from pathlib import Path

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.weights.checksums import write_checksums
from t2c_ext.weights.fetch import sha256_of
from t2c_ext.weights.states import load_state


def convert_file(path: Path, target: Path | None = None) -> Path:
    """Write a pickled checkpoint's tensors as safetensors.

    Args:
        path: the pickle; it is opened without running code in it.
        target: the new file; beside the pickle, with the ending .safetensors, when None.

    Returns:
        The new file. The pickle stays.

    Raises:
        UserError: the pickle cannot be used, safetensors is not installed, or the target cannot be written.
    """
    target = target or path.with_suffix(".safetensors")
    if target.suffix != ".safetensors":
        raise UserError(f"{target} has to end with .safetensors")
    if target.exists() and path.exists() and target.samefile(path):
        raise UserError(f"{path} is a safetensors file already")
    if os.path.lexists(target):
        raise UserError(f"{target} is there already; move it away, or name another file")
    try:
        from safetensors.torch import save_file
    except ImportError:
        raise UserError("this needs the package safetensors: pip install safetensors") from None
    state = load_state(path)
    separate = {key: value.detach().clone().contiguous() for key, value in state.items()}
    with replacing(target) as temporary:
        save_file(separate, str(temporary), metadata={"format": "pt"})
    write_checksums(target.parent, {target.name: sha256_of(target)}, path.name)
    return target
