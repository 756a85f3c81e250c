"""Files and folders that are whole or not there: written under a temporary name, then renamed."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.temporaries import sweep, temporary_name

_NOT_SYNCED = (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES)
"""What file systems say that cannot write through to the disk, and Windows where a file is open elsewhere."""

_ALMOST_NOTHING = 1 << 20
"""Bytes; with less left on a disk, a write that failed without a reason failed for want of room."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path in `path`'s folder; rename it to `path` when the block ends well, else delete it.

    Raises:
        UserError: the folder cannot be made or written to, or the disk is full.
    """
    temporary = path.with_name(temporary_name(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        _write_through(temporary)
        if temporary.stat().st_mode != mode:
            # some libraries put a file of their own in its place, which no one else may read
            temporary.chmod(mode)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error, path)}") from None
    finally:
        with suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """The same for a folder as a whole: what was there is put aside, and deleted when the new one is in its place.

    Raises:
        UserError: as `replacing`; the old folder is there still.
    """
    temporary = path.with_name(temporary_name(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent)
        temporary.mkdir()
        yield temporary
        for file in temporary.iterdir():
            _write_through(file)
        _put_in_place(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {reason(error, path)}") from None
    finally:
        with suppress(OSError, ValueError):
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write a UTF-8 text file whole."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def _put_in_place(temporary: Path, path: Path) -> None:
    if not path.exists():
        temporary.rename(path)
        return
    aside = path.with_name(temporary_name(path, aside=True))
    path.rename(aside)
    try:
        temporary.rename(path)
    except OSError:
        aside.rename(path)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _write_through(file: Path) -> None:
    """Have the disk hold a file before it is renamed, or a loss of power leaves the new name with nothing under it."""
    if not file.is_file():
        return
    descriptor = os.open(file, os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise
    finally:
        os.close(descriptor)


def reason(error: OSError, path: Path) -> str:
    """Why a path was not written, in a few words."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or (error.errno is None and _is_full(path.parent)):
        return "the disk is full"
    return error.strerror or " ".join(str(error).split()) or type(error).__name__


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < _ALMOST_NOTHING
    except OSError:
        return False
