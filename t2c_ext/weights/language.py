"""Fetching the language models of nltk and spaCy, each with its own library's downloader."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.weights.places import home_folder

SAFE_NLTK = (3, 9)
"""Since this version nltk's models are JSON; older ones unpickle theirs, which runs what stands in them."""


def is_installed(name: str, library: str) -> bool:
    """Whether a library ("nltk" or "spacy") and its model are here; neither is imported to find out."""
    if importlib.util.find_spec(library) is None:
        return False
    if library == "spacy":
        return importlib.util.find_spec(name) is not None
    if not _is_safe_nltk():
        return False
    return any((folder / "taggers" / (name + ending)).exists() for folder in nltk_folders() for ending in ("", ".zip"))


def _is_safe_nltk() -> bool:
    version = re.match(r"(\d+)\.(\d+)", importlib.metadata.version("nltk"))
    return version is not None and (int(version[1]), int(version[2])) >= SAFE_NLTK


def nltk_folders() -> list[Path]:
    """Where nltk looks for its data: NLTK_DATA, the home, the environment and the system."""
    folders = [Path(part) for part in os.environ.get("NLTK_DATA", "").split(os.pathsep) if part]
    folders += [home_folder() / "nltk_data"]
    folders += [Path(sys.prefix) / part / "nltk_data" for part in (".", "share", "lib")]
    if sys.platform == "win32":
        folders += [Path(drive) / "nltk_data" for drive in ("C:\\", "D:\\", "E:\\")]
        folders += [Path(os.environ[name]) / "nltk_data" for name in ("APPDATA",) if name in os.environ]
    else:
        system = ("/usr/share", "/usr/local/share", "/usr/lib", "/usr/local/lib")
        folders += [Path(part) / "nltk_data" for part in system]
    return folders


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
    if not _is_safe_nltk():
        raise UserError(f"{name} needs a newer nltk: pip install -U nltk")
    import nltk

    return bool(nltk.download(name, quiet=True))
