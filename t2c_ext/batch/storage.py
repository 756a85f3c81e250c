"""Storages behind an address (S3, GCS, Azure, SFTP, HTTP ...), through fsspec."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from t2c_ext.errors import UserError

T = TypeVar("T")


class Storage:
    """A folder behind an address.

    Attributes:
        address: such as "s3://bucket/loops".
    """

    def __init__(self, address: str) -> None:
        """Open it.

        Raises:
            UserError: fsspec or the package for this kind of storage is not installed, or it cannot be reached.
        """
        try:
            import fsspec
        except ImportError:
            raise UserError(f"{address} needs the package fsspec: pip install fsspec") from None
        self.address = address.rstrip("/")
        self._system: Any
        try:
            self._system, self._root = fsspec.core.url_to_fs(self.address)
        except ImportError as error:  # fsspec names the package in its sentence
            raise UserError(f"{address} cannot be opened: {error}") from None
        except Exception as error:  # each kind of storage has its own
            raise UserError(f"{address} cannot be opened: {_said(error)}") from None

    def sizes(self) -> dict[str, int]:
        """Every file in it by its name, with its size in bytes; nothing where it is not there yet."""
        try:
            found = self._system.find(self._root, detail=True)
        except FileNotFoundError:
            return {}
        except Exception as error:
            raise UserError(f"{self.address} cannot be read: {_said(error)}") from None
        return {name[len(self._root) :].lstrip("/"): int(row.get("size") or 0) for name, row in found.items()}

    def get(self, name: str, local: Path) -> bool:
        """Copy a file, or a folder with all that is in it, to this machine; False where there is none."""

        def copy() -> bool:
            place = f"{self._root}/{name}"
            if not self._system.exists(place):
                return False
            local.parent.mkdir(parents=True, exist_ok=True)
            if self._system.isdir(place):
                local.mkdir(exist_ok=True)
                self._system.get(place.rstrip("/") + "/", f"{local}/", recursive=True)
            else:
                self._system.get_file(place, str(local))
            return True

        return self._try("read", name, copy)

    def put(self, local: Path, name: str) -> None:
        """Copy a file, or a folder with all that is in it, to the storage; no name is there before it is whole."""

        def copy() -> None:
            files = sorted(path for path in local.rglob("*") if path.is_file()) if local.is_dir() else [local]
            for path in files:
                target = f"{self._root}/{name}"
                if path is not local:
                    target += f"/{path.relative_to(local).as_posix()}"
                folder, _, last = target.rpartition("/")
                part = f"{folder}/.{last}-{uuid4().hex[:8]}.part"
                self._system.makedirs(folder, exist_ok=True)
                try:
                    self._system.put_file(str(path), part)
                    self._system.mv(part, target)
                except BaseException:
                    if self._system.exists(part):
                        self._system.rm(part)
                    raise

        self._try("write", name, copy)

    def remove(self, name: str) -> None:
        """Delete a file or folder that we wrote, where it is there."""

        def delete() -> None:
            place = f"{self._root}/{name}"
            if self._system.exists(place):
                self._system.rm(place, recursive=True)

        self._try("delete", name, delete)

    def _try(self, what: str, name: str, work: Callable[[], T]) -> T:
        try:
            self._system.invalidate_cache()
            return work()
        except Exception as error:  # each kind of storage has its own
            raise UserError(f"cannot {what} {self.address}/{name}: {_said(error)}") from None


def fetch(address: str, local: Path) -> None:
    """Copy what lies at an address to a file of this machine.

    Raises:
        UserError: it cannot be read.
    """
    folder, _, name = address.rpartition("/")
    if not Storage(folder).get(name, local):
        raise UserError(f"cannot read {address}: there is no such file")


def _said(error: Exception) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
