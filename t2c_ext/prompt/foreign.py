"""Whether words are of another language than English, the only one that is read."""

from __future__ import annotations

import re
import unicodedata

ENOUGH = 2
"""So many words of another language make a text one; one alone may be a name ("Rio")."""

_WORDS = frozenset({
    "fluss", "wasser", "wolken", "himmel", "wasserfall", "meer", "see", "rauch", "feuer", "nebel", "haare",
    "fliesst", "fließt", "fließend", "fliessend", "zieht", "ziehen", "treibt", "fällt", "steigt", "weht", "nach",
    "links", "rechts", "oben", "unten", "hinauf", "hinunter", "aufwärts", "abwärts", "der", "die", "das", "und",
    "vor", "mit", "einem", "einer", "rivière", "fleuve", "eau", "nuages", "ciel", "cascade", "mer", "lac",
    "fumée", "feu", "brouillard", "cheveux", "coule", "coulent", "coulant", "dérive", "dérivent", "tombe",
    "tombant", "monte", "vers", "gauche", "droite", "haut", "bas", "le", "la", "les", "une", "des", "devant",
    "avec", "et", "río", "agua", "nubes", "cielo", "cascada", "mar", "lago", "humo", "fuego", "niebla", "pelo",
    "fluye", "fluyen", "fluyendo", "cae", "cayendo", "sube", "hacia", "izquierda", "derecha", "arriba", "abajo",
    "el", "los", "las", "una", "con", "frente", "del", "y",
})  # fmt: skip
"""Things that move, directions and small words of German, French and Spanish that English does not have as they are."""

_ALSO_ENGLISH = frozenset({"die", "see", "bas", "y", "et", "mar", "el", "la", "le", "des", "und", "der", "das", "del"})
"""Of those, what an English text or a name may hold."""

_WORD = re.compile(r"[^\W\d_]+")

SENTENCE = 'Only English is read; say what moves and where to in English, such as "river flowing left".'


def is_foreign(text: str) -> bool:
    """Whether a text is of another language, as far as its letters and its most frequent words tell."""
    words = [word.lower() for word in _WORD.findall(unicodedata.normalize("NFC", text))]
    if any(_is_of_another_script(word) for word in words):
        return True
    known = [word for word in words if word in _WORDS]
    return len(known) >= ENOUGH and any(word not in _ALSO_ENGLISH for word in known)


def _is_of_another_script(word: str) -> bool:
    """Whether a word's first letter is none of the Latin alphabet."""
    return not unicodedata.name(word[0], "LATIN").startswith(("LATIN", "GREEK", "MICRO"))
