"""The lexicon: well-formed, unambiguous, and found by any form of a word."""

from __future__ import annotations

from collections import Counter

import pytest

from t2c_ext.lexicon import load_lexicon, plural
from t2c_ext.tables import packaged_table

APPEARANCES = {
    "sky", "low water", "falling water", "fire", "pale vapour", "falling specks", "ground cover", "glow",
}  # fmt: skip
ADE20K = {
    "sky", "grass", "earth", "plant", "water", "sea", "field", "sand", "river", "flower", "lake", "waterfall",
    "fountain", "light", "tree", "fireplace", "dirt track", "swimming pool", "mountain", "flag", "curtain",
    "chandelier", "lamp",
}  # fmt: skip
COCO = {
    "sky-other-merged", "water-other", "sea", "river", "snow", "sand", "grass-merged", "dirt-merged", "tree-merged",
    "light", "flower", "banner", "curtain",
}  # fmt: skip


def test_no_word_names_two_things() -> None:
    counts = Counter(word for thing in load_lexicon() for word in thing.words)
    assert [word for word, count in counts.items() if count > 1] == []


def test_no_word_stands_twice_in_a_row() -> None:
    for row in packaged_table("t2c_ext", "lexicon.toml")["thing"]:
        written = [row["name"], *row.get("synonyms", [])]
        assert len(written) == len(set(written)), row["name"]


def test_rows_are_within_their_vocabularies() -> None:
    for thing in load_lexicon():
        assert thing.appearance in APPEARANCES, thing.name
        assert thing.ade20k and set(thing.ade20k) <= ADE20K, thing.name
        assert thing.coco and set(thing.coco) <= COCO, thing.name
        assert thing.speed > 0
        assert thing.angle is None or 0 <= thing.angle < 360
        assert all(word == word.lower() for word in thing.words)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("Rivers", "river"),
        ("mountain river", "river"),
        ("storm clouds", "cloud"),
        ("skies", "sky"),
        ("leaves", "leaf"),
        ("northern lights", "aurora"),
        ("ocean", "sea"),
        ("Falls", "waterfall"),
        ("tornadoes", "tornado"),
        ("magma", "lava"),
    ],
)
def test_finds_any_form(word: str, name: str) -> None:
    thing = load_lexicon().find(word)
    assert thing is not None and thing.name == name


@pytest.mark.parametrize("word", ["", "castle", "fireplace", "waterfront", "skyscraper", "river bank"])
def test_other_words_are_no_things(word: str) -> None:
    assert load_lexicon().find(word) is None


def test_exact_words_and_longest() -> None:
    lexicon = load_lexicon()
    assert lexicon.exactly("milky way") is lexicon.find("milky way")
    assert lexicon.exactly("the milky way") is None
    assert lexicon.longest >= 2


@pytest.mark.parametrize(
    ("word", "form"), [("river", "rivers"), ("sky", "skies"), ("bay", "bays"), ("ash", "ashes"), ("marsh", "marshes")]
)
def test_plural(word: str, form: str) -> None:
    assert plural(word) == form
