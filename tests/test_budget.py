"""What memory does not hold is refused before the work, with the size that would do."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.loop import budget
from t2c_ext.loop.budget import PASSED, bytes_needed, check_masks, check_memory, fitting_share
from t2c_ext.settings import LoopSettings
from t2c_ext.types import CompactPicture, Picture

GB = 1_000_000_000
EIGHTY = (7300, 10950)


def _part(share: float) -> np.ndarray:
    moving = np.zeros(EIGHTY, np.bool_)
    side = share**0.5
    moving[: int(EIGHTY[0] * side), : int(EIGHTY[1] * side)] = True
    return moving


def test_a_twentieth_of_eighty_megapixels_is_within_four_gigabytes() -> None:
    check_memory(_part(0.05), LoopSettings(), 4 * GB)


def test_half_of_eighty_megapixels_is_refused_with_a_size_that_does() -> None:
    with pytest.raises(UserError, match=r"10950x7300.*make it") as refused:
        check_memory(_part(0.5), LoopSettings(), 4 * GB)
    assert "\n" not in str(refused.value)
    found = re.search(r"make it (\d+)x(\d+)", str(refused.value))
    assert found is not None
    width, height = int(found[1]), int(found[2])
    moving = np.zeros((height, width), np.bool_)
    moving[: int(height * 0.5**0.5), : int(width * 0.5**0.5)] = True
    check_memory(moving, LoopSettings(), 4 * GB)
    assert width > 3000


def test_small_pictures_are_never_refused() -> None:
    check_memory(np.ones((2048, 2048), np.bool_), LoopSettings(), 1)


def test_masks_of_another_size_count_as_those_of_the_picture() -> None:
    with pytest.raises(UserError, match="10950x7300"):
        check_masks([np.ones((73, 110), np.float32)], EIGHTY, LoopSettings())
    check_masks([np.pad(np.ones((13, 20), np.float32), ((10, 50), (10, 80)))], EIGHTY, LoopSettings())


def test_other_ways_of_rendering_work_on_all_of_the_picture() -> None:
    with pytest.raises(UserError):
        check_memory(_part(0.05), replace(LoopSettings(), kernel="splat"), 4 * GB)


@pytest.mark.parametrize("renderer", ["network", "paper"])
def test_the_video_network_says_before_the_work_what_it_would_take(
    renderer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    settings = replace(LoopSettings(), renderer=renderer)
    monkeypatch.setattr(budget, "available", lambda: 8 * GB)
    with pytest.raises(UserError, match="video network takes") as refused:
        check_masks([np.ones((73, 110), np.float32)], EIGHTY, settings, "cpu")
    found = re.search(r"make it (\d+)x(\d+)", str(refused.value))
    assert found is not None and int(found[1]) > 2000
    check_memory(np.ones((int(found[2]), int(found[1])), np.bool_), settings, device="cpu")
    monkeypatch.setattr(budget, "available", lambda: 1 * GB)
    check_memory(np.ones((512, 512), np.bool_), settings, device="cpu")


@pytest.mark.parametrize("kind", ["mp4", "webm", "gif", "webp", "apng", "png"])
def test_the_size_that_would_do_is_the_largest(kind: str) -> None:
    area, worked_on = 60_000_000, 40_000_000
    share = fitting_share(area, worked_on, kind, 2 * GB)
    assert bytes_needed(int(area * share**2), int(worked_on * share**2), kind) <= 2 * GB
    wider = share * 1.2
    assert bytes_needed(int(area * wider**2), int(worked_on * wider**2), kind) > 2 * GB


def test_a_compact_picture_is_the_picture_in_eight_bits() -> None:
    levels = np.random.default_rng(0).integers(0, 256, (40, 30, 3), np.uint8)
    rgb = (levels / np.float32(255)).astype(np.float32)
    plain, compact = Picture(rgb, infotext="seed: 1"), CompactPicture(rgb, infotext="seed: 1")
    assert np.array_equal(compact.rgb, rgb)
    assert np.array_equal(compact.levels, levels) and np.array_equal(plain.levels, levels)
    assert compact.size == plain.size == (40, 30)
    other = replace(compact, infotext="")
    assert isinstance(other, CompactPicture) and np.array_equal(other.levels, levels)


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory as Linux does")
def test_a_large_picture_of_which_little_moves_takes_little(tmp_path: Path) -> None:
    """Twelve megapixels, a fiftieth of which moves; all of it would take more than 2 GB."""
    size = (3000, 4000)
    row = np.random.default_rng(1).integers(60, 200, (1, size[1], 3), np.uint8)
    Image.fromarray(np.repeat(row, size[0], axis=0)).save(tmp_path / "a.png", compress_level=1)
    mask = np.zeros(size, np.uint8)
    mask[1400:1800, 1700:2300] = 255
    Image.fromarray(mask).save(tmp_path / "m.png", compress_level=1)
    # by the program's own account: what the parent counts of a child begins with the parent's memory
    counted = (
        "import sys; from t2c_ext.cli.parser import main; main(sys.argv[1:]); print(open('/proc/self/status').read())"
    )
    command = [sys.executable, "-c", counted, "animate", str(tmp_path / "a.png"), "--mask", str(tmp_path / "m.png")]
    rest = ["--frames", "2", "--motion", "water flowing right", "-o", str(tmp_path / "loop.mp4")]
    done = subprocess.run([*command, *rest], check=True, capture_output=True, text=True)
    assert (tmp_path / "loop.mp4").exists()
    peak = re.search(r"VmHWM:\s+(\d+) kB", done.stdout)
    assert peak is not None and int(peak[1]) * 1024 < 1.3 * GB, peak


def test_a_camera_takes_its_part_of_the_whole_picture() -> None:
    area, worked_on = 20_000_000, 1_000_000
    still, moved = (bytes_needed(area, worked_on, "mp4", camera) for camera in (False, True))
    assert moved - still >= PASSED * area
    assert fitting_share(area, worked_on, "mp4", still, camera=True) < 1
