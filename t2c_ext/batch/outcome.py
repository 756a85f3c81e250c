"""What became of a row: a line of the manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

DONE, FAILED = "done", "failed"


@dataclass(frozen=True)
class Outcome:
    """What became of a row.

    Attributes:
        name: of its files.
        state: "done" or "failed".
        fingerprint: of its recipe, and of the names of what it is made from.
        origin: tells which row of which list it was, whatever its settings.
        file: the loop, as it lies in the batch's folder; "" where there is none.
        poster: its still, likewise.
        bytes: the loop's size.
        size: (width, height) in pixels.
        seconds: of each stage that made something.
        made: how often each stage made something, over all runs.
        begun: how often a stage was begun, where that is more than once: it was killed before its end.
        notes: what the stages had to say.
        error: one line, or "".
        kind: of the error, for the summary.
        details: a file in the batch's folder that says more of an error of the program.
        where: the machine and the process, and with Ray its node.
        inputs: of each file that it is made from its size, time and digest.
        label: the row in its list.
        prompt, motion: its words.
        picture: the file that it was made from, or "".
        settings: those that differ from their defaults, as they may be passed on.
        swept: those that a sweep gave it.
        group: of the sweep.
        ended: when, in ISO 8601, UTC.
        attempts: how often a worker took it up in the run that ended it.
    """

    name: str
    state: str
    fingerprint: str = ""
    origin: str = ""
    file: str = ""
    poster: str = ""
    bytes: int = 0
    size: tuple[int, int] = (0, 0)
    seconds: Mapping[str, float] = field(default_factory=dict)
    made: Mapping[str, int] = field(default_factory=dict)
    begun: Mapping[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    error: str = ""
    kind: str = ""
    details: str = ""
    where: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    label: str = ""
    prompt: str = ""
    motion: str = ""
    picture: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    swept: Mapping[str, Any] = field(default_factory=dict)
    group: int = 0
    ended: str = ""
    attempts: int = 1

    @property
    def is_done(self) -> bool:
        """Whether there is a loop."""
        return self.state == DONE

    def to_document(self) -> dict[str, Any]:
        """A line of the manifest, without what is empty."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        empty = Outcome("", "")
        return {name: value for name, value in values.items() if value != getattr(empty, name)}


def from_document(document: Mapping[str, Any]) -> Outcome:
    """The inverse of `Outcome.to_document`; what only a newer version has is passed over.

    Raises:
        TypeError, ValueError, KeyError: it is no outcome.
    """
    known = {item.name for item in fields(Outcome)}
    values = {name: value for name, value in document.items() if name in known}
    for name in ("name", "state", "fingerprint", "file"):
        if not isinstance(values.get(name, ""), str):
            raise TypeError(f"{name} is no text")
    if not isinstance(values.get("inputs", {}), dict) or not isinstance(values.get("bytes", 0), int):
        raise TypeError("an outcome of other types")
    values["notes"] = tuple(values.get("notes", ()))
    width, height = values.get("size", (0, 0))
    return Outcome(**values | {"size": (int(width), int(height))})
