"""What enters at the region's edge is continued from inside the region.

Two things keep rock, houses and boats from being carried along:

* the *domain* is where particles may go; `paths.advance` turns them round at its edge, so that what flows in is the
  region's own texture, mirrored along the streamline;
* the *core* is the domain without its rim; the picture's rim is repainted by reflection of the core before it is
  sampled, because a mask's last pixels half belong to the other side; `rim` says how much of them moves. Wider slivers
  of rock are found by their colour (`slivers`) and taken out of the mask before.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.extents import Window, bands, whole_of
from t2c_ext.loop.paths import MARGIN, Field
from t2c_ext.types import BoolArray, ByteArray, FloatArray, IntArray

RIM = 2.0
"""Width, in pixels at 512, of the rim that is repainted from inside."""


@dataclass(frozen=True)
class Domain:
    """Where particles may go and which pixels are trusted as texture.

    Attributes:
        inside: bool [H, W], where particles may go.
        core: bool [H, W], inside without its rim; its pixels are trusted.
        share: float32 [H, W], 0..1, the share of the pixel that moves.
    """

    inside: BoolArray
    core: BoolArray
    share: FloatArray


def erode(area: BoolArray, radius: float) -> BoolArray:
    """`area` without the pixels nearer than `radius` to its edge; the picture's border is no edge."""
    outside = np.pad((~area).astype(np.uint8), 1, mode="edge")
    if not outside.any():
        return area.copy()
    distance = cv2.distanceTransform((1 - outside).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return area & (distance > radius)


def nearest(area: BoolArray) -> tuple[FloatArray, IntArray, IntArray]:
    """Distance to, and row and column of, the nearest pixel of `area` (not empty), for every pixel."""
    distance, labels = cv2.distanceTransformWithLabels(
        (~area).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    rows, columns = np.nonzero(area)
    row_of = np.zeros(int(labels.max()) + 1, np.int32)
    column_of = np.zeros_like(row_of)
    row_of[labels[rows, columns]] = rows
    column_of[labels[rows, columns]] = columns
    return np.asarray(distance, np.float32), row_of[labels], column_of[labels]


def find_domain(
    mask: FloatArray, flow: FloatArray, window: Window | None = None, mixed: BoolArray | None = None
) -> Domain:
    """The domain of a mask and a field (both finite, of one size).

    Args:
        mask: float32 [H, W], 0..1.
        flow: float32 [H, W, 2], pixels per frame.
        window: where they lie in the picture; None: they are all of it.
        mixed: bool [H, W], pixels that show the outside too, and are not trusted; None: there are none (see `rim`).
    """
    scale = (window or whole_of(mask.shape)).scale
    moves = (mask > 0) & ((flow[..., 0] != 0) | (flow[..., 1] != 0))
    solid = moves & (mask >= 0.5) if (moves & (mask >= 0.5)).any() else moves
    core = erode(solid, max(RIM * scale, 1.0))
    if mixed is not None:
        core &= ~mixed
    return Domain(inside=moves, core=_with_thin_parts(core, solid), share=np.where(moves, mask, 0).astype(np.float32))


def _with_thin_parts(core: BoolArray, solid: BoolArray) -> BoolArray:
    """`core` and the parts of `solid` that are too thin to have any."""
    count, labels = cv2.connectedComponents(solid.astype(np.uint8), connectivity=8)
    has_core = np.zeros(count, np.bool_)
    has_core[labels[core]] = True
    return core | (solid & ~has_core[labels])


def continue_outward(picture: FloatArray, core: BoolArray, *, in_place: bool = False) -> FloatArray:
    """The picture with everything outside `core` repainted by reflection at the core's edge.

    Args:
        picture: float32 [H, W, C].
        core: bool [H, W], not empty.
        in_place: change the picture itself.
    """
    height, width = core.shape
    _, near_row, near_column = nearest(core)
    result = picture if in_place else picture.copy()
    for band in bands(core.shape):
        rows, columns = np.nonzero(~core[band])
        rows += band.start
        edge_row, edge_column = near_row[rows, columns], near_column[rows, columns]
        from_row = np.clip(2 * edge_row - rows, 0, height - 1)
        from_column = np.clip(2 * edge_column - columns, 0, width - 1)
        usable = core[from_row, from_column]
        from_row, from_column = np.where(usable, from_row, edge_row), np.where(usable, from_column, edge_column)
        result[rows, columns] = picture[from_row, from_column]
    return result


def trace_field(flow: FloatArray, domain: Domain) -> Field:
    """The field that particles follow: continued at full speed to the domain's edge, with the distance to that edge."""
    _, near_row, near_column = nearest(domain.core)
    height, width = domain.core.shape
    grid = np.zeros((height + 2 * MARGIN, width + 2 * MARGIN, 4), np.float32)
    border = ((MARGIN, MARGIN), (MARGIN, MARGIN))
    for channel in range(2):
        continued = np.where(domain.core, flow[..., channel], flow[near_row, near_column, channel])
        grid[..., channel] = np.pad(continued, border, mode="edge")
    del near_row, near_column, continued
    inside: ByteArray = np.pad(domain.inside.astype(np.uint8), border)
    apart = np.asarray(cv2.distanceTransform(inside, cv2.DIST_L2, 5), np.float32)
    apart -= np.float32(0.5)
    beyond = cv2.distanceTransform(1 - inside, cv2.DIST_L2, 5)
    np.subtract(np.float32(0.5), beyond, out=apart, where=inside == 0)
    grid[..., 2] = apart
    return Field(grid)
