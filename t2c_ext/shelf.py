"""The cinemagraphs that were kept in one folder: what there is, and what goes when it is asked for or gets too much.

Only what this program wrote is ever deleted: a workspace in which somebody has changed or put in something stays when
room is made, and what is not known stays even where its workspace is deleted.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.keys import file_digest
from t2c_ext.records import LOCK, RECORD, REPLACED
from t2c_ext.workspace import HINTS, RECIPE, REPORT, Workspace

VIEW = "view"
"""The folder of a workspace in which lies what only a page shows."""

ID = re.compile(r"[0-9a-f]{16}|[0-9a-f]{32}")
"""The name of a workspace of a request, or of a page."""

YOUNG = 3600.0
"""Seconds in which nothing is swept of a workspace, for somebody may still look at it."""

_OWN = (RECORD, RECIPE, HINTS, REPORT)
"""Files that belong to no stage."""


@dataclass(frozen=True)
class Entry:
    """A cinemagraph that was kept.

    Attributes:
        id: its name.
        folder: of its workspace.
        changed: when it was changed last, in seconds since 1970.
        size: of all its files, in bytes.
    """

    id: str
    folder: Path
    changed: float
    size: int


def entries(folder: Path) -> list[Entry]:
    """The workspaces in a folder, the newest first."""
    found = []
    with suppress(OSError):
        for place in folder.iterdir():
            if ID.fullmatch(place.name) and (place / RECORD).is_file():
                with suppress(OSError):
                    found.append(Entry(place.name, place, (place / RECORD).stat().st_mtime, _size(place)))
    return sorted(found, key=lambda entry: (entry.changed, entry.id), reverse=True)


def delete(folder: Path, id: str) -> None:
    """Delete a workspace; what somebody else has put into it stays.

    Args:
        folder: in which the workspaces lie.
        id: of the workspace.

    Raises:
        UserError: there is none of that id, or a run has it.
    """
    place = folder / id
    if not ID.fullmatch(id) or not (place / RECORD).is_file():
        raise UserError("this cinemagraph is not there any more")
    workspace = Workspace.open(place)
    with workspace.locked():
        _remove([*_known(workspace), *_below(place / VIEW), *_below(place / REPLACED)], place)
    with suppress(OSError):  # on some systems the lock can go only when it is free, on others it has gone
        (place / LOCK).unlink(missing_ok=True)
    with suppress(OSError):  # something else lies there
        place.rmdir()


def make_room(folder: Path, most: int, held: Collection[str] = (), since: float = float("inf")) -> list[str]:
    """Delete the oldest workspaces until all together have at most so many bytes.

    Args:
        folder: in which they lie.
        most: bytes; 0 keeps everything.
        held: ids of those that are open or in hand, and stay.
        since: those that were changed later, in seconds since 1970, stay too.

    Returns:
        The ids of those that were deleted.
    """
    if most <= 0:
        return []
    kept, gone = entries(folder), []
    total = sum(entry.size for entry in kept)
    for entry in reversed(kept):
        if total <= most:
            break
        if entry.id in held or entry.changed > since or not _is_all_ours(entry.folder):
            continue
        with suppress(UserError):
            delete(folder, entry.id)
            gone.append(entry.id)
            total -= entry.size
    return gone


def _is_all_ours(place: Path) -> bool:
    """Whether every file is as this program wrote it."""
    try:
        workspace = Workspace.open(place)
        digests = {name: digest for record in workspace.groups.values() for name, digest in record.files.items()}
        digests |= {name: digest for record in workspace.groups.values() for name, digest in record.others.items()}
        for path in _below(place):
            name = path.relative_to(place).as_posix()
            if name in digests and file_digest(path) != digests[name]:
                return False
            if name not in digests and name not in (*_OWN, LOCK) and not name.startswith(f"{VIEW}/"):
                return False
    except (UserError, OSError):
        return False
    return True


def _known(workspace: Workspace) -> Iterator[Path]:
    """The files that a workspace says are its own."""
    for record in workspace.groups.values():
        for name in (*record.files, *record.others, *record.before):
            yield workspace.root / name
    yield from (workspace.root / name for name in _OWN)


def _remove(paths: Collection[Path], place: Path) -> None:
    folders = set()
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
            folders |= {folder for folder in path.parents if folder != place and place in folder.parents}
    for folder in sorted(folders, key=lambda folder: len(folder.parts), reverse=True):
        with suppress(OSError):
            folder.rmdir()


def _below(place: Path) -> list[Path]:
    return [path for path in place.rglob("*") if path.is_file()] if place.is_dir() else []


def _size(place: Path) -> int:
    return sum(path.stat().st_size for path in _below(place))
