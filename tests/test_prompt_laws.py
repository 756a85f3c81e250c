"""Words of motions that do not flow, and what only looks like them."""

from __future__ import annotations

import pytest

from t2c_ext.prompt import parse
from t2c_ext.settings import PromptSettings
from t2c_ext.types import Motion, MotionKind

SWAY, FLICKER, RIPPLE = MotionKind.SWAY, MotionKind.FLICKER, MotionKind.RIPPLE
WAVES, PARALLAX, PUSH = MotionKind.WAVES, MotionKind.PARALLAX, MotionKind.PUSH

STATED: list[tuple[str, dict[str, MotionKind]]] = [
    ("the flags wave in the wind", {"flags": SWAY}),
    ("a flag waves over the castle", {"flag": SWAY}),
    ("waving flags on a parade", {"flags": SWAY}),
    ("a flag rippling in the breeze", {"flag": SWAY}),
    ("prayer flags fluttering on a mountain pass", {"prayer flags": SWAY}),
    ("candles flicker", {"candles": FLICKER}),
    ("a table with flickering candles", {"candles": FLICKER}),
    ("a candle is flickering in the dark", {"candle": FLICKER}),
    ("flickering torches on a wall", {"torches": FLICKER}),
    ("lanterns flicker and the river flows left", {"lanterns": FLICKER}),
    ("leaves rustle", {"leaves": SWAY}),
    ("leaves flutter in the wind", {"leaves": SWAY}),
    ("trees sway gently", {"trees": SWAY}),
    ("the trees are swaying in a storm", {"trees": SWAY}),
    ("swaying palm trees on a beach", {"palm trees": SWAY}),
    ("tall pines swaying above a lake", {"pines": SWAY}),
    ("trees sway and clouds drift right", {"trees": SWAY}),
    ("wheat fields sway in the wind", {"wheat fields": SWAY}),
    ("a field of wheat swaying", {"wheat": SWAY}),
    ("grass waving in the breeze", {"grass": SWAY}),
    ("flowers tremble in the wind", {"flowers": SWAY}),
    ("a woman with long hair blowing in the wind", {"hair": SWAY}),
    ("her hair waves in the wind", {"hair": SWAY}),
    ("the wind blows the branches", {"branches": SWAY}),
    ("the horse's mane flutters", {"mane": SWAY}),
    ("curtains billowing at an open window", {"curtains": SWAY}),
    ("her dress flutters while she stands by the sea", {"dress": SWAY}),
    ("a scarf swinging in the wind", {"scarf": SWAY}),
    ("a chandelier swinging in a hall", {"chandelier": SWAY}),
    ("stars twinkle in the night sky", {"stars": FLICKER}),
    ("a castle under twinkling stars", {"stars": FLICKER}),
    ("the stars are shimmering", {"stars": FLICKER}),
    ("fireflies blink in a meadow", {"fireflies": FLICKER}),
    ("neon signs blinking in the rain", {"neon signs": FLICKER}),
    ("a street with pulsing neon", {"neon": FLICKER}),
    ("city lights sparkle", {"city lights": FLICKER}),
    ("lightning flashes over the hills", {"lightning": FLICKER}),
    ("the fire flickers", {"fire": FLICKER}),
    ("flickering flames in a fireplace", {"flames": FLICKER}),
    ("the lake ripples", {"lake": RIPPLE}),
    ("rippling water under a bridge", {"water": RIPPLE}),
    ("a pond rippling gently", {"pond": RIPPLE}),
    ("reflections ripple on the canal", {"reflections": RIPPLE}),
    ("a puddle undulates", {"puddle": RIPPLE}),
    ("the trees sway, the candles flicker and the lake ripples", {"trees": SWAY, "candles": FLICKER, "lake": RIPPLE}),
]

WAVY: list[tuple[str, str]] = [
    ("waves roll toward the shore", "waves"),
    ("waves rolling to the beach", "waves"),
    ("ocean waves crashing", "waves"),
    ("waves crash on the shore", "waves"),
    ("waves break on the beach", "waves"),
    ("waves lap at the shore", "waves"),
    ("breakers crash on the rocks", "breakers"),
    ("the surf rolls in", "surf"),
    ("swell rolls in", "swell"),
    ("the tide comes in", "tide"),
    ("the sea swells", "sea"),
    ("the sea heaves wildly", "sea"),
    ("the ocean rolls gently", "ocean"),
]

CAMERAS: list[tuple[str, MotionKind, tuple[str, ...]]] = [
    ("the camera drifts", PARALLAX, ("camera",)),
    ("a castle, parallax effect", PARALLAX, ("camera",)),
    ("the camera slowly moves left past a village", PARALLAX, ("camera",)),
    ("camera panning over a valley", PARALLAX, ("camera",)),
    ("tracking shot of a car, clouds drifting", PARALLAX, ("clouds",)),
    ("river flowing right, camera drifts", PARALLAX, ("river",)),
    ("slow camera push", PUSH, ("camera",)),
    ("camera moves forward through the forest", PUSH, ("camera",)),
    ("slow zoom in on a waterfall", PUSH, ("waterfall",)),
    ("the camera pushes in while the river flows left", PUSH, ("river",)),
]

TRAPS = [
    "he waves",
    "a man waves at the sea",
    "a waving hand",
    "sound waves",
    "a heat wave over the desert",
    "a woman with wavy hair by the sea",
    "sea flowing left",
    "ocean waves",
    "a man with a camera by the river",
    "a camera on a tripod stands in the snow",
    "no camera movement, river flowing left",
    "static camera, clouds drifting left",
    "the camera stands still and the river flows",
    "the river drifts past a camera",
    "shot on camera, 85mm, moving clouds",
    "he pushes a cart along the river",
    "snow falls gently",
    "a waving man",
    "a man waving from a boat",
    "people waving goodbye at the sea",
    "a falling star",
    "shooting stars over a lake",
    "a movie star on a red carpet by the river",
    "ocean waves moving right",
    "a lake with ripples",
    "the river waves are high",
    "the trees do not sway",
    "no candles flicker",
    "flickering clouds",
    "swaying mountains",
    "a swinging bridge over a river",
    "petals flutter down",
    "the river ripples to the left",
    "a man leaves the house by the river",
    "the flagship sails left",
    "a branch office beside a canal",
    "a blinking dog by the sea",
    "a painting of a twinkling city in the style of van gogh",
]


@pytest.mark.parametrize(("prompt", "laws"), STATED, ids=[prompt[:50] for prompt, _ in STATED])
def test_states_exactly_these(prompt: str, laws: dict[str, MotionKind]) -> None:
    plan = parse(PromptSettings(prompt=prompt))
    assert {law.region: law.kind for law in plan.laws} == laws
    assert set(laws) <= set(plan.regions) and all(law.angle is None for law in plan.laws)


@pytest.mark.parametrize(("prompt", "name"), WAVY, ids=[prompt for prompt, _ in WAVY])
def test_the_sea_rolls(prompt: str, name: str) -> None:
    plan = parse(PromptSettings(prompt=prompt))
    assert [(law.region, law.kind) for law in plan.laws] == [(name, WAVES)] and plan.regions == (name,)


@pytest.mark.parametrize(("prompt", "kind", "regions"), CAMERAS, ids=[prompt for prompt, _, _ in CAMERAS])
def test_the_camera_moves(prompt: str, kind: MotionKind, regions: tuple[str, ...]) -> None:
    plan = parse(PromptSettings(prompt=prompt))
    assert [law.kind for law in plan.laws if law.region == "camera"] == [kind] and plan.regions == regions


@pytest.mark.parametrize(
    ("prompt", "angle"),
    [("hair blowing to the left", 180.0), ("her hair blows in the wind to the right", 0.0), ("hair blowing", None)],
)
def test_where_the_wind_blows_it(prompt: str, angle: float | None) -> None:
    (law,) = parse(PromptSettings(prompt=prompt)).laws
    assert law.kind is SWAY and law.angle == angle


@pytest.mark.parametrize("prompt", ["he waves", "sound waves", "radio waves from a tower", "a man waves at a lake"])
def test_what_is_no_sea(prompt: str) -> None:
    assert not {"wave", "waves"} & set(parse(PromptSettings(prompt=prompt)).regions)


@pytest.mark.parametrize("prompt", TRAPS)
def test_states_none(prompt: str) -> None:
    assert parse(PromptSettings(prompt=prompt)).laws == ()


def test_gently_and_wildly() -> None:
    plan = parse(PromptSettings(prompt="trees sway gently, flags flutter wildly"))
    assert plan.laws == (Motion("trees", None, SWAY, 0.5), Motion("flags", None, SWAY, 2.0))


def test_what_flows_is_read_as_if_nothing_else_moved() -> None:
    plan = parse(PromptSettings(prompt="trees sway and the river flows left, clouds drift right"))
    assert plan.motions == (Motion("river", 180.0), Motion("clouds", 0.0))
    assert set(plan.regions) == {"trees", "river", "clouds"}


def test_motion_words_may_name_what_nobody_knows() -> None:
    plan = parse(PromptSettings(prompt="a fair", motion="the big umbrella swaying"))
    assert [law.kind for law in plan.laws] == [SWAY] and plan.regions == (plan.laws[0].region,)
    assert not any("state no direction" in note for note in plan.notes)


def test_what_is_not_known_is_said() -> None:
    plan = parse(PromptSettings(prompt="the sea shimmers"))
    assert plan.laws == () and plan.regions == ("sea",)
    assert "How sea would shimmer is not known; it moves as is usual for it." in plan.notes


def test_the_papers_phrases_know_only_flow() -> None:
    plan = parse(PromptSettings(prompt="swaying trees by a river in left to right direction", phrases="paper"))
    assert plan.laws == () and plan.regions == ("river",)
