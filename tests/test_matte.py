"""The mask's edge: cell detection, feather, and following the picture."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from t2c_ext.evaluate.masks import boundary_f, intersection_over_union
from t2c_ext.region.matte import feathered, refine_matte, soften
from t2c_ext.region.pixelation import cell_of
from t2c_ext.settings import RegionSettings
from t2c_ext.types import FloatArray

AUTO = RegionSettings()
OFF = RegionSettings(matte="off")
ON = RegionSettings(matte="on")
PHOTOS = ("photo-0000023", "photo-0003020", "photo-0004764", "photo-IMG_6036")


def disc(size: int, x: float, y: float, radius: float) -> np.ndarray:
    rows, columns = np.indices((size, size))
    return np.hypot(columns - x, rows - y) <= radius


def blocks(region: np.ndarray, cell: int) -> FloatArray:
    """The region as a network would give it: one value per cell."""
    height, width = region.shape
    small = cv2.resize(region.astype(np.float32), (width // cell, height // cell), interpolation=cv2.INTER_AREA)
    return cv2.resize((small >= 0.5).astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)


def painted(region: np.ndarray, noise: float = 0.03) -> FloatArray:
    """A blue region on a brown ground, grainy."""
    grain = np.random.default_rng(5).normal(0, noise, (*region.shape, 1)).astype(np.float32)
    colours = np.where(region[..., None], np.float32([0.2, 0.4, 0.8]), np.float32([0.5, 0.3, 0.1]))
    return np.clip(colours + grain, 0, 1).astype(np.float32)


def sample(folder: Path) -> tuple[FloatArray, FloatArray]:
    picture = np.asarray(Image.open(folder / "photo.jpg").convert("RGB"), np.float32) / 255
    mask = np.asarray(Image.open(folder / "mask.png").convert("L"), np.float32) / 255
    return picture, mask


def distance_to_edge(region: np.ndarray) -> np.ndarray:
    inwards = cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    outwards = cv2.distanceTransform((~region).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.maximum(inwards, outwards)


@pytest.mark.parametrize("cell", [8, 16, 32])
def test_the_side_of_the_blocks_is_found(cell: int) -> None:
    assert cell_of(blocks(disc(512, 250, 260, 150), cell) >= 0.5) == cell


def test_a_free_outline_and_a_rectangle_have_no_blocks() -> None:
    box = np.zeros((512, 512), bool)
    box[100:300, 50:400] = True
    assert cell_of(disc(512, 250, 260, 150)) is None
    assert cell_of(box) is None
    assert cell_of(np.zeros((512, 512), bool)) is None
    assert cell_of(np.ones((1, 1), bool)) is None


def test_an_attention_mask_has_the_blocks_of_the_network(pictures: Path) -> None:
    mask = np.asarray(Image.open(pictures / "twin-waterfall" / "attention_mask.png").convert("L"))
    assert cell_of(mask > 127) == 16


def test_the_feather_is_a_smooth_ramp_about_the_edge() -> None:
    region = np.zeros((5, 10), bool)
    region[:, 5:] = True
    # centres lie 0.5, 1.5 ... pixels from the edge; smoothstep of 0.5 + 0.5 * distance / 2
    expected = [0, 0, 0, 0.04296875, 0.31640625, 0.68359375, 0.95703125, 1, 1, 1]
    np.testing.assert_allclose(feathered(region, 2.0)[2], expected, atol=2e-3)
    np.testing.assert_array_equal(feathered(region, 0.0), region.astype(np.float32))


def test_a_soft_mask_keeps_its_softness() -> None:
    ramp = np.tile(np.clip((np.arange(64, dtype=np.float32) - 20) / 24, 0, 1), (64, 1))
    np.testing.assert_array_equal(soften(ramp, 1.5), ramp)


@given(
    x=st.integers(170, 340),
    y=st.integers(170, 340),
    radius=st.integers(90, 150),
    cell=st.sampled_from([8, 16, 32]),
)
@settings(max_examples=10)
def test_blocks_become_the_true_edge_and_nothing_leaks(x: int, y: int, radius: int, cell: int) -> None:
    truth = disc(512, x, y, radius)
    given_mask = blocks(truth, cell)
    matte = refine_matte(painted(truth), given_mask, AUTO)
    assert intersection_over_union(matte, truth.astype(np.float32)) > 0.985
    assert boundary_f(matte, truth.astype(np.float32), 0.003) > 0.95
    far = distance_to_edge(given_mask >= 0.5) > cell + 2 * AUTO.feather
    np.testing.assert_array_equal(matte[far], given_mask[far])
    assert matte.dtype == np.float32
    assert matte.min() >= 0
    assert matte.max() <= 1


@pytest.mark.parametrize("name", PHOTOS)
def test_the_edge_of_a_photograph_comes_back(pictures: Path, name: str) -> None:
    picture, truth = sample(pictures / name)
    coarse = blocks(truth >= 0.5, 32)
    matte = refine_matte(picture, coarse, AUTO)
    assert boundary_f(matte, truth, 0.004) > boundary_f(coarse, truth, 0.004)
    assert intersection_over_union(matte, truth) > intersection_over_union(coarse, truth) - 0.005


def test_a_clean_edge_stays_in_its_place(pictures: Path) -> None:
    picture, truth = sample(pictures / "photo-0003020")
    assert boundary_f(refine_matte(picture, truth, AUTO), truth, 0.001) == 1
    assert boundary_f(refine_matte(picture, truth, ON), truth, 0.004) > 0.99
    hard = (truth >= 0.5).astype(np.float32)
    np.testing.assert_array_equal(refine_matte(picture, hard, AUTO) >= 0.5, hard >= 0.5)


def test_off_moves_nothing() -> None:
    truth = disc(256, 120, 130, 70)
    coarse = blocks(truth, 16)
    np.testing.assert_array_equal(refine_matte(painted(truth), coarse, OFF) >= 0.5, coarse >= 0.5)


def test_a_sliver_of_rock_is_left_out() -> None:
    fall = np.zeros((512, 512), bool)
    fall[170:, 180:330] = True
    with_rock = np.zeros((512, 512), np.float32)
    with_rock[160:, 176:336] = 1
    picture = painted(fall)
    matte = refine_matte(picture, with_rock, ON, cell=16.0)
    sliver = (with_rock > 0.5) & ~fall
    assert (matte[sliver] > 0.5).mean() < 0.05
    assert (matte[fall] > 0.5).mean() > 0.99


def test_a_rock_smaller_than_two_cells_stays_out() -> None:
    truth = disc(512, 256, 256, 180) & ~disc(512, 256, 256, 22)
    matte = refine_matte(painted(truth), blocks(truth, 16), AUTO)
    assert matte[246:266, 246:266].max() == 0


def test_without_anything_to_follow_the_steps_are_only_smoothed() -> None:
    coarse = blocks(disc(512, 250, 260, 150), 16)
    matte = refine_matte(np.full((512, 512, 3), 0.5, np.float32), coarse, AUTO)
    assert intersection_over_union(matte, coarse) > 0.95
    assert cell_of(matte >= 0.5) is None


@pytest.mark.parametrize("shape", [(1, 1), (3, 200), (64, 64), (97, 131)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_masks_of_any_size_stay_so(shape: tuple[int, int], value: float) -> None:
    picture = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    mask = np.full(shape, value, np.float32)
    for choice in (AUTO, ON, OFF):
        np.testing.assert_array_equal(refine_matte(picture, mask, choice), mask)


def test_large_pictures_give_the_same_edge() -> None:
    truth = disc(512, 250, 260, 150)
    large = np.kron(truth, np.ones((4, 4), bool))
    matte = refine_matte(painted(large), blocks(large, 64), AUTO)
    assert boundary_f(matte, large.astype(np.float32), 0.003) > 0.95
