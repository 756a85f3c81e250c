"""Videos close, and what stands still in them does."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

from t2c_ext.errors import UserError
from t2c_ext.media.codecs import TAIL, quantiser_of, quantisers
from t2c_ext.media.frames import read_video
from t2c_ext.media.planes import PlaneMaker, mean_change, to_planes
from t2c_ext.media.videos import write_video

COUNT = 32
SIZE = (96, 512)
EDGE = 279


def drifting(contrast: float) -> tuple[list[np.ndarray], np.ndarray]:
    """A loop whose right part drifts by a pixel per frame and comes around once; and its mask, 55 % still."""
    rng = np.random.default_rng(0)
    coarse = gaussian_filter(rng.normal(size=(SIZE[0], COUNT, 3)), (3, 3, 0), mode="wrap")
    grain = gaussian_filter(rng.normal(size=(SIZE[0], COUNT, 3)), (0.7, 0.7, 0), mode="wrap")
    pattern = np.tile(coarse / coarse.std() + 0.3 * grain / grain.std(), (1, SIZE[1] // COUNT, 1)) * contrast
    still = gaussian_filter(rng.normal(size=(*SIZE, 3)), (1.5, 1.5, 0)) * 200
    mask = np.zeros(SIZE, np.float32)
    mask[:, EDGE:] = 1
    frames = []
    for number in range(COUNT):
        moving = 140 + np.roll(pattern, number, axis=1)
        frame = np.where(mask[:, :, None] > 0, moving, 110 + still)
        frames.append(np.rint(np.clip(frame, 0, 255)).astype(np.uint8))
    return frames, mask


def write(path: Path, frames: list[np.ndarray], mask: np.ndarray | None) -> np.ndarray:
    """The decoded frames."""
    write_video(path, lambda: iter(frames), size=SIZE, count=len(frames), fps=30, mask=mask)
    return np.stack(list(read_video(path)))


def seam(frames: np.ndarray, mask: np.ndarray) -> float:
    steps = [np.abs(frames[t].astype(int) - frames[t - 1])[mask > 0].mean() for t in range(len(frames))]
    return float(steps[0] / np.median(steps[1:]))


@pytest.mark.parametrize("contrast", [1.0, 3.0, 12.0, 40.0])
def test_mp4_closes_however_quiet_it_is(tmp_path: Path, contrast: float) -> None:
    frames, mask = drifting(contrast)
    assert seam(np.stack(frames), mask) == pytest.approx(1, abs=0.05)
    assert seam(write(tmp_path / "a.mp4", frames, mask), mask) < 1.10


@pytest.mark.parametrize("contrast", [3.0, 40.0])
def test_mp4_stands_still_up_to_the_edge(tmp_path: Path, contrast: float) -> None:
    frames, mask = drifting(contrast)
    still = write(tmp_path / "a.mp4", frames, mask)[:, :, :EDGE].astype(float)
    change = still - still[0]
    assert (np.abs(change).max(axis=(0, 3)) > 12).mean() < 0.00005
    assert 10 * np.log10(255**2 / max(np.mean(change[1:] ** 2), 1e-9)) > 55


def test_colour_does_not_bleed_over_the_edge() -> None:
    """Red and blue flicker beside an edge in the middle of a colour sample; left of it nothing may change."""
    frames = [np.full((8, 16, 3), 90, np.uint8) for _ in range(2)]
    frames[0][:, 7:], frames[1][:, 7:] = (255, 0, 0), (0, 0, 255)
    mask = np.zeros((8, 16), np.float32)
    mask[:, 7:] = 1
    plain, kept = PlaneMaker(), PlaneMaker(mask)
    before, after = ([maker(frame) for frame in frames] for maker in (plain, kept))
    assert (before[0][1][:, 3] != before[1][1][:, 3]).all(), "sample 3 holds columns 6 and 7"
    for plane in (1, 2):
        np.testing.assert_array_equal(after[0][plane][:, :5], after[1][plane][:, :5])
        np.testing.assert_array_equal(after[0][plane][:, :4], 128)
        np.testing.assert_array_equal(after[1][plane][:, 5:], before[1][plane][:, 5:])
    np.testing.assert_array_equal(after[1][0], to_planes(frames[1])[0])


def test_change_is_measured_where_something_changes() -> None:
    first = np.zeros((40, 40), np.uint8)
    second = first.copy()
    assert mean_change(first, second) == 0
    second[:16, :16] = 3
    second[:8, 16:32] = 2
    assert mean_change(first, second) == pytest.approx((3 + 1) / 2)


@example(change=5e-324, quality=80, count=60)
@given(change=st.floats(0, 60), quality=st.integers(1, 100), count=st.integers(1, 200))
def test_quantisers_only_fall_towards_the_seam(change: float, quality: int, count: int) -> None:
    chosen = quantisers(change, quality)
    assert 0 <= chosen.key <= chosen.last <= chosen.main <= quantiser_of(quality)
    values = [chosen.at(number, count) for number in range(1, count)]
    assert values == sorted(values, reverse=True)
    assert all(value == chosen.main for value in values[: max(0, count - 1 - TAIL)])
    if count >= 4:
        assert values[-1] == chosen.last


def test_a_lively_clip_needs_no_finer_end_and_a_quiet_one_does() -> None:
    lively, quiet = quantisers(12, 80), quantisers(1.25, 80)
    assert (lively.main, lively.last, lively.key) == (15, 15, 9)
    assert (quiet.main, quiet.last) == (12, 0), "steps of 2.5 and 0.625 levels"
    assert quantisers(0, 80).main == 15


def test_players_know_the_kind_of_stream(tmp_path: Path) -> None:
    frames, mask = drifting(12.0)
    write(tmp_path / "a.mp4", frames, mask)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.profile in ("High", "Main") and stream.codec_context.pix_fmt == "yuv420p"
        assert not stream.codec_context.has_b_frames
        packets = [packet for packet in container.demux(stream) if packet.size]
    assert [packet.is_keyframe for packet in packets] == [True] + [False] * (COUNT - 1)
    times = [packet.pts for packet in packets]
    assert times[0] == 0 and len(set(np.diff(times))) == 1, "one frame after another, at a constant rate"


def test_a_mask_of_another_size_is_refused(tmp_path: Path) -> None:
    frames, mask = drifting(3.0)
    with pytest.raises(UserError, match="mask"):
        write(tmp_path / "a.mp4", frames, mask[:-1])
    assert list(tmp_path.iterdir()) == []
