"""What moves by a mask's pixels, whoever made the mask.

White moves and black stands. Programs write that in more than one way, and these rules read them, in this order:

1.  A picture with transparency is a cut-out: its opaque part moves, whatever its colours. Only where what is visible
    consists of both black and white is it a mask with transparent surroundings: then white moves in the visible part.
    Transparency that is the same everywhere cuts nothing out and is passed over.
2.  A coloured picture on black (a brush's colour, a map of classes) moves where it is not black: the strongest of the
    three channels counts, since the luma of pure blue is a ninth of white's. Without black it is a mask on another
    ground, of which luma counts.
3.  The brightest level is taken as white, whether it is 1 (files that hold 0 and 1), 127 or 255: a share of 0.5
    everywhere would be no motion at half the strength, but a mask under every threshold. Only where a mask of many
    levels is nearly black (up to 16 of them, what JPEG leaves of an empty page) nothing is guessed: it is refused.

Nothing is ever inverted, and a profile says nothing about levels.
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.media.decode import OPAQUE, Pixels
from t2c_ext.types import FloatArray

WHITE = 0.9
"""From here on the brightest level counts as white already; JPEG does not quite reach it."""

NOISE = 16
"""Levels, of whatever depth, up to which a mask of many levels may be what a codec left of nothing."""

_COLOURED = 0.12
"""By how much the channels must differ somewhere for colour to be meant, rather than JPEG's rounding."""

_DARK, _LIGHT = 0.1, 0.9
_BLACK_SHARE = 0.01
"""The share of a picture that must be black for it to be its ground."""

_PLAIN_SHARE = 0.95
"""The share of what is visible that must be black or white for it to be a mask; the rest are soft edges."""

_CLEAR_SHARE = 0.002
"""The share that must be transparent for it to be meant; the rounded corners of a program's window are less."""


def moving_share(pixels: Pixels, name: str) -> tuple[FloatArray, tuple[str, ...]]:
    """What moves by the pixels of a mask.

    Args:
        pixels: as they lie in its file.
        name: what errors call it.

    Returns:
        float32 [H, W], 0..1, and sentences for the user.

    Raises:
        UserError: nothing moves; the message says what there is instead.
    """
    mask = _brightness(pixels.colour)
    if pixels.alpha is not None and float((pixels.alpha < OPAQUE).mean()) > _CLEAR_SHARE:
        if not pixels.alpha.any():
            raise UserError(f"{name} is wholly transparent; paint what should move in white")
        if pixels.alpha.min() == pixels.alpha.max():  # a layer at half its opacity is no cut-out
            return _stretched(mask, pixels.levels, name)
        mask = mask * pixels.alpha if _is_black_and_white(pixels) else pixels.alpha
    return _stretched(mask, pixels.levels, name)


def _brightness(colour: FloatArray) -> FloatArray:
    """float32 [H, W]: luma, or where colour is meant on black its strongest channel."""
    if colour.ndim == 2:
        return colour
    highest, lowest = colour.max(axis=2), colour.min(axis=2)
    coloured = float((highest - lowest).max()) > _COLOURED
    if coloured and float((highest < _DARK).mean()) >= _BLACK_SHARE:
        return np.asarray(highest)
    luma: Any = cv2.cvtColor(np.ascontiguousarray(colour), cv2.COLOR_RGB2GRAY)
    return np.asarray(luma)


def _is_black_and_white(pixels: Pixels) -> bool:
    """Whether what is visible is a mask by itself: black and white, and both of them."""
    if pixels.alpha is None:
        return True
    seen = pixels.alpha > 0.5 * pixels.alpha.max()
    colour = pixels.colour[seen] if pixels.colour.ndim == 3 else pixels.colour[seen][:, None]
    dark, light = (colour < _DARK).all(axis=1), (colour > _LIGHT).all(axis=1)
    plain = float((dark | light).mean()) >= _PLAIN_SHARE
    return plain and min(float(dark.mean()), float(light.mean())) >= _BLACK_SHARE


def _stretched(mask: FloatArray, levels: int, name: str) -> tuple[FloatArray, tuple[str, ...]]:
    """The mask with its brightest level as white."""
    brightest = float(mask.max())
    said = f"{brightest:.3g}" if levels == 1 else f"{round(brightest * levels)} of {levels}"
    if brightest <= 0:
        raise UserError(f"{name} is empty (all black); paint what should move in white")
    if brightest >= WHITE:
        return np.clip(mask, 0, 1).astype(np.float32), ()
    steps = NOISE / 255 if levels == 1 else NOISE / levels
    if brightest <= steps and np.any((mask > 0) & (mask < brightest)):
        raise UserError(f"{name} is nearly black: its brightest level is {said}; paint what should move in white")
    note = f"The mask's brightest level is {said}: it was taken as white."
    return (mask / np.float32(brightest)).astype(np.float32), (note,)
