"""Frames come out of a video with the colours that its planes say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from t2c_ext.media.frames import read_video
from t2c_ext.media.videos import write_video


@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_reading_neither_darkens_nor_tints(tmp_path: Path, name: str) -> None:
    """Grey steps 16 px wide: 220 levels of luma for 256 of grey leave rounding errors, but none to one side."""
    grey = np.repeat(np.arange(0, 256, 3, dtype=np.uint8), 16)
    frame = np.repeat(np.broadcast_to(grey, (32, len(grey)))[:, :, None], 3, axis=2)
    write_video(tmp_path / name, lambda: iter([frame]), size=frame.shape[:2], count=1, fps=25, quality=100)
    error = next(iter(read_video(tmp_path / name))).astype(float)[:, 3:-3] - frame[:, 3:-3]
    assert np.abs(error.mean(axis=(0, 1))).max() < 0.15, "truncation instead of rounding gives half a level"
    assert np.abs(error.mean(axis=(0, 1)) - error.mean()).max() < 0.1
