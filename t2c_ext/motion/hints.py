"""The hints document: arrows, swirls, pins, what stands still, and regions, as JSON (versions 1 and 2).

    {"version": 2,
     "arrows": [{"from": [x, y], "to": [x, y], "region": "river", "speed": 1.5}],
     "swirls": [{"at": [x, y], "radius": r, "turn": 1}],
     "pins": [[x, y]],
     "freeze": [[[x, y], ...]],
     "still": "<PNG, base64>",
     "regions": [{"name": "river", "angle": 180, "speed": 1, "kind": "translate", "colour": "#1c8fff",
                  "mask": "<PNG, base64>"}]}

Coordinates are 0..1 of width and height, `radius` is a share of the short side; every list may be left out, and so may
`region`, `turn`, `angle`, `speed` and what version 2 adds: `still`, `kind`, `colour`, `mask`, and an arrow's `speed`,
which takes the place of what its length says. Unknown keys are refused: a misspelt one would silently do nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from t2c_ext.documents import parse_document
from t2c_ext.errors import UserError
from t2c_ext.motion.painted import decode_painted, encode_painted
from t2c_ext.types import Arrow, Hints, MotionKind, RegionHint, Swirl

VERSIONS = (1, 2)
"""The versions that are read; the lowest that can hold the hints is written."""

MAX_TEXT = 50_000_000
"""Letters of a document."""

MAX_MASKS = 16
"""Regions that have a mask."""

MAX_ITEMS = 256
"""Entries of each list."""

MAX_CORNERS = 1024
"""Of a frozen polygon."""

MAX_NAME = 200
"""Letters of a region's name."""

MAX_SPEED = 100.0
"""Of an arrow, a region or a swirl; 1 is usual."""

_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_LISTS = {"arrows", "swirls", "pins", "freeze", "regions"}

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
    version = _version(document)
    keys = _keys(document, "hints", {"version"}, _LISTS | ({"still"} if version > 1 else set()))
    still = keys.get("still")
    return Hints(
        arrows=_items(keys, "arrows", _arrow if version > 1 else _first_arrow),
        swirls=_items(keys, "swirls", _swirl),
        pins=_items(keys, "pins", _point),
        freeze=_items(keys, "freeze", _polygon),
        regions=_checked(_items(keys, "regions", _region if version > 1 else _first_region)),
        still=None if still is None else decode_painted(still, "hints.still"),
    )


def to_document(hints: Hints) -> dict[str, Any]:
    """The document of `hints`, in the lowest version that can hold it: parse_hints(to_document(hints)) == hints."""
    second = hints.still is not None or any(arrow.speed is not None for arrow in hints.arrows)
    second = second or any(hint.kind is not None or hint.colour or hint.mask is not None for hint in hints.regions)
    document: dict[str, Any] = {
        "version": 2 if second else 1,
        "arrows": [
            {"from": list(arrow.start), "to": list(arrow.end)}
            | ({} if arrow.region is None else {"region": arrow.region})
            | ({} if arrow.speed is None else {"speed": arrow.speed})
            for arrow in hints.arrows
        ],
        "swirls": [{"at": list(swirl.at), "radius": swirl.radius, "turn": swirl.turn} for swirl in hints.swirls],
        "pins": [list(pin) for pin in hints.pins],
        "freeze": [[list(corner) for corner in polygon] for polygon in hints.freeze],
        "regions": [_row(hint) for hint in hints.regions],
    }
    return document if hints.still is None else document | {"still": encode_painted(hints.still)}


def _row(hint: RegionHint) -> dict[str, Any]:
    row: dict[str, Any] = {"name": hint.name, "angle": hint.angle, "speed": hint.speed}
    if hint.kind is not None:
        row["kind"] = hint.kind.value
    if hint.colour:
        row["colour"] = hint.colour
    if hint.mask is not None:
        row["mask"] = encode_painted(hint.mask)
    return row


def without_masks(hints: Hints) -> Hints:
    """The hints without anything painted, for places that hold short texts (infotext, a file's metadata)."""
    return replace(hints, still=None, regions=tuple(replace(hint, mask=None) for hint in hints.regions))


def what_moves(hints: Hints) -> Hints:
    """The hints as far as they say how painted regions move: without masks and colours."""
    plain = without_masks(hints)
    return replace(plain, regions=tuple(replace(hint, colour="") for hint in plain.regions))


def short_text(document: str) -> str:
    """A document's text without anything painted; the same text where nothing is."""
    if '"mask"' not in document and '"still"' not in document:
        return document
    return to_json(without_masks(parse_hints(document)))


def to_json(hints: Hints) -> str:
    """The document of `hints` as JSON text on one line."""
    return json.dumps(to_document(hints), ensure_ascii=False, allow_nan=False)


def _version(document: Any) -> int:
    if not isinstance(document, Mapping):
        raise UserError(f"hints: is {_short(document)}, but must be an object")
    if "version" not in document:
        raise UserError("hints.version: is missing")
    version = document["version"]
    if isinstance(version, bool) or version not in VERSIONS:
        raise UserError(f"hints.version: is {_short(version)}, but must be {' or '.join(map(str, VERSIONS))}")
    return int(version)


def _decode(text: str) -> Any:
    if len(text) > MAX_TEXT:
        raise UserError(f"hints: longer than {MAX_TEXT // 10**6} million letters")
    return parse_document(text, "hints:")


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
    keys = _keys(value, where, {"from", "to"}, {"region", "speed"})
    region, speed = keys.get("region"), keys.get("speed")
    start, end = _point(keys["from"], f"{where}.from"), _point(keys["to"], f"{where}.to")
    if start == end:
        raise UserError(f"{where}.to: equals from; use a pin for a place that stands still")
    return Arrow(
        start,
        end,
        None if region is None else _name(region, f"{where}.region"),
        None if speed is None else _number(speed, f"{where}.speed", 0, MAX_SPEED),
    )


def _first_arrow(value: Any, where: str) -> Arrow:
    """As in version 1."""
    _keys(value, where, {"from", "to"}, {"region"})
    return _arrow(value, where)


def _swirl(value: Any, where: str) -> Swirl:
    keys = _keys(value, where, {"at", "radius"}, {"turn"})
    turn = _number(keys.get("turn", 1), f"{where}.turn", -MAX_SPEED, MAX_SPEED)
    if turn == 0:
        raise UserError(f"{where}.turn: is 0, but must be above 0 (counter-clockwise) or below (clockwise)")
    return Swirl(_point(keys["at"], f"{where}.at"), _number(keys["radius"], f"{where}.radius", 0.005, 4), turn)


def _first_region(value: Any, where: str) -> RegionHint:
    """A region of version 1."""
    _keys(value, where, {"name"}, {"angle", "speed"})
    return _region(value, where)


def _region(value: Any, where: str) -> RegionHint:
    keys = _keys(value, where, {"name"}, {"angle", "speed", "kind", "colour", "mask"})
    angle, mask = keys.get("angle"), keys.get("mask")
    kind = _kind(keys.get("kind"), f"{where}.kind")
    if angle is not None and kind not in (None, MotionKind.TRANSLATE):
        raise UserError(f"{where}.angle: is {_short(angle)}, but only a translation has one")
    return RegionHint(
        _name(keys["name"], f"{where}.name"),
        None if angle is None else _number(angle, f"{where}.angle", -360, 360),
        _number(keys.get("speed", 1), f"{where}.speed", 0, MAX_SPEED),
        kind,
        _colour(keys.get("colour"), f"{where}.colour"),
        None if mask is None else decode_painted(mask, f"{where}.mask"),
    )


def _kind(value: Any, where: str) -> MotionKind | None:
    known = [kind.value for kind in MotionKind]
    if value is None:
        return None
    if value not in known:
        raise UserError(f"{where}: is {_short(value)}, but must be one of: {', '.join(known)}")
    return MotionKind(value)


def _colour(value: Any, where: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise UserError(f"{where}: is {_short(value)}, but must be a colour such as #1c8fff")
    return value


def _checked(regions: tuple[RegionHint, ...]) -> tuple[RegionHint, ...]:
    masks = sum(hint.mask is not None for hint in regions)
    if masks > MAX_MASKS:
        raise UserError(f"hints.regions: {masks} of them have a mask, but at most {MAX_MASKS} may")
    names = [hint.name for hint in regions]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UserError(f"hints.regions[{number}].name: {_short(name)} is given twice")
    return regions
