"""The projection alone: fields whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from t2c_ext.motion.axis import shape_axis, texture_axis
from t2c_ext.motion.grid import make_grid, width_of
from t2c_ext.motion.projection import Projection, wall_vectors

FAR = 1e6


def strict(coverage: np.ndarray, length: float = FAR, resistance: float = FAR) -> Projection:
    shape = coverage.shape
    return Projection(coverage, np.ones(shape), np.full(shape, resistance), np.full(shape, length), np.ones(shape))


def test_a_closed_basin_cannot_flow() -> None:
    coverage = np.zeros((30, 40))
    coverage[5:25, 5:35] = 1
    guide = np.broadcast_to([1.0, 0.5], (30, 40, 2)).astype(np.float64)
    assert np.abs(strict(coverage).apply(guide)[coverage > 0]).max() < 1e-3


def test_a_rotation_keeps_turning_and_a_source_dies() -> None:
    y, x = np.mgrid[0:41, 0:41] - 20.0
    coverage = (np.hypot(x, y) < 16).astype(np.float64)
    inside = np.hypot(x, y) < 12
    turning = np.stack([y, -x], axis=-1)
    found = strict(coverage).apply(turning)
    assert np.abs(found - turning)[inside].max() < 1.5
    assert np.abs(strict(coverage).apply(np.stack([x, y], axis=-1))[inside]).max() < 0.05


@settings(max_examples=20)
@given(st.integers(0, 2**31), st.floats(1, 30))
def test_longer_reach_means_less_divergence(seed: int, length: float) -> None:
    random = np.random.default_rng(seed)
    guide = random.normal(size=(16, 18, 2))
    coverage = np.ones((16, 18))

    def divergence(reach: float) -> float:
        across_x, across_y = strict(coverage, reach).faces(guide)
        return float(np.square(np.diff(across_x, axis=1) + np.diff(across_y, axis=0)).sum())

    assert divergence(2 * length) < divergence(length) < divergence(0.01)


def test_walls_sum_to_the_openings() -> None:
    coverage = np.zeros((20, 20))
    coverage[8:14, :] = 1
    walls = wall_vectors(coverage, np.ones((20, 20)))
    assert walls[..., 0].sum() == 0 and np.abs(walls[..., 1]).sum() == pytest.approx(40)
    assert walls[8, 5].tolist() == [0, -1] and walls[13, 5].tolist() == [0, 1]


def test_width_of_a_band_and_of_the_open() -> None:
    band = np.zeros((160, 160))
    band[60:90] = 1
    assert 25 <= width_of(band)[75, 80] <= 36
    assert width_of(np.ones((160, 160))).min() > 160
    boat = np.ones((160, 160))
    boat[70:90, 60:100] = 0
    assert width_of(boat).min() > 160


def test_grid_of_a_faint_mask_still_covers() -> None:
    grid = make_grid([np.full((100, 100), 0.01, np.float32)])
    assert grid.coverage.max() == 1 and np.allclose(grid.shares.sum(axis=0), 1)


@pytest.mark.parametrize("angle", [0, 30, 90, 135])
def test_axes_of_stripes_and_of_a_bar(angle: int) -> None:
    y, x = np.mgrid[0:160, 0:160] - 80.0
    radians = np.deg2rad(angle)
    across = x * np.sin(radians) + y * np.cos(radians)
    along = x * np.cos(radians) - y * np.sin(radians)
    stripes = np.repeat((0.5 + 0.4 * np.sin(across * 0.5))[..., None], 3, axis=2).astype(np.float32)
    texture = texture_axis(stripes, np.ones((160, 160), np.float32))
    shape = shape_axis(((np.abs(across) < 8) & (np.abs(along) < 60)).astype(np.float32))
    for axis in (texture, shape):
        assert abs((axis.angle - angle + 90) % 180 - 90) < 2
        assert axis.coherence > 0.8
    assert texture_axis(np.full((9, 9, 3), 0.5, np.float32), np.ones((9, 9), np.float32)).coherence == 0
