"""Clips that lie in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.evaluate import evaluate, evaluate_file
from t2c_ext.media.videos import write_video

SIZE = (96, 128)


@pytest.fixture(scope="module")
def frames() -> list[np.ndarray]:
    """Crossed waves that run to the right, twice around in 16 frames.

    The pattern is its own mirror image above and below, so whatever pulls a flow estimate off a slanted stripe's
    direction cancels: what is left of an error in direction is the file's.
    """
    ys, xs = np.mgrid[: SIZE[0], : SIZE[1]] * (2 * np.pi / 32)
    tint = np.array([1.0, 0.8, 0.6])
    result = []
    for t in range(16):
        along = xs - t * 2 * np.pi / 8
        wave = np.sin(along + ys) + np.sin(along - ys)
        result.append(np.rint(128 + 50 * wave[..., None] * tint).astype(np.uint8))
    return result


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    Image.fromarray(np.full(SIZE, 255, np.uint8)).save(path)
    return path


def write(path: Path, frames: list[np.ndarray]) -> Path:
    write_video(path, lambda: iter(frames), size=frames[0].shape[:2], count=len(frames), fps=30, quality=90)
    return path


def test_a_lossless_clip_is_measured_like_its_frames(tmp_path: Path, frames: list[np.ndarray], mask: Path) -> None:
    still = tmp_path / "still.png"
    Image.fromarray(frames[0]).save(still)
    report = evaluate_file(write(tmp_path / "clip.apng", frames), image=still, mask=mask, angle=0)
    direct = evaluate(frames, still=frames[0], mask=np.ones(SIZE, np.float32), angle=0)
    assert report.encoded is False and report.file_bytes == (tmp_path / "clip.apng").stat().st_size
    assert report.seam_ratio == direct.seam_ratio and report.coherence == direct.coherence
    assert report.video_angle == direct.video_angle and report.repeats == 8


@pytest.mark.parametrize("ending", ["mp4", "webm", "gif", "webp"])
def test_a_lossy_clip_keeps_its_motion(tmp_path: Path, frames: list[np.ndarray], mask: Path, ending: str) -> None:
    report = evaluate_file(write(tmp_path / f"clip.{ending}", frames[:8]), mask=mask, angle=0)
    assert report.encoded is True and report.frames == 8
    assert report.video_angle_error is not None and report.video_angle_error < 0.5
    assert report.seam_ratio is not None and 0.7 < report.seam_ratio < 1.4
    assert report.last_repeats is False


def test_an_odd_size_is_compared_without_resizing(tmp_path: Path, frames: list[np.ndarray]) -> None:
    odd = [frame[:-1, :-1] for frame in frames[:8]]
    still, mask = tmp_path / "still.png", tmp_path / "mask.png"
    Image.fromarray(odd[0]).save(still)
    Image.fromarray(np.full(odd[0].shape[:2], 255, np.uint8)).save(mask)
    report = evaluate_file(write(tmp_path / "odd.mp4", odd), image=still, mask=mask)
    assert not any("still was resized" in note for note in report.notes)
    assert report.sharpness_lowest is not None and report.sharpness_lowest > 0.7


def test_what_is_no_clip_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        evaluate_file(tmp_path / "nothing.mp4")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(UserError):
        evaluate_file(tmp_path / "broken.mp4")


def test_pictures_of_several_sizes_are_no_clip(tmp_path: Path) -> None:
    for name, side in (("a.png", 32), ("b.png", 48)):
        Image.new("RGB", (side, 32)).save(tmp_path / name)
    with pytest.raises(UserError, match="frames of several sizes"):
        evaluate_file(tmp_path)


def test_a_broken_video_is_told_in_words(tmp_path: Path) -> None:
    (tmp_path / "broken.mp4").write_bytes(b"\0\0\0\x18ftypisom" + bytes(300))
    with pytest.raises(UserError, match=r"^cannot read .*broken\.mp4: [A-Za-z ]+$"):
        evaluate_file(tmp_path / "broken.mp4")


def test_a_picture_of_too_many_pixels_is_no_clip(tmp_path: Path) -> None:
    Image.new("1", (10_000, 9_000)).save(tmp_path / "large.png")
    with pytest.raises(UserError, match="megapixels"):
        evaluate_file(tmp_path / "large.png")
