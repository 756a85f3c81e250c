"""What the weight-free segmenter takes for sky and water, on drawn scenes."""

from __future__ import annotations

import numpy as np
import pytest

from t2c_ext.region.segmenters.clusters import ClusterSegmenter
from t2c_ext.types import FloatArray

Colour = tuple[float, float, float]


def room(upper: Colour, lower_edge: Colour | None = None, size: int = 256) -> FloatArray:
    """Something dark before a plain backdrop that may change its colour on the way down."""
    y, x = np.mgrid[:size, :size] / size
    share = np.clip((y - 0.25) / 0.1, 0, 1)[..., None]
    backdrop = np.float64(upper) * (1 - share) + np.float64(lower_edge or upper) * share
    scene = backdrop * (1 - 0.05 * x[..., None])
    scene[(y > 0.55) | ((y > 0.42) & (abs(x - 0.5) < 0.3))] = [0.14, 0.11, 0.09]
    return np.clip(scene + np.random.default_rng(1).normal(0, 0.015, scene.shape), 0, 1).astype(np.float32)


def sky_score(picture: FloatArray) -> float:
    (region,) = ClusterSegmenter().segment(picture, ["sky"])
    return region.score


@pytest.mark.parametrize("wall", [(0.86, 0.8, 0.68), (0.78, 0.72, 0.62), (0.9, 0.85, 0.55)], ids=str)
def test_a_wall_of_one_warm_tint_is_no_sky(wall: Colour) -> None:
    picture = room(wall)
    assert sky_score(picture) < 0.5
    assert ClusterSegmenter().propose(picture)[0].name.startswith(("possible sky", "region 1"))


@pytest.mark.parametrize("sky", [(0.6, 0.75, 0.92), (0.8, 0.82, 0.86)], ids=str)
def test_blue_and_grey_of_the_same_shape_are_sky(sky: Colour) -> None:
    assert sky_score(room(sky)) > 0.5


def test_a_warm_sky_that_changes_its_colour_on_the_way_down_is_sky() -> None:
    assert sky_score(room((0.8, 0.6, 0.45), (0.95, 0.85, 0.55))) > 0.5


@pytest.mark.parametrize(("lying", "found"), [(True, True), (False, False)], ids=["lying", "upright"])
def test_rough_and_cool_is_water_only_where_its_texture_lies(lying: bool, found: bool) -> None:
    size = 256
    y, x = np.mgrid[:size, :size] / size
    scene = room((0.6, 0.75, 0.92)).astype(np.float64)
    along = y if lying else x
    ripples = np.float64([0.25, 0.4, 0.55]) + 0.12 * np.sin(along * 160 + 2 * np.sin((x + y) * 20))[..., None]
    scene[y > 0.55] = ripples[y > 0.55]
    (region,) = ClusterSegmenter().segment(scene.astype(np.float32), ["river"])
    assert (region.score > 0.5) is found
