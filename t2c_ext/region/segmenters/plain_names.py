"""Plain words for a region that has no name: its colour and its place."""

from __future__ import annotations

import numpy as np

from t2c_ext.region.segmenters.superpixels import Pieces
from t2c_ext.types import BoolArray

HUES = ((20, "pink"), (50, "red"), (75, "orange"), (105, "yellow"), (165, "green"), (220, "teal"), (295, "blue"),
        (340, "purple"), (361, "pink"))  # fmt: skip
"""Upper ends, in degrees, of the hues of CIE Lab."""

GREY = 8.0
"""Chroma below which a colour has no name of its own."""


def describe(pieces: Pieces, members: BoolArray) -> str:
    """Such as "dark green left"; `members` is bool [N]."""
    area = pieces.area[members].sum()
    colour = pieces.colour[members].sum(axis=0) / area
    rows, columns = np.nonzero(members[pieces.labels])
    height, width = pieces.labels.shape
    return f"{colour_name(*colour)} {place_name(float(columns.mean()) / width, float(rows.mean()) / height)}"


def colour_name(lightness: float, green_red: float, blue_yellow: float) -> str:
    """The plain name of a colour of CIE Lab."""
    if np.hypot(green_red, blue_yellow) < GREY:
        return "black" if lightness < 20 else "dark grey" if lightness < 45 else "grey" if lightness < 80 else "white"
    hue = float(np.rad2deg(np.arctan2(blue_yellow, green_red))) % 360
    name = next(word for end, word in HUES if hue < end)
    if 30 <= hue < 95 and lightness < 55 and np.hypot(green_red, blue_yellow) < 50:
        return "dark brown" if lightness < 30 else "brown"
    shade = "dark " if lightness < 35 else "light " if lightness > 75 else ""
    return shade + name


def place_name(x: float, y: float) -> str:
    """Where a point lies; x and y are 0..1."""
    across = "left" if x < 0.38 else "right" if x > 0.62 else ""
    down = "top" if y < 0.36 else "bottom" if y > 0.64 else ""
    return " ".join(part for part in (down, across) if part) or "middle"
