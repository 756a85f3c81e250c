"""The paths of one period, traced once on a grid of nodes and interpolated between them.

Fields are smooth, so that nodes two pixels apart (at 512) tell where every pixel's texture comes from to a few
hundredths of a pixel. What is kept does not grow with the size of the picture, and hardly with the number of frames.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from t2c_ext.extents import Window, bands, whole_of
from t2c_ext.jit import njit
from t2c_ext.loop.inflow import nearest
from t2c_ext.loop.paths import MARGIN, Field, Scalar, trace
from t2c_ext.types import BoolArray, FloatArray, IntArray

SPACING = 2.0
"""Distance of the nodes, in pixels at 512."""

KNOTS = 128
"""Most positions that are kept of a path; between them it is taken as straight."""

CHUNK = 4096
"""Nodes that one thread traces at a time."""

Kept = tuple[IntArray, FloatArray, FloatArray, FloatArray, FloatArray, int, int]
"""nodes, past, future, past_met, future_met, spacing and stride of `Trajectories`."""


@dataclass(frozen=True)
class Trajectories:
    """Paths of P nodes, K knots each.

    Attributes:
        nodes: int32 [h, w], which path each node of the grid has; a node outside the domain has its nearest one's.
        past, future: float32 [K, P, 2], displacement (dx, dy) in pixels after 0, `stride`, 2 `stride` ... frames.
        past_met, future_met: float32 [P], frames until the domain's edge is met; twice the period when never.
        spacing: pixels from node to node.
        stride: frames from knot to knot.
        size: (H, W) of the picture, or of the window of it that they are in.
    """

    nodes: IntArray
    past: FloatArray
    future: FloatArray
    past_met: FloatArray
    future_met: FloatArray
    spacing: int
    stride: int
    size: tuple[int, int]

    @property
    def kept(self) -> Kept:
        """What the compiled kernels take of it."""
        return self.nodes, self.past, self.future, self.past_met, self.future_met, self.spacing, self.stride


def workers() -> int:
    """Threads that rendering uses."""
    allowed = os.environ.get("OMP_NUM_THREADS", "")
    return min(int(allowed) if allowed.isdecimal() and int(allowed) else os.cpu_count() or 1, 16)


def node_spacing(scale: float) -> int:
    """Pixels from node to node; `scale`: pixels per pixel of a picture whose short side is 512."""
    return max(1, round(SPACING * scale))


def trace_trajectories(field: Field, inside: BoolArray, frames: int, window: Window | None = None) -> Trajectories:
    """Trace the paths of one period.

    Args:
        field: what is followed.
        inside: bool [H, W], the domain; not empty.
        frames: frames of one period.
        window: where it lies in the picture; None: it is all of it.
    """
    height, width = inside.shape
    spacing = node_spacing((window or whole_of(inside.shape)).scale)
    if not inside[::spacing, ::spacing].any():
        spacing = 1
    usable = np.zeros((-(-(height - 1) // spacing) + 1, -(-(width - 1) // spacing) + 1), np.bool_)
    sampled = inside[::spacing, ::spacing]
    usable[: sampled.shape[0], : sampled.shape[1]] = sampled
    number = np.cumsum(usable, dtype=np.int32).reshape(usable.shape) - 1
    _, near_row, near_column = nearest(usable)
    row, column = np.nonzero(usable)
    x, y = ((part * spacing + MARGIN).astype(np.float32) for part in (column, row))
    stride = -(-frames // KNOTS)
    knots = -(-frames // stride) + 1
    past, future = (np.zeros((knots, row.size, 2), np.float32) for _ in range(2))
    past_met, future_met = (np.zeros(row.size, np.float32) for _ in range(2))
    never = np.float32(2 * frames)

    def run(low: int) -> None:
        span = (low, min(low + CHUNK, row.size))
        trace(field.grid, x, y, np.float32(-1), stride, span, past, past_met, never)
        trace(field.grid, x, y, np.float32(1), stride, span, future, future_met, never)

    with ThreadPoolExecutor(workers()) as pool:
        list(pool.map(run, range(0, row.size, CHUNK)))
    nodes = np.ascontiguousarray(number[near_row, near_column])
    return Trajectories(nodes, past, future, past_met, future_met, spacing, stride, (height, width))


@njit(cache=True, nogil=True, inline="always")
def surround(nodes: IntArray, spacing: int, column: Scalar, row: Scalar) -> tuple[int, int, int, int, Scalar, Scalar]:
    """The paths of the four nodes around a pixel, and its fractions between them."""
    left, top = min(column // spacing, nodes.shape[1] - 2), min(row // spacing, nodes.shape[0] - 2)
    inverse = np.float32(1.0) / np.float32(spacing)
    fx, fy = np.float32(column - left * spacing) * inverse, np.float32(row - top * spacing) * inverse
    return nodes[top, left], nodes[top, left + 1], nodes[top + 1, left], nodes[top + 1, left + 1], fx, fy


@njit(cache=True, nogil=True, inline="always")
def between(values: FloatArray, around: tuple[int, int, int, int, Scalar, Scalar]) -> Scalar:
    """float32 [P] values between four nodes (from `surround`)."""
    a, b, c, d, fx, fy = around
    top = values[a] + fx * (values[b] - values[a])
    low = values[c] + fx * (values[d] - values[c])
    return top + fy * (low - top)


@njit(cache=True, nogil=True, inline="always")
def displacement(
    path: FloatArray, around: tuple[int, int, int, int, Scalar, Scalar], time: Scalar, stride: int
) -> tuple[Scalar, Scalar]:
    """Displacement (dx, dy) after `time` frames, between four nodes (from `surround`)."""
    a, b, c, d, fx, fy = around
    one = np.float32(1.0)
    knot = time * (one / np.float32(stride))
    k = min(np.int64(knot), path.shape[0] - 2)
    f = knot - np.float32(k)
    early, late = path[k], path[k + 1]
    wa, wb, wc, wd = (one - fx) * (one - fy), fx * (one - fy), (one - fx) * fy, fx * fy
    x0 = wa * early[a, 0] + wb * early[b, 0] + wc * early[c, 0] + wd * early[d, 0]
    y0 = wa * early[a, 1] + wb * early[b, 1] + wc * early[c, 1] + wd * early[d, 1]
    x1 = wa * late[a, 0] + wb * late[b, 0] + wc * late[c, 0] + wd * late[d, 0]
    y1 = wa * late[a, 1] + wb * late[b, 1] + wc * late[c, 1] + wd * late[d, 1]
    return x0 + f * (x1 - x0), y0 + f * (y1 - y0)


@njit(cache=True, nogil=True, inline="always")
def travelled(
    path: FloatArray,
    other: FloatArray,
    around: tuple[int, int, int, int, Scalar, Scalar],
    time: Scalar,
    stride: int,
) -> tuple[Scalar, Scalar]:
    """Displacement (dx, dy) after `time` frames along `path`, or after -`time` frames along the `other` way."""
    if time >= np.float32(0.0):
        return displacement(path, around, time, stride)
    return displacement(other, around, -time, stride)


@njit(cache=True, nogil=True, inline="always")
def beyond_edge(
    met: FloatArray, other: FloatArray, around: tuple[int, int, int, int, Scalar, Scalar], time: Scalar
) -> Scalar:
    """Frames since the path met the domain's edge (negative: it has not), at a time as in `travelled`."""
    if time >= np.float32(0.0):
        return time - between(met, around)
    return -time - between(other, around)


@njit(cache=True, nogil=True)
def displace(kept: Kept, row: IntArray, column: IntArray, time: FloatArray, out: FloatArray) -> None:
    """Displacement of pixels after `time` [P] frames ahead (negative: back); `out` float32 [P, 2] receives it."""
    nodes, past, future, _, _, spacing, stride = kept
    for index in range(row.size):
        around = surround(nodes, spacing, column[index], row[index])
        path = past if time[index] < 0 else future
        out[index, 0], out[index, 1] = displacement(path, around, abs(time[index]), stride)


@njit(cache=True, nogil=True)
def meetings(kept: Kept, row: IntArray, column: IntArray, past: FloatArray, future: FloatArray) -> None:
    """Frames until the path of pixels meets the domain's edge, back and ahead; `past`, `future` float32 [P]."""
    nodes, _, _, past_met, future_met, spacing, _ = kept
    for index in range(row.size):
        around = surround(nodes, spacing, column[index], row[index])
        past[index], future[index] = between(past_met, around), between(future_met, around)


def landing(
    trajectories: Trajectories, row: IntArray, column: IntArray, time: float | FloatArray
) -> tuple[IntArray, IntArray]:
    """Row and column, int32 [P], of the pixel where each pixel is after `time` frames (negative: before)."""
    to_row, to_column = np.empty(row.size, np.int32), np.empty(row.size, np.int32)
    height, width = trajectories.size
    for span in bands((row.size, 1)):
        moved = np.zeros((row[span].size, 2), np.float32)
        times = np.full(row[span].size, time[span] if isinstance(time, np.ndarray) else time, np.float32)
        displace(trajectories.kept, row[span], column[span], times, moved)
        to_row[span] = np.clip(np.rint(row[span] + moved[:, 1]), 0, height - 1)
        to_column[span] = np.clip(np.rint(column[span] + moved[:, 0]), 0, width - 1)
    return to_row, to_column
