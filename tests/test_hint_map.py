"""Dense hints: the paper's, and those from arrows, regions, swirls and pins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from motion_parts import drive, square

from t2c_ext.motion.hint_map import HintPoint, hint_velocity, paper_hint, spread
from t2c_ext.types import Arrow, Hints, MotionKind, Swirl


def point(x: float, y: float, dx: float, dy: float) -> HintPoint:
    return HintPoint((x, y), (x, y), (dx, dy))


@pytest.mark.parity
def test_paper_hint(fixtures: Any) -> None:
    if "hint_dense" not in fixtures.named("hint_dense"):
        pytest.skip("this set has no hint_dense")
    data, tolerance = fixtures.arrays("hint_dense"), fixtures.tolerance("hint_dense")
    for number, case in enumerate(fixtures.index["hint_dense"]["cases"]):
        found = paper_hint(data[f"{number}/mask"][0, 0], case["theta_degrees"])
        assert np.abs(np.moveaxis(found, -1, 0) - data[f"{number}/hint"][0]).max() <= tolerance
    if "no_direction/hint" in data:
        mask = np.ones(data["no_direction/hint"].shape[2:], np.float32)
        assert np.array_equal(np.moveaxis(paper_hint(mask, None), -1, 0), data["no_direction/hint"][0])


def test_two_points_by_hand() -> None:
    # at (1, 0): w = e^0 and e^-4 for sigma 1.5 and distances 0 and 3
    found = spread([point(1, 0, 2, 0), point(4, 0, 0, -2)], 1, 6, sigma=1.5)
    far = np.exp(-4.0)
    assert np.allclose(found[0, 1], [2 / (1 + far), -2 * far / (1 + far)], atol=1e-6)
    # half way between them both count alike
    assert np.allclose(spread([point(0, 0, 2, 0), point(4, 0, 0, -2)], 1, 5, sigma=1.5)[0, 2], [1, -1])


def test_distance_is_to_the_arrow_s_line() -> None:
    along = HintPoint((0, 2), (8, 2), (1, 0))
    found = spread([along, point(4, 6, 0, 1)], 9, 9, sigma=2.0)
    assert np.allclose(found[2, 0], found[2, 8], atol=1e-4)
    assert found[2, 4, 0] > 0.9


def test_far_from_every_point_it_stays_finite() -> None:
    found = spread([point(0, 0, 1, 0), point(2, 0, 0, 1)], 4, 4000, sigma=1.0)
    assert np.isfinite(found).all()
    assert np.allclose(found[0, -1], [0, 1])


velocities = st.tuples(st.floats(-9, 9, width=32), st.floats(-9, 9, width=32))
points = st.lists(
    st.builds(lambda at, v: point(*at, *v), st.tuples(st.floats(0, 11), st.floats(0, 7)), velocities),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40)
@given(points, st.floats(0.5, 20))
def test_spread_lies_between_its_points(rows: list[HintPoint], sigma: float) -> None:
    found = spread(rows, 8, 12, sigma)
    for axis in (0, 1):
        values = [row.velocity[axis] for row in rows]
        assert found[..., axis].min() >= min(values) - 1e-4
        assert found[..., axis].max() <= max(values) + 1e-4
    assert np.allclose(spread(rows[::-1], 8, 12, sigma), found, atol=1e-4)


def test_direction_has_the_unit_of_speed_one() -> None:
    mask = square(256, 512, columns=slice(0, 256))
    found = hint_velocity([drive(mask, angle=90.0, speed=2.0)], [mask], Hints())
    # speed 2 is 2 pixels per frame at 512, so 1 at 256
    assert np.allclose(found[100, 100], [0, -1], atol=1e-6)
    assert not found[:, 256:].any()


def test_arrow_is_the_way_of_thirty_frames() -> None:
    mask = square(64, 128)
    arrow = Arrow((0.25, 0.5), (0.5, 0.25))
    found = hint_velocity([drive(mask, arrows=(arrow,))], [mask], Hints(arrows=(arrow,)))
    assert np.allclose(found, [128 * 0.25 / 30, -64 * 0.25 / 30], atol=1e-5)


def test_several_arrows_each_rule_their_place() -> None:
    mask = square(120, 120)
    arrows = tuple(
        Arrow((x, y), (x + dx, y + dy))
        for x, y, dx, dy in ((0.1, 0.1, 0.05, 0), (0.9, 0.1, 0, 0.05), (0.1, 0.9, 0, -0.05), (0.85, 0.9, 0.05, 0))
    )
    found = hint_velocity([drive(mask, arrows=arrows)], [mask], Hints(arrows=arrows))
    for arrow in arrows:
        x, y = int(arrow.start[0] * 120), int(arrow.start[1] * 120)
        wanted = np.array([arrow.end[0] - arrow.start[0], arrow.end[1] - arrow.start[1]])
        cosine = found[y, x] @ wanted / np.linalg.norm(found[y, x]) / np.linalg.norm(wanted)
        assert cosine > 0.9
    again = hint_velocity([drive(mask, arrows=arrows)], [mask], Hints(arrows=arrows))
    assert np.array_equal(found, again)


def test_regions_go_their_own_ways() -> None:
    left, right = square(64, 64, columns=slice(0, 32)), square(64, 64, columns=slice(32, 64))
    found = hint_velocity([drive(left, angle=180.0), drive(right, angle=270.0)], [left, right], Hints())
    speed = 64 / 512
    assert np.allclose(found[:, :32], [-speed, 0], atol=1e-6)
    assert np.allclose(found[:, 32:], [0, speed], atol=1e-6)


@pytest.mark.parametrize(("kind", "sign"), [(MotionKind.SWIRL_CCW, 1), (MotionKind.SWIRL_CW, -1)])
def test_turning_region(kind: MotionKind, sign: int) -> None:
    mask = square(64, 64, slice(8, 57), slice(8, 57))
    found = hint_velocity([drive(mask, angle=None, kind=kind)], [mask], Hints())
    assert np.abs(found[32, 32]).max() < 1e-6
    # right of the centre counter-clockwise goes up
    assert found[32, 50, 1] * sign < 0
    assert found[10, 32, 0] * sign < 0
    speeds = np.hypot(found[..., 0], found[..., 1])[mask > 0]
    assert speeds.mean() == pytest.approx(64 / 512, rel=1e-3)


def test_swirl_and_pin_are_local() -> None:
    mask = square(128, 128)
    hints = Hints(swirls=(Swirl((0.25, 0.25), 0.2, -1.0),), pins=((0.75, 0.75),))
    found = hint_velocity([drive(mask)], [mask], hints)
    speed = 128 / 512
    # clockwise: right of the centre it goes down
    assert found[32, 42, 1] > 0.3 * speed
    assert found[32, 22, 1] < -0.3 * speed
    assert np.abs(found[95:97, 95:97]).max() < 0.02 * speed
    assert np.allclose(found[100, 20], [speed, 0], atol=1e-6)
    assert np.allclose(found[64, 120], [speed, 0], rtol=1e-3)


def test_swirl_where_nothing_else_moves() -> None:
    mask = square(128, 128)
    hints = Hints(swirls=(Swirl((0.5, 0.5), 0.4, 2.0),))
    found = hint_velocity([drive(mask, speed=0.0)], [mask], hints)
    # twice the usual speed at the radius of 0.4, and in proportion further in
    assert found[64, 64 + 25, 1] == pytest.approx(-2 * (128 / 512) * 25.5 / (0.4 * 128), rel=0.02)
