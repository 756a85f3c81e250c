"""Forward splatting against hand-computed answers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.errors import UserError
from t2c_ext.loop.splat import splat, splat_sum


def _flow(height: int, width: int, dx: float, dy: float) -> np.ndarray:
    return np.broadcast_to(np.float32([dx, dy]), (height, width, 2)).copy()


def test_half_a_pixel_is_shared_bilinearly() -> None:
    values = np.zeros((1, 4, 1), np.float32)
    values[0, 1] = 8
    assert splat_sum(values, _flow(1, 4, 0.25, 0))[..., 0].tolist() == [[0, 6, 2, 0]]


def test_what_leaves_the_picture_is_lost() -> None:
    values = np.ones((2, 2, 1), np.float32)
    assert splat_sum(values, _flow(2, 2, 0.5, 0))[..., 0].tolist() == [[0.5, 1], [0.5, 1]]
    flow = _flow(2, 2, 0, 0)
    flow[0, 0], flow[0, 1] = np.nan, np.inf
    assert splat_sum(values, flow)[..., 0].tolist() == [[0, 0], [1, 1]]


@settings(max_examples=25)
@given(st.integers(-3, 3), st.integers(-3, 3), st.sampled_from(["bilinear", "cubic"]))
def test_whole_pixels_move_exactly(dx: int, dy: int, kernel: str) -> None:
    values = np.random.default_rng(1).random((9, 11, 3), np.float32)
    moved = splat_sum(values, _flow(9, 11, dx, dy), kernel)
    inner = np.s_[3:-3, 3:-3]
    assert np.array_equal(moved[inner], np.roll(values, (dy, dx), (0, 1))[inner])


def test_softmax_lets_the_more_important_pixel_win() -> None:
    values = np.float32([[[1.0], [0.0], [5.0]]])
    flow = np.zeros((1, 3, 2), np.float32)
    flow[0, 0, 0], flow[0, 2, 0] = 1, -1
    metric = np.float32([[0.0, -50.0, 30.0]])
    assert splat(values, flow, metric, "softmax")[0, 1, 0] == pytest.approx(5.0)
    assert splat(values, flow, None, "average")[0, 1, 0] == pytest.approx(2.0)


def test_cubic_keeps_more_detail_than_bilinear() -> None:
    values = np.random.default_rng(2).random((40, 40, 1), np.float32)
    flow = _flow(40, 40, 0.5, 0.5)
    spread = [splat_sum(values, flow, kernel)[5:-5, 5:-5].std() for kernel in ("bilinear", "cubic")]
    assert spread[1] > 1.15 * spread[0]


def test_bad_calls_are_refused() -> None:
    values, flow = np.zeros((2, 2, 1), np.float32), np.zeros((2, 2, 2), np.float32)
    for call in (
        lambda: splat(values, flow, None, "softmax"),
        lambda: splat(values, flow, None, "other"),
        lambda: splat_sum(values, flow[:1]),
        lambda: splat_sum(values, flow, "other"),
    ):
        with pytest.raises(UserError):
            call()
