"""Which clusters of the attention belong to a segmentation (paper section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.region.clustering import Labels
from t2c_ext.types import BoolArray, ByteArray, FloatArray

REACH = 0.08
"""A kept component is followed this far, as a share of the grid's short side, beyond the segmentation."""

LEAN = 0.15
"""Where the word's own attention is clear, it lowers or raises a component's coverage by at most this."""


def components_of(clusters: Labels) -> Labels:
    """Connected components of equal cluster, neighbours by corners included; every cluster is treated alike.

    Args:
        clusters: int [h, w], any values.

    Returns:
        int32 [h, w]: 0 .. n - 1, in reading order, whatever the clusters are called.
    """
    return _labelled(clusters - clusters.min() + 1) - 1


def coverage_of(components: Labels, share: FloatArray) -> FloatArray:
    """The mean over each component of the segmentation's share of its cells (float32 [n], 0..1)."""
    cells = np.bincount(components.ravel())
    return np.asarray(np.bincount(components.ravel(), share.ravel()) / cells, np.float32)


def coherence_of(clusters: Labels) -> float:
    """The share of neighbouring cells, side by side or one above the other, that are in one cluster."""
    same = [clusters[1:] == clusters[:-1], clusters[:, 1:] == clusters[:, :-1]]
    return float(np.concatenate([pairs.ravel() for pairs in same]).mean()) if clusters.size > 1 else 1.0


def lean_of(components: Labels, share: FloatArray, word: FloatArray) -> FloatArray:
    """What a word's own attention says of each component.

    Args:
        components: int32 [h, w].
        share: float32 [h, w], 0..1: the segmentation.
        word: float32 [h, w], 0..1: where the model put the word.

    Returns:
        float32 [n], from -LEAN (as little attention as outside the segmentation) to LEAN (as much as inside); 0 where
        the word's attention does not tell inside from outside.
    """
    inside = float((word * share).sum() / max(float(share.sum()), 1e-6))
    outside = float((word * (1 - share)).sum() / max(float((1 - share).sum()), 1e-6))
    means = coverage_of(components, word)
    if inside <= outside + 0.5 * float(word.std()) or inside <= outside:
        return np.zeros_like(means)
    middle = 0.5 * (inside + outside)
    return np.asarray(np.clip((means - middle) / (inside - outside), -0.5, 0.5) * 2.0 * LEAN, np.float32)


def select(components: Labels, share: FloatArray, threshold: float, lean: FloatArray | None = None) -> BoolArray:
    """The cells of the components that the segmentation covers, as the paper means it.

    Args:
        components: int32 [h, w].
        share: float32 [h, w], 0..1: the share of each cell that the segmentation covers.
        threshold: a component is kept from this coverage on; up to `REACH` around the segmentation.
        lean: added to the coverage, float32 [n].

    Returns:
        bool [h, w].
    """
    covered = _leaning(components, share, lean)
    return np.asarray((covered >= threshold)[components] & _near(share))


def undecided(components: Labels, share: FloatArray, threshold: float, lean: FloatArray | None = None) -> BoolArray:
    """The segmentation's cells in components that it covers neither by the threshold nor by less than the rest to 1.

    There the attention tells nothing: a cluster lies astride the segmentation's outline. Arguments as `select`.
    """
    covered = _leaning(components, share, lean)
    astride = (covered < threshold) & (covered > 1.0 - threshold)
    return np.asarray(astride[components] & (share >= 0.5))


def _leaning(components: Labels, share: FloatArray, lean: FloatArray | None) -> FloatArray:
    """Coverage, moved by what the word's attention says; what is not covered at all stays so."""
    covered = coverage_of(components, share)
    return covered if lean is None else np.where(covered > 0, covered + lean, covered)


def _near(share: FloatArray) -> BoolArray:
    radius = max(1, round(REACH * min(share.shape)))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate((share >= 0.5).astype(np.uint8), kernel) > 0)


def share_out(cells: BoolArray, shares: Sequence[FloatArray]) -> list[BoolArray]:
    """Each cell to the region that covers most of it, else to the nearest one.

    Args:
        cells: bool [h, w]: what there is to share out.
        shares: float32 [h, w] of each region.

    Returns:
        bool [h, w] for each region; together they are `cells`, no cell twice.
    """
    if len(shares) == 1:
        return [cells]
    distances = []
    for share in shares:
        core = share >= 0.5 * max(float(share.max()), 1e-6)
        distances.append(cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5) - share)
    owner = np.argmin(np.stack(distances), axis=0)
    return [cells & (owner == number) for number in range(len(shares))]


def select_as_paper(
    clusters: Labels, segmentation: ByteArray, threshold: float, erosion_size: int = 5, erosion_steps: int = 0
) -> tuple[ByteArray, ByteArray, Labels]:
    """The selection exactly as the paper's code makes it.

    Its slips are kept: cluster 0 is one component even where it is not connected, components beyond 255 become one,
    and what is numbered 255 is always selected.

    Args:
        clusters: int [h, w].
        segmentation: uint8 [H, W], 0 or more; what is not 0 is inside.
        threshold: a component is selected from this coverage on.
        erosion_size: side, in pixels, of the square that erodes.
        erosion_steps: how often it erodes; the picture's border does not erode.

    Returns:
        uint8 [H, W], 0 or 255: the selected components, and the same eroded; int32 [h, w]: the components.
    """
    components = _labelled(clusters)
    small = np.clip(components, 0, 255).astype(np.uint8)
    height, width = segmentation.shape
    rows = (np.arange(height) + 0.5) * small.shape[0] // height
    columns = (np.arange(width) + 0.5) * small.shape[1] // width
    numbers = small[rows.astype(int)][:, columns.astype(int)] + np.uint8(1)
    inside = np.where(segmentation > 0, numbers, np.uint8(0))
    total = np.bincount(numbers.ravel(), minlength=256)
    covered = np.bincount(inside.ravel(), minlength=256)
    kept = (total > 0) & (covered / np.maximum(total, 1) >= threshold)
    selected = np.where(kept[numbers], np.uint8(255), np.uint8(0))
    kernel = np.ones((erosion_size, erosion_size), np.uint8)
    eroded = np.asarray(cv2.erode(selected, kernel, iterations=erosion_steps), np.uint8)
    return selected, eroded, components


def _labelled(values: NDArray[Any]) -> Labels:
    """Connected components of equal value, from 1 in reading order; 0 stays 0."""
    from skimage.measure import label

    numbers = label(values, background=0, connectivity=2)  # type: ignore[no-untyped-call]
    return np.asarray(numbers, np.int32)
