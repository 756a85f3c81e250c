"""The hints document: what it says, and what it refuses."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2c_ext.errors import UserError
from t2c_ext.motion.hints import MAX_ITEMS, parse_hints, to_document, to_json
from t2c_ext.types import Arrow, Hints, RegionHint, Swirl

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
region_hints = st.builds(RegionHint, names, st.none() | st.floats(-360, 360), st.floats(0, 100))


def tuples(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, max_size=4).map(tuple)


hints_of_any_kind = st.builds(
    Hints,
    arrows=tuples(arrows),
    swirls=tuples(swirls),
    pins=tuples(points),
    freeze=tuples(polygons),
    regions=st.lists(region_hints, max_size=4, unique_by=lambda hint: hint.name).map(tuple),
)


@given(hints_of_any_kind)
def test_round_trip(hints: Hints) -> None:
    assert parse_hints(to_document(hints)) == hints
    assert parse_hints(to_json(hints)) == hints


WRONG: list[tuple[Any, str]] = [
    ("{", "hints: not valid JSON"),
    ("[" * 100_000, "hints: not valid JSON"),
    ("[1, 2]", r"hints: is \[1, 2\], but must be an object"),
    ("null", "hints: is None"),
    ('{"version": 1, "pins": [[NaN, 0]]}', "NaN is not a number"),
    ('{"version": 1, "version": 1}', "given twice"),
    ({}, r"hints\.version: is missing"),
    ({"version": 2}, r"hints\.version: is 2, but must be 1"),
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
