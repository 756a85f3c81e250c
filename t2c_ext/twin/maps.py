"""Averaged attention maps: their file, and a picture of them that a person can look at."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.arrays import read_arrays
from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.types import Attention, FloatArray, NounMaps

_WORD, _NOUN, _SHARE = "word:", "noun:", "share:"


def write_attention(path: Path, attention: Attention) -> None:
    """Write attention maps as `.npz`: `size`, `self_attention`, and `word:NAME` for each word.

    Where the model was asked for nouns: `noun:NAME` and `share:NAME` for each thing, and `background`.
    """
    arrays: dict[str, Any] = {_WORD + word: np.asarray(where, np.float32) for word, where in attention.words.items()}
    if attention.nouns is not None:
        arrays |= {_NOUN + name: np.asarray(where, np.float32) for name, where in attention.nouns.things.items()}
        arrays |= {_SHARE + name: np.float64(share) for name, share in attention.nouns.shares.items()}
        arrays["background"] = np.asarray(attention.nouns.background, np.float32)
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, size=attention.size, self_attention=np.asarray(attention.self_attention, np.float32), **arrays)


def read_attention(path: Path) -> Attention:
    """The inverse of `write_attention`.

    Raises:
        UserError: the file cannot be read or holds something else.
    """
    arrays = read_arrays(path)
    try:
        height, width = (int(side) for side in arrays["size"])
        words = {name.removeprefix(_WORD): where for name, where in arrays.items() if name.startswith(_WORD)}
        maps = {name: _floats(where) for name, where in words.items()}
        return Attention((height, width), _floats(arrays["self_attention"]), maps, _nouns(arrays))
    except (KeyError, TypeError, ValueError) as error:  # a UserError is one of them
        reason = str(error) if isinstance(error, UserError) else "it does not hold attention maps"
        raise UserError(f"cannot read {path}: {reason}") from None


def _nouns(arrays: Mapping[str, NDArray[Any]]) -> NounMaps | None:
    """The maps of nouns, if the file holds any; KeyError or ValueError where a part of them is missing."""
    if "background" not in arrays:
        return None
    background = _floats(arrays["background"])
    if background.ndim != 2:
        raise ValueError("a background of another shape")
    things = {name.removeprefix(_NOUN): _floats(where) for name, where in arrays.items() if name.startswith(_NOUN)}
    shares = {name: float(arrays[_SHARE + name]) for name in things}
    return NounMaps((background.shape[0], background.shape[1]), things, background, shares)


def _floats(values: NDArray[Any]) -> FloatArray:
    """As float32; ValueError where an array holds no real numbers."""
    if values.dtype.kind not in "fiu":
        raise ValueError("no real numbers")
    return np.asarray(values, np.float32)


def attention_picture(attention: Attention, height: int, width: int) -> FloatArray:
    """What belongs together in one colour: the three largest principal components of the attention's rows.

    Args:
        attention: the maps.
        height, width: of the picture, in pixels.

    Returns:
        float32 [height, width, 3], 0..1.
    """
    rows = attention.self_attention - attention.self_attention.mean(axis=0)
    left, strength, _ = np.linalg.svd(rows, full_matrices=False)
    parts = np.zeros((rows.shape[0], 3))
    kept = min(3, strength.size)
    parts[:, :kept] = (left * strength)[:, :kept]
    low, high = np.percentile(parts, [2, 98], axis=0)
    # a component without strength is rounding noise, which must not be stretched to full colour
    span = np.maximum(high - low, 0.05 * (high - low).max() + 1e-12)
    scaled = np.clip((parts - low) / span, 0, 1).reshape(*attention.size, 3)
    return cv2.resize(scaled.astype(np.float32), (width, height), interpolation=cv2.INTER_NEAREST)
