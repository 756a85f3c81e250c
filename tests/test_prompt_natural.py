"""The natural twin's prompt, and the optional language models, exercised on small pipelines made here."""

from __future__ import annotations

from pathlib import Path

import pytest

from t2c_ext.lexicon import load_lexicon
from t2c_ext.prompt import parse, taggers
from t2c_ext.prompt.directions import read_text
from t2c_ext.prompt.natural import natural_prompt, nouns_of
from t2c_ext.prompt.syntax import plain
from t2c_ext.prompt.taggers import Tagger
from t2c_ext.settings import PromptSettings
from t2c_ext.weights.language import is_installed

TERMS = "nature, realistic"


def nouns(prompt: str, tagger: Tagger | None = None) -> tuple[str, ...]:
    return nouns_of(read_text(plain(prompt).text), load_lexicon(), tagger)


@pytest.mark.parametrize(
    ("prompt", "natural"),
    [
        ("a large river flowing in front of a mountain in the style of starry nights painting", "river, mountain"),
        ("a river in the style of van Gogh, flowing", "river"),
        ("(waterfall:1.3) in a forest, by Greg Rutkowski, <lora:ink:1>, masterpiece", "waterfall, forest"),
        ("a small wooden house by a lake, watercolor, trending on artstation", "house, lake"),
        ("clouds above a castle, oil on canvas, highly detailed, 8k", "clouds, castle"),
        ("ukiyo-e style waves, a boat", "waves, boat"),
        ("anime style waterfall flowing down", "waterfall"),
        ("a Van Gogh style river in a valley", "river, valley"),
        ("oil painting style van gogh river", "river"),
        ("a painting in the style of van Gogh of a river", "river"),
        ("watercolour style painting of a lake", "lake"),
        ("a lake in starry night style", "lake"),
        ("a river anime style", "river"),
        ("a Chinese ink wash painting: river, boat", "river, boat"),
        ("Anime Style Lake With Clouds", "Lake, Clouds"),
        ("fog drifting right with trees and snow, neon", "fog, trees, snow"),
        ("clouds over a lake, cyberpunk neon, masterpiece", "clouds, lake"),
        ("a waterfall, neon glow, a boat, ink", "waterfall, boat"),
        ("a river in a valley, comic book, vibrant colors, cottagecore", "river, valley"),
        ("a river, stained glass, dark fantasy, award winning, minecraft", "river"),
        ("clouds, a house, vorticism, paint splatter, ray tracing, depth of field", "clouds, house"),
        ("a river, a stained glass window, a comic book on a table", "river, window, book"),
        ("light through a prism, a river", "prism, river"),
        ("a street, neon", "street, neon"),
        ("neon, a street in the rain", "neon, street, rain"),
        ("rain, neon signs", "rain, neon signs"),
    ],
)
def test_nouns_without_style(prompt: str, natural: str) -> None:
    assert natural_prompt(nouns(prompt), TERMS) == f"{natural}, {TERMS}"


def test_terms_are_the_users() -> None:
    assert natural_prompt(nouns("a river"), " sunny ,, photo , River") == "river, sunny, photo"
    assert natural_prompt(nouns(""), "") == ""


def test_nltk_tagger_decides_what_is_a_noun() -> None:
    nltk = pytest.importorskip("nltk")
    train = [[("a", "DT"), ("mysterium", "JJ"), ("castle", "NN")], [("the", "DT"), ("mysterium", "JJ"), ("bog", "NN")]]
    backoff = nltk.DefaultTagger("NN")
    tagger = taggers.NltkTagger(nltk.UnigramTagger(train, backoff=backoff).tag)
    assert tagger.nouns(["a", "mysterium", "castle"]) == [False, False, True]
    prompt = "a castle, mysterium, a river"
    assert nouns(prompt) == ("castle", "mysterium", "river")
    assert nouns(prompt, tagger) == ("castle", "river")
    plan = parse(PromptSettings(prompt=prompt), tagger=tagger)
    assert plan.natural_prompt.startswith("castle, river, ")
    assert "Nouns were found by nltk's tagger." in plan.notes


def test_spacy_tells_nouns() -> None:
    spacy = pytest.importorskip("spacy")
    from spacy.language import Language

    @Language.component("tag_by_ending")
    def tag_by_ending(document):  # type: ignore[no-untyped-def]
        for token in document:
            token.pos_ = "ADJ" if token.text.endswith("um") else "NOUN"
        return document

    pipeline = spacy.blank("en")
    pipeline.add_pipe("tag_by_ending")
    tagger = taggers.SpacyTagger(pipeline, "small")
    assert tagger.nouns(["mysterium", "river"]) == [False, True]
    plan = parse(PromptSettings(prompt="a castle, mysterium, a river"), tagger=tagger)
    assert plan.natural_prompt.startswith("castle, river, ")
    assert "Nouns were found by spaCy (small)." in plan.notes
    own = parse(PromptSettings(prompt="a castle, mysterium, a river", natural_prompt="a castle"), tagger=tagger)
    assert not any("spaCy" in note for note in own.notes), "it was not asked"


def test_a_model_counts_as_installed_only_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nltk")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NLTK_DATA", str(tmp_path))
    before = is_installed(taggers.NLTK_MODEL, "nltk")
    (tmp_path / "taggers" / taggers.NLTK_MODEL).mkdir(parents=True)
    assert is_installed(taggers.NLTK_MODEL, "nltk")
    assert before is False or (Path("/usr/share/nltk_data").exists() or Path("/usr/local/share/nltk_data").exists())
    monkeypatch.setattr("importlib.metadata.version", lambda name: "3.8.1")
    assert not is_installed(taggers.NLTK_MODEL, "nltk")  # it would unpickle its model
