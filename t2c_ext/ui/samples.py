"""The bundled example, as the page offers it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

from t2c_ext.atomic import replacing
from t2c_ext.example import Example, example
from t2c_ext.media.pictures import to_bytes
from t2c_ext.motion.hints import to_json
from t2c_ext.motion.painted import LONGEST
from t2c_ext.prompt.parse import parse
from t2c_ext.region.overlay import fitted
from t2c_ext.settings import PromptSettings
from t2c_ext.types import FloatArray, Hints, Painted, RegionHint

COLOURS = ("#8f6bff", "#1c8fff", "#23b26b")
"""Of the example's regions, in their order."""


@dataclass(frozen=True)
class Sample:
    """What "Try the example" puts into the page.

    Attributes:
        picture: file of the painting.
        hints: a document that paints its three regions.
        prompt: what the painting shows.
        motion: how it moves.
    """

    picture: Path
    hints: str
    prompt: str
    motion: str


def sample(folder: Path) -> Sample:
    """The bundled example's words and regions, and its picture as a file in `folder`.

    Raises:
        UserError: the folder cannot be written to.
    """
    given = _example()
    picture = folder / "art.png"
    if not picture.exists():
        with replacing(picture) as temporary:
            Image.fromarray(given.picture).save(temporary, "PNG")
    return Sample(picture, _hints(), given.prompt, given.motion)


def named_masks(painted: FloatArray) -> dict[str, FloatArray]:
    """The example's masks by name, where `painted`, float32 [h, w], is its mask; empty for any other."""
    given = _example()
    same = painted.shape == given.mask.shape and np.abs(painted - given.mask).max() < 1 / 128
    return dict(given.masks) if same else {}


@lru_cache(maxsize=1)
def _hints() -> str:
    """The regions as they would have been painted."""
    angles = {motion.region: motion.angle for motion in parse(PromptSettings(motion=_example().motion)).motions}
    painted = (
        RegionHint(name, angles.get(name), colour=colour, mask=Painted(to_bytes(fitted(mask, LONGEST))))
        for (name, mask), colour in zip(_example().masks.items(), COLOURS, strict=False)
    )
    return to_json(Hints(regions=tuple(painted)))


@lru_cache(maxsize=1)
def _example() -> Example:
    return example()
