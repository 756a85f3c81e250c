"""Optional language models: nltk's noun tagger and spaCy's parser, used where they are installed.

Nothing here downloads anything. Without a model the rules decide alone.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any, Protocol

from t2c_ext.prompt.tokens import Token
from t2c_ext.weights.language import is_installed

SPACY_MODEL = "en_core_web_sm"
NLTK_MODEL = "averaged_perceptron_tagger_eng"

_NOUN_TAGS = ("NN", "NNS", "NNP", "NNPS")
_SUBJECT_RELATIONS = frozenset({"nsubj", "nsubjpass", "nsubj:pass"})
_CLAUSE_RELATIONS = frozenset({"acl", "relcl", "acl:relcl", "amod", "advcl"})
_LONGEST_TEXT = 2000


class Tagger(Protocol):
    """Tells nouns from other words."""

    note: str

    def nouns(self, words: Sequence[str]) -> list[bool]:
        """For each word, whether it is a noun."""


class Parser(Protocol):
    """Tells which noun a verb belongs to."""

    note: str

    def judge(self, text: str, tokens: Sequence[Token]) -> Callable[[int, list[int]], int | None]:
        """A function from a verb's token and the tokens of possible subjects to the index of the right one."""


class NltkTagger:
    """nltk's averaged perceptron, the tagger that the paper's code uses for nouns."""

    def __init__(self, tag: Callable[[list[str]], list[tuple[str, str]]]) -> None:
        """`tag` gives (word, Penn Treebank tag) pairs, such as `nltk.pos_tag`."""
        self._tag = tag
        self.note = "Nouns were found by nltk's tagger."

    def nouns(self, words: Sequence[str]) -> list[bool]:
        """For each word, whether its tag is one of a noun."""
        return [tag in _NOUN_TAGS for _, tag in self._tag(list(words))]


class SpacyParser:
    """A spaCy pipeline with a tagger, a dependency parser, or both."""

    def __init__(self, pipeline: Any, name: str = SPACY_MODEL) -> None:
        """Wrap a loaded pipeline."""
        self._pipeline = pipeline
        self.note = f"Sentences were parsed by spaCy ({name})."

    def nouns(self, words: Sequence[str]) -> list[bool]:
        """For each word, whether it is a noun or a name."""
        tokens = importlib.import_module("spacy.tokens")
        document = tokens.Doc(self._pipeline.vocab, words=list(words))
        for _, component in self._pipeline.pipeline:
            document = component(document)
        return [token.pos_ in ("NOUN", "PROPN") or token.tag_ in _NOUN_TAGS for token in document]

    def judge(self, text: str, tokens: Sequence[Token]) -> Callable[[int, list[int]], int | None]:
        """Parse `text` once, when first asked; texts of more than 2,000 characters are left to the rules."""
        document: list[Any] = []

        def choose(verb: int, candidates: list[int]) -> int | None:
            if len(text) > _LONGEST_TEXT:
                return None
            if not document:
                document.append(self._pipeline(text))
            return self._subject(document[0], tokens[verb], [tokens[place] for place in candidates])

        return choose

    def _subject(self, document: Any, verb: Token, candidates: list[Token]) -> int | None:
        """The candidate that the dependency tree makes the verb's subject, or None."""
        at_place = {token.idx: token for token in document}
        verb_node = at_place.get(verb.start)
        if verb_node is None or not document.has_annotation("DEP"):
            return None
        heads = {child.i for child in verb_node.children if child.dep_ in _SUBJECT_RELATIONS}
        if verb_node.dep_ in _CLAUSE_RELATIONS:
            heads.add(verb_node.head.i)
        for number, candidate in enumerate(candidates):
            node = at_place.get(candidate.start)
            if node is not None and node.i in heads:
                return number
        return None


def installed_models() -> tuple[str, ...]:
    """The language models that are here, each with its library's version; none is loaded to find out."""
    return tuple(
        f"{model} of {library} {version(library)}"
        for model, library in ((SPACY_MODEL, "spacy"), (NLTK_MODEL, "nltk"))
        if is_installed(model, library)
    )


@lru_cache(maxsize=1)
def installed_parser() -> SpacyParser | None:
    """SpaCy's English model, or None where it is not installed."""
    if not is_installed(SPACY_MODEL, "spacy"):
        return None
    return SpacyParser(importlib.import_module("spacy").load(SPACY_MODEL, disable=["ner"]))


@lru_cache(maxsize=1)
def installed_tagger() -> Tagger | None:
    """nltk's tagger, else spaCy's, or None where neither is installed."""
    if not is_installed(NLTK_MODEL, "nltk"):
        return installed_parser()
    return NltkTagger(importlib.import_module("nltk").pos_tag)
