"""Pictures and masks in and out of files, PIL pictures and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.media.decode import apply_profile, deep_pixels, split, to_levels
from t2c_ext.media.opening import LARGEST, opened
from t2c_ext.media.text import PARAMETERS, png_chunks, texts_of
from t2c_ext.types import ByteArray, FloatArray, Picture

SMALLEST = 8
"""Pixels on a side; below that there is nothing that could move."""

SHAPE_TOLERANCE = 0.05
"""By how much (in logarithm) a mask's aspect may differ from the picture's before it is taken for another's."""

_ANIMATIONS = ("GIF", "WEBP", "PNG", "AVIF")
_DARKEST = 0.5 / 255


def read_picture(path: Path) -> Picture:
    """Read a still picture: upright, in sRGB, with its transparency and generation parameters.

    Reads the formats of `t2c_ext.media.formats`; 16 bits per channel are kept in PNG and TIFF; the first page of a
    multi-page file is taken.

    Raises:
        UserError: there is no such file, it is not a picture, damaged, animated, too large or too small.
    """
    with opened(path) as image:
        picture = _upright(path, image)
        infotext = texts_of(image).get(PARAMETERS, "")
    return _visible(replace(picture, infotext=infotext), str(path))


def to_picture(source: Image.Image | np.ndarray) -> Picture:
    """A PIL picture, or an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4] (uint8, uint16, bool, or float 0..1).

    Raises:
        UserError: another shape or type, values out of range or not finite, too large or too small.
    """
    if isinstance(source, Image.Image):
        _check_still(source, "the picture")
        check_size(source.size, "the picture")
        infotext = texts_of(source).get(PARAMETERS, "")
        picture = _picture(np.asarray(to_levels(apply_profile(ImageOps.exif_transpose(source)))))
        return _visible(replace(picture, infotext=infotext), "the picture")
    levels = np.asarray(source)
    if levels.ndim not in (2, 3) or (levels.ndim == 3 and levels.shape[2] not in (1, 3, 4)):
        raise UserError(f"the picture is an array {list(levels.shape)}, but must be [height, width, 3 or 4]")
    check_size((levels.shape[1], levels.shape[0]), "the picture")
    return _visible(_picture(levels), "the picture")


def read_mask(path: Path, size: tuple[int, int] | None = None) -> FloatArray:
    """Read a mask: white moves; of a picture that is only transparent and opaque, the opaque part moves.

    Args:
        path: any picture file.
        size: (height, width) of the picture it belongs to; the mask is resized smoothly to it.

    Returns:
        float32 [H, W], 0..1.

    Raises:
        UserError: the file cannot be read, nothing in it is white, or its shape is not that of `size`.
    """
    with opened(path) as image:
        picture = _upright(path, image, minimum=1)
    return _mask(picture, size, f"the mask {path}")


def to_mask(source: Image.Image | np.ndarray, size: tuple[int, int] | None = None) -> FloatArray:
    """The same for a PIL picture or an array [h, w] or [h, w, 1, 3 or 4] (bool, uint8, uint16, or float 0..1).

    Raises:
        UserError: as `to_picture`, or nothing in it is white.
    """
    if isinstance(source, Image.Image):
        check_size(source.size, "the mask", minimum=1)
        picture = _picture(np.asarray(to_levels(ImageOps.exif_transpose(source))), "the mask")
    else:
        levels = np.asarray(source)
        if levels.ndim not in (2, 3) or (levels.ndim == 3 and levels.shape[2] not in (1, 3, 4)):
            raise UserError(f"the mask is an array {list(levels.shape)}, but must be [height, width]")
        check_size((levels.shape[1], levels.shape[0]), "the mask", minimum=1)
        picture = _picture(levels, "the mask")
    return _mask(picture, size, "the mask")


def write_picture(
    path: Path, rgb: FloatArray, alpha: FloatArray | None = None, text: Mapping[str, str] | None = None
) -> None:
    """Write a PNG of 8 bits per channel.

    Args:
        path: where to; replaced only when complete.
        rgb: float32 [H, W, 3], 0..1.
        alpha: float32 [H, W], 0..1, or None.
        text: named texts for its metadata.

    Raises:
        UserError: it cannot be written there.
    """
    channels = rgb if alpha is None else np.dstack([rgb, alpha])
    _save_png(path, to_bytes(channels), text or {})


def write_mask(path: Path, mask: FloatArray) -> None:
    """Write a mask, float32 [H, W] in 0..1, as an 8-bit grey PNG; white moves.

    Raises:
        UserError: it cannot be written there.
    """
    _save_png(path, to_bytes(mask), {})


def to_bytes(values: FloatArray) -> ByteArray:
    """0..1 as uint8, rounded."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def check_size(size: tuple[int, int], name: str, minimum: int = SMALLEST) -> None:
    """UserError where a picture of that (width, height) is too large or too small."""
    width, height = size
    if width * height > LARGEST:
        raise UserError(f"{name} is {width}x{height}, but at most {LARGEST // 10**6} megapixels can be animated")
    if min(width, height) < minimum:
        raise UserError(f"{name} is {width}x{height} pixels; give one of at least {minimum}x{minimum}")


def _save_png(path: Path, levels: np.ndarray, text: Mapping[str, str]) -> None:
    with replacing(path) as temporary:
        Image.fromarray(levels).save(temporary, "PNG", pnginfo=png_chunks(text), compress_level=4)


def _upright(path: Path, image: Image.Image, minimum: int = SMALLEST) -> Picture:
    _check_still(image, str(path))
    check_size(image.size, str(path), minimum)
    deep = deep_pixels(path, image)
    if deep is not None:
        return _picture(deep, str(path))
    return _picture(np.asarray(to_levels(apply_profile(ImageOps.exif_transpose(image)))), str(path))


def _check_still(image: Image.Image, name: str) -> None:
    frames = int(getattr(image, "n_frames", 1))
    if frames > 1 and image.format in _ANIMATIONS:
        raise UserError(f"{name} is animated ({frames} frames); save one of them as a picture and give that")


def _picture(levels: np.ndarray, name: str = "the picture") -> Picture:
    """Split an array of levels into colour and transparency, as float32 0..1."""
    if levels.dtype.kind == "f":
        values = levels.astype(np.float32)
        if not np.isfinite(values).all():
            raise UserError(f"{name} holds values that are not numbers (NaN or infinite)")
        if values.size and (values.min() < -0.01 or values.max() > 1.01):
            raise UserError(f"{name} holds numbers from {values.min():g} to {values.max():g}; floats must be 0..1")
        values = np.clip(values, 0, 1)
    elif levels.dtype in (np.uint8, np.uint16):
        values = levels.astype(np.float32) / np.float32(np.iinfo(levels.dtype).max)
    elif levels.dtype == np.bool_:
        values = levels.astype(np.float32)
    else:
        raise UserError(f"{name} is of type {levels.dtype}, but must be uint8, uint16, bool, or float 0..1")
    return split(values)


def _visible(picture: Picture, name: str) -> Picture:
    if picture.alpha is not None and not picture.alpha.any():
        raise UserError(f"{name} is wholly transparent; give one that shows something")
    return picture


def _mask(picture: Picture, size: tuple[int, int] | None, name: str) -> FloatArray:
    luma: Any = cv2.cvtColor(picture.rgb, cv2.COLOR_RGB2GRAY)
    mask = luma
    if picture.alpha is not None:
        seen = picture.alpha > 0
        one_colour = not seen.any() or float(np.ptp(luma[seen])) < 0.02
        mask = picture.alpha if one_colour else luma * picture.alpha
    if size is not None and mask.shape != tuple(size):
        mask = _resized(mask, size, name)
    mask = np.clip(mask, 0, 1).astype(np.float32)
    if float(mask.max()) < _DARKEST:
        raise UserError(f"{name} is empty (all black); paint what should move in white")
    return np.asarray(mask)


def _resized(mask: FloatArray, size: tuple[int, int], name: str) -> FloatArray:
    (height, width), (old_height, old_width) = size, mask.shape
    if abs(np.log(old_width / old_height * height / width)) > SHAPE_TOLERANCE:
        raise UserError(
            f"{name} is {old_width}x{old_height}, another shape than the picture's {width}x{height}; give the mask of "
            "this picture"
        )
    method = cv2.INTER_AREA if old_height > height else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(mask, (width, height), interpolation=method))
