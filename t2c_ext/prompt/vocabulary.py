"""English words that the prompt's reader knows by their role, as `vocabulary.toml` lists them.

What each list is for stands there; the things that move are in the lexicon.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from t2c_ext.tables import packaged_table
from t2c_ext.types import MotionKind

Words = frozenset[str]
Vectors = dict[str, tuple[float, float]]
"""Words, each with its (x, y), y up."""


class VerbClass(NamedTuple):
    """How the verbs of a class behave.

    Attributes:
        name: of the class.
        own: (x, y) that the verb itself states, y up, or None.
        swirl: it states a turning.
        causative: it may have an object that moves ("wind blowing the clouds left").
        suits: families or things that it goes with best; empty: any.
        law: the motion that it states where that is no flow, or None.
    """

    name: str
    own: tuple[float, float] | None = None
    swirl: bool = False
    causative: bool = False
    suits: Words = frozenset()
    law: MotionKind | None = None


@dataclass(frozen=True)
class VerbForm:
    """One form of a verb.

    Attributes:
        verb: its class.
        form: "ing", "s", "base" or "past".
        base: its base form.
    """

    verb: VerbClass
    form: str
    base: str


def _vectors(rows: Mapping[str, Iterable[float]]) -> Vectors:
    found = {}
    for word, vector in rows.items():
        x, y = vector
        found[word] = (x, y)
    return found


def _verb_class(name: str, row: Mapping[str, Any]) -> VerbClass:
    own, law = row.get("own"), row.get("law")
    return VerbClass(
        name,
        own=None if own is None else (own[0], own[1]),
        swirl=row.get("swirl", False),
        causative=row.get("causative", False),
        suits=frozenset(row.get("suits", ())),
        law=None if law is None else MotionKind(law),
    )


_TABLE = packaged_table("t2c_ext", "vocabulary.toml")


def _words(section: str, name: str) -> Words:
    return frozenset(_TABLE[section][name])


# words that hold a sentence together

PREPOSITIONS = _words("function", "prepositions")
PLACE_ADVERBS = _words("function", "place_adverbs")
ATTACHED = _words("function", "attached")
SOURCES = _words("function", "sources")
DETERMINERS = _words("function", "determiners")
CONJUNCTIONS = _words("function", "conjunctions")
CLAUSE_OPENERS = _words("function", "clause_openers")
RELATIVES = _words("function", "relatives")
PRONOUNS = _words("function", "pronouns")
AUXILIARIES = _words("function", "auxiliaries")
MODALS = _words("function", "modals")
NEGATIONS = _words("function", "negations")
PARTICLES = _words("function", "particles")
ADVERBS = _words("function", "adverbs")
NOT_ADVERBS = _words("function", "not_adverbs")

# directions

SIDES = _vectors(_TABLE["sides"])
UPRIGHT = _vectors(_TABLE["upright"])
COMPASS = _vectors(_TABLE["compass"])
COMPASS_LETTERS = _vectors(_TABLE["compass_letters"])
ARROWS = _vectors(_TABLE["arrows"])
TURNS = {word: MotionKind(kind) for word, kind in _TABLE["turns"].items()}
TURN_ADJECTIVES = _words("direction", "turn_adjectives")
COUNTER = _words("direction", "counter")
CIRCLES = _words("direction", "circles")
PLACE_NOUNS = _words("direction", "place_nouns")
PICTURE_NOUNS = _words("direction", "picture_nouns")
SIDE_NOUNS = _words("direction", "side_nouns")
VIEWERS = _words("direction", "viewers")
BESIDE = _words("direction", "beside")
INTENSIFIED = _words("direction", "intensified")
PLACE_NAME_PARTS = _words("direction", "place_name_parts")
COMPASS_ADJECTIVES: Vectors = {stem + "erly": vector for stem, vector in COMPASS.items()}
"""Compass words that stand before "direction": "in a westerly direction"."""

# nouns

MOVERS = _words("nouns", "movers")
ALL_THINGS = _words("nouns", "all_things")
WINDS = _words("nouns", "winds")
SHAPES = _words("nouns", "shapes")
BANKS_FOR = _words("nouns", "banks_for")
SCENES = _words("nouns", "scenes")
MOTION_NOUNS = _words("nouns", "motion_nouns")
ING_NOUNS = _words("nouns", "ing_nouns")
AFTER_NOUN = _words("nouns", "after_noun")

# speed and stillness

SPEEDS: dict[str, float] = {word: row["factor"] for row in _TABLE["speed"] for word in row["words"]}
MOTIONLESS = _words("stillness", "motionless")
LINKING = _words("stillness", "linking")
KEEPING = _words("stillness", "keeping")
FREEZING = _words("stillness", "freezing")
MOVING = _words("stillness", "moving")
STATIC_VERBS = _words("stillness", "static_verbs")

# verbs

_VERBS = {name: _verb_class(name, row) for name, row in _TABLE["verbs"].items()}
_LAW_VERBS = {name: _verb_class(name, row) for name, row in _TABLE["law_verbs"].items()}
MOVE = _VERBS["move"]
LONE = _VERBS["lone"]
"""Any other verb, too: only what stands directly before it is its subject."""
WIND = _LAW_VERBS["wind"]
STILL = VerbClass("still")
"""A verb without motion (`STATIC_VERBS`); it takes the direction beside it away from the others."""
DOUBLED = _words("forms", "doubled")
THING_VERBS = _words("forms", "thing_verbs")
ALSO_NOUNS = _words("forms", "also_nouns")
ALSO_THINGS = _words("forms", "also_things")

# the camera

CAMERAS = _words("camera", "names")
CAMERA_DRIFTS = _words("camera", "drifts")
CAMERA_PUSHES = _words("camera", "pushes")
INWARD = _words("camera", "inward")
CAMERA_ALONE = _words("camera", "alone")
SHOTS = _words("camera", "shots")
SLOW_PUSHES = _words("camera", "slow")

# how a picture is made, and what is no noun

STYLE_NOUNS = _words("style", "style_nouns")
MEDIA = _words("style", "media")
ARTISTS = _words("style", "artists")
LOOKS = _words("style", "looks")
LONGEST_LOOK = max(len(look.split()) for look in LOOKS)
LOOK_ENDINGS: tuple[str, ...] = tuple(_TABLE["style"]["look_endings"])
NO_LOOKS = _words("style", "no_looks")
PHOTOGRAPHIC = _words("style", "photographic")
STYLE_OPENERS = _words("style", "style_openers")
HOURS = _words("style", "hours")
ADJECTIVES = _words("natural", "adjectives")
ADJECTIVE_ENDINGS: tuple[str, ...] = tuple(_TABLE["natural"]["adjective_endings"])
NOT_NOUNS = _words("natural", "not_nouns")

# descriptions, and other languages

SAID_TO_FLOW = _words("described", "flowing")
SAID_TO_FALL = _words("described", "falling")
SAID_TO_RISE = _words("described", "rising")
LAW_WORDS = {MotionKind(kind): word for kind, word in _TABLE["described"]["laws"].items()}
"""How the motions that do not flow are said: "swaying"."""
FOREIGN = _words("foreign", "words")
FOREIGN_OR_ENGLISH = _words("foreign", "also_english")


@lru_cache(maxsize=1)
def ward_words() -> Vectors:
    """Words that can only mean a way to move: leftward(s), upwards, northbound, skyward ..."""
    stems = {**{side: SIDES[side] for side in ("left", "right")}, **UPRIGHT, **COMPASS}
    found: Vectors = {stem + ending: v for stem, v in stems.items() for ending in ("ward", "wards", "wardly")}
    found |= {stem + "bound": v for stem, v in COMPASS.items()}
    found |= {stem + ending: (0.0, 1.0) for stem in ("sky", "heaven") for ending in ("ward", "wards")}
    found |= {stem + ending: (0.0, -1.0) for stem in ("earth", "ground") for ending in ("ward", "wards")}
    return found


def regular_forms(base: str) -> list[tuple[str, str]]:
    """The regular forms of a verb, each with what it is: base, s, ing, past."""
    stem = base[:-1] if base.endswith("e") and not base.endswith(("ee", "oe")) else base
    if base in DOUBLED:
        stem = base + base[-1]
    third = base + ("es" if base.endswith(("s", "sh", "ch", "x", "o")) else "s")
    past = stem + "ed"
    if base.endswith("y") and base[-2] not in "aeiou":
        third, past = base[:-1] + "ies", base[:-1] + "ied"
    return [(base, "base"), (third, "s"), (stem + "ing", "ing"), (past, "past")]


def _forms(classes: Mapping[str, VerbClass], section: str) -> dict[str, VerbForm]:
    """Every form of the verbs of a section of the table; an irregular form goes before one that is made."""
    of_base = {base: classes[name] for name, row in _TABLE[section].items() for base in row["verbs"]}
    found: dict[str, VerbForm] = {}
    for base, verb in of_base.items():
        for text, form in regular_forms(base):
            found.setdefault(text, VerbForm(verb, form, base))
    for form in ("past", "ing"):
        for text, base in _TABLE["forms"][form].items():
            if base in of_base:
                found[text] = VerbForm(of_base[base], form, base)
    return found


@lru_cache(maxsize=1)
def motion_verbs() -> dict[str, VerbForm]:
    """Every form of every verb of motion."""
    return _forms(_VERBS, "verbs")


@lru_cache(maxsize=1)
def law_verbs() -> dict[str, VerbForm]:
    """Every form of every verb that states another motion than flow, and of those that flow."""
    return motion_verbs() | _forms(_LAW_VERBS, "law_verbs")
