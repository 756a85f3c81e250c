"""One scene in many looks: as a photograph, and as painters would have it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from world.canvas import KINDS, Canvas
from world.textures import Array, cut, dabs

Look = Callable[["Sheet"], Array]


@dataclass(frozen=True)
class Sheet:
    """A drawn scene on its way to a look.

    Attributes:
        rgb: float32 [H, W, 3], 0..1.
        shares: float32 [11, H, W], whose each pixel is.
        flow: float32 [H, W, 2].
        random: decides the look's own chances.
    """

    rgb: Array
    shares: Array
    flow: Array
    random: np.random.Generator

    @property
    def size(self) -> tuple[int, int]:
        """(height, width)."""
        return (self.rgb.shape[0], self.rgb.shape[1])

    def noise(self, character: str, zoom: float = 1.0) -> Array:
        """Noise of the picture's size."""
        return cut(self.random, character, *self.size, zoom)

    def uniform(self, low: float, high: float) -> float:
        """One number."""
        return float(self.random.uniform(low, high))

    def pixels(self, at_256: float) -> float:
        """A length in pixels, from what it is in a picture of 256."""
        return at_256 * min(self.size) / 256


def sheet_of(canvas: Canvas, random: np.random.Generator) -> Sheet:
    """What the looks need of a canvas."""
    return Sheet(np.clip(canvas.rgb, 0, 1), canvas.shares, canvas.flow, random)


def photograph(sheet: Sheet) -> Array:
    """A lens, a sensor and a bit of darkroom: softness, exposure, tone curve, falling light, grain."""
    rgb = sheet.rgb
    soft = sheet.uniform(0.2, 0.7) * max(1.0, min(sheet.size) / 256)
    rgb = cv2.GaussianBlur(rgb, (0, 0), soft)
    detail = sheet.noise("grain", 1.0) * 0.5 + sheet.noise("fine", 1.5) * 0.5
    rgb = rgb * (1 + 0.025 * detail[..., None] * (1 - sheet.shares[0] * 0.85)[..., None])
    rgb = np.clip(rgb * sheet.uniform(0.8, 1.15), 0, 1) ** sheet.uniform(0.85, 1.25)
    contrast = sheet.uniform(0.0, 0.6)
    rgb = rgb * (1 - contrast) + contrast * rgb * rgb * (3 - 2 * rgb)
    if sheet.random.random() < 0.12:
        rgb = np.repeat(_luminance(rgb)[..., None], 3, axis=2)
        if sheet.random.random() < 0.4:
            rgb = rgb * np.array((1.05, 0.95, 0.78), np.float32)
    else:
        rgb = _saturate(rgb, sheet.uniform(0.65, 1.25))
    height, width = sheet.size
    ys, xs = np.linspace(-1, 1, height)[:, None] ** 2, np.linspace(-1, 1, width)[None] ** 2
    rgb = rgb * (1 - sheet.uniform(0, 0.2) * (ys + xs)[..., None] / 2)
    return rgb + sheet.random.normal(0, sheet.uniform(0.002, 0.014), (height, width, 1)).astype(np.float32)


def oil_painting(sheet: Sheet) -> Array:
    """Thick strokes along the forms, rich colours, light on the paint."""
    rgb = _saturate(sheet.rgb, sheet.uniform(1.1, 1.6))
    angle = _form_angle(sheet)
    for length in (sheet.uniform(0.6, 1.1), sheet.uniform(0.3, 0.5)):
        rgb = brush(sheet, rgb, angle + sheet.uniform(-0.4, 0.4), length, sheet.uniform(0.03, 0.09), 0.10)
    canvas = sheet.noise("grain", 1.0)
    return rgb * (1 + 0.03 * canvas[..., None])


def impressionism(sheet: Sheet) -> Array:
    """Short dabs of broken colour."""
    rgb = _saturate(sheet.rgb ** sheet.uniform(0.75, 1.0), sheet.uniform(1.0, 1.5))
    rgb = brush(sheet, rgb, _form_angle(sheet), sheet.uniform(0.4, 0.7), 0.05, 0.05)
    return brush(
        sheet,
        rgb,
        np.full(sheet.size, sheet.uniform(-1, 1)),
        sheet.uniform(0.2, 0.4),
        sheet.uniform(0.08, 0.18),
        0.06,
        hue=0.12,
    )


def pointillism(sheet: Sheet) -> Array:
    """Dots of pure colour."""
    rgb = _saturate(sheet.rgb, 1.4)
    fine = brush(sheet, rgb, np.full(sheet.size, 0.6), sheet.uniform(0.15, 0.25), 0.16, 0.0, hue=0.3)
    return 0.8 * fine + 0.2 * rgb


def starry_night(sheet: Sheet) -> Array:
    """Swirling strokes of strong blue and yellow."""
    height, width = sheet.size
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    ys, xs = (ys + 0.5) / height, (xs + 0.5) / width
    angle = 0.7 * sheet.noise("soft", 0.5)
    for _ in range(int(sheet.random.integers(1, 4))):
        x, y, reach = sheet.uniform(0.1, 0.9), sheet.uniform(0.05, 0.5), sheet.uniform(0.1, 0.25)
        away = np.hypot(xs - x, ys - y)
        swirl = np.arctan2(ys - y, xs - x) + np.pi / 2
        angle = angle + (np.angle(np.exp(1j * (swirl - angle)))) * np.exp(-((away / reach) ** 2))
    rgb = _saturate(sheet.rgb, 1.7)
    tone = _luminance(rgb)[..., None]
    blue, gold = np.array((0.10, 0.20, 0.62), np.float32), np.array((0.98, 0.86, 0.35), np.float32)
    pair = blue + (gold - blue) * np.clip(tone * 1.3 - 0.15, 0, 1)
    share = sheet.uniform(0.15, 0.55)
    rgb = rgb * (1 - share) + pair * share
    rgb = brush(sheet, rgb, angle.astype(np.float32), sheet.uniform(0.4, 0.8), sheet.uniform(0.10, 0.2), 0.22, hue=0.15)
    return rgb


def watercolour(sheet: Sheet) -> Array:
    """Thin washes that pool at their edges, on rough paper."""
    rgb = cv2.bilateralFilter(sheet.rgb, 5, 0.2, max(2.0, sheet.pixels(4)))
    rgb = _wobble(sheet, rgb, 3.0)
    wash = 1 + 0.14 * sheet.noise("soft", 1.2) + 0.07 * sheet.noise("even", 1.5)
    rgb = 1 - (1 - _saturate(rgb, sheet.uniform(0.9, 1.4))) * wash[..., None] * sheet.uniform(0.65, 0.95)
    edges = _edges(rgb, sheet.pixels(2.0))
    rgb = rgb * (1 - 0.5 * np.clip(edges * 1.6, 0, 0.8)[..., None])
    paper = 1 + 0.03 * sheet.noise("grain", 1.2)
    if sheet.random.random() < 0.3:
        margin = cv2.GaussianBlur(_frame(sheet), (0, 0), sheet.pixels(3)) + 0.25 * sheet.noise("even") * 0.3
        rgb = rgb + (0.97 - rgb) * np.clip(margin, 0, 1)[..., None]
    return rgb * paper[..., None]


def ukiyo_e(sheet: Sheet) -> Array:
    """Flat muted colours with dark outlines, graded skies and lines on the water."""
    rgb = cv2.bilateralFilter(sheet.rgb, 7, 0.25, max(2.0, sheet.pixels(6)))
    means = sheet.shares.reshape(len(KINDS), -1) @ rgb.reshape(-1, 3)
    means /= np.maximum(sheet.shares.reshape(len(KINDS), -1).sum(axis=1, keepdims=True), 1e-3)
    flat = np.tensordot(sheet.shares, means, axes=(0, 0))
    rgb = rgb * 0.45 + flat.astype(np.float32) * 0.55
    levels = int(sheet.random.integers(4, 7))
    rgb = _quantise(rgb, levels)
    muted = np.array((0.93, 0.87, 0.72), np.float32)
    rgb = _saturate(rgb, 0.95) * (1 - 0.22) + muted * 0.22
    rgb = rgb * (1 - 0.85 * np.clip(_outline(sheet), 0, 1)[..., None])
    water = sheet.shares[2] + sheet.shares[3]
    speed = sheet.noise("flat", 0.8)
    lines = np.clip(1 - np.abs(np.sin(speed * 2.5)) * 5, 0, 1) * water
    rgb = rgb + (np.array((0.95, 0.95, 0.9), np.float32) - rgb) * (lines * 0.7)[..., None]
    return rgb * (1 + 0.02 * sheet.noise("wide")[..., None])


def pencil(sheet: Sheet) -> Array:
    """Graphite or coloured pencils: hatching in the shadows, lines at the edges."""
    tone = _luminance(cv2.GaussianBlur(sheet.rgb, (0, 0), max(0.5, sheet.pixels(1.2))))
    height, width = sheet.size
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32) * (256 / min(sheet.size))
    paper = 0.94 + 0.03 * sheet.noise("grain")
    hatch = np.zeros(sheet.size, np.float32)
    for number, turn in enumerate((0.8, -0.7, 0.1)):
        along = np.sin((xs * np.cos(turn) + ys * np.sin(turn)) * 1.7 + 1.5 * sheet.noise("even"))
        hatch += np.clip(along, 0, 1) * np.clip((0.75 - 0.22 * number - tone) * 3, 0, 1)
    dark = np.clip(0.32 * hatch + 1.4 * _edges(sheet.rgb, sheet.pixels(1.2)) + 0.3 * (1 - tone) ** 2, 0, 0.92)
    grey = (paper * (1 - dark))[..., None]
    if sheet.random.random() < 0.5:
        return np.repeat(grey, 3, axis=2)
    return grey * (0.35 + 0.65 * np.clip(_saturate(sheet.rgb, 1.2) * 1.25, 0, 1))


def pixel_art(sheet: Sheet) -> Array:
    """Large square pixels of few colours."""
    height, width = sheet.size
    rows = int(sheet.random.choice([40, 48, 64, 80]))
    columns = max(1, round(rows * width / height))
    small = cv2.resize(_saturate(sheet.rgb, sheet.uniform(1.1, 1.6)), (columns, rows), interpolation=cv2.INTER_AREA)
    small = _quantise(small, int(sheet.random.integers(4, 9)), dither=0.08)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_NEAREST)


def neon(sheet: Sheet) -> Array:
    """A dark world that glows in magenta and cyan."""
    tone = _luminance(sheet.rgb)[..., None]
    pairs = (
        ((0.10, 0.02, 0.22), (0.95, 0.15, 0.75)),
        ((0.02, 0.06, 0.20), (0.10, 0.85, 0.95)),
        ((0.12, 0.02, 0.16), (1.0, 0.45, 0.25)),
    )
    colour = np.zeros_like(sheet.rgb)
    turn = int(sheet.random.integers(3))
    for number, kinds in enumerate(((0, 1, 5), (2, 3, 6), (4, 7, 8, 9, 10))):
        low, high = (np.array(value, np.float32) for value in pairs[(number + turn) % 3])
        part = sheet.shares[list(kinds)].sum(axis=0)[..., None]
        colour += part * (low + (high - low) * np.clip(tone * 1.2 - 0.1, 0, 1))
    rgb = colour * 0.75 + sheet.rgb * 0.2
    glow = np.clip(_edges(sheet.rgb, sheet.pixels(1.5)) * 1.5, 0, 1)[..., None]
    rgb = rgb + glow * colour.max(axis=(0, 1)) * 0.5
    return rgb + 0.35 * cv2.GaussianBlur(rgb, (0, 0), sheet.pixels(5))


def anime(sheet: Sheet) -> Array:
    """Clean bright areas with soft shadows, as in animated films."""
    rgb = cv2.bilateralFilter(sheet.rgb, 7, 0.18, max(2.0, sheet.pixels(5)))
    rgb = _quantise(rgb, int(sheet.random.integers(7, 12))) * 0.7 + rgb * 0.3
    rgb = _saturate(np.clip(rgb, 0, 1) ** 0.85, sheet.uniform(1.15, 1.5))
    return rgb * (1 - 0.35 * np.clip(_outline(sheet), 0, 1)[..., None])


def ink(sheet: Sheet) -> Array:
    """Wet ink on rice paper: few greys, soft edges."""
    tone = _luminance(cv2.GaussianBlur(_wobble(sheet, sheet.rgb, 4.0), (0, 0), max(0.6, sheet.pixels(1.6))))
    tone = np.clip((tone - 0.25) * 1.3 + 0.25 + 0.10 * sheet.noise("soft"), 0, 1)
    wet = 1 - (1 - tone) ** 1.3 * 0.9 - 0.5 * np.clip(_edges(sheet.rgb, sheet.pixels(2)), 0, 1)
    paper = np.array((0.95, 0.92, 0.84), np.float32) * (1 + 0.02 * sheet.noise("grain"))[..., None]
    tint = sheet.rgb * 0.15 + 0.85
    return np.clip(wet, 0.05, 1)[..., None] * paper * tint


LOOKS: dict[str, tuple[Look, float]] = {
    "photograph": (photograph, 0.0),
    "oil painting": (oil_painting, 4.0),
    "impressionist painting": (impressionism, 2.5),
    "watercolour": (watercolour, 2.0),
    "ukiyo-e print": (ukiyo_e, 1.5),
    "starry night": (starry_night, 2.0),
    "pencil drawing": (pencil, 0.8),
    "pixel art": (pixel_art, 1.0),
    "neon": (neon, 0.8),
    "anime": (anime, 1.5),
    "pointillism": (pointillism, 0.6),
    "ink painting": (ink, 0.5),
}
"""Each look and its share among the painted ones."""


def brush(
    sheet: Sheet, rgb: Array, angle: Array, length: float, jitter: float, relief: float, hue: float = 0.0
) -> Array:
    """Paint the picture again in strokes, each of one colour.

    Args:
        sheet: gives the chances and the size.
        rgb: float32 [H, W, 3].
        angle: float32 [H, W], the strokes' direction in radians.
        length: of a stroke, 1 is 32 pixels of 512.
        jitter: how much lighter or darker each is.
        relief: how much the paint's thickness shows.
        hue: how much each one's colour varies.
    """
    height, width = sheet.size
    offsets, thick = dabs(int(sheet.random.integers(4)))
    side = offsets.shape[0]
    scale = 512 / min(height, width) / length
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    cos, sin = np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)
    u = (xs * cos + ys * sin) * scale + sheet.uniform(0, side)
    v = (-xs * sin + ys * cos) * scale + sheet.uniform(0, side)
    column, row = u.astype(np.int32) % side, v.astype(np.int32) % side
    to_middle = offsets[row, column]
    du, dv = to_middle[..., 0] / scale, to_middle[..., 1] / scale
    at_x, at_y = xs + du * cos - dv * sin, ys + du * sin + dv * cos
    painted = cv2.remap(rgb, at_x, at_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    mark = (column + np.round(to_middle[..., 0])).astype(np.int32) * 73 + (row + np.round(to_middle[..., 1])).astype(
        np.int32
    ) * 179
    chance = sheet.random.standard_normal((1021, 4)).astype(np.float32)[mark % 1021]
    painted = painted * (1 + jitter * chance[..., :1] + hue * chance[..., 1:] * 0.5)
    return np.asarray(painted * (1 - relief * 0.5 + relief * thick[row, column][..., None]), np.float32)


def _form_angle(sheet: Sheet) -> Array:
    """Directions of strokes: level in skies and water, down in falls, up in fire, wandering on land."""
    wander = 0.5 * sheet.noise("soft", 0.8)
    angle = wander + sheet.uniform(-0.3, 0.3)
    upright = sheet.shares[3] + sheet.shares[4] + 0.5 * sheet.shares[7]
    lying = sheet.shares[0] + sheet.shares[2]
    return np.asarray(angle * (1 - 0.7 * lying) + (np.pi / 2 - angle) * np.clip(upright, 0, 1), np.float32)


def _luminance(rgb: Array) -> Array:
    return np.asarray(rgb @ np.array((0.299, 0.587, 0.114), np.float32), np.float32)


def _saturate(rgb: Array, amount: float) -> Array:
    grey = _luminance(rgb)[..., None]
    return np.asarray(np.clip(grey + (rgb - grey) * amount, 0, 1), np.float32)


def _edges(rgb: Array, width: float) -> Array:
    tone = cv2.GaussianBlur(_luminance(rgb), (0, 0), max(0.5, width / 2))
    strength = np.hypot(cv2.Sobel(tone, cv2.CV_32F, 1, 0), cv2.Sobel(tone, cv2.CV_32F, 0, 1))
    return np.asarray(np.clip(strength - 0.06, 0, None), np.float32)


def _outline(sheet: Sheet) -> Array:
    """Lines where one thing ends and another begins, and at strong edges."""
    thick = max(1, round(sheet.pixels(1.5)))
    kernel = np.ones((thick + 1, thick + 1), np.uint8)
    owner = np.argmax(sheet.shares, axis=0).astype(np.uint8)
    border = (cv2.dilate(owner, kernel) != cv2.erode(owner, kernel)).astype(np.float32)
    border = cv2.GaussianBlur(border, (0, 0), 0.6)
    return np.asarray(border * 0.8 + 0.9 * _edges(sheet.rgb, sheet.pixels(1.5)), np.float32)


def _quantise(rgb: Array, levels: int, dither: float = 0.0) -> Array:
    height, width = rgb.shape[:2]
    if dither:
        checker = ((np.arange(height)[:, None] + np.arange(width)[None]) % 2 - 0.5)[..., None]
        rgb = rgb + dither * checker.astype(np.float32)
    return np.asarray(np.round(np.clip(rgb, 0, 1) * levels) / levels, np.float32)


def _wobble(sheet: Sheet, rgb: Array, reach: float) -> Array:
    height, width = sheet.size
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    far = sheet.pixels(reach)
    dx, dy = far * sheet.noise("even", 1.5), far * sheet.noise("even", 1.5)
    return cv2.remap(rgb, xs + 0.5 * dx, ys + 0.5 * dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)


def _frame(sheet: Sheet) -> Array:
    height, width = sheet.size
    ys = np.minimum(np.arange(height), np.arange(height)[::-1])[:, None]
    xs = np.minimum(np.arange(width), np.arange(width)[::-1])[None]
    return (np.minimum(ys, xs) < sheet.pixels(10)).astype(np.float32)
