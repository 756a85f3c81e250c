"""The words that the prompt's reader knows: well-formed, and every one within reach."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from t2c_ext.lexicon import load_lexicon
from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.tokens import Kind, tokenize
from t2c_ext.tables import packaged_table
from t2c_ext.types import MotionKind

TABLE = packaged_table("t2c_ext", "vocabulary.toml")
CODE = Path(vocab.__file__).read_text(encoding="utf-8")


def lists(table: dict[str, Any], place: str = "") -> Iterator[tuple[str, list[str]]]:
    """Every list of words in the table, by its place."""
    for key, value in table.items():
        rows = value if key == "speed" else [value]
        for row in rows:
            if isinstance(row, dict):
                yield from lists(row, f"{place}{key}.")
            elif isinstance(row, list) and all(isinstance(word, str) for word in row):
                yield f"{place}{key}", row


LISTS = list(lists(TABLE))


def test_the_lists_are_found() -> None:
    assert len(LISTS) > 60
    assert sum(len(words) for _, words in LISTS) > 1500


@pytest.mark.parametrize(("place", "words"), [row for row in LISTS if not row[0].endswith(("suits", "endings"))])
def test_every_word_is_one_token_or_a_look_and_stands_once(place: str, words: list[str]) -> None:
    assert [word for word, count in Counter(words).items() if count > 1] == []
    for word in words:
        parts = word.split() if place == "style.looks" else [word]
        assert [(token.kind, token.lower) for token in tokenize(word)] == [(Kind.WORD, part) for part in parts], place


@pytest.mark.parametrize("section", ["sides", "upright", "compass", "turns"])
def test_every_word_of_direction_is_one_token(section: str) -> None:
    for word in TABLE[section]:
        assert [token.lower for token in tokenize(word)] == [word]


def test_every_arrow_is_one_token() -> None:
    for arrow in TABLE["arrows"]:
        assert [(token.kind, token.text) for token in tokenize(arrow)] == [(Kind.ARROW, arrow)]


@pytest.mark.parametrize("section", ["function", "direction", "nouns", "stillness", "forms", "style", "natural"])
def test_every_list_is_read(section: str) -> None:
    for name in TABLE[section]:
        assert f'"{name}"' in CODE, f"nothing reads [{section}] {name}"


def test_verbs_suit_what_the_lexicon_has() -> None:
    known = {thing.family for thing in load_lexicon()} | {thing.name for thing in load_lexicon()}
    for section in ("verbs", "law_verbs"):
        for name, row in TABLE[section].items():
            assert set(row.get("suits", ())) <= known, name


def test_things_that_are_described_are_in_the_lexicon() -> None:
    known = {thing.name for thing in load_lexicon()}
    for words in (vocab.SAID_TO_FLOW, vocab.SAID_TO_FALL, vocab.SAID_TO_RISE):
        assert words <= known


def test_every_motion_that_does_not_flow_can_be_said() -> None:
    assert set(vocab.LAW_WORDS) == {kind for kind in MotionKind if not kind.flows}


def test_every_irregular_form_is_of_a_known_verb() -> None:
    known = {base for section in ("verbs", "law_verbs") for row in TABLE[section].values() for base in row["verbs"]}
    for form in ("past", "ing"):
        assert set(TABLE["forms"][form].values()) <= known


@pytest.mark.parametrize(
    ("text", "base", "form"),
    [
        ("flows", "flow", "s"),
        ("rushes", "rush", "s"),
        ("carried", "push", "past"),
        ("hurries", "hurry", "s"),
        ("hurried", "hurry", "past"),
        ("dripping", "drip", "ing"),
        ("rising", "rise", "ing"),
        ("spiralled", "spiral", "past"),
        ("travelling", "travel", "ing"),
        ("blew", "blow", "past"),
    ],
)
def test_forms_of_verbs(text: str, base: str, form: str) -> None:
    found = vocab.motion_verbs()[text]
    assert (found.base, found.form) == (base, form)


def test_verbs_of_other_motions_go_before_those_that_flow() -> None:
    assert vocab.motion_verbs()["rippling"].verb.law is None
    assert vocab.law_verbs()["rippling"].verb.law is MotionKind.RIPPLE
    assert vocab.law_verbs()["blown"].verb is vocab.WIND
    assert vocab.law_verbs()["swung"].verb.law is MotionKind.SWAY
    assert vocab.law_verbs()["flowing"].verb.law is None
