"""Periodic noise of several characters, cut from a bank of tiles: a scene costs milliseconds and fits any size."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

TILE = 512
"""Side of a tile in pixels; a picture of 512 sees it pixel by pixel."""

VARIANTS = 6
"""Tiles of each character."""

CHARACTERS = {
    # name: (frequencies weigh this much more along y, along x, fall of the amplitude with frequency)
    "even": (1.0, 1.0, 1.6),
    "soft": (1.0, 1.0, 2.2),
    "fine": (1.0, 1.0, 0.8),
    "grain": (1.0, 1.0, 0.1),
    "wide": (1.0, 4.0, 1.7),
    "flat": (1.0, 9.0, 1.3),
    "tall": (6.0, 1.0, 1.3),
}
"""Gaussian noise of power-law spectra; "wide" and "flat" lie, "tall" stands."""


@cache
def tiles(character: str, variant: int) -> tuple[Array, ...]:
    """A tile, float32 [512, 512] of mean 0 and deviation 1, and its halves, quarters, ... down to 32 pixels."""
    along_y, along_x, fall = CHARACTERS[character]
    random = np.random.default_rng([len(character), ord(character[0]), ord(character[-1]), variant])
    fy = np.fft.fftfreq(TILE)[:, None] * along_y
    fx = np.fft.rfftfreq(TILE)[None] * along_x
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1.0
    shape = frequency.shape
    spectrum = (random.standard_normal(shape) + 1j * random.standard_normal(shape)) / frequency**fall
    spectrum[0, 0] = 0
    tile = np.fft.irfft2(spectrum, s=(TILE, TILE))
    return _pyramid(((tile - tile.mean()) / tile.std()).astype(np.float32))


@cache
def dabs(variant: int) -> tuple[Array, Array]:
    """Brush marks four times as long as wide, lying: (offsets to each mark's middle [T, T, 2], relief [T, T]).

    Offsets are in tile pixels, the relief is 0 at a mark's border and about 1 in its middle; both tile periodically.
    A mark is about 32 by 8 pixels of the tile.
    """
    random = np.random.default_rng([7, variant])
    side, long = TILE, 4
    cells = np.ones((side, side // long), np.uint8)
    count = side * (side // long) // 64
    seeds = (random.integers(0, side, count), random.integers(0, side // long, count))
    cells[seeds] = 0
    wrapped = np.tile(cells, (3, 3))
    distance, labels = cv2.distanceTransformWithLabels(wrapped, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    ys, xs = np.nonzero(wrapped == 0)
    middle = np.zeros((labels.max() + 1, 2), np.float32)
    middle[labels[ys, xs]] = np.stack([xs, ys], axis=-1)
    part = (slice(side, 2 * side), slice(side // long, 2 * side // long))
    rows, columns = np.mgrid[part]
    to_middle = middle[labels[part]] - np.stack([columns, rows], axis=-1).astype(np.float32)
    offsets = np.repeat(to_middle, long, axis=1)
    offsets[..., 0] = offsets[..., 0] * long - np.tile(np.arange(long) - (long - 1) / 2, side // long)[None]
    relief = cv2.resize(distance[part], (side, side), interpolation=cv2.INTER_LINEAR)
    relief = np.clip(1.0 - relief / 6.0, 0, 1)
    return np.ascontiguousarray(offsets, np.float32), np.ascontiguousarray(relief, np.float32)


def cut(random: np.random.Generator, character: str, height: int, width: int, zoom: float = 1.0) -> Array:
    """Noise float32 [height, width]; `zoom` is how many tile widths the picture's short side spans.

    What is drawn from `random` does not depend on the size, and neither does what is seen.
    """
    variant = int(random.integers(VARIANTS))
    top, left = random.random(2)
    mirrored = random.random() < 0.5
    step = TILE * zoom / min(height, width)
    level = int(np.clip(np.floor(np.log2(max(step, 1.0))), 0, 4))
    tile = tiles(character, variant)[level]
    side = tile.shape[0]
    span_y, span_x = (max(2, round(side * zoom * length / min(height, width))) for length in (height, width))
    rows = (int(top * side) + np.arange(span_y)) % side
    columns = (int(left * side) + np.arange(span_x)) % side
    if mirrored:
        columns = columns[::-1]
    piece = tile[np.ix_(rows, columns)]
    return cv2.resize(piece, (width, height), interpolation=cv2.INTER_LINEAR)


def on_plane(random: np.random.Generator, character: str, depth: Array, x: Array, zoom: float = 1.0) -> Array:
    """Noise that lies on a level plane seen in perspective, float32 [H, W].

    Args:
        random: picks the place.
        character: of the noise.
        depth: float32 [H, W], 0 at the horizon, 1 at the lower border.
        x: float32 [H, W], 0..1 across.
        zoom: how many tile widths the lower border spans.
    """
    variant = int(random.integers(VARIANTS))
    top, left = random.random(2) * TILE
    level = 1 if depth.shape[0] <= 192 else 0
    tile = tiles(character, variant)[level]
    nearness = depth + 0.06
    unit = TILE * zoom
    u = ((x - 0.5) / nearness * unit + left) / (1 << level)
    v = (0.35 / nearness * unit + top) / (1 << level)
    side = np.float32(tile.shape[0])
    return cv2.remap(
        tile, (u % side).astype(np.float32), (v % side).astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP
    )


def line(random: np.random.Generator, width: int, rough: float = 1.0, bumps: float = 3.0) -> Array:
    """A wandering line, float32 [width], 0..1: `bumps` hills across, the rougher the more small ones."""
    places = np.linspace(0, 1, width, dtype=np.float32)
    total = np.zeros(width, np.float32)
    for octave in range(7):
        knots = random.random(max(4, round(bumps * 2**octave) + 3)).astype(np.float32)
        at = places * (len(knots) - 3) + 1
        index = at.astype(int)
        share = at - index
        if octave < 3:
            share = share * share * (3 - 2 * share)
        total += (knots[index] * (1 - share) + knots[index + 1] * share) * (0.5 * rough**0.5) ** octave
    return (total - total.min()) / max(float(np.ptp(total)), 1e-6)


def _pyramid(tile: Array) -> tuple[Array, ...]:
    levels = [tile]
    while levels[-1].shape[0] > 32:
        side = levels[-1].shape[0] // 2
        levels.append(cv2.resize(levels[-1], (side, side), interpolation=cv2.INTER_AREA))
    return tuple(levels)
