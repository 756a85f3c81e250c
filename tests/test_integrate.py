"""Paths along a field against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.loop.inflow import find_domain, trace_field
from t2c_ext.loop.integrate import displacements, inverse_steps
from t2c_ext.loop.paper import euler_displacements, reversed_displacements
from t2c_ext.loop.paths import Field


def _field(flow: np.ndarray, mask: np.ndarray | None = None) -> Field:
    mask = np.ones(flow.shape[:2], np.float32) if mask is None else mask
    return trace_field(flow, find_domain(mask, flow))


def _rotation(side: int, turn: float) -> np.ndarray:
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    return np.stack([-turn * y, turn * x], axis=-1).astype(np.float32)


def test_a_constant_field_moves_by_steps_times_velocity() -> None:
    flow = np.broadcast_to(np.float32([0.5, -0.25]), (64, 64, 2)).copy()
    for step, moved in enumerate(displacements(_field(flow), 12)):
        assert np.allclose(moved[20:-20, 20:-20], [0.5 * step, -0.25 * step], atol=1e-4)


def test_a_rotation_keeps_its_radius_and_turns_by_its_angle() -> None:
    side, turn, steps = 81, 0.05, 40
    *_, moved = displacements(_field(_rotation(side, turn)), steps)
    start = np.float32([20.0, 0.0])
    end = start + moved[40, 60]
    assert np.hypot(*end) == pytest.approx(20, abs=0.05)
    assert np.arctan2(end[1], end[0]) == pytest.approx(turn * steps, abs=0.01)


def test_walking_back_meets_the_same_places() -> None:
    field = _field(_rotation(81, 0.05))
    there = list(displacements(field, 30))
    inner = np.s_[25:-25, 25:-25]
    for moved, wanted in zip(inverse_steps(field, 30), reversed(there), strict=False):
        assert np.abs(moved[inner] - wanted[inner]).max() < 0.01


def test_particles_turn_round_at_the_regions_edge() -> None:
    mask = np.zeros((32, 64), np.float32)
    mask[:, 20:60] = 1
    flow = np.zeros((32, 64, 2), np.float32)
    flow[mask > 0] = (-1, 0)
    for moved in displacements(_field(flow, mask), 30):
        x = np.arange(64) + moved[16, :, 0]
        assert x[20:60].min() >= 19.4 and x[20:60].max() <= 59.6


def test_the_papers_steps_backwards_are_the_same_bits() -> None:
    flow = np.random.default_rng(3).normal(0, 0.6, (24, 30, 2)).astype(np.float32)
    forward = [moved for moved, _ in euler_displacements(flow, 17)]
    backward = list(reversed_displacements(flow, 17))
    assert len(backward) == 17
    assert all(np.array_equal(a, b) for a, b in zip(backward, forward[:0:-1], strict=True))


def test_negative_steps_are_refused() -> None:
    with pytest.raises(UserError):
        list(displacements(_field(_rotation(16, 0.01)), -1))
