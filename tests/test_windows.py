"""Large pictures are worked on in windows around what moves, and nothing else of them is."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2c_ext.extents import Window, all_finite, bands, extent_of, whole_of
from t2c_ext.loop.render import render_loop
from t2c_ext.loop.windows import windows_of
from t2c_ext.settings import LoopSettings

SIZE = (512, 640)


def _moving(*places: tuple[int, int, int, int]) -> np.ndarray:
    mask = np.zeros(SIZE, np.float32)
    for top, bottom, left, right in places:
        mask[top:bottom, left:right] = 1
    return mask


def test_an_extent_is_the_smallest_window() -> None:
    assert extent_of(_moving((3, 9, 100, 101), (5, 6, 90, 95))) == Window(SIZE, 3, 9, 90, 101)
    assert extent_of(np.zeros(SIZE)).area == 1
    assert whole_of((7, 5, 3)) == Window((7, 5), 0, 7, 0, 5)


def test_a_window_grows_to_steps_and_to_the_border() -> None:
    grown = Window((100, 100), 50, 60, 5, 95).grown(7, 16)
    assert grown == Window((100, 100), 32, 80, 0, 100)


@given(st.integers(1, 5000), st.integers(1, 3_000_000))
def test_bands_are_all_rows_once(height: int, width: int) -> None:
    rows = [row for band in bands((height, width)) for row in (band.start, band.stop)]
    assert rows[0] == 0 and rows[-1] == height
    assert rows[1:-1:2] == rows[2::2]


def test_a_number_that_is_none_is_found_in_any_band() -> None:
    values = np.zeros((3000, 2000), np.float32)
    assert all_finite(values)
    values[2999, 1999] = np.inf
    assert not all_finite(values)


@given(st.lists(st.tuples(st.integers(0, 511), st.integers(0, 639)), min_size=1, max_size=12))
def test_windows_hold_all_that_moves_and_do_not_meet(places: list[tuple[int, int]]) -> None:
    moving = np.zeros(SIZE, np.bool_)
    for row, column in places:
        moving[row : row + 9, column : column + 9] = True
    windows = windows_of(moving, largest=0)
    count = np.zeros(SIZE, int)
    for window in windows:
        window.of(count)[:] += 1
    assert count.max() == 1
    assert (count[cv2.dilate(moving.astype(np.uint8), np.ones((95, 95))) > 0] == 1).all()


def test_small_pictures_are_one_window() -> None:
    assert windows_of(_moving((3, 9, 100, 101)) > 0) == [whole_of(SIZE)]


def test_what_lies_far_apart_is_worked_on_apart() -> None:
    windows = windows_of(_moving((10, 60, 10, 60), (450, 500, 580, 630)) > 0, largest=0)
    assert len(windows) == 2
    assert sum(window.area for window in windows) < 0.3 * SIZE[0] * SIZE[1]


@pytest.mark.parametrize(
    "changes", [{}, {"start_still": True}, {"blend": "paper"}], ids=["phase", "start with the still", "paper"]
)
def test_a_window_gives_what_the_whole_picture_gives(changes: dict[str, object]) -> None:
    """But for the rounding of positions, which are counted from another corner."""
    noise = np.random.default_rng(5).random((*SIZE, 3), np.float32)
    picture = (np.rint(cv2.GaussianBlur(noise, (0, 0), 1.2) * 255) / 255).astype(np.float32)
    mask = cv2.GaussianBlur(_moving((300, 380, 330, 430)), (0, 0), 1.5)
    mask[mask < 0.02] = 0
    flow = np.where(mask[..., None] > 0, np.array([1.0, -0.5], np.float32), np.float32(0))
    settings = replace(LoopSettings(frames=6), **changes)
    whole, part = (render_loop(picture, mask, flow, settings, seed=3, largest=size) for size in (10**9, 0))
    difference = np.stack([cv2.absdiff(*pair) for pair in zip(whole.frames(), part.frames(), strict=True)])
    assert difference.max() <= 1
    assert np.count_nonzero(difference) < 1e-3 * 6 * 3 * np.count_nonzero(mask)
    assert not difference[:, mask == 0].any()


def test_a_picture_of_eight_bits_gives_the_same_frames() -> None:
    levels = np.random.default_rng(5).integers(0, 256, (*SIZE, 3), np.uint8)
    mask = _moving((300, 380, 330, 430))
    flow = np.where(mask[..., None] > 0, np.array([1.0, -0.5], np.float32), np.float32(0))
    pictures = (levels, (levels / np.float32(255)).astype(np.float32))
    loops = [render_loop(picture, mask, flow, LoopSettings(frames=3), seed=3, largest=0) for picture in pictures]
    for pair in zip(*(loop.frames() for loop in loops), strict=True):
        assert np.array_equal(*pair)
