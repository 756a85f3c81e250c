"""The paper's way, kept as it is for comparison: Euler integration and symmetric softmax splatting.

Source: Text2Cinemagraph's video network (sections "Euler integration" and "symmetric splatting" of its supplement,
after Holynski et al., "Animating Pictures with Eulerian Motion Fields", 2021). All arithmetic is float32, in the
original's order, so that displacements are bit-exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.jit import njit
from t2c_ext.loop.splat import splat_sum
from t2c_ext.types import BoolArray, FloatArray

WEIGHT_FLOOR = np.float32(1e-8)


@njit(cache=True, nogil=True)
def _euler_step(flow: FloatArray, position: FloatArray, visible: BoolArray) -> None:
    """Move every visible particle by the field at the nearest pixel (half to even), in place."""
    height, width = flow.shape[0], flow.shape[1]
    for row in range(height):
        for column in range(width):
            if not visible[row, column]:
                continue
            x, y = position[row, column, 0], position[row, column, 1]
            look_x, look_y = int(np.rint(x)), int(np.rint(y))
            x = x + flow[look_y, look_x, 0]
            y = y + flow[look_y, look_x, 1]
            position[row, column, 0] = x
            position[row, column, 1] = y
            if x > width - 1 or x < 0 or y > height - 1 or y < 0:
                visible[row, column] = False


def euler_displacements(flow: FloatArray, steps: int) -> Iterator[tuple[FloatArray, BoolArray]]:
    """Displacements of a stationary field after 0, 1, ... `steps` steps, in O(steps) overall.

    Args:
        flow: float32 [H, W, 2], (dx, dy) in pixels per frame.
        steps: the last step, at least 0.

    Yields:
        displacement float32 [H, W, 2] and visibility bool [H, W]; a particle that has ever left the frame is
        invisible, and both components of its displacement are max(H, W) + 1.
    """
    height, width = flow.shape[:2]
    field = np.ascontiguousarray(flow, np.float32)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    position, visible = grid.copy(), np.ones((height, width), np.bool_)
    outside = np.float32(max(height, width) + 1)
    for step in range(steps + 1):
        if step:
            _euler_step(field, position, visible)
        displacement = position - grid
        displacement[~visible] = outside
        yield displacement, visible.copy()


def reversed_displacements(flow: FloatArray, steps: int) -> Iterator[FloatArray]:
    """The displacements of `euler_displacements` after `steps`, `steps` - 1, ... 1 steps, exactly.

    Positions are kept at every sqrt(steps)-th step and the steps between are made again, so that memory grows with
    the root of the steps only.
    """
    height, width = flow.shape[:2]
    field = np.ascontiguousarray(flow, np.float32)
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1).astype(np.float32)
    position, visible = grid.copy(), np.ones((height, width), np.bool_)
    stride = max(1, round(steps**0.5))
    kept = []
    for step in range(steps):
        if step % stride == 0:
            kept.append((step, position.copy(), visible.copy()))
        _euler_step(field, position, visible)
    outside = np.float32(max(height, width) + 1)
    end = steps
    while kept:
        start, position, visible = kept.pop()
        made = []
        for _ in range(start, end):
            _euler_step(field, position, visible)
            made.append(np.where(visible[..., None], position - grid, outside))
        yield from reversed(made)
        end = start


def alpha(frame: int, frames: int) -> np.float32:
    """Share of the forward warp in frame `frame` of `frames`: 1 - frame / frames, in float32."""
    if frames < 1:
        raise UserError(f"a loop needs at least 1 frame, not {frames}")
    return np.float32(1.0) - np.float32(frame) / np.float32(frames)


def symmetric_splat(
    features: tuple[FloatArray, FloatArray],
    importance: tuple[FloatArray, FloatArray],
    displacements: tuple[FloatArray, FloatArray],
    share: float,
) -> tuple[FloatArray, FloatArray]:
    """Blend of a forward and a backward warp, weighted by softmax importance.

    Args:
        features: float32 [H, W, C] of the start and of the end picture.
        importance: float32 [H, W] of either (Z of the paper); larger wins.
        displacements: float32 [H, W, 2], forward and backward.
        share: weight of the forward warp, 0..1.

    Returns:
        blended float32 [H, W, C] (exactly 0 where nothing arrived) and the sum of weights float32 [H, W].
    """
    total: FloatArray | None = None
    shares = (np.float32(share), np.float32(1.0) - np.float32(share))
    for values, metric, displacement, part in zip(features, importance, displacements, shares, strict=True):
        weight = (np.exp(metric - metric.max()) * part).astype(np.float32)
        stacked = np.concatenate([values * weight[..., None], weight[..., None]], axis=-1)
        warped = splat_sum(stacked, displacement)
        total = warped if total is None else total + warped
    assert total is not None
    weights = total[..., -1]
    return np.asarray(total[..., :-1] / np.maximum(weights, WEIGHT_FLOOR)[..., None], np.float32), weights
