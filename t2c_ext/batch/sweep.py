"""Sweeps: rows times the values of some settings, such as `speed=0.5,1,2 seed=1..4`."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import product

from t2c_ext.batch.rows import Broken, Row
from t2c_ext.errors import UserError
from t2c_ext.settings import Setting, Value, table

MOST = 1_000_000
"""Rows of a batch, at most."""

_RANGE = re.compile(r"(-?\d+(?:\.\d+)?)\.\.(-?\d+(?:\.\d+)?)(?::(\d+(?:\.\d+)?))?")


def parse_sweep(given: Iterable[str]) -> dict[str, tuple[Value, ...]]:
    """The values of each setting.

    Args:
        given: such as "speed=0.5,1,2", "seed=1..4" (both ends belong to it), "guidance=3..9:2" (in steps of 2), or
            'motion="river left, clouds right",river right' with commas inside of quotes.

    Raises:
        UserError: a setting is unknown or given twice, or a value is not one of its.
    """
    known, sweep = {row.name: row for row in table()}, dict[str, tuple[Value, ...]]()
    for text in given:
        name, equals, values = text.partition("=")
        row = known.get(name.strip().replace("-", "_"))
        if not equals or row is None:
            raise UserError(f"the sweep {text!r} names no setting; write it like speed=0.5,1,2 or seed=1..4")
        if row.name in sweep:
            raise UserError(f"the sweep has {row.name} twice; join its values: {row.name}=...,...")
        sweep[row.name] = _values(row, values)
    return sweep


def checked(sweep: Mapping[str, Sequence[object]]) -> dict[str, tuple[Value, ...]]:
    """The same of Python's values; raises UserError as `parse_sweep`."""
    known = {row.name: row for row in table()}
    unknown = next((name for name in sweep if name not in known), None)
    if unknown is not None:
        raise UserError(f"there is no setting called {unknown!r}")
    return {name: _once(name, [known[name].check(value) for value in values]) for name, values in sweep.items()}


def multiplied(rows: Sequence[Row | Broken], sweep: Mapping[str, Sequence[Value]]) -> list[Row | Broken]:
    """Each row once for each combination of the values; rows of one origin are one group.

    Raises:
        UserError: they are too many.
    """
    combinations = [dict(zip(sweep, values, strict=True)) for values in product(*sweep.values())]
    if len(rows) * len(combinations) > MOST:
        raise UserError(f"that makes {len(rows) * len(combinations)} rows, but a batch has at most {MOST}")
    result: list[Row | Broken] = []
    for number, row in enumerate(rows):
        if isinstance(row, Broken):
            result.append(row)
        elif not sweep:
            result.append(replace(row, group=number))
        else:
            result += [_swept(row, number, values) for values in combinations]
    return result


def _swept(row: Row, number: int, values: Mapping[str, Value]) -> Row | Broken:
    ending = "".join(f"-{name}-{_in_a_name(value)}" for name, value in values.items())
    try:
        recipe = row.recipe.with_values(values)
    except UserError as error:
        return Broken(row.label, row.wanted + ending, str(error))
    return replace(row, recipe=recipe, wanted=row.wanted + ending, group=number, swept=dict(values))


def _in_a_name(value: Value) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^\w.-]+", "-", text).strip("-.")[:24] or "none"


def _values(row: Setting, text: str) -> tuple[Value, ...]:
    (parts,) = csv.reader([text], skipinitialspace=True) if text.strip() else ([""],)
    if row.type not in (int, float):
        return _once(row.name, [row.check(part) for part in parts])
    return _once(row.name, [row.check(value) for part in parts for value in _range(row, part.strip())])


def _range(row: Setting, text: str) -> list[str]:
    """The numbers of a range, or the one that it is."""
    found = _RANGE.fullmatch(text)
    if found is None:
        return [text]
    low, high, step = float(found[1]), float(found[2]), float(found[3] or 1)
    if high < low or step <= 0 or (high - low) / step >= MOST:
        raise UserError(f"the range {text} of {row.name} is empty or too long; write it like 1..4 or 0.5..2:0.5")
    return [f"{low + step * number:.10g}" for number in range(int((high - low) / step + 1e-9) + 1)]


def _once(name: str, values: Sequence[Value]) -> tuple[Value, ...]:
    if not values:
        raise UserError(f"the sweep of {name} has no values")
    return tuple(dict.fromkeys(values))
