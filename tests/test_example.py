"""The bundled example: it is what its script draws, and its truth fits its picture."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from t2c_ext.evaluate.flows import mean_direction
from t2c_ext.example import example, example_file
from t2c_ext.motion.hints import parse_hints

SCRIPT = Path(__file__).resolve().parent.parent / "examples" / "draw_example.py"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drawn")
    subprocess.run([sys.executable, str(SCRIPT), str(folder)], check=True)
    return folder


@pytest.mark.thorough
@pytest.mark.parametrize("name", ["art.png", "mask.png", "mask_clouds.png", "mask_river.png", "mask_waterfall.png"])
def test_the_script_draws_the_bundled_pictures(drawn: Path, name: str) -> None:
    """Up to what another release's rounding may change: a level in a few pixels."""
    with example_file(name) as path:
        bundled = cv2.imread(str(path), cv2.IMREAD_UNCHANGED).astype(int)
    again = cv2.imread(str(drawn / name), cv2.IMREAD_UNCHANGED).astype(int)
    assert again.shape == bundled.shape
    difference = np.abs(again - bundled)
    assert (difference > 2).mean() < 1e-3 and difference.mean() < 0.01


@pytest.mark.thorough
def test_the_script_writes_the_bundled_flow_and_words(drawn: Path) -> None:
    with example_file("flow_truth.npz") as path, np.load(path) as bundled, np.load(drawn / "flow_truth.npz") as again:
        np.testing.assert_allclose(again["flow"], bundled["flow"], atol=2e-3)
    with example_file("motion.json") as path:
        assert path.read_bytes() == (drawn / "motion.json").read_bytes()


def test_the_example_is_small_and_complete() -> None:
    valley = example()
    assert valley.picture.shape == (512, 768, 3) and valley.picture.dtype == np.uint8
    assert set(valley.masks) == {"clouds", "river", "waterfall"}
    assert valley.flow.shape == (512, 768, 2) and np.isfinite(valley.flow).all()
    assert not valley.flow[valley.mask == 0].any()
    with example_file("art.png") as path:
        assert sum(part.stat().st_size for part in path.parent.iterdir() if part.is_file()) < 1_500_000
    assert all(region in valley.motion for region in valley.masks)


@pytest.mark.parametrize(("region", "low", "high"), [("clouds", -1, 1), ("waterfall", 265, 275), ("river", 215, 280)])
def test_each_region_moves_as_the_words_say(region: str, low: float, high: float) -> None:
    valley = example()
    direction = mean_direction(valley.flow, valley.masks[region] > 0.5)
    assert direction is not None
    assert low <= (direction if direction < 359 else direction - 360) <= high


def test_the_river_runs_along_its_banks() -> None:
    """At the bank, hardly anything of the true flow points through it."""
    valley = example()
    smooth = cv2.GaussianBlur(valley.masks["river"], (0, 0), 6.0)
    normal = np.stack([cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)], axis=2)
    steep = np.linalg.norm(normal, axis=2)
    speed = np.linalg.norm(valley.flow, axis=2)
    rows = np.arange(512)[:, None]
    bank = (steep > 0.5 * steep.max()) & (speed > 0.1) & (rows < 480) & (rows > 300)
    through = np.abs((valley.flow * normal).sum(axis=2))[bank] / (steep * speed)[bank]
    assert np.count_nonzero(bank) > 500
    assert np.median(np.rad2deg(np.arcsin(np.clip(through, 0, 1)))) < 12


def test_the_union_is_the_largest_of_the_masks() -> None:
    valley = example()
    with example_file("mask.png") as path:
        union = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_allclose(union / 255, valley.mask, atol=1e-6)
    assert 0.3 < (valley.mask > 0.5).mean() < 0.5


def test_the_arrows_lie_in_the_regions_and_follow_the_true_flow() -> None:
    valley = example()
    hints = parse_hints(valley.hints)
    assert len(hints.arrows) >= 10
    for arrow in hints.arrows:
        column, row = int(arrow.start[0] * 768), int(arrow.start[1] * 512)
        assert valley.mask[row, column] > 0.5
        way = np.array([(arrow.end[0] - arrow.start[0]) * 768, (arrow.end[1] - arrow.start[1]) * 512]) / 30
        assert np.linalg.norm(way - valley.flow[row, column]) < 0.15
