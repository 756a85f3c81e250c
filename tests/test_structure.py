"""Large shapes stay while texture travels, in as many cycles as fit; and how that is measured."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest

from t2c_ext.evaluate.structure import StructureMeter
from t2c_ext.extents import to_bytes, whole_of
from t2c_ext.loop.blend import local_mean
from t2c_ext.loop.cycles import LAGS, SHIFT, fitting_cycles, given_cycles, takes
from t2c_ext.loop.gather import prepare
from t2c_ext.loop.inflow import erode
from t2c_ext.loop.render import render_loop
from t2c_ext.loop.structure import FAINTEST, STRONGEST, USUAL, held_structure, split, usual_structure
from t2c_ext.settings import LoopSettings
from t2c_ext.types import Region, Regions

SIDE = 128
SETTINGS = LoopSettings(frames=12, structure=1.0)


def _water() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A dark rock and a bright ledge in fine noise that flows down."""
    noise = np.random.default_rng(2).standard_normal((SIDE, SIDE, 3)).astype(np.float32)
    picture = 0.5 + 0.5 * cv2.GaussianBlur(noise, (0, 0), 0.8) * np.float32(0.3)
    picture[40:60, 30:60] -= 0.3
    picture[70:75] += 0.2
    picture = (np.rint(np.clip(picture, 0, 1) * 255) / 255).astype(np.float32)
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[16:-16, 16:-16] = 1
    flow = np.zeros((SIDE, SIDE, 2), np.float32)
    flow[mask > 0] = (0, 1)
    return picture, mask, flow


def _low(picture: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The large shapes inside the mask, as the meter takes them, in levels of 255."""
    grey = picture.astype(np.float32).mean(axis=-1)[..., None]
    return local_mean(grey * mask[..., None], mask, 6 * SIDE / 512)[mask > 0]


def test_base_and_gain_times_texture_are_the_picture() -> None:
    picture, mask, _ = _water()
    area = mask > 0
    for structure in (1.0, 0.7, 0.2):
        parts = split(picture, area, np.full(mask.shape, structure, np.float32))
        again = parts.base + parts.gain[..., None] * parts.texture
        assert np.abs(again - picture)[area].max() < 1e-6
        assert parts.gain.min() >= FAINTEST and parts.gain.max() <= STRONGEST


def test_structure_0_holds_nothing_and_travels_whole() -> None:
    picture, mask, flow = _water()
    settings = replace(SETTINGS, structure=0.0, cycles=1)
    parts = split(picture, mask > 0, np.zeros(mask.shape, np.float32))
    assert parts.texture is picture and not parts.base.any() and (parts.gain == 1).all()
    scene = prepare(picture, mask, flow, np.zeros(mask.shape, np.float32), settings, 0, whole_of(mask.shape))
    away = erode(mask > 0, 4)[scene.pixels.row, scene.pixels.column]  # the rim may be a mix (see `rim`)
    assert away.any() and (scene.pixels.held[away] == (0, 0, 0, 1)).all()
    assert (scene.pixels.held[:, 3] == 1).all() and (scene.pixels.timing.cycles == 1).all()
    assert scene.texture.broad.shape[2] == 5


def test_what_lies_outside_does_not_bleed_in() -> None:
    picture, mask, _ = _water()
    area, other = mask > 0, picture.copy()
    other[~area] = (1, 0, 0)
    whole = np.ones(mask.shape, np.float32)
    first, second = split(picture, area, whole), split(other, area, whole)
    assert np.array_equal(first.base[area], second.base[area])
    assert np.array_equal(first.texture, second.texture)


def test_an_edge_of_a_large_shape_stays_sharp_and_noise_goes() -> None:
    picture, mask, _ = _water()
    base = split(picture, mask > 0, np.ones(mask.shape, np.float32)).base.mean(axis=-1)
    assert base[50, 34:56].std() < 0.3 * picture.mean(axis=-1)[50, 34:56].std()
    assert base[50, 63] - base[50, 56] > 0.7 * 0.3


def test_with_structure_1_every_low_passed_frame_is_the_low_passed_still() -> None:
    picture, mask, flow = _water()
    still = _low(picture * 255, mask)

    def apart(structure: float) -> float:
        frames = render_loop(picture, mask, flow, replace(SETTINGS, structure=structure), seed=0).frames()
        return max(float(np.abs(_low(frame, mask) - still).mean()) for frame in frames)

    held = apart(1.0)
    assert held < 2 and apart(0.0) > 2 * held


@pytest.mark.parametrize("cycles", [1, 2, 3, 5])
def test_a_loop_of_several_cycles_closes_and_repeats_nothing(cycles: int) -> None:
    picture, mask, flow = _water()
    frames = list(render_loop(picture, mask, flow, replace(SETTINGS, frames=30, cycles=cycles), seed=0).frames())
    inside = mask > 0
    steps = [float(cv2.absdiff(a, b)[inside].mean()) for a, b in zip(frames, frames[1:] + frames[:1], strict=True)]
    assert 0.8 < steps[-1] / np.median(steps) < 1.2
    apart = [float(cv2.absdiff(frames[0], frame)[inside].mean()) for frame in frames[1:]]
    assert min(apart) > 0.25 * np.median(steps)
    assert all(np.array_equal(frame[~inside], to_bytes(picture)[~inside]) for frame in frames)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 40])
def test_each_cycle_shows_another_take_and_the_last_leads_to_the_first(count: int) -> None:
    rows = [takes(cycle, count) for cycle in range(count)]
    assert [row[1] for row in rows] == [row[0] for row in rows[1:] + rows[:1]]
    assert rows[0][0] == 0 and len({float(row[0]) for row in rows}) == count
    assert max(abs(float(row[0])) for row in rows) <= SHIFT
    for here, after, lag in rows:
        assert abs(1 + here - after - LAGS[lag]) <= 0.21


def test_long_loops_hold_more_cycles_and_each_part_its_own() -> None:
    texture = np.random.default_rng(1).random((256, 512, 3), np.float32)
    inside = np.zeros((256, 512), np.bool_)
    inside[20:-20, 20:240] = inside[20:-20, 270:-20] = True
    flow = np.zeros((256, 512, 2), np.float32)
    flow[inside] = (0.2, 0)
    flow[:, 256:] *= 3
    column = np.nonzero(inside)[1]
    left = column < 256
    short, long = (fitting_cycles(texture, inside, flow, frames) for frames in (60, 600))
    for cycles in (short, long):
        assert np.ptp(cycles.count[left]) == 0 and np.ptp(cycles.count[~left]) == 0
        assert cycles.count[~left][0] > cycles.count[left][0]
    assert long.count[left][0] == pytest.approx(10 * short.count[left][0], rel=0.2)
    assert np.allclose(long.period * long.count, 600)


def test_no_cycle_carries_texture_far_however_long_it_resembles_itself() -> None:
    inside = np.ones((512, 512), np.bool_)
    flow = np.zeros((512, 512, 2), np.float32)
    flow[..., 0] = 1
    noise = np.random.default_rng(3).random((512, 512, 3), np.float32)
    broad = np.asarray(cv2.GaussianBlur(noise, (0, 0), 24), np.float32)
    cycles = fitting_cycles(broad, inside, flow, 60)
    assert (cycles.period <= 15).all()


def test_cycles_are_as_many_as_asked_but_no_more_than_frames() -> None:
    assert given_cycles(3, 60, 4).period.tolist() == [15, 15, 15]
    assert given_cycles(2, 5, 9).count.tolist() == [5, 5]


def test_what_moves_says_how_much_of_it_stays_and_the_setting_overrules_it() -> None:
    falls, clouds = np.zeros((8, 8), np.float32), np.zeros((8, 8), np.float32)
    falls[:4], clouds[4:] = 1, 1
    usual = usual_structure(Regions((Region("waterfall", falls), Region("clouds", clouds))))
    assert usual[0, 0] == pytest.approx(0.8, abs=0.01) and usual[7, 7] == pytest.approx(0.15, abs=0.01)
    assert usual_structure(Regions((Region("thingummy", falls),)))[0, 0] == pytest.approx(USUAL)
    assert np.array_equal(held_structure((8, 8), LoopSettings(), usual), usual)
    assert (held_structure((8, 8), LoopSettings(structure=0.5), usual) == 0.5).all()
    assert (held_structure((8, 8), LoopSettings(), None) == np.float32(USUAL)).all()
    assert not held_structure((8, 8), LoopSettings(blend="paper"), usual).any()


def _meter(frames: list[np.ndarray], still: np.ndarray) -> StructureMeter:
    meter = StructureMeter(still, np.ones(still.shape[:2], np.bool_))
    for frame in frames:
        meter.add(frame)
    return meter


def test_drift_and_kept_are_what_their_formulas_say() -> None:
    generator = np.random.default_rng(4)
    still, *frames = (generator.integers(0, 256, (48, 64, 3), np.uint8) for _ in range(4))
    sigma = 6 * 48 / 512
    total = cv2.GaussianBlur(np.ones((48, 64), np.float32), (0, 0), sigma) + 1e-4
    low = [cv2.GaussianBlur(f.astype(np.float32).mean(-1), (0, 0), sigma) / total for f in (still, *frames)]
    found = _meter(frames, still).result()
    assert found.drift == pytest.approx(np.std(low[1:], axis=0).mean() / low[0].std(), rel=1e-4)
    assert found.kept == pytest.approx(min(np.corrcoef(f.ravel(), low[0].ravel())[0, 1] for f in low[1:]), rel=1e-4)


def test_a_still_clip_keeps_all_and_a_sliding_wallpaper_little() -> None:
    wave = 128 + 60 * np.sin(np.arange(256) * 2 * np.pi / 64)
    still = np.repeat(np.tile(wave, (64, 1))[..., None], 3, axis=2).astype(np.uint8)
    same = _meter([still, still], still).result()
    assert same.drift == 0 and same.kept == pytest.approx(1)
    slid = _meter([np.roll(still, 8 * k, axis=1) for k in range(8)], still).result()
    assert slid.drift == pytest.approx(1, abs=0.15) and slid.kept == pytest.approx(-1, abs=0.05)


def test_a_flat_still_has_no_structure_to_lose() -> None:
    flat = np.full((32, 32, 3), 90, np.uint8)
    found = _meter([flat], flat).result()
    assert found.drift is None and found.kept is None
