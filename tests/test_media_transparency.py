"""Opacity travels where the format has it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from video_loops import CLEAR, loop, psnr, write

from t2c_ext.media.frames import read_video


@pytest.mark.parametrize("name", CLEAR)
def test_transparency(tmp_path: Path, name: str) -> None:
    frames = loop(32, 48, 4)
    alpha = np.ones((32, 48), np.float32)
    alpha[:12] = 0
    alpha[12:16, :] = 0.25
    write(tmp_path / name, frames, alpha=alpha)
    for number, opacity in enumerate(opacities(tmp_path / name)):
        expected = (alpha >= 0.5).astype(np.float32) if name == "a.gif" else alpha
        assert np.abs(opacity / 255 - expected).mean() < 0.02, number
        assert opacity[:10].max() <= 4 and opacity[20:].min() >= 250
    assert number == 3
    for before, after in zip(frames, read_video(tmp_path / name), strict=True):
        assert psnr(after[18:], before[18:]) > 26


def opacities(path: Path) -> Iterator[np.ndarray]:
    if path.suffix == ".webm":
        with av.open(str(path)) as container:
            decoder = av.CodecContext.create("libvpx-vp9", "r")
            for packet in container.demux(video=0):
                for frame in decoder.decode(packet if packet.size else None):
                    plane = frame.planes[3]
                    yield np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    elif path.is_dir():
        for file in sorted(path.iterdir()):
            with Image.open(file) as image:
                yield np.asarray(image.convert("RGBA"))[..., 3]
    else:
        with Image.open(path) as image:
            for number in range(image.n_frames):
                image.seek(number)
                yield np.asarray(image.convert("RGBA"))[..., 3]


def test_mp4_puts_transparency_on_white_and_says_so(tmp_path: Path) -> None:
    alpha = np.zeros((32, 32), np.float32)
    alpha[16:] = 1
    written = write(tmp_path / "a.mp4", [np.zeros((32, 32, 3), np.uint8)] * 2, alpha=alpha)
    frame = next(iter(read_video(tmp_path / "a.mp4")))
    assert frame[:12].min() > 245 and frame[20:].max() < 10
    assert any("transparency" in note for note in written.notes)
