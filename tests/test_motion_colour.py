"""The colour wheel and the arrows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from t2c_ext.motion.colour import arrows_over, colour_wheel, flow_to_colour


@pytest.mark.parity
def test_colours_are_those_of_the_paper(fixtures: Any) -> None:
    names = fixtures.named("flow_colour")
    if not names:
        pytest.skip("this set has no flow_colour")
    for name in names:
        data = fixtures.arrays(name)
        for flow, expected in zip(data["flow"], [data["rgb_uint8"]], strict=True):
            colour = flow_to_colour(flow.transpose(1, 2, 0)).astype(int)
            assert np.abs(colour - expected).max() <= fixtures.tolerance(name)
        still = np.zeros((*data["zero_flow_rgb"].shape[:2], 2), np.float32)
        assert np.array_equal(flow_to_colour(still), data["zero_flow_rgb"])


def test_wheel_starts_red_and_has_55_colours() -> None:
    wheel = colour_wheel()
    assert wheel.shape == (55, 3)
    assert (
        wheel[0].tolist() == [255, 0, 0] and wheel[15].tolist() == [255, 255, 0] and wheel[25].tolist() == [0, 255, 255]
    )


def test_stillness_is_white_and_right_is_red() -> None:
    flow = np.zeros((2, 2, 2), np.float32)
    flow[0, 0] = (3, 0)
    colour = flow_to_colour(flow)
    assert colour[1, 1].tolist() == [255, 255, 255]
    assert colour[0, 0, 0] == 255 and colour[0, 0, 1:].max() <= 20


def test_arrows_are_drawn_only_where_it_moves() -> None:
    flow = np.zeros((96, 96, 2), np.float32)
    flow[:, :48, 0] = 0.4
    grey = np.full((96, 96, 3), 0.5, np.float32)
    drawn = arrows_over(grey, flow, 12)
    plain = arrows_over(grey, np.zeros_like(flow), 12)
    assert (drawn[:, :48] != plain[:, :48]).any()
    assert np.array_equal(drawn[:, 64:], plain[:, 64:])
    assert (plain == plain[0, 0]).all()
