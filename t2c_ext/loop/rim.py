"""The mixed rim: pixels along a region's edge that show what moves and what borders on it at once.

No mask follows a soft edge exactly: paint is thin there, a lens blurs, a fall frays. Such a pixel is a mix, `1 - q` of
the inside's colour F and `q` of the outside's colour B, and only the first part moves. Taken for all inside, it would
be carried along; repainted from inside, it would be a bright or dark line around the region.

q is where the pixel's colour lies on the way from F to B (the projection of matting, as in Ruzon and Tomasi 2000), as
far as the inside's own texture does not explain it, and only where the outside is reached through such pixels. What
travels there has a share of `1 - q` and is brought from F to the mix, so that its mean over time is the still.

A mix is a line along the edge. A spot as broad as it is long may be the region's own shade or reflection, which would
stand as an island in what moves: it is a mix only where nothing inside looks like it.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.curves import smoothstep
from t2c_ext.extents import Window, whole_of
from t2c_ext.loop.inflow import erode
from t2c_ext.loop.slivers import BAND, FLOOR, Colours, Nearby, attached_to_outside
from t2c_ext.types import BoolArray, ByteArray, FloatArray, IntArray

LEAST = 0.1
"""Share of the outside from which a pixel is not trusted as the region's texture."""

USUAL, UNUSUAL = 1.0, 2.5
"""Standard deviations of the inside's colour up to which a colour is its texture, and from which it is not."""

BROAD = 2.0
"""Radius of the smallest disc that no line along the edge holds, in pixels at 512."""

SURE, SUREST = 3.0, 6.0
"""Deviations that inside and outside of a broad spot must be apart."""

SPREAD = 2.0
"""Pixels at 512 next to a mixed one in which less certain ones are taken for mixed."""

NEAR = 4.0
"""Sigma of the window of the inside's own colour, next to the edge, in pixels at 512."""

FAINT = 1e-4
"""Squared distance of two colours, 0..1, that are one: a mix of them is not told from either."""


@dataclass(frozen=True)
class Rim:
    """The P pixels that are mixed.

    Attributes:
        row, column: int32 [P].
        outside: float32 [P], 0..1, the share of what borders on the region.
        offset: float32 [P, 3], from the inside's colour to the pixel's mix.
    """

    row: IntArray
    column: IntArray
    outside: FloatArray
    offset: FloatArray

    def mixed(self, size: tuple[int, ...]) -> BoolArray:
        """bool `size`: where the outside is more than `LEAST`."""
        result = np.zeros(size, np.bool_)
        result[self.row, self.column] = self.outside > LEAST
        return result


def find_rim(picture: FloatArray, mask: FloatArray, window: Window | None = None) -> Rim:
    """The mixed pixels of a mask's edge.

    Args:
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1.
        window: where they lie in the picture; None: they are all of it.
    """
    scale = (window or whole_of(mask.shape)).scale
    solid, still = mask >= 0.5, mask <= 0
    deep = erode(solid, BAND * scale)
    row, column = (part.astype(np.int32) for part in np.nonzero((mask > 0) & ~deep))
    if not (row.size and deep.any() and still.any()):
        return no_rim()
    beside = Nearby(picture, still, scale).at(row, column)
    inside = Nearby(picture, deep, scale).at(row, column)
    colour = picture[row, column]
    share, apart = _outside(colour, inside, beside)
    certain = _beyond(share * apart, USUAL, UNUSUAL)
    # nearer to the edge than what is deep the inside may have a colour of its own
    clean = solid.copy()
    clean[row, column] &= share * certain <= LEAST
    inside = Nearby(picture, clean, scale, NEAR).at(row, column)
    share, apart = _outside(colour, inside, beside)
    certain = _beyond(share * apart, USUAL, UNUSUAL)
    plane = np.zeros(mask.shape, np.float32)
    plane[row, column] = share * certain
    believed = 1 - _broad(plane > LEAST, scale)[row, column] * (1 - _beyond(apart, SURE, SUREST))
    plane[row, column] *= believed
    plane *= attached_to_outside(plane > LEAST, solid)
    plane[plane > 0] = 1
    # a mix thins out: beside a pixel that is one for certain, a fainter one is too
    near = cv2.dilate(plane, _disc(SPREAD * scale))[row, column]
    outside = np.asarray(share * believed * np.maximum(certain * plane[row, column], near), np.float32)
    some = outside > 0
    offset = outside[:, None] * (beside.mean - inside.mean)
    return Rim(row[some], column[some], outside[some], offset[some])


def no_rim() -> Rim:
    """Without a pixel."""
    empty = np.zeros(0, np.int32)
    return Rim(empty, empty, np.zeros(0, np.float32), np.zeros((0, 3), np.float32))


def _outside(colour: FloatArray, inside: Colours, beside: Colours) -> tuple[FloatArray, FloatArray]:
    """How far each colour [P, 3] lies on the way from the inside's to the outside's, 0..1, and how long that way is.

    Both are float32 [P]; the way in deviations of the inside's colour, 0 where one of the two is not known.
    """
    way, apart = beside.mean - inside.mean, colour - inside.mean
    length = np.einsum("pc,pc->p", way, way)
    share = np.clip(np.einsum("pc,pc->p", way, apart) / np.maximum(length, np.float32(FAINT)), 0, 1)
    deviations = np.sqrt(length / (inside.variance + np.float32(FLOOR)))
    return share, np.asarray(deviations * (inside.known & beside.known), np.float32)


def _beyond(deviations: FloatArray, low: float, high: float) -> FloatArray:
    """float32 [P]: 0 up to `low`, 1 from `high` on."""
    return smoothstep((deviations - np.float32(low)) / np.float32(high - low))


def _broad(found: BoolArray, scale: float) -> FloatArray:
    """float32 [H, W]: 1 at and beside spots of `found` that hold a disc of `BROAD`, softly 0 elsewhere."""
    spots = cv2.morphologyEx(found.astype(np.float32), cv2.MORPH_OPEN, _disc(BROAD * scale))
    spots = cv2.dilate(spots, _disc(SPREAD * scale))
    return np.maximum(spots, cv2.GaussianBlur(spots, (0, 0), max(scale, 0.5)))


def _disc(radius: float) -> ByteArray:
    """A disc of at least one pixel's radius, for morphology."""
    size = 2 * max(1, round(radius)) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)), np.uint8)
