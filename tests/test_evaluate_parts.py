"""The measures that compare arrays: masks, flows, nearest patches."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from t2c_ext.evaluate.flows import angle_between, angular_error, end_point_error, mean_direction, travel_of
from t2c_ext.evaluate.masks import boundary, boundary_f, grow, intersection_over_union, is_soft, outside, shrink
from t2c_ext.evaluate.nearest import nearest_distances
from t2c_ext.evaluate.seam import spread_evenly


def square(left: int, top: int, side: int, size: int = 64) -> np.ndarray:
    mask = np.zeros((size, size), np.float32)
    mask[top : top + side, left : left + side] = 1
    return mask


def test_intersection_over_union_of_two_squares() -> None:
    assert intersection_over_union(square(0, 0, 20), square(10, 0, 20)) == pytest.approx(200 / 600)
    assert intersection_over_union(square(5, 5, 20), square(5, 5, 20)) == 1
    empty = np.zeros((64, 64), np.float32)
    assert intersection_over_union(empty, empty) == 1 and intersection_over_union(empty, square(0, 0, 5)) == 0


def test_boundary_f_has_its_known_values() -> None:
    """Moved by 8 px with a tolerance of 1 px, only the parts of the two horizontal sides that overlap agree."""
    first, second = square(10, 10, 20), square(18, 10, 20)
    perimeter = 4 * 20 - 4
    # per side: columns 18..29 overlap, and one column more is within 1 px; the vertical sides meet a few pixels
    agreed = sum(
        np.hypot(*(np.argwhere(boundary(second > 0)) - place).T).min() <= 1
        for place in np.argwhere(boundary(first > 0))
    )
    share = agreed / perimeter
    tolerance = 0.5 / np.hypot(64, 64)
    assert boundary_f(first, second, tolerance) == pytest.approx(share)
    assert boundary_f(first, first) == 1
    assert boundary_f(first, np.zeros_like(first)) == 0
    assert boundary_f(np.ones_like(first), np.ones_like(first)) == 1


def test_growing_and_shrinking_are_euclidean() -> None:
    point = square(32, 32, 1) > 0
    assert np.count_nonzero(grow(point, 1)) == 5
    assert np.count_nonzero(grow(point, 2)) == 13
    assert np.count_nonzero(shrink(square(10, 10, 20) > 0, 3)) == 14**2
    assert shrink(np.ones((8, 8), bool), 3).all()


def test_outside_of_a_soft_mask_is_where_it_is_zero() -> None:
    hard = square(16, 16, 32, 512)
    assert not is_soft(hard)
    assert outside(hard)[32, 7] and not outside(hard)[32, 8]
    soft = hard.copy()
    soft[14:50, 14:50] = np.maximum(soft[14:50, 14:50], 0.3)
    assert is_soft(soft)
    assert np.array_equal(outside(soft), soft == 0)


@pytest.mark.parametrize(("first", "second", "between"), [(0, 350, 10), (350, 0, 10), (90, 270, 180), (45, 45, 0)])
def test_the_angle_between_directions_goes_the_short_way(first: float, second: float, between: float) -> None:
    assert angle_between(first, second) == pytest.approx(between)


def test_flow_errors_have_their_known_values() -> None:
    truth = np.zeros((4, 4, 2), np.float32)
    truth[:2, :, 0] = 3
    predicted = np.zeros_like(truth)
    predicted[0, :, 0] = 1
    predicted[1, :, 1] = 4
    assert angular_error(predicted, truth) == pytest.approx((0 + 90) / 2)
    assert end_point_error(predicted, truth) == pytest.approx((2 + 5 + 0 + 0) / 4)
    assert angular_error(np.zeros_like(truth), truth) == 90
    assert angular_error(predicted, np.zeros_like(truth)) is None
    assert travel_of(truth, 60, truth[..., 0] > 0) == pytest.approx(60 * 3 * 512 / 4)


def test_a_turning_field_has_no_mean_direction() -> None:
    ys, xs = np.mgrid[-8:9, -8:9].astype(np.float32)
    everywhere = np.ones(xs.shape, bool)
    assert mean_direction(np.stack([-ys, xs], axis=2), everywhere) is None
    assert mean_direction(np.full((17, 17, 2), 1.0, np.float32), everywhere) == pytest.approx(315)
    assert mean_direction(np.zeros((17, 17, 2), np.float32), everywhere) is None


@settings(max_examples=25)
@given(seed=st.integers(0, 10**6), count=st.integers(1, 80), dimensions=st.integers(1, 20))
def test_the_nearest_neighbour_is_exact(seed: int, count: int, dimensions: int) -> None:
    random = np.random.default_rng(seed)
    references = random.normal(size=(count, dimensions)).astype(np.float32)
    references = np.ascontiguousarray(references[np.argsort(references[:, 0], kind="stable")])
    queries = random.normal(size=(30, dimensions)).astype(np.float32) * 2
    found = nearest_distances(references, queries)
    np.testing.assert_allclose(found, cdist(queries, references).min(axis=1), rtol=1e-4)


@given(count=st.integers(0, 5000), wanted=st.integers(1, 600))
@example(count=469, wanted=234)
def test_even_spreading_stays_in_range(count: int, wanted: int) -> None:
    chosen = spread_evenly(count, wanted)
    assert len(chosen) == len(np.unique(chosen)) == min(count, wanted)
    assert not len(chosen) or (chosen.min() >= 0 and chosen.max() < count)
