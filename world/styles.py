"""Odd ways to paint a picture whose classes are known, so that a network learns shapes and places, not its textures.

Every drawn scene has few textures and the colours of its look; real paintings have thousands. So what is learnt from a
scene is warped, its classes are coloured anew, its fine texture is taken out and other strokes are put in, alike over
all classes or of another kind in each. Sizes are in pixels of a picture of 128.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from world.textures import Array, cut

Labels = NDArray[np.uint8]

STROKES = 6
"""Steps along a stroke, each way."""


def restyled(rgb: Array, labels: Labels, random: np.random.Generator) -> tuple[Array, Labels]:
    """A picture in an odd style, each part of which comes by chance.

    Args:
        rgb: float32 [S, S, 3], 0..1.
        labels: uint8 [S, S], the class of each pixel.
        random: decides everything.

    Returns:
        The picture, float32 [S, S, 3], 0..1, and its labels: outlines move.
    """
    if random.random() < 0.6:
        rgb, labels = warped(rgb, labels, random)
    if random.random() < 0.45:
        rgb = recoloured(rgb, labels, random)
    if random.random() < 0.4:
        rgb = toned(rgb, random)
    manner = random.random()
    if manner < 0.5:
        rgb = stroked(rgb, labels, random)
    elif manner < 0.65:
        rgb = flattened(rgb, random)
    elif manner < 0.75:
        rgb = smeared(rgb, random)
    if random.random() < 0.12:
        rgb = cast_light(rgb, random)
    return np.clip(rgb, 0, 1), labels


def warped(rgb: Array, labels: Labels, random: np.random.Generator) -> tuple[Array, Labels]:
    """Outlines bent softly, and some made ragged."""
    side = rgb.shape[0]
    reach, ragged = random.uniform(0, 7) * side / 128, random.uniform(0, 1.6) * (random.random() < 0.5) * side / 128
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    ys += reach * cut(random, "soft", side, side, 1.0) * 0.5 + ragged * cut(random, "fine", side, side, 1.5)
    xs += reach * cut(random, "soft", side, side, 1.0) * 0.7 + ragged * cut(random, "fine", side, side, 1.5)
    moved = cv2.remap(rgb, xs, ys, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    owner = cv2.remap(labels, xs, ys, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(moved, np.float32), np.asarray(owner, np.uint8)


def recoloured(rgb: Array, labels: Labels, random: np.random.Generator) -> Array:
    """Each class, or some, with a colour and a light of its own, softly at its outline."""
    side, count = rgb.shape[0], int(labels.max()) + 1
    strength = random.uniform(0.1, 0.5)
    shift = random.normal(0, 1, (count, 3)) * strength * 0.5 + random.normal(0, 1, (count, 1)) * strength * 0.6
    gain = np.exp(random.normal(0, 1, (count, 1)) * 0.35)
    chosen = (random.random((count, 1)) < random.uniform(0.3, 1.0)).astype(np.float64)
    offset = (shift * chosen)[labels].astype(np.float32)
    factor = (gain**chosen)[labels].astype(np.float32)
    soft = random.uniform(0.4, 1.2) * side / 128
    offset, factor = cv2.GaussianBlur(offset, (0, 0), soft), cv2.GaussianBlur(factor, (0, 0), soft)
    middle = cv2.GaussianBlur(rgb, (0, 0), 6 * side / 128)
    return middle + offset + (rgb - middle) * factor.reshape(side, side, 1)


def toned(rgb: Array, random: np.random.Generator) -> Array:
    """All lights along a path through a few colours, as in a print or a tinted drawing, partly."""
    tone = np.clip(rgb @ np.array([0.3, 0.55, 0.15], np.float32), 0, 1)
    knots = int(random.integers(2, 5))
    colours = np.sort(random.random((knots, 1)), axis=0) * 0.9 + random.normal(0, 0.18, (knots, 3))
    if random.random() < 0.1:
        colours = colours[::-1]
    at = np.linspace(0, 1, knots)
    path = np.stack([np.interp(tone, at, colours[:, part]) for part in range(3)], axis=-1).astype(np.float32)
    share = np.float32(random.uniform(0.3, 1.0))
    return rgb * (1 - share) + path * share


def directions(rgb: Array, random: np.random.Generator) -> Array:
    """Angles of strokes, float32 [S, S] in radians: along the forms, along swirls, or all one way."""
    side = rgb.shape[0]
    grey = cv2.GaussianBlur(rgb.mean(axis=2), (0, 0), 1.0)
    dx, dy = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    sigma = random.uniform(2, 6) * side / 128
    xx, yy, xy = (cv2.GaussianBlur(part, (0, 0), sigma) for part in (dx * dx, dy * dy, dx * dy))
    forms = 0.5 * np.arctan2(2 * xy, xx - yy) + np.pi / 2
    kind = random.random()
    if kind < 0.4:
        return np.asarray(forms, np.float32)
    turns = random.uniform(-np.pi, np.pi) + random.uniform(0.2, 2.0) * cut(random, "soft", side, side, 0.8)
    if kind < 0.8:
        ys, xs = np.mgrid[0:side, 0:side].astype(np.float32) / side
        for _ in range(int(random.integers(0, 4))):
            x, y, reach = random.uniform(0, 1), random.uniform(0, 1), random.uniform(0.08, 0.3)
            swirl = np.arctan2(ys - y, xs - x) + np.pi / 2
            near = np.exp(-((np.hypot(ys - y, xs - x) / reach) ** 2))
            turns = turns + np.angle(np.exp(1j * (swirl - turns))) * near
    return np.asarray(turns, np.float32)


def along(values: Array, angle: Array, length: float) -> Array:
    """Values [S, S] or [S, S, C] averaged along lines of half length `length` pixels (line integral convolution)."""
    side = values.shape[0]
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32)
    step = np.float32(length / STROKES)
    total = values.copy()
    for way in (1, -1):
        x, y = xs, ys
        for _ in range(STROKES):
            turn = cv2.remap(angle, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REFLECT_101)
            x, y = x + way * step * np.cos(turn), y + way * step * np.sin(turn)
            total += cv2.remap(values, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    return np.asarray(total / (2 * STROKES + 1), np.float32)


def stroked(rgb: Array, labels: Labels, random: np.random.Generator) -> Array:
    """The fine texture taken out and strokes put in, which are lighter, darker and of other hues."""
    side = rgb.shape[0]
    smooth = cv2.bilateralFilter(rgb, 5, 0.25, random.uniform(1, 3)) if random.random() < 0.5 else rgb
    soft = random.uniform(0.3, 2.2) * side / 128
    rgb = cv2.GaussianBlur(smooth, (0, 0), soft) if random.random() < 0.8 else rgb
    angle = directions(rgb, random)
    length = random.uniform(1.5, 9) * side / 128
    grain = random.normal(0, 1, (side, side, 2)).astype(np.float32)
    thick = random.uniform(0.3, 1.5) * side / 128
    grain = cv2.GaussianBlur(grain, (0, 0), thick)
    lines = along(grain, angle, length)
    lines /= lines.std() + 1e-6
    amount = np.full((side, side, 1), random.uniform(0.015, 0.10), np.float32)
    if random.random() < 0.5:
        each = random.uniform(0, 1.6, int(labels.max()) + 1).astype(np.float32)
        amount = amount * cv2.GaussianBlur(each[labels], (0, 0), 1.0)[..., None]
    hue = random.normal(0, 1, 3).astype(np.float32)
    hue -= hue.mean()
    return rgb + amount * lines[..., :1] + amount * lines[..., 1:] * hue * np.float32(random.uniform(0, 0.9))


def smeared(rgb: Array, random: np.random.Generator) -> Array:
    """The picture's own colours drawn along the strokes."""
    return along(rgb, directions(rgb, random), random.uniform(2, 6) * rgb.shape[0] / 128)


def flattened(rgb: Array, random: np.random.Generator) -> Array:
    """Few flat tones, with or without dark outlines."""
    flat = cv2.bilateralFilter(rgb, 7, 0.3, random.uniform(2, 5))
    levels = random.integers(3, 9)
    flat = 0.4 * flat + 0.6 * np.round(flat * levels) / levels
    if random.random() < 0.6:
        grey = cv2.GaussianBlur(rgb.mean(axis=2), (0, 0), 0.7)
        edge = cv2.GaussianBlur(np.abs(cv2.Laplacian(grey, cv2.CV_32F)), (0, 0), 0.6)
        flat = flat * (1 - np.clip(edge * random.uniform(3, 12), 0, random.uniform(0.3, 0.95)))[..., None]
    return np.asarray(flat, np.float32)


def cast_light(rgb: Array, random: np.random.Generator) -> Array:
    """A glow or a shade of some colour around one place."""
    side = rgb.shape[0]
    ys, xs = np.mgrid[0:side, 0:side].astype(np.float32) / side
    away = np.hypot(ys - random.uniform(0, 1), xs - random.uniform(0, 1))
    light = np.exp(-((away / random.uniform(0.2, 0.8)) ** 2))[..., None]
    colour = random.random(3).astype(np.float32)
    return rgb + (colour - rgb) * light * np.float32(random.uniform(0.1, 0.6))
