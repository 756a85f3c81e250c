"""A key for what something is made from: equal where the content is, and for no other reason.

Nothing is left to a value's `repr`, which shortens long arrays and may name a place in memory: a value of an unknown
type is an error of the program, not a key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from hashlib import _Hash


def key_of(*values: object) -> str:
    """A digest of the values' whole content.

    Args:
        values: None, numbers, texts, bytes, members of an Enum, arrays (by shape, type and bytes), paths (a file by its
            name, size and time, which tell one model from another without reading gigabytes; a folder by its files;
            what is not there by its name), dataclasses (by their name and all fields), and tuples, lists and mappings
            with text keys of all these.

    Raises:
        TypeError: a value of another type.
    """
    digest = hashlib.sha256()
    _feed(digest, values)
    return digest.hexdigest()


def file_digest(path: Path) -> str:
    """A digest of a file's bytes."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _feed(digest: _Hash, value: object) -> None:
    if isinstance(value, Enum):
        _part(digest, type(value).__qualname__, value.name.encode())
    elif value is None or isinstance(value, (bool, int, float)):
        _part(digest, type(value).__name__, repr(value).encode())
    elif isinstance(value, str):
        _part(digest, "str", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes):
        _part(digest, "bytes", value)
    elif isinstance(value, (np.ndarray, np.generic)):
        _feed_array(digest, np.asarray(value))
    elif isinstance(value, Path):
        _feed_sequence(digest, "path", _state_of(value))
    elif is_dataclass(value) and not isinstance(value, type):
        parts = tuple(part for item in fields(value) for part in (item.name, getattr(value, item.name)))
        _feed_sequence(digest, type(value).__qualname__, parts)
    elif isinstance(value, Mapping):
        _feed_sequence(digest, "mapping", tuple(part for name in sorted(value) for part in (str(name), value[name])))
    elif isinstance(value, (tuple, list)):
        _feed_sequence(digest, "sequence", tuple(value))
    else:
        raise TypeError(f"a {type(value).__name__} has no key")


def _part(digest: _Hash, kind: str, content: bytes) -> None:
    """One part, with its length ahead, so that no two sequences of parts run into the same bytes."""
    digest.update(f"{kind}:{len(content)}:".encode())
    digest.update(content)


def _feed_sequence(digest: _Hash, kind: str, values: tuple[object, ...]) -> None:
    digest.update(f"{kind}[{len(values)}]:".encode())
    for value in values:
        _feed(digest, value)


def _feed_array(digest: _Hash, values: np.ndarray) -> None:
    if values.dtype.hasobject:
        raise TypeError("an array of objects has no key")
    _part(digest, f"array{values.shape}{values.dtype.str}", b"")
    digest.update(np.ascontiguousarray(values).reshape(-1).view(np.uint8).data)


def _state_of(path: Path) -> tuple[object, ...]:
    """What tells a file or folder from another one of the same name."""
    if path.is_dir():
        inner = sorted(file for file in path.rglob("*") if file.is_file())
        return (path.name, *((file.relative_to(path).as_posix(), *_stamp(file)) for file in inner))
    return (path.name, *_stamp(path)) if path.is_file() else (str(path),)


def _stamp(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns
