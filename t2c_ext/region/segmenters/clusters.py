"""The segmenter that needs no weights: clusters of colour and texture, judged by where they lie and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.lexicon import load_lexicon
from t2c_ext.region.segmenters.appearance import APPEARANCES, Surroundings, overhead
from t2c_ext.region.segmenters.base import MOST_OFFERED, POSSIBLE, SMALLEST_OFFERED
from t2c_ext.region.segmenters.grouping import group
from t2c_ext.region.segmenters.measure import Measures, measure
from t2c_ext.region.segmenters.plain_names import describe
from t2c_ext.region.segmenters.superpixels import Pieces, cut
from t2c_ext.types import BoolArray, FloatArray, Region

SMALLEST_PICTURE = 16
"""Pictures with a shorter side, in pixels, have nothing to cluster."""

RIVAL = 0.8
"""Another place that scores more than this share of the best makes the choice unsure."""

STRAND = 0.5
"""Another place that scores this share of the best, in the same colours, is a part of the same thing ..."""

SAME_COLOURS = 0.6
"""... when their colours overlap this much."""

OFFERED = 0.15
"""From this score on an offered region is called "possible water" instead of by number."""

LEAST_SKY = 0.25
"""Below this score there is no sky to compare with."""

SURE_SKY = 0.7
"""From this score on the sky's colours are those that water mirrors."""

LARGEST_REFLECTION = 0.3
"""A reflection is at most this share of the water that it lies in."""

NUMBERED = "region "
"""What the name of a region begins with that is no known thing."""


@dataclass(frozen=True)
class _Analysis:
    """Everything known about one picture."""

    pieces: Pieces
    groups: BoolArray
    measures: Measures
    around: Surroundings


@dataclass(frozen=True)
class _Guess:
    """The best group for one appearance: its pieces (bool [N]) and probability."""

    members: BoolArray
    score: float


class ClusterSegmenter:
    """Superpixels merged into groups, each scored against what the lexicon says the thing looks like.

    It knows sky, water, waterfalls and fire by colour, texture and place only.
    """

    name = "clusters"
    threshold = 0.5

    def __init__(self) -> None:
        """Nothing is loaded."""
        self._last: tuple[FloatArray, _Analysis | None] | None = None

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`."""
        analysis = self._analyse(picture)
        regions: list[Region] = []
        for word in words:
            thing = load_lexicon().find(word)
            if analysis is None or thing is None or thing.appearance not in APPEARANCES:
                continue
            guess = _guess(analysis, thing.appearance)
            regions.append(Region(word, _full(analysis.pieces, guess.members, picture), guess.score, self.name))
        return regions

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`."""
        analysis = self._analyse(picture)
        if analysis is None:
            return []
        free = np.ones(analysis.pieces.count, bool)
        offered: list[Region] = []
        for key in ("sky", "low water", "falling water", "fire"):
            guess = _guess(analysis, key)
            overlap = float(
                analysis.pieces.area[guess.members & free].sum() / analysis.pieces.area[guess.members].sum()
            )
            if guess.score < OFFERED or overlap < 0.7:
                continue
            plain = APPEARANCES[key].name
            name = plain if guess.score >= self.threshold else POSSIBLE + plain
            offered.append(self._region(analysis, picture, guess.members & free, name, guess.score))
            free &= ~guess.members
        return offered + self._numbered(analysis, picture, free, MOST_OFFERED - len(offered))

    def sees_nothing(self, picture: FloatArray) -> bool:
        """Whether the picture is too small or of a single colour, so that there is nothing to tell apart."""
        return self._analyse(picture) is None

    def close(self) -> None:
        """Let the last picture go."""
        self._last = None

    def _numbered(self, analysis: _Analysis, picture: FloatArray, free: BoolArray, most: int) -> list[Region]:
        """The largest natural groups of what has no name yet."""
        pieces = analysis.pieces
        offered: list[Region] = []
        weight = analysis.measures.area * analysis.measures.unlike * np.minimum(analysis.measures.contrast, 20)
        order = np.argsort(-np.where(analysis.measures.area < 0.6, weight, 0), kind="stable")
        for row in order:
            if len(offered) == most:
                break
            members = analysis.groups[row]
            if (members & ~free).any() or pieces.area[members].sum() < SMALLEST_OFFERED * pieces.area.sum():
                continue
            name = f"{NUMBERED}{len(offered) + 1} ({describe(pieces, members)})"
            offered.append(self._region(analysis, picture, members, name, 0.0))
            free = free & ~members
        return offered

    def _region(self, analysis: _Analysis, picture: FloatArray, members: BoolArray, name: str, score: float) -> Region:
        return Region(name, _full(analysis.pieces, members, picture), score, self.name)

    def _analyse(self, picture: FloatArray) -> _Analysis | None:
        """The picture's groups and measures; None for one too small or of a single colour. The last one is kept."""
        if self._last is None or self._last[0] is not picture:
            self._last = (picture, _analyse(picture))
        return self._last[1]


def _analyse(picture: FloatArray) -> _Analysis | None:
    if min(picture.shape[:2]) < SMALLEST_PICTURE:
        return None
    pieces = cut(picture)
    if pieces.count < 8:
        return None
    groups = group(pieces)
    groups = groups[(groups @ pieces.area >= 0.004 * pieces.area.sum()) & ~groups.all(axis=1)]
    if not len(groups):
        return None
    measures = measure(pieces, groups)
    nothing = Surroundings(np.zeros(len(groups)), np.zeros(len(groups)))
    scores = overhead(measures, nothing)
    best = int(np.argmax(scores))
    if scores[best] < LEAST_SKY:
        return _Analysis(pieces, groups, measures, nothing)
    sky = groups[best]
    in_sky = (groups[:, sky] @ pieces.area[sky]) / (groups @ pieces.area)
    like_sky = _overlap(groups @ pieces.histogram, sky @ pieces.histogram)
    around = Surroundings(in_sky, like_sky * min(1.0, float(scores[best]) / SURE_SKY))
    return _Analysis(pieces, groups, measures, around)


def _overlap(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bhattacharyya coefficient of histograms [K, C] with one [C]."""
    first = one / np.maximum(one.sum(axis=-1, keepdims=True), 1e-9)
    second = other / max(float(other.sum()), 1e-9)
    return np.sqrt(np.maximum(first * second, 0)).sum(axis=-1)


def _guess(analysis: _Analysis, key: str) -> _Guess:
    """The group that looks most like it, less sure where a different place looks nearly as much like it."""
    appearance = APPEARANCES[key]
    scores = appearance.score(analysis.measures, analysis.around)
    best = int(np.argmax(scores))
    members = analysis.groups[best]
    area = analysis.pieces.area
    rival = 0.0
    for row in np.argsort(-scores, kind="stable"):
        if scores[row] < STRAND * scores[best]:
            break
        other = analysis.groups[row]
        if area[other & members].sum() > 0.1 * area[other].sum():
            continue
        if appearance.strands and _alike(analysis, members, other) > SAME_COLOURS:
            members = members | other
        else:
            rival = max(rival, float(scores[row]))
    if appearance.mirrors:
        members = members | _reflections(analysis, members)
    doubt = 0.7 if rival > RIVAL * scores[best] else 1.0
    return _Guess(members, float(min(scores[best] * doubt, appearance.ceiling)))


def _reflections(analysis: _Analysis, members: BoolArray) -> BoolArray:
    """Lighter pieces of the region's colours that it encloses, alone or with the picture's border (bool [N])."""
    pieces = analysis.pieces
    found = np.zeros(pieces.count, bool)
    _, islands = cv2.connectedComponents((~members)[pieces.labels].astype(np.uint8), connectivity=4)
    island_of = np.zeros(pieces.count, int)
    island_of[pieces.labels.ravel()] = islands.ravel()
    size = float(pieces.area[members].sum())
    lightness = float(pieces.colour[members, 0].sum()) / size
    for island in range(1, int(islands.max()) + 1):
        hole = island_of == island
        area = float(pieces.area[hole].sum())
        lighter = float(pieces.colour[hole, 0].sum()) > lightness * area
        if 0 < area <= LARGEST_REFLECTION * size and lighter and _alike(analysis, members, hole) > SAME_COLOURS:
            found |= hole
    return found


def _alike(analysis: _Analysis, one: BoolArray, other: BoolArray) -> float:
    histogram = analysis.pieces.histogram
    return float(_overlap(histogram[one].sum(axis=0)[None], histogram[other].sum(axis=0))[0])


def _full(pieces: Pieces, members: BoolArray, picture: FloatArray) -> FloatArray:
    """The pieces as a mask of the picture's size, float32 [H, W]."""
    small = members[pieces.labels].astype(np.float32)
    size = (picture.shape[1], picture.shape[0])
    if small.shape == picture.shape[:2]:
        return small
    return np.clip(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), 0.0, 1.0)
