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
from t2c_ext.types import FloatArray


@dataclass(frozen=True)
class Sample:
    """What "Try the example" puts into the page.

    Attributes:
        picture: file of the painting.
        mask: file of everything that moves, in white.
        prompt: what the painting shows.
        motion: how it moves.
    """

    picture: Path
    mask: Path
    prompt: str
    motion: str


def sample(folder: Path) -> Sample:
    """The bundled example's words, and its picture and mask as files in `folder`, which the page's server gives out.

    Raises:
        UserError: the folder cannot be written to.
    """
    given = _example()
    picture, mask = folder / "art.png", folder / "mask.png"
    for path, levels in ((picture, given.picture), (mask, to_bytes(given.mask))):
        if not path.exists():
            with replacing(path) as temporary:
                Image.fromarray(levels).save(temporary, "PNG")
    return Sample(picture, mask, given.prompt, given.motion)


def named_masks(painted: FloatArray) -> dict[str, FloatArray]:
    """The example's masks by name, where `painted`, float32 [h, w], is its mask; empty for any other."""
    given = _example()
    same = painted.shape == given.mask.shape and np.abs(painted - given.mask).max() < 1 / 128
    return dict(given.masks) if same else {}


@lru_cache(maxsize=1)
def _example() -> Example:
    return example()
