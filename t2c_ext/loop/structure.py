"""Structure and texture apart: large shapes stay where they are while the texture on them travels.

A pixel shows base(x) + gain(x) * texture(x'), where x' is the place that its texture comes from. The *base* holds the
large shapes; it has been smoothed until only they are left, with their edges as sharp as they were (rolling guidance,
Zhang et al. 2014: a Gaussian removes what is small, and a guided filter, He et al. 2010, led by the result brings the
edges of what is left back). The *texture* is the rest, divided by its local contrast compared with what is usual near,
the *gain*: foam that comes to a dark place is as faint as what it replaces.

Everything is averaged inside the region only (normalised convolution, Knutsson and Westin 1993), so that nothing
bleeds over its edge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce

import cv2
import numpy as np

from t2c_ext.extents import LARGE, Window, extent_of, whole_of
from t2c_ext.lexicon import load_lexicon
from t2c_ext.loop.blend import local_mean
from t2c_ext.loop.inflow import continue_outward
from t2c_ext.loop.texture import shrink
from t2c_ext.settings import LoopSettings
from t2c_ext.types import BoolArray, FloatArray, Regions

USUAL = 0.8
"""Structure of things that nobody knows."""

STEPS = 20
"""Steps of the structure of what moves: one region has one value, also where its mask is soft."""

SMALLEST = 5.0
"""Sigma of the Gaussian that tells the smallest of the shapes that may be held, in pixels at 512."""

OCTAVES = 5
"""From structure 1 to 0 that sigma doubles so many times; then nothing is held."""

ROUNDS = 2
"""Rounds of the guided filter; edges come back with the first."""

EDGE = 0.06
"""Contrast (0..1) from which an edge of a large shape comes back."""

CONTRAST_WINDOW = 12.0
"""Sigma of the window of the local contrast, in pixels at 512."""

USUAL_WINDOW = 48.0
"""Sigma of the window of the contrast that it is compared with."""

COARSEST = 32
"""Most pixels of a cell that means are computed on."""

FINE = 1.5
"""Sigma, in pixels at 512, below which texture counts for the contrast: what the eye takes for sharpness."""

FAINTEST, STRONGEST = 0.5, 2.0
"""Bounds of the gain."""

FAINT = 1e-6
"""Variance, a quarter of a level of 255, below which contrast is noise."""


@dataclass(frozen=True)
class Split:
    """A picture as base + gain * texture.

    Attributes:
        texture: float32 [H, W, 3].
        base: float32 [H, W, 3].
        gain: float32 [H, W].
    """

    texture: FloatArray
    base: FloatArray
    gain: FloatArray


def usual_structure(regions: Regions) -> FloatArray:
    """float32 [H, W], 0..1: how far the large shapes of what moves at each place usually stay; `USUAL` elsewhere.

    Far from what moves in a large picture it is 0, which takes no memory.
    """
    lexicon = load_lexicon()
    window = whole_of(regions.regions[0].mask.shape)
    if window.area > LARGE:
        window = reduce(Window.around, (extent_of(region.mask) for region in regions.regions))
    total = np.full(window.size, 1e-6, np.float32)
    summed = total * np.float32(USUAL)
    for region in regions.regions:
        thing = lexicon.find(region.name)
        summed += window.of(region.mask) * np.float32(USUAL if thing is None else thing.structure)
        total += window.of(region.mask)
    usual = np.asarray(np.rint(np.clip(summed / total, 0, 1) * STEPS) / STEPS, np.float32)
    if window.is_whole:
        return usual
    result = np.zeros(window.whole, np.float32)
    window.of(result)[:] = usual
    return result


def held_structure(size: tuple[int, ...], settings: LoopSettings, usual: FloatArray | None) -> FloatArray:
    """float32 `size`, 0..1: how far large shapes stay, by the settings or as is usual for what moves there."""
    if settings.blend == "paper":
        return np.zeros(size, np.float32)
    if settings.structure >= 0 or usual is None:
        value = settings.structure if settings.structure >= 0 else USUAL
        return np.broadcast_to(np.float32(value), size)
    return usual


def split(
    picture: FloatArray, area: BoolArray, structure: FloatArray, window: Window | None = None, *, in_place: bool = False
) -> Split:
    """Take the large shapes out of a picture.

    Args:
        picture: float32 [H, W, 3], 0..1.
        area: bool [H, W], the region.
        structure: float32 [H, W], 0..1; 1 holds all large shapes, less only larger ones, 0 none.
        window: where they lie in the picture; None: they are all of it.
        in_place: the picture itself becomes the texture.
    """
    scale = (window or whole_of(area.shape)).scale
    held = np.where(area, np.clip(structure, 0, 1), 0).astype(np.float32)
    if not held.any():
        return Split(picture, np.zeros_like(picture), np.ones(area.shape, np.float32))
    base = _base(picture, area, held, scale)
    texture = np.subtract(picture, base, out=picture if in_place else None)
    gain = _gain(texture, area, held, scale)
    texture /= gain[..., None]
    # beyond the area nothing was taken out; what is looked up there must be texture too
    return Split(continue_outward(texture, area, in_place=True), base, gain)


def _base(picture: FloatArray, area: BoolArray, held: FloatArray, scale: float) -> FloatArray:
    """float32 [H, W, 3]: the shapes that are held, mixed from those of the two nearest octaves."""
    place = (1 - held) * OCTAVES
    inside = place[area & (held > 0)]
    low, high = float(inside.min()), float(inside.max())
    if low == high <= OCTAVES - 1:
        base = _large_shapes(picture, area, SMALLEST * 2**low * scale)
        base[held <= 0] = 0
        return base
    base = np.zeros_like(picture)
    for octave in range(int(low), min(int(np.ceil(high)), OCTAVES - 1) + 1):
        share = np.where(held > 0, np.clip(1 - np.abs(place - octave), 0, 1), 0)
        if share.any():
            base += share[..., None] * _large_shapes(picture, area, SMALLEST * 2**octave * scale)
    return base


def _large_shapes(picture: FloatArray, area: BoolArray, sigma: float) -> FloatArray:
    window = _Window(area, sigma)
    shapes = window.mean(picture)
    for _ in range(ROUNDS):
        shapes = _guided(picture, np.asarray(cv2.cvtColor(shapes, cv2.COLOR_RGB2GRAY)), window)
    return shapes


class _Window:
    """Gaussian means inside an area, computed at a resolution that still carries them."""

    def __init__(self, area: BoolArray, sigma: float) -> None:
        """`area`: bool [H, W]; `sigma` in pixels."""
        self._size = area.shape
        # powers of two: windows of a large picture begin at multiples of them
        self._step = 1 << min(max(int(sigma / 2), 1), COARSEST).bit_length() - 1
        self._sigma = sigma / self._step
        self._area = area.astype(np.float32)
        self._weight = shrink(self._area, self._step)

    def coarse(self, plane: FloatArray, factor: FloatArray | None = None) -> FloatArray:
        """The means of a plane [H, W] or [H, W, C], or of it times a factor [H, W], at the coarse resolution."""
        weight = self._area if factor is None else self._area * factor
        summed = np.atleast_3d(shrink(plane, self._step, weight))
        return local_mean(np.dstack([summed, summed[..., :1]]), self._weight, self._sigma)[..., : summed.shape[2]]

    def enlarge(self, means: FloatArray) -> FloatArray:
        """Coarse means at the full resolution."""
        height, width = self._size
        size = (means.shape[1] * self._step, means.shape[0] * self._step)
        return np.asarray(cv2.resize(means, size, interpolation=cv2.INTER_LINEAR)[:height, :width], np.float32)

    def again(self, means: FloatArray) -> FloatArray:
        """Coarse values, smoothed once more, at the full resolution."""
        return self.enlarge(local_mean(means * self._weight[..., None], self._weight, self._sigma))

    def mean(self, plane: FloatArray) -> FloatArray:
        """The means of a plane at the full resolution."""
        return self.enlarge(self.coarse(plane))


def _guided(picture: FloatArray, luma: FloatArray, window: _Window) -> FloatArray:
    """The picture smoothed, with the edges of a guide (guided filter with Gaussian windows)."""
    mean, square = window.coarse(luma), window.coarse(luma, luma)
    colour, product = window.coarse(picture), window.coarse(picture, luma)
    slope = np.asarray((product - mean * colour) / (square - mean * mean + np.float32(EDGE**2)), np.float32)
    result = window.again(slope)
    result *= luma[..., None]
    result += window.again(colour - slope * mean)
    return result


def _gain(texture: FloatArray, area: BoolArray, held: FloatArray, scale: float) -> FloatArray:
    """float32 [H, W]: the local contrast in multiples of what is usual around; less so where less is held."""
    # in place: of a large picture, the planes of this stage are the most that is held at a time
    square = np.asarray(cv2.cvtColor(texture, cv2.COLOR_RGB2GRAY), np.float32)
    square *= area
    square -= _Window(area, FINE * scale).mean(square)
    square *= square
    gain = _Window(area, CONTRAST_WINDOW * scale).mean(square)
    usual = _Window(area, USUAL_WINDOW * scale).mean(square)
    gain += np.float32(FAINT)
    usual += np.float32(FAINT)
    gain /= usual
    del square, usual
    np.clip(np.sqrt(gain, out=gain), FAINTEST, STRONGEST, out=gain)
    share = np.clip(2 * held - 1, 0, 1)
    return np.where(share > 0, np.power(gain, share, out=gain), np.float32(1))
