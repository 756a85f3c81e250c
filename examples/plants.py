"""What stands in the valley: conifers, rocks, bushes, grass, flowers, and a cabin."""

from __future__ import annotations

import numpy as np
from brush import Array, Canvas, mix
from scene import HEIGHT, HORIZON, SUN, WIDTH

_DARK = np.array([0.06, 0.11, 0.13])
_LEAF = np.array([0.17, 0.25, 0.17])
_RIM = np.array([0.78, 0.56, 0.30])
_HAZE = np.array([0.58, 0.44, 0.48])


def conifer(canvas: Canvas, random: np.random.Generator, foot: tuple[float, float], tall: float, near: float) -> None:
    """A conifer in tiers of drooping strokes, rimmed with light on the side of the sun.

    Args:
        canvas: what is painted on.
        random: draws the branches.
        foot: (x, y) of its foot, pixels.
        tall: its height, pixels.
        near: 1 near the viewer, towards 0 it fades into the haze.
    """
    x, y = foot
    side = 1.0 if x < SUN[0] * WIDTH else -1.0
    fade = np.float64((1 - near) * 0.5)
    canvas.stroke((x, y - tall * 0.48), np.pi / 2, (tall * 0.98, max(1.2, tall * 0.03)), mix(_DARK, _HAZE, fade))
    tiers = int(np.clip(tall / 3.0, 5, 60))
    for tier in range(tiers):
        share = (tier + 0.4) / tiers
        saw = 0.72 + 0.42 * ((tier * 0.37) % 1.0)
        spread = tall * (0.20 if tall > 45 else 0.27) * (0.05 + share**0.9) * saw
        level = y - tall * (1 - share * 0.93)
        dabs = int(np.clip(spread / 2.2, 2, 9))
        for hand in (-1.0, 1.0):
            for dab in range(dabs):
                out = (dab + 0.2 + 0.8 * float(random.random())) / dabs
                droop = 0.25 + 0.55 * out + 0.3 * float(random.random())
                bright = 0.25 + 0.75 * out if hand == side else 0.10 + 0.15 * out
                lit = np.float64(float(random.random()) ** 1.5 * bright * 0.62)
                colour = mix(mix(_DARK, _LEAF, np.float64(0.25 + 0.75 * random.random() * out)), _RIM, lit)
                place = (x + hand * spread * out, level + spread * out * 0.42)
                size = (max(1.6, min(spread * 0.62, 15.0)), max(1.0, min(tall / tiers * 0.85, 3.6)))
                canvas.stroke(place, hand * droop, size, mix(colour, _HAZE, fade), 0.86)


def _beside(across: Array, depth: Array, random: np.random.Generator, reach: tuple[float, float]) -> tuple[int, int]:
    """A random (column, row) on a bank: `reach` is where, 1 being the water's edge; rows are denser far away."""
    while True:
        row = HORIZON + (1 - HORIZON) * (0.12 + 0.86 * float(random.random()) ** 1.2)
        hand = 1.0 if random.random() < 0.5 else -1.0
        wanted = hand * (reach[0] + (reach[1] - reach[0]) * float(random.random()))
        line = across[min(int(row * HEIGHT), HEIGHT - 1)]
        column = int(np.argmin(np.abs(line - wanted)))
        if abs(line[column] - wanted) < 0.2:
            return column, min(int(row * HEIGHT), HEIGHT - 1)


def rocks(canvas: Canvas, random: np.random.Generator, across: Array, depth: Array) -> None:
    """Boulders at the water's edge: a dark body, a warm top, a bright line of water at the foot."""
    places = sorted((_beside(across, depth, random, (0.94, 1.12)) for _ in range(80)), key=lambda place: place[1])
    for column, row in places:
        near = float(depth[row, column])
        size = (4 + 24 * near) * (0.45 + 0.8 * float(random.random()) ** 1.5)
        for _ in range(30):
            turn, out = 2 * np.pi * float(random.random()), np.sqrt(float(random.random()))
            dx, dy = np.cos(turn) * out, np.sin(turn) * out
            facing = np.clip(0.45 - 0.5 * dy + 0.25 * dx * np.sign(SUN[0] * WIDTH - column), 0, 1)
            shade = mix(np.array([0.11, 0.12, 0.19]), np.array([0.66, 0.54, 0.48]), np.float64(facing**1.4))
            shade = np.clip(shade + (float(random.random()) - 0.5) * 0.07, 0, 1)
            place = (column + dx * size * 0.55, row - size * 0.22 + dy * size * 0.32)
            canvas.stroke(place, dx * 0.7, (max(2.0, size * 0.42), max(1.4, size * 0.20)), shade, 0.9)


def bushes(canvas: Canvas, random: np.random.Generator, across: Array, depth: Array) -> None:
    """Round shrubs of autumn colours along the banks."""
    tints = np.array([[0.20, 0.26, 0.15], [0.34, 0.33, 0.15], [0.50, 0.30, 0.14], [0.44, 0.20, 0.16]])
    places = sorted((_beside(across, depth, random, (1.12, 1.9)) for _ in range(60)), key=lambda place: place[1])
    for column, row in places:
        near = float(depth[row, column])
        size = (5 + 30 * near) * (0.6 + 0.6 * float(random.random()))
        tint = tints[int(random.random() * 4)]
        for number in range(34):
            turn, out = 2 * np.pi * float(random.random()), np.sqrt(float(random.random()))
            place = (column + np.cos(turn) * out * size * 0.62, row - size * 0.36 + np.sin(turn) * out * size * 0.40)
            high = np.clip((row - place[1]) / size, 0, 1)
            colour = mix(tint * 0.42, np.clip(tint * 1.75 + 0.04, 0, 1), np.float64(high * (0.35 + 0.65 * number / 33)))
            size_ = (max(2.2, size * 0.26), max(1.5, size * 0.13))
            canvas.stroke(place, float(random.random()) * np.pi, size_, colour, 0.85)


def grass(canvas: Canvas, random: np.random.Generator, across: Array, depth: Array) -> None:
    """Blades that lean over the banks, thicker towards the viewer."""
    tints = np.array([[0.16, 0.24, 0.13], [0.32, 0.36, 0.16], [0.60, 0.48, 0.22], [0.78, 0.62, 0.32]])
    places = sorted((_beside(across, depth, random, (1.0, 1.75)) for _ in range(1500)), key=lambda place: place[1])
    for column, row in places:
        near = float(depth[row, column])
        tall = (3 + 24 * near) * (0.5 + 0.8 * float(random.random()))
        lean = -np.pi / 2 + (float(random.random()) - 0.5) * 0.9
        colour = tints[int(random.random() ** 1.5 * 4)] * (0.8 + 0.3 * float(random.random()))
        place = (column + np.cos(lean) * tall / 2, row + np.sin(lean) * tall / 2)
        canvas.stroke(place, lean, (tall, max(1.1, 2.1 * near)), np.clip(colour, 0, 1), 0.85)


def flowers(canvas: Canvas, random: np.random.Generator, across: Array, depth: Array) -> None:
    """Dabs of lupin, poppy and daisy in the near meadow."""
    tints = np.array([[0.62, 0.42, 0.80], [0.86, 0.34, 0.28], [0.97, 0.88, 0.78], [0.95, 0.70, 0.34]])
    for _ in range(640):
        column, row = _beside(across, depth, random, (1.12, 2.3))
        near = float(depth[row, column])
        if near < 0.2:
            continue
        size = 1.6 + 4.0 * near * (0.5 + float(random.random()))
        colour = np.clip(tints[int(random.random() * 4)] * (0.75 + 0.35 * float(random.random())), 0, 1)
        canvas.stroke((column, row - 2), float(random.random()) * np.pi, (size, size * 0.75), colour, 0.9)


def cabin(canvas: Canvas, random: np.random.Generator, foot: tuple[float, float], wide: float) -> None:
    """A log cabin with a lit window and a smoking chimney's stub.

    Args:
        canvas: what is painted on.
        random: draws the bristles.
        foot: (x, y) of the middle of its base, pixels.
        wide: its width, pixels.
    """
    x, y = foot
    wall, logs = wide * 0.42, 9
    for number in range(logs):
        level = y - wall * (number + 0.5) / logs
        tone = np.array([0.30, 0.20, 0.17]) * (0.75 + 0.5 * float(random.random()))
        canvas.stroke((x, level), 0.0, (wide, wall / logs * 1.25), tone, 0.97)
    for number in range(26):
        share = number / 25
        level = y - wall - wide * 0.34 * share
        tone = mix(np.array([0.17, 0.14, 0.20]), np.array([0.62, 0.40, 0.32]), np.float64(0.55 * random.random()))
        canvas.stroke((x, level), 0.0, (wide * (1.22 - 0.42 * share), 2.6), tone, 0.95)
    canvas.stroke((x + wide * 0.24, y - wall - wide * 0.36), np.pi / 2, (wide * 0.26, wide * 0.10), _DARK, 0.95)
    glow = np.array([1.0, 0.80, 0.42])
    for shift in (-0.24, 0.22):
        place = (x + wide * shift, y - wall * 0.52)
        canvas.stroke(place, np.pi / 2, (wall * 0.46, wide * 0.13), glow, 1.0)
        canvas.stroke(place, np.pi / 2, (wall * 0.46, 1.2), _DARK, 0.7)
    canvas.stroke((x, y - wall * 0.34), np.pi / 2, (wall * 0.72, wide * 0.12), _DARK, 0.9)
    canvas.stroke((x, y + 1.5), 0.0, (wide * 1.25, 4.5), np.array([0.15, 0.18, 0.13]), 0.8)
