"""What the paper claims, measured in miniature: on paintings of the drawn world, whose truth is known.

python benchmarks/paper.py --paintings 60 --sentences 24 [--first 0] [--segmenter auto] [--sheet SHEET.png] [--readme]

Paintings are lessons that no training saw (numbers of a million and on), each with a sentence that says what moves and
where to. Their regions and motion are found in several ways and compared with the truth. Sentences have no truth: their
pictures are made by the built-in miniature model, and what moves in them is compared with where the small mask network,
which knows this world and has no vote beside `lite`, sees it in the picture or in its twin; that is a judge who errs
too, and the sheet is there to look at. Intervals are of 95 %, by resampling.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from tables import publish

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from t2c_ext.errors import UserError  # noqa: E402
from t2c_ext.evaluate.masks import intersection_over_union  # noqa: E402
from t2c_ext.jobs import Job  # noqa: E402
from t2c_ext.pipeline import Cinemagraph, Pipeline  # noqa: E402
from t2c_ext.recipe import Recipe  # noqa: E402
from t2c_ext.region.segmenters.small import SmallSegmenter  # noqa: E402
from t2c_ext.twin import miniature  # noqa: E402
from t2c_ext.twin.diffusion.components import Components, Placement  # noqa: E402
from t2c_ext.twin.diffusion.load import load_model  # noqa: E402
from t2c_ext.twin.diffusion.source import DiffusersTwin  # noqa: E402
from t2c_ext.twin.source import GivenTwin  # noqa: E402
from t2c_ext.types import FloatArray, Picture, Region, Regions, Stage, Twin  # noqa: E402
from world.lessons import FIRST_HELD_OUT, Lesson, make_lesson  # noqa: E402
from world.words import NAMES, SIDES, STYLES, VERBS  # noqa: E402

ENOUGH = 0.5
"""Intersection over union from which on a region counts as found."""

SMALLEST = 0.04
"""Share of the picture that a thing has to have to be asked for."""

ANGLES = {"right": 0.0, "up": 90.0, "left": 180.0, "down": 270.0}
WRONG = 45.0
"""Degrees up to which a direction counts as right."""

REGION_WAYS: dict[str, tuple[str, dict[str, object]]] = {
    "the painting itself, rules": ("painting", {"segmenter": "clusters"}),
    "the painting itself, auto": ("painting", {"segmenter": "auto"}),
    "its twin, auto, not refined": ("twin", {"segmenter": "auto", "refine": "off"}),
    "its twin, auto, refined": ("twin", {"segmenter": "auto"}),
    "its twin, rules, refined": ("twin", {"segmenter": "clusters"}),
    "its twin, small network, refined": ("twin", {"segmenter": "small"}),
    "the photograph that it was painted from, auto": ("truth", {"segmenter": "auto"}),
}
"""Ways to find what moves: in which picture, and by which settings."""


@dataclass
class Tally:
    """Of one way: overlap with the truth of each painting, 0 where it was refused; and errors in degrees."""

    overlaps: list[float] = field(default_factory=list)
    refused: int = 0
    degrees: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """What is asked of a held-out painting.

    Attributes:
        seed: of the painting.
        lesson: the painting, and what is known of it.
        at: the place of the thing that is asked for.
        word: for it.
        prompt: the sentence.
    """

    seed: int
    lesson: Lesson
    at: int
    word: str
    prompt: str


def held_out(count: int, first: int) -> Iterator[Asked]:
    """The first `count` paintings, from a number on, of those that no network has seen and that can be asked for."""
    asked = (asked_of(seed) for seed in itertools.count(FIRST_HELD_OUT + first))
    return itertools.islice((one for one in asked if one is not None), count)


def asked_of(seed: int) -> Asked | None:
    """What is asked of the painting of a seed; None where nothing in it is large enough."""
    lesson = make_lesson(seed)
    large = [n for n, moves in enumerate(lesson.moving) if moves and float(lesson.masks[n].mean()) >= SMALLEST]
    large = [n for n in large if lesson.things[n] not in {"pool", "rain", "snowfall"}]
    if not large:
        return None
    random = np.random.default_rng([seed, 20])
    at = large[int(random.integers(len(large)))]
    thing, angle = lesson.things[at], lesson.angles[at]
    name = NAMES[thing][0]
    verb = VERBS.get(thing, ("flowing",))[0]
    side = "" if angle is None or verb in {"burning", "rising"} else f" {SIDES[int(((angle + 45) % 360) // 90)]}"
    others = [NAMES[other][0] for n, other in enumerate(lesson.things) if n != at][:2]
    behind = f" with {' and '.join(others)}" if others else ""
    word = name.removeprefix("a ").removeprefix("the ")
    return Asked(seed, lesson, at, word, f"{name} {verb}{side}{behind}, {_style(lesson)}")


def _style(lesson: Lesson) -> str:
    return STYLES[lesson.look][0]


def regions_found(picture: Picture, twin: Twin, prompt: str, word: str, values: dict[str, object]) -> Regions | None:
    """What a way finds of the word, or None where it refuses."""
    recipe = Recipe().with_values({"prompt": prompt, "region": word, **values})
    job = Job(recipe, GivenTwin(twin), painting=picture)
    try:
        return Pipeline(job).run(until=Stage.REGION).regions
    except UserError:
        return None


def angular_error(found: FloatArray, truth: FloatArray, mask: FloatArray) -> float:
    """Mean angle in degrees between two flows [H, W, 2] where the mask holds and both move."""
    a, b = found[mask > 0.5], truth[mask > 0.5]
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    moving = lengths > 1e-6
    if not moving.any():
        return 180.0
    cosine = (a[moving] * b[moving]).sum(1) / lengths[moving]
    return float(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))).mean())


def interval(values: Sequence[float]) -> str:
    """The mean and its 95 % interval."""
    if not values:
        return "none"
    many = np.asarray(values)
    random = np.random.default_rng(0)
    means = [float(many[random.integers(0, len(many), len(many))].mean()) for _ in range(2000)]
    low, high = np.percentile(means, (2.5, 97.5))
    return f"{many.mean():.2f} ({low:.2f} to {high:.2f})"


def share(values: Sequence[bool]) -> str:
    """How many of them, in percent, with the interval."""
    return interval([100.0 * value for value in values]).replace(".00", "")


def measure_paintings(
    components: Components, count: int, first: int
) -> tuple[dict[str, Tally], dict[str, Tally], float]:
    """Regions and motion of so many held-out paintings; and the seconds that a twin took."""
    regions = {way: Tally() for way in REGION_WAYS}
    motions = {way: Tally() for way in ("words with a direction", "words without one", "one arrow")}
    spent = 0.0
    for done, asked in enumerate(held_out(count, first), 1):
        lesson, at, word, prompt = asked.lesson, asked.at, asked.word, asked.prompt
        truth = lesson.masks[at]
        art, photograph = Picture(lesson.painting), Picture(lesson.photograph)
        start = time.perf_counter()
        twin = _twin_of(components, art, prompt)
        spent += time.perf_counter() - start
        pictures = {"painting": Twin(art), "twin": twin, "truth": Twin(art, photograph)}
        for way, (which, values) in REGION_WAYS.items():
            found = regions_found(art, pictures[which], prompt, word, values)
            regions[way].refused += found is None
            regions[way].overlaps.append(0.0 if found is None else intersection_over_union(found.mask, truth))
        if lesson.angles[at] is not None:
            _motions(lesson, at, word, prompt, motions)
        print(f"{done} of {count}: {prompt}", file=sys.stderr, flush=True)
    return regions, motions, spent / count


def _twin_of(components: Components, art: Picture, prompt: str) -> Twin:
    recipe = Recipe().with_values({**miniature.SETTINGS, "model": miniature.NAME, "prompt": prompt})
    source = DiffusersTwin(recipe.twin, 0, art, components)
    twin = Pipeline(Job(recipe, source, painting=art)).run(until=Stage.TWIN).twin
    if twin is None:
        raise RuntimeError("there is no twin")
    return twin


def _motions(lesson: Lesson, at: int, word: str, prompt: str, motions: dict[str, Tally]) -> None:
    truth, mask, art = lesson.flow, lesson.masks[at], Picture(lesson.painting)
    side = mask.shape[0]
    inside = np.argwhere(cv2.erode((mask > 0.5).astype(np.uint8), np.ones((5, 5), np.uint8)) > 0)
    if not len(inside):
        return
    row, column = inside[len(inside) // 2]
    way = truth[row, column] / max(float(np.linalg.norm(truth[row, column])), 1e-6) * 0.12
    start, end = (column / side, row / side), (column / side + way[0], row / side + way[1])
    arrow = {"from": start, "to": [float(at) for at in np.clip(end, 0, 1)]}
    hints = json.dumps({"version": 1, "arrows": [arrow]})
    asked = {"words with a direction": (prompt, ""), "words without one": (word, ""), "one arrow": (word, hints)}
    for name, (words, drawn) in asked.items():
        recipe = Recipe().with_values({"prompt": words, "hints": drawn})
        given = Regions((Region(word, mask),))
        flow = Pipeline(Job(recipe, GivenTwin(Twin(art)), regions=given, painting=art)).run(until=Stage.MOTION).flow
        if flow is not None:
            motions[name].degrees.append(angular_error(flow.field, truth, mask))


def measure_sentences(components: Components, count: int, first: int, segmenter: str, sheet: str) -> str:
    """The whole way from so many sentences; a table's rows."""
    overlaps, right, seconds, refused, rows = [], [], [], 0, []
    for done, asked in enumerate(held_out(count, first), 1):
        word, prompt = asked.word, asked.prompt
        seed = asked.seed + 1  # as the table in the README was made
        values = {**miniature.SETTINGS, "model": miniature.NAME, "prompt": prompt, "seed": seed, "frames": 24}
        values["segmenter"] = segmenter
        start = time.perf_counter()
        recipe = Recipe().with_values(values)
        pipeline = Pipeline(Job(recipe, DiffusersTwin(recipe.twin, seed, components=components)))
        try:
            result = pipeline.run()
            if result.rendering is not None:
                list(result.rendering.frames())
        except UserError as error:
            refused += 1
            result = pipeline.result
            print(f"refused: {prompt}: {error}", file=sys.stderr, flush=True)
        seconds.append(time.perf_counter() - start)
        overlaps.append(_judged(result, word))
        if result.regions is not None and result.flow is not None:
            right.append(_goes_where_it_should(result, prompt))
        rows.append(_row(result))
        print(f"{done} of {count}: {overlaps[-1]:.2f} {prompt}", file=sys.stderr, flush=True)
        if sheet and (done % 10 == 0 or done == count):
            cv2.imwrite(sheet, np.concatenate(rows)[..., ::-1])
    found = share([overlap >= ENOUGH for overlap in overlaps])
    return (
        "| sentences | refused | overlap with the judge | of 0.5 and more, % | motion within 45° of the words, % |"
        f" seconds |\n|---|---|---|---|---|---|\n| {count} | {refused} | {interval(overlaps)} | {found} | "
        f"{share(right)} | {np.median(seconds):.1f} |\n"
    )


def _judged(result: Cinemagraph, word: str) -> float:
    """Overlap of the word's region with where the small network sees the word likeliest, in the picture or its twin.

    The two are aligned, and the network errs now in the one, now in the other: the better overlap counts. How sure it
    is does not.
    """
    twin = result.twin
    if result.regions is None or twin is None:
        return 0.0
    own = [region.mask for region in result.regions.regions if region.name == word]
    moving = own[0] if own else result.regions.mask
    judge = SmallSegmenter()
    views = [view.rgb for view in (twin.art, twin.natural) if view is not None]
    seen = [region.mask for view in views for region in judge.segment(view, [word])]
    return max((intersection_over_union(moving, mask) for mask in seen), default=0.0)


def _goes_where_it_should(result: Cinemagraph, prompt: str) -> bool:
    said = [ANGLES[side] for side in ANGLES if f" {side}" in prompt.partition(" with ")[0]]
    if not said or result.flow is None or result.moving is None:
        return True
    mean = result.flow.field[result.moving > 0.5].mean(0)
    angle = float(np.rad2deg(np.arctan2(-mean[1], mean[0])))
    return abs((angle - said[0] + 180) % 360 - 180) <= WRONG


def _row(result: Cinemagraph, side: int = 160) -> Any:
    """Picture, twin, and what moves, uint8 [side, 3 * side, 3]."""
    blank = np.zeros((side, side, 3), np.float32)
    twin = result.twin
    tiles = [blank, blank, blank]
    if twin is not None:
        tiles[0] = twin.art.rgb
        tiles[1] = blank if twin.natural is None else twin.natural.rgb
        if result.moving is not None:
            tiles[2] = twin.art.rgb * (0.25 + 0.75 * result.moving[..., None])
    small = [cv2.resize(tile, (side, side), interpolation=cv2.INTER_AREA) for tile in tiles]
    return np.round(np.clip(np.concatenate(small, 1), 0, 1) * 255).astype(np.uint8)


def main() -> None:
    """Measure, and print or publish the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paintings", type=int, default=60)
    parser.add_argument("--sentences", type=int, default=24)
    parser.add_argument("--first", type=int, default=0, help="of the held-out numbers")
    parser.add_argument("--segmenter", default="auto", help="of the sentences")
    parser.add_argument("--sheet", default="", help="a picture of the sentences: picture, twin, what moves")
    parser.add_argument("--readme", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    components = load_model(miniature.NAME, Placement(torch.device("cpu"), torch.float32))
    text = ""
    if options.paintings:
        regions, motions, spent = measure_paintings(components, options.paintings, options.first)
        text += f"{options.paintings} paintings; a twin took {spent:.1f} s.\n\n"
        text += "| region found in | overlap with the truth | of 0.5 and more, % | refused |\n|---|---|---|---|\n"
        for way, tally in regions.items():
            enough = share([overlap >= ENOUGH for overlap in tally.overlaps])
            text += f"| {way} | {interval(tally.overlaps)} | {enough} | {tally.refused} |\n"
        text += "\n| motion from (region given) | error in degrees | within 45°, % |\n|---|---|---|\n"
        for way, tally in motions.items():
            enough = share([degrees <= WRONG for degrees in tally.degrees])
            text += f"| {way} | {interval(tally.degrees)} | {enough} |\n"
        text += "\n"
    if options.sentences:
        text += measure_sentences(components, options.sentences, options.first, options.segmenter, options.sheet)
    print(text)
    if options.readme:
        publish("paper", text)


if __name__ == "__main__":
    main()
