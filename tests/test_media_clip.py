"""Parts of the writers: kept frames, durations, planes and palettes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.media.clip import Clip, Remembered
from t2c_ext.media.palette import Ditherer, blue_noise, choose_palette
from t2c_ext.media.planes import to_planes


def test_remembered_frames_are_made_once() -> None:
    made = []

    def frames() -> Iterator[np.ndarray]:
        for number in range(4):
            made.append(number)
            yield np.full((2, 2, 3), number, np.uint8)

    source = Remembered(frames)
    first = source()
    assert [int(next(first)[0, 0, 0]) for _ in range(2)] == [0, 1]
    assert [int(frame[0, 0, 0]) for frame in source()] == [0, 1, 2, 3]
    assert [int(frame[0, 0, 0]) for frame in first] == [2, 3]
    assert made == [0, 1, 2, 3]


@given(fps=st.floats(1, 120), count=st.integers(1, 500))
@settings(max_examples=50)
def test_rounded_durations_do_not_drift(fps: float, count: int) -> None:
    clip = Clip(lambda: iter(()), (8, 8), count, fps, 80)
    assert sum(clip.durations(1000)) == pytest.approx(1000 * count / fps, abs=0.51)
    assert min(clip.durations(1000)) >= 8


def test_chroma_is_averaged() -> None:
    """Red and blue columns side by side: each colour sample is the mean of the two, and luma keeps them apart."""
    frame = np.zeros((4, 4, 3), np.uint8)
    frame[:, 0::2] = (255, 0, 0)
    frame[:, 1::2] = (0, 0, 255)
    y, cb, cr = to_planes(frame)
    assert np.unique(y[:, 0::2]).tolist() == [81] and np.unique(y[:, 1::2]).tolist() == [41]
    assert np.abs(cb.astype(int) - 165).max() <= 1, "of red 90 and blue 240"
    assert np.abs(cr.astype(int) - 175).max() <= 1, "of red 240 and blue 110"


def test_palette_of_few_colours_is_exact() -> None:
    colours = np.array([[0, 0, 0], [255, 255, 255], [200, 30, 40], [20, 180, 60]], np.uint8)
    frame = np.repeat(np.repeat(colours.reshape(2, 2, 3), 8, axis=0), 8, axis=1)
    palette = choose_palette(frame.reshape(-1, 3), 255)
    shown = palette[Ditherer(palette, (16, 16)).index(frame)]
    assert np.abs(shown.astype(int) - frame).max() <= 4


def test_dithering_keeps_the_mean_colour() -> None:
    palette = np.array([[0, 0, 0], [255, 255, 255], [128, 128, 128]], np.uint8)
    for level in (40, 64, 100, 200):
        shown = palette[Ditherer(palette, (64, 64)).index(np.full((64, 64, 3), level, np.uint8))]
        assert abs(float(shown.mean()) - level) < 30
        assert len(np.unique(shown)) == 2


def test_blue_noise_has_no_low_frequencies() -> None:
    noise = blue_noise()
    assert sorted(np.unique(noise)) == pytest.approx((np.arange(4096) + 0.5) / 4096)
    power = np.abs(np.fft.fft2(noise - noise.mean())) ** 2
    radius = np.hypot(*np.meshgrid(np.fft.fftfreq(64), np.fft.fftfreq(64)))
    assert power[(radius > 0) & (radius < 0.1)].mean() < 0.1 * power[radius > 0.3].mean()
