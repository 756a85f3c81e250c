"""What is left to do: the rows of a list beside the outcomes of earlier runs, and a name of its own for each."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath

from t2c_ext.batch.inputs import is_as_it_was
from t2c_ext.batch.manifest import latest
from t2c_ext.batch.outcome import FAILED, Outcome
from t2c_ext.batch.rows import Broken, Row
from t2c_ext.naming import folded

RESERVED = ("index", "batch", "unfinished", "gallery")
"""Names that the batch's own files have."""

NO_DIFFERENCE = ("device", "memory")
"""Settings that change no more than the rounding."""

BROKEN = "a row that cannot be read"
"""The kind of a broken row's error."""


@dataclass(frozen=True)
class Planned:
    """A row that is to be made.

    Attributes:
        row: the row.
        name: of its files; no other row has it.
        fingerprint: of its recipe and the names of what it is made from.
        origin: tells which row of which list it is, whatever its settings.
        key: of the folder that holds what is unfinished of it.
    """

    row: Row
    name: str
    fingerprint: str
    origin: str
    key: str


@dataclass(frozen=True)
class Plan:
    """What a run begins with.

    Attributes:
        finished: the outcomes of rows that are done.
        todo: the rows that are to be made, in the list's order.
        broken: outcomes of the rows that cannot be made.
        places: the place in the list of each finished row, by its name, and of each that is to be made.
    """

    finished: tuple[Outcome, ...]
    todo: tuple[Planned, ...]
    broken: tuple[Outcome, ...]
    places: Mapping[str, int] = field(default_factory=dict)


def make_plan(
    rows: Sequence[Row | Broken], before: Iterable[Outcome], is_there: Callable[[Outcome], bool], source: str = ""
) -> Plan:
    """Tell finished rows from those that are to be made.

    A row is finished when an earlier one of the same recipe and inputs is done and its loop is there. Rows keep the
    names that they had; a row whose settings were changed takes its old loop's place, and no other row's.

    Args:
        rows: of the list.
        before: the manifest's outcomes.
        is_there: whether an outcome's loop is as it was written.
        source: the list, so that rows of two lists in one folder do not replace each other.
    """
    known, free = latest(before), defaultdict[str, list[Outcome]](list)
    for outcome in known.values():
        free[outcome.fingerprint].append(outcome)
    finished, open_rows, broken = list[Outcome](), list[tuple[Row, str, str, Outcome | None]](), list[Outcome]()
    places, numbers = dict[str, int](), list[int]()
    for number, row in enumerate(rows):
        if isinstance(row, Broken):
            broken.append(Outcome(row.label, FAILED, error=row.reason, kind=BROKEN, label=row.label))
            continue
        print_, origin = fingerprint(row), _digest(lasting(source), row.wanted)
        claimed = free[print_].pop(0) if free[print_] else None
        if claimed is not None and claimed.is_done and _unchanged(claimed, row) and is_there(claimed):
            finished.append(claimed)
            places[claimed.name] = number
        else:
            numbers.append(number)
            open_rows.append((row, print_, origin, claimed))
    kept = {outcome.name for outcome in finished} | {row[3].name for row in open_rows if row[3] is not None}
    left = (outcome for rest in free.values() for outcome in rest)
    todo = _named(open_rows, kept, list(left))
    places |= {planned.name: number for planned, number in zip(todo, numbers, strict=True)}
    return Plan(tuple(finished), todo, tuple(broken), places)


def _named(
    rows: Sequence[tuple[Row, str, str, Outcome | None]], kept: Iterable[str], left: Sequence[Outcome]
) -> tuple[Planned, ...]:
    taken = {folded(name) for name in (*RESERVED, *kept, *(outcome.name for outcome in left))}
    old = defaultdict[str, list[str]](list)
    for outcome in left:
        old[outcome.origin].append(outcome.name)
    planned, numbers = list[Planned](), defaultdict[str, int](lambda: 1)
    for row, print_, origin, claimed in rows:
        if claimed is not None:
            name = claimed.name
        elif old[origin]:
            name = old[origin].pop(0)
        else:
            name = row.wanted
            while folded(name) in taken:
                numbers[row.wanted] += 1
                name = f"{row.wanted}-{numbers[row.wanted]}"
            taken.add(folded(name))
        planned.append(Planned(row, name, print_, origin, key_of(print_, name)))
    return tuple(planned)


def key_of(fingerprint: str, name: str) -> str:
    """The name of the folder that holds what is unfinished of a row."""
    return f"{fingerprint[:16]}-{_digest(name)[:8]}"


def fingerprint(row: Row) -> str:
    """A digest of the recipe, and of the names of the files with the folder that each lies in."""
    values = {name: value for name, value in row.recipe.values().items() if name not in NO_DIFFERENCE}
    masks = dict(row.masks) if isinstance(row.masks, Mapping) else row.masks
    short = {name: _short(name) for name in row.files}
    named = {name: short[file] for name, file in masks.items()} if isinstance(masks, dict) else short.get(masks or "")
    parts = [short.get(row.picture or ""), short.get(row.natural or ""), named, short.get(row.flow or "")]
    # rows without a depth keep the digest that they had before there was one
    return _digest(values, parts + ([] if row.depth is None else [short[row.depth]]))


def _digest(*values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


def _short(name: str) -> str:
    """The end of a path: a folder of pictures may be moved as a whole."""
    return "/".join(PurePosixPath(lasting(Path(name).as_posix())).parts[-2:])


def lasting(place: str) -> str:
    """A path without the folder in which Ray lays out the files of a job, whose name changes with what is in them."""
    return re.sub(r".*/_ray_pkg_[0-9a-f]+/", "", place)


def _unchanged(outcome: Outcome, row: Row) -> bool:
    before = {_short(name): state for name, state in outcome.inputs.items()}
    return all(is_as_it_was(name, before.get(_short(name), {})) for name in row.files)


def as_outcome(planned: Planned, **values: object) -> Outcome:
    """An outcome with what is known of a row before it is made."""
    row = planned.row
    known = Outcome(
        planned.name,
        FAILED,
        fingerprint=planned.fingerprint,
        origin=planned.origin,
        label=row.label,
        prompt=row.recipe.prompt.prompt,
        motion=row.recipe.prompt.motion,
        picture=row.picture or "",
        swept=dict(row.swept),
        group=row.group,
    )
    return replace(known, **values)  # type: ignore[arg-type]
