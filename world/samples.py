"""A sheet of unchosen samples of a miniature model, beside their twins and what they resemble most of what was learnt.

    python -m world.samples MODEL OUT.webp --folder FOLDER [--count 64]

The prompts are captions of paintings that no training saw, one seed each. FOLDER is the training's: with it the nearest
lesson stands third in each group of three, and a judge of looks says which pictures and twins are photographs.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from t2c_ext.jobs import Job
from t2c_ext.pipeline import Pipeline
from t2c_ext.recipe import Recipe
from t2c_ext.settings import TwinSettings
from t2c_ext.twin import miniature as built_in
from t2c_ext.twin.diffusion.components import Components, Placement
from t2c_ext.twin.diffusion.latents import encode
from t2c_ext.twin.diffusion.load import load_model
from t2c_ext.twin.diffusion.source import DiffusersTwin
from t2c_ext.types import Stage
from world.judge import SIDE, make_judge
from world.lessons import FIRST_HELD_OUT, WORDINGS, load_shard, make_lesson
from world.sheet import tiled, write
from world.textures import Array

COLUMNS = 4
"""Groups of three in a row."""

SHOWN = 128
"""Side of each picture on the sheet."""


def pairs(components: Components, prompts: Sequence[str], seed: int = 0) -> list[tuple[Array, Array]]:
    """Picture and twin, float32 [256, 256, 3], 0..1, of each prompt, as the product makes them."""
    found = []
    for number, prompt in enumerate(prompts):
        recipe = Recipe().with_values({**built_in.SETTINGS, "prompt": prompt, "seed": seed + number})
        source = DiffusersTwin(TwinSettings(**vars(recipe.twin)), seed + number, components=components)
        twin = Pipeline(Job(recipe, source)).run(until=Stage.TWIN).twin
        if twin is None or twin.natural is None:
            raise RuntimeError("there is no twin")
        found.append((twin.art.rgb, twin.natural.rgb))
    return found


class Memory:
    """What was learnt, small, to find what a picture resembles most."""

    def __init__(self, folder: Path, shards: int) -> None:
        """Take in the lessons of a folder."""
        self._rgb = [load_shard(folder, number).rgb for number in range(shards)]
        self._small = np.concatenate([[_thumbnail(one) for one in rgb] for rgb in self._rgb])

    def nearest(self, picture: Array) -> Array:
        """The lesson's picture whose thumbnail differs least, float32 [256, 256, 3]."""
        apart = np.square(self._small - _thumbnail(np.round(picture * 255).astype(np.uint8))).sum(1)
        at = int(np.argmin(apart))
        size = len(self._rgb[0])
        return self._rgb[at // size][at % size].astype(np.float32) / 255


def _thumbnail(rgb: Any) -> Array:
    small = cv2.resize(np.asarray(rgb), (12, 12), interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    return small.ravel()


def shares_of_photographs(folder: Path, components: Components, made: Sequence[tuple[Array, Array]]) -> str:
    """A sentence: how many pictures, and how many twins, the judge takes for photographs."""
    judge = make_judge(folder)
    said = []
    for which in (0, 1):
        small = [cv2.resize(pair[which], (SIDE, SIDE), interpolation=cv2.INTER_AREA) for pair in made]
        looks = judge.looks(torch.cat([encode(components, one) for one in small]))
        said.append(sum(look == "photograph" for look in looks) / len(looks))
    return (
        f"photographs, says a judge that is right about {judge.right:.0%} of unseen lessons: "
        f"{said[0]:.0%} of the pictures, {said[1]:.0%} of the twins"
    )


def main() -> None:
    """Draw the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=24)
    parser.add_argument("--count", type=int, default=64)
    options = parser.parse_args()
    torch.set_num_threads(1)
    components = load_model(options.model, Placement(torch.device("cpu"), torch.float32))
    prompts = [make_lesson(FIRST_HELD_OUT + number, 64).captions[WORDINGS] for number in range(options.count)]
    made = pairs(components, prompts)
    memory = Memory(options.folder, options.shards)
    rows = []
    for art, twin in made:
        three = [
            cv2.resize(one, (SHOWN, SHOWN), interpolation=cv2.INTER_AREA) for one in (art, twin, memory.nearest(art))
        ]
        rows.append(np.concatenate(three, 1))
    write(options.out, tiled(rows, COLUMNS), 70)
    print("\n".join(prompts))
    print(shares_of_photographs(options.folder, components, made))


if __name__ == "__main__":
    main()
