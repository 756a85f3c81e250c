"""A picture cut into small pieces of one colour, and what each piece looks like."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.types import FloatArray, IntArray

WORKING_SIDE = 224
"""Side, in pixels, of the square whose area the reduced picture has."""

PIECES = 360
"""Number of superpixels asked for."""

PALETTE = 24
"""Number of colours of the histograms."""

STROKE = 1.2
"""Blur, in pixels of the reduced picture, under which strokes are measured."""


@dataclass(frozen=True)
class Pieces:
    """Superpixels of a reduced picture; N pieces, arrays of sums over each piece's pixels.

    Attributes:
        labels: int32 [h, w], 0..N-1.
        area: float64 [N], pixels.
        colour: float64 [N, 3], sum of CIE Lab (L 0..100).
        histogram: float64 [N, PALETTE], soft counts of the palette's colours.
        tensor: float64 [N, 3], sums of the structure tensor's xx, yy, xy of lightness.
        neighbours: int32 [E, 2], pairs of touching pieces, the lower first.
        length: float64 [E], length of their common border in pixels.
        edge: float64 [E], sum over that border of the gradient of the smoothed Lab.
    """

    labels: IntArray
    area: NDArray[np.float64]
    colour: NDArray[np.float64]
    histogram: NDArray[np.float64]
    tensor: NDArray[np.float64]
    neighbours: IntArray
    length: NDArray[np.float64]
    edge: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Number of pieces."""
        return len(self.area)


def reduce(picture: FloatArray) -> FloatArray:
    """The picture, float32 [h, w, 3], with at most the working area."""
    height, width = picture.shape[:2]
    factor = min(1.0, WORKING_SIDE / float(np.sqrt(height * width)))
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    small = picture if factor == 1.0 else cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(np.clip(small, 0.0, 1.0), dtype=np.float32)


def cut(picture: FloatArray) -> Pieces:
    """Superpixels (SLIC) of the reduced picture and their statistics.

    Args:
        picture: float32 [H, W, 3], 0..1.
    """
    from skimage.segmentation import slic

    small = reduce(picture)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    smooth = cv2.bilateralFilter(lab, 7, 14.0, 3.0)
    wanted = max(2, min(PIECES, small.shape[0] * small.shape[1] // 16))
    labels = slic(smooth, n_segments=wanted, compactness=12.0, sigma=0, convert2lab=False, start_label=0)
    labels = np.unique(labels, return_inverse=True)[1].reshape(small.shape[:2]).astype(np.int32)
    count = int(labels.max()) + 1
    neighbours, length, edge = _borders(labels, smooth)
    return Pieces(
        labels=labels,
        area=np.bincount(labels.ravel(), minlength=count).astype(np.float64),
        colour=_sums(labels, lab, count),
        histogram=_sums(labels, _palette_shares(lab), count),
        tensor=_sums(labels, _structure(lab[..., 0]), count),
        neighbours=neighbours,
        length=length,
        edge=edge,
    )


def _sums(labels: IntArray, values: FloatArray, count: int) -> NDArray[np.float64]:
    """Sums of each channel of [h, w, C] over each piece, float64 [count, C]."""
    flat = labels.ravel()
    planes = values.reshape(flat.size, -1)
    return np.stack([np.bincount(flat, planes[:, k], count) for k in range(planes.shape[1])], axis=1)


def _structure(lightness: FloatArray) -> FloatArray:
    """Structure tensor (xx, yy, xy) of the lightness, float32 [h, w, 3]."""
    smooth = cv2.GaussianBlur(lightness, (0, 0), STROKE)
    dx = cv2.Scharr(smooth, cv2.CV_32F, 1, 0, scale=1 / 32)
    dy = cv2.Scharr(smooth, cv2.CV_32F, 0, 1, scale=1 / 32)
    return np.stack([dx * dx, dy * dy, dx * dy], axis=-1)


def _palette_shares(lab: FloatArray) -> FloatArray:
    """How much each pixel is of each of the picture's own main colours, float32 [h, w, PALETTE]."""
    points = lab.reshape(-1, 3)
    sample = points[:: max(1, len(points) // 4096)]
    centres = _main_colours(sample, min(PALETTE, len(sample)))
    distance = ((points[:, None, :] - centres[None]) ** 2).sum(axis=-1)
    shares = np.exp(-(distance - distance.min(axis=1, keepdims=True)) / (2 * 6.0**2))
    shares /= shares.sum(axis=1, keepdims=True)
    return shares.reshape(*lab.shape[:2], -1)


def _main_colours(points: FloatArray, count: int) -> FloatArray:
    """Centres of k-means, started from the farthest-first choice (no randomness), float32 [count, 3]."""
    chosen = [points.mean(axis=0)]
    nearest = ((points - chosen[0]) ** 2).sum(axis=-1)
    while len(chosen) < count:
        chosen.append(points[int(np.argmax(nearest))])
        nearest = np.minimum(nearest, ((points - chosen[-1]) ** 2).sum(axis=-1))
    centres = np.stack(chosen)
    for _ in range(6):
        owner = ((points[:, None, :] - centres[None]) ** 2).sum(axis=-1).argmin(axis=1)
        size = np.bincount(owner, minlength=count)
        for channel in range(3):
            mean = np.bincount(owner, points[:, channel], count) / np.maximum(size, 1)
            centres[:, channel] = np.where(size > 0, mean, centres[:, channel])
    return centres


def _borders(labels: IntArray, lab: FloatArray) -> tuple[IntArray, NDArray[np.float64], NDArray[np.float64]]:
    """Pairs of touching pieces, the length of their border, and the colour step summed along it."""
    wide = cv2.GaussianBlur(lab, (0, 0), 1.0)
    pairs, steps = [], []
    for axis in (0, 1):
        count = labels.shape[axis]
        first, second = labels.take(range(count - 1), axis), labels.take(range(1, count), axis)
        before = wide.take(np.maximum(np.arange(count - 1) - 1, 0), axis)
        after = wide.take(np.minimum(np.arange(1, count) + 1, count - 1), axis)
        differs = first != second
        pairs.append(np.stack([first[differs], second[differs]], axis=1))
        steps.append(np.sqrt(((after - before) ** 2).sum(axis=-1))[differs])
    pair = np.sort(np.concatenate(pairs), axis=1)
    unique, inverse = np.unique(pair, axis=0, return_inverse=True)
    inverse = inverse.ravel()
    length = np.bincount(inverse, minlength=len(unique)).astype(np.float64)
    edge = np.bincount(inverse, np.concatenate(steps), len(unique)).astype(np.float64)
    return unique.astype(np.int32), length, edge
