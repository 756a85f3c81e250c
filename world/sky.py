"""Times of day, skies, clouds, sun, moon and stars."""

from __future__ import annotations

import numpy as np

from world.canvas import Canvas, Colour, Light, Thing
from world.textures import Array

LIGHTS = (
    Light("day", (0.20, 0.45, 0.82), (0.42, 0.66, 0.92), (0.78, 0.88, 0.96), (1.0, 1.0, 0.98)),
    Light("day", (0.33, 0.55, 0.80), (0.58, 0.74, 0.88), (0.90, 0.92, 0.92), (1.0, 0.98, 0.94)),
    Light("sunset", (0.22, 0.24, 0.48), (0.72, 0.42, 0.50), (1.00, 0.66, 0.32), (1.0, 0.76, 0.60)),
    Light("sunset", (0.90, 0.38, 0.22), (0.97, 0.52, 0.24), (1.00, 0.80, 0.42), (0.95, 0.72, 0.58)),
    Light("dusk", (0.16, 0.18, 0.40), (0.40, 0.32, 0.54), (0.86, 0.56, 0.56), (0.62, 0.56, 0.68)),
    Light("dawn", (0.42, 0.54, 0.78), (0.74, 0.72, 0.82), (0.99, 0.82, 0.72), (0.95, 0.86, 0.84)),
    Light("night", (0.02, 0.04, 0.13), (0.05, 0.09, 0.24), (0.14, 0.21, 0.38), (0.30, 0.36, 0.54), stars=1.0),
    Light("night", (0.05, 0.07, 0.28), (0.10, 0.18, 0.48), (0.26, 0.40, 0.62), (0.40, 0.46, 0.66), stars=0.8),
    Light("storm", (0.20, 0.22, 0.27), (0.34, 0.37, 0.42), (0.56, 0.58, 0.60), (0.62, 0.65, 0.70), sun=False),
    Light("overcast", (0.60, 0.63, 0.67), (0.70, 0.73, 0.76), (0.82, 0.84, 0.85), (0.84, 0.86, 0.88), sun=False),
    Light("golden hour", (0.56, 0.62, 0.70), (0.86, 0.74, 0.58), (1.0, 0.84, 0.56), (1.0, 0.86, 0.66)),
)
"""Colours are by eye, after photographs of each hour in general."""

ODD = 0.12
"""How often a sky has a colour that no sky has: painters do it."""


def choose_light(random: np.random.Generator) -> Light:
    """A time of day; now and then one of a stranger world."""
    light = LIGHTS[int(random.choice(len(LIGHTS), p=_WEIGHTS))]
    if random.random() >= ODD:
        return light
    hue = random.permutation(3)

    def turned(colour: Colour) -> Colour:
        return (colour[hue[0]], colour[hue[1]], colour[hue[2]])

    return Light(
        light.name,
        turned(light.zenith),
        turned(light.middle),
        turned(light.horizon),
        light.lamp,
        light.stars,
        light.sun,
    )


_WEIGHTS = np.array([3, 2, 1.5, 1, 1, 1.2, 1, 1, 1, 1.5, 1.2]) / 15.4
"""How often each of `LIGHTS` is."""


def draw_sky(canvas: Canvas, horizon: float) -> None:
    """The sky, all over the picture, with what hangs in it."""
    light = canvas.light
    height = np.clip(canvas.y / max(horizon, 0.15), 0, 1)
    stops = np.array([light.zenith, light.middle, light.horizon], np.float32)
    if canvas.chance(0.15):
        stops = stops * 0.4 + 0.6 * stops.mean(axis=0)
    bend = canvas.uniform(0.35, 0.75)
    places = np.array([0.0, bend, 1.0])
    for channel in range(3):
        canvas.rgb[..., channel] = np.interp(height, places, stops[:, channel])
    canvas.rgb *= 1 + 0.02 * canvas.noise("soft")[..., None]
    if light.stars:
        _stars(canvas, horizon)
    if light.sun and canvas.chance(0.45):
        _sun(canvas, horizon)


def _stars(canvas: Canvas, horizon: float) -> None:
    count = int(canvas.uniform(40, 160) * canvas.light.stars)
    reach = canvas.uniform(0.6, 1.3)
    for _ in range(count):
        x, y, size, power = canvas.random.random(4)
        row, column = int(y * horizon * canvas.height), int(x * canvas.width)
        if row >= canvas.height:
            continue
        bright = 0.25 + 0.75 * power**2
        canvas.rgb[row, column] += bright * 0.8
        if size > 0.9:
            where = canvas.box(x - 0.02, y * horizon - 0.02, x + 0.02, y * horizon + 0.02)
            if where:
                away = _away(canvas, where, x, y * horizon) / (0.006 * reach)
                canvas.rgb[where] += (bright * np.exp(-away))[..., None]
    canvas.things.append(_seen(canvas, "stars"))


def _seen(canvas: Canvas, word: str) -> Thing:
    """Something small that words may name all the same."""
    return Thing(word, False, np.full((canvas.height, canvas.width), 0.02, np.float32))


def _away(canvas: Canvas, where: tuple[slice, slice], x: float, y: float) -> Array:
    return np.hypot((canvas.x[where] - x) * canvas.aspect, canvas.y[where] - y)


def _sun(canvas: Canvas, horizon: float) -> None:
    """Sun, or at night the moon, with its glow and now and then its rays."""
    night = canvas.light.stars > 0
    low = canvas.light.name in ("sunset", "dawn", "golden hour")
    x = canvas.uniform(0.1, 0.9)
    y = horizon - canvas.uniform(-0.01, 0.16) if low else canvas.uniform(0.08, 0.5) * horizon
    radius = canvas.uniform(0.02, 0.06)
    away = np.hypot((canvas.x - x) * canvas.aspect, canvas.y - y)
    colour = np.array((0.93, 0.95, 1.0) if night else (1.0, 0.95, 0.76), np.float32)
    glow = np.exp(-((away / canvas.uniform(0.10, 0.35)) ** 2)) * canvas.uniform(0.15, 0.6)
    if canvas.chance(0.25) and not night:
        angle = np.arctan2(canvas.y - y, (canvas.x - x) * canvas.aspect)
        rays = np.cos(angle * int(canvas.random.integers(5, 13)) + canvas.uniform(0, 6))
        glow = glow + np.clip(rays, 0, 1) ** 4 * np.exp(-away / 0.25) * 0.6
    warm = np.asarray(canvas.light.horizon, np.float32) * 0.5 + colour * 0.5
    canvas.add(warm, np.clip(glow, 0, 1))
    canvas.add(colour, canvas.edge(radius - away))
    canvas.things.append(_seen(canvas, "moon" if night else "sun"))


def draw_clouds(canvas: Canvas, horizon: float, cover: float, style: str = "") -> None:
    """Clouds: "cumulus", "streaks", "veil" or "storm"; `cover` 0..1 is how much of the sky they take."""
    style = style or canvas.pick(["cumulus", "streaks", "veil", "storm"], [4, 3, 1, 1])
    shape, soft = _cloud_shape(canvas, style)
    threshold = 1.3 - 2.6 * cover
    fade = np.clip((horizon - canvas.y) / 0.06 + 0.5, 0, 1)
    amount = np.clip((shape - threshold) / soft, 0, 1) * fade
    amount = amount * amount * (3 - 2 * amount) * canvas.uniform(0.75, 1.0)
    thick = np.clip((shape - threshold) / 2.0, 0, 1)
    speed = canvas.uniform(0.3, 0.8) * (1 if canvas.chance(0.5) else -1)
    flow = np.zeros((canvas.height, canvas.width, 2), np.float32)
    flow[..., 0] = speed
    canvas.cover("cloud", amount, _cloud_colour(canvas, shape, thick, style), 0.95, "clouds", flow)


def _cloud_shape(canvas: Canvas, style: str) -> tuple[Array, float]:
    big = canvas.uniform(0.35, 0.9)
    if style == "cumulus":
        puff = -np.abs(canvas.noise("even", big * 1.6)) * 0.55
        return canvas.noise("soft", big) + puff + 0.35 + 0.2 * canvas.noise("fine", big), canvas.uniform(0.25, 0.6)
    if style == "streaks":
        return canvas.noise("wide", big) + 0.25 * canvas.noise("even", big), canvas.uniform(0.4, 1.2)
    if style == "veil":
        return canvas.noise("flat", big) * 0.8 + 0.4 * canvas.noise("soft", big), canvas.uniform(1.2, 2.2)
    return canvas.noise("soft", big) + 0.35 * canvas.noise("even", big * 1.3), canvas.uniform(0.5, 1.2)


def _cloud_colour(canvas: Canvas, shape: Array, thick: Array, style: str) -> Array:
    """Lit from the sun's side, darker where thick."""
    light = canvas.light
    lamp = np.asarray(light.lamp, np.float32)
    pale = np.array((1.0, 1.0, 1.0), np.float32)
    top = pale * (0.35 + 0.65 * lamp)
    if light.name in ("sunset", "dusk", "dawn", "golden hour"):
        top = 0.35 * top + 0.65 * np.asarray(light.horizon, np.float32) * canvas.uniform(0.9, 1.15)
    if light.stars:
        top = np.asarray(light.horizon, np.float32) * canvas.uniform(0.9, 1.6)
    dark = np.asarray(light.middle, np.float32) * 0.55 + 0.45 * top
    dark = dark * (canvas.uniform(0.45, 0.7) if style == "storm" else canvas.uniform(0.7, 0.95))
    drop = max(1, round(0.02 * canvas.height))
    relief = np.clip((shape - np.roll(shape, -drop, axis=0)) * 0.8 + 0.5, 0, 1)
    share = np.clip(0.65 * relief + 0.55 * (1 - thick), 0, 1)[..., None]
    return np.asarray(dark + (top - dark) * share, np.float32)
