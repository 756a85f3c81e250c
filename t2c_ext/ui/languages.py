"""What the page says in other languages: the files that the WebUI reads by itself, for the app."""

from __future__ import annotations

from pathlib import Path

import t2c_ext
from t2c_ext.documents import read_document


def languages() -> dict[str, dict[str, str]]:
    """From English to each language, by its name such as "de_DE"; empty where the installation lacks the files."""
    package = Path(t2c_ext.__file__).resolve().parent
    for folder in (package / "localizations", package.parent / "localizations"):
        found = {path.stem: read_document(path, path.name) for path in sorted(folder.glob("*.json"))}
        if found:
            return {name: {str(key): str(text) for key, text in words.items()} for name, words in found.items()}
    return {}
