"""From regions with a direction back to words: "river flowing left, clouds drifting slowly right"."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from t2c_ext.compass import direction_words
from t2c_ext.lexicon import Thing, load_lexicon
from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.directions import find_directions
from t2c_ext.prompt.parse import parse
from t2c_ext.prompt.tokens import tokenize
from t2c_ext.settings import PromptSettings
from t2c_ext.types import Motion, MotionKind, Plan

TURNS = {
    MotionKind.SWIRL: "",
    MotionKind.SWIRL_CW: "clockwise",
    MotionKind.SWIRL_CCW: "counterclockwise",
}

SPEEDS = {0.5: "slowly", 1.0: "", 1.5: "quickly", 2.0: "wildly"}
"""Words of the speeds that can be said."""

_PARTS = re.compile(r"[,;\n]")


@dataclass(frozen=True)
class Stated:
    """What words should say of a region.

    Attributes:
        name: as it shall stand in them.
        angle: degrees, or None where none is stated.
        kind: how it moves; None: its own.
        speed: a factor.
    """

    name: str
    angle: float | None = None
    kind: MotionKind | None = None
    speed: float = 1.0

    @property
    def motion(self) -> Motion | None:
        """What the words can say of it, in their steps; None where there is neither direction nor turning."""
        kind = self.kind or MotionKind.TRANSLATE
        if kind is not MotionKind.TRANSLATE:
            return Motion(self.name, None, kind, said_speed(self.speed))
        return None if self.angle is None else Motion(self.name, said_angle(self.angle), kind, said_speed(self.speed))


def said_angle(angle: float) -> float:
    """The angle as words say it: whole degrees, 0 to 359."""
    return float(round(angle) % 360)


def said_speed(speed: float) -> float:
    """The nearest speed that has a word."""
    return min(SPEEDS, key=lambda step: abs(math.log2(max(speed, 0.01) / step)))


def describe(regions: Sequence[Stated], text: str = "") -> str:
    """The motion words of regions.

    Args:
        regions: every region; one that no word of the lexicon names cannot be said and is left out.
        text: the motion words as they stand. What they already say stays as it was written, parts that name other
            things that can move go, and parts that nothing is known about are kept.

    Returns:
        Words that `parse` reads as these regions and motions.
    """
    wanted = {region.name.lower(): region for region in regions if _is_known(region.name)}
    if text.strip() and _says(text, wanted.values()):
        return text
    parts = [part.strip() for part in _PARTS.split(text) if part.strip()]
    for keep in (_is_unknown, lambda part: False):
        said = ", ".join(_merged(parts, wanted, keep))
        if _says(said, wanted.values()):
            return said
    return ", ".join(phrase(region) for region in wanted.values())


def phrase(region: Stated) -> str:
    """One region's words: its name, a verb that fits it, how fast, and where to."""
    motion = region.motion
    if motion is None:
        return region.name
    thing = load_lexicon().find(region.name)
    adverb = SPEEDS[motion.speed]
    if not motion.kind.flows:
        return _joined(region.name, vocab.LAW_WORDS[motion.kind], adverb, "")
    if motion.kind is not MotionKind.TRANSLATE:
        return _joined(region.name, "swirling", adverb, TURNS[motion.kind])
    angle = round(motion.angle or 0)
    if thing is not None and angle == 270 and thing.name in vocab.SAID_TO_FALL:
        return _joined(region.name, "falling", adverb, "")
    if thing is not None and angle == 90 and thing.name in vocab.SAID_TO_RISE:
        return _joined(region.name, "rising", adverb, "")
    return _joined(region.name, _verb(thing), adverb, direction_words(angle))


def _verb(thing: Thing | None) -> str:
    if thing is None:
        return "moving"
    return "flowing" if thing.name in vocab.SAID_TO_FLOW else "drifting"


def _joined(*words: str) -> str:
    return " ".join(word for word in words if word)


def _read(text: str) -> Plan:
    return parse(PromptSettings(motion=text))


def _is_known(name: str) -> bool:
    """Whether words can name it: read alone, it is a thing of the lexicon of just this name."""
    thing = load_lexicon().exactly(name.lower())
    if thing is not None and not thing.kind.flows:
        return True
    plan = _read(f"{name} moving left")
    return [motion.region.lower() for motion in plan.motions] == [name.lower()]


def _says(text: str, wanted: Iterable[Stated]) -> bool:
    """Whether the words are read as just these regions and motions."""
    plan = _read(text)
    found = {motion.region.lower(): motion for motion in (*plan.motions, *plan.laws)}
    stated = {region.name.lower(): region.motion for region in wanted}
    silent = {name for name, motion in stated.items() if motion is None}
    # a shy thing that is merely named is no region of the plan, so what has no motion may be missing
    if {name.lower() for name in plan.regions} - silent != set(stated) - silent or set(found) != set(stated) - silent:
        return False
    return all(_same(motion, stated[name]) for name, motion in found.items())


def _same(one: Motion, other: Motion | None) -> bool:
    if other is None or one.kind is not other.kind or one.speed != other.speed:
        return False
    return one.angle is None or abs((one.angle - (other.angle or 0) + 180) % 360 - 180) < 0.5


def _merged(parts: Sequence[str], wanted: Mapping[str, Stated], keep: Callable[[str], bool]) -> Iterator[str]:
    """The parts of a text with what they say of the regions brought up to date, and the regions that they lack."""
    left = dict(wanted)
    for part in parts:
        names = {name.lower() for name in _read(part).regions}
        here = [left.pop(name) for name in list(left) if name in names]
        if here and _says(part, here):
            yield part
        elif here:
            yield from map(phrase, here)
        elif not names and keep(part):
            yield part
    yield from map(phrase, left.values())


def _is_unknown(part: str) -> bool:
    """Nothing in it that could move something, or turn what another part says."""
    tokens = tokenize(part)
    return not find_directions(tokens) and not any(token.lower in vocab.motion_verbs() for token in tokens)
