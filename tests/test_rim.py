"""A region's edge is no line: where the still is a mix of inside and outside, every frame is that mix."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from t2c_ext.loop.render import render_loop
from t2c_ext.loop.rim import find_rim
from t2c_ext.settings import LoopSettings

SIZE, EDGE = 192, 64
INSIDE, OUTSIDE = 0.8, 0.2


def _share(width: float, size: int = SIZE) -> np.ndarray:
    """float32 [size]: the outside's share at each column of an edge that is `width` columns wide around `EDGE`."""
    return np.clip(0.5 - (np.arange(size) + 0.5 - EDGE) / max(width, 1e-3), 0, 1).astype(np.float32)


def _plain(width: float, size: int = SIZE) -> np.ndarray:
    row = INSIDE + (OUTSIDE - INSIDE) * _share(width, size)
    return np.repeat(np.broadcast_to(row, (size, size))[..., None], 3, axis=2).astype(np.float32)


def _mask(column: int, size: int = SIZE) -> np.ndarray:
    mask = np.zeros((size, size), np.float32)
    mask[:, column:] = 1
    return mask


def _frames(picture: np.ndarray, mask: np.ndarray, angle: float, **settings: object) -> np.ndarray:
    way = np.float32([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    flow = np.where(mask[..., None] > 0, way, 0).astype(np.float32)
    chosen = LoopSettings(frames=24, **settings)
    return np.stack(list(render_loop(picture, mask, flow, chosen, seed=3).frames()))


@pytest.mark.parametrize("angle", [0.0, 90.0, 180.0, 60.0])
@pytest.mark.parametrize("structure", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("width", "column"), [(0, EDGE), (3, EDGE - 1), (6, EDGE - 3), (6, EDGE - 1), (6, EDGE + 1)])
def test_one_colour_beside_another_stays_what_it_is(width: float, column: int, structure: float, angle: float) -> None:
    picture = _plain(width)
    frames = _frames(picture, _mask(column), angle, structure=structure)
    off = np.abs(frames.astype(int) - np.rint(picture * 255).astype(int))
    assert off.max() <= 2, (off.max(), np.argwhere(off == off.max())[0])


@pytest.mark.parametrize("start_still", [False, True])
def test_a_rim_of_texture_is_no_brighter_and_no_darker_than_the_still(start_still: bool) -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(1).random((SIZE, SIZE), np.float32), (0, 0), 1.0) - 0.5
    share = _share(6)
    inside = INSIDE + 0.3 * noise
    picture = np.repeat((inside + share * (OUTSIDE - inside))[..., None], 3, axis=2).astype(np.float32)
    mask = _mask(EDGE - 2)
    frames = _frames(picture, mask, 90.0, start_still=start_still).astype(np.float32)
    rim = np.s_[8:-8, EDGE - 2 : EDGE + 6]
    still = picture[..., 0] * 255
    # column by column: a line of another brightness would be seen
    shown, own = frames[..., 0][(slice(None), *rim)].mean(axis=1), still[rim].mean(axis=0)
    assert np.abs(shown - own).max() < 6
    reach = np.ones((9, 9), np.uint8)
    low, high = cv2.erode(still, reach), cv2.dilate(still, reach)
    beyond = np.maximum(frames[..., 0] - high, low - frames[..., 0])[(slice(None), *rim)]
    assert beyond.max() < 12
    assert np.array_equal(frames[..., 0][:, :, : EDGE - 2], np.repeat(np.rint(still)[None, :, : EDGE - 2], 24, axis=0))
    moved = frames[..., 0].std(axis=0)
    assert moved[8:-8, EDGE + 2 : EDGE + 6].mean() > 0.6 * moved[8:-8, EDGE + 20 : -20].mean()


def test_how_much_of_a_pixel_is_the_outside() -> None:
    width, size = 6, 512
    rim = find_rim(_plain(width, size), _mask(EDGE - 3, size))
    found = np.zeros((size, size), np.float32)
    found[rim.row, rim.column] = rim.outside
    edge = slice(EDGE - 3, EDGE + 3)
    assert found[256, edge] == pytest.approx(_share(width, size)[edge], abs=0.03)
    assert not found[:, EDGE + 4 :].any() and not found[:, : EDGE - 3].any()
    assert rim.offset == pytest.approx(rim.outside[:, None] * (OUTSIDE - INSIDE) * np.ones(3), abs=0.02)


def test_water_up_to_the_edge_and_whole_pictures_have_no_mixed_rim() -> None:
    noise = cv2.GaussianBlur(np.random.default_rng(2).random((SIZE, SIZE, 3), np.float32), (0, 0), 1.0)
    assert find_rim(noise, _mask(EDGE)).row.size < 0.02 * SIZE * 8
    assert find_rim(_plain(6), np.ones((SIZE, SIZE), np.float32)).row.size == 0
    assert find_rim(_plain(0), _mask(EDGE)).row.size == 0


@pytest.mark.parametrize(("grain", "least", "most"), [(0.02, 0.95, 1.0), (0.06, 0.0, 0.6)])
def test_a_broad_spot_is_no_mix_where_the_region_may_look_like_that(grain: float, least: float, most: float) -> None:
    size, spot = 512, np.s_[242:270, EDGE : EDGE + 7]
    noise = cv2.GaussianBlur(np.random.default_rng(4).standard_normal((size, size)).astype(np.float32), (0, 0), 1.5)
    row = 0.6 + grain * noise / noise.std()
    row[:, :EDGE] = row[spot] = 0.4
    picture = np.repeat(row[..., None], 3, axis=2).astype(np.float32)
    rim = find_rim(picture, _mask(EDGE, size))
    found = np.zeros((size, size), np.float32)
    found[rim.row, rim.column] = rim.outside
    assert least <= found[spot].mean() <= most
    assert found[20:220].mean() < 0.01
