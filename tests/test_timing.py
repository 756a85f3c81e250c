"""When each place shows which texture: evenly spread over the period, and away from the region's edges."""

from __future__ import annotations

import numpy as np
import pytest

from t2c_ext.loop.blend import FADE
from t2c_ext.loop.cycles import given_cycles, one_cycle
from t2c_ext.loop.inflow import find_domain, trace_field
from t2c_ext.loop.timing import SQUEEZE, Timing, even_timing, spread_timing
from t2c_ext.loop.trajectories import Trajectories, trace_trajectories

FRAMES = 60
HEIGHT, WIDTH = 200, 400


def _scene(speed: float = 0.5) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noise that moves to the right inside a rectangle 20 pixels from the picture's border."""
    picture = np.random.default_rng(3).random((HEIGHT, WIDTH), np.float32)
    share = np.zeros((HEIGHT, WIDTH), np.float32)
    share[20:-20, 20:-20] = 1
    flow = np.zeros((HEIGHT, WIDTH, 2), np.float32)
    flow[share > 0] = (speed, 0)
    return picture, share, flow


def _traced(share: np.ndarray, flow: np.ndarray) -> tuple[Trajectories, tuple[np.ndarray, np.ndarray]]:
    domain = find_domain(share, flow)
    row, column = (part.astype(np.int32) for part in np.nonzero(domain.inside))
    return trace_trajectories(trace_field(flow, domain), domain.inside, FRAMES), (row, column)


def _timed(spread: float | None = None, seed: int = 0, speed: float = 0.5) -> tuple[Timing, np.ndarray, np.ndarray]:
    picture, share, flow = _scene(speed)
    trajectories, pixels = _traced(share, flow)
    return spread_timing(
        picture, share, flow, trajectories, pixels, one_cycle(pixels[0].size, FRAMES), spread, seed
    ), *pixels


def _plane(values: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    plane = np.full((HEIGHT, WIDTH), np.nan)
    plane[row, column] = values
    return plane


def test_every_age_and_every_stage_of_the_fade_is_shown_equally_often_at_any_time() -> None:
    timing, *_ = _timed()
    for part in (timing.ahead / FRAMES, timing.turn - timing.ahead / FRAMES):
        shares = np.histogram(part % 1, 10, (0, 1))[0] / part.size
        assert shares.min() > 0.04 and shares.max() < 0.16


def test_in_brief_periods_what_is_soft_fades_as_evenly_as_what_is_fine() -> None:
    picture, share, flow = _scene()
    picture[:, :200] = 0.5 + 0.05 * (picture[:, :200] - 0.5)
    trajectories, pixels = _traced(share, flow)
    cycles = given_cycles(pixels[0].size, FRAMES, 6)
    timing = spread_timing(picture, share, flow, trajectories, pixels, cycles, None, 0)
    period = FRAMES / 6
    for frame in range(int(period)):
        progress = (timing.ahead + frame) / period % 1
        assert 0.15 < (np.abs(progress - timing.turn) < FADE / 2).mean() < 0.35


@pytest.mark.parametrize("speed", [0.5, 3.0])
def test_the_phase_does_not_distort_the_texture_by_more_than_it_may(speed: float) -> None:
    timing, row, column = _timed(speed=speed)
    phase = _plane(np.exp(2j * np.pi * timing.ahead / FRAMES).real, row, column)
    across, along = np.gradient(phase)
    slope = np.nanmax(np.hypot(across, along)) / (2 * np.pi)
    assert slope * speed * FRAMES < 1.05 * SQUEEZE


def test_the_phase_rises_against_the_flow() -> None:
    timing, row, column = _timed()
    ahead = _plane(timing.ahead, row, column)
    step = (ahead[100, 25:-25] - ahead[100, 24:-26] + FRAMES / 2) % FRAMES - FRAMES / 2
    assert (step < 0).all()


def test_texture_from_beyond_an_edge_gives_way_early_and_leaves_late() -> None:
    timing, row, column = _timed()
    turn = _plane(timing.turn, row, column)[100]
    assert turn[22] == pytest.approx(FADE / 2, abs=0.02)
    assert turn[-23] == pytest.approx(1 - FADE / 2, abs=0.02)
    assert turn[200] == pytest.approx(0.5)
    assert (np.diff(turn[20:-20]) > -1e-5).all()
    met = (np.arange(20, 200) - 20) / 0.5 / FRAMES
    far = met > FADE + 0.1
    assert (turn[20:200][far] + FADE / 2 < met[far] + 0.05).all()


def test_a_loop_that_starts_with_the_still_spreads_its_fades_otherwise() -> None:
    timing, row, column = _timed(spread=32.0)
    assert not timing.ahead.any()
    turn = _plane(timing.turn, row, column)[60:-60, 90:-90]
    assert turn.min() < 0.25 and turn.max() > 0.75
    assert timing.turn.min() >= FADE / 2 and timing.turn.max() <= 1 - FADE / 2
    assert np.abs(np.diff(turn)).max() < 0.1


def test_the_seed_decides_where_the_clock_starts_and_nothing_else_does() -> None:
    first, again, other = _timed(seed=1)[0], _timed(seed=1)[0], _timed(seed=2)[0]
    assert np.array_equal(first.ahead, again.ahead) and np.array_equal(first.turn, again.turn)
    shift = (other.ahead - first.ahead) % FRAMES
    assert 0.5 < shift[0] < FRAMES - 0.5
    assert np.allclose(shift, shift[0], atol=1e-3)


@pytest.mark.parametrize("side", [1, 2, 5])
def test_a_region_of_a_few_pixels(side: int) -> None:
    picture, share, flow = _scene()
    share[...] = 0
    share[50 : 50 + side, 60 : 60 + side] = 1
    flow[...] = np.where(share[..., None] > 0, np.float32(0.7), np.float32(0))
    trajectories, pixels = _traced(share, flow)
    timing = spread_timing(picture, share, flow, trajectories, pixels, one_cycle(pixels[0].size, FRAMES), None, 0)
    assert ((timing.ahead >= 0) & (timing.ahead < FRAMES)).all()
    assert ((timing.turn >= FADE / 2) & (timing.turn <= 1 - FADE / 2)).all()


def test_even_timing_is_one_time() -> None:
    timing = even_timing(3)
    assert timing.ahead.tolist() == [0, 0, 0] and timing.turn.tolist() == [0.5, 0.5, 0.5]
