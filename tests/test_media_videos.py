"""Loops in every format: what is written is what is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from video_loops import LOSSLESS, NAMES, TEXT, loop, luma, psnr, write

from t2c_ext.media.frames import read_video
from t2c_ext.media.videos import write_video


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(48, 64), (47, 63), (9, 33)])
def test_round_trip(tmp_path: Path, name: str, size: tuple[int, int]) -> None:
    frames = loop(*size)
    written = write(tmp_path / name, frames)
    read = list(read_video(tmp_path / name))
    assert len(read) == len(frames)
    height, width = size
    if name == "a.mp4":
        assert read[0].shape == (height + height % 2, width + width % 2, 3)
        assert bool(written.notes) == bool(height % 2 or width % 2)
    else:
        assert read[0].shape == (*size, 3)
    for before, after in zip(frames, read, strict=True):
        if name in LOSSLESS:
            np.testing.assert_array_equal(after, before)
        else:
            assert psnr(luma(after[:height, :width]), luma(before)) > 30
    total = sum(file.stat().st_size for file in (tmp_path / name).iterdir()) if name == "frames" else None
    assert written.bytes == (total or (tmp_path / name).stat().st_size)
    assert [entry.name for entry in tmp_path.iterdir()] == [name], "nothing else is left in the folder"


@pytest.mark.parametrize("name", NAMES)
def test_one_frame(tmp_path: Path, name: str) -> None:
    frames = loop(count=1)
    write(tmp_path / name, frames)
    read = list(read_video(tmp_path / name))
    assert len(read) == 1 and psnr(read[0], frames[0]) > 26


@given(height=st.integers(1, 40), width=st.integers(1, 40), count=st.integers(1, 4), name=st.sampled_from(NAMES))
@settings(max_examples=40)
def test_any_size(tmp_path_factory: pytest.TempPathFactory, height: int, width: int, count: int, name: str) -> None:
    path = tmp_path_factory.mktemp("any") / name
    rng = np.random.default_rng(height * 41 + width)
    frames = list(rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8))
    write(path, frames)
    read = list(read_video(path))
    assert len(read) == count
    assert read[0].shape[0] - height in ((0, 1) if name == "a.mp4" else (0,))
    assert read[0].shape[1] - width in ((0, 1) if name == "a.mp4" else (0,))
    if name in LOSSLESS:
        np.testing.assert_array_equal(read, frames)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "colour", [(0, 0, 0), (255, 255, 255), (200, 30, 40), (20, 180, 60), (10, 50, 220), (128,) * 3]
)
def test_colours_survive(tmp_path: Path, name: str, colour: tuple[int, int, int]) -> None:
    frames = [np.full((32, 32, 3), colour, np.uint8)] * 2
    write(tmp_path / name, frames)
    for frame in read_video(tmp_path / name):
        assert np.abs(frame.astype(int) - colour).max() <= 4
    if name in ("a.mp4", "a.webm"):
        with av.open(str(tmp_path / name)) as container:
            plain = next(container.decode(video=0)).to_ndarray(format="rgb24")
        assert np.abs(plain.astype(int) - colour).max() <= 5, (
            "a decoder that is told nothing gets the colours right too"
        )


@pytest.mark.parametrize("name", NAMES)
def test_what_stands_still_stays_the_same(tmp_path: Path, name: str) -> None:
    write(tmp_path / name, loop(96, 128, 12))
    read = np.stack(list(read_video(tmp_path / name)))[:, :, :48]
    if name in ("a.mp4", "a.webm"):
        assert psnr(read[1:], np.broadcast_to(read[0], read[1:].shape)) > 55
        assert np.abs(read.astype(int) - read[0]).max() <= 12
    else:
        np.testing.assert_array_equal(read, np.broadcast_to(read[0], read.shape))


def test_mp4_seam_is_like_any_other_step(tmp_path: Path) -> None:
    """Thirty frames that turn around once: the step from the last to the first is as large as the others."""
    frames = loop(120, 160, 30)
    write(tmp_path / "a.mp4", frames)
    read = np.stack(list(read_video(tmp_path / "a.mp4"))).astype(np.float64)[:, :, 96:]
    steps = [np.abs(read[(number + 1) % 30] - read[number]).mean() for number in range(30)]
    assert steps[-1] / np.median(steps[:-1]) < 1.10


def test_mp4_is_ready_to_stream(tmp_path: Path) -> None:
    write(tmp_path / "a.mp4", loop(count=30))
    data = (tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert sum(packet.is_keyframe for packet in container.demux(stream) if packet.size) == 1


@pytest.mark.parametrize("name", [name for name in NAMES if name != "frames"])
@pytest.mark.parametrize(("fps", "count"), [(30.0, 30), (23.976, 24), (12.5, 10), (50.0, 25)])
def test_durations(tmp_path: Path, name: str, fps: float, count: int) -> None:
    write(tmp_path / name, loop(16, 16, count), fps=fps)
    if name in ("a.mp4", "a.webm"):
        with av.open(str(tmp_path / name)) as container:
            rate = container.streams.video[0].average_rate
            assert rate is not None and float(rate) == pytest.approx(fps, rel=1e-3)
            stamps = [float(frame.time) for frame in container.decode(video=0)]
            assert stamps[-1] == pytest.approx((count - 1) / fps, abs=0.002)
        return
    with Image.open(tmp_path / name) as image:
        total = 0.0
        for number in range(image.n_frames):
            image.seek(number)
            image.load()
            total += image.info["duration"]
        assert image.n_frames == count
        assert total == pytest.approx(1000 * count / fps, abs=10 if name == "a.gif" else 1)
        assert image.info.get("loop") == 0, "it plays for ever"


def test_quality_matters(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.webm", "a.webp"):
        sizes = [write(tmp_path / name, loop(), quality=quality).bytes for quality in (1, 50, 100)]
        assert sizes == sorted(sizes) and sizes[0] < sizes[2]


@pytest.mark.parametrize("name", NAMES)
def test_same_input_same_file(tmp_path: Path, name: str) -> None:
    contents = []
    for folder in ("one", "two"):
        path = tmp_path / folder / name
        write(path, loop(), text=TEXT)
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        contents.append([file.read_bytes() for file in files])
    assert contents[0] == contents[1]


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.webp", "a.apng", "frames"])
def test_frames_are_a_stream(tmp_path: Path, name: str) -> None:
    """No frame is asked for before the one before it was taken, and each pass makes each frame once."""
    made = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal made
        for frame in loop():
            made += 1
            yield frame

    write_video(tmp_path / name, frames, size=(48, 64), count=8, fps=25)
    assert made == 8
