"""When each place shows which texture.

At any place the texture is carried on for one period and then begins anew, faded over from the old to the new. If all
places did so at one time, the whole picture would blur and sharpen once in a period. Two things spread it:

* the *phase*: a place is ahead of the clock, by an amount that rises evenly against the flow. Neighbours see their
  texture at slightly different ages, which squeezes it a little along the flow, evenly everywhere;
* the *turn*: the part of the period at which the old texture gives way. It may be any, without a change to the
  texture's shape, and is chosen so that texture from beyond the region's edge shows as little as possible: early
  where the old texture flows in over an edge, late where the new one would have to come from beyond it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.extents import Window, bands, whole_of
from t2c_ext.loop.blend import FADE
from t2c_ext.loop.cycles import Cycles
from t2c_ext.loop.trajectories import Trajectories, landing, meetings
from t2c_ext.types import FloatArray, IntArray

SQUEEZE = 0.22
"""Largest change of displacement per pixel that the phase may cause: texture is squeezed or stretched by that share.

Set by looking at loops: large enough that cross-fades are spread over the period, small enough that the squeezing is
not seen. Twice: texture is up to 44 % denser or wider than in the still.
"""

SEAM_WIDTH = 4.0
"""Sigma of the blur, in pixels at 512, between places whose paths are cut by different edges.

Set by looking at loops, in which such places met in a line. Twice: the timing of places that are 8 pixels apart is
mixed.
"""

DETOURS = (45.0, -45.0, 60.0, -60.0)
"""Directions in which the phase may rise, in degrees from straight against the flow.

Straight against it, textures of quiet skies would be squeezed until they look sharper than the still.
"""

ROOM = 2.0
"""How often the phase could rise around the period at its steepest, for each time that it does.

Set by measuring loops: less leaves no choice where it rises, and fades fall together. Twice: half as many rises."""

BINS = 256
"""Steps into which a period, or the way along the flow, is counted: finer than the frames of most loops. Twice: the
same within half a step, at twice the work."""


@dataclass(frozen=True)
class Timing:
    """When each of P pixels shows which texture.

    Attributes:
        ahead: float32 [P], frames by which it is ahead of the clock, at least 0 and less than the period.
        turn: float32 [P], 0..1, the part of the period in the middle of the fade from the old texture to the new.
        cycles: int32 [P], how many periods the loop has.
    """

    ahead: FloatArray
    turn: FloatArray
    cycles: IntArray


@dataclass(frozen=True)
class Moving:
    """The P moving pixels and what timing asks of them.

    Attributes:
        row, column: int32 [P].
        flow: float32 [P, 2], pixels per frame.
        detail: float32 [P], how much fine texture there is; sums to 1.
        change: float32 [P], how different the old and the new texture are; sums to 1.
    """

    row: IntArray
    column: IntArray
    flow: FloatArray
    detail: FloatArray
    change: FloatArray


def even_timing(count: int) -> Timing:
    """All of `count` places at one time."""
    return Timing(np.zeros(count, np.float32), np.full(count, 0.5, np.float32), np.ones(count, np.int32))


def spread_timing(  # noqa: PLR0917
    grey: FloatArray,
    share: FloatArray,
    flow: FloatArray,
    trajectories: Trajectories,
    pixels: tuple[IntArray, IntArray],
    cycles: Cycles,
    spread: float | None,
    seed: int,
    window: Window | None = None,
) -> Timing:
    """Timing that spreads the cross-fades over the period.

    Args:
        grey: float32 [H, W], the luma of what travels.
        share: float32 [H, W], the share of the pixel that moves.
        flow: float32 [H, W, 2], pixels per frame.
        trajectories: the paths.
        pixels: row and column of the moving pixels, int32 [P] each.
        cycles: how many periods each pixel has.
        spread: None to let the phase do it. A number keeps all phases zero, so that frame 0 is the still, and spreads
            the turns instead, in areas of this size in pixels at 512.
        seed: of where the phase begins, or of the areas.
        window: where they lie in the picture; None: they are all of it.
    """
    row, column = pixels
    window = window or whole_of(share.shape)
    sharp = np.asarray(cv2.GaussianBlur(cv2.Laplacian(grey, cv2.CV_32F) ** 2, (0, 0), 4), np.float32)[row, column]
    weight = share[row, column]
    sharp *= weight
    ahead, turn = np.zeros(row.size, np.float32), np.zeros(row.size, np.float32)
    counts = np.unique(cycles.count)
    for count in counts:
        # all of them at once are no copies
        alike = slice(None) if counts.size == 1 else np.flatnonzero(cycles.count == count)
        period = cycles.frames / int(count)
        own_row, own_column = row[alike], column[alike]
        old, new = (grey[landing(trajectories, own_row, own_column, time)] for time in (-period / 2, period / 2))
        new -= old
        detail, change = _shares(sharp[alike]), _shares(np.abs(new, out=new) * weight[alike])
        del old, new
        moving = Moving(own_row, own_column, flow[own_row, own_column], detail, change)
        turn[alike] = own_turn = choose_turns(moving, trajectories, period, spread, seed, window)
        if spread is None:
            phase = rising_phase(moving, period, window)
            phase += _beginning(own_turn - phase, moving.change, seed)
            ahead[alike] = np.asarray(phase % int(count) * period % cycles.frames, np.float32)
    return Timing(ahead, turn, cycles.count)


def _shares(amount: FloatArray) -> FloatArray:
    """Positive values of sum 1, in proportion to `amount`."""
    filled = amount + np.float32(max(0.01 * float(amount.mean()), 1e-9))
    return np.asarray(filled / filled.sum(), np.float32)


def rising_phase(moving: Moving, frames: float, window: Window) -> FloatArray:
    """float32 [P]: by which part of the period each place is ahead of the clock.

    It rises in one direction, a whole number of times around the period where there is `ROOM` for it, and nowhere so
    steeply that texture is distorted by more than `SQUEEZE`. Of the directions that `DETOURS` allows it is the one that
    spreads texture most evenly.

    Of a large picture, arrays of all places are the most that is held at a time: only spans are in double precision.
    """
    fastest = max(float(np.percentile(np.hypot(moving.flow[:, 0], moving.flow[:, 1]), 95)), 1e-6)
    steepest = SQUEEZE / (fastest * frames)
    mean = moving.detail @ moving.flow
    backward = float(np.arctan2(-mean[1], -mean[0]))
    best, least = np.zeros(moving.row.size, np.float32), np.inf
    for detour in np.deg2rad(DETOURS):
        phase = _even_rise(_along(moving, backward + detour, window), moving.detail, steepest)
        uneven = _unevenness(phase, moving.detail)
        if uneven < least - 1e-6:
            best, least = phase, uneven
    return best


def _along(moving: Moving, angle: float, window: Window) -> FloatArray:
    """float32 [P], how far each place lies in a direction, in pixels of the whole picture."""
    along = np.empty(moving.row.size, np.float32)
    for span in bands(moving.flow.shape):
        column, row = moving.column[span] + window.left, moving.row[span] + window.top
        along[span] = column * np.cos(angle) + row * np.sin(angle)
    return along


def _unevenness(phase: FloatArray, detail: FloatArray) -> float:
    """How unevenly texture is spread over the period: 0 where each part of it has its share."""
    total = np.zeros(2, np.complex128)
    for span in bands((phase.size, 1)):
        total += [(detail[span] * np.exp(2j * np.pi * k * phase[span])).sum() for k in (1, 2)]
    return float((np.abs(total) / (1, 2)).sum())


def _even_rise(along: FloatArray, weight: FloatArray, steepest: float) -> FloatArray:
    """A phase that rises with `along`, faster where there is more texture.

    It does so by a whole number, or as far as `steepest` allows where that is less than 1. Brief periods let it rise
    more than once, so that each kind of texture has its share in all parts of the period.
    """
    low, high = float(along.min()), float(along.max())
    if high - low < 1:
        return np.zeros(along.shape, np.float32)
    width = (high - low) / BINS
    amount = np.zeros(BINS)
    for span in bands((along.size, 1)):
        amount += np.bincount(np.minimum((along[span] - low) / width, BINS - 1).astype(int), weight[span], BINS)
    most = steepest * width
    rise, times = np.full(BINS, most), max(1, int(most * BINS / ROOM))
    if most * BINS > times:
        amount = np.maximum(amount, 0.25 / BINS)
        small, large = 0.0, 4.0 * BINS * times
        for _ in range(40):
            middle = (small + large) / 2
            small, large = (middle, large) if np.minimum(amount * middle, most).sum() < times else (small, middle)
        rise = np.minimum(amount * large, most)
    edges, risen = low + width * np.arange(BINS + 1), np.concatenate([[0.0], np.cumsum(rise)])
    phase = np.empty(along.shape, np.float32)
    for span in bands((along.size, 1)):
        phase[span] = np.interp(along[span], edges, risen)
    return phase


def _beginning(middle: FloatArray, change: FloatArray, seed: int) -> float:
    """The part of the period at which the clock starts: after a random one, the first where usual amounts fade.

    `middle` [P] is the part of the period in the middle of each place's fade.
    """
    amount = np.bincount((middle % 1 * BINS).astype(int) % BINS, change, BINS)
    during = np.sinc(np.fft.fftfreq(BINS, 1 / BINS) * FADE)
    fading = np.fft.ifft(np.fft.fft(amount) * during).real
    order = (int(np.random.default_rng(seed).integers(BINS)) + np.arange(BINS)) % BINS
    apart = np.abs(fading[order] - np.median(fading))
    usual = int(np.argmax(apart <= np.percentile(apart, 10)))
    return float(order[usual]) / BINS


def choose_turns(  # noqa: PLR0917
    moving: Moving, trajectories: Trajectories, frames: float, spread: float | None, seed: int, window: Window
) -> FloatArray:
    """float32 [P], `FADE` / 2 to 1 - `FADE` / 2: `Timing.turn`.

    Args:
        moving: the pixels.
        trajectories: tell when the texture's path meets an edge.
        frames: frames of one period.
        spread: size of the areas of one turn, in pixels at 512; None: one turn, but for the edges.
        seed: of the areas.
        window: where the pixels lie in the picture.
    """
    row, column, half = moving.row, moving.column, FADE / 2
    past, future = np.zeros(row.size, np.float32), np.zeros(row.size, np.float32)
    meetings(trajectories.kept, row, column, past, future)
    # in place: of a large picture, these are the most that is held at a time
    past /= np.float32(frames)
    past -= np.float32(half)
    future /= np.float32(frames)
    np.subtract(1, future, out=future)
    future += np.float32(half)
    latest, earliest = past, future
    middle = (earliest + latest) / 2
    short = earliest > latest
    np.copyto(earliest, middle, where=short)
    np.copyto(latest, middle, where=short)
    del middle, short
    wanted: float | FloatArray = 0.5
    if spread is not None:
        noise = _noise(window, spread * window.scale, seed)[row, column]
        wanted = half + (1 - FADE) * _rank(noise, moving.detail)
    chosen = np.clip(wanted, earliest, latest)
    del past, future, latest, earliest
    np.clip(chosen, half, 1 - half, out=chosen)
    plane, sigma = np.zeros(trajectories.size, np.float32), SEAM_WIDTH * window.scale
    plane[row, column] = chosen
    blurred = np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)[row, column]
    plane[row, column] = 1
    blurred /= cv2.GaussianBlur(plane, (0, 0), sigma)[row, column]
    return np.clip(blurred, half, 1 - half, out=blurred)


def _noise(window: Window, sigma: float, seed: int) -> FloatArray:
    """float32 of the window's size: smooth random values whose areas have the size `sigma`, in pixels."""
    height, width = window.whole
    cell = sigma / 8
    noise = np.random.default_rng(seed).standard_normal((int(height / cell) + 50, int(width / cell) + 50))
    smooth = cv2.GaussianBlur(noise.astype(np.float32), (0, 0), 4)[20:-20, 20:-20]
    matrix = np.array([[cell, 0, -window.left], [0, cell, -window.top]], np.float32)
    return np.asarray(
        cv2.warpAffine(smooth, matrix, window.size[::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE),
        np.float32,
    )


def _rank(values: FloatArray, weight: FloatArray) -> FloatArray:
    """float32 [P], 0..1: the share of the weight that lies at smaller values."""
    order = np.argsort(values, kind="stable")
    level = np.cumsum(weight[order], dtype=np.float64)
    knots = np.linspace(0, values.size - 1, min(values.size, 257)).astype(int)
    return np.interp(values, values[order][knots], level[knots] / level[-1]).astype(np.float32)
