"""The hints document: what it says, and what it refuses."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.motion.hints import MAX_ITEMS, parse_hints, short_text, to_document, to_json
from t2c_ext.motion.painted import decode_painted, encode_painted
from t2c_ext.recipe import Recipe, recipe_from_infotext
from t2c_ext.types import Arrow, Hints, MotionKind, Painted, RegionHint, Swirl


def text_of(levels: Any, mode: str | None = None) -> str:
    """The base64 PNG of levels 0..255, saved in a mode of Pillow's."""
    picture = Image.fromarray(np.asarray(levels, np.uint8))
    buffer = io.BytesIO()
    (picture if mode is None else picture.convert(mode)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def bomb(width: int, height: int) -> str:
    """A small PNG that says it is large."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000)))
    return base64.b64encode(data + chunk(b"IEND", b"")).decode()


DOCUMENT = {
    "version": 1,
    "arrows": [{"from": [0.1, 0.2], "to": [0.3, 0.4], "region": "river"}, {"from": [0, 0], "to": [1, 1]}],
    "swirls": [{"at": [0.5, 0.5], "radius": 0.25, "turn": -1}, {"at": [0, 1], "radius": 1}],
    "pins": [[0.25, 0.75]],
    "freeze": [[[0, 0], [1, 0], [0, 1]]],
    "regions": [{"name": "sky", "angle": 180, "speed": 0.5}, {"name": "river"}],
}

HINTS = Hints(
    arrows=(Arrow((0.1, 0.2), (0.3, 0.4), "river"), Arrow((0.0, 0.0), (1.0, 1.0))),
    swirls=(Swirl((0.5, 0.5), 0.25, -1.0), Swirl((0.0, 1.0), 1.0, 1.0)),
    pins=((0.25, 0.75),),
    freeze=(((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)),),
    regions=(RegionHint("sky", 180.0, 0.5), RegionHint("river", None, 1.0)),
)


def test_document_is_read_from_dictionary_and_text() -> None:
    assert parse_hints(DOCUMENT) == HINTS
    assert parse_hints(json.dumps(DOCUMENT)) == HINTS
    assert parse_hints("") == parse_hints("  \n") == parse_hints({"version": 1}) == Hints()


share = st.floats(0, 1)
points = st.tuples(share, share)
names = st.text(min_size=1, max_size=20).filter(lambda name: bool(name.strip()))
arrows = st.builds(Arrow, points, points, st.none() | names).filter(lambda arrow: arrow.start != arrow.end)
swirls = st.builds(Swirl, points, st.floats(0.005, 4), st.floats(-5, 5).filter(lambda turn: turn != 0))
polygons = st.lists(points, min_size=3, max_size=6).map(tuple)
sides = st.integers(1, 5)
painted = st.tuples(sides, sides).flatmap(
    lambda size: st.binary(min_size=size[0] * size[1], max_size=size[0] * size[1]).map(
        lambda data: Painted(np.frombuffer(data, np.uint8).reshape(size))
    )
)
swirling = st.sampled_from([MotionKind.SWIRL, MotionKind.SWIRL_CW, MotionKind.SWIRL_CCW])
speeds = st.floats(0, 100)
colours = st.just("") | st.from_regex(r"#[0-9a-fA-F]{6}", fullmatch=True)
angles = st.none() | st.floats(-360, 360)
region_hints = st.builds(
    RegionHint, names, angles, speeds, st.none() | st.just(MotionKind.TRANSLATE), colours, st.none() | painted
) | st.builds(RegionHint, names, st.none(), speeds, swirling, colours, st.none() | painted)


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=4).map(tuple)


hints_of_any_kind = st.builds(
    Hints,
    arrows=tuples(arrows),
    swirls=tuples(swirls),
    pins=tuples(points),
    freeze=tuples(polygons),
    regions=st.lists(region_hints, max_size=4, unique_by=lambda hint: hint.name).map(tuple),
    still=st.none() | painted,
)


@given(hints_of_any_kind)
def test_round_trip(hints: Hints) -> None:
    assert parse_hints(to_document(hints)) == hints
    assert parse_hints(to_json(hints)) == hints


WRONG: list[tuple[Any, str]] = [
    ("{", "hints: is not valid JSON"),
    ("[" * 100_000, "hints: is nested too deeply"),
    ("[1, 2]", "hints: is a list, but must be an object"),
    ("null", "hints: is null"),
    ('{"version": 1, "pins": [[NaN, 0]]}', "NaN is no number"),
    ('{"version": 1, "version": 1}', "given twice"),
    ({}, r"hints\.version: is missing"),
    ({"version": 3}, r"hints\.version: is 3, but must be 1 or 2"),
    ({"version": True}, r"hints\.version: is True"),
    ({"version": 1, "arrow": []}, r"hints\.'arrow': unknown; known: arrows, freeze"),
    ({"version": 1, "arrows": {}}, r"hints\.arrows: is \{\}, but must be a list"),
    ({"version": 1, "arrows": [{"from": [0, 0]}]}, r"hints\.arrows\[0\]\.to: is missing"),
    (
        {"version": 1, "arrows": [{"from": [0, 0], "to": [0, 2]}]},
        r"hints\.arrows\[0\]\.to\[1\]: is 2, but must be from 0",
    ),
    ({"version": 1, "arrows": [{"from": [0, 0], "to": [0, 0]}]}, r"hints\.arrows\[0\]\.to: equals from"),
    ({"version": 1, "arrows": [{"from": [0, 0], "to": [1]}]}, r"hints\.arrows\[0\]\.to: .* must be \[x, y\]"),
    ({"version": 1, "arrows": [{"from": [0, 0], "to": [1, 1], "region": ""}]}, r"arrows\[0\]\.region: is ''"),
    ({"version": 1, "arrows": [{"from": [0, 0], "to": [1, 1], "x": 1}]}, r"hints\.arrows\[0\]\.'x': unknown"),
    ({"version": 1, "pins": [[0.5, float("nan")]]}, r"hints\.pins\[0\]\[1\]: is nan"),
    ({"version": 1, "pins": [[0.5, float("inf")]]}, r"hints\.pins\[0\]\[1\]: is inf"),
    ({"version": 1, "pins": [[0.5, "0.5"]]}, r"hints\.pins\[0\]\[1\]: is '0\.5', but must be a number"),
    ({"version": 1, "pins": [[0.5, True]]}, r"hints\.pins\[0\]\[1\]: is True"),
    ({"version": 1, "pins": [[0, 0]] * (MAX_ITEMS + 1)}, rf"hints\.pins: has {MAX_ITEMS + 1} items"),
    ({"version": 1, "freeze": [[[0, 0], [1, 1]]]}, r"hints\.freeze\[0\]: has 2 corners"),
    ({"version": 1, "swirls": [{"at": [0, 0], "radius": 0}]}, r"hints\.swirls\[0\]\.radius: is 0"),
    ({"version": 1, "swirls": [{"at": [0, 0], "radius": 1, "turn": 0}]}, r"hints\.swirls\[0\]\.turn: is 0"),
    ({"version": 1, "regions": [{"name": "a", "speed": -1}]}, r"hints\.regions\[0\]\.speed: is -1"),
    ({"version": 1, "regions": [{"name": "a"}, {"name": "a"}]}, r"hints\.regions\[1\]\.name: 'a' is given twice"),
    ({"version": 1, "regions": [{"name": "a", "angle": 10**400}]}, r"hints\.regions\[0\]\.angle: is 1000"),
    ({"version": 1, "still": ""}, r"hints\.'still': unknown"),
    ({"version": 1, "regions": [{"name": "a", "kind": "swirl"}]}, r"hints\.regions\[0\]\.'kind': unknown"),
    (
        {"version": 2, "regions": [{"name": "a", "kind": "round"}]},
        r"regions\[0\]\.kind: is 'round', but must be one of",
    ),
    ({"version": 2, "regions": [{"name": "a", "kind": {}}]}, r"regions\[0\]\.kind: is \{\}"),
    (
        {"version": 2, "regions": [{"name": "a", "kind": "swirl", "angle": 0}]},
        r"angle: is 0, but only a translation has one",
    ),
    ({"version": 2, "regions": [{"name": "a", "colour": "red"}]}, r"regions\[0\]\.colour: is 'red'"),
    ({"version": 2, "regions": [{"name": "a", "mask": [1]}]}, r"regions\[0\]\.mask: must be a PNG"),
    ({"version": 2, "regions": [{"name": "a", "mask": "***"}]}, r"regions\[0\]\.mask: is not base64"),
    ({"version": 2, "regions": [{"name": "a", "mask": "AAAA"}]}, r"regions\[0\]\.mask: is no PNG"),
    ({"version": 2, "still": "A" * 2_700_000}, r"hints\.still: is larger than 2 MB"),
    ({"version": 2, "still": text_of(np.zeros((2, 1025)))}, r"hints\.still: is 1025x2, but at most 1024"),
    ({"version": 2, "still": text_of(np.zeros((9, 9)))[:-40]}, r"hints\.still: is (a damaged PNG|not base64)"),
    ({"version": 2, "still": bomb(60_000, 60_000)}, r"hints\.still: is 60000x60000, but at most 1024"),
    (
        {"version": 2, "regions": [{"name": str(n), "mask": text_of(np.zeros((1, 1)))} for n in range(17)]},
        r"hints\.regions: 17 of them have a mask, but at most 16",
    ),
]


@pytest.mark.parametrize(("document", "message"), WRONG, ids=[str(number) for number in range(len(WRONG))])
def test_refusals_name_the_field_in_one_line(document: Any, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse_hints(document)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["arrows", "swirls", "pins", "freeze", "regions", "x"]), json_values))
def test_anything_is_read_or_refused(document: dict[str, Any]) -> None:
    try:
        assert isinstance(parse_hints({"version": 1, **document}), Hints)
    except UserError as error:
        assert str(error).startswith("hints")


def test_the_lowest_version_that_can_hold_the_hints_is_written() -> None:
    plain = RegionHint("river", 180.0, 2.0)
    assert to_document(Hints(regions=(plain,)))["version"] == 1
    dot = Painted(np.full((1, 1), 255, np.uint8))
    for hint in (RegionHint("r", kind=MotionKind.SWIRL), RegionHint("r", colour="#000000"), RegionHint("r", mask=dot)):
        assert to_document(Hints(regions=(hint,)))["version"] == 2
    assert to_document(Hints(still=dot))["version"] == 2
    assert "still" not in to_document(Hints(regions=(RegionHint("r", kind=MotionKind.SWIRL),)))


def test_a_mask_of_any_kind_of_png_becomes_grey() -> None:
    levels = np.array([[0, 64, 255]], np.uint8)
    expected = Painted(levels)
    colour = np.dstack([levels, levels, levels])
    for text in (text_of(levels), text_of(levels, "RGB"), text_of(levels, "LA"), text_of(colour, "RGBA")):
        assert decode_painted(text, "x") == expected
    assert decode_painted("data:image/png;base64," + text_of(levels), "x") == expected
    assert decode_painted(encode_painted(expected), "x") == expected
    white = np.full((1, 3, 4), 255, np.uint8)
    white[..., 3] = levels
    assert decode_painted(text_of(white), "x") == expected, "what a canvas leaves transparent is not painted"
    red = np.zeros((1, 1, 3), np.uint8)
    red[..., 0] = 255
    assert decode_painted(text_of(red), "x").levels.tolist() == [[76]]
    buffer = io.BytesIO()
    Image.fromarray(np.array([[0, 32896, 65535]], np.uint16)).save(buffer, "PNG")
    assert decode_painted(base64.b64encode(buffer.getvalue()).decode(), "x").levels.tolist() == [[0, 128, 255]]


def test_only_png_is_decoded() -> None:
    buffer = io.BytesIO()
    Image.new("L", (4, 4)).save(buffer, "BMP")
    with pytest.raises(UserError, match="x: is no PNG"):
        decode_painted(base64.b64encode(buffer.getvalue()).decode(), "x")


def test_painted_masks_stay_out_of_infotext() -> None:
    hints = Hints(
        arrows=(Arrow((0.0, 0.0), (1.0, 1.0)),),
        regions=(RegionHint("river", 180.0, mask=Painted(np.full((4, 4), 255, np.uint8))),),
        still=Painted(np.zeros((2, 2), np.uint8)),
    )
    recipe = Recipe().with_values({"hints": to_json(hints)})
    written = recipe_from_infotext(recipe.to_infotext())
    assert parse_hints(written.motion.hints) == Hints(arrows=hints.arrows, regions=(RegionHint("river", 180.0),))
    assert parse_hints(recipe.motion.hints) == hints
    assert short_text(json.dumps(DOCUMENT)) == json.dumps(DOCUMENT)
