"""What kinds of errors there were, for the end of a batch."""

from __future__ import annotations

import re
from collections.abc import Iterable

from t2c_ext.batch.outcome import Outcome
from t2c_ext.console import why
from t2c_ext.errors import UserError
from t2c_ext.region.find import RegionNotFound

NOT_FOUND, MEMORY, FULL, PROGRAM, DIED = (
    "nothing was found that moves",
    "not enough memory",
    "the disk is full",
    "an error of the program",
    "its worker died",
)

SHOWN = 3
"""Rows of a kind that the summary names."""


def described(error: Exception) -> tuple[str, str]:
    """The line that tells of an error, and its kind."""
    line = why(error) if isinstance(error, (UserError, OSError, MemoryError)) else _unforeseen(error)
    if isinstance(error, RegionNotFound):
        return line, NOT_FOUND
    if isinstance(error, MemoryError) or "out of memory" in line.lower():
        return line, MEMORY
    if "disk is full" in line or "No space left" in line:
        return line, FULL
    return line, general(line) if isinstance(error, (UserError, OSError)) else PROGRAM


def general(line: str) -> str:
    """An error's line without what differs from row to row: places, quoted words, numbers."""
    line = re.sub(r"(?<!\w)(\.{0,3}(/[^\s:;,]+)+|[A-Za-z]:\\[^\s:;,]+|\w+://\S+)", "...", line)
    line = re.sub(r"'[^']*'|\"[^\"]*\"", "...", line)
    return re.sub(r"\d+(\.\d+)?", "N", line)[:120]


def summary(failed: Iterable[Outcome]) -> list[str]:
    """A line for each kind of error, the most frequent first, with some of its rows."""
    kinds: dict[str, list[Outcome]] = {}
    for outcome in failed:
        kinds.setdefault(outcome.kind or general(outcome.error), []).append(outcome)
    lines = []
    for kind, rows in sorted(kinds.items(), key=lambda pair: -len(pair[1])):
        names = ", ".join(row.label or row.name for row in rows[:SHOWN])
        more = f" and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
        lines.append(f"{len(rows)} failed: {rows[0].error if len(rows) == 1 else kind}: {names}{more}")
    return lines


def _unforeseen(error: Exception) -> str:
    said = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
