"""Angular error of the solver's fields beside that of one constant vector, where the true flow is known.

    python benchmarks/bends.py [PICTURES] [--readme]

Truth is the flow that came with photographs (folders of PICTURES with `flow_reference.npz`), the water of the README's
drawn valley, rivers and falls of the drawn world, and channels that bend by known arcs. The solver gets the mask and,
in words, one direction: the mean of the truth. The constant vector is that direction everywhere. No loop is
rendered. "Falls" are the masks of falling water among PICTURES: their field beside straight down.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from quality import read_sample
from scene import make_river
from tables import publish

from t2c_ext.compass import direction_words
from t2c_ext.evaluate.flows import angular_error, mean_direction
from t2c_ext.motion.solver import solve_flow
from t2c_ext.prompt.parse import parse
from t2c_ext.settings import MotionSettings, PromptSettings
from t2c_ext.types import Hints, Region, Regions, unit_vector
from world.scenes import make_scene

SIDE = 256
WORLD = {"river": ("river", range(24)), "waterfall": ("waterfall", range(24))}
"""Views of the drawn world, the thing in them, and the numbers that are tried until `EACH` are found."""

EACH = 4
LEAST = 0.02
"""Share of the picture from which a region is measured."""


@dataclass(frozen=True)
class Case:
    """A picture whose flow is known.

    Attributes:
        kind: of which kind it is.
        name: its name.
        picture: float32 [H, W, 3].
        mask: float32 [H, W].
        truth: float32 [H, W, 2].
        words: what moves where to.
        angle: of the constant vector, in degrees.
    """

    kind: str
    name: str
    picture: np.ndarray
    mask: np.ndarray
    truth: np.ndarray
    words: str
    angle: float


def photographs(folder: Path) -> Iterator[Case]:
    """Photographs with a flow, and masks of falls."""
    for place in sorted(folder.iterdir()):
        for sample in read_sample(place, 512):
            picture = sample.picture.astype(np.float32) / 255
            falls = "fall" in sample.motion
            if sample.flow is None and not falls:
                continue
            down = np.zeros((*sample.mask.shape, 2), np.float32)
            down[..., 1] = 1
            if sample.flow is None:
                yield Case("falls, straight down", place.name, picture, sample.mask, down, sample.motion, sample.angle)
                continue
            thing = parse(PromptSettings(motion=sample.motion)).regions[0]
            names = ("photographs, reference flow", place.name)
            case = directed(names, thing, picture, sample.mask, sample.flow)
            if case is not None:
                yield case


def directed(names: tuple[str, str], thing: str, *shown: np.ndarray) -> Case | None:
    """A case whose words say the mean of the truth; None where that has none, or little moves.

    Args:
        names: the kind's and the picture's.
        thing: what moves.
        shown: picture, mask and truth.
    """
    (kind, name), (picture, mask, truth) = names, shown
    where = (mask > 0.5) & (np.linalg.norm(truth, axis=2) > 0)
    angle = mean_direction(truth, where)
    if angle is None or where.mean() < LEAST:
        return None
    angle = float(round(angle) % 360)
    words = f"{thing} flowing {direction_words(angle)}"
    return Case(kind, name, picture.astype(np.float32), mask.astype(np.float32), truth, words, angle)


def drawn() -> Iterator[Case]:
    """The valley, the drawn world, and arcs."""
    river = make_river()
    grey = np.full((*river.mask.shape, 3), 0.5, np.float32)
    case = directed(("drawn, bends", "valley"), "river", grey, river.mask, river.flow.astype(np.float32))
    if case is not None:
        yield case
    for view, (thing, numbers) in WORLD.items():
        found = 0
        for number in numbers:
            scene = make_scene(number, SIDE, SIDE, look="photograph", view=view)
            shown = next((one for one in scene.things if one.word == thing), None)
            if shown is None or found == EACH:
                continue
            case = directed((f"drawn world, {view}", f"{view} {number}"), thing, scene.rgb, shown.mask, scene.flow)
            if case is not None:
                found += 1
                yield case
    for turn in (30, 60, 90, 120, 180):
        case = directed(("drawn, bends", f"arc of {turn} degrees"), "river", *arc(turn))
        if case is not None:
            yield case


def arc(turn: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Picture, mask and flow of a channel that comes in straight, turns by so many degrees, and goes on straight."""
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(np.float64)
    radius, half, length = 60.0, 23.0, 80.0
    # along the middle: points, and the way there
    steps = np.arange(0, 2 * length + radius * np.deg2rad(turn))
    bend = np.clip((steps - length) / radius, 0, np.deg2rad(turn))
    way = np.stack([np.cos(bend), np.sin(bend)], axis=1)
    middle = np.cumsum(way, axis=0)
    middle += np.array([SIDE / 2, SIDE / 2]) - (middle.min(axis=0) + middle.max(axis=0)) / 2
    best, truth = np.full((SIDE, SIDE), np.inf), np.zeros((SIDE, SIDE, 2), np.float32)
    for point, direction in zip(middle[::2], way[::2], strict=True):
        away = np.hypot(columns - point[0], rows - point[1])
        nearer = away < best
        best[nearer], truth[nearer] = away[nearer], direction
    noise = np.random.default_rng(1).random((SIDE, SIDE, 3))
    return noise, (best < half).astype(np.float64), truth


def error_of(case: Case) -> tuple[float, float]:
    """Degrees of the solver and of the constant vector, over what moves in both."""
    plan = parse(PromptSettings(motion=case.words))
    regions = Regions((Region(plan.regions[0] if plan.regions else "", case.mask),))
    field = solve_flow(case.picture, regions, plan, Hints(), MotionSettings()).field
    constant = np.broadcast_to(np.float32(unit_vector(case.angle)), field.shape)
    where = case.mask > 0.5
    errors = [angular_error(flow, case.truth, where) for flow in (field, np.asarray(constant, np.float32))]
    if None in errors:
        raise RuntimeError(f"nothing moves in {case.name}")
    return float(errors[0] or 0), float(errors[1] or 0)


def main() -> None:
    parser = argparse.ArgumentParser(description="Angular error of the solver beside a constant vector.")
    parser.add_argument("pictures", type=Path, nargs="*", help="folders with one folder for each picture")
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    lines = ["| kind | picture | solver, degrees | constant vector, degrees |", "|---|---|---|---|"]
    kinds: dict[str, list[tuple[float, float]]] = {}
    for case in chain.from_iterable([*(photographs(folder) for folder in options.pictures), drawn()]):
        ours, constant = error_of(case)
        kinds.setdefault(case.kind, []).append((ours, constant))
        lines.append(f"| {case.kind} | {case.name} | {ours:.1f} | {constant:.1f} |")
        print(lines[-1], flush=True)
    for kind, pairs in kinds.items():
        means = [statistics.mean(values) for values in zip(*pairs, strict=True)]
        lines.append(f"| **{kind}** | mean of {len(pairs)} | {means[0]:.1f} | {means[1]:.1f} |")
        print(lines[-1])
    if options.readme:
        publish("bends", "\n".join(lines))


if __name__ == "__main__":
    main()
