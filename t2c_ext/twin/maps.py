"""Averaged attention maps: their file, and a picture of them that a person can look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.arrays import read_arrays
from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.types import Attention, FloatArray

_WORD = "word:"


def write_attention(path: Path, attention: Attention) -> None:
    """Write attention maps as `.npz`: `size`, `self_attention`, and `word:NAME` for each word."""
    arrays: dict[str, Any] = {_WORD + word: np.asarray(where, np.float32) for word, where in attention.words.items()}
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
        return Attention((height, width), _floats(arrays["self_attention"]), {k: _floats(words[k]) for k in words})
    except (KeyError, TypeError, ValueError) as error:  # a UserError is one of them
        reason = str(error) if isinstance(error, UserError) else "it does not hold attention maps"
        raise UserError(f"cannot read {path}: {reason}") from None


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
