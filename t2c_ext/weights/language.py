"""The language models of nltk and spaCy that sharpen the reading of a prompt."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass

from t2c_ext.errors import UserError

SPACY_MODEL = "en_core_web_sm"
NLTK_MODELS = ("averaged_perceptron_tagger_eng", "punkt_tab")


@dataclass(frozen=True)
class LanguageModel:
    """One model.

    Attributes:
        name: what `t2c models download NAME` calls it.
        package: the Python package that it needs.
        purpose: what it improves.
        installed: whether the package and the model are here.
    """

    name: str
    package: str
    purpose: str
    installed: bool


def language_models() -> tuple[LanguageModel, ...]:
    """The models, in the order in which they matter."""
    spacy_here = _has_package("spacy") and importlib.util.find_spec(SPACY_MODEL) is not None
    binds = LanguageModel(SPACY_MODEL, "spacy", "which thing a direction word belongs to", spacy_here)
    tags = (LanguageModel(name, "nltk", "the nouns of the twin's prompt", _has_nltk_data(name)) for name in NLTK_MODELS)
    return (binds, *tags)


def download(model: LanguageModel) -> None:
    """Fetch a model with its own library's downloader.

    Raises:
        UserError: the library is not installed, or the download failed.
    """
    if not _has_package(model.package):
        raise UserError(f"{model.name} needs the package {model.package}: pip install {model.package}")
    fetchers: dict[str, Callable[[str], bool]] = {"spacy": _fetch_spacy, "nltk": _fetch_nltk}
    if not fetchers[model.package](model.name):
        raise UserError(f"could not download {model.name}; fetch it by hand as the {model.package} manual says")


def _has_package(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _has_nltk_data(name: str) -> bool:
    if not _has_package("nltk"):
        return False
    import nltk

    folder = "tokenizers" if name.startswith("punkt") else "taggers"
    try:
        nltk.data.find(f"{folder}/{name}")
    except LookupError:
        return False
    return True


def _fetch_spacy(name: str) -> bool:
    from spacy.cli.download import download as fetch

    try:
        fetch(name)
    except (SystemExit, Exception):  # its downloader leaves with sys.exit
        return False
    importlib.invalidate_caches()
    return importlib.util.find_spec(name) is not None


def _fetch_nltk(name: str) -> bool:
    import nltk

    return bool(nltk.download(name, quiet=True, raise_on_error=False))
