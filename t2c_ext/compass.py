"""Directions in words."""

from __future__ import annotations

WORDS = {
    0: "right",
    45: "towards the upper right",
    90: "up",
    135: "towards the upper left",
    180: "left",
    225: "towards the lower left",
    270: "down",
    315: "towards the lower right",
}
"""Directions that have a word, by their degrees (0 right, 90 up); the others are said in degrees."""


def direction_words(angle: float) -> str:
    """A direction as words say it: "left", "at 30 degrees"; any angle in degrees, whole ones are said."""
    whole = round(angle) % 360
    return WORDS.get(whole, f"at {whole} degrees")
