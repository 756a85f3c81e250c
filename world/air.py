"""Fire, smoke and fog, and what falls from the sky."""

from __future__ import annotations

import numpy as np

from world.canvas import Canvas, Thing


def draw_fire(canvas: Canvas, x: float, foot: float, height: float, wide: float) -> None:
    """Flames that lick up from a bed of embers, and the glow around them."""
    up = np.clip((foot - canvas.y) / height, -0.2, 1.4)
    lick = canvas.noise("tall", 0.8)
    sway = 0.12 * wide * np.sin(up * canvas.uniform(4, 9) + canvas.uniform(0, 6))
    across = (canvas.x - x - sway) / wide
    tongues = 0.5 + 0.5 * np.cos(across * canvas.uniform(6, 12) + canvas.uniform(0, 6))
    inside = (1 - np.abs(across) ** 1.5) * (0.55 + 0.35 * tongues + 0.22 * lick) - up
    glow = np.exp(
        -(((canvas.x - x) * canvas.aspect / (height * 1.3)) ** 2)
        - ((canvas.y - foot + height * 0.3) / (height * 1.1)) ** 2
    )
    canvas.add(np.array((1.0, 0.55, 0.2), np.float32), np.clip(glow * canvas.uniform(0.3, 0.6), 0, 1))
    heat = np.clip(inside * 1.6, 0, 1)[..., None]
    stops = [np.array(colour, np.float32) for colour in ((0.86, 0.20, 0.04), (1.0, 0.58, 0.10), (1.0, 0.94, 0.62))]
    colour = np.where(
        heat < 0.5, stops[0] + (stops[1] - stops[0]) * heat * 2, stops[1] + (stops[2] - stops[1]) * (heat * 2 - 1)
    )
    base = canvas.edge(foot - canvas.y + 0.02 * lick * 0.5, 2)
    flow = np.zeros((canvas.height, canvas.width, 2), np.float32)
    flow[..., 1] = -1.3
    canvas.cover("fire", canvas.edge(inside * height * 0.6, 2) * base, colour, 0.2, "fire", flow)


def draw_logs(canvas: Canvas, x: float, foot: float, wide: float) -> None:
    """Crossed logs under a campfire."""
    bark = canvas.lit((0.22, 0.14, 0.10))
    for lean in (-1, 1):
        ends = [(x - wide * 0.7, foot + 0.012 * lean), (x + wide * 0.7, foot - 0.012 * lean)]
        canvas.cover("object", canvas.strokes([ends], 0.022), bark, 0.2)


def draw_smoke(canvas: Canvas, x: float, foot: float, wide: float) -> None:
    """A column that rises, widens and drifts aside, in billows."""
    up = np.clip((foot - canvas.y) / max(foot, 0.2), 0, 1.2)
    drift = canvas.uniform(-0.5, 0.5)
    middle = x + drift * up**1.5 + 0.03 * np.sin(up * 9 + canvas.uniform(0, 6))
    half = wide * (0.25 + canvas.uniform(0.6, 2.2) * up**0.8)
    billow = canvas.noise("even", canvas.uniform(0.7, 1.3)) - 0.5 * np.abs(canvas.noise("even", 1.5))
    inside = 1 - np.abs(canvas.x - middle) / half + 0.35 * billow
    fade = np.clip(1.15 - canvas.uniform(0.3, 0.9) * up, 0, 1)
    opacity = (
        np.clip(inside * canvas.uniform(1.2, 3), 0, 1)
        * fade
        * canvas.edge(foot - canvas.y, 3)
        * canvas.uniform(0.75, 0.98)
    )
    dark = canvas.uniform(0.12, 0.85)
    tone = np.array([dark, dark * canvas.uniform(0.94, 1.02), dark * canvas.uniform(0.9, 1.05)], np.float32)
    relief = np.clip(
        1 + 0.22 * (billow - np.roll(billow, -max(1, canvas.height // 64), axis=0)) * 3 + 0.12 * billow, 0.5, 1.5
    )
    flow = np.zeros((canvas.height, canvas.width, 2), np.float32)
    flow[..., 0], flow[..., 1] = drift * 0.5, -0.8
    canvas.cover("vapour", opacity, canvas.lit(tone, 0.6) * relief[..., None], 0.5, "smoke", flow)


def draw_fog(canvas: Canvas, level: float, deep: float) -> None:
    """A bank of fog that hides what lies behind it."""
    band = np.exp(-(((canvas.y - level) / deep) ** 2))
    wisps = canvas.noise("wide", canvas.uniform(0.5, 1.0)) + 0.3 * canvas.noise("even")
    opacity = np.clip(band * canvas.uniform(0.8, 1.2) + 0.22 * wisps * band, 0, 0.96)
    pale = np.asarray(canvas.light.horizon, np.float32) * 0.5 + 0.5 * canvas.lit((0.94, 0.95, 0.97))
    flow = np.zeros((canvas.height, canvas.width, 2), np.float32)
    flow[..., 0] = canvas.uniform(0.3, 0.6) * (1 if canvas.chance(0.5) else -1)
    canvas.cover("vapour", opacity, pale * (1 + 0.03 * wisps[..., None]), 0.6, "fog", flow)


def draw_specks(canvas: Canvas, word: str) -> None:
    """Snowflakes or streaks of rain all over; they hide nothing for long, so nobody's pixels become theirs."""
    count = int(canvas.uniform(60, 260) * canvas.aspect)
    wind = canvas.uniform(-0.5, 0.5)
    places = canvas.random.random((count, 3))
    if word == "rain":
        lines = [[(x, y), (x + wind * 0.03, y + 0.03 + 0.05 * size)] for x, y, size in places]
        canvas.add(canvas.lit((0.86, 0.90, 0.95)), canvas.strokes(lines, 0.004) * canvas.uniform(0.25, 0.55))
    else:
        for x, y, size in places:
            radius = 0.003 + 0.009 * size**3
            where = canvas.box(x - 2 * radius, y - 2 * radius, x + 2 * radius, y + 2 * radius)
            if where:
                away = np.hypot((canvas.x[where] - x) * canvas.aspect, canvas.y[where] - y)
                part = canvas.rgb[where]
                part += (canvas.lit((0.97, 0.98, 1.0)) - part) * (np.clip(1.4 - away / radius, 0, 1) * 0.9)[..., None]
    canvas.things.append(Thing(word, True, np.full((canvas.height, canvas.width), 0.05, np.float32), 270.0))
