"""The segmentation of the twin, redrawn along what the artistic picture's own attention holds together.

Paper, section 3.2: clusters of the averaged self-attention, cut into connected components, are kept where the
segmentation covers them. What the paper leaves as a staircase of cells then gets the artistic picture's edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.region.clustering import Labels, cluster, cluster_levels
from t2c_ext.region.find import PAINTED, exclusive
from t2c_ext.region.matte import feathered, refine_matte
from t2c_ext.region.selection import coherence_of, components_of, lean_of, select, select_as_paper, share_out, undecided
from t2c_ext.settings import RegionSettings
from t2c_ext.types import Attention, BoolArray, FloatArray, Region, Regions, scale_of

LEVELS = (4, 6, 8, 11, 15, 20)
"""Numbers of clusters that are tried, coarse to fine."""

AGREEMENT = 0.7
"""The coarsest clusters are taken whose result shares this much (intersection over union) with every region."""

COHERENCE = 0.5
"""With `refine` "auto" this share of neighbouring cells has to be in one cluster; crumbs follow any outline."""

HARDLY = 0.35
"""With `refine` "auto" a result that shares less than this with the segmentation is not used."""

ROUND = 0.5
"""Standard deviation, in cells, of the filter that rounds the corners of the cells' outline."""

SAY = 0.6
"""How much the segmentation says about where the outline runs near that of the kept cells (0: nothing)."""

REACH = 0.7
"""Share of a cell by which the picture's edges may move the outline."""

SMOOTH = 0.12
"""Standard deviation, in cells, of the filter that smooths the outline."""

PAPER_CLUSTERS = 5
"""The paper's number of clusters."""

PAPER_SQUARE = 5
"""Side, in pixels, of the square that the paper erodes with: two pixels a step."""


@dataclass(frozen=True)
class _Drawn:
    """What the attention makes of the regions.

    Attributes:
        masks: float32 [H, W] for each region, disjoint; None where nothing agrees with it.
        how: a few words for the note.
    """

    masks: tuple[FloatArray | None, ...]
    how: str


def refine_regions(
    regions: Regions, attention: Attention | None, art: FloatArray, settings: RegionSettings, seed: int
) -> Regions:
    """The regions with the outlines that the artistic picture's attention and edges give them.

    Args:
        regions: the segmentation; soft masks float32 [H, W] of the artistic picture's size.
        attention: of the artistic picture; without it the regions stay as they are.
        art: float32 [H, W, 3], 0..1.
        settings: `refine`, `clusters`, `overlap` and `erosion`; `matte` and `feather` for the outline.
        seed: the same seed gives the same result.

    Returns:
        The regions, disjoint when at least one was refined, the segmentation then beside them, and notes. A region that
        the user painted stays as it is, and so does one that no cluster agrees with, which a note says.

    Raises:
        UserError: the attention holds values that are not finite.
    """
    found = [region for region in regions.regions if region.source != PAINTED]
    if attention is None or settings.refine == "off" or not found:
        return regions
    if not np.isfinite(attention.self_attention).all():
        raise UserError("the attention maps hold values that are not numbers; make the twin again in full precision")
    draw = _draw_as_paper if settings.refine == "paper" else _draw
    drawn = draw(found, attention, art, settings, seed)
    masks = iter(drawn.masks)
    rows = [_replaced(region, None if region.source == PAINTED else next(masks)) for region in regions.regions]
    redrawn = any(mask is not None for mask in drawn.masks)
    if redrawn:
        rows = _disjoint(rows)
    return Regions(tuple(rows), regions.notes + _notes(found, drawn), regions.regions if redrawn else ())


def _replaced(region: Region, mask: FloatArray | None) -> Region:
    if mask is None:
        return region
    return replace(region, mask=mask, source=f"{region.source} + attention".removeprefix(" + "))


def _notes(found: Sequence[Region], drawn: _Drawn) -> tuple[str, ...]:
    pairs = list(zip(found, drawn.masks, strict=True))
    refined = ", ".join(region.name for region, mask in pairs if mask is not None)
    notes = [f"drawn along the picture's own attention ({drawn.how}): {refined}"] if refined else []
    notes += [
        f"no cluster of the picture's attention agrees with the segmentation of {region.name}, which stays as it is"
        for region, mask in pairs
        if mask is None
    ]
    return tuple(notes)


def _disjoint(regions: Sequence[Region]) -> list[Region]:
    """Every pixel to the region that has most of it; painted ones first, and whole."""
    claims = [region.mask * np.float32(2.0 if region.source == PAINTED else 1.0) for region in regions]
    pairs = zip(regions, exclusive(regions, claims), strict=True)
    return [region if region.source == PAINTED else left for region, left in pairs]


def _draw(
    found: Sequence[Region], attention: Attention, art: FloatArray, settings: RegionSettings, seed: int
) -> _Drawn:
    """Kept components at the coarsest level that agrees with the segmentation, outlined along the picture."""
    height, width = attention.size
    shares = [cv2.resize(region.mask, (width, height), interpolation=cv2.INTER_AREA) for region in found]
    method = "kmeans" if settings.refine == "kmeans" else "spectral"
    counts = tuple(min(count, height * width) for count in ((settings.clusters,) if settings.clusters else LEVELS))
    word = _word_map(found, attention)
    levels = cluster_levels(attention.self_attention, attention.size, counts, method, seed)
    tried: list[_Selection] = []
    for clusters in levels:
        tried.append(_select_cells(clusters, shares, word, settings))
        if tried[-1].rank[0]:
            break
    best = max(range(len(tried)), key=lambda number: tried[number].rank)
    cells = tried[best].cells
    masks = _outlined(cells, [region.mask for region in found], art, settings)
    used = [part.any() and bool(mask.any()) for part, mask in zip(cells, masks, strict=True)]
    return _Drawn(
        tuple(mask if use else None for mask, use in zip(masks, used, strict=True)),
        f"{method}, {counts[best]} clusters",
    )


@dataclass(frozen=True)
class _Selection:
    """The cells that one clustering gives the regions.

    Attributes:
        cells: bool [h, w] for each region, disjoint; none where nothing is kept, nor, with `refine` "auto", where that
            hardly agrees.
        agreement: intersection over union, for each region, of the kept components and its segmentation; 0 for clusters
            that do not hold together, with `refine` "auto".
    """

    cells: list[BoolArray]
    agreement: list[float]

    @property
    def rank(self) -> tuple[bool, float]:
        """Whether the agreement is enough with every region, and its sum; the larger, the better."""
        return min(self.agreement) >= AGREEMENT, sum(self.agreement)


def _select_cells(
    clusters: Labels, shares: Sequence[FloatArray], word: FloatArray | None, settings: RegionSettings
) -> _Selection:
    components, whole = components_of(clusters), np.maximum.reduce(list(shares))
    lean = None if word is None else lean_of(components, whole, word)
    kept = select(components, whole, settings.overlap, lean)
    cells = share_out(kept, shares)
    agreement = [_agreement(part, share) for part, share in zip(cells, shares, strict=True)]
    least = 0.0
    if settings.refine == "auto":
        least = HARDLY
        if coherence_of(clusters) < COHERENCE:
            agreement = [0.0 for _ in agreement]
        cells = share_out(kept | undecided(components, whole, settings.overlap, lean), shares)
    return _Selection([part & (share > least) for part, share in zip(cells, agreement, strict=True)], agreement)


def _word_map(found: Sequence[Region], attention: Attention) -> FloatArray | None:
    """Where the model put the regions' words, or None where one of them has no map."""
    maps = [attention.words.get(region.name) for region in found]
    known = [where for where in maps if where is not None]
    return np.maximum.reduce(known) if len(known) == len(found) else None


def _agreement(cells: BoolArray, share: FloatArray) -> float:
    """Intersection over union of cells and a soft region."""
    return float(np.minimum(cells, share).sum() / max(float(np.maximum(cells, share).sum()), 1e-6))


def _outlined(
    cells: Sequence[BoolArray], masks: Sequence[FloatArray], art: FloatArray, settings: RegionSettings
) -> list[FloatArray]:
    """Soft masks of the cells, float32 [H, W]: their union gets one outline, which the regions share without seams."""
    cores = [_core(part, mask) for part, mask in zip(cells, masks, strict=True)]
    union = np.logical_or.reduce(cores)
    cell = art.shape[0] / cells[0].shape[0]
    hard = union
    if settings.matte != "off":
        hard = refine_matte(
            art, union.astype(np.float32), replace(settings, matte="on", feather=0.0), cell=REACH * cell
        )
        hard = cv2.GaussianBlur(np.asarray(hard, np.float32), (0, 0), SMOOTH * cell) >= 0.5
    hard = _eroded(hard, settings.erosion * scale_of(*union.shape))
    soft = feathered(hard, settings.feather * scale_of(*union.shape))
    distances = [cv2.distanceTransform((~core).astype(np.uint8), cv2.DIST_L2, 5) for core in cores]
    owner = np.argmin(np.stack(distances), axis=0)
    return [np.where(owner == number, soft, np.float32(0)) for number in range(len(cores))]


def _core(cells: BoolArray, mask: FloatArray) -> BoolArray:
    """The cells at the picture's size, their staircase replaced by the segmentation's outline where that is near."""
    lifted = cv2.resize(cells.astype(np.float32), mask.shape[::-1], interpolation=cv2.INTER_LINEAR)
    lifted = cv2.GaussianBlur(lifted, (0, 0), ROUND * mask.shape[0] / cells.shape[0])
    inside = (lifted > 0) & (lifted + SAY * (mask - np.float32(0.5)) >= 0.5)
    return np.asarray(inside)


def _eroded(region: BoolArray, distance: float) -> BoolArray:
    """The region without its rim of `distance` pixels; the picture's border is no rim."""
    if distance <= 0 or region.all() or not region.any():
        return region
    return np.asarray(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5) > distance)


def _draw_as_paper(
    found: Sequence[Region], attention: Attention, art: FloatArray, settings: RegionSettings, seed: int
) -> _Drawn:
    """The paper's selection with its staircase; only `matte` "on" smooths it."""
    count = min(settings.clusters or PAPER_CLUSTERS, attention.self_attention.shape[0])
    clusters = cluster(attention.self_attention, attention.size, count, "spectral", seed)
    whole = np.maximum.reduce([region.mask for region in found])
    steps = round(settings.erosion * scale_of(*whole.shape) / (PAPER_SQUARE // 2))
    segmentation = (whole >= 0.5).astype(np.uint8)
    _, eroded, _ = select_as_paper(clusters, segmentation, settings.overlap, PAPER_SQUARE, steps)
    selected = (eroded > 0).astype(np.float32)
    if not selected.any():
        return _Drawn(tuple(None for _ in found), "")
    if settings.matte == "on":
        selected = refine_matte(art, selected, settings, cell=art.shape[0] / attention.size[0])
    parts = share_out(selected > 0, [region.mask for region in found])
    masks = [np.where(part, selected, np.float32(0)) for part in parts]
    return _Drawn(
        tuple(mask if mask.any() else None for mask in masks), f"as the paper selects, spectral, {count} clusters"
    )
