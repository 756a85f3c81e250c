"""Whether words are of another language than English, the only one that is read."""

from __future__ import annotations

import re
import unicodedata

from t2c_ext.prompt import vocabulary as vocab

ENOUGH = 2
"""So many words of another language make a text one; one alone may be a name ("Rio")."""

_WORD = re.compile(r"[^\W\d_]+")

SENTENCE = 'Only English is read; say what moves and where to in English, such as "river flowing left".'


def is_foreign(text: str) -> bool:
    """Whether a text is of another language, as far as its letters and its most frequent words tell."""
    words = [word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", text))]
    if any(_is_of_another_script(word) for word in words):
        return True
    known = [word for word in words if word in vocab.FOREIGN]
    return len(known) >= ENOUGH and any(word not in vocab.FOREIGN_OR_ENGLISH for word in known)


def _is_of_another_script(word: str) -> bool:
    """Whether a word's first letter is none of the Latin alphabet."""
    return not unicodedata.name(word[0], "LATIN").startswith(("LATIN", "GREEK", "MICRO"))
