"""From maps of tokens to maps of nouns that compete with each other (GoCA, arXiv 2603.06178)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from t2c_ext.types import FloatArray

WINDOW, SIGMA = 5, 1.1
"""Of the smoothing, in places of the map's grid: 0.15 * 5 + 0.35, as in GoCA's code."""


def noun_maps(tokens: FloatArray, nouns: Sequence[Sequence[int]]) -> FloatArray:
    """The mean of the maps of each noun's tokens: [tokens, h, w] -> [nouns, h, w].

    Raises:
        ValueError: a noun has no token.
    """
    if any(len(positions) == 0 for positions in nouns):
        raise ValueError("a noun has no token")
    return np.stack([tokens[list(positions)].mean(axis=0) for positions in nouns])


def content(tokens: FloatArray, positions: Iterable[int]) -> FloatArray:
    """What all content tokens get together at each place, [h, w]."""
    total: FloatArray = tokens[list(positions)].sum(axis=0)
    return total


def all_content(tokens: FloatArray, nouns: Iterable[Sequence[int]]) -> FloatArray:
    """What the tokens of all nouns get together, [h, w]; a token that several of them have counts once."""
    return content(tokens, sorted({position for noun in nouns for position in noun}))


def rescaled(maps: FloatArray, whole: FloatArray) -> FloatArray:
    """Each noun's share of what all content gets, so that places that attend to no noun much count too.

    Args:
        maps: [nouns, h, w].
        whole: [h, w] of `content`.

    Returns:
        [nouns, h, w]; zero where nothing is attended to. With one noun alone it is the same everywhere.
    """
    shares: FloatArray = np.divide(maps, whole, out=np.zeros_like(maps), where=whole > 0)
    return shares


def smoothed(maps: FloatArray) -> FloatArray:
    """[maps, h, w] under a Gaussian of 5 x 5, mirrored at the border without its edge."""
    blur = (cv2.GaussianBlur(one, (WINDOW, WINDOW), SIGMA, borderType=cv2.BORDER_REFLECT_101) for one in maps)
    return np.stack(list(blur))


def stretched(maps: FloatArray) -> FloatArray:
    """Each map to 0..1; zeros where a map is the same everywhere (but for rounding), since it says nothing."""
    low, high = (extreme(maps, axis=(1, 2), keepdims=True) for extreme in (np.min, np.max))
    span = high - low
    # 16 units in the last place: what a constant map may differ by after a division and a smoothing
    says = span > 16 * np.finfo(maps.dtype).eps * np.maximum(np.abs(low), np.abs(high))
    found: FloatArray = np.divide(maps - low, span, out=np.zeros_like(maps), where=says)
    return found


def with_background(maps: FloatArray, things: int) -> FloatArray:
    """The maps of the things, and the largest of the background nouns' maps as the last one.

    Args:
        maps: [nouns, h, w], the things first.
        things: how many of them are things.

    Returns:
        [things + 1, h, w]; the background is zero where there is no background noun.
    """
    rest = maps[things:]
    background = rest.max(axis=0) if len(rest) else np.zeros_like(maps[0])
    return np.concatenate([maps[:things], background[None]])


def competing(tokens: FloatArray, things: Sequence[Sequence[int]], background: Sequence[Sequence[int]]) -> FloatArray:
    """The whole way from maps of tokens to maps of nouns.

    Args:
        tokens: float32 [tokens, h, w], at each place sums to 1.
        things: positions of each thing's tokens.
        background: likewise of each background noun.

    Returns:
        float32 [things + 1, h, w] in 0..1, the background last. A single noun has nobody to compete with: it keeps its
        own map, smoothed and stretched.

    Raises:
        ValueError: there is no thing, or a noun has no token.
    """
    if not things:
        raise ValueError("there is no thing to look for")
    nouns = [*things, *background]
    maps = noun_maps(tokens, nouns)
    if len(nouns) > 1:
        maps = rescaled(maps, all_content(tokens, nouns))
    return with_background(stretched(smoothed(maps)), len(things))
