"""Rendering by gathering: every moving pixel looks up where its texture comes from.

A stationary field's flow map is invertible, so looking up along the backward path gives what a forward splat of
unlimited supersampling would give, without holes, cracks or normalisation: see `splat` for the forward formulation.
The look-up is a cubic B-spline through the pixels, which keeps detail at fractional positions.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit
from scipy.ndimage import spline_filter1d

from t2c_ext.loop.blend import contributions, fade, gain, local_mean, phase_field
from t2c_ext.loop.inflow import continue_outward, find_domain, trace_field
from t2c_ext.loop.paths import MARGIN, BoolArray, Field, IntArray, Scalar, advance, trace
from t2c_ext.types import ByteArray, FloatArray, scale_of

Places = tuple[IntArray, IntArray, FloatArray, IntArray, FloatArray, FloatArray, FloatArray]
"""row, column, share, age, fraction, past_met, future_met of `Particles`."""

CHUNK = 16384
"""Particles that one thread traces at a time."""

MEAN_WINDOW = 12.0
"""Sigma of the local mean about which variance is preserved, in pixels at 512."""


@dataclass(frozen=True)
class Texture:
    """What is looked up.

    Attributes:
        spline: float32 [H + 2 MARGIN, W + 2 MARGIN, 4], B-spline coefficients of R, G, B (and a spare zero), 0..1.
        broad: float32 [h, w, 5], at 1 / `step` of the resolution: local mean R, G, B, variance of the rest, and its
            covariance with the rest one period downstream.
        step: pixels per cell of `broad`.
    """

    spline: FloatArray
    broad: FloatArray
    step: int


@dataclass(frozen=True)
class Particles:
    """The moving pixels and where their two warps look. P pixels; positions in the padded frame.

    Attributes:
        row, column: int32 [P], the pixel.
        share: float32 [P], the share of the pixel that moves.
        age: int32 [P], whole frames since the forward warp's start, at frame 0.
        fraction: float32 [P], 0..1, the rest of that age.
        past, future: float32 [P, 3], where (x, y, sign) the forward and the backward warp look at frame 0.
        renewed: float32 [P, 3], where the backward warp looks when the age starts anew.
        past_met, future_met: float32 [P], frames until the domain's edge is met looking back, and ahead.
    """

    row: IntArray
    column: IntArray
    share: FloatArray
    age: IntArray
    fraction: FloatArray
    past: FloatArray
    future: FloatArray
    renewed: FloatArray
    past_met: FloatArray
    future_met: FloatArray

    @property
    def places(self) -> Places:
        """What the compiled kernels take of it."""
        return self.row, self.column, self.share, self.age, self.fraction, self.past_met, self.future_met


def spline_coefficients(picture: FloatArray) -> FloatArray:
    """Padded B-spline coefficients of a picture: float32 [H, W, 3] to [H + 2 MARGIN, W + 2 MARGIN, 4]."""
    height, width = picture.shape[:2]
    padded = np.zeros((height + 2 * MARGIN, width + 2 * MARGIN, 4), np.float32)
    for channel in range(3):
        plane = picture[..., channel]
        for axis in range(2):
            plane = spline_filter1d(plane, order=3, axis=axis, output=np.float32, mode="mirror")
        padded[..., channel] = np.pad(plane, MARGIN, mode="reflect")
    return padded


@njit(cache=True, nogil=True, inline="always")
def _cubic_weights(t: Scalar) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    """Weights of the four B-spline coefficients around a fraction t."""
    one, sixth = np.float32(1.0), np.float32(1.0 / 6.0)
    rest = one - t
    w0 = rest * rest * rest * sixth
    w3 = t * t * t * sixth
    w1 = np.float32(2.0 / 3.0) - np.float32(0.5) * t * t * (np.float32(2.0) - t)
    return w0, w1, one - w0 - w1 - w3, w3


@njit(cache=True, nogil=True)
def look_up(spline: FloatArray, x: Scalar, y: Scalar) -> tuple[Scalar, Scalar, Scalar]:
    """R, G, B at a position of the padded frame (kept within the picture's pixels by half a pixel)."""
    height, width = spline.shape[0], spline.shape[1]
    low = np.float32(MARGIN) - np.float32(0.5)
    x = min(max(x, low), np.float32(width - MARGIN) - np.float32(0.5))
    y = min(max(y, low), np.float32(height - MARGIN) - np.float32(0.5))
    column, row = int(x), int(y)
    ax, bx, cx, dx = _cubic_weights(x - np.float32(column))
    wy = _cubic_weights(y - np.float32(row))
    red = green = blue = np.float32(0.0)
    for k in range(4):
        w = wy[k]
        j = row - 1 + k
        i = column - 1
        red += w * (
            ax * spline[j, i, 0] + bx * spline[j, i + 1, 0] + cx * spline[j, i + 2, 0] + dx * spline[j, i + 3, 0]
        )
        green += w * (
            ax * spline[j, i, 1] + bx * spline[j, i + 1, 1] + cx * spline[j, i + 2, 1] + dx * spline[j, i + 3, 1]
        )
        blue += w * (
            ax * spline[j, i, 2] + bx * spline[j, i + 1, 2] + cx * spline[j, i + 2, 2] + dx * spline[j, i + 3, 2]
        )
    return red, green, blue


@njit(cache=True, nogil=True, inline="always")
def _cell(broad: FloatArray, step: int, x: Scalar, y: Scalar) -> tuple[int, int, Scalar, Scalar]:
    """Row, column and fractions of a padded position in the coarse grid."""
    half, inverse = np.float32(0.5), np.float32(1.0) / np.float32(step)
    gx = (x - np.float32(MARGIN) + half) * inverse - half
    gy = (y - np.float32(MARGIN) + half) * inverse - half
    gx = min(max(gx, np.float32(0.0)), np.float32(broad.shape[1]) - np.float32(1.001))
    gy = min(max(gy, np.float32(0.0)), np.float32(broad.shape[0]) - np.float32(1.001))
    column, row = int(gx), int(gy)
    return row, column, gx - np.float32(column), gy - np.float32(row)


@njit(cache=True, nogil=True, inline="always")
def _mix(broad: FloatArray, row: int, column: int, fx: Scalar, fy: Scalar, channel: int) -> Scalar:  # noqa: PLR0917
    top = broad[row, column, channel] + fx * (broad[row, column + 1, channel] - broad[row, column, channel])
    low = broad[row + 1, column, channel] + fx * (broad[row + 1, column + 1, channel] - broad[row + 1, column, channel])
    return top + fy * (low - top)


@njit(cache=True, nogil=True)
def draw(  # noqa: PLR0917
    spline: FloatArray,
    broad: FloatArray,
    step: int,
    places: Places,
    past: FloatArray,
    future: FloatArray,
    span: tuple[int, int],
    frame: int,
    frames: int,
    style: tuple[Scalar, bool],
    still: FloatArray,
    out: ByteArray,
) -> None:
    """Draw the particles of `span` into frame `frame`, from where their warps look now.

    Args:
        spline, broad, step: of a `Texture`.
        places: row, column, share, age, fraction, past_met, future_met of `Particles`.
        past, future: where the warps look.
        span: first particle and the one after the last.
        frame, frames: which frame of how many.
        style: sharpness of the cross-fade (1 is linear) and whether variance is preserved.
        still: float32 [H, W, 3].
        out: uint8 [H, W, 3], receives the pixels.
    """
    row, column, share, age, fraction, past_met, future_met = places
    steepness, preserve = style
    one, top = np.float32(1.0), np.float32(255.0)
    for index in range(span[0], span[1]):
        time = np.float32((age[index] + frame) % frames) + fraction[index]
        weight = fade(time / np.float32(frames), steepness)
        a, b = contributions(
            weight, time - past_met[index], np.float32(frames) - time - future_met[index], np.float32(frames), preserve
        )
        xa, ya, xb, yb = past[index, 0], past[index, 1], future[index, 0], future[index, 1]
        ra, ga, ba = look_up(spline, xa, ya)
        rb, gb, bb = look_up(spline, xb, yb)
        red, green, blue = a * ra + b * rb, a * ga + b * gb, a * ba + b * bb
        if preserve:
            ja, ia, ua, va = _cell(broad, step, xa, ya)
            jb, ib, ub, vb = _cell(broad, step, xb, yb)
            factor = gain(
                a,
                b,
                _mix(broad, ja, ia, ua, va, 3),
                _mix(broad, jb, ib, ub, vb, 3),
                _mix(broad, ja, ia, ua, va, 4),
            )
            rest = one - factor
            red = factor * red + rest * (a * _mix(broad, ja, ia, ua, va, 0) + b * _mix(broad, jb, ib, ub, vb, 0))
            green = factor * green + rest * (a * _mix(broad, ja, ia, ua, va, 1) + b * _mix(broad, jb, ib, ub, vb, 1))
            blue = factor * blue + rest * (a * _mix(broad, ja, ia, ua, va, 2) + b * _mix(broad, jb, ib, ub, vb, 2))
        r, c, m = row[index], column[index], share[index]
        stay = one - m
        out[r, c, 0] = np.uint8(np.rint(min(max(stay * still[r, c, 0] + m * red, np.float32(0)), one) * top))
        out[r, c, 1] = np.uint8(np.rint(min(max(stay * still[r, c, 1] + m * green, np.float32(0)), one) * top))
        out[r, c, 2] = np.uint8(np.rint(min(max(stay * still[r, c, 2] + m * blue, np.float32(0)), one) * top))


@njit(cache=True, nogil=True)
def move(  # noqa: PLR0917
    grid: FloatArray,
    places: Places,
    renewed: FloatArray,
    past: FloatArray,
    future: FloatArray,
    span: tuple[int, int],
    frame: int,
    frames: int,
) -> None:
    """Take the particles of `span` from frame `frame` to the next, in place."""
    row, column, _, age, fraction, _, _ = places
    one = np.float32(1.0)
    for index in range(span[0], span[1]):
        if (age[index] + frame + 1) % frames == 0:
            x, y = np.float32(column[index] + MARGIN), np.float32(row[index] + MARGIN)
            x, y, sign, _ = advance(grid, x, y, -one, fraction[index])
            past[index, 0], past[index, 1], past[index, 2] = x, y, sign
            future[index, 0], future[index, 1], future[index, 2] = (
                renewed[index, 0],
                renewed[index, 1],
                renewed[index, 2],
            )
        else:
            x, y, sign, _ = advance(grid, past[index, 0], past[index, 1], past[index, 2], one)
            past[index, 0], past[index, 1], past[index, 2] = x, y, sign
            x, y, sign, _ = advance(grid, future[index, 0], future[index, 1], -future[index, 2], one)
            future[index, 0], future[index, 1], future[index, 2] = x, y, -sign


def place_particles(field: Field, share: FloatArray, phase: FloatArray, frames: int) -> Particles:
    """Trace both warps of every moving pixel to frame 0.

    Args:
        field: what they follow.
        share: float32 [H, W], the share of the pixel that moves.
        phase: float32 [H, W], 0..1, the part of the period by which a place is ahead.
        frames: frames of one period.
    """
    row, column = (part.astype(np.int32) for part in np.nonzero(share > 0))
    ahead = (phase[row, column] % 1.0 * frames).astype(np.float32)
    age = np.minimum(np.floor(ahead), frames - 1).astype(np.int32)
    fraction = np.clip(ahead - age, 0, 1).astype(np.float32)
    x, y = (column + MARGIN).astype(np.float32), (row + MARGIN).astype(np.float32)
    past, future, renewed = (np.zeros((row.size, 3), np.float32) for _ in range(3))
    past_met, future_met, scratch = (np.zeros(row.size, np.float32) for _ in range(3))
    whole = np.full(row.size, frames, np.float32)

    def run(span: slice) -> None:
        start = x[span], y[span]
        trace(field.grid, *start, -1.0, whole[span], past[span], past_met[span])
        trace(field.grid, *start, -1.0, (age + fraction)[span], past[span], scratch[span])
        trace(field.grid, *start, 1.0, (whole - fraction)[span], renewed[span], future_met[span])
        trace(field.grid, *start, 1.0, (whole - age - fraction)[span], future[span], scratch[span])

    with ThreadPoolExecutor(min(os.cpu_count() or 1, 16)) as pool:
        list(pool.map(run, (slice(low, low + CHUNK) for low in range(0, row.size, CHUNK))))
    return Particles(row, column, share[row, column], age, fraction, past, future, renewed, past_met, future_met)


def coarse_step(window: float) -> int:
    """Pixels per cell of a coarse grid that still carries a local mean of `window` pixels."""
    return max(1, int(window / 3))


def shrink(plane: FloatArray, step: int) -> FloatArray:
    """Mean over cells of `step` by `step` pixels (the last may reach beyond the border, which is mirrored)."""
    if step == 1:
        return plane
    height, width = plane.shape[:2]
    down, right = -height % step, -width % step
    padded = cv2.copyMakeBorder(plane, 0, down, 0, right, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(padded, None, fx=1 / step, fy=1 / step, interpolation=cv2.INTER_AREA), np.float32)


def make_texture(picture: FloatArray, core: BoolArray, particles: Particles) -> Texture:
    """What the warps look up: the picture continued outward from `core`, its local means and variances.

    Args:
        picture: float32 [H, W, 3], 0..1.
        core: bool [H, W], the pixels that are trusted.
        particles: tells where each texture meets itself one period downstream.
    """
    window = MEAN_WINDOW * scale_of(*core.shape)
    continued = continue_outward(picture, core)
    area = core.copy()
    area[particles.row, particles.column] = True
    mean = local_mean(continued, area, window)
    rest = continued - mean
    here = rest[particles.row, particles.column]
    ahead_row = np.clip(np.rint(particles.renewed[:, 1]) - MARGIN, 0, core.shape[0] - 1).astype(np.int32)
    ahead_column = np.clip(np.rint(particles.renewed[:, 0]) - MARGIN, 0, core.shape[1] - 1).astype(np.int32)
    variance, shared = (np.zeros(core.shape, np.float32) for _ in range(2))
    variance[particles.row, particles.column] = (here * here).mean(axis=-1)
    shared[particles.row, particles.column] = (here * rest[ahead_row, ahead_column]).mean(axis=-1)
    moments = local_mean(np.dstack([variance, shared]), area, window)
    step = coarse_step(window)
    broad = shrink(np.ascontiguousarray(np.dstack([mean, moments])), step)
    return Texture(spline_coefficients(continued), np.ascontiguousarray(broad, np.float32), step)


def prepare(  # noqa: PLR0917
    picture: FloatArray,
    mask: FloatArray,
    flow: FloatArray,
    frames: int,
    spread: float | None,
    seed: int,
    keep_rim: bool,
) -> tuple[Particles, Texture, Field]:
    """All that the frames are drawn from.

    Args:
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1.
        flow: float32 [H, W, 2], pixels per frame; not zero everywhere inside the mask.
        frames: frames of one period.
        spread: size of the areas of one phase in pixels at 512, or None for one phase everywhere.
        seed: of the phases.
        keep_rim: look up the mask's rim as it is, so that nothing has changed where nothing has moved yet.
    """
    domain = find_domain(mask, flow)
    field = trace_field(flow, domain)
    phase = np.zeros(mask.shape, np.float32)
    if spread is not None:
        grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        energy = np.asarray(cv2.GaussianBlur(cv2.Laplacian(grey, cv2.CV_32F) ** 2, (0, 0), 4), np.float32)
        phase = phase_field(domain.share, flow, energy, frames, spread, seed)
    particles = place_particles(field, domain.share, phase, frames)
    return particles, make_texture(picture, domain.inside if keep_rim else domain.core, particles), field
