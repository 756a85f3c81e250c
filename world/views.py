"""Kinds of pictures: what stands where, so that water is not always below mountains and below a sky."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from world import air, built, land, sky, water
from world.canvas import Canvas

View = Callable[[Canvas], None]


def _above(canvas: Canvas, horizon: float, often: float = 0.65) -> None:
    """The sky, and by chance clouds."""
    canvas.horizon = horizon
    sky.draw_sky(canvas, horizon)
    if canvas.chance(often):
        sky.draw_clouds(canvas, horizon, canvas.uniform(0.15, 0.95))
        if canvas.chance(0.25):
            sky.draw_clouds(canvas, horizon, canvas.uniform(0.1, 0.5))


def _backdrop(canvas: Canvas, horizon: float) -> None:
    """What closes the view at the horizon."""
    if canvas.chance(0.55):
        land.draw_mountains(canvas, horizon, canvas.uniform(0.08, 0.38), int(canvas.random.integers(1, 4)))
    if canvas.chance(0.4):
        land.draw_hills(canvas, horizon + 0.01, canvas.uniform(0.03, 0.14), 0.6)
    if canvas.chance(0.35):
        land.draw_forest(canvas, horizon + 0.015, canvas.uniform(0.03, 0.2), 0.5)
    if canvas.chance(0.1):
        built.draw_city(canvas, horizon + 0.01, canvas.uniform(0.05, 0.25), 0.55)


def _details(canvas: Canvas, horizon: float, often: float = 1.0) -> None:
    """Trees, houses, people on the ground, and what is near the eye."""
    if canvas.chance(0.45 * often * canvas.clutter):
        land.draw_trees(canvas, horizon, int(canvas.random.integers(2, 10)))
    if canvas.chance(0.25 * often * canvas.clutter):
        foot = canvas.uniform(horizon + 0.01, horizon + 0.12)
        built.draw_house(canvas, canvas.uniform(0.1, 0.9), foot, canvas.uniform(0.06, 0.2), 0.5)
    if canvas.chance(0.12 * often * canvas.clutter):
        built.draw_person(
            canvas, canvas.uniform(0.15, 0.85), canvas.uniform(horizon + 0.15, 0.95), canvas.uniform(0.06, 0.2)
        )
    _near(canvas)


def _near(canvas: Canvas) -> None:
    if canvas.chance(0.2 * canvas.clutter):
        land.draw_frame(canvas)
    if canvas.chance(0.3 * canvas.clutter):
        land.draw_bank(canvas)


def _weather(canvas: Canvas) -> None:
    if canvas.chance(0.06):
        air.draw_fog(canvas, canvas.horizon + canvas.uniform(-0.08, 0.08), canvas.uniform(0.04, 0.14))
    if canvas.chance(0.05):
        air.draw_specks(canvas, canvas.pick(["rain", "snowfall"]))


def river(canvas: Canvas) -> None:
    """A river that winds towards the eye."""
    horizon = canvas.uniform(0.28, 0.58)
    _above(canvas, horizon)
    _backdrop(canvas, horizon)
    land.draw_ground(canvas, horizon)
    water.draw_river(canvas, horizon)
    if canvas.chance(0.3):
        land.draw_rocks(canvas, horizon + 0.1, int(canvas.random.integers(2, 10)))
    if canvas.chance(0.12):
        built.draw_bridge(canvas, horizon + canvas.uniform(0.02, 0.1))
    _details(canvas, horizon)


def shore(canvas: Canvas) -> None:
    """Wide water with a far bank: a river from side to side, or a lake below mountains."""
    horizon = canvas.uniform(0.2, 0.55)
    _above(canvas, horizon)
    _backdrop(canvas, horizon)
    if canvas.chance(0.5):
        land.draw_ground(canvas, horizon)
        if canvas.chance(0.4):
            land.draw_trees(canvas, horizon, int(canvas.random.integers(3, 12)))
    else:
        land.draw_forest(canvas, horizon + 0.03, canvas.uniform(0.05, 0.25), 0.4)
    if canvas.chance(0.3):
        built.draw_house(canvas, canvas.uniform(0.1, 0.9), horizon + 0.03, canvas.uniform(0.05, 0.16), 0.5)
    top = water.draw_band(canvas, horizon + 0.02, canvas.pick(["river", "lake"]))
    _on_water(canvas, top)
    _near(canvas)


def _on_water(canvas: Canvas, top: float) -> None:
    if canvas.chance(0.25 * canvas.clutter):
        y = canvas.uniform(top + 0.06, min(top + 0.4, 0.95))
        built.draw_boat(canvas, canvas.uniform(0.15, 0.85), y, 0.03 + 0.2 * (y - top))
    if canvas.chance(0.25 * canvas.clutter):
        land.draw_rocks(canvas, top + 0.05, int(canvas.random.integers(1, 8)))


def lake(canvas: Canvas) -> None:
    """A lake in a meadow."""
    horizon = canvas.uniform(0.28, 0.52)
    _above(canvas, horizon)
    _backdrop(canvas, horizon)
    land.draw_ground(canvas, horizon)
    water.draw_lake(canvas, horizon)
    _details(canvas, horizon)


def seaside(canvas: Canvas) -> None:
    """The sea."""
    horizon = canvas.uniform(0.12, 0.66)
    _above(canvas, horizon, 0.75)
    if canvas.chance(0.2):
        land.draw_mountains(canvas, horizon, canvas.uniform(0.05, 0.2), 1)
    water.draw_sea(canvas, horizon)
    for _ in range(int(canvas.random.integers(0, 3))):
        if canvas.chance(0.5):
            water.draw_islands(canvas, horizon, lambda: land.rock_face(canvas))
    _on_water(canvas, horizon)
    if canvas.chance(0.15):
        built.draw_birds(canvas, horizon)
    _near(canvas)


def waterfall(canvas: Canvas) -> None:
    """A fall over a cliff below a sky, with a pool."""
    lip = canvas.uniform(0.12, 0.42)
    _above(canvas, lip + 0.05)
    if canvas.chance(0.4):
        land.draw_mountains(canvas, lip + 0.05, canvas.uniform(0.05, 0.2), 1)
    if canvas.chance(0.4):
        land.draw_forest(canvas, lip + 0.05, canvas.uniform(0.04, 0.16), 0.5)
    water.draw_cliff(canvas, lip, 1.0)
    _fall(canvas, lip + 0.02)


def _fall(canvas: Canvas, lip: float) -> None:
    foot = canvas.uniform(max(0.55, lip + 0.25), 0.95)
    middle = canvas.uniform(0.25, 0.75)
    wide = canvas.uniform(0.06, 0.5)
    canvas.horizon = foot - 0.05
    kind = canvas.pick(["pool", "ground", "none"], [5, 1.5, 1.5])
    if kind == "ground":
        land.draw_ground(canvas, foot - 0.03)
    water.draw_waterfall(canvas, lip, foot if kind != "none" else 1.1, wide, middle)
    if canvas.chance(0.25):
        other = (middle + canvas.uniform(0.25, 0.6)) % 1.0
        water.draw_waterfall(canvas, lip + canvas.uniform(0, 0.1), foot, canvas.uniform(0.03, 0.12), other)
    if kind == "pool":
        water.draw_pool(canvas, foot - 0.02, middle)
    if canvas.chance(0.5):
        land.draw_rocks(canvas, foot - 0.05, int(canvas.random.integers(3, 14)), 0.13)
    if canvas.chance(0.25):
        air.draw_fog(canvas, foot, canvas.uniform(0.02, 0.06))
    if canvas.chance(0.3):
        land.draw_trees(canvas, foot - 0.1, int(canvas.random.integers(1, 5)))
    _near(canvas)


def cascade(canvas: Canvas) -> None:
    """A fall close by: rock, leaves and falling water, no sky or a glimpse of it."""
    _above(canvas, 0.2, 0.3)
    canvas.cover("ground", np.ones_like(canvas.y), land.rock_face(canvas), 0.5, "cliff")
    if canvas.chance(0.7):
        land.draw_forest(canvas, canvas.uniform(0.1, 0.7), canvas.uniform(0.1, 0.5), 0.4)
        line = canvas.uniform(0.15, 0.5) + 0.2 * (canvas.skyline(1, 4) - 0.5)
        canvas.cover("ground", canvas.edge(canvas.y - line[None], 4), land.rock_face(canvas), 0.4, "cliff")
    for _ in range(int(canvas.random.integers(0, 3))):
        land.draw_frame(canvas)
    _fall(canvas, canvas.uniform(-0.1, 0.25))


def heavens(canvas: Canvas) -> None:
    """Little but sky and clouds, perhaps with aeroplanes or a roof before it."""
    horizon = canvas.uniform(0.75, 1.25)
    canvas.horizon = min(horizon, 0.95)
    sky.draw_sky(canvas, horizon)
    for _ in range(int(canvas.random.integers(1, 3))):
        sky.draw_clouds(canvas, 1.3, canvas.uniform(0.3, 0.95))
    if horizon < 1:
        _backdrop(canvas, horizon)
        land.draw_ground(canvas, horizon)
    what = canvas.pick(["planes", "house", "trees", "city", "none"], [3, 2, 2, 1, 2])
    if what == "planes":
        for _ in range(int(canvas.random.integers(1, 4))):
            built.draw_plane(canvas, canvas.uniform(0.1, 0.9), canvas.uniform(0.1, 0.8), canvas.uniform(0.06, 0.25))
    elif what == "house":
        built.draw_house(canvas, canvas.uniform(0.2, 0.8), 1.02, canvas.uniform(0.3, 0.6), 0.1)
    elif what == "trees":
        for _ in range(int(canvas.random.integers(1, 4))):
            land.draw_tree(canvas, canvas.uniform(0, 1), 1.05, canvas.uniform(0.3, 0.7), 0.1)
    elif what == "city":
        built.draw_city(canvas, 1.01, canvas.uniform(0.15, 0.5), 0.4)


def canal(canvas: Canvas) -> None:
    """Water between buildings, or before a row of them."""
    horizon = canvas.uniform(0.3, 0.6)
    _above(canvas, horizon)
    if canvas.chance(0.7):
        built.draw_city(canvas, horizon + 0.02, canvas.uniform(0.1, 0.45), 0.6)
    else:
        land.draw_forest(canvas, horizon + 0.02, canvas.uniform(0.05, 0.2), 0.6)
    land.draw_ground(canvas, horizon, canvas.pick(["rocks", "earth", "grass"]))
    if canvas.chance(0.6):
        for side in ("left", "right") if canvas.chance(0.6) else ("left",):
            built.draw_wall(canvas, side, canvas.uniform(horizon, horizon + 0.12))
        water.draw_river(canvas, horizon)
    else:
        if canvas.chance(0.5):
            built.draw_wall(canvas, canvas.pick(["left", "right"]), horizon + 0.05)
        _on_water(canvas, water.draw_band(canvas, horizon + 0.02))
    if canvas.chance(0.35):
        built.draw_bridge(canvas, horizon + canvas.uniform(-0.06, 0.06))
    _near(canvas)


def street(canvas: Canvas) -> None:
    """No water at all: fields, roads, walls."""
    horizon = canvas.uniform(0.25, 0.7)
    _above(canvas, horizon)
    _backdrop(canvas, horizon)
    land.draw_ground(canvas, horizon)
    if canvas.chance(0.5):
        land.draw_road(canvas, horizon)
    if canvas.chance(0.3):
        built.draw_wall(canvas, canvas.pick(["left", "right"]), horizon + 0.05)
    _details(canvas, horizon)


def woods(canvas: Canvas) -> None:
    """A forest, with a stream in it or a path."""
    horizon = canvas.uniform(0.3, 0.55)
    _above(canvas, horizon, 0.3)
    for distance in (0.8, 0.5):
        land.draw_forest(canvas, horizon + 0.03, canvas.uniform(0.2, 0.6), distance)
    land.draw_ground(canvas, horizon, canvas.pick(["grass", "meadow", "earth", "rocks", "snow"]))
    what = canvas.pick(["river", "band", "path", "none"], [4, 3, 2, 1])
    if what == "river":
        water.draw_river(canvas, horizon)
    elif what == "band":
        water.draw_band(canvas, horizon + 0.03)
    elif what == "path":
        land.draw_road(canvas, horizon)
    if canvas.chance(0.5):
        land.draw_rocks(canvas, horizon + 0.1, int(canvas.random.integers(2, 12)))
    land.draw_trees(canvas, horizon, int(canvas.random.integers(3, 9)))
    for _ in range(int(canvas.random.integers(0, 3))):
        land.draw_frame(canvas)


def burning(canvas: Canvas) -> None:
    """A fire with smoke, or smoke alone: a campfire, a burning wood, a volcano."""
    horizon = canvas.uniform(0.35, 0.75)
    _above(canvas, horizon, 0.4)
    _backdrop(canvas, horizon)
    x = canvas.uniform(0.2, 0.8)
    what = canvas.pick(["campfire", "wildfire", "plume", "bank"], [3, 2, 3, 1.5])
    if what in ("plume", "bank"):
        for _ in range(1 if what == "plume" else 3):
            wide = canvas.uniform(0.06, 0.2) if what == "plume" else canvas.uniform(0.2, 0.5)
            air.draw_smoke(canvas, canvas.uniform(0.1, 0.9), horizon + 0.02, wide)
    if what == "wildfire":
        air.draw_smoke(canvas, x, horizon, canvas.uniform(0.15, 0.4))
        for _ in range(int(canvas.random.integers(2, 6))):
            air.draw_fire(
                canvas, canvas.uniform(0, 1), horizon + 0.03, canvas.uniform(0.08, 0.3), canvas.uniform(0.05, 0.25)
            )
    land.draw_ground(canvas, horizon)
    if canvas.chance(0.25):
        water.draw_river(canvas, horizon)
    if what == "campfire":
        foot = canvas.uniform(max(0.62, horizon + 0.08), 0.95)
        size = canvas.uniform(0.1, 0.4)
        if canvas.chance(0.5):
            air.draw_smoke(canvas, x, foot - size * 0.6, canvas.uniform(0.04, 0.1))
        air.draw_logs(canvas, x, foot, size * 0.4)
        air.draw_fire(canvas, x, foot, size, size * canvas.uniform(0.25, 0.5))
    _details(canvas, horizon, 0.6)


def winter(canvas: Canvas) -> None:
    """Snow on the ground, and often in the air."""
    horizon = canvas.uniform(0.3, 0.6)
    _above(canvas, horizon)
    _backdrop(canvas, horizon)
    land.draw_ground(canvas, horizon, "snow")
    what = canvas.pick(["river", "lake", "none"])
    if what == "river":
        water.draw_river(canvas, horizon)
    elif what == "lake":
        water.draw_lake(canvas, horizon)
    _details(canvas, horizon)
    if canvas.chance(0.5):
        air.draw_specks(canvas, "snowfall")


def misty(canvas: Canvas) -> None:
    """Ridges with fog between them."""
    horizon = canvas.uniform(0.45, 0.7)
    _above(canvas, horizon, 0.4)
    for number in range(int(canvas.random.integers(1, 4))):
        level = horizon - 0.1 + 0.12 * number
        (land.draw_hills if canvas.chance(0.5) else land.draw_forest)(
            canvas, level, canvas.uniform(0.08, 0.25), 0.7 - 0.2 * number
        )
        air.draw_fog(canvas, level + 0.03, canvas.uniform(0.03, 0.1))
    land.draw_ground(canvas, horizon + 0.2)
    if canvas.chance(0.4):
        canvas.horizon = horizon + 0.2
        water.draw_river(canvas, horizon + 0.2)
    _near(canvas)


def gorge(canvas: Canvas) -> None:
    """Falls of many threads among rocks, woods and mountains, from afar or near, one or several."""
    lip = canvas.uniform(-0.05, 0.5)
    _above(canvas, lip + 0.1)
    if canvas.chance(0.5):
        land.draw_mountains(canvas, lip + 0.08, canvas.uniform(0.08, 0.35), int(canvas.random.integers(1, 3)))
    if canvas.chance(0.4):
        land.draw_forest(canvas, lip + 0.05, canvas.uniform(0.04, 0.2), canvas.uniform(0.3, 0.7))
    water.draw_cliff(canvas, lip, 1.0)
    if canvas.chance(0.4):
        land.draw_forest(canvas, canvas.uniform(lip + 0.1, 0.8), canvas.uniform(0.05, 0.3), 0.4)
    foot = canvas.uniform(max(0.5, lip + 0.3), 0.97)
    canvas.horizon = foot - 0.05
    middle = canvas.uniform(0.15, 0.85)
    _veils(canvas, lip, foot, middle)
    if canvas.chance(0.6):
        water.draw_pool(canvas, foot - 0.01, middle)
    elif canvas.chance(0.5):
        water.draw_river(canvas, foot)
    if canvas.chance(0.6):
        land.draw_rocks(canvas, foot - 0.08, int(canvas.random.integers(3, 16)), canvas.uniform(0.05, 0.2))
    if canvas.chance(0.3):
        air.draw_fog(canvas, foot, canvas.uniform(0.02, 0.08))
    if canvas.chance(0.4):
        land.draw_trees(canvas, foot - 0.1, int(canvas.random.integers(1, 5)))
    if canvas.chance(0.35):
        land.draw_frame(canvas)
    _near(canvas)


def _veils(canvas: Canvas, lip: float, foot: float, middle: float) -> None:
    """One fall or several, the first of them at `middle`."""
    for number in range(int(canvas.random.choice([1, 1, 1, 2, 3]))):
        beside = middle if number == 0 else canvas.uniform(0.05, 0.95)
        wide = canvas.uniform(0.04, 0.55) ** (1.0 if number == 0 else 1.5)
        top = lip + canvas.uniform(-0.02, 0.1)
        water.draw_veils(canvas, top, canvas.uniform(max(top + 0.15, foot - 0.2), foot), wide, beside)


VIEWS: dict[str, tuple[View, float]] = {
    "river": (river, 3.0),
    "shore": (shore, 3.0),
    "lake": (lake, 1.5),
    "seaside": (seaside, 3.0),
    "waterfall": (waterfall, 2.5),
    "cascade": (cascade, 2.5),
    "heavens": (heavens, 2.0),
    "canal": (canal, 1.8),
    "street": (street, 2.0),
    "woods": (woods, 2.0),
    "burning": (burning, 2.2),
    "winter": (winter, 1.2),
    "misty": (misty, 1.0),
    "gorge": (gorge, 0.0),
}
"""Each kind of picture and how often it is drawn; the last is drawn only where it is asked for."""


def draw(canvas: Canvas, view: str) -> None:
    """Draw one kind of picture."""
    VIEWS[view][0](canvas)
    _weather(canvas)
