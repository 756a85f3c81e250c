"""What is remembered of the files in a workspace, so that files and record change together.

A stage's new files are written into a draft folder inside of the workspace. Then one renaming of `workspace.json`
makes them the result: from there on the record names the draft, and whoever reads looks there first. Then they are
renamed into their places, and the record forgets the draft. A run that is stopped anywhere leaves the old result or the
new one, never a part of both; the next run puts in place what a stopped one had left in its draft.

A file that is not as the record says was changed by somebody else. It is read like any other, but never replaced or
deleted: it is put aside, in `replaced/`.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from filelock import FileLock, Timeout

from t2c_ext.atomic import write_text
from t2c_ext.documents import read_document
from t2c_ext.errors import UserError
from t2c_ext.keys import file_digest

VERSION = 2

RECORD, LOCK, REPLACED = "workspace.json", "workspace.lock", "replaced"

_DRAFT = re.compile(r"\.(prompt|twin|region|motion|loop|recipe|input|offers)-[0-9a-f]{8}")


class InUse(UserError):
    """Another run has the workspace."""


@dataclass(frozen=True)
class Record:
    """What is remembered of a group of files that are written together: a stage's result, or what the user gave.

    Attributes:
        key: of what it was made from; "" when it is out of date, whatever that was.
        files: the digest of each file, by its name in the workspace with "/" between folders.
        others: the same for files of earlier results that stay, such as a loop in another format.
        seconds: how long it took.
        notes: what it had to say.
        facts: what else is known of it and stands in none of its files.
        draft: the folder that holds files which are still to be put in place, or "".
        before: while there is a draft, the digests of the files that were there.
    """

    key: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    notes: tuple[str, ...] = ()
    facts: Mapping[str, str | float | int] = field(default_factory=dict)
    draft: str = ""
    before: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Records:
    """A workspace's folder, its lock, and what is remembered of its files.

    Attributes:
        root: the folder.
        groups: the record of each group of files.
        remarks: sentences for the user: what was put aside.
    """

    root: Path
    groups: dict[str, Record] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    _lock: FileLock | None = field(default=None, repr=False)

    def read(self) -> None:
        """Read the record again; a group whose record has not changed keeps its own.

        Raises:
            UserError: there is none, it is damaged, or of a newer version.
        """
        try:
            now = _read_groups(self.root)
        except UserError:
            if not self._can_do_without():
                raise
            now = {}
            self.remarks.append(f"{RECORD} was damaged, so every stage was made again")
        same = {name: self.groups[name] for name in now if self.groups.get(name) == now[name]}
        self.groups = {**now, **same}

    def write(self, groups: Mapping[str, Record]) -> None:
        """Make these the records."""
        document = {"version": VERSION, "stages": {name: _to_document(record) for name, record in groups.items()}}
        write_text(self.root / RECORD, json.dumps(document, indent=2, ensure_ascii=False))
        self.groups = dict(groups)

    def _can_do_without(self) -> bool:
        """Whether the record is damaged, and the folder surely a workspace: the stages can be made again."""
        path = self.root / RECORD
        try:
            newer = read_document(path, RECORD).get("version") not in (None, 1, VERSION)
        except UserError:
            newer = False
        return path.is_file() and not newer and (self.root / "recipe.json").is_file()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Inside the context nobody else writes in the workspace; it may be entered again inside of itself.

        On entry the records are read again, and what a stopped run left is put in place or swept.

        Raises:
            UserError: another run has it, or nothing may be written there.
        """
        lock = self._lock = self._lock or FileLock(str(self.root / LOCK), timeout=0)
        inner = lock.is_locked
        try:
            lock.acquire()
        except Timeout:
            raise InUse(
                f"the workspace {self.root} is in use by another run; wait for its end, or name another"
            ) from None
        except (OSError, NotImplementedError) as error:
            raise UserError(
                f"cannot write in the workspace {self.root}: {getattr(error, 'strerror', None) or error}"
            ) from None
        try:
            if not inner and (self.root / RECORD).exists():
                self.read()
                self._recover()
            yield
        finally:
            lock.release()

    def place(self, name: str) -> Path:
        """Where a file lies: in its place, or still in a draft."""
        for record in self.groups.values():
            if record.draft and name in record.files:
                drafted = self.root / record.draft / name
                if drafted.exists():
                    return drafted
        return self.root / name

    def is_whole(self, group: str) -> bool:
        """Whether each file of the group is there."""
        return all(self.place(name).exists() for name in self.groups[group].files)

    def is_ours(self, group: str, name: str) -> bool:
        """Whether a file is as the record says; one that is not was changed by somebody else."""
        record = self.groups.get(group)
        return record is not None and name in record.files and _digest(self.place(name)) == record.files[name]

    @contextmanager
    def draft(self, group: str) -> Iterator[Path]:
        """Give a new folder inside of the workspace for a group's files; what is not published goes at the end."""
        folder = self.root / f".{group}-{secrets.token_hex(4)}"
        try:
            folder.mkdir()
            yield folder
        except OSError as error:
            raise UserError(f"cannot write {self.root}: {error.strerror or error}") from None
        finally:
            if not any(record.draft == folder.name for record in self.groups.values()):
                shutil.rmtree(folder, ignore_errors=True)

    def publish(self, group: str, draft: Path, record: Record, keep: bool = False) -> None:
        """Make a draft's files the group's result, and put them in place.

        Args:
            group: its name.
            draft: from `draft`.
            record: what is remembered of them; files, others, draft and before are filled in here.
            keep: files of the last result stay where the new one has none of their name, nor a folder that they lie
                in: a loop in another format.
        """
        last = self.groups.get(group, Record())
        before = {**last.others, **last.files}
        files = {path.relative_to(draft).as_posix(): file_digest(path) for path in _files(draft)}
        if (last.key, last.files) == (record.key, files) and all(self.is_ours(group, name) for name in files):
            return
        made = {PurePosixPath(name).parts[0] for name in files}
        stays = [name for name in before if keep and PurePosixPath(name).parts[0] not in made]
        others = {name: before[name] for name in stays}
        record = replace(record, files=files, others=others, draft=draft.name, before=before)
        self.write({**self.groups, group: record})
        self._settle(group)

    def forget(self, groups: tuple[str, ...]) -> None:
        """Mark groups as out of date."""
        self.write({name: replace(row, key="") if name in groups else row for name, row in self.groups.items()})

    def _settle(self, group: str) -> None:
        """Put a draft's files in place, and delete those that are no longer part of the result."""
        record = self.groups[group]
        draft = self.root / record.draft
        try:
            for name in record.files:
                if (draft / name).exists():
                    self._put(draft / name, name, record)
            for name in record.before:
                if name not in record.files and name not in record.others:
                    self._remove(name, record)
        except OSError as error:
            raise UserError(f"cannot write {error.filename or self.root}: {error.strerror or error}") from None
        self.write({**self.groups, group: replace(record, draft="", before={})})
        shutil.rmtree(draft, ignore_errors=True)

    def _put(self, source: Path, name: str, record: Record) -> None:
        target = self.root / name
        for folder in list(PurePosixPath(name).parents)[-2::-1]:
            if (self.root / folder).is_file():
                self.put_aside(str(folder))
        target.parent.mkdir(parents=True, exist_ok=True)
        if _exists(target) and _digest(target) not in (record.before.get(name), record.files[name]):
            self.put_aside(name)
        source.replace(target)

    def _remove(self, name: str, record: Record) -> None:
        target = self.root / name
        if not _exists(target):
            return
        if _digest(target) != record.before[name]:
            self.put_aside(name)
            return
        target.unlink()
        for folder in list(PurePosixPath(name).parents)[:-1]:
            with suppress(OSError):  # it holds other files
                (self.root / folder).rmdir()

    def put_aside(self, name: str) -> None:
        """Move what somebody else made out of the way."""
        wanted = self.root / REPLACED / name
        free = (wanted, *(wanted.with_name(f"{wanted.stem}-{number}{wanted.suffix}") for number in range(2, 10_000)))
        target = next(path for path in free if not _exists(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).replace(target)
        kept = target.relative_to(self.root).as_posix()
        self.remarks.append(f"{name} had been changed by hand; it is kept as {kept}")

    def _recover(self) -> None:
        """Finish what a stopped run had begun to put in place, and sweep what it had not finished writing."""
        for group in [name for name, record in self.groups.items() if record.draft]:
            self._settle(group)
        for path in self.root.iterdir():
            if _DRAFT.fullmatch(path.name) and path.is_dir():
                shutil.rmtree(path, ignore_errors=True)


def _leads_out(name: str) -> bool:
    """Whether a name leads out of the folder, on any system: a workspace may come from another."""
    return any(".." in path.parts or bool(path.anchor) for path in (PurePosixPath(name), PureWindowsPath(name)))


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _exists(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _digest(path: Path) -> str:
    """The digest of a file's bytes; "" of what is none."""
    return file_digest(path) if path.is_file() else ""


def _to_document(record: Record) -> dict[str, Any]:
    """A record without what is empty."""
    values = {item.name: getattr(record, item.name) for item in fields(record)}
    return {name: value for name, value in values.items() if value or name == "key"}


def _read_groups(root: Path) -> dict[str, Record]:
    path = root / RECORD
    document = read_document(path, "the workspace's record")
    version = document.get("version")
    if version == 1:  # it did not know its files, so all of them count as changed by hand
        return {}
    if version != VERSION:
        raise UserError(f"{root} is of version {str(version)[:20]}, but this program reads {VERSION}")
    try:
        return {str(name): _from_document(row) for name, row in document["stages"].items()}
    except (KeyError, TypeError, ValueError, AttributeError):
        raise UserError(f"{path} is damaged: it is no record of a workspace") from None


def _from_document(row: Mapping[str, Any]) -> Record:
    """The inverse of `_to_document`; raises TypeError or ValueError where something is of another type."""
    record = Record(**{**row, "notes": tuple(row.get("notes", ()))})
    names = {**record.files, **record.others, **record.before}
    texts = (record.key, record.draft, *record.notes, *names, *names.values(), *record.facts)
    facts = (record.seconds, *dict(record.facts).values())
    if (
        isinstance(row.get("notes"), str)
        or not all(isinstance(text, str) for text in texts)
        or not isinstance(record.seconds, (int, float))
        or not all(isinstance(fact, (str, int, float)) for fact in facts)
    ):
        raise TypeError("a record of other types")
    if any(_leads_out(name) for name in names):
        raise ValueError("a record of files outside of the workspace")
    if record.draft and not _DRAFT.fullmatch(record.draft):
        raise ValueError("a record of a draft of another name")
    return record
