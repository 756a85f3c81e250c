"""What this product wrote, and so may replace; everything else on a disk is someone else's."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.media.metadata import is_ours

LONGEST_SHOWN = 160
"""Characters of a path in a message, at most."""

_FRAME = re.compile(r"frame_\d{4,}\.png")


def shown(path: Path) -> str:
    """A path as messages name it: long ones by their end."""
    text = str(path)
    return text if len(text) <= LONGEST_SHOWN else f"...{text[-LONGEST_SHOWN:]}"


def resolved(path: Path) -> Path:
    """The place that a path leads to: absolute, every link followed, whether or not it is there.

    Raises:
        UserError: it is no path at all.
    """
    try:
        return Path(os.path.realpath(path))
    except (OSError, ValueError) as error:
        raise UserError(f"{shown(path)!r} is no path: {error}") from None


def same_place(first: Path, second: Path) -> bool:
    """Whether two paths lead to the same thing: by name, or by links, hard links and another spelling of the case."""
    if os.path.normcase(resolved(first)) == os.path.normcase(resolved(second)):
        return True
    try:
        return first.samefile(second)
    except (OSError, ValueError):
        return False  # at least one is not there, or cannot be looked at


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a path leads to something inside a folder, at any depth."""
    return any(same_place(parent, folder) for parent in resolved(path).parents)


def is_our_file(path: Path) -> bool:
    """Whether a file is a loop or a still of ours; one that cannot be read is not."""
    try:
        return path.is_file() and is_ours(path)
    except (UserError, OSError):
        return False


def is_our_folder(path: Path) -> bool:
    """Whether a folder holds frames that this product wrote, and nothing else; an empty one holds nothing to lose."""
    return path.is_dir() and all(_is_our_frame(file) for file in path.iterdir())


def _is_our_frame(file: Path) -> bool:
    if not _FRAME.fullmatch(file.name) or file.is_symlink() or not file.is_file():
        return False
    try:
        return is_ours(file)
    except UserError:
        return False


def refuse_file(path: Path, sources: Iterable[Path] = ()) -> None:
    """Ask before a file is written: there is none, or it is one of ours and nothing that is read.

    Args:
        path: where to.
        sources: files and folders that the run reads.

    Raises:
        UserError: something lies there that must not be replaced.
    """
    _refuse_sources(path, sources)
    kind = _kind(path)
    if kind is None:
        return
    if stat.S_ISDIR(kind):
        raise UserError(f"{shown(path)} is a folder; name a file")
    if not stat.S_ISREG(kind):
        raise UserError(f"{shown(path)} is no ordinary file; name another")
    if not is_our_file(path):
        raise UserError(
            f"{shown(path)} is there already, and no loop of this program; name another file, or move it away"
        )


def refuse_folder(path: Path, sources: Iterable[Path] = ()) -> None:
    """The same for a folder of frames, which is replaced as a whole."""
    sources = tuple(sources)
    _refuse_sources(path, sources)
    for source in sources:
        if lies_in(source, path):
            raise UserError(f"{shown(path)} holds {source.name}, which is read; name another folder")
    if _holds_the_user(path):
        raise UserError(f"{shown(path)} is the folder that you are in, or one above it; name another folder")
    kind = _kind(path)
    if kind is None:
        return
    if not stat.S_ISDIR(kind):
        raise UserError(f"{shown(path)} is no folder; name one for the frames, or give the file an ending")
    if not is_our_folder(path):
        raise UserError(
            f"{shown(path)} holds other things than frames of a loop; name another folder, or a file in it, such as "
            f"{shown(path / 'loop.mp4')}"
        )


def _refuse_sources(path: Path, sources: Iterable[Path]) -> None:
    for source in sources:
        if same_place(path, source):
            raise UserError(f"{shown(path)} is what the loop is made from; name another file")


def _holds_the_user(path: Path) -> bool:
    try:
        here = Path.cwd()
    except OSError:
        return False  # the folder that one was in is gone
    return any(same_place(folder, path) for folder in (here, *here.parents))


def _kind(path: Path) -> int | None:
    """The file mode of what a path leads to; None where there is nothing."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None
    except NotADirectoryError:
        raise UserError(f"cannot write {shown(path)}: a file is in the place of its folder") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"cannot write {shown(path)}: {reason}") from None
