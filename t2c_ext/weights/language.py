"""Fetching the language models of nltk and spaCy, each with its own library's downloader."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable

from t2c_ext.errors import UserError


def download(name: str, library: str) -> None:
    """Fetch a model.

    Args:
        name: the model's name in its library.
        library: "nltk" or "spacy".

    Raises:
        UserError: the library is not installed, or the download failed.
    """
    if importlib.util.find_spec(library) is None:
        raise UserError(f"{name} needs the package {library}: pip install {library}")
    fetchers: dict[str, Callable[[str], bool]] = {"spacy": _fetch_spacy, "nltk": _fetch_nltk}
    if not fetchers[library](name):
        raise UserError(f"could not download {name}; fetch it by hand as the manual of {library} says")


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

    return bool(nltk.download(name, quiet=True))
