"""Rendering by gathering: every moving pixel looks up where its texture comes from.

A stationary field's flow map is invertible, so looking up along the backward path gives what a forward splat of
unlimited supersampling would give, without holes, cracks or normalisation: see `splat` for the forward formulation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import cast

import cv2
import numpy as np

from t2c_ext.curves import smoothstep
from t2c_ext.extents import Window
from t2c_ext.jit import njit
from t2c_ext.loop.blend import FADE, contributions, fade, gain
from t2c_ext.loop.cycles import Cycles, fitting_cycles, given_cycles, one_cycle, takes
from t2c_ext.loop.inflow import Domain, continue_outward, find_domain, trace_field
from t2c_ext.loop.paths import MARGIN, Scalar
from t2c_ext.loop.rim import Rim, find_rim, no_rim
from t2c_ext.loop.spline import look_up
from t2c_ext.loop.structure import split
from t2c_ext.loop.texture import Texture, cell, level, make_texture
from t2c_ext.loop.timing import Timing, even_timing, spread_timing
from t2c_ext.loop.trajectories import Kept, Trajectories, beyond_edge, surround, trace_trajectories, travelled
from t2c_ext.settings import LoopSettings
from t2c_ext.types import BoolArray, ByteArray, FloatArray, IntArray

SAMPLES = 4096
"""Pixels, about, on which the steps from frame to frame are measured."""

EASE = 0.125
"""Part of the period in which a loop that starts with the still lets the repainted rim appear."""

Places = tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray, FloatArray, IntArray]
"""row, column, share and held of `Pixels`, ahead, turn and cycles of its `Timing`."""


@dataclass(frozen=True)
class Pixels:
    """The P moving pixels.

    Attributes:
        row, column: int32 [P].
        share: float32 [P], the share of the pixel that moves.
        held: float32 [P, 4], R, G, B of what stays, and the contrast that travelling texture takes on there.
        timing: which texture it shows when.
        rim: bool [P], pixels that show the still at frame 0 although their texture is another.
    """

    row: IntArray
    column: IntArray
    share: FloatArray
    held: FloatArray
    timing: Timing
    rim: BoolArray

    def places(self, frame: int, frames: int) -> Places:
        """What the compiled kernels take of it for one frame; the rim, where `rim` says so, eases in and out."""
        share = self.share
        if self.rim.any():
            near = smoothstep(min(frame, frames - frame) / max(frames * EASE, 1))
            share = np.where(self.rim, share * np.float32(near), share)
        timing = self.timing
        return self.row, self.column, share, self.held, timing.ahead, timing.turn, timing.cycles


@dataclass(frozen=True)
class Scene:
    """All that the frames are drawn from.

    Attributes:
        window: the part of the picture that it is; what follows lies in it.
        pixels: what moves.
        trajectories: their paths.
        texture: what is looked up.
        picture: float32 [h, w, 3], the still.
    """

    window: Window
    pixels: Pixels
    trajectories: Trajectories
    texture: Texture
    picture: FloatArray


@njit(cache=True, nogil=True, inline="always")
def _mixed(  # noqa: PLR0917
    broad: FloatArray,
    step: int,
    lag: int,
    shares: tuple[Scalar, Scalar],
    first: tuple[Scalar, Scalar],
    second: tuple[Scalar, Scalar],
    sums: tuple[Scalar, Scalar, Scalar],
) -> tuple[Scalar, Scalar, Scalar]:
    """The mix `sums` of two look-ups with its deviation from the local mean amplified (see `blend.gain`)."""
    a, b = shares
    here, there = cell(broad, step, first[0], first[1]), cell(broad, step, second[0], second[1])
    factor = gain(a, b, level(broad, here, 3), level(broad, there, 3), level(broad, here, 4 + lag))
    rest = np.float32(1.0) - factor
    red = factor * sums[0] + rest * (a * level(broad, here, 0) + b * level(broad, there, 0))
    green = factor * sums[1] + rest * (a * level(broad, here, 1) + b * level(broad, there, 1))
    blue = factor * sums[2] + rest * (a * level(broad, here, 2) + b * level(broad, there, 2))
    return red, green, blue


@njit(cache=True, nogil=True, inline="always")
def _byte(value: Scalar) -> Scalar:
    return np.uint8(min(max(value, np.float32(0.0)), np.float32(1.0)) * np.float32(255.0) + np.float32(0.5))


@njit(cache=True, nogil=True, fastmath=True, error_model="numpy")
def draw(  # noqa: PLR0917
    spline: FloatArray,
    broad: FloatArray,
    step: int,
    places: Places,
    kept: Kept,
    span: tuple[int, int],
    frame: int,
    frames: int,
    style: tuple[Scalar, bool],
    still: FloatArray,
    out: ByteArray,
) -> None:
    """Draw the pixels of `span` into frame `frame`.

    Args:
        spline, broad, step: of a `Texture`.
        places: of `Pixels`.
        kept: of `Trajectories`.
        span: first pixel and the one after the last.
        frame, frames: which frame, and how many one period has.
        style: part of the period that the cross-fade takes, and whether variance is preserved.
        still: float32 [H, W, 3].
        out: uint8 [H, W, 3], receives the pixels.
    """
    row, column, share, held, ahead, turn, cycles = places
    nodes, past, future, past_met, future_met, spacing, stride = kept
    length, preserve = style
    zero, one, whole, margin = np.float32(0.0), np.float32(1.0), np.float32(frames), np.float32(MARGIN)
    for index in range(span[0], span[1]):
        r, c, m, count = row[index], column[index], share[index], cycles[index]
        time = ahead[index] + np.float32(frame)
        if time >= whole:
            time -= whole
        period = whole / np.float32(count)
        cycle = min(int(time / period), count - 1)
        time -= np.float32(cycle) * period
        here, after, lag = takes(cycle, count)
        weight = fade(time * (one / period), turn[index], length)
        back, forth = time + here * period, period - time - after * period
        around = surround(nodes, spacing, c, r)
        x, y = np.float32(c) + margin, np.float32(r) + margin
        if weight <= zero:
            dx, dy = travelled(past, future, around, back, stride)
            red, green, blue = look_up(spline, x + dx, y + dy)
        elif weight >= one:
            dx, dy = travelled(future, past, around, forth, stride)
            red, green, blue = look_up(spline, x + dx, y + dy)
        else:
            dx, dy = travelled(past, future, around, back, stride)
            ex, ey = travelled(future, past, around, forth, stride)
            beyond = beyond_edge(past_met, future_met, around, back), beyond_edge(future_met, past_met, around, forth)
            a, b = contributions(weight, beyond[0], beyond[1], period, preserve)
            ra, ga, ba = look_up(spline, x + dx, y + dy)
            rb, gb, bb = look_up(spline, x + ex, y + ey)
            red, green, blue = a * ra + b * rb, a * ga + b * gb, a * ba + b * bb
            if preserve:
                sums = red, green, blue
                red, green, blue = _mixed(broad, step, lag, (a, b), (x + dx, y + dy), (x + ex, y + ey), sums)
        contrast = held[index, 3]
        red, green = held[index, 0] + contrast * red, held[index, 1] + contrast * green
        blue = held[index, 2] + contrast * blue
        out[r, c, 0] = _byte(still[r, c, 0] + m * (red - still[r, c, 0]))
        out[r, c, 1] = _byte(still[r, c, 1] + m * (green - still[r, c, 1]))
        out[r, c, 2] = _byte(still[r, c, 2] + m * (blue - still[r, c, 2]))


def prepare(  # noqa: PLR0917
    picture: FloatArray,
    mask: FloatArray,
    flow: FloatArray,
    structure: FloatArray,
    settings: LoopSettings,
    seed: int,
    window: Window,
) -> Scene:
    """All that the frames are drawn from.

    Args:
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1.
        flow: float32 [H, W, 2], pixels per frame; not zero everywhere inside the mask.
        structure: float32 [H, W], 0..1, how far large shapes stay (see `structure.split`).
        settings: frames; blend "phase" spreads the cross-fades over the period; a loop that starts with the still
            shows it at frame 0 also at the mask's rim, which is repainted in the other frames.
        seed: of the timing.
        window: where they lie in the picture.
    """
    rim = find_rim(picture, mask, window) if settings.blend != "paper" else no_rim()
    domain = find_domain(mask, flow, window, rim.mixed(mask.shape))
    row, column = (part.astype(np.int32) for part in np.nonzero(domain.inside))
    continued = continue_outward(picture, domain.core)
    parts = split(continued, domain.core | domain.inside, structure, window, in_place=True)
    del continued
    held = np.column_stack([parts.base[row, column], parts.gain[row, column]])
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY) - cv2.cvtColor(parts.base, cv2.COLOR_RGB2GRAY)
    travelling = parts.texture
    del parts
    cycles = _cycles(travelling, domain, flow, settings, window)
    trajectories = trace_trajectories(trace_field(flow, domain), domain.inside, cycles.longest, window)
    if settings.blend == "phase":
        spread = settings.phase_spread if settings.start_still else None
        places = row, column
        timing = spread_timing(grey, domain.share, flow, trajectories, places, cycles, spread, seed, window)
    else:
        timing = even_timing(row.size)
    share = domain.share[row, column]
    del grey
    _mix(rim, share, held, row * mask.shape[1] + column, mask.shape[1])
    pixels = Pixels(row, column, share, held, timing, ~domain.core[row, column] & settings.start_still)
    texture = make_texture(travelling, domain.core, domain.inside, trajectories, cycles, window)
    scene = Scene(window, pixels, trajectories, texture, picture)
    if settings.blend != "phase" or settings.start_still or ((cycles.count == 1).all() and not structure.any()):
        return scene
    return replace(scene, pixels=_begun(scene, settings.frames))


def _mix(rim: Rim, share: FloatArray, held: FloatArray, inside: IntArray, width: int) -> None:
    """Let the pixels of a mixed rim move by their share, about their own colour.

    Args:
        rim: the pixels.
        share, held: of `Pixels`, changed in place.
        inside: which pixels they are, counted row by row; ascending.
        width: pixels of a row.
    """
    flat = rim.row * width + rim.column
    at = np.minimum(np.searchsorted(inside, flat), inside.size - 1)
    moves = inside[at] == flat
    at = at[moves]
    share[at] *= 1 - rim.outside[moves]
    held[at, :3] += rim.offset[moves]


def _begun(scene: Scene, frames: int) -> Pixels:
    """The pixels with their clock moved on to where the step from the last to the first frame is a usual one.

    Cycles fade over to takes that lie more or less far apart, so that steps differ. They are measured on some pixels;
    of the tenth of the steps that are nearest to the median, the first one counts.
    """
    pixels = scene.pixels
    timing, some = pixels.timing, slice(None, None, max(1, pixels.row.size // SAMPLES))
    every = pixels.row, pixels.column, pixels.share, pixels.held, timing.ahead, timing.turn, timing.cycles
    # with strides `draw` would be compiled once more
    places = cast("Places", tuple(np.ascontiguousarray(part[some]) for part in every))
    row, column = places[:2]
    texture, kept, style = scene.texture, scene.trajectories.kept, (np.float32(FADE), True)
    out = np.zeros(scene.picture.shape, np.uint8)
    shown = np.zeros((frames, row.size, 3), np.uint8)
    for frame in range(frames):
        span = 0, row.size
        draw(texture.spline, texture.broad, texture.step, places, kept, span, frame, frames, style, scene.picture, out)
        shown[frame] = out[row, column]
    steps = np.array([cv2.absdiff(shown[frame - 1], shown[frame]).mean() for frame in range(frames)])
    apart = np.abs(steps - np.median(steps))
    first = int(np.argmax(apart <= np.percentile(apart, 10)))
    return replace(pixels, timing=replace(timing, ahead=(timing.ahead + np.float32(first)) % np.float32(frames)))


def _cycles(texture: FloatArray, domain: Domain, flow: FloatArray, settings: LoopSettings, window: Window) -> Cycles:
    count = int(np.count_nonzero(domain.inside))
    if settings.blend != "phase":
        return one_cycle(count, settings.frames)
    if settings.cycles:
        return given_cycles(count, settings.frames, settings.cycles)
    return fitting_cycles(texture, domain.inside, flow, settings.frames, window)
