"""Houses, towers, walls, bridges, boats, people, aeroplanes and birds."""

from __future__ import annotations

import numpy as np

from world.canvas import Canvas, Colour
from world.land import one_of
from world.textures import Array

WALLS: tuple[Colour, ...] = (
    (0.78, 0.72, 0.62),
    (0.62, 0.38, 0.28),
    (0.55, 0.53, 0.52),
    (0.85, 0.82, 0.78),
    (0.45, 0.36, 0.28),
    (0.66, 0.56, 0.40),
    (0.35, 0.38, 0.44),
)
ROOFS: tuple[Colour, ...] = ((0.55, 0.24, 0.16), (0.30, 0.28, 0.30), (0.42, 0.30, 0.22), (0.28, 0.34, 0.42))


def _rectangle(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def draw_house(canvas: Canvas, x: float, foot: float, height: float, distance: float) -> None:
    """A house, a chapel with a steeple or a tower."""
    wide = height * canvas.uniform(0.7, 1.5) / canvas.aspect
    wall = canvas.hazy(canvas.lit(one_of(canvas, WALLS)), distance * 0.6)
    roof = canvas.hazy(canvas.lit(one_of(canvas, ROOFS)), distance * 0.6)
    eaves = foot - height * canvas.uniform(0.5, 0.65)
    left, right = x - wide / 2, x + wide / 2
    shaded = wall * np.clip(1.1 - 0.5 * (canvas.x - left) / wide + 0.05 * canvas.noise("fine"), 0.5, 1.2)[..., None]
    if canvas.chance(0.25):
        tower = x + wide * canvas.uniform(-0.4, 0.4)
        slim = wide * 0.16
        canvas.cover(
            "building",
            canvas.polygon(_rectangle(tower - slim, foot - height * 1.5, tower + slim, foot)),
            shaded,
            distance,
            "house",
        )
        spire = [
            (tower - slim * 1.2, foot - height * 1.5),
            (tower, foot - height * canvas.uniform(1.9, 2.4)),
            (tower + slim * 1.2, foot - height * 1.5),
        ]
        canvas.cover("building", canvas.polygon(spire), roof, distance, "house")
    canvas.cover("building", canvas.polygon(_rectangle(left, eaves, right, foot)), shaded, distance, "house")
    over = wide * 0.08
    inset = wide * canvas.uniform(0.0, 0.5)
    gable = [(left - over, eaves), (left + inset, foot - height), (right - inset, foot - height), (right + over, eaves)]
    canvas.cover("building", canvas.polygon(gable), roof, distance, "house")
    _windows(canvas, (left, eaves, right, foot), 2, 3, distance, canvas.uniform(0.3, 1.0) if _dark(canvas) else 0.1)


def _dark(canvas: Canvas) -> bool:
    return canvas.light.stars > 0 or canvas.light.name in ("dusk", "storm")


def _windows(
    canvas: Canvas, frame: tuple[float, float, float, float], rows: int, columns: int, distance: float, lamps: float
) -> None:
    left, top, right, bottom = frame
    lit: Array = np.zeros((canvas.height, canvas.width), np.float32)
    unlit = lit.copy()
    for row in range(rows):
        for column in range(columns):
            x = left + (right - left) * (column + 0.5) / columns
            y = top + (bottom - top) * (row + 0.5) / rows
            half_x, half_y = (right - left) / columns * 0.24, (bottom - top) / rows * 0.26
            where = canvas.box(x - half_x, y - half_y, x + half_x, y + half_y)
            if where:
                (lit if canvas.chance(lamps) else unlit)[where] = 1
    canvas.add(canvas.lit((0.16, 0.18, 0.24)), unlit * (0.8 - 0.4 * distance))
    canvas.add((1.0, 0.84, 0.48), lit * 0.9)


def draw_wall(canvas: Canvas, side: str, ground: float) -> None:
    """A large building near by that comes in from a side, in perspective, with rows of windows."""
    x = canvas.x if side == "left" else 1 - canvas.x
    reach = canvas.uniform(0.2, 0.62)
    slope_top, slope_foot = canvas.uniform(0.0, 0.9), canvas.uniform(0.0, 0.5)
    top_far = canvas.uniform(0.05, 0.4) * ground
    top = top_far - slope_top * (reach - x)
    foot = ground + slope_foot * (reach - x)
    share = np.clip((canvas.y - top) / np.maximum(foot - top, 0.05), 0, 1)
    wall = canvas.lit(one_of(canvas, WALLS))
    bricks = np.sin(share * canvas.uniform(80, 200)) * 0.05 * canvas.chance(0.5)
    shade = 0.9 + 0.10 * canvas.noise("fine") + 0.06 * canvas.noise("tall") + bricks
    colour = wall * np.clip(shade, 0.4, 1.4)[..., None] * canvas.uniform(0.5, 1.1)
    rows, columns = int(canvas.random.integers(2, 9)), int(canvas.random.integers(2, 6))
    along = x / reach
    cell_y, cell_x = (share * rows) % 1, (along * columns) % 1
    window = (np.abs(cell_y - 0.5) < 0.26) & (np.abs(cell_x - 0.5) < 0.25) & (share > 0.04) & (share < 0.96)
    number = np.floor(share * rows).astype(int) * 31 + np.floor(along * columns).astype(int) * 17
    lamps = np.sin(number * 12.9898 + canvas.uniform(0, 9)) > (0.2 if _dark(canvas) else 0.95)
    pane = np.where(lamps[..., None], np.array((1.0, 0.84, 0.5), np.float32), canvas.lit((0.16, 0.19, 0.26)))
    colour = np.where(window[..., None], pane, colour)
    inside = np.minimum(np.minimum(reach - x, canvas.y - top), foot - canvas.y)
    canvas.cover("building", canvas.edge(inside), colour.astype(np.float32), 0.15, "buildings")


def draw_city(canvas: Canvas, base: float, height: float, distance: float) -> None:
    """A skyline of towers, or a row of houses."""
    count = int(canvas.random.integers(8, 26))
    edges = np.sort(canvas.random.random(count - 1))
    columns = np.searchsorted(edges, canvas.x[0])
    tall = canvas.random.uniform(0.25, 1.0, count).astype(np.float32)
    tone = canvas.random.uniform(0.65, 1.25, count).astype(np.float32)
    top = base - height * tall[columns]
    wall = canvas.hazy(canvas.lit(one_of(canvas, WALLS)), distance)
    colour = wall * tone[columns][None, :, None] * (1 + 0.04 * canvas.noise("fine"))[..., None]
    fine = canvas.uniform(40, 90)
    cells = np.sin(canvas.x * canvas.aspect * fine * 2) * np.sin(canvas.y * fine)
    lamps = np.clip((cells - 0.2) * 3, 0, 1) * (canvas.noise("fine", 2.0) > (0.0 if _dark(canvas) else 1.0))
    pane = np.array((1.0, 0.82, 0.45), np.float32) if _dark(canvas) else canvas.lit((0.2, 0.24, 0.3))
    colour = colour + (pane - colour) * (lamps * 0.75)[..., None]
    inside = np.minimum(canvas.y - top[None], base + 0.01 - canvas.y)
    canvas.cover("building", canvas.edge(inside), colour, distance, "buildings")


def draw_bridge(canvas: Canvas, level: float) -> None:
    """A bridge across the picture: of arches, or hung from towers."""
    stone = canvas.lit(one_of(canvas, WALLS)) * 0.85
    colour = stone * np.clip(1 + 0.12 * canvas.noise("fine"), 0.5, 1.4)[..., None]
    deck = canvas.uniform(0.015, 0.04)
    drop = canvas.uniform(0.08, 0.2)
    if canvas.chance(0.6):
        arches = int(canvas.random.integers(1, 6))
        phase = (canvas.x * arches) % 1
        hollow = drop * np.sqrt(np.clip(1 - ((phase - 0.5) / 0.44) ** 2, 0, 1))
        inside = np.minimum(canvas.y - level, level + deck + drop - hollow - canvas.y)
    else:
        sag = 0.22 * (2 * ((canvas.x * 1.5) % 1) - 1) ** 2
        cable = 0.004 - np.abs(canvas.y - (level - 0.01 - sag))
        towers = np.minimum(
            0.012 - np.abs(((canvas.x * 1.5) % 1) - 0.0) / 1.5,
            np.minimum(canvas.y - level + 0.26, level + drop - canvas.y),
        )
        inside = np.maximum(np.minimum(canvas.y - level, level + deck - canvas.y), np.maximum(cable, towers))
    canvas.cover("building", canvas.edge(inside), colour, 0.4, "bridge")
    if _dark(canvas):
        for number in range(9):
            x = (number + 0.5) / 9
            away = np.hypot((canvas.x - x) * canvas.aspect, canvas.y - level + 0.015)
            canvas.add((1.0, 0.85, 0.5), np.clip(np.exp(-((away / 0.012) ** 2)), 0, 1))


def draw_boat(canvas: Canvas, x: float, y: float, size: float) -> None:
    """A boat with a sail, or with people in it, and its reflection."""
    hull = [
        (x - size, y - size * 0.22),
        (x + size, y - size * 0.26),
        (x + size * 0.7, y + size * 0.12),
        (x - size * 0.75, y + size * 0.12),
    ]
    hull = [(x + (px - x) / canvas.aspect, py) for px, py in hull]
    wood = canvas.lit(one_of(canvas, ROOFS))
    shadow = canvas.polygon([(px, 2 * y + size * 0.24 - py) for px, py in hull])
    canvas.add(wood * 0.5, shadow * 0.5)
    canvas.cover("object", canvas.polygon(hull), wood, 0.3, "boat")
    if canvas.chance(0.6):
        pale = canvas.lit((0.92, 0.88, 0.80) if canvas.chance(0.7) else (0.8, 0.3, 0.2))
        tall = size * canvas.uniform(1.2, 2.2)
        sail = [(x, y - tall), (x + size * 0.8 / canvas.aspect, y - size * 0.32), (x, y - size * 0.32)]
        canvas.cover("object", canvas.polygon(sail), pale, 0.3, "boat")
        canvas.cover("object", canvas.strokes([[(x, y - tall), (x, y - size * 0.2)]], 0.006), wood, 0.3, "boat")
    else:
        for offset in (-0.4, 0.3):
            draw_person(canvas, x + size * offset / canvas.aspect, y - size * 0.2, size * 0.7)


def draw_person(canvas: Canvas, x: float, foot: float, height: float) -> None:
    """A figure from afar."""
    coat = canvas.lit(tuple(canvas.random.uniform(0.1, 0.8, 3)))
    wide = height * 0.16 / canvas.aspect
    body = [
        (x - wide, foot),
        (x - wide * 0.8, foot - height * 0.75),
        (x + wide * 0.8, foot - height * 0.75),
        (x + wide, foot),
    ]
    canvas.cover("object", canvas.polygon(body), coat, 0.2, "people")
    head = canvas.edge(height * 0.12 - np.hypot((canvas.x - x) * canvas.aspect, canvas.y - foot + height * 0.87))
    canvas.cover("object", head, canvas.lit((0.75, 0.58, 0.46)), 0.2, "people")


def draw_plane(canvas: Canvas, x: float, y: float, size: float) -> None:
    """An aeroplane in the sky, seen from a side or from below."""
    turn = canvas.uniform(-0.5, 0.5)
    colour = canvas.lit(tuple([canvas.uniform(0.05, 0.95)] * 3))

    def placed(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
        cos, sin = np.cos(turn) * size, np.sin(turn) * size
        return [(x + (u * cos - v * sin) / canvas.aspect, y + u * sin + v * cos) for u, v in points]

    shade = colour * np.clip(1 + 0.15 * canvas.noise("fine"), 0.5, 1.4)[..., None]
    body = [(-1, -0.05), (0.8, -0.12), (1, 0.0), (0.8, 0.1), (-1, 0.06)]
    wing = [
        (-0.1, 0.0),
        (-0.6, canvas.uniform(0.5, 0.9)),
        (-0.35, 0.8),
        (0.4, 0.0),
        (0.1, -canvas.uniform(0.3, 0.8)),
        (-0.1, -0.6),
    ]
    tail = [(-1, 0), (-1.1, -0.35), (-0.85, -0.35), (-0.65, 0)]
    for part in (wing, body, tail):
        canvas.cover("object", canvas.polygon(placed(part)), shade, 0.3, "aeroplane")


def draw_birds(canvas: Canvas, horizon: float) -> None:
    """A few birds."""
    lines = []
    for _ in range(int(canvas.random.integers(3, 9))):
        x, y, size = canvas.uniform(0, 1), canvas.uniform(0.05, 0.8) * horizon, canvas.uniform(0.008, 0.02)
        lines.append([(x - size, y - size * 0.5), (x, y), (x + size, y - size * 0.5)])
    canvas.add(canvas.lit((0.1, 0.1, 0.12)), canvas.strokes(lines, 0.005) * 0.9)
