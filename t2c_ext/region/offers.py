"""What is offered where nothing is found surely: the best guess, its rivals, and how a person takes one of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from t2c_ext.lexicon import load_lexicon
from t2c_ext.region.segmenters.base import POSSIBLE, Segmenter
from t2c_ext.types import FloatArray, Region

BEST = "best"
"""Takes the first offer, whatever it is called."""

MOST = 6
"""More than these nobody looks at."""

SMALLEST = 0.004
"""Share of the picture below which a guess shows nothing."""

FAINTEST = 0.1
"""A guess none of whose pixels is at least this likely is none."""

SAME = 0.6
"""Two offers of which the intersection over union is larger than this are one."""


@dataclass(frozen=True)
class Taken:
    """What of a list of names was offered.

    Attributes:
        regions: the offers, in the order in which they were asked for, each once.
        others: the names that are no offers.
    """

    regions: tuple[Region, ...]
    others: tuple[str, ...]


def offers(finder: Segmenter, picture: FloatArray, words: Sequence[str]) -> list[Region]:
    """What a person may choose from, the likeliest first.

    Guesses at the words come first, the surest one leading; then what else in the picture is a thing of the words'
    family; then the rest that the segmenter can tell apart.

    Args:
        finder: the segmenter.
        picture: float32 [H, W, 3], 0..1.
        words: what moves; empty where nothing says it.

    Returns:
        At most `MOST` regions, names all different, masks of 0 and 1; the same for the same arguments.
    """
    proposed = finder.propose(picture)
    found: list[Region] = []
    guesses = [_guess(region) for region in finder.segment(picture, list(words))] if words else []
    for region in sorted((guess for guess in guesses if guess is not None), key=lambda row: -row.score):
        _add(found, region)
    families = {thing.family for thing in map(load_lexicon().find, words) if thing is not None}
    for region in sorted(proposed, key=lambda row: _family(row.name) not in families):
        _add(found, replace(region, mask=(region.mask >= 0.5).astype(np.float32)))
    return found[:MOST]


def take(offered: Sequence[Region], asked: Sequence[str], also: Sequence[Region] = ()) -> Taken:
    """Those of the offers that a person names: by name, by number from 1, or as `BEST`.

    Args:
        offered: from `offers`.
        asked: what was asked for.
        also: regions that have a name too, but no number.
    """
    taken: dict[str, Region] = {}
    others: list[str] = []
    for word in asked:
        found = _named(offered, word) or next((row for row in also if _is_called(row.name, word)), None)
        if found is None:
            others.append(word)
        else:
            taken.setdefault(found.name, replace(found, score=1.0))
    return Taken(tuple(taken.values()), tuple(others))


def bind(taken: Sequence[Region], words: Sequence[str], guesses: Sequence[Region]) -> list[Region]:
    """The taken offers under the names of the words that they stand for, so that what was said of a word holds.

    An offer stands for the word that it is a guess at, else for one of its family; one that is called nothing stands
    for the open word whose own guess lies most on it, and where one word is open for it. Offers that stand for one word
    are one region. Those that stand for none keep their name; but where there is one word and one offer, they belong
    together, whatever the offer is called.

    Args:
        taken: what the person took.
        words: what the words say moves, each another thing.
        guesses: the segmenter's regions for the words, sure or not.
    """
    standing = [_meant(region.name, words) for region in taken]
    open_words = [word for word in words if word not in standing]
    for number, region in enumerate(taken):
        if standing[number] is None and open_words and _family(region.name) is None:
            standing[number] = max(open_words, key=partial(_share, region, guesses=guesses))
    if len(taken) == 1 and len(words) == 1:
        standing = list(words)
    bound: dict[str, Region] = {}
    for region, word in zip(taken, standing, strict=True):
        name = word or region.name.removeprefix(POSSIBLE)
        before = bound.get(name)
        mask = region.mask if before is None else np.maximum(before.mask, region.mask)
        bound[name] = replace(region, name=name, mask=mask)
    return list(bound.values())


def guessed(asked: Sequence[str]) -> list[str]:
    """The words that names such as "possible river" are guesses at."""
    return [word.strip().lower().removeprefix(POSSIBLE) for word in asked if word.strip().lower().startswith(POSSIBLE)]


def _guess(region: Region) -> Region | None:
    """A segmenter's region as an offer; where nothing is likelier than not, the likeliest part; None if there is none.

    The level falls to half of the largest value, so that a person sees what the segmenter would have said.
    """
    level = min(0.5, 0.5 * float(region.mask.max(initial=0.0)))
    if 2 * level < FAINTEST:
        return None
    mask = (region.mask >= level).astype(np.float32)
    if float(mask.mean()) < SMALLEST:
        return None
    return replace(region, name=POSSIBLE + region.name, mask=mask)


def _add(found: list[Region], region: Region) -> None:
    """Offer it too, unless its like or its name is among the offers."""
    if region.mask.any() and not any(row.name == region.name or overlap(row.mask, region.mask) > SAME for row in found):
        found.append(region)


def overlap(one: FloatArray, other: FloatArray) -> float:
    """Intersection over union of two masks, cut at one half."""
    first, second = one >= 0.5, other >= 0.5
    either = np.count_nonzero(first | second)
    return np.count_nonzero(first & second) / either if either else 0.0


def _family(name: str) -> str | None:
    thing = load_lexicon().find(name)
    return None if thing is None else thing.family


def _meant(name: str, words: Sequence[str]) -> str | None:
    """The word that an offer's name means: the same, else one of its family."""
    plain = name.removeprefix(POSSIBLE)
    same = next((word for word in words if word.lower() == plain.lower()), None)
    family = _family(plain)
    return same or (next((word for word in words if _family(word) == family), None) if family else None)


def _share(region: Region, word: str, guesses: Sequence[Region]) -> float:
    """How likely the region is the word's thing, by the segmenter's own guess at it."""
    inside = region.mask >= 0.5
    guess = next((row for row in guesses if row.name == word), None)
    return float(guess.mask[inside].mean()) if guess is not None and inside.any() else 0.0


def _named(offered: Sequence[Region], word: str) -> Region | None:
    plain = word.strip().lower()
    if plain == BEST:
        return offered[0] if offered else None
    if plain.isdecimal():
        number = int(plain)
        return offered[number - 1] if 1 <= number <= len(offered) else None
    return next((row for row in offered if _is_called(row.name, word)), None)


def _is_called(name: str, word: str) -> bool:
    """Whether the user's word is the name, with or without what stands in brackets."""
    plain = word.lower().replace("-", " ").strip()
    return plain in (name.lower(), name.lower().split(" (")[0])
