"""Optional language models: nltk's noun tagger and spaCy's parser, used where they are installed.

Nothing here downloads anything. Without a model the rules decide alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from t2c_ext.prompt.tokens import Token

SPACY_MODEL = "en_core_web_sm"
NLTK_MODELS = ("averaged_perceptron_tagger_eng", "averaged_perceptron_tagger")
"""The tagger's names in current and in older releases of nltk."""

_NOUN_TAGS = ("NN", "NNS", "NNP", "NNPS")
_SUBJECT_RELATIONS = frozenset({"nsubj", "nsubjpass", "nsubj:pass"})
_CLAUSE_RELATIONS = frozenset({"acl", "relcl", "acl:relcl", "amod", "advcl"})
_LONGEST_TEXT = 2000


@dataclass(frozen=True)
class LanguageModel:
    """A language model that the prompt stage can use.

    Attributes:
        name: the library's name for it.
        library: "nltk" or "spacy".
        purpose: what it improves.
        installed: both the library and the model are here.
    """

    name: str
    library: str
    purpose: str
    installed: bool


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


def language_models() -> tuple[LanguageModel, ...]:
    """The language models that are wanted, and whether each is installed."""
    nltk_name = next((name for name in NLTK_MODELS if _nltk_has(name)), None)
    return (
        LanguageModel(nltk_name or NLTK_MODELS[0], "nltk", "nouns of the natural twin's prompt", nltk_name is not None),
        LanguageModel(SPACY_MODEL, "spacy", "which thing a direction belongs to", _spacy_has(SPACY_MODEL)),
    )


def _nltk_has(name: str) -> bool:
    """Whether nltk and its tagger `name` are here, without the second or two that importing nltk takes."""
    if importlib.util.find_spec("nltk") is None:
        return False
    return any((folder / "taggers" / (name + ending)).exists() for folder in _nltk_folders() for ending in ("", ".zip"))


def _nltk_folders() -> list[Path]:
    """Where nltk looks for its data: NLTK_DATA, the home, the environment and the system."""
    folders = [Path(part) for part in os.environ.get("NLTK_DATA", "").split(os.pathsep) if part]
    folders += [Path(os.path.expanduser("~")) / "nltk_data"]
    folders += [Path(sys.prefix) / part / "nltk_data" for part in (".", "share", "lib")]
    if sys.platform == "win32":
        folders += [Path(drive) / "nltk_data" for drive in ("C:\\", "D:\\", "E:\\")]
        folders += [Path(os.environ[name]) / "nltk_data" for name in ("APPDATA",) if name in os.environ]
    else:
        system = ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")
        folders += [Path(part) / "nltk_data" for part in system]
    return folders


def _spacy_has(name: str) -> bool:
    return importlib.util.find_spec("spacy") is not None and importlib.util.find_spec(name) is not None


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


@lru_cache(maxsize=1)
def installed_parser() -> SpacyParser | None:
    """SpaCy's English model, or None where it is not installed."""
    if not _spacy_has(SPACY_MODEL):
        return None
    return SpacyParser(importlib.import_module("spacy").load(SPACY_MODEL, disable=["ner"]))


@lru_cache(maxsize=1)
def installed_tagger() -> Tagger | None:
    """nltk's tagger, else spaCy's, or None where neither is installed."""
    name = next((name for name in NLTK_MODELS if _nltk_has(name)), None)
    if name is None:
        return installed_parser()
    return NltkTagger(importlib.import_module("nltk").pos_tag)
