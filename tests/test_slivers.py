"""What stands still at a region's edge is told from what moves, and is not carried along."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from t2c_ext.extents import to_bytes
from t2c_ext.loop.render import render_loop
from t2c_ext.loop.slivers import find_slivers, without_slivers
from t2c_ext.settings import LoopSettings

HEIGHT, WIDTH = 160, 192


def _water() -> np.ndarray:
    noise = cv2.GaussianBlur(np.random.default_rng(2).random((HEIGHT, WIDTH, 3), np.float32), (0, 0), 1.0) - 0.5
    return np.clip(np.float32([0.2, 0.4, 0.6]) + 0.4 * noise, 0, 1).astype(np.float32)


def _scene(sliver: int) -> tuple[np.ndarray, np.ndarray]:
    """Water with a red bank on the left whose last `sliver` columns lie inside the mask."""
    picture, mask = _water(), np.zeros((HEIGHT, WIDTH), np.float32)
    mask[:, 60:] = 1
    picture[:, : 60 + sliver] = (0.8, 0.1, 0.1)
    return picture, mask


def _at_512(area: np.ndarray) -> np.ndarray:
    return np.repeat(np.repeat(area, 4, axis=0), 4, axis=1)


def test_the_bank_inside_the_mask_is_found_and_nothing_else() -> None:
    picture, mask = (_at_512(part) for part in _scene(1))
    found = find_slivers(picture, mask)
    assert found[:, 240:243].mean() > 0.95
    assert not found[:, 248:].any() and not found[:, :240].any()


def test_water_up_to_the_edge_is_water() -> None:
    picture, mask = _scene(0)
    assert not find_slivers(picture, mask).any()
    assert np.array_equal(without_slivers(picture, mask), mask)


def test_a_mask_that_ends_within_the_water_has_no_slivers() -> None:
    mask = np.zeros((HEIGHT, WIDTH), np.float32)
    mask[40:, 60:] = 1
    assert not find_slivers(_water(), mask).any()


def test_foam_inside_is_no_sliver_though_the_bank_has_its_colour() -> None:
    picture, mask = (_at_512(part) for part in _scene(0))
    picture[300:320, 400:420] = (0.8, 0.1, 0.1)
    assert not find_slivers(picture, mask)[:, 260:].any()


@pytest.mark.parametrize("full", [True, False])
def test_a_full_mask_and_a_thin_one(full: bool) -> None:
    mask = np.full((HEIGHT, WIDTH), np.float32(full))
    mask[70, 20:90] = 1
    assert np.array_equal(without_slivers(_water(), mask), mask)


def test_the_sliver_stands_still_while_the_water_moves() -> None:
    picture, mask = (_at_512(part) for part in _scene(1))
    flow = np.zeros((*mask.shape, 2), np.float32)
    flow[mask > 0] = (1, 0)
    still = to_bytes(picture)
    frames = list(render_loop(picture, mask, flow, LoopSettings(frames=24), seed=0).frames())[::6]
    for frame in frames:
        assert np.abs(frame[:, 240:243].astype(int) - still[:, 240:243]).max() <= 1
        assert (frame[:, 250:, 0] < 150).all()
    assert np.abs(frames[0].astype(int) - frames[2])[:, 260:].mean() > 3
