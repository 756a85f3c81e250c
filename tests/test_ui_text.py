"""The page's side "From text", on a tiny random model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("diffusers")

from tiny_pipelines import save_folder, tiny_components

from t2c_ext.motion.hints import to_json
from t2c_ext.types import Hints, Painted, RegionHint, Stage
from t2c_ext.ui import page
from t2c_ext.ui.handlers import Handlers
from t2c_ext.ui.studio import Studio

VALUES = {"prompt": "a river flowing left, night painting", "width": 64, "height": 64, "steps": 3, "frames": 5}


def test_a_prompt_becomes_a_picture_its_twin_and_a_loop(tmp_path: Path) -> None:
    model = save_folder(tiny_components("SD1"), tmp_path / "model")
    handlers = Handlers(Studio(tmp_path / "work", str(model)), page.addresses("file="))
    levels = np.zeros((64, 64), np.uint8)
    levels[32:] = 255
    painted = Hints(regions=(RegionHint("river", mask=Painted(levels)),))
    values = VALUES | {"hints": to_json(painted)}
    end = list(handlers.generate("", values))[-1]
    folder = handlers.studio.folder / end.id
    assert (folder / "loop.mp4").exists() and end.player is not None and end.strip is not None
    assert end.strip[Stage.TWIN].count("<img") == 2
    art = (folder / "art.png").stat().st_mtime_ns
    again = list(handlers.run(end.id, values | {"frames": 7}, Stage.LOOP))[-1]
    assert again.player is not None and "7 frames" in again.player
    assert (folder / "art.png").stat().st_mtime_ns == art, "the picture is not sampled again"
    same = list(handlers.generate(end.id, values | {"frames": 6}))[-1]
    assert same.id == end.id and (folder / "art.png").stat().st_mtime_ns == art, "nor where only its loop is another"
    loop = (folder / "loop.mp4").read_bytes()
    other = list(handlers.generate(end.id, values | {"seed": 5}))[-1]
    assert other.id != end.id and (handlers.studio.folder / other.id / "loop.mp4").exists()
    assert (folder / "loop.mp4").read_bytes() == loop, "another picture leaves the finished loop alone"
    assert "prompt is empty" in list(handlers.generate("", values | {"prompt": " "}))[-1].status
