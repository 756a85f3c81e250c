"""Captions of a scene, in many wordings, of what can really be seen in it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from world.canvas import Thing

SMALLEST = 0.012
"""Share of the picture from which on a thing is worth a word."""

NAMES: dict[str, tuple[str, ...]] = {
    "river": ("a river", "a river", "a stream"),
    "lake": ("a lake", "a lake", "a pond"),
    "sea": ("the sea", "the sea", "the ocean", "waves"),
    "waterfall": ("a waterfall", "a waterfall", "a cascade"),
    "pool": ("a pool", "water"),
    "clouds": ("clouds", "clouds", "a cloudy sky"),
    "fire": ("a fire", "flames", "a bonfire"),
    "smoke": ("smoke",),
    "fog": ("fog", "mist"),
    "rain": ("rain",),
    "snowfall": ("snowfall",),
    "mountains": ("mountains", "mountains", "a mountain"),
    "hills": ("hills",),
    "trees": ("trees", "a forest"),
    "cliff": ("a cliff", "rocks"),
    "rocks": ("rocks",),
    "snow": ("snow",),
    "meadow": ("a meadow", "grass"),
    "grass": ("grass",),
    "wheat field": ("a wheat field",),
    "sand": ("sand",),
    "beach": ("a beach",),
    "island": ("an island",),
    "road": ("a road",),
    "house": ("a house",),
    "buildings": ("buildings", "a city"),
    "bridge": ("a bridge",),
    "boat": ("a boat",),
    "people": ("people",),
    "aeroplane": ("an aeroplane",),
    "stars": ("stars",),
    "sun": ("the sun",),
    "moon": ("the moon",),
}
"""What a thing may be called; "earth" has no word."""

SIDES = ("right", "up", "left", "down")
VERBS: dict[str, tuple[str, ...]] = {
    "clouds": ("drifting", "moving"),
    "fog": ("drifting",),
    "waterfall": ("falling", "flowing"),
    "fire": ("burning",),
    "smoke": ("rising",),
    "rain": ("falling",),
    "snowfall": ("falling",),
}
"""How a thing moves; other waters flow."""

STYLES: dict[str, tuple[str, ...]] = {
    "photograph": ("photograph", "nature, realistic, photography", "photography", "photo"),
    "oil painting": ("oil painting",),
    "impressionist painting": ("impressionist painting", "impressionism"),
    "watercolour": ("watercolour", "watercolor"),
    "ukiyo-e print": ("ukiyo-e print", "ukiyo-e"),
    "starry night": ("starry night style", "in the style of starry night"),
    "pencil drawing": ("pencil drawing", "sketch"),
    "pixel art": ("pixel art",),
    "neon": ("neon", "cyberpunk neon"),
    "anime": ("anime",),
    "pointillism": ("pointillism",),
    "ink painting": ("ink painting",),
}
"""The words for a look."""

NATURAL = "nature, realistic, photography"
"""How the prompt of a natural-looking twin ends."""

NOUNS = frozenset(
    (
        "photograph",
        "photo",
        "oil painting",
        "watercolour",
        "pencil drawing",
        "sketch",
        "impressionist painting",
        "ukiyo-e print",
        "ink painting",
    )
)
"""Styles that a sentence may begin with: "an oil painting of ..."."""

FEW_WORDS = (0.35, 0.85)
"""Up to these chances a caption names one or two things, or three; else all."""


def seen(things: Sequence[Thing]) -> list[Thing]:
    """The things that are large enough to be named, the largest moving one first."""
    named = [thing for thing in things if thing.word in NAMES and float(thing.mask.mean()) >= SMALLEST]
    return sorted(named, key=lambda thing: (not thing.moving, -float(thing.mask.mean())))


def caption(
    things: Sequence[Thing],
    time: str,
    look: str,
    random: np.random.Generator,
    *,
    directions: bool | None = None,
    plain: float = 0.0,
) -> str:
    """One sentence about the scene.

    Args:
        things: of the scene.
        time: of day.
        look: one of `looks.LOOKS`.
        random: picks the wording.
        directions: whether it says where things move; by chance when None.
        plain: how often it is a mere list of nouns, as the prompt of a natural-looking twin is.
    """
    named = seen(things)
    draw = random.random()
    most = 2 if draw < FEW_WORDS[0] else 3 if draw < FEW_WORDS[1] else 6
    parts: list[str] = []
    if random.random() < plain:
        nouns = dict.fromkeys(noun_of(_one(NAMES[thing.word], random)) for thing in named[:most])
        when = [time] if random.random() < 0.3 else []
        return ", ".join([*nouns, *when, STYLES[look][0] if look != "photograph" else NATURAL])
    for thing in named[:most]:
        name = _one(NAMES[thing.word], random)
        if thing.adjective and random.random() < 0.6:
            name = (
                f"{thing.adjective} {name.removeprefix('a ')}"
                if name != "a mountain"
                else f"a {thing.adjective} mountain"
            )
        says = thing.moving and (random.random() < 0.4 if directions is None else directions)
        parts.append(f"{name} {_motion(thing, random)}" if says else name)
    body = _joined(parts, random, _relation(named[:most])) or "a landscape"
    if random.random() < 0.6:
        when = f"at {time}" if time in ("night", "dusk", "dawn", "sunset", "golden hour") else time
        body = (
            f"{body}, {when}"
            if random.random() < 0.6
            else f"{body} {when}"
            if when.startswith("at ")
            else f"{body}, {when}"
        )
    style = _one(STYLES[look], random)
    if style in NOUNS and random.random() < 0.3:
        return f"{_article(style)} of {body}"
    return f"{body}, {style}"


def _article(style: str) -> str:
    return f"an {style}" if style[0] in "aeiou" and not style.startswith("u") else f"a {style}"


def _motion(thing: Thing, random: np.random.Generator) -> str:
    verb = _one(VERBS.get(thing.word, ("flowing", "flowing", "moving")), random)
    if thing.angle is None or verb in ("burning", "rising", "falling"):
        return verb
    side = SIDES[int(((thing.angle + 45) % 360) // 90)]
    return f"{verb} {side}"


def noun_of(name: str) -> str:
    """A name without its article, such as "river" for "a river"."""
    return name.removeprefix("a ").removeprefix("an ").removeprefix("the ")


def _relation(things: Sequence[Thing]) -> tuple[str, ...]:
    """How the first thing may be said to stand to the others."""
    if len(things) < 2:
        return ("with",)
    first, *others = (float((thing.mask.sum(1) @ np.arange(len(thing.mask))) / thing.mask.sum()) for thing in things)
    apart = 0.08 * len(things[0].mask)
    if all(other < first - apart for other in others):
        return ("below", "under", "in front of")
    return ("above", "over") if all(other > first + apart for other in others) else ("with",)


def _joined(parts: Sequence[str], random: np.random.Generator, relations: Sequence[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    if random.random() < 0.35:
        return ", ".join(parts)
    last = parts[-1] if len(parts) == 2 else f"{', '.join(parts[1:-1])} and {parts[-1]}"
    joint = _one(relations, random) if random.random() < 0.4 else _one(("with", "with", "and", "near"), random)
    return f"{parts[0]} {joint} {last}"


def _one(choices: Sequence[str], random: np.random.Generator) -> str:
    return choices[int(random.integers(len(choices)))]


GRAMMAR = "a an of at with and near in the landscape flowing moving below under in front above over snowy"
"""What captions are joined with."""

TIMES = "day sunset dusk dawn night storm overcast golden hour"
"""Names of `sky.LIGHTS`."""


def vocabulary() -> list[str]:
    """Every word that a caption can have."""
    phrases = [GRAMMAR, TIMES, *SIDES]
    for table in (NAMES, STYLES, VERBS):
        phrases += [phrase for choices in table.values() for phrase in choices]
    text = " ".join(phrases).lower()
    return sorted(set("".join(c if c.isalpha() else " " for c in text).split()))
