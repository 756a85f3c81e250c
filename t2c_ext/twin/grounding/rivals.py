"""What the things that move compete with for places: what else is in the picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from t2c_ext.lexicon import Lexicon, Thing, load_lexicon, plural

GENERIC: Mapping[str, tuple[str, ...]] = {
    "rock": (),
    "tree": ("specks",),
    "ground": ("ground", "dust", "plants"),
    "background": (),
}
"""Nouns for what most pictures have around the things, each with the families of things that it may be a part of or
hold: beside those it is no rival. There is always one, so that a single thing has something to compete with."""


def rivals(things: Sequence[str], others: Iterable[str] = (), lexicon: Lexicon | None = None) -> tuple[str, ...]:
    """The nouns to look for beside the things, so that each place goes to the likeliest.

    Args:
        things: the words that name what moves.
        others: the other nouns of the prompt.
        lexicon: the things that move; None: the package's.

    Returns:
        Lower case, each once: `others`, then those of `GENERIC`, without what means one of the things (a lake's "water"
        would take the lake's own places).
    """
    lexicon = lexicon or load_lexicon()
    known = [thing for word in things if (thing := lexicon.find(word)) is not None]
    taken = {form for word in things for form in _forms(word)}
    families = {thing.family for thing in known}
    generic = [word for word, held in GENERIC.items() if not families.intersection(held)]
    found: list[str] = []
    for word in (*(other.strip().lower() for other in others), *generic):
        if word and not taken.intersection(_forms(word)) and not _means_one_of(lexicon.find(word), known):
            found.append(word)
            taken.update(_forms(word))
    return tuple(found)


def distinct(things: Sequence[str], lexicon: Lexicon | None = None) -> tuple[str, ...]:
    """The words in lower case, without those that mean the same thing as one before: they would take its places."""
    lexicon = lexicon or load_lexicon()
    found: dict[str, Thing | None] = {}
    for word in things:
        plain, thing = word.strip().lower(), lexicon.find(word)
        if plain and not _means_one_of(thing, [known for known in found.values() if known is not None]):
            found.setdefault(plain, thing)
    return tuple(found)


def _forms(word: str) -> set[str]:
    plain = word.strip().lower()
    return {plain, plural(plain)}


def _means_one_of(thing: Thing | None, known: Iterable[Thing]) -> bool:
    """Whether a noun's thing stands for one of those in a picture."""
    return thing is not None and any(map(thing.is_like, known))
