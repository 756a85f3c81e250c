"""Where a worker makes a row, and how the loop gets from there to the batch's folder.

* The worker sees the folder (this machine, a shared disk): the workspace lies below it, in `unfinished/`, so that any
  other worker goes on from the last finished stage, and the loop is copied into its place, whole or not at all.
* The folder is behind an address: the workspace is on the worker's own disk; finished stages are copied to the storage,
  and brought from there by whoever goes on.
* The worker does not see the folder: the loop is sent back as bytes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from t2c_ext.batch.order import Order
from t2c_ext.batch.rows import is_address
from t2c_ext.batch.storage import Storage
from t2c_ext.errors import UserError
from t2c_ext.media.ownership import is_our_file, is_our_folder
from t2c_ext.naming import named
from t2c_ext.types import Loop

UNFINISHED = "unfinished"
"""The folder, below the batch's, of what is unfinished."""

WORKSPACE, INPUTS, OUTCOME, JOURNAL, DETAILS = "workspace", "inputs", "outcome.json", "journal.jsonl", "error.txt"


@dataclass(frozen=True)
class Delivery:
    """What a row has in the batch's folder.

    Attributes:
        file, poster: their names; "" where there is none.
        length: the loop's size in bytes.
        contents: the files that are still to be written there, by name.
    """

    file: str
    poster: str
    length: int
    contents: Mapping[str, bytes] = field(default_factory=dict)


class Place(Protocol):
    """Where one row is made.

    Attributes:
        unfinished: a folder of this machine for what is unfinished.
        output: where this machine writes the loop.
        copies: whether others go on from copies that `checkpoint` makes.
    """

    unfinished: Path
    output: Path
    copies: bool

    def begin(self) -> dict[str, Any] | None:
        """Bring what an earlier worker left; the outcome that one came to and could not tell any more, or None."""

    def checkpoint(self) -> None:
        """A stage is finished."""

    def deliver(self, loop: Loop) -> Delivery:
        """The loop is made: it gets into the batch's folder, or on its way to it."""

    def conclude(self, document: Mapping[str, Any]) -> None:
        """Keep an outcome until the manifest has it."""


def place_of(order: Order) -> Place:
    """Where an order is made."""
    if is_address(order.out):
        return Behind(order)
    out = Path(order.out)
    seen = not order.token or (out / UNFINISHED / order.token).is_file()
    return Shared(order) if seen else Apart(order)


class Shared:
    """The worker sees the batch's folder."""

    copies = False

    def __init__(self, order: Order) -> None:
        """Nothing is made yet."""
        self.unfinished = Path(order.out) / UNFINISHED / order.key
        self.output = named(Path(order.out), order.name, order.recipe)

    def begin(self) -> dict[str, Any] | None:
        """Nothing is to be brought: the workspace itself tells what is finished."""
        _make(self.unfinished)
        return None

    def checkpoint(self) -> None:
        """Every stage is where it has to be."""

    def deliver(self, loop: Loop) -> Delivery:
        """The pipeline has written it."""
        poster = "" if loop.poster is None else loop.poster.name
        return Delivery(loop.path.name, poster, size_of(loop.path))

    def conclude(self, document: Mapping[str, Any]) -> None:
        """The workspace keeps everything."""


class _Away:
    """The worker's own disk."""

    copies = False

    def __init__(self, order: Order) -> None:
        user = os.getuid() if hasattr(os, "getuid") else 0
        self.unfinished = Path(tempfile.gettempdir()) / f"t2c-unfinished-{user}" / order.key
        self.output = named(self.unfinished / "out", order.name, order.recipe)

    def begin(self) -> dict[str, Any] | None:
        _make(self.unfinished, private=True)
        return None

    def checkpoint(self) -> None:
        """Only this machine knows of it."""

    def conclude(self, document: Mapping[str, Any]) -> None:
        """The row is on its way: nothing of it has to stay here."""
        shutil.rmtree(self.unfinished, ignore_errors=True)


class Apart(_Away):
    """The worker does not see the batch's folder; the loop is sent."""

    def deliver(self, loop: Loop) -> Delivery:
        """Its bytes, and its still's."""
        files = sorted(loop.path.iterdir()) if loop.path.is_dir() else [loop.path]
        base = loop.path.parent
        contents = {path.relative_to(base).as_posix(): path.read_bytes() for path in files}
        if loop.poster is not None:
            contents[loop.poster.name] = loop.poster.read_bytes()
        return Delivery(loop.path.name, "" if loop.poster is None else loop.poster.name, size_of(loop.path), contents)


class Behind(_Away):
    """The batch's folder is behind an address."""

    copies = True

    def __init__(self, order: Order) -> None:
        """Open the storage; raises UserError where it cannot be."""
        super().__init__(order)
        self._storage = Storage(order.out)
        self._remote = f"{UNFINISHED}/{order.key}"

    def begin(self) -> dict[str, Any] | None:
        """Bring the workspace; an outcome that is there already, whose row need not be made again."""
        super().begin()
        found = self.unfinished / OUTCOME
        if self._storage.get(f"{self._remote}/{OUTCOME}", found):
            document: dict[str, Any] = json.loads(found.read_text(encoding="utf-8"))
            return document
        if not (self.unfinished / WORKSPACE).exists():
            self._storage.get(self._remote, self.unfinished)
        return None

    def checkpoint(self) -> None:
        """The storage gets what is finished, the records last: until then they tell of the stage before."""
        self._storage.remove(f"{self._remote}/{WORKSPACE}/workspace.json")
        for path in sorted(self.unfinished.iterdir()):
            if path.name in (WORKSPACE, JOURNAL):
                self._storage.put(path, f"{self._remote}/{path.name}")

    def deliver(self, loop: Loop) -> Delivery:
        """Copy it, unless something that is not ours lies there."""
        for path in (loop.path, *([] if loop.poster is None else [loop.poster])):
            self._refuse_a_strangers(path.name)
            self._storage.put(path, path.name)
        return Delivery(loop.path.name, "" if loop.poster is None else loop.poster.name, size_of(loop.path))

    def conclude(self, document: Mapping[str, Any]) -> None:
        """Keep the outcome beside the loop until the manifest has it."""
        local = self.unfinished / OUTCOME
        local.write_text(json.dumps(document), encoding="utf-8")
        self._storage.put(local, f"{self._remote}/{OUTCOME}")
        super().conclude(document)

    def _refuse_a_strangers(self, name: str) -> None:
        there = self.unfinished / "there" / name
        if self._storage.get(name, there):
            ours = is_our_folder(there) if there.is_dir() else is_our_file(there)
            if not ours:
                raise UserError(
                    f"{self._storage.address}/{name} is there already, and no loop of this program; move it away"
                )


def size_of(path: Path) -> int:
    """Bytes of a loop: of a file, or of all frames in a folder."""
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


def _make(folder: Path, private: bool = False) -> None:
    try:
        if private:
            folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot make {folder}: {error.strerror or error}") from None
