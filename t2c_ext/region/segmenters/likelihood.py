"""From a network's coarse map to a soft mask of the picture's size, and how sure it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import cv2
import numpy as np

from t2c_ext.types import FloatArray

SURELY = 1e-4
"""Probabilities this close to 0 and 1 count as 0 and 1, so that their log-odds stay finite."""

SMALLEST_AREA = 0.005
"""A region that takes less of the picture than this is the less credible the smaller it is."""

EVEN_ODDS = 0.5

LONGEST_SIDES = 2.6
"""The longer side of what a network sees, in shorter ones, where its processor states no limit."""


def enlarge(probability: FloatArray, height: int, width: int) -> FloatArray:
    """A map of probabilities at another size.

    It is the log-odds that are interpolated, as if the network's logits were, so that edges stay as sharp as it
    drew them and a map of one channel is all that has the picture's size.

    Args:
        probability: float [h, w], 0..1, that covers the whole picture.
        height: of the picture.
        width: of the picture.

    Returns:
        float32 [height, width], 0..1.
    """
    clipped = np.clip(probability.astype(np.float32), SURELY, 1 - SURELY)
    odds = np.log(clipped / (1 - clipped))
    smaller = height < odds.shape[0] or width < odds.shape[1]
    odds = cv2.resize(odds, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    end = 1.001 * SURELY  # a little more, so that rounding leaves exact zeros and ones
    stretched = (1 / (1 + np.exp(-odds)) - end) / (1 - 2 * end)
    return np.asarray(np.clip(stretched, 0.0, 1.0), dtype=np.float32)


def likelier(probability: FloatArray, log_odds: float) -> FloatArray:
    """Probabilities, float [...], 0..1, with log-odds added; what is surely so or not stays."""
    factor = np.float32(np.exp(log_odds))
    raised = probability * factor
    return np.asarray(raised / (raised + 1 - probability), np.float32)


def certainty(mask: FloatArray) -> float:
    """How likely the mask is right, 0..1: the mean probability inside it, less where it is hardly there.

    Args:
        mask: float [H, W], 0..1.

    Returns:
        Less than one half when no pixel is more likely inside than not.
    """
    inside = mask >= EVEN_ODDS
    if not inside.any():
        return 0.5 * float(mask.max(initial=0.0))
    return float(mask[inside].mean()) * min(1.0, float(inside.mean()) / SMALLEST_AREA)


def expected_overlap(mask: FloatArray) -> float:
    """The intersection over union with the truth that the probabilities themselves lead one to expect, 0..1.

    Unlike `certainty` it counts what may have been left out: a sure sliver of a thing that may go on all around is
    no find.

    Args:
        mask: float [H, W], 0..1, how likely each pixel is of the thing.
    """
    inside = mask >= EVEN_ODDS
    if not inside.any():
        return 0.5 * float(mask.max(initial=0.0))
    both, union = float(mask[inside].sum()), float(np.count_nonzero(inside)) + float(mask[~inside].sum())
    return both / union * min(1.0, float(inside.mean()) / SMALLEST_AREA)


def working_size(height: int, width: int, shortest: int, longest: int, multiple: int = 32) -> tuple[int, int]:
    """The size at which a network sees a picture.

    Args:
        height: of the picture.
        width: of the picture.
        shortest: what the picture's shorter side becomes ...
        longest: ... unless the longer one would exceed this.
        multiple: both sides are multiples of it, so that no padding shifts the network's maps.

    Returns:
        (height, width), each at least `multiple`.
    """
    scale = min(shortest / min(height, width), longest / max(height, width))
    rows, columns = (max(multiple, round(side * scale / multiple) * multiple) for side in (height, width))
    return rows, columns


def side_limits(sizes: Mapping[str, int] | Iterable[tuple[str, int]]) -> tuple[int, int]:
    """(shortest, longest) side of what a processor's `size` asks for."""
    given: dict[str, int] = dict(sizes)
    shortest = given.get("shortest_edge") or min(given["height"], given["width"])
    return shortest, given.get("longest_edge") or round(LONGEST_SIDES * shortest)
