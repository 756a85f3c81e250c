"""Optional language models: nltk's or spaCy's tagger tells nouns from other words, where one is installed.

Nothing here downloads anything. Without a model the forms of words decide. Which verb a noun belongs to is left to the
rules of `bind`: on forty sentences that were written after them they were right in all, a parse by spaCy in 27.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Protocol

from t2c_ext.weights.language import is_installed

SPACY_MODEL = "en_core_web_sm"
NLTK_MODEL = "averaged_perceptron_tagger_eng"

_NOUN_TAGS = ("NN", "NNS", "NNP", "NNPS")


class Tagger(Protocol):
    """Tells nouns from other words."""

    note: str

    def nouns(self, words: Sequence[str]) -> list[bool]:
        """For each word, whether it is a noun."""


class NltkTagger:
    """nltk's averaged perceptron, the tagger that the paper's code uses for nouns."""

    def __init__(self, tag: Callable[[list[str]], list[tuple[str, str]]]) -> None:
        """`tag` gives (word, Penn Treebank tag) pairs, such as `nltk.pos_tag`."""
        self._tag = tag
        self.note = "Nouns were found by nltk's tagger."

    def nouns(self, words: Sequence[str]) -> list[bool]:
        """For each word, whether its tag is one of a noun."""
        return [tag in _NOUN_TAGS for _, tag in self._tag(list(words))]


class SpacyTagger:
    """A spaCy pipeline with a tagger."""

    def __init__(self, pipeline: Any, name: str = SPACY_MODEL) -> None:
        """Wrap a loaded pipeline."""
        self._pipeline = pipeline
        self.note = f"Nouns were found by spaCy ({name})."

    def nouns(self, words: Sequence[str]) -> list[bool]:
        """For each word, whether it is a noun or a name."""
        tokens = importlib.import_module("spacy.tokens")
        document = tokens.Doc(self._pipeline.vocab, words=list(words))
        for _, component in self._pipeline.pipeline:
            document = component(document)
        return [token.pos_ in ("NOUN", "PROPN") or token.tag_ in _NOUN_TAGS for token in document]


def installed_models() -> tuple[str, ...]:
    """The language models that are here, each with its library's version; none is loaded to find out."""
    return tuple(
        f"{model} of {library} {version(library)}"
        for model, library in ((SPACY_MODEL, "spacy"), (NLTK_MODEL, "nltk"))
        if is_installed(model, library)
    )


@lru_cache(maxsize=1)
def installed_tagger() -> Tagger | None:
    """nltk's tagger, else spaCy's, or None where neither is installed."""
    if is_installed(NLTK_MODEL, "nltk"):
        return NltkTagger(importlib.import_module("nltk").pos_tag)
    if is_installed(SPACY_MODEL, "spacy"):
        return SpacyTagger(importlib.import_module("spacy").load(SPACY_MODEL, disable=["ner", "parser"]))
    return None
