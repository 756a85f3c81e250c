"""The solver against fields whose answer is known, and on real pictures."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.example import example
from t2c_ext.motion.choose import make_flow
from t2c_ext.motion.field import prepare_flow
from t2c_ext.motion.grid import width_of
from t2c_ext.motion.solver import solve_flow
from t2c_ext.progress import Reporter
from t2c_ext.settings import MotionSettings
from t2c_ext.types import (
    Arrow,
    FloatArray,
    Flow,
    Hints,
    Motion,
    MotionKind,
    Plan,
    Region,
    RegionHint,
    Regions,
    Swirl,
    angle_of,
    scale_of,
    unit_vector,
)

FLAT = MotionSettings(perspective=0.0)


def solve(
    mask: FloatArray,
    angle: float | None = 0.0,
    hints: Hints | None = None,
    given: MotionSettings = FLAT,
    **motion: object,
) -> Flow:
    """The flow of one river on a grey picture."""
    motions = () if angle is None and not motion else (Motion("river", angle, **motion),)  # type: ignore[arg-type]
    picture = np.full((*mask.shape, 3), 0.5, np.float32)
    return solve_flow(picture, Regions((Region("river", mask),)), Plan(motions=motions), hints or Hints(), given)


def full(height: int, width: int) -> FloatArray:
    return np.ones((height, width), np.float32)


def speeds(flow: FloatArray) -> FloatArray:
    return np.hypot(flow[..., 0], flow[..., 1])


def mean_angle(flow: FloatArray, where: np.ndarray) -> float:
    mean = flow[where].mean(axis=0)
    return angle_of(float(mean[0]), float(mean[1]))


def apart(first: float, second: float) -> float:
    return abs((first - second + 180) % 360 - 180)


def s_channel(size: int = 256, half_width: int = 17) -> tuple[FloatArray, np.ndarray]:
    """A channel that runs right, down and right again, and its centre line (every point, in order)."""
    third = size // 3
    corners = np.array([[-9, third], [size // 2, third], [size // 2, 2 * third], [size + 9, 2 * third]])
    canvas = np.zeros((size, size), np.uint8)
    cv2.polylines(canvas, [corners.astype(np.int32)], False, 1, 2 * half_width)
    return canvas.astype(np.float32), corners


# --- what is open moves as the words say ---------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0, 45, 90, 180, 210, 270])
def test_full_mask_is_uniform(angle: int) -> None:
    field = solve(full(128, 128), angle).field
    expected = np.array([np.cos(np.deg2rad(angle)), -np.sin(np.deg2rad(angle))]) * 128 / 512
    assert np.abs(field - expected).max() < 1e-5


def test_straight_channel_with_an_arrow_is_constant() -> None:
    mask = np.zeros((200, 300), np.float32)
    mask[80:120] = 1
    field = solve(mask, None, Hints(arrows=(Arrow((0.2, 0.5), (0.4, 0.5)),))).field
    inside = mask > 0
    assert np.abs(field[inside] - [0.2 * 300 / 30, 0]).max() < 1e-3
    assert not field[~inside].any()


def test_a_river_keeps_to_its_bed_where_it_bends_away_from_the_words() -> None:
    river = example().masks["river"]
    field = solve(river, 225, given=MotionSettings()).field
    bend = (slice(310, 332), slice(306, 350))
    assert (field[bend][river[bend] > 0.5][:, 0] > 0).mean() > 0.85, "to the right, though the words say left"


def test_closed_lake_does_not_stand_still() -> None:
    canvas = np.zeros((256, 256), np.uint8)
    cv2.ellipse(canvas, (128, 128), (110, 80), 0, 0, 360, 1, -1)
    mask = canvas.astype(np.float32)
    field = solve(mask, 180).field
    inside = mask > 0.5
    median = np.median(speeds(field)[inside])
    assert apart(mean_angle(field, inside), 180) < 0.5
    assert (speeds(field)[inside] < 0.2 * median).mean() < 0.002


def test_corners_of_open_water_are_no_channels() -> None:
    lake = np.zeros((160, 160))
    lake[40:121, 30:111] = 1
    lake[75:86, 111:] = 1
    width = width_of(lake)
    assert np.abs(width[[40, 40, 80, 120], [30, 110, 70, 30]] - 82).max() < 1, "the lake's, also in its corners"
    assert width[80, 120:].max() < 12 + 1, "its outflow is a channel from its mouth on"


@pytest.mark.parametrize(("width", "height"), [(75, 30), (110, 45), (100, 80), (130, 100), (160, 120)])
def test_a_rectangle_painted_on_open_water_moves_as_the_words_say_also_in_its_corners(width: int, height: int) -> None:
    mask = np.zeros((256, 256), np.float32)
    mask[60 : 60 + height, 40 : 40 + width] = 1
    field = solve(mask, 0, given=MotionSettings()).field[cv2.erode(mask, np.ones((3, 3))) > 0]
    turned = np.abs(np.rad2deg(np.arctan2(field[:, 1], field[:, 0])))
    assert turned.max() < 45, "texture would spread from one point, smooth, where the field turns round"
    assert np.percentile(turned, 99) < 12


# --- walls -----------------------------------------------------------------------------------------------------------


def test_s_channel_is_followed_although_words_say_right() -> None:
    mask, corners = s_channel()
    field = solve(mask, 0).field
    middle = field[110:146, corners[1, 0]]
    assert apart(mean_angle(middle[None], np.ones((1, len(middle)), bool)), 270) < 10
    for column in (30, 225):
        row = corners[0, 1] if column < 128 else corners[2, 1]
        assert apart(angle_of(*field[row, column]), 0) < 8
    inside = cv2.erode(mask, np.ones((3, 3))) > 0
    median = np.median(speeds(field)[inside])
    assert (speeds(field)[inside] < 0.2 * median).mean() < 0.03


@pytest.mark.parametrize("slope", [20, 35])
def test_slanted_channel_has_little_through_its_walls(slope: int) -> None:
    rows, columns = np.mgrid[0:240, 0:240]
    normal = np.array([np.sin(np.deg2rad(slope)), -np.cos(np.deg2rad(slope))])
    across = (columns - 119.5) * normal[0] + (rows - 119.5) * normal[1]
    mask = (np.abs(across) < 18).astype(np.float32)
    field = solve(mask, 0).field
    near_wall = (np.abs(across) > 12) & (mask > 0)
    through = np.abs(field[near_wall] @ normal) / speeds(field)[near_wall]
    assert np.median(through) < 0.05
    assert np.percentile(through, 95) < 0.2


def test_walls_setting_at_zero_ignores_walls() -> None:
    mask, _ = s_channel()
    field = solve(mask, 0, given=MotionSettings(perspective=0, walls=0)).field
    assert np.abs(field[mask > 0] - [0.5, 0]).max() < 1e-2
    strict = solve(mask, 0).field
    assert np.abs(strict[128, 128] / np.hypot(*strict[128, 128]) - [0, 1]).max() < 0.2


def test_clouds_pass_behind_what_stands_before_them() -> None:
    mask = full(200, 200)
    mask[80:120, 90:110] = 0
    plan = Plan(motions=(Motion("clouds", 180),))
    picture = np.full((200, 200, 3), 0.5, np.float32)
    field = solve_flow(picture, Regions((Region("clouds", mask),)), plan, Hints(), FLAT).field
    directions = field[mask > 0] / speeds(field)[mask > 0][:, None]
    assert np.abs(directions - [-1, 0]).max() < 1e-3


@pytest.mark.parametrize("walls", [0.3, 0.7, 1.0])
def test_straight_water_falls_straight_whatever_its_outline(walls: float) -> None:
    rows, columns = np.mgrid[0:256, 0:256]
    pool, oblique = np.zeros((2, 256, 256), np.float32)
    pool[20:150, 110:146] = 1
    pool[150:, :] = 1
    oblique[(np.abs(columns - 60 - 0.6 * rows) < 20) & (rows > 20) & (rows < 230)] = 1
    picture = np.full((256, 256, 3), 0.5, np.float32)
    settings = MotionSettings(perspective=0, walls=walls)
    for mask in (pool, oblique):
        field = solve_flow(picture, Regions((Region("waterfall", mask),)), Plan(), Hints(), settings).field
        turned = np.rad2deg(np.arctan2(field[mask > 0.5][:, 0], field[mask > 0.5][:, 1]))
        assert np.abs(turned).max() < 2


@pytest.mark.parametrize(("slope", "expected"), [(0.4, 338), (-0.4, 202)])
def test_a_river_that_nobody_directs_comes_toward_the_viewer(slope: float, expected: float) -> None:
    rows, columns = np.mgrid[0:256, 0:256]
    mask = (np.abs(rows - 128 - slope * (columns - 128)) < 15).astype(np.float32)
    picture = np.full((256, 256, 3), 0.5, np.float32)
    field = solve_flow(picture, Regions((Region("river", mask),)), Plan(), Hints(), FLAT).field
    assert apart(mean_angle(field, mask > 0.5), expected) < 4


@pytest.mark.parametrize(("side", "expected"), [(1, 0), (-1, 180)])
def test_a_level_river_goes_where_its_bed_widens(side: int, expected: float) -> None:
    rows, columns = np.mgrid[0:128, 0:256]
    mask = (np.abs(rows - 64) < 12 + 8 * side * (columns - 128) / 128).astype(np.float32)
    picture = np.full((128, 256, 3), 0.5, np.float32)
    field = solve_flow(picture, Regions((Region("river", mask),)), Plan(), Hints(), FLAT).field
    assert apart(mean_angle(field, mask > 0.5), expected) < 3


def test_flip_turns_all_motion_round() -> None:
    mask, _ = s_channel()
    plan = Plan(motions=(Motion("river", 0),))
    picture = np.full((*mask.shape, 3), 0.5, np.float32)
    regions = Regions((Region("river", mask),))
    one, other = (make_flow(picture, regions, plan, Hints(), MotionSettings(flip=flip)).field for flip in (False, True))
    assert np.array_equal(one, -other) and one.any()
    assert np.array_equal(prepare_flow(one, mask, MotionSettings(flip=True)).field, -one * (mask > 0)[..., None])


# --- turning ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "sign"), [(MotionKind.SWIRL, 1), (MotionKind.SWIRL_CCW, 1), (MotionKind.SWIRL_CW, -1)]
)
def test_swirl_in_a_disc_is_a_rotation(kind: MotionKind, sign: int) -> None:
    rows, columns = np.mgrid[0:201, 0:201].astype(np.float64)
    x, y = columns - 100, rows - 100
    mask = (np.hypot(x, y) < 80).astype(np.float32)
    field = solve(mask, None, kind=kind).field
    inside = np.hypot(x, y) < 70
    rate = 201 / 512 / (80 / np.sqrt(2))
    expected = np.stack([y, -x], axis=-1) * sign * rate
    assert np.abs(field - expected)[inside].max() < 0.04


def test_hinted_swirl_turns_the_way_it_says() -> None:
    for turn in (1.0, -1.0):
        field = solve(full(200, 200), 0, Hints(swirls=(Swirl((0.5, 0.5), 0.3, turn),))).field
        assert np.sign(field[100, 125, 1]) == -turn
        assert np.sign(field[100, 75, 1]) == turn
        assert apart(angle_of(*field[10, 20]), 0) < 10


# --- arrows, pins, frozen areas -------------------------------------------------------------------------------------


def under(field: FloatArray, arrow: Arrow) -> np.ndarray:
    height, width = field.shape[:2]
    share = np.linspace(0, 1, 9)[:, None]
    at = (np.array(arrow.start) + share * (np.array(arrow.end) - arrow.start)) * (width, height)
    return np.mean([field[int(y), int(x)] for x, y in at], axis=0)


@settings(max_examples=12)
@given(
    st.floats(0.2, 0.45),
    st.floats(0.2, 0.8),
    st.floats(0, 360),
    st.floats(0.05, 0.15),
    st.floats(0, 360),
    st.floats(0.2, 3),
)
def test_arrows_are_honoured(  # noqa: PLR0917
    x: float, y: float, angle: float, length: float, other: float, speed: float
) -> None:
    def make(at: tuple[float, float], degrees: float) -> Arrow:
        way = np.array([np.cos(np.deg2rad(degrees)), -np.sin(np.deg2rad(degrees))]) * length
        return Arrow(at, (at[0] + float(way[0]), at[1] + float(way[1])))

    arrows = (make((x, y), angle), make((0.8, 0.5), other))
    field = solve(full(160, 160), None, Hints(arrows=arrows), MotionSettings(speed=speed)).field
    for arrow in arrows:
        wanted = (np.array(arrow.end) - arrow.start) * 160 / 30 * speed
        found = under(field, arrow)
        assert apart(angle_of(*found), angle_of(*wanted)) < 5
        assert 0.85 < np.hypot(*found) / np.hypot(*wanted) < 1.15


def band(height: float, left: float = 0.2, right: float = 0.8) -> FloatArray:
    """A horizontal band of a picture of 256², centred, softly edged as a painted region is."""
    canvas = np.zeros((256, 256), np.float32)
    canvas[round(256 * (0.5 - height / 2)) : round(256 * (0.5 + height / 2)), int(256 * left) : int(256 * right)] = 1
    return cv2.GaussianBlur(canvas, (0, 0), 1.5)


def through(angle: float, length: float = 0.1, at: tuple[float, float] = (0.5, 0.5)) -> Arrow:
    """An arrow with its middle at a place."""
    x, y = unit_vector(angle)
    half = length / 2
    return Arrow((at[0] - half * x, at[1] - half * y), (at[0] + half * x, at[1] + half * y))


def drawn(name: str, mask: FloatArray, *arrows: Arrow, **hints: object) -> FloatArray:
    """The field of arrows in one region of this name."""
    picture = np.full((*mask.shape, 3), 0.5, np.float32)
    given = Hints(arrows=arrows, **hints)  # type: ignore[arg-type]
    return solve_flow(picture, Regions((Region(name, mask),)), Plan(), given, MotionSettings()).field


def as_drawn(field: FloatArray, arrow: Arrow, mask: FloatArray) -> tuple[float, float]:
    """Of all moving places under the arrow the largest error: in degrees, and as a share of the arrow's speed."""
    wanted = (np.array(arrow.end) - arrow.start) * field.shape[1::-1] / 30
    turned, share = [], []
    for part in np.linspace(0, 1, 17):
        x, y = (np.array(arrow.start) + part * (np.array(arrow.end) - arrow.start)) * field.shape[1::-1]
        if mask[int(y), int(x)] > 0.5:
            found = field[int(y), int(x)]
            turned.append(apart(angle_of(*found), angle_of(*wanted)))
            share.append(abs(np.hypot(*found) / np.hypot(*wanted) - 1))
    return max(turned), max(share)


@pytest.mark.parametrize("name", ["river", "waterfall", "area"])
@pytest.mark.parametrize("height", [0.08, 0.16, 0.24, 0.5])
@pytest.mark.parametrize("angle", [90, 270])
def test_an_arrow_straight_across_a_band_moves_all_of_it_so(name: str, height: float, angle: float) -> None:
    mask, arrow = band(height), through(angle, 0.8 * height)
    field = drawn(name, mask, arrow)
    inside, wanted = mask > 0.5, 0.8 * height * 256 / 30
    turned, share = as_drawn(field, arrow, mask)
    assert turned < 1 and share < 0.02
    assert np.median(speeds(field)[inside]) == pytest.approx(wanted, rel=0.05)
    assert speeds(field)[inside].max() < 1.5 * wanted
    assert apart(mean_angle(field, inside), angle) < 2


@pytest.mark.parametrize("name", ["river", "waterfall"])
@pytest.mark.parametrize("ends", [(0.2, 0.8), (0.0, 1.0)])
@pytest.mark.parametrize("height", [0.1, 0.24])
@pytest.mark.parametrize("angle", [30, 60, 75, 80, 85, 88])
def test_an_arrow_at_any_angle_to_a_band_is_honoured_and_nothing_races(
    name: str, ends: tuple[float, float], height: float, angle: float
) -> None:
    mask, arrow = band(height, *ends), through(angle)
    field = drawn(name, mask, arrow)
    inside, wanted = mask > 0.5, 0.1 * 256 / 30
    turned, share = as_drawn(field, arrow, mask)
    assert turned < 5 and share < 0.1
    assert 0.5 < np.median(speeds(field)[inside]) / wanted < 1.5
    assert speeds(field)[inside].max() < 2.1 * wanted


@pytest.mark.parametrize("angle", [30, 45, 60])
def test_away_from_an_oblique_arrow_a_channel_follows_its_banks(angle: float) -> None:
    mask = band(0.1, 0.0, 1.0)
    field = drawn("river", mask, through(angle, at=(0.3, 0.5)))
    assert apart(mean_angle(field[:, 190:], mask[:, 190:] > 0.5), 0) < 8


@pytest.mark.parametrize("name", ["river", "waterfall"])
@pytest.mark.parametrize("angle", [80, 85, 95])
def test_an_arrow_nearly_straight_across_moves_the_band_as_one_straight_across(name: str, angle: float) -> None:
    for mask in (band(0.1), band(0.1, 0.0, 1.0)):
        field = drawn(name, mask, through(angle))
        assert apart(mean_angle(field, mask > 0.5), angle) < 3
        assert np.median(speeds(field)[mask > 0.5]) == pytest.approx(0.1 * 256 / 30, rel=0.05)


def test_an_arrow_along_a_winding_channel_follows_bends_that_its_own_direction_would_cross() -> None:
    mask, corners = s_channel()
    field = drawn("river", mask, through(270))
    for column in (30, 225):
        assert apart(angle_of(*field[corners[1 if column < 128 else 2, 1], column]), 0) < 10


@pytest.mark.parametrize("angle", [0, 45, 90])
def test_an_arrow_in_a_small_spot_does_not_race_it(angle: float) -> None:
    rows, columns = np.mgrid[0:256, 0:256]
    mask = (np.hypot(rows - 127.5, columns - 127.5) < 30).astype(np.float32)
    field, arrow = drawn("river", mask, through(angle)), through(angle)
    assert as_drawn(field, arrow, mask)[0] < 5
    assert 0.5 < np.median(speeds(field)[mask > 0]) / (0.1 * 256 / 30) < 1.5
    assert speeds(field).max() < 2.1 * 0.1 * 256 / 30


def test_what_holds_an_arrow_still_does_not_make_its_surroundings_race() -> None:
    for mask in (full(256, 256), band(0.1, 0.0, 1.0)):
        field = drawn("river", mask, through(0), pins=((0.5, 0.5),))
        assert not field[128, 128].any()
        assert speeds(field).max() < 2.1 * 0.1 * 256 / 30


def test_arrows_beside_one_another_each_have_their_way() -> None:
    arrows = (through(0, at=(0.5, 0.5)), through(180, at=(0.5, 0.53)), through(0, 0.3, at=(0.5, 0.9)))
    field = drawn("river", full(256, 256), *arrows)
    for arrow in arrows:
        turned, share = as_drawn(field, arrow, full(256, 256))
        assert turned < 5 and share < 0.1
    swirling = drawn("river", full(256, 256), arrows[0], swirls=(Swirl((0.5, 0.5), 0.2, 1.0),))
    assert as_drawn(swirling, arrows[0], full(256, 256))[0] < 5


def test_pins_and_frozen_areas_hold_still() -> None:
    frozen = ((0.1, 0.1), (0.3, 0.1), (0.3, 0.3), (0.1, 0.3))
    field = solve(full(200, 300), 0, Hints(pins=((0.7, 0.6),), freeze=(frozen,))).field
    assert not field[120, 210].any()
    assert not field[21:59, 31:89].any()
    assert np.hypot(*field[100, 20]) > 0.1
    assert 0 < np.hypot(*field[120, 214]) < 0.5 * np.hypot(*field[180, 40])


def test_region_hint_beats_words_and_scales() -> None:
    hints = Hints(regions=(RegionHint("river", 90, 2.0),))
    field = solve(full(128, 128), 0, hints).field
    assert np.abs(field - [0, -0.5]).max() < 1e-5


def test_arrow_outside_is_left_out_with_a_note() -> None:
    mask = full(100, 100)
    mask[:, :50] = 0
    flow = solve(mask, 0, Hints(arrows=(Arrow((0.1, 0.5), (0.2, 0.5)),)))
    assert any("Arrow 1" in note for note in flow.notes)
    assert flow.field[50, 90, 0] > 0


# --- several regions ------------------------------------------------------------------------------------------------


def test_regions_have_their_own_direction_and_speed() -> None:
    sky, river = np.zeros((256, 256), np.float32), np.zeros((256, 256), np.float32)
    sky[:128], river[128:] = 1, 1
    plan = Plan(motions=(Motion("the river", 180, speed=2.0), Motion("cloud", 0)))
    regions = Regions((Region("clouds", sky), Region("river", river)))
    field = solve_flow(np.full((256, 256, 3), 0.5, np.float32), regions, plan, Hints(), FLAT).field
    assert apart(mean_angle(field, sky > 0), 0) < 1
    assert apart(mean_angle(field, river > 0), 180) < 1
    assert np.median(speeds(field)[river > 0]) == pytest.approx(2 * 0.5, rel=1e-4)
    assert np.median(speeds(field)[sky > 0]) == pytest.approx(0.6 * 0.5, rel=1e-4)


def test_words_bind_by_family_and_a_single_motion_to_a_single_region() -> None:
    picture, mask = np.full((64, 64, 3), 0.5, np.float32), full(64, 64)
    for word, name in (("water", "river"), ("water", "thing 3"), ("ocean", "sea")):
        flow = solve_flow(picture, Regions((Region(name, mask),)), Plan(motions=(Motion(word, 90),)), Hints(), FLAT)
        assert apart(mean_angle(flow.field, mask > 0), 90) < 1 and not flow.notes


# --- speed, perspective, sizes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("height", "width"), [(64, 64), (512, 768), (300, 90), (1, 1), (3, 200)])
@pytest.mark.parametrize("speed", [0.0, 1.0, 2.5])
def test_median_speed_is_exact(height: int, width: int, speed: float) -> None:
    flow = solve(full(height, width), 0, given=MotionSettings(speed=speed))
    assert np.isfinite(flow.field).all()
    assert np.median(speeds(flow.field)) == pytest.approx(speed * scale_of(height, width), rel=1e-4)


def test_near_is_faster_than_far_on_the_ground_only() -> None:
    mask = np.zeros((200, 200), np.float32)
    mask[80:] = 1
    given = MotionSettings(perspective=1.0)
    river = speeds(solve(mask, 0, given=given).field)
    assert river[195, 100] > 3 * river[85, 100] > 0
    picture = np.full((200, 200, 3), 0.5, np.float32)
    smoke = solve_flow(picture, Regions((Region("smoke", mask),)), Plan(), Hints(), given).field
    assert speeds(smoke)[195, 100] == pytest.approx(speeds(smoke)[85, 100], rel=1e-3)
    assert smoke[100, 100, 1] < 0


def test_zero_outside_and_whole_inside_a_soft_mask() -> None:
    canvas = np.zeros((180, 180), np.uint8)
    cv2.circle(canvas, (90, 90), 50, 1, -1)
    mask = cv2.GaussianBlur(canvas.astype(np.float32), (0, 0), 4)
    mask[mask < 0.004] = 0
    field = solve(mask, 30).field
    assert not field[mask == 0].any()
    assert (speeds(field)[mask > 0] > 0).all()


def test_4k_is_no_worse_than_its_reduction() -> None:
    canvas = np.zeros((2160, 3840), np.uint8)
    cv2.ellipse(canvas, (1900, 1300), (1500, 700), 10, 0, 360, 1, -1)
    large = solve(canvas.astype(np.float32), 200).field
    mask = cv2.resize(canvas.astype(np.float32), (480, 270), interpolation=cv2.INTER_AREA)
    small = solve(mask, 200).field
    reduced = cv2.resize(large, (480, 270), interpolation=cv2.INTER_AREA) / 8
    inside = cv2.erode(mask, np.ones((9, 9))) > 0.99
    assert np.abs(reduced - small)[inside].max() < 0.1 * 270 / 512


# --- symmetry, determinism, refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [0.0, 250.0])
def test_mirrored_input_gives_the_mirrored_field(angle: float) -> None:
    mask, _ = s_channel()
    mask[200:240, 20:90] = 1
    field = solve(mask, angle).field
    mirrored = solve(np.ascontiguousarray(mask[:, ::-1]), (180 - angle) % 360).field
    assert np.abs(mirrored[:, ::-1] * [-1, 1] - field).max() < 1e-3
    flipped = solve(np.ascontiguousarray(mask[::-1]), -angle % 360).field
    assert np.abs(flipped[::-1] * [1, -1] - field).max() < 1e-3


def test_same_input_same_bits() -> None:
    mask, _ = s_channel()
    assert np.array_equal(solve(mask, 20).field, solve(mask, 20).field)


@settings(max_examples=15)
@given(st.integers(0, 2**31), st.integers(2, 90), st.integers(2, 90), st.floats(0, 360))
def test_any_mask_gives_a_finite_field_inside(seed: int, height: int, width: int, angle: float) -> None:
    random = np.random.default_rng(seed)
    mask = np.clip(cv2.GaussianBlur(random.random((height, width), np.float32), (0, 0), 3) * 8 - 3.8, 0, 1)
    mask[random.integers(height), random.integers(width)] = 1
    field = solve(mask.astype(np.float32), angle).field
    assert field.shape == (height, width, 2) and field.dtype == np.float32
    assert np.isfinite(field).all() and not field[mask <= 0].any()
    assert speeds(field).max() <= 40 * scale_of(height, width)


def test_refusals_are_one_clear_line() -> None:
    with pytest.raises(UserError, match="mask is empty"):
        solve(np.zeros((50, 50), np.float32))
    everything = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
    with pytest.raises(UserError, match="frozen"):
        solve(full(50, 50), 0, Hints(freeze=(everything,)))
    with pytest.raises(UserError, match="another size"):
        regions = Regions((Region("river", full(10, 10)),))
        solve_flow(np.zeros((20, 20, 3), np.float32), regions, Plan(), Hints(), FLAT)
    with pytest.raises(UserError, match="no numbers"):
        solve(np.full((20, 20), np.nan, np.float32))


def test_a_user_can_stop_it() -> None:
    regions = Regions((Region("river", full(50, 50)),))
    with pytest.raises(Cancelled):
        solve_flow(np.zeros((50, 50, 3), np.float32), regions, Plan(), Hints(), FLAT, Reporter(cancelled=lambda: True))


# --- what nobody stated ---------------------------------------------------------------------------------------------


def test_texture_gives_the_axis_and_a_note_says_so() -> None:
    rows, columns = np.mgrid[0:200, 0:200]
    angle = np.deg2rad(60)
    stripes = 0.5 + 0.4 * np.sin((columns * np.sin(angle) + rows * np.cos(angle)) * 0.6)
    picture = np.repeat(stripes[..., None], 3, axis=2).astype(np.float32)
    regions = Regions((Region("river", full(200, 200)),))
    flow = solve_flow(picture, regions, Plan(), Hints(), FLAT)
    assert apart(mean_angle(flow.field, full(200, 200) > 0), 240) < 2
    assert "along its texture" in flow.notes[0]
    without = solve_flow(picture, regions, Plan(), Hints(), MotionSettings(texture=False, perspective=0))
    assert apart(mean_angle(without.field, full(200, 200) > 0), 0) < 1 and without.notes


# --- real pictures --------------------------------------------------------------------------------------------------

OPEN_WATER_AND_SKY = ("artistic-13", "artistic-16", "artistic-18", "artistic-6", "photo-0000023", "photo-0004764")
FALLS = ("artistic-3", "twin-waterfall")


@pytest.mark.parametrize("name", OPEN_WATER_AND_SKY + FALLS)
def test_sample_pictures_go_where_the_words_say(pictures: Path, name: str) -> None:
    folder = pictures / name
    art = folder / "art.png" if (folder / "art.png").exists() else folder / "photo.jpg"
    bgr = cv2.resize(cv2.imread(str(art)), (512, 512), interpolation=cv2.INTER_AREA)
    mask_path = folder / "mask.png" if (folder / "mask.png").exists() else folder / "attention_mask.png"
    mask = cv2.resize(cv2.imread(str(mask_path), cv2.IMREAD_GRAYSCALE), (512, 512), interpolation=cv2.INTER_AREA)
    motion = json.loads((folder / "motion.json").read_text(encoding="utf-8"))
    word = motion["motion"].replace(",", " ").split()[0]
    regions = Regions((Region(word, mask.astype(np.float32) / 255),))
    plan = Plan(motions=(Motion(word, motion["angle"]),))
    picture = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(np.float32) / 255
    field = solve_flow(picture, regions, plan, Hints(), MotionSettings()).field
    inside = mask > 127
    median = np.median(speeds(field)[inside])
    assert apart(mean_angle(field, inside), motion["angle"]) < 0.5
    assert median * 60 >= 30
    assert (speeds(field)[inside] < 0.2 * median).mean() < 0.005
