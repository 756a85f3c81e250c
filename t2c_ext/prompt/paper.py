"""The paper's twelve direction phrases, as its code reads them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from t2c_ext.types import Motion, MotionKind

RANGES: dict[str, tuple[float, float]] = {
    "left to right": (-10, 10),
    "left to right, upwards": (10, 45),
    "upwards, left to right": (45, 80),
    "upwards": (80, 100),
    "upwards, right to left": (100, 135),
    "right to left, upwards": (135, 170),
    "right to left": (170, 190),
    "right to left, downwards": (190, 225),
    "downwards, right to left": (225, 260),
    "downwards": (260, 280),
    "downwards, left to right": (280, 315),
    "left to right, downwards": (315, 350),
}
"""Angles in degrees that each phrase stands for."""

CENTRES = {phrase: (low + high) / 2 % 360 for phrase, (low, high) in RANGES.items()}
HALF_WIDTHS = {phrase: (high - low) / 2 for phrase, (low, high) in RANGES.items()}
"""The middle of each range, and how far it reaches to either side, in degrees."""

_START = "in "
_END = " direction"
_LONGEST_MATCH = 200
"""Letters of a match, far more than the longest phrase has: longer ones are passed over, which keeps long prompts
linear."""


@dataclass(frozen=True)
class PaperPhrase:
    """What the paper's code finds in a prompt.

    Attributes:
        direction: one of the twelve phrases.
        matched: the words that were matched, "in" and "direction" included.
    """

    direction: str
    matched: str


def find_phrase(prompt: str) -> PaperPhrase | None:
    """The first "in <phrase> direction" of the prompt, by exact case and spacing, or None."""
    ends = [match.start() for match in re.finditer(_END, prompt)]
    at = 0
    for match in re.finditer(_START, prompt):
        start = match.start()
        while at < len(ends) and ends[at] < match.end() - 1:
            at += 1
        if at == len(ends):
            return None
        matched = prompt[start : ends[at] + len(_END)]
        if len(matched) > _LONGEST_MATCH or "\n" in matched:
            continue
        direction = matched.replace(_START, "").replace(_END, "")
        if direction in RANGES:
            return PaperPhrase(direction, matched)
    return None


def remove_phrase(prompt: str, phrase: PaperPhrase | None) -> str:
    """The image prompt: the phrase goes only where a space follows it."""
    return prompt if phrase is None else prompt.replace(phrase.matched + " ", "")


def draw_angle(direction: str, generator: np.random.Generator) -> float:
    """An angle in degrees from the phrase's range; "left to right" is below 0 twice as often as above."""
    if direction == "left to right":
        below = generator.integers(3) > 0
        return float(generator.uniform(350, 360) if below else generator.uniform(0, 10))
    low, high = RANGES[direction]
    return float(generator.uniform(low, high) % 360)


def motions(phrase: PaperPhrase | None, regions: tuple[str, ...], angle: float | None) -> tuple[Motion, ...]:
    """The one global direction of the paper, for each region."""
    if phrase is None:
        return ()
    degrees = CENTRES[phrase.direction] if angle is None else angle
    return tuple(Motion(region, degrees, MotionKind.TRANSLATE) for region in regions)
