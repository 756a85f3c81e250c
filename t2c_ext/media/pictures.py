"""Pictures and masks in and out of files, PIL pictures and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.extents import LARGE, is_other_shape, sparse, to_bytes
from t2c_ext.media.decode import pixels_of_array
from t2c_ext.media.masks import moving_share
from t2c_ext.media.opening import LARGEST, name_of
from t2c_ext.media.stills import SMALLEST, Still, check_size, read_still, still_of
from t2c_ext.media.text import png_chunks
from t2c_ext.types import ByteArray, CompactPicture, FloatArray, Picture

MaskSource = Path | bytes | Image.Image | np.ndarray
"""A file, the bytes of one, a Pillow picture, or an array."""


def read_picture(path: Path | bytes, name: str | None = None) -> Picture:
    """Read a still picture: upright, in sRGB, with its transparency and generation parameters.

    Reads the formats of `t2c_ext.media.formats`; 16 bits per channel are kept in PNG and TIFF; the first page of a
    multi-page file is taken. A damaged file is read as far as it can be shown; its notes say so.

    Args:
        path: a file, or the bytes of one.
        name: what errors call it; None: its path.

    Raises:
        UserError: there is no such file, it is not a picture, too damaged, animated, too large or too small.
    """
    return _picture(read_still(path, name), name_of(path, name))


def to_picture(source: Image.Image | np.ndarray) -> Picture:
    """A PIL picture, or an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] (uint8, uint16, bool, or float 0..1).

    Raises:
        UserError: another shape or type, values out of range or not finite, too large or too small.
    """
    if isinstance(source, Image.Image):
        return _picture(still_of(source, "the picture"), "the picture")
    return _picture(_still_of_array(source, "the picture", "3 or 4"), "the picture")


def read_mask(path: Path, size: tuple[int, int] | None = None) -> FloatArray:
    """Read a mask; `take_mask` without its notes."""
    return take_mask(path, size)[0]


def to_mask(source: Image.Image | np.ndarray, size: tuple[int, int] | None = None) -> FloatArray:
    """The same for a PIL picture or an array [h, w] or [h, w, 1, 3 or 4] (bool, uint8, uint16, or float 0..1)."""
    return take_mask(source, size)[0]


def read_own_mask(path: Path, size: tuple[int, int] | None = None) -> FloatArray:
    """A mask that `write_mask` wrote, with the very levels that it has, also where none of them is white.

    One that a person has painted over since, with colours or transparency, is read as any other; raises as `take_mask`.
    """
    still = read_still(path, f"the mask {path}", 1, in_srgb=False)
    if still.pixels.colour.ndim == 3 or still.pixels.alpha is not None:
        return take_mask(path, size)[0]
    mask = still.pixels.colour
    return (
        mask if size is None or mask.shape == tuple(size) else np.clip(_resized(mask, size, f"the mask {path}"), 0, 1)
    )


def take_mask(
    source: MaskSource, size: tuple[int, int] | None = None, name: str | None = None
) -> tuple[FloatArray, tuple[str, ...]]:
    """What moves by a mask: white moves; of a cut-out, the opaque part moves.

    How masks of other makes are read (coloured, faint, of two levels, with transparency) stands in
    `t2c_ext.media.masks`.

    Args:
        source: a file, a Pillow picture, or an array.
        size: (height, width) of the picture it belongs to; the mask is resized smoothly to it.
        name: what errors call it; None: the file's path.

    Returns:
        float32 [H, W], 0..1, and sentences for the user.

    Raises:
        UserError: it cannot be read, nothing in it moves, or its shape is not that of `size`.
    """
    if isinstance(source, (Path, bytes)):
        called = f"the mask {source}" if isinstance(source, Path) and name is None else name or "the mask"
        still = read_still(source, called, 1, in_srgb=False)
    else:
        called = name or "the mask"
        if isinstance(source, Image.Image):
            still = still_of(source, called, 1, in_srgb=False)
        else:
            still = _still_of_array(source, called, "1, 3 or 4", 1)
    mask, notes = moving_share(still.pixels, called)
    if size is not None and mask.shape != tuple(size):
        mask = np.clip(_resized(mask, size, called), 0, 1)
    return sparse(mask), (*(note.replace("The picture", "The mask", 1) for note in still.notes), *notes)


def _still_of_array(source: np.ndarray, name: str, channels: str, minimum: int = SMALLEST) -> Still:
    levels = np.asarray(source)
    if levels.ndim not in (2, 3) or (levels.ndim == 3 and levels.shape[2] not in (1, 3, 4)):
        raise UserError(f"{name} is an array {list(levels.shape)}, but must be [height, width, {channels}]")
    check_size((levels.shape[1], levels.shape[0]), name, minimum)
    return Still(pixels_of_array(levels, name))


def _picture(still: Still, name: str) -> Picture:
    picture = replace(still.pixels.picture(), infotext=still.infotext, notes=still.notes)
    if picture.alpha is not None and not picture.alpha.any():
        raise UserError(f"{name} is wholly transparent; give one that shows something")
    if picture.rgb.size <= 3 * LARGE:
        return picture
    return CompactPicture(picture.rgb, picture.alpha, picture.infotext, picture.notes)


def write_picture(
    path: Path, rgb: FloatArray | ByteArray, alpha: FloatArray | None = None, text: Mapping[str, str] | None = None
) -> None:
    """Write a PNG of 8 bits per channel.

    Args:
        path: where to; replaced only when complete.
        rgb: float32 [H, W, 3], 0..1, or uint8.
        alpha: float32 [H, W], 0..1, or None.
        text: named texts for its metadata.

    Raises:
        UserError: it cannot be written there.
    """
    levels = np.asarray(rgb, np.uint8) if rgb.dtype == np.uint8 else to_bytes(np.asarray(rgb, np.float32))
    _save_png(path, levels if alpha is None else np.dstack([levels, to_bytes(alpha)]), text or {})


def write_mask(path: Path, mask: FloatArray) -> None:
    """Write a mask, float32 [H, W] in 0..1, as an 8-bit grey PNG; white moves.

    Raises:
        UserError: it cannot be written there.
    """
    _save_png(path, to_bytes(mask), {})


def _save_png(path: Path, levels: np.ndarray, text: Mapping[str, str]) -> None:
    with replacing(path) as temporary:
        Image.fromarray(levels).save(temporary, "PNG", pnginfo=png_chunks(text), compress_level=4)


def _resized(mask: FloatArray, size: tuple[int, int], name: str) -> FloatArray:
    (height, width), (old_height, old_width) = size, mask.shape
    if is_other_shape(mask.shape, size):
        raise UserError(
            f"{name} is {old_width}x{old_height}, another shape than the picture's {width}x{height}; give the mask of "
            "this picture"
        )
    method = cv2.INTER_AREA if old_height > height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(mask, (width, height), interpolation=method))


__all__ = [
    "LARGEST",
    "SMALLEST",
    "check_size",
    "read_mask",
    "read_own_mask",
    "read_picture",
    "take_mask",
    "to_bytes",
    "to_mask",
    "to_picture",
    "write_mask",
    "write_picture",
]
