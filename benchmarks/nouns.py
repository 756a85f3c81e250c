"""Where a diffusion model sees things in paintings, beside the small network, the rules and their vote.

    python benchmarks/nouns.py MODEL --scenes 60
    python benchmarks/nouns.py MODEL --fit 120     the weights with which a model's attention joins the vote

The paintings are lessons of `world/` that no training saw. The table has mean intersections over union with the true
masks. A miniature model's attention may itself have been taught by masks of other lessons; a real checkpoint's is not.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
from regions import regression

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from t2c_ext.evaluate.masks import intersection_over_union  # noqa: E402
from t2c_ext.lexicon import load_lexicon  # noqa: E402
from t2c_ext.region.segmenters.attention import AttentionSegmenter  # noqa: E402
from t2c_ext.region.segmenters.vote import Ballot, VoteSegmenter, Weights, joined, outcome, overlap_of  # noqa: E402
from t2c_ext.twin.diffusion.components import placement_for  # noqa: E402
from t2c_ext.twin.diffusion.embeddings import PromptEncoder  # noqa: E402
from t2c_ext.twin.diffusion.grounding import find_nouns  # noqa: E402
from t2c_ext.twin.diffusion.load import load_model  # noqa: E402
from world.lessons import FIRST_HELD_OUT, make_lesson  # noqa: E402

LEAST = 0.03
"""Share of the picture from which on a thing counts."""

FIRST, FIRST_FOR_FIT = FIRST_HELD_OUT + 1000, FIRST_HELD_OUT + 500_000
ASKED_IN_VAIN = ("waterfall", "river", "smoke", "fire", "clouds")
"""One of these is asked for as well, where the painting has nothing of its kind: models answer that too."""


def overlaps(model: str, scenes: int) -> dict[str, list[tuple[float, ...]]]:
    """For each thing rows of intersections over union: of attention, network, rules, their vote, and all together."""
    components = load_model(model, placement_for("cpu", "auto", "auto"))
    encoder, voters = PromptEncoder(components, 1), VoteSegmenter()
    found: dict[str, list[tuple[float, ...]]] = defaultdict(list)
    for seed in range(FIRST, FIRST + scenes):
        lesson = make_lesson(seed)
        rows = list(zip(lesson.things, lesson.masks, lesson.moving, strict=True))
        truths = {
            name: mask for name, mask, moves in rows if moves and load_lexicon().find(name) and mask.mean() > LEAST
        }
        if not truths:
            continue
        still = [name for name, _, moves in rows if not moves]
        maps = find_nouns(components, encoder, [lesson.painting], list(truths), still, 0)
        seen = {row.name: row for row in AttentionSegmenter(maps).segment(lesson.painting, list(truths))}
        ballots = voters.ballots(lesson.painting, list(truths))
        for name, truth in truths.items():
            ballot = ballots.get(name)
            vote = None if ballot is None else outcome(name, ballot)
            both = joined(vote, seen.get(name)) if vote or name in seen else None
            pair = (None, None) if ballot is None else (ballot.network, ballot.rules)
            regions = (seen.get(name), *pair, vote, both)
            found[name].append(tuple(intersection_over_union(row.mask, truth) if row else 0.0 for row in regions))
    return found


def fit(model: str, scenes: int) -> tuple[Weights, Weights]:
    """The weights of what network and rules found, and of what the model saw, on other lessons than the table's."""
    components = load_model(model, placement_for("cpu", "auto", "auto"))
    encoder, voters = PromptEncoder(components, 1), VoteSegmenter()
    rows: list[tuple[tuple[float, ...], bool, bool]] = []
    for seed in range(FIRST_FOR_FIT, FIRST_FOR_FIT + scenes):
        lesson = make_lesson(seed)
        things = list(zip(lesson.things, lesson.masks, lesson.moving, strict=True))
        truths = {name: mask for name, mask, moves in things if moves and load_lexicon().find(name)}
        families = {thing.family for name, _, _ in things if (thing := load_lexicon().find(name))}
        vain = [name for name in ASKED_IN_VAIN if (thing := load_lexicon().find(name)) and thing.family not in families]
        asked = [*truths, *vain[seed % 2 : seed % 2 + 1]]
        still = [name for name, _, moves in things if not moves]
        picture = lesson.painting if seed % 2 else lesson.photograph
        maps = find_nouns(components, encoder, [picture], asked, still, 0)
        seen = {row.name: row for row in AttentionSegmenter(maps).segment(picture, asked)}
        ballots = voters.ballots(picture, asked)
        for name in asked:
            if name not in seen or name not in ballots:
                continue
            truth = truths.get(name)
            if truth is not None and truth.mean() <= LEAST:
                continue
            vote = outcome(name, ballots[name])
            ballot = Ballot(vote, seen[name], *overlap_of(vote, seen[name]))
            right = [
                truth is not None and intersection_over_union(row.mask, truth) >= 0.5 for row in (vote, seen[name])
            ]
            rows.append(((vote.score, seen[name].score, ballot.overlap, ballot.within), right[0], right[1]))
    x = np.array([row[0] for row in rows])
    return tuple(  # type: ignore[return-value]
        regression(x[:, order], np.array([row[1 + which] for row in rows], float))
        for which, order in enumerate(([0, 1, 2, 3], [1, 0, 2, 3]))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--scenes", type=int, default=60)
    parser.add_argument("--fit", type=int, default=0)
    options = parser.parse_args()
    if options.fit:
        found_by_vote, seen_by_model = fit(options.model, options.fit)
        print(f"of what was found: {found_by_vote}\nof what was seen: {seen_by_model}")
        return
    found = overlaps(options.model, options.scenes)
    print("| thing | pictures | attention | network | rules | vote | with attention |\n" + "| --- " * 7 + "|")
    everything = [row for rows in found.values() for row in rows]
    for name, rows in [*sorted(found.items()), ("all", everything)]:
        print(f"| {name} | {len(rows)} | " + " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0)) + " |")


if __name__ == "__main__":
    main()
