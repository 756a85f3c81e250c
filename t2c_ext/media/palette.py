"""Few colours: a palette for a whole loop, and a dithering that leaves still pixels alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import cv2
import numpy as np
from PIL import Image

from t2c_ext.extents import Window, whole_of
from t2c_ext.types import ByteArray, FloatArray

CANDIDATES = 16
"""Palette entries whose mixture stands for one colour."""

_CELL_BITS = 6
_CELLS = 1 << _CELL_BITS
_NOISE_SIDE = 64
_STRENGTH = 0.35
_ROUNDS = 8
_EYE = np.array([0.8, 1.0, 0.65], np.float32)
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def choose_palette(sample: ByteArray, colours: int) -> ByteArray:
    """A palette by median cut, refined by weighted k-means.

    A colour counts by the square root of how often it occurs, so that small bright things keep theirs.

    Args:
        sample: uint8 [n, 3].
        colours: how many at most.

    Returns:
        uint8 [k, 3], k <= colours.
    """
    from scipy.spatial import cKDTree

    cells, counts = np.unique(_cell_of(sample), return_counts=True)
    colour, weight = _centre_of(cells), np.sqrt(counts)
    repeated = np.repeat(colour, np.minimum(np.ceil(weight), 64).astype(np.int64), axis=0)
    start = Image.fromarray(repeated.astype(np.uint8)[None]).quantize(colours, Image.Quantize.MEDIANCUT)
    palette = np.unique(np.reshape(start.getpalette() or [], (-1, 3))[: len(start.getcolors() or [])], axis=0)
    palette = palette.astype(np.float32)
    for _ in range(_ROUNDS):
        nearest = cKDTree(palette * _EYE).query(colour * _EYE)[1]
        total = np.bincount(nearest, weight, len(palette))
        means = [np.bincount(nearest, weight * colour[:, axis], len(palette)) for axis in range(3)]
        used = total > 0
        palette[used] = (np.stack(means, axis=1)[used] / total[used, None]).astype(np.float32)
    return np.unique(np.rint(palette).astype(np.uint8), axis=0)


@dataclass
class Ditherer:
    """Maps frames to palette entries: each pixel mixes entries by a fixed pattern of blue noise.

    The same colour at the same place always gets the same entry, whatever is around it. After T. Knoll, "Pattern
    Dithering" (US patent 6606166, expired).

    Attributes:
        palette: uint8 [k, 3].
        size: (H, W) of the frames.
    """

    palette: ByteArray
    size: tuple[int, int]
    _mixtures: ByteArray = field(init=False)
    _known: np.ndarray = field(init=False)
    _shift: FloatArray = field(init=False)
    _rank: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        from scipy.spatial import cKDTree

        self._mixtures = np.zeros((_CELLS**3, CANDIDATES), np.uint8)
        self._known = np.zeros(_CELLS**3, bool)
        noise = blue_noise()
        tiles = (1, self.size[1] // _NOISE_SIDE + 1)
        tiled = np.tile(noise, tiles)[:, : self.size[1]]
        other = np.tile(noise[::-1, ::-1].T, tiles)[:, : self.size[1]]
        self._rank = (tiled * CANDIDATES).astype(np.int64)
        self._shift = ((other - 0.5) * (256 / _CELLS))[:, :, None].astype(np.float32)
        self._tree = cKDTree(self.palette.astype(np.float32) * _EYE)

    def index(self, frame: ByteArray, window: Window | None = None) -> ByteArray:
        """uint8 [h, w]: the palette entry of each pixel of a frame, uint8 [H, W, 3], or of a window of it."""
        window = window or whole_of(frame.shape)
        levels, entries = window.of(frame), np.empty(window.size, np.uint8)
        for low in range(0, window.size[0], _NOISE_SIDE):
            band = slice(low, min(low + _NOISE_SIDE, window.size[0]))
            rows = np.arange(window.top + band.start, window.top + band.stop) % _NOISE_SIDE
            columns = slice(window.left, window.right)
            entries[band] = self._entries(levels[band] + self._shift[rows, columns], self._rank[rows, columns])
        return entries

    def _entries(self, shifted: FloatArray, rank: np.ndarray) -> ByteArray:
        cells = _cell_of(np.clip(shifted, 0, 255).astype(np.uint8))
        new = np.unique(cells[~self._known[cells]])
        if len(new):
            self._mixtures[new] = self._mix(_centre_of(new))
            self._known[new] = True
        return self._mixtures[cells, rank]

    def _mix(self, colour: FloatArray) -> ByteArray:
        """For each colour [n, 3], the entries whose mean comes close to it, from dark to bright."""
        chosen = np.zeros((len(colour), CANDIDATES), np.uint8)
        error = np.zeros_like(colour)
        for number in range(CANDIDATES):
            entry = self._tree.query((colour + _STRENGTH * error) * _EYE)[1]
            chosen[:, number] = entry
            error += colour - self.palette[entry]
        order = np.argsort((self.palette @ _LUMA)[chosen], axis=1, kind="stable")
        return np.take_along_axis(chosen, order, axis=1)


def _cell_of(levels: ByteArray) -> np.ndarray:
    """The number of the cell of the coarse colour cube, for levels [..., 3]."""
    coarse = (levels >> (8 - _CELL_BITS)).astype(np.int64)
    cells: np.ndarray = (coarse[..., 0] * _CELLS + coarse[..., 1]) * _CELLS + coarse[..., 2]
    return cells


def _centre_of(cells: np.ndarray) -> FloatArray:
    """The colour, float32 [n, 3], in the middle of each cell; the outermost cells keep black black and white white."""
    coarse = np.stack([cells // _CELLS**2, cells // _CELLS % _CELLS, cells % _CELLS], axis=1)
    return (coarse * (255 / (_CELLS - 1))).astype(np.float32)


@cache
def blue_noise() -> FloatArray:
    """float32 [64, 64], every value of (k + 0.5) / 4096 once, without low frequencies, tileable.

    Made by removing the low frequencies of white noise and equalising the histogram again, a few times over.
    """
    values = np.random.default_rng(7).permutation(_NOISE_SIDE**2).reshape(_NOISE_SIDE, _NOISE_SIDE).astype(np.float32)
    for _ in range(24):
        padded = cv2.copyMakeBorder(values, 8, 8, 8, 8, cv2.BORDER_WRAP)
        rough = values - cv2.GaussianBlur(padded, (0, 0), 1.5)[8:-8, 8:-8]
        ranks = np.argsort(np.argsort(rough, axis=None, kind="stable"), kind="stable")
        values = ranks.reshape(values.shape).astype(np.float32)
    result: FloatArray = (values + 0.5) / np.float32(values.size)
    return result
