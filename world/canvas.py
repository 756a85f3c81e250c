"""What a scene is painted on: colours, whose every pixel is, how far away, and how it moves, layer over layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np

from world.textures import Array, cut, line, on_plane

KINDS = ("sky", "cloud", "water", "waterfall", "fire", "vapour", "snow", "vegetation", "ground", "building", "object")
"""The classes that share out every pixel."""

Colour = tuple[float, float, float]
Paint = Array | Colour


@dataclass(frozen=True)
class Light:
    """How a scene is lit.

    Attributes:
        name: the word for it.
        zenith: colour at the top of the sky.
        middle: half way down.
        horizon: colour of the sky there, and of haze.
        lamp: what the light multiplies colours by.
        stars: 0..1.
        sun: whether a sun or moon may be seen.
    """

    name: str
    zenith: Colour
    middle: Colour
    horizon: Colour
    lamp: Colour
    stars: float = 0.0
    sun: bool = True


@dataclass
class Thing:
    """Something that words can name.

    Attributes:
        word: its plain name, such as "river".
        moving: whether it moves of its own accord.
        mask: float32 [H, W], 0..1, what is seen of it.
        angle: of its motion in degrees (0 right, 90 up), None where it has none.
        adjective: what it is like, such as "snowy"; or nothing.
    """

    word: str
    moving: bool
    mask: Array
    angle: float | None = None
    adjective: str = ""


@dataclass
class Canvas:
    """A picture in the making; everything is in shares of height and width, so that any size shows the same scene.

    Attributes:
        height: in pixels.
        width: in pixels.
        random: decides everything.
        light: of the scene.
        haze: 0..1, how soon far things fade.
        tint: 0..1, how far a material's colour may be off.
        clutter: how often there are things beside the view's own, 1 as often as can be.
        horizon: where the ground ends, in shares of the height from the top.
        rgb: float32 [H, W, 3], 0..1, the picture so far.
        shares: float32 [len(KINDS), H, W], 0..1, whose every pixel is; they sum to 1.
        flow: float32 [H, W, 2] in pixels a frame of a picture of 512, x and then y (down).
        depth: float32 [H, W], 0 near .. 1 far.
        things: what words can name, in the order in which it was painted first.
    """

    height: int
    width: int
    random: np.random.Generator
    light: Light
    haze: float = 0.5
    tint: float = 0.0
    clutter: float = 1.0
    horizon: float = 0.5
    rgb: Array = field(init=False)
    shares: Array = field(init=False)
    flow: Array = field(init=False)
    depth: Array = field(init=False)
    things: list[Thing] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start with nothing but sky colour."""
        rows = (np.arange(self.height, dtype=np.float32) + 0.5) / self.height
        columns = (np.arange(self.width, dtype=np.float32) + 0.5) / self.width
        self.y = np.repeat(rows[:, None], self.width, axis=1)
        self.x = np.repeat(columns[None], self.height, axis=0)
        self.aspect = self.width / self.height
        self.rgb = np.zeros((self.height, self.width, 3), np.float32)
        self.shares = np.zeros((len(KINDS), self.height, self.width), np.float32)
        self.shares[0] = 1.0
        self.flow = np.zeros((self.height, self.width, 2), np.float32)
        self.depth = np.ones((self.height, self.width), np.float32)

    def noise(self, character: str, zoom: float = 1.0) -> Array:
        """Noise of mean 0 and deviation 1, float32 [H, W]."""
        return cut(self.random, character, self.height, self.width, zoom)

    def plane(self, character: str, zoom: float = 1.0, horizon: float | None = None) -> Array:
        """Noise on the ground, in perspective."""
        return on_plane(self.random, character, self.nearness(horizon), self.x, zoom)

    def nearness(self, horizon: float | None = None) -> Array:
        """0 at the horizon and above it, 1 at the lower border, float32 [H, W]."""
        at = self.horizon if horizon is None else horizon
        return np.clip((self.y - at) / max(1 - at, 0.05), 0, 1)

    def skyline(self, rough: float = 1.0, bumps: float = 3.0) -> Array:
        """A wandering line, 0..1, float32 [W]."""
        return line(self.random, self.width, rough, bumps)

    def edge(self, distance: Array, softness: float = 1.0) -> Array:
        """Opacity from a distance in shares of the height, positive inside; `softness` is in pixels of 256."""
        wide = max(softness / 256, 1.0 / self.height)
        return np.clip(distance / wide + 0.5, 0, 1)

    def uniform(self, low: float, high: float) -> float:
        """One number."""
        return float(self.random.uniform(low, high))

    def chance(self, probability: float) -> bool:
        """Whether it happens."""
        return bool(self.random.random() < probability)

    def pick(self, choices: Sequence[str], weights: Sequence[float] | None = None) -> str:
        """One of them."""
        share = None if weights is None else np.array(weights, float) / np.sum(weights)
        return str(choices[int(self.random.choice(len(choices), p=share))])

    def lit(self, colour: Paint, strength: float = 1.0) -> Array:
        """A material's colour in the scene's light, now and then in an odd one."""
        base = np.asarray(colour, np.float32)
        if self.tint > 0:
            base = base * (1 + self.tint * self.random.uniform(-1, 1, 3).astype(np.float32))
        lamp = 1 - strength + strength * np.asarray(self.light.lamp, np.float32)
        return np.asarray(base * lamp, np.float32)

    def hazy(self, colour: Array, distance: float) -> Array:
        """The colour seen through `distance` 0..1 of air."""
        share = self.haze * distance
        return colour * (1 - share) + np.asarray(self.light.horizon, np.float32) * share

    def add(self, colour: Paint, opacity: Array) -> None:
        """Mix a colour in without hiding whose the pixels are."""
        self.rgb += (np.asarray(colour, np.float32) - self.rgb) * opacity[..., None]

    def cover(
        self, kind: str, opacity: Array, colour: Paint, distance: float, word: str = "", flow: Array | None = None
    ) -> None:
        """Paint a layer over everything so far.

        Args:
            kind: one of `KINDS`.
            opacity: float32 [H, W], 0..1.
            colour: float32 [H, W, 3], or one colour.
            distance: 0 near .. 1 far.
            word: the thing's name, if words may name it; layers of one name are one thing.
            flow: float32 [H, W, 2] in pixels a frame of a picture of 512, for what moves.
        """
        self.add(colour, opacity)
        rest = 1 - opacity
        self.shares *= rest
        self.shares[KINDS.index(kind)] += opacity
        hidden = opacity > 0.5
        self.flow[hidden] = 0 if flow is None else flow[hidden]
        self.depth[hidden] = distance
        for thing in self.things:
            thing.mask *= rest
        if word:
            self._name(word, opacity, flow)

    def cover_box(
        self, kind: str, box: tuple[slice, slice], opacity: Array, colour: Paint, distance: float, word: str = ""
    ) -> None:
        """As `cover` for a still thing inside a rectangle of the picture; `opacity` has the rectangle's shape."""
        part = self.rgb[box]
        part += (np.asarray(colour, np.float32) - part) * opacity[..., None]
        rest = 1 - opacity
        self.shares[(slice(None), *box)] *= rest
        self.shares[(KINDS.index(kind), *box)] += opacity
        hidden = opacity > 0.5
        self.flow[box][hidden] = 0
        self.depth[box][hidden] = distance
        for thing in self.things:
            thing.mask[box] *= rest
        if word:
            whole = np.zeros((self.height, self.width), np.float32)
            whole[box] = opacity
            self._name(word, whole, None)

    def box(self, left: float, top: float, right: float, bottom: float) -> tuple[slice, slice] | None:
        """The rectangle in pixels, or None where nothing of it is in the picture."""
        rows = slice(max(0, int(top * self.height)), min(self.height, int(np.ceil(bottom * self.height)) + 1))
        columns = slice(max(0, int(left * self.width)), min(self.width, int(np.ceil(right * self.width)) + 1))
        return (rows, columns) if rows.stop > rows.start and columns.stop > columns.start else None

    def polygon(self, points: Sequence[tuple[float, float]]) -> Array:
        """Opacity of a polygon of (x, y), float32 [H, W], with smooth edges."""
        canvas = np.zeros((self.height, self.width), np.uint8)
        corners = np.array([[x * self.width - 0.5, y * self.height - 0.5] for x, y in points])
        cv2.fillPoly(canvas, [np.round(corners * 16).astype(np.int32)], 255, cv2.LINE_AA, shift=4)
        return canvas.astype(np.float32) / 255

    def strokes(self, lines: Sequence[Sequence[tuple[float, float]]], thickness: float) -> Array:
        """Opacity of lines of (x, y), float32 [H, W]; `thickness` in shares of the height."""
        canvas = np.zeros((self.height, self.width), np.uint8)
        corners = [
            np.round(np.array([[x * self.width - 0.5, y * self.height - 0.5] for x, y in points]) * 16).astype(np.int32)
            for points in lines
        ]
        wide = thickness * self.height
        cv2.polylines(canvas, corners, False, round(255 * min(1.0, wide)), max(1, round(wide)), cv2.LINE_AA, shift=4)
        return canvas.astype(np.float32) / 255

    def describe(self, word: str, adjective: str) -> None:
        """Say what a thing that was just painted is like."""
        for thing in self.things:
            if thing.word == word:
                thing.adjective = adjective

    def _name(self, word: str, opacity: Array, flow: Array | None) -> None:
        angle = None
        if flow is not None:
            mean = (flow * opacity[..., None]).sum(axis=(0, 1))
            angle = float(np.rad2deg(np.arctan2(-mean[1], mean[0])) % 360)
        for thing in self.things:
            if thing.word == word:
                thing.mask += opacity
                thing.angle = angle if thing.angle is None else thing.angle
                return
        self.things.append(Thing(word, flow is not None, opacity.copy(), angle))
