"""`batch.jsonl`: what became of each row, one line for each outcome, only ever appended to.

One process writes it, the one that runs the batch. A line that a killed run had not finished is passed over.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from t2c_ext.batch.outcome import Outcome, from_document
from t2c_ext.batch.storage import Storage
from t2c_ext.errors import UserError

MANIFEST = "batch.jsonl"

UPLOAD_EVERY = 10.0
"""Seconds between two copies of the manifest to a storage, which takes no appended lines."""


def read_manifest(path: Path) -> tuple[list[Outcome], int]:
    """The outcomes in their order, and how many lines are none.

    Raises:
        UserError: it is there, and cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from None
    outcomes, damaged = [], 0
    for line in content.split(b"\n"):
        if line.strip():
            try:
                outcomes.append(from_document(json.loads(line)))
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
                damaged += 1
    return outcomes, damaged


def latest(outcomes: Iterable[Outcome]) -> dict[str, Outcome]:
    """The last outcome of each name, in the order in which the names came first."""
    result: dict[str, Outcome] = {}
    for outcome in outcomes:
        result[outcome.name] = outcome
    return result


class Manifest:
    """Appends to a batch's manifest.

    Attributes:
        path: the file on this machine.
    """

    def __init__(self, folder: Path, storage: Storage | None = None) -> None:
        """Refer to a folder's manifest; with a storage, to a copy of that one's."""
        self._storage = storage
        self.path = folder / MANIFEST
        self._uploaded = time.monotonic()
        self._waiting: list[Outcome] = []

    @classmethod
    def of_storage(cls, storage: Storage) -> Manifest:
        """The manifest of a storage, brought to this machine; lines that a killed run had not sent yet stay."""
        name = sha256(storage.address.encode()).hexdigest()[:16]
        folder = Path(tempfile.gettempdir()) / f"t2c-batch-{os.getuid() if hasattr(os, 'getuid') else 0}-{name}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        local, theirs = folder / MANIFEST, folder / "remote.jsonl"
        if storage.get(MANIFEST, theirs):
            if not (local.exists() and local.read_bytes().startswith(theirs.read_bytes())):
                theirs.replace(local)
            theirs.unlink(missing_ok=True)
        return cls(folder, storage)

    def close(self) -> None:
        """The copy of a storage's manifest is not needed any more, unless lines of it could not be sent."""
        if self._storage is not None and not self._waiting:
            shutil.rmtree(self.path.parent, ignore_errors=True)

    def append(self, outcome: Outcome) -> None:
        """Write a line, through to the disk.

        Raises:
            UserError: it cannot be written.
        """
        line = json.dumps(outcome.to_document(), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab+") as file:
                if file.tell():
                    file.seek(-1, os.SEEK_END)
                    whole = file.read(1) == b"\n"
                    line = line if whole else b"\n" + line
                file.write(line + b"\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror or error}") from None
        self._waiting.append(outcome)

    def settled(self, now: bool = False) -> list[Outcome]:
        """The outcomes that are safe since the last call: on the disk, and where there is a storage, in that too.

        Args:
            now: bring them there, however short ago that was done last.
        """
        if self._storage is not None and self._waiting:
            if not now and time.monotonic() - self._uploaded < UPLOAD_EVERY:
                return []
            self._storage.put(self.path, MANIFEST)
            self._uploaded = time.monotonic()
        safe, self._waiting = self._waiting, []
        return safe
