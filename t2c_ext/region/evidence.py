"""From maps of nouns to a label for each pixel (GoCA, arXiv 2603.06178)."""

from __future__ import annotations

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.types import FloatArray


class Background(str, Enum):
    """What stands for the background, from its map b and a number t.

    OFFSET b + t is the method, t = 0 its neutral start; LEVEL t alone, LARGER max(b, t), MEAN (b + t) / 2, OWN b alone.
    """

    OFFSET = "offset"
    LEVEL = "level"
    LARGER = "larger"
    MEAN = "mean"
    OWN = "own"


def enlarged(maps: FloatArray, height: int, width: int) -> FloatArray:
    """[maps, h, w] brought to a picture's size bilinearly, with half-pixel centres."""
    return np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps])


def evidence(maps: FloatArray, background: Background = Background.OFFSET, threshold: float = 0.0) -> FloatArray:
    """What competes at each pixel: the background first, then the things.

    Args:
        maps: [things + 1, H, W] in 0..1, the background last.
        background: what stands for it.
        threshold: the number in it.

    Returns:
        [1 + things, H, W].
    """
    own = maps[-1]
    level = np.full_like(own, threshold)
    first = {
        Background.OFFSET: own + level,
        Background.LEVEL: level,
        Background.LARGER: np.maximum(own, level),
        Background.MEAN: (own + level) / 2,
        Background.OWN: own,
    }[background]
    return np.concatenate([first[None], maps[:-1]])


def labels(values: FloatArray) -> NDArray[np.intp]:
    """[H, W]: at each pixel the number of the largest of `evidence`, 0 for the background; the lower one of equals."""
    found: NDArray[np.intp] = values.argmax(axis=0)
    return found


def margins(values: FloatArray) -> FloatArray:
    """[H, W]: by how much the largest of `evidence` is ahead of the second."""
    ordered = np.partition(values, len(values) - 2, axis=0)
    margin: FloatArray = ordered[-1] - ordered[-2]
    return margin
