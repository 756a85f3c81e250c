"""Sentences for the user are written for the command line; here they get the words of a page or of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping

from t2c_ext.settings import table

_OPTION = re.compile(r"(?P<opened>\s*\()?(?P<joined>\s+with\s+)?(?P<option>--[a-z][a-z-]*)(?(opened)\))")

_DOWNLOAD = re.compile(r"get it with: t2c models download (\S+)")
"""Advice that a page follows by a click."""

_ONLY_ON_THE_COMMAND_LINE = {"--mask": "", "--natural": "", "--flow": "", "--workspace": "", "--output": ""}
"""Options that are no setting; on a page the sentence says enough without them."""

_FIELDS = {"--mask": "mask", "--natural": "natural", "--flow": "", "--workspace": "", "--output": ""}
"""Likewise in a request."""


def for_a_page(sentence: str) -> str:
    """A sentence with the labels of widgets in place of the command line's options and of settings' names."""
    labels = {row.name: row.label for row in table()}
    first, _, rest = sentence.partition(" ")
    opened = f"{labels[first]} {rest}" if first in labels and rest.startswith("is ") else sentence
    opened = _DOWNLOAD.sub(r'get \1 in the list "Models" of the Cinemagraph page', opened)
    return _reworded(opened, {row.flag: row.label for row in table()} | _ONLY_ON_THE_COMMAND_LINE)


def for_a_request(sentence: str) -> str:
    """A sentence with the names of a request's fields in place of the command line's options."""
    return _reworded(sentence, {row.flag: row.name for row in table()} | _FIELDS)


def _reworded(sentence: str, words: Mapping[str, str]) -> str:
    def word(found: re.Match[str]) -> str:
        name = words.get(found["option"], "")
        if not name:
            return ""
        return f"{found['opened'] or ''}{found['joined'] or ''}{name}{')' if found['opened'] else ''}"

    return _OPTION.sub(word, sentence)
