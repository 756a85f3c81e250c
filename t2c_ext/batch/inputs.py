"""The files that a row is made from: whether they are as they were, and where a worker finds them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2c_ext.batch.rows import is_address
from t2c_ext.batch.storage import fetch
from t2c_ext.errors import UserError


def state_of(name: str) -> dict[str, Any]:
    """Size, time and digest of a file; of a folder, which may hold a model, or of an address nothing."""
    path = Path(name)
    if is_address(name) or not path.is_file():
        return {}
    status = path.stat()
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256") if hasattr(hashlib, "file_digest") else _digest(file.read())
    return {"bytes": status.st_size, "time": status.st_mtime_ns, "digest": digest.hexdigest()}


def is_as_it_was(name: str, before: Mapping[str, Any]) -> bool:
    """Whether a file is what it was: by size and time, and where only the time differs by its content.

    What lies at an address, and what is not on this machine, counts as unchanged.
    """
    if not before or is_address(name):
        return True
    try:
        status = Path(name).stat()
    except OSError:
        return True
    if status.st_size != before.get("bytes"):
        return False
    return status.st_mtime_ns == before.get("time") or state_of(name).get("digest") == before.get("digest")


def _digest(content: bytes) -> Any:
    return hashlib.sha256(content)


class Unseen(Exception):
    """Files that this machine does not have.

    Attributes:
        names: of them.
    """

    def __init__(self, *names: str) -> None:
        """Keep the names."""
        super().__init__(*names)
        self.names = names


def at_hand(name: str | None, folder: Path, sent: Mapping[str, bytes]) -> Path | None:
    """Where a file lies on this machine: in its place, or in `folder`, if it was sent or had to be fetched.

    Args:
        name: the file or address, or None.
        folder: for what is fetched or sent; made where it is needed.
        sent: the content of files that this machine does not have.

    Raises:
        Unseen: it is not here.
        UserError: it cannot be fetched.
    """
    if name is None:
        return None
    path = Path(name)
    if not is_address(name) and name not in sent:
        if not path.exists():
            raise Unseen(name)
        return path
    apart = hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:8]
    local = folder / apart / (name.rstrip("/").rpartition("/")[2] or "file")
    try:
        local.parent.mkdir(parents=True, exist_ok=True)
        if name in sent:
            local.write_bytes(sent[name])
        else:
            fetch(name, local)
    except OSError as error:
        raise UserError(f"cannot read {name}: {error.strerror or error}") from None
    return local
