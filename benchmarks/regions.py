"""How well things are found by word: the small network, the rules and their vote, on drawn scenes none of them saw.

    python benchmarks/regions.py [--readme]  the tables of 60 scenes
    python benchmarks/regions.py --fit 120   the weights of the vote, from as many other scenes

Scenes below a million are for training. A found region is right when its intersection over union with the truth is at
least one half.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
from tables import publish

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from t2c_ext.evaluate.masks import intersection_over_union  # noqa: E402
from t2c_ext.region.segmenters import vote  # noqa: E402
from t2c_ext.types import FloatArray  # noqa: E402
from world.canvas import KINDS  # noqa: E402
from world.scenes import Scene, make_scene  # noqa: E402

FIRST_HELD_OUT, FIRST_FOR_FIT = 1_000_000, 2_000_000
SIDE = 224
THINGS: dict[str, tuple[str, ...]] = {
    "clouds": ("sky", "cloud"),
    "water": ("water",),
    "waterfall": ("waterfall",),
    "fire": ("fire",),
    "smoke": ("vapour",),
    "grass": ("vegetation",),
}
"""Words, and the classes that are true of each."""

PRESENT, ABSENT = 0.03, 0.002
"""Share of the picture from which on a thing is there, and below which it is not."""


@dataclass(frozen=True)
class Case:
    """One word asked of one scene.

    Attributes:
        word: what is asked for.
        there: whether the scene has it.
        overlaps: intersection over union with the truth: of the network, the rules, the vote.
        scores: of the same three.
        overlap, within: of the network and the rules with one another, as in `vote.Ballot`.
    """

    word: str
    there: bool
    overlaps: tuple[float, float, float]
    scores: tuple[float, float, float]
    overlap: float
    within: float


def truth_of(scene: Scene, word: str) -> FloatArray:
    """The word's true mask."""
    return scene.shares[[KINDS.index(kind) for kind in THINGS[word]]].sum(axis=0)


def cases(first: int, count: int) -> Iterator[Case]:
    """Every word that a scene clearly has or clearly lacks, of so many scenes."""
    voters = vote.VoteSegmenter()
    for seed in range(first, first + count):
        scene = make_scene(seed, SIDE, SIDE)
        for word, ballot in voters.ballots(scene.rgb, list(THINGS)).items():
            truth = truth_of(scene, word)
            share = float(truth.mean())
            if ABSENT < share < PRESENT:
                continue
            regions = (ballot.network, ballot.rules, vote.outcome(word, ballot))
            overlaps = tuple(intersection_over_union(each.mask, truth) if each else 0.0 for each in regions)
            scores = tuple(each.score if each else 0.0 for each in regions)
            yield Case(word, share >= PRESENT, overlaps, scores, ballot.overlap, ballot.within)  # type: ignore[arg-type]


def fit(found: Sequence[Case], which: int, ridge: float = 1.0) -> vote.Weights:
    """Logistic regression of "right" for the candidate of the network (0) or the rules (1), by Newton's method."""
    rows = [
        (*map(vote.log_odds, (case.scores[which], case.scores[1 - which])), case.overlap, case.within) for case in found
    ]
    x = np.concatenate([np.ones((len(found), 1)), np.array(rows)], axis=1)
    y = np.array([case.there and case.overlaps[which] >= 0.5 for case in found], float)
    free = np.array([1e-6, 1, 1, 1, 1]) * ridge
    w = np.zeros(5)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (y - p) - free * w
        bend = (x * (p * (1 - p))[:, None]).T @ x + np.diag(free)
        w = w + np.linalg.solve(bend, slope)
    return vote.Weights(*(round(float(value), 2) for value in w))


def tempered(weights: vote.Weights) -> vote.Weights:
    """Half way between a fit and the candidate's own score at its word."""
    own = (0.0, 1.0, 0.0, 0.0, 0.0)
    halves = [round((one + other) / 2, 2) for one, other in zip(astuple(weights), own, strict=True)]
    return vote.Weights(*halves)


def table(found: Sequence[Case]) -> str:
    """Mean overlap per word, and how many claims were right, wrong and missing."""
    names = ("network", "rules", "vote")
    lines = ["| thing | scenes | " + " | ".join(f"IoU {name}" for name in names) + " |", "| --- " * 5 + "|"]
    for word in THINGS:
        there = [case for case in found if case.word == word and case.there]
        if there:
            means = [np.mean([case.overlaps[which] for case in there]) for which in range(3)]
            lines.append(f"| {word} | {len(there)} | " + " | ".join(f"{mean:.3f}" for mean in means) + " |")
    lines += ["", "| of the words that are there | " + " | ".join(names) + " |", "| --- " * 4 + "|"]
    there, absent = [case for case in found if case.there], [case for case in found if not case.there]
    rows = {"right": [], "claimed and wrong": [], "not claimed": [], f"claimed of {len(absent)} that are not there": []}
    for which in range(3):
        claimed = [case for case in there if case.scores[which] >= 0.5]
        right = sum(case.overlaps[which] >= 0.5 for case in claimed)
        false = sum(case.scores[which] >= 0.5 for case in absent)
        for row, value in zip(
            rows.values(), (right, len(claimed) - right, len(there) - len(claimed), false), strict=True
        ):
            row.append(value)
    lines += [f"| {name} | " + " | ".join(str(value) for value in row) + " |" for name, row in rows.items()]
    return "\n".join(lines)


def curves(found: Sequence[Case]) -> str:
    """Precision and recall of claims, each in percent, as the threshold rises; words that are not there count too."""
    lines = ["| threshold | network | rules | vote |", "| --- " * 4 + "|"]
    there = sum(case.there for case in found)
    for threshold in np.arange(0.2, 0.91, 0.1):
        cells = []
        for which in range(3):
            claimed = [case for case in found if case.scores[which] >= threshold]
            right = sum(case.there and case.overlaps[which] >= 0.5 for case in claimed)
            cells.append(f"{100 * right / max(len(claimed), 1):.0f} / {100 * right / there:.0f}")
        lines.append(f"| {threshold:.1f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--fit", type=int, default=0)
    parser.add_argument("--readme", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args()
    if options.fit:
        found = list(cases(FIRST_FOR_FIT, options.fit))
        for name, which in (("NETWORK", 0), ("RULES", 1)):
            weights = fit(found, which)
            print(f"{name} = {tempered(weights)}  # half way from {weights}")
        print(table(found))
    else:
        found = list(cases(FIRST_HELD_OUT, options.scenes))
        text = f"{table(found)}\n\nPrecision / recall of claims, in percent:\n\n{curves(found)}"
        publish("regions", text) if options.readme else print(text)


if __name__ == "__main__":
    main()
