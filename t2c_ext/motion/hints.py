"""The hints document: arrows, swirls, pins, frozen areas and directions of regions, as JSON (version 1).

    {"version": 1,
     "arrows": [{"from": [x, y], "to": [x, y], "region": "river"}],
     "swirls": [{"at": [x, y], "radius": r, "turn": 1}],
     "pins": [[x, y]],
     "freeze": [[[x, y], ...]],
     "regions": [{"name": "river", "angle": 180, "speed": 1}]}

Coordinates are 0..1 of width and height, `radius` is a share of the short side; every list may be left out, and so may
`region`, `turn`, `angle` and `speed`. Unknown keys are refused: a misspelt one would silently do nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from t2c_ext.errors import UserError
from t2c_ext.types import Arrow, Hints, RegionHint, Swirl

VERSION = 1
MAX_ITEMS = 256
MAX_CORNERS = 1024
MAX_NAME = 200
MAX_SPEED = 100.0

T = TypeVar("T")
Point = tuple[float, float]


def parse_hints(document: str | Mapping[str, Any]) -> Hints:
    """The hints of a document, given as JSON text or as its dictionary; empty text means no hints.

    Raises:
        UserError: it is not valid JSON or not such a document; the message names the place ("hints.arrows[2].to: ...").
    """
    if isinstance(document, str):
        if not document.strip():
            return Hints()
        document = _decode(document)
    keys = _keys(document, "hints", {"version"}, {"arrows", "swirls", "pins", "freeze", "regions"})
    if isinstance(keys["version"], bool) or keys["version"] != VERSION:
        raise UserError(f"hints.version: is {_short(keys['version'])}, but must be {VERSION}")
    return Hints(
        arrows=_items(keys, "arrows", _arrow),
        swirls=_items(keys, "swirls", _swirl),
        pins=_items(keys, "pins", _point),
        freeze=_items(keys, "freeze", _polygon),
        regions=_unique(_items(keys, "regions", _region)),
    )


def to_document(hints: Hints) -> dict[str, Any]:
    """The document of `hints`: parse_hints(to_document(hints)) == hints."""
    return {
        "version": VERSION,
        "arrows": [
            {"from": list(arrow.start), "to": list(arrow.end)}
            | ({} if arrow.region is None else {"region": arrow.region})
            for arrow in hints.arrows
        ],
        "swirls": [{"at": list(swirl.at), "radius": swirl.radius, "turn": swirl.turn} for swirl in hints.swirls],
        "pins": [list(pin) for pin in hints.pins],
        "freeze": [[list(corner) for corner in polygon] for polygon in hints.freeze],
        "regions": [{"name": hint.name, "angle": hint.angle, "speed": hint.speed} for hint in hints.regions],
    }


def to_json(hints: Hints) -> str:
    """The document of `hints` as JSON text on one line."""
    return json.dumps(to_document(hints), ensure_ascii=False, allow_nan=False)


def _decode(text: str) -> Any:
    def refuse(word: str) -> Any:
        raise UserError(f"hints: {word} is not a number that can be used")

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=_no_repeats)
    except UserError:
        raise
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "too long a number or too deep"
        raise UserError(f"hints: not valid JSON ({reason})") from None


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise UserError("hints: a key is given twice")
    return result


def _short(value: object) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) <= 40 else text[:37] + "..."


def _keys(value: Any, where: str, required: set[str], optional: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise UserError(f"{where}: is {_short(value)}, but must be an object")
    for key in value:
        if key not in required | optional:
            raise UserError(f"{where}.{_short(key)}: unknown; known: {', '.join(sorted(required | optional))}")
    for key in sorted(required - set(value)):
        raise UserError(f"{where}.{key}: is missing")
    return value


def _items(keys: Mapping[str, Any], name: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
    return _list(keys.get(name, []), f"hints.{name}", read, MAX_ITEMS)


def _list(value: Any, where: str, read: Callable[[Any, str], T], limit: int) -> tuple[T, ...]:
    if not isinstance(value, (list, tuple)):
        raise UserError(f"{where}: is {_short(value)}, but must be a list")
    if len(value) > limit:
        raise UserError(f"{where}: has {len(value)} items, but at most {limit} are allowed")
    return tuple(read(item, f"{where}[{number}]") for number, item in enumerate(value))


def _number(value: Any, where: str, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise UserError(f"{where}: is {_short(value)}, but must be a number")
    if not low <= value <= high or not math.isfinite(value):
        raise UserError(f"{where}: is {_short(value)}, but must be from {low:g} to {high:g}")
    return float(value)


def _point(value: Any, where: str) -> Point:
    if not isinstance(value, (list, tuple)) or len(value) != 2:
        raise UserError(f"{where}: is {_short(value)}, but must be [x, y]")
    return _number(value[0], f"{where}[0]", 0, 1), _number(value[1], f"{where}[1]", 0, 1)


def _polygon(value: Any, where: str) -> tuple[Point, ...]:
    corners = _list(value, where, _point, MAX_CORNERS)
    if len(corners) < 3:
        raise UserError(f"{where}: has {len(corners)} corners, but an area needs at least 3")
    return corners


def _name(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value.strip() or len(value) > MAX_NAME:
        raise UserError(f"{where}: is {_short(value)}, but must be a name of at most {MAX_NAME} letters")
    return value


def _arrow(value: Any, where: str) -> Arrow:
    keys = _keys(value, where, {"from", "to"}, {"region"})
    region = keys.get("region")
    start, end = _point(keys["from"], f"{where}.from"), _point(keys["to"], f"{where}.to")
    if start == end:
        raise UserError(f"{where}.to: equals from; use a pin for a place that stands still")
    return Arrow(start, end, None if region is None else _name(region, f"{where}.region"))


def _swirl(value: Any, where: str) -> Swirl:
    keys = _keys(value, where, {"at", "radius"}, {"turn"})
    turn = _number(keys.get("turn", 1), f"{where}.turn", -MAX_SPEED, MAX_SPEED)
    if turn == 0:
        raise UserError(f"{where}.turn: is 0, but must be above 0 (counter-clockwise) or below (clockwise)")
    return Swirl(_point(keys["at"], f"{where}.at"), _number(keys["radius"], f"{where}.radius", 0.005, 4), turn)


def _region(value: Any, where: str) -> RegionHint:
    keys = _keys(value, where, {"name"}, {"angle", "speed"})
    angle = keys.get("angle")
    return RegionHint(
        _name(keys["name"], f"{where}.name"),
        None if angle is None else _number(angle, f"{where}.angle", -360, 360),
        _number(keys.get("speed", 1), f"{where}.speed", 0, MAX_SPEED),
    )


def _unique(regions: tuple[RegionHint, ...]) -> tuple[RegionHint, ...]:
    names = [hint.name for hint in regions]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UserError(f"hints.regions[{number}].name: {_short(name)} is given twice")
    return regions
