"""Averaged attention maps: their file, and a picture of them that a person can look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.types import Attention, FloatArray

_WORD = "word:"


def write_attention(path: Path, attention: Attention) -> None:
    """Write attention maps as `.npz`: `size`, `self_attention`, and `word:NAME` for each word."""
    arrays: dict[str, Any] = {_WORD + word: where for word, where in attention.words.items()}
    with replacing(path) as temporary, temporary.open("wb") as file:
        np.savez(file, size=attention.size, self_attention=attention.self_attention, **arrays)


def read_attention(path: Path) -> Attention:
    """The inverse of `write_attention`.

    Raises:
        UserError: the file cannot be read or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as data:
            height, width = (int(side) for side in data["size"])
            words = {name.removeprefix(_WORD): data[name] for name in data.files if name.startswith(_WORD)}
            return Attention((height, width), np.asarray(data["self_attention"], np.float32), words)
    except (OSError, KeyError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from None


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
