"""Integration of a stationary field: all displacements of one period in one pass per direction."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.jit import njit
from t2c_ext.loop.paths import MARGIN, Field, advance
from t2c_ext.types import FloatArray


@njit(cache=True, nogil=True)
def _advance_all(grid: FloatArray, state: FloatArray) -> None:
    """One whole step of every particle, in place."""
    one = np.float32(1.0)
    for row in range(state.shape[0]):
        for column in range(state.shape[1]):
            x, y, sign, _ = advance(grid, state[row, column, 0], state[row, column, 1], state[row, column, 2], one)
            state[row, column, 0], state[row, column, 1], state[row, column, 2] = x, y, sign


def _start(height: int, width: int, direction: float) -> FloatArray:
    """x, y (padded frame) and sign of a particle on every pixel."""
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    return np.stack([x + MARGIN, y + MARGIN, np.full_like(x, direction, float)], axis=-1).astype(np.float32)


def displacements(field: Field, steps: int, direction: float = 1.0) -> Iterator[FloatArray]:
    """Displacements after 0, 1, ... `steps` frames, at the cost of `steps` steps in all.

    Args:
        field: velocity and domain; particles turn round at the domain's edge.
        steps: the last step, at least 0.
        direction: 1 with the field, -1 against it.

    Yields:
        float32 [H, W, 2], (dx, dy) in pixels.

    Raises:
        UserError: `steps` is negative.
    """
    if steps < 0:
        raise UserError(f"the number of steps is {steps}, but must be at least 0")
    height, width = (side - 2 * MARGIN for side in field.grid.shape[:2])
    start = _start(height, width, direction)
    state = start.copy()
    for step in range(steps + 1):
        if step:
            _advance_all(field.grid, state)
        yield state[..., :2] - start[..., :2]


def inverse_steps(field: Field, steps: int, direction: float = 1.0) -> Iterator[FloatArray]:
    """Displacements after `steps`, `steps` - 1, ... 1 frames, by walking the same path back (float32 [H, W, 2]).

    The midpoint rule is symmetric to third order in the step, so nothing has to be stored.
    """
    height, width = (side - 2 * MARGIN for side in field.grid.shape[:2])
    start = _start(height, width, direction)
    state = start.copy()
    for _ in range(steps):
        _advance_all(field.grid, state)
    state[..., 2] *= -1
    for step in range(steps):
        if step:
            _advance_all(field.grid, state)
        yield state[..., :2] - start[..., :2]
