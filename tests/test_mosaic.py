"""Several loops on one ground, in step."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.media.frames import read_video
from t2c_ext.media.mosaic import Tile, write_mosaic
from t2c_ext.media.videos import write_video

SIDE = 16


def _loop(path: Path, levels: list[int], side: int = SIDE) -> Path:
    """A loop of plain frames."""
    frames = [np.full((side, side, 3), level, np.uint8) for level in levels]
    write_video(path, lambda: iter(frames), size=(side, side), count=len(levels), fps=10)
    return path


def test_every_loop_goes_round_once_in_its_place(tmp_path: Path) -> None:
    """The shorter one stands for two frames each; what is beside the loops stays."""
    long = Tile(_loop(tmp_path / "long.apng", [10, 20, 30, 40]), 4, 2, 3, (SIDE, SIDE))
    short = Tile(_loop(tmp_path / "short.apng", [100, 200]), 2, 30, 3, (SIDE, SIDE))
    ground = np.full((24, 48, 3), 7, np.uint8)
    written = write_mosaic(tmp_path / "grid.apng", ground, [long, short], fps=10)
    frames = list(read_video(written.path))
    assert [int(frame[3, 2, 0]) for frame in frames] == [10, 20, 30, 40]
    assert [int(frame[18, 45, 0]) for frame in frames] == [100, 100, 200, 200]
    beside = np.ones((24, 48), bool)
    beside[3:19, 2:18] = beside[3:19, 30:46] = False
    assert all((frame[beside] == 7).all() for frame in frames) and (ground == 7).all()


def test_a_loop_of_another_size_is_shown_in_its_place(tmp_path: Path) -> None:
    tile = Tile(_loop(tmp_path / "large.apng", [50, 60], 2 * SIDE), 2, 0, 0, (SIDE, SIDE))
    frames = list(read_video(write_mosaic(tmp_path / "g.apng", np.zeros((20, 20, 3), np.uint8), [tile], fps=5).path))
    assert (frames[1][:SIDE, :SIDE] == 60).all() and (frames[1][SIDE:] == 0).all()


def test_what_cannot_move_is_said(tmp_path: Path) -> None:
    ground = np.zeros((20, 20, 3), np.uint8)
    with pytest.raises(UserError, match="no loop"):
        write_mosaic(tmp_path / "g.apng", ground, [], fps=5)
    tile = Tile(_loop(tmp_path / "two.apng", [1, 2]), 3, 0, 0, (SIDE, SIDE))
    with pytest.raises(UserError, match="fewer than 3 frames"):
        write_mosaic(tmp_path / "g.apng", ground, [tile], fps=5)
    assert not (tmp_path / "g.apng").exists()
