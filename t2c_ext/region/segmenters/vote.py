"""The package's network and the rules of colour and place vote: what both point at is surer than what one does.

The network is `lite` where its features are installed, else `small`.

Each has a candidate for a word. How likely a candidate is right follows from how sure its maker is, how sure the other
one is of its own, and how much the two overlap. The weights are a logistic regression on drawn scenes and real pictures
that neither had seen (`benchmarks/regions.py` fits it), the odds lowered by `CAUTION`: a claim that is wrong
costs a person more than a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from t2c_ext.region.segmenters.attention import AttentionSegmenter
from t2c_ext.region.segmenters.base import MOST_OFFERED, POSSIBLE, SMALLEST_OFFERED
from t2c_ext.region.segmenters.clusters import NUMBERED, OFFERED, ClusterSegmenter
from t2c_ext.region.segmenters.lite import LiteSegmenter, features_file
from t2c_ext.region.segmenters.small import SmallSegmenter
from t2c_ext.types import FloatArray, Region

LEAST_SAY = 0.6
"""The network's least weight in a mask of both: with it what it is sure of not being the thing, such as a boat in the
river, is cut out (below one sixth), and what it is sure of is added (above five sixths)."""

INSIDE = 0.8
"""Share of the network's candidate that lies in the rules' from which on it is a part of it."""

CAUTION = 0.2
"""Log-odds of the 55 percent from which on a candidate is moved without asking: of what the fit saw, 3 of 100 things
that are there are then claimed wrongly by the vote with `small`, and as few with `lite` (benchmarks/README.md)."""

CERTAIN = 0.98
"""Scores are held between this and its complement, so that their log-odds stay finite."""

LARGEST_CLAIM = 0.95
"""No vote is surer than this: the scenes that it was fitted on are not photographs."""


OFFERED_WORDS = {"sky": "sky", "water": "water", "waterfall": "falling water", "fire": "fire", "smoke": "vapour"}
"""A word for each kind of thing that is offered, and what a person reads."""


@dataclass(frozen=True)
class Weights:
    """Of the log-odds that a candidate is right.

    Attributes:
        constant: where everything else is nothing.
        own: of the log-odds of its maker's score.
        other: of the log-odds of the other one's score.
        overlap: of the two candidates' intersection over union, 0..1.
        within: of their intersection as a share of the smaller one, 0..1.
    """

    constant: float
    own: float
    other: float
    overlap: float
    within: float = 0.0


NETWORK = {
    "small": Weights(constant=-0.97, own=1.93, other=0.12, overlap=0.49, within=0.34),
    "lite": Weights(constant=-0.5, own=2.18, other=0.05, overlap=-1.09, within=0.45),
}
"""For the candidate of each network."""

RULES = {
    "small": Weights(constant=-4.63, own=0.05, other=0.78, overlap=5.54, within=0.77),
    "lite": Weights(constant=-4.88, own=0.04, other=0.7, overlap=5.36, within=1.13),
}
"""For the rules' candidate beside each network."""


FOUND = Weights(-0.73, 0.7, 0.02, 1.46, 0.07)
"""For what those two made of a word, beside what the diffusion model sees: half way between their score at its word
(whose caution counts once) and a regression on held-out scenes, seen by the miniature model (`benchmarks/nouns.py`)."""

SEEN = Weights(-1.65, 1.51, 0.1, 1.0, 0.46)
"""For what the model sees, by the same regression."""

BELOW = 0.01
"""So far below the threshold stays what the model alone sees, of a thing that network and rules do not know: it is
shown and not moved, as the regression has seen no such thing."""

AGREEING = 0.5
"""Intersection over union from which on the masks of both are taken together."""


@dataclass(frozen=True)
class Ballot:
    """What the two say of one word.

    Attributes:
        network: its region, or None where it does not know the word.
        rules: theirs, or None.
        overlap: intersection over union of the two, 0 where one is missing.
        within: their intersection as a share of the smaller one, 0 where one is missing.
        by: which network it is.
    """

    network: Region | None
    rules: Region | None
    overlap: float
    within: float = 0.0
    by: str = SmallSegmenter.name


def own_network() -> SmallSegmenter:
    """The best of the package's networks whose features are here; nothing is loaded yet."""
    return SmallSegmenter() if features_file() is None else LiteSegmenter()


class VoteSegmenter:
    """The package's network and the rules as one."""

    name = "vote"
    threshold = 0.5

    def __init__(
        self,
        network: SmallSegmenter | None = None,
        rules: ClusterSegmenter | None = None,
        attention: AttentionSegmenter | None = None,
    ) -> None:
        """Nothing is loaded until it is needed; `attention` has a say where a diffusion model was asked."""
        self._network, self._rules = network or own_network(), rules or ClusterSegmenter()
        self._attention = attention

    def asking(self, attention: AttentionSegmenter) -> VoteSegmenter:
        """The same network and rules, with what a diffusion model saw in the picture."""
        return VoteSegmenter(self._network, self._rules, attention)

    def ballots(self, picture: FloatArray, words: Sequence[str]) -> dict[str, Ballot]:
        """What each says, by word; words that neither knows are left out."""
        first = {region.name: region for region in self._network.segment(picture, words)}
        second = {region.name: region for region in self._rules.segment(picture, words)}
        both = {word: (first.get(word), second.get(word)) for word in words}
        return {
            word: Ballot(one, other, *overlap_of(one, other), self._network.name)
            for word, (one, other) in both.items()
            if one or other
        }

    def segment(self, picture: FloatArray, words: Sequence[str]) -> list[Region]:
        """See `Segmenter.segment`."""
        if self._rules.sees_nothing(picture):
            return []
        found = {word: outcome(word, ballot) for word, ballot in self.ballots(picture, words).items()}
        seen = {} if self._attention is None else {row.name: row for row in self._attention.segment(picture, words)}
        return [
            joined(found.get(word), seen.get(word)) for word in dict.fromkeys(words) if word in found or word in seen
        ]

    def propose(self, picture: FloatArray) -> list[Region]:
        """See `Segmenter.propose`: what the vote makes of each kind of thing, then what the rules cut out beside it."""
        offered: list[Region] = []
        free = np.ones(picture.shape[:2], bool)
        for word, plain in OFFERED_WORDS.items():
            if self._rules.sees_nothing(picture):
                break
            for ballot in self.ballots(picture, [word]).values():
                region = offer(word, ballot)
                mask = np.where(free, region.mask, np.float32(0))
                inside = mask >= 0.5
                if region.score < OFFERED or inside.mean() < max(SMALLEST_OFFERED, 0.7 * (region.mask >= 0.5).mean()):
                    continue
                name = plain if region.score >= self.threshold else POSSIBLE + plain
                offered.append(Region(name, mask, region.score, region.source))
                free &= ~inside
        rest = [region for region in self._rules.propose(picture) if region.name.startswith(NUMBERED)]
        beside = [region for region in rest if (free & (region.mask >= 0.5)).sum() >= 0.7 * (region.mask >= 0.5).sum()]
        return offered + beside[: MOST_OFFERED - len(offered)]

    def close(self) -> None:
        """Let the network and the last picture go."""
        self._network.close()
        self._rules.close()


def outcome(word: str, ballot: Ballot) -> Region:
    """The likelier of the two candidates, or what both make of it where they mean the same."""
    network, rules = ballot.network, ballot.rules
    if network is None or rules is None:
        only = network or rules
        assert only is not None
        score = probability((NETWORK if network else RULES)[ballot.by], only.score, 0.0, ballot)
        return Region(word, only.mask, score, only.source)
    first = probability(NETWORK[ballot.by], network.score, rules.score, ballot)
    second = probability(RULES[ballot.by], rules.score, network.score, ballot)
    better, score = (network, first) if first >= second else (rules, second)
    if _lies_inside(ballot):
        better, score = rules, max(first, second)
    if ballot.overlap < 0.5 or min(network.score, rules.score) < VoteSegmenter.threshold:
        return Region(word, better.mask, score, better.source)  # who doubts has no say in where its edge is
    weight = np.float32(max(first / (first + second), LEAST_SAY))
    mask = weight * network.mask + (1 - weight) * rules.mask
    return Region(word, mask, score, f"{network.source} + {rules.source}")


def joined(found: Region | None, seen: Region | None) -> Region:
    """What the network and the rules make of a word, and what the diffusion model sees of it, as one.

    Args:
        found: their outcome, or None where neither knows the word.
        seen: the model's, or None where it was not asked for it. One of the two is there.
    """
    if seen is None:
        assert found is not None
        return found
    if found is None:
        score = probability(SEEN, seen.score, 0.5, Ballot(None, None, 0.0))
        return replace(seen, score=min(score, VoteSegmenter.threshold - BELOW))
    both = Ballot(found, seen, *overlap_of(found, seen))
    first = probability(FOUND, found.score, seen.score, both)
    second = probability(SEEN, seen.score, found.score, both)
    better, score = (found, first) if first > second else (seen, second)
    if both.overlap < AGREEING:
        return replace(better, score=score)
    weight = np.float32(first / (first + second))
    mask = weight * found.mask + (1 - weight) * seen.mask
    return Region(found.name, mask, score, f"{seen.source} + {found.source}")


def offer(word: str, ballot: Ballot) -> Region:
    """What a person is shown: the outcome, or in doubt the rules' whole of which the network sees a part."""
    region = outcome(word, ballot)
    rules = ballot.rules
    if region.score >= VoteSegmenter.threshold or rules is None or rules.score < OFFERED or ballot.within < INSIDE:
        return region
    return Region(word, rules.mask, region.score, rules.source) if rules.mask.sum() > region.mask.sum() else region


def _lies_inside(ballot: Ballot) -> bool:
    """Whether both claim the place and the network's part lies in the rules' whole: what it has not learnt to paint
    like it leaves out more readily than it adds."""
    network, rules = ballot.network, ballot.rules
    if network is None or rules is None or ballot.within < INSIDE:
        return False
    sure = min(network.score, rules.score) >= VoteSegmenter.threshold
    return sure and float(rules.mask.sum()) > float(network.mask.sum())


def probability(weights: Weights, own: float, other: float, ballot: Ballot) -> float:
    """How likely a candidate is right, 0..1."""
    odds = weights.constant - CAUTION + weights.own * log_odds(own) + weights.other * log_odds(other)
    odds += weights.overlap * ballot.overlap + weights.within * ballot.within
    return min(LARGEST_CLAIM, float(1 / (1 + np.exp(-odds))))


def log_odds(score: float) -> float:
    """Of a score, which is held away from 0 and 1."""
    held = min(max(score, 1 - CERTAIN), CERTAIN)
    return float(np.log(held / (1 - held)))


def overlap_of(one: Region | None, other: Region | None) -> tuple[float, float]:
    """Intersection over union, and over the smaller."""
    if one is None or other is None:
        return 0.0, 0.0
    first, second = one.mask >= 0.5, other.mask >= 0.5
    both, smaller = np.count_nonzero(first & second), min(np.count_nonzero(first), np.count_nonzero(second))
    return (both / np.count_nonzero(first | second), both / smaller) if smaller else (0.0, 0.0)
