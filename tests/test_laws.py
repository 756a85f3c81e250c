"""The laws of motion beside flow: an exact loop, nothing outside of the mask, amplitudes in pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from t2c_ext import animate
from t2c_ext.extents import extent_of, whole_of
from t2c_ext.loop.choose import make_rendering
from t2c_ext.loop.laws import fall, flicker, ripple, shore, sway, waves
from t2c_ext.loop.laws.apply import LAWS
from t2c_ext.loop.laws.base import STEPS, Motions, Oscillation, Place, whole_cycles
from t2c_ext.motion.laws import split_laws
from t2c_ext.prompt.parse import parse
from t2c_ext.settings import LoopSettings, MotionSettings, PromptSettings
from t2c_ext.types import (
    Arrow,
    ByteArray,
    FloatArray,
    Hints,
    Motion,
    MotionKind,
    Plan,
    Region,
    RegionHint,
    RegionLaw,
    Regions,
)

KINDS = tuple(LAWS)
SIDE = 128


def scene() -> tuple[ByteArray, FloatArray]:
    """A picture full of texture, with lights, and a mask with a soft edge in it."""
    noise = np.random.default_rng(5).integers(40, 140, (SIDE, SIDE, 3)).astype(np.uint8)
    noise[40:44, 50:54] = noise[80:84, 70:74] = 250
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[20:110, 30:100] = 1
    mask[20:110, 100:104] = 0.5
    return noise, mask


def frames_of(kind: MotionKind, **changes: float) -> list[ByteArray]:
    picture, mask = scene()
    settings = replace(LoopSettings(frames=24, fps=12.0), **changes)
    laws = (RegionLaw("it", kind, mask),)
    still = np.zeros((SIDE, SIDE, 2), np.float32)
    return list(make_rendering(picture, mask, still, settings, seed=3, laws=laws).frames())


def place(**changes: object) -> Place:
    picture, mask = scene()
    given = Place(picture, mask, whole_of(mask.shape), 2.0, 1.0, 1.0, "within", 3)
    return replace(given, **changes)  # type: ignore[arg-type]


def displacements(motions: Motions, times: int = 48) -> FloatArray:
    """float32 [times, h, w, 2]: over one loop."""
    found = []
    for time in np.linspace(0, 1, times, endpoint=False):
        parts = [
            np.multiply.outer(term.at(term.oscillation.table(time), slice(None)), np.float32(term.along))
            for term in motions.shift
        ]
        found.append(np.sum(parts, axis=0))
    return np.asarray(found, np.float32)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_outside_is_the_still_and_inside_moves(kind: MotionKind) -> None:
    picture, mask = scene()
    frames = frames_of(kind)
    for frame in frames:
        np.testing.assert_array_equal(frame[mask == 0], picture[mask == 0])
    moved = np.ptp(np.asarray(frames)[:, mask == 1], axis=0)
    assert moved.mean() > 2 or (moved > 40).mean() > 0.02  # of specks there are few


@pytest.mark.parametrize("kind", KINDS)
def test_the_step_from_last_to_first_is_like_the_others(kind: MotionKind) -> None:
    _, mask = scene()
    frames = np.asarray(frames_of(kind), np.float32)[:, mask == 1]
    steps = np.abs(frames - np.roll(frames, 1, axis=0)).mean(axis=(1, 2))
    assert steps[0] <= 1.05 * steps[1:].max() and not np.array_equal(frames[0], frames[-1])


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_frames_and_another_gives_others(kind: MotionKind) -> None:
    if kind is MotionKind.FALL:
        first, again, other = (fall.fall(place(seed=seed)).specks for seed in (3, 3, 4))
        assert first is not None and again is not None and other is not None
        np.testing.assert_array_equal(first.start, again.start)
        assert not np.array_equal(first.start, other.start)
        return
    first, again = LAWS[kind](place()), LAWS[kind](place())
    other = LAWS[kind](place(seed=4))
    for one, two in zip((*first.shift, *first.gain), (*again.shift, *again.gain), strict=True):
        np.testing.assert_array_equal(one.phase, two.phase)
        np.testing.assert_array_equal(one.oscillation.starts, two.oscillation.starts)
    assert any(
        not np.array_equal(one.oscillation.table(0.1), two.oscillation.table(0.1))
        for one, two in zip((*first.shift, *first.gain), (*other.shift, *other.gain), strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
def test_time_one_is_time_zero(kind: MotionKind) -> None:
    motions = LAWS[kind](place())
    for term in (*motions.shift, *motions.gain):
        np.testing.assert_allclose(term.oscillation.table(1.0), term.oscillation.table(0.0), atol=1e-5)
        assert (term.oscillation.cycles >= 1).all()


@pytest.mark.parametrize(("law", "reach"), [(sway.sway, sway.REACH), (ripple.ripple, ripple.REACH)])
@pytest.mark.parametrize("strength", [0.5, 1.0, 2.0])
def test_amplitudes_are_in_pixels_at_512(law: object, reach: float, strength: float) -> None:
    """At 128 pixels a quarter of those at 512; never more than stated, and not much less."""
    motions = law(place(strength=strength))  # type: ignore[operator]
    farthest = float(np.hypot(*np.moveaxis(displacements(motions), -1, 0)).max())
    assert 0.6 * reach * strength / 4 < farthest <= 1.01 * reach * strength / 4


def test_nothing_is_displaced_where_the_mask_is_zero() -> None:
    _, mask = scene()
    for law in (sway.sway, ripple.ripple, waves.waves):
        assert not displacements(law(place()), 6)[:, mask == 0].any()


def test_what_is_rooted_below_moves_most_at_its_top() -> None:
    """Row 20 is the top of the mask and row 109 its bottom; above, it is the other way round."""
    below, above = (sway.from_root(place(root=root)) for root in ("below", "above"))
    assert below[109, 60] == 0 and below[20, 60] == 1 and above[20, 60] == 0 and above[109, 60] == 1
    assert below[65, 60] == pytest.approx(((109 - 65) / 89) ** sway.BENDING, abs=1e-6)


def test_gusts_travel_so_that_neighbours_follow() -> None:
    """The still phase rises from left to right, and places near each other are nearly in phase."""
    term = sway.sway(place()).shift[0]
    turned = np.unwrap(term.phase[60, 30:100] / STEPS * 2 * np.pi) / (2 * np.pi)
    assert turned[-1] > turned[0] and np.abs(np.diff(turned)).max() < 0.05


def test_lights_flicker_each_by_itself_and_dark_places_less() -> None:
    term = flicker.flicker(place()).gain[0]
    assert term.phase[41, 51] != term.phase[81, 71]
    dark = float(np.median(term.amplitude[term.amplitude > 0]))
    assert term.amplitude[41, 51] == pytest.approx(flicker.DEPTH / 2) and dark < 0.7 * flicker.DEPTH / 2
    gains = [float(term.at(term.oscillation.table(time), slice(41, 42))[0, 51]) for time in np.linspace(0, 1, 60)]
    assert -flicker.DEPTH <= min(gains) < -0.15 and max(gains) <= flicker.DEPTH * flicker.SHINE + 1e-6


@pytest.mark.parametrize("angle", [270.0, 90.0, 250.0, 0.0, 315.0])
def test_specks_are_back_after_the_loop_and_go_their_way(angle: float) -> None:
    """With the loop's end they are where they began; until then each has crossed its region whole times."""
    specks = fall.fall(place(thing="rain", angle=angle, seconds=2.0)).specks
    assert specks is not None
    size = (SIDE, SIDE)
    np.testing.assert_allclose(specks.at(1.0, size), specks.at(0.0, size), atol=1e-6)
    np.testing.assert_array_equal(specks.alpha(1.0, size), specks.alpha(0.0, size))
    extent = SIDE * (1 + 2 * specks.room)
    step = (specks.at(0.001, size) - specks.at(0.0, size) + extent / 2) % extent - extent / 2
    mean = step.mean(axis=0)
    turned = np.rad2deg(np.arctan2(-mean[1], mean[0])) - angle
    assert abs((turned + 180) % 360 - 180) < 12


def test_snow_falls_at_its_pace_and_embers_rise() -> None:
    """The nearest flakes fall 110 pixels at 512 in a second: 27.5 here; smaller ones less."""
    snow, embers = (
        fall.fall(place(thing=thing, seconds=8.0, angle=way)).specks for thing, way in (("", None), ("spark", 90.0))
    )
    assert snow is not None and embers is not None
    fallen = snow.crossings * SIDE * (1 + 2 * snow.room) / 8.0
    assert fallen.mean() == pytest.approx(27.5 * (fall.NEAREST + fall.FARTHEST) / 2, rel=0.25)
    assert embers.along[1] < -0.99 and snow.along[1] > 0.99
    assert snow.radius.max() <= fall.SNOW.radius / 4 and len(embers.radius) < len(snow.radius)


def sea(foot: int = 512, top: int = 200, sand: tuple[int, int, int] = (205, 180, 140)) -> Place:
    """512 x 512: sky, the sea from row `top` to row `foot`, sand below."""
    picture = np.full((512, 512, 3), (60, 100, 120), np.uint8)
    picture[:top], picture[foot:] = (150, 180, 220), sand
    mask = np.zeros((512, 512), np.float32)
    mask[top:foot] = 1
    return Place(picture, mask, whole_of(mask.shape), 2.0, 1.0, 1.0, "within", 3)


def shore_of(place: Place) -> shore.Shore | None:
    return shore.find_shore(place, waves.ground_of(place).near, np.random.default_rng(1))


def test_crests_come_nearer_and_grow() -> None:
    """The highest row of a crest moves down; what is half as near is less high, and a quarter as far apart."""
    ground = waves.ground_of(sea())
    foot, half = 511, int(np.abs(ground.near[:, 0] - 0.5).argmin())
    assert ground.near[foot, 0] == pytest.approx(1) and ground.near[200, 0] < 0.06
    apart = -np.gradient(ground.away[:, 0])
    assert apart[half] == pytest.approx(4 * apart[510], rel=0.1)
    motions = waves.waves(sea())
    swell = motions.shift[0]
    assert swell.along == (0.0, 1.0) and 0.2 < swell.amplitude[half].max() / swell.amplitude[510].max() < 0.6
    turned = np.unwrap(swell.phase[400:512, 256] / STEPS * 2 * np.pi)
    assert turned[-1] > turned[0] + np.pi  # what is farther down is reached later
    assert (swell.oscillation.cycles > 0).all() and (swell.oscillation.turns > 0).all()


def test_water_is_lifted_as_high_as_is_said_and_never_folds() -> None:
    for strength in (0.5, 1.0, 4.0):
        moved = displacements(waves.waves(replace(sea(), strength=strength)), 16)
        assert np.abs(np.diff(moved[..., 1], axis=1)).max() < 1
        assert np.abs(moved[..., 1]).max() <= 1.4 * waves.REACH * strength
        assert np.abs(moved[:, 400:, :, 1]).max() > 0.4 * waves.REACH * min(strength, 1.0)


def test_a_shore_is_sand_below_the_sea() -> None:
    assert shore_of(sea(foot=400)) is not None
    assert shore_of(sea()) is None, "the picture ends before it"
    assert shore_of(sea(foot=400, sand=(30, 30, 34))) is None, "dark rocks"
    assert shore_of(sea(foot=400, sand=(90, 130, 200))) is None, "other water"
    island = sea()
    island.mask[300:340, 100:400], island.picture[300:340, 100:400] = 0, (205, 180, 140)
    assert shore_of(island) is None, "a boat"


def test_the_edge_goes_out_over_sand_and_comes_back() -> None:
    place = sea(foot=400)
    found = shore_of(place)
    assert found is not None
    lap, bare = found.lap, []
    for time in np.linspace(0, 1, 24):
        colours = place.picture.astype(np.float32)
        lap.over(colours, lap.edge.oscillation.table(time), slice(None))
        np.testing.assert_array_equal(colours[:280], place.picture[:280])
        bare.append((np.abs(colours - np.array([205, 180, 140]) * shore.WET).max(axis=-1)[:400] < 3).sum(axis=0))
    farthest, nearest = np.max(bare, axis=0), np.min(bare, axis=0)
    np.testing.assert_array_equal(bare[0], bare[-1])
    assert (farthest > 0.3 * shore.BAND).all() and farthest.max() > 0.6 * shore.BAND
    assert farthest.max() <= shore.BAND and nearest.max() < 2


def test_waves_change_nothing_beside_the_sea_and_reach_the_frames() -> None:
    place = sea(foot=400)
    laws = (RegionLaw("sea", MotionKind.WAVES, place.mask),)
    still = np.zeros((512, 512, 2), np.float32)
    settings = LoopSettings(frames=6, fps=3.0)
    frames = list(make_rendering(place.picture, place.mask, still, settings, seed=3, laws=laws).frames())
    for frame in frames:
        np.testing.assert_array_equal(frame[place.mask == 0], place.picture[place.mask == 0])
    red = np.asarray(frames, np.int64)[:, 396, :, 0]
    assert red.max() > 160 and red.min() < 90  # sand, and water again


def test_an_even_region_is_one_light() -> None:
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    assert (flicker.lights(place(picture=grey)) == 1).all()


def test_the_oscillation_is_what_its_docstring_says() -> None:
    wave = Oscillation(np.array([2]), np.array([1]), np.array([3.0]), np.array([0.25]))
    table = wave.table(0.5)
    assert table[0] == pytest.approx(3 * np.cos(2 * np.pi * (2 * 0.5 + 0.25)), abs=1e-6)
    assert table[STEPS // 4] == pytest.approx(3 * np.cos(2 * np.pi * (1.25 - 0.25)), abs=1e-6)
    assert np.abs(wave.normalised().table(0.0)).max() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(
    ("seconds", "slowest", "fastest", "cycles"),
    [(2.0, 1.0, 2.0, [2, 3, 4]), (1.0, 0.1, 0.3, [1]), (10.0, 0.5, 0.7, [5, 6, 7]), (0.2, 1.0, 9.0, [1])],
)
def test_cycles_are_whole_numbers(seconds: float, slowest: float, fastest: float, cycles: list[int]) -> None:
    assert whole_cycles(seconds, slowest, fastest).tolist() == cycles


def test_strength_zero_is_the_still() -> None:
    picture, _ = scene()
    np.testing.assert_array_equal(frames_of(MotionKind.SWAY, strength=0.0)[7], picture)


# --- which law ------------------------------------------------------------------------------------------------------

MASK = np.ones((8, 8), np.float32)


def kinds(name: str, motions: tuple[Motion, ...] = (), hints: Hints | None = None, law: str = "auto") -> str:
    regions = Regions((Region(name, MASK), Region("river", MASK)))
    plan = Plan(
        motions=tuple(motion for motion in motions if motion.kind.flows),
        laws=tuple(motion for motion in motions if not motion.kind.flows),
    )
    flowing, laws = split_laws(regions, plan, hints or Hints(), MotionSettings(law=law))
    assert len(flowing.regions) + len(laws) == 2
    return next((row.kind.value for row in laws if row.name == name), "flow")


def test_the_law_is_the_users_the_words_the_settings_the_lexicons() -> None:
    ripples, left = Motion("tree", None, MotionKind.RIPPLE), Motion("tree", 180.0)
    assert kinds("tree") == "sway" and kinds("candle") == "flicker" and kinds("waterfall") == "flow"
    assert kinds("castle") == "flow" and kinds("castle", law="ripple") == "ripple"
    assert kinds("tree", (ripples,)) == "ripple" and kinds("tree", (left,)) == "flow"
    assert kinds("tree", (ripples,), law="flicker") == "ripple" and kinds("tree", law="flow") == "flow"
    flickers = Hints(regions=(RegionHint("Tree", kind=MotionKind.FLICKER),))
    assert kinds("tree", (ripples,), flickers) == "flicker"
    assert kinds("tree", (), Hints(regions=(RegionHint("tree", angle=90.0),))) == "flow"
    assert kinds("tree", (), Hints(arrows=(Arrow((0.1, 0.1), (0.2, 0.2), "tree"),))) == "flow"


def test_the_sea_rolls_and_snow_falls_unless_words_send_them_elsewhere() -> None:
    assert kinds("sea") == "waves" and kinds("sea", (Motion("sea", 180.0),)) == "flow"
    assert kinds("snow") == "fall" and kinds("snow", (Motion("snow", 225.0),)) == "fall"
    assert kinds("petals", (Motion("petals", 270.0),)) == "flow"
    assert (
        kinds("sea", (Motion("sea", 240.0),)) == "flow" and kinds("sea", (Motion("sea", 270.0),), law="flow") == "flow"
    )
    falling = Plan(motions=(Motion("snow", 225.0),))
    (law,) = split_laws(Regions((Region("snow", MASK),)), falling, Hints(), MotionSettings())[1]
    assert law.angle == 225.0


@pytest.mark.parametrize(
    ("words", "rolls"),
    [
        ("waves roll in", True),
        ("the waves come toward us", True),
        ("waves come toward the viewer", True),
        ("the waves are rolling towards the camera, oil painting", True),
        ("waves roll slowly to the shore", True),
        ("waves move down", True),
        ("the surf rolls toward me", True),
        ("the sea comes toward the viewer", True),
        ("the ocean rolls in toward us", True),
        ("big waves approach the viewer", True),
        ("waves roll in from the left to the right", False),
        ("the sea flows left", False),
        ("waves move away from the viewer", False),
        ("the river flows toward the viewer", False),
        ("clouds drift toward us", False),
    ],
)
def test_waves_come_toward_the_viewer(words: str, rolls: bool) -> None:
    plan = parse(PromptSettings(motion=words))
    assert plan.regions
    regions = Regions(tuple(Region(name, MASK) for name in plan.regions))
    flowing, laws = split_laws(regions, plan, Hints(), MotionSettings())
    assert [law.kind for law in laws] == ([MotionKind.WAVES] if rolls else [])
    assert all(law.angle in (None, 270.0) for law in laws)  # None: the usual way, which is this one
    assert len(flowing.regions) == (0 if rolls else 1)


def test_hair_sways_the_way_that_the_wind_blows() -> None:
    """To the left: a pixel shows what lies to its right, more often than the other way round."""
    still, left = sway.sway(place(root="above")).shift[0], sway.sway(place(root="above", angle=180.0)).shift[0]
    assert still.rest == 0 and left.rest == sway.BLOWN and left.along[0] > 0.99
    moved = displacements(sway.sway(place(root="above", angle=180.0)))[:, 100, 60, 0]
    assert moved.mean() > 0.2 * np.abs(moved).max()
    turned = np.unwrap(left.phase[60, 30:100] / STEPS * 2 * np.pi)
    assert turned[-1] < turned[0]  # gusts come from the right
    plan = Plan(laws=(Motion("hair", 180.0, MotionKind.SWAY),))
    (law,) = split_laws(Regions((Region("hair", MASK),)), plan, Hints(), MotionSettings())[1]
    assert law.angle == 180.0 and law.kind is MotionKind.SWAY


def test_gentle_words_move_less_and_slower() -> None:
    gentle = Motion("tree", None, MotionKind.SWAY, 0.5)
    plan = Plan(laws=(gentle,))
    (law,) = split_laws(Regions((Region("tree", MASK),)), plan, Hints(), MotionSettings(speed=2.0))[1]
    assert law.speed == 1.0 and law.strength == 0.5 and law.root == "below"


def test_a_river_flows_while_trees_sway() -> None:
    """From words to frames: both move, by their own laws, and nothing else does."""
    picture, _ = scene()
    trees, river = np.zeros((2, SIDE, SIDE), np.float32)
    trees[10:60, 10:118], river[70:120, 10:118] = 1, 1
    made = animate(
        picture,
        mask={"trees": trees, "river": river},
        motion="the trees sway, the river flows left",
        frames=8,
    )
    assert made.flow is not None and made.rendering is not None
    assert not made.flow.field[10:60].any() and (made.flow.field[95, 64] != 0).any()
    frames = [frame.astype(int) for frame in made.rendering.frames()]
    step = np.abs(frames[4] - frames[0]).mean(axis=-1)
    assert step[20:50, 20:100].mean() > 1 and step[80:110, 20:100].mean() > 1 and not step[62:68].any()


def test_one_window_is_a_part_of_the_whole() -> None:
    """Noise is drawn for the whole picture: a region's motion does not depend on the window it is worked on in."""
    picture, mask = scene()
    window = extent_of(mask)
    part = place(picture=picture[20:110, 30:104], mask=mask[20:110, 30:104], window=window)
    whole, small = sway.sway(place()).shift[0], sway.sway(part).shift[0]
    apart = (window.of(whole.phase).astype(int) - small.phase.astype(int) + STEPS // 2) % STEPS - STEPS // 2
    assert np.abs(apart).max() <= 2
