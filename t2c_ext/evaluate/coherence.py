"""Does every small piece of the moving picture look like a piece of the still."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from t2c_ext.evaluate.masks import shrink
from t2c_ext.evaluate.motion import reduced_size
from t2c_ext.evaluate.seam import spread_evenly
from t2c_ext.types import BoolArray, ByteArray, FloatArray, scale_of

PATCH = 7
VISIBLE = 2.0
"""Levels of 255 by which a colour must change to be seen: at mid-grey a lightness of 0.8 of CIELAB, whose 1 is just
noticeable. 8 bits alone make 0.4."""
UNSEEN = VISIBLE * (3 * PATCH**2) ** 0.5
QUERIES = 600
REFERENCES = 400_000
EROSION = 8.0
_FEWEST = 200


class CoherenceMeter:
    """Patch coherence of each frame, after Simakov et al. 2008.

    d(P, S) = mean over patches p of P of the Euclidean distance of p to the nearest patch of S. A patch is 7x7 pixels
    of three channels, 147 values. coherence(frame) = (d(frame, still) + v) / (d(still moved by half a pixel, still)
    + v), where v = 2 sqrt(147) is a patch whose every value is two levels off, which nobody sees: in smooth skies,
    where half a pixel changes less than that, a ratio of invisible distances says nothing. The measure is the highest
    over the frames. A perfect resampling has 1, blur and double exposure more, cracks most.

    Where: patches of a frame are those that lie wholly inside the mask; of these 600, evenly spread, the same in
    every frame. Patches of the still are all those whose centre is more than 8 px at 512 away from the mask's edge
    (and at most 400,000 of them, evenly spread), so that rock at the mask's rim that is carried along finds no
    neighbour. In a region too narrow for 200 such patches, the distance is halved until there are 200. The nearest
    neighbour is exact. Half a pixel is (0.5, 0.5), bilinear. Frames whose short side is longer than 512 are brought
    down to 512 by area averaging.
    """

    def __init__(self, still: ByteArray, where: BoolArray) -> None:
        """`still`: uint8 [H, W, 3]; `where`: bool [H, W], the pixels inside the mask."""
        self._shape = reduced_size(*where.shape)
        where = self._reduce(where.astype(np.uint8) * 255) > 127
        still = self._reduce(still)
        margin = PATCH // 2
        self._queries = _sample(_centres(where, margin), QUERIES)
        erosion = EROSION * scale_of(*self._shape)
        places = _centres(where, max(erosion, margin))
        while np.count_nonzero(places) < _FEWEST and erosion > margin:
            erosion /= 2
            places = _centres(where, max(erosion, margin))
        self.measurable = bool(places.any()) and len(self._queries[0]) > 0
        self.worst: float | None = None
        if not self.measurable:
            return
        references = _patches(still, _sample(places, REFERENCES))
        self._basis = _principal_axes(references)
        rotated = references @ self._basis
        self._references = np.ascontiguousarray(rotated[np.argsort(rotated[:, 0], kind="stable")])
        self._search = _search()
        self._own = self._distance(_half_pixel(still))
        self.measurable = self._own > 0

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        if self.measurable:
            value = (self._distance(self._reduce(frame)) + UNSEEN) / (self._own + UNSEEN)
            self.worst = value if self.worst is None else max(self.worst, value)

    def _distance(self, picture: ByteArray) -> float:
        return float(self._search(self._references, _patches(picture, self._queries) @ self._basis).mean())

    def _reduce(self, picture: ByteArray) -> ByteArray:
        if picture.shape[:2] == self._shape:
            return picture
        return np.asarray(cv2.resize(picture, self._shape[::-1], interpolation=cv2.INTER_AREA))


def _search() -> Callable[[FloatArray, FloatArray], FloatArray]:
    from t2c_ext.evaluate.nearest import nearest_distances  # the compiler loads only when needed

    search: Callable[[FloatArray, FloatArray], FloatArray] = nearest_distances
    return search


def _centres(where: BoolArray, radius: float) -> BoolArray:
    """Centres of patches that lie in the picture and are more than `radius` inside of the region."""
    margin = PATCH // 2
    square = np.ones((PATCH, PATCH), np.uint8)
    whole = cv2.erode(where.astype(np.uint8), square, borderType=cv2.BORDER_REPLICATE) > 0
    result = whole & shrink(where, radius)
    result[:margin] = result[-margin:] = False
    result[:, :margin] = result[:, -margin:] = False
    return np.asarray(result)


def _sample(places: BoolArray, wanted: int) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.nonzero(places)
    chosen = spread_evenly(len(rows), wanted)
    return rows[chosen], columns[chosen]


def _patches(picture: ByteArray, centres: tuple[np.ndarray, np.ndarray]) -> FloatArray:
    """float32 [M, 147]: the patches about the centres."""
    windows = np.lib.stride_tricks.sliding_window_view(picture, (PATCH, PATCH), axis=(0, 1))
    margin = PATCH // 2
    chosen = windows[centres[0] - margin, centres[1] - margin]
    return chosen.reshape(len(centres[0]), -1).astype(np.float32)


def _principal_axes(patches: FloatArray) -> FloatArray:
    """float32 [147, 147]: an orthonormal basis by falling variance; turning into it keeps every distance."""
    some = patches[:: max(1, len(patches) // 20_000)].astype(np.float64)
    _, vectors = np.linalg.eigh(np.cov(some, rowvar=False) if len(some) > 1 else np.eye(some.shape[1]))
    return np.ascontiguousarray(vectors[:, ::-1].astype(np.float32))


def _half_pixel(picture: ByteArray) -> ByteArray:
    """The picture moved by (0.5, 0.5) pixels with bilinear weights."""
    extended = cv2.copyMakeBorder(picture, 1, 0, 1, 0, cv2.BORDER_REPLICATE).astype(np.float32)
    moved = (extended[1:, 1:] + extended[:-1, 1:] + extended[1:, :-1] + extended[:-1, :-1]) / 4
    return np.asarray(np.rint(moved).astype(np.uint8))
