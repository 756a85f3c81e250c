"""What the field should be before walls bend it, and the numbers that it is brought to: known values."""

from __future__ import annotations

import numpy as np
import pytest

from t2c_ext.loop.gather import EASE, Pixels
from t2c_ext.loop.timing import even_timing
from t2c_ext.motion.binding import Drive
from t2c_ext.motion.grid import Grid
from t2c_ext.motion.guide import (
    arrow_distance,
    arrow_velocity,
    make_guide,
    pin_window,
    swirl_window,
    turning,
)
from t2c_ext.motion.pace import own_pixels
from t2c_ext.region.find import exclusive
from t2c_ext.types import Arrow, Hints, MotionKind, Region, Swirl

SIDE = 64
SCALE = SIDE / 512


def grid_of(coverage: np.ndarray, size: tuple[int, int] | None = None) -> Grid:
    return Grid(size or coverage.shape, coverage, np.ones((1, *coverage.shape)))


def drive(angle: float | None = 0.0, speed: float = 1.0, **more: object) -> Drive:
    region = Region("river", np.ones((SIDE, SIDE), np.float32))
    kind = more.pop("kind", MotionKind.TRANSLATE)
    given = {"ground": False, "walled": True, "falls": False, "family": "water"} | more
    return Drive(region, angle, kind, speed, **given)  # type: ignore[arg-type]


def guide_of(coverage: np.ndarray, one: Drive, hints: Hints | None = None, perspective: float = 1.0) -> np.ndarray:
    return make_guide(grid_of(coverage), (one,), hints or Hints(), perspective).field


FULL = np.ones((SIDE, SIDE))


def test_a_swirl_turns_fully_up_to_six_tenths_of_its_radius() -> None:
    np.testing.assert_allclose(
        swirl_window(np.array([0, 0.6, 0.7, 0.8, 0.9, 1, 2])), [1, 1, 0.84375, 0.5, 0.15625, 0, 0]
    )


def test_a_positive_rate_turns_counter_clockwise_on_the_screen() -> None:
    x, y = np.array([2.0, 0.0, -2.0, 0.0]), np.array([0.0, 2.0, 0.0, -2.0])
    # right of the centre it goes up, below it to the right
    np.testing.assert_allclose(turning(x, y, 0.1), [[0, -0.2], [0.2, 0], [0, 0.2], [-0.2, 0]])


def test_a_pin_holds_a_gaussian_of_four_percent_of_the_short_side() -> None:
    x, y = np.array([0.0, 4.0, 0.0, 3.0]), np.array([0.0, 0.0, 8.0, 4.0])
    np.testing.assert_allclose(pin_window(x, y, 100), np.exp([0, -0.5, -2, -0.5 * 25 / 16]))


def test_an_arrow_is_the_way_of_one_second_unless_its_speed_says_another() -> None:
    np.testing.assert_allclose(arrow_velocity(Arrow((0.1, 0.5), (0.4, 0.3)), 100, 200), [2.0, -20 / 30])
    np.testing.assert_allclose(arrow_velocity(Arrow((0.1, 0.5), (0.4, 0.5), speed=3.0), 100, 200), [3 * 100 / 512, 0])


def test_distances_are_to_the_arrow_s_line_and_beyond_its_ends_to_them() -> None:
    grid = grid_of(np.ones((10, 20)), (100, 200))
    distance = arrow_distance(grid, Arrow((0.25, 0.5), (0.75, 0.5)))
    # cells' centres lie at 4.5, 14.5, ...; the line is at y = 49.5, from x = 49.5 to 149.5
    np.testing.assert_allclose([distance[0, 9], distance[4, 10]], [45, 5])
    np.testing.assert_allclose(distance[0, 19], np.hypot(45, 45))


@pytest.mark.parametrize(("perspective", "far", "near"), [(1.0, 0.25, 1.75), (0.5, 0.625, 1.375), (0.0, 1.0, 1.0)])
def test_on_the_ground_speed_grows_linearly_from_far_to_near(perspective: float, far: float, near: float) -> None:
    field = guide_of(FULL, drive(ground=True), perspective=perspective)
    np.testing.assert_allclose(field[[0, -1], 5, 0], [far * SCALE, near * SCALE])
    np.testing.assert_allclose(np.diff(field[:, 5, 0], 2), 0, atol=1e-12)
    np.testing.assert_allclose(field[..., 1], 0, atol=1e-12)


def test_a_region_of_little_height_spans_a_part_of_that() -> None:
    coverage = np.zeros((SIDE, SIDE))
    coverage[24:40] = 1
    field = guide_of(coverage, drive(ground=True))
    span = 0.35 * SIDE
    np.testing.assert_allclose(field[[24, 39], 5, 0], [(1 - 1.5 * 7.5 / span) * SCALE, (1 + 1.5 * 7.5 / span) * SCALE])


def test_words_have_a_direction_and_a_least_speed() -> None:
    np.testing.assert_allclose(guide_of(FULL, drive(90.0, 2.0))[7, 9], [0, -2 * SCALE], atol=1e-12)
    np.testing.assert_allclose(guide_of(FULL, drive(180.0, 0.0))[7, 9], [-0.05 * SCALE, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "sign"), [(MotionKind.SWIRL_CW, 1), (MotionKind.SWIRL_CCW, -1), (MotionKind.SWIRL, -1)]
)
def test_a_turning_region_has_its_speed_on_the_mean(kind: MotionKind, sign: int) -> None:
    field = guide_of(FULL, drive(None, 2.0, kind=kind))
    assert np.linalg.norm(field, axis=-1).mean() == pytest.approx(2 * SCALE)
    assert np.sign(field[32, 60, 1]) == sign, "right of its centre, down is clockwise"


def test_a_drawn_swirl_turns_at_the_speed_that_was_there() -> None:
    field = guide_of(FULL, drive(0.0), Hints(swirls=(Swirl((0.5, 0.5), 0.25, -2.0),)))
    # cell 31 lies half a pixel left of the centre and above it; the radius is 16
    rate = 2 * SCALE / 16
    np.testing.assert_allclose(field[31, 36], [0.5 * rate, 4.5 * rate])
    np.testing.assert_allclose(field[2, 2], [SCALE, 0])


def test_under_an_arrow_the_field_is_its_own_to_the_letter() -> None:
    arrows = Arrow((0.25, 0.2), (0.75, 0.2)), Arrow((0.75, 0.8), (0.25, 0.8))
    guide = make_guide(grid_of(FULL), (drive(arrows=arrows),), Hints(), 1.0)
    speed = 0.5 * SIDE / 30
    np.testing.assert_allclose(guide.field[12, 31], [speed, 0], rtol=1e-3)
    np.testing.assert_allclose(guide.field[51, 31], [-speed, 0], rtol=1e-3)
    np.testing.assert_allclose(guide.field[31:33, 31].sum(axis=0), 0, atol=1e-9)
    # the line is at 12.3 of 64 pixels; the Gaussian's sigma is 0.05 of them
    np.testing.assert_allclose(guide.drawn[[12, 15], 31], np.exp(-0.5 * (np.array([0.3, 2.7]) / 3.2) ** 2))
    assert not guide.fixed.any()


def test_speeds_are_measured_well_inside_and_where_a_region_has_most_of_the_pixel() -> None:
    one, other = np.float32([[1, 0.9, 0.6, 0.4, 0]]), np.float32([[0, 0.2, 0.7, 0.9, 1]])
    assert own_pixels(one, [one]).tolist() == [[True, True, True, False, False]]
    assert own_pixels(one, [one, other]).tolist() == [[True, True, False, False, False]]
    faint = np.float32([[0.3, 0.2, 0.1, 0, 0]])
    assert own_pixels(faint, [faint]).tolist() == [[True, True, False, False, False]]
    covered = np.ones_like(faint)
    assert own_pixels(faint, [faint, covered]).tolist() == [[True, True, False, False, False]], "nowhere has it most"


def test_each_pixel_goes_to_the_largest_claim_and_of_equals_to_the_first() -> None:
    one, other = np.float32([[1, 0.5, 0.5]]), np.float32([[0.2, 0.5, 0.6]])
    left, right = exclusive([Region("a", one), Region("b", other)], [one, other])
    np.testing.assert_array_equal(left.mask, np.float32([[1, 0.5, 0]]))
    np.testing.assert_array_equal(right.mask, np.float32([[0, 0, 0.6]]))


def test_the_rim_shows_the_still_at_frame_0_and_eases_in_and_out() -> None:
    places = np.zeros(2, np.int32)
    rim = np.array([True, False])
    pixels = Pixels(places, places, np.float32([0.8, 0.8]), np.zeros((2, 4), np.float32), even_timing(2), rim)
    frames = 80
    assert frames * EASE == 10
    shares = [pixels.places(frame, frames)[2] for frame in (0, 5, 10, 40, 75)]
    np.testing.assert_allclose(shares, [[0, 0.8], [0.4, 0.8], [0.8, 0.8], [0.8, 0.8], [0.4, 0.8]], rtol=1e-6)
