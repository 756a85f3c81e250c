"""From whatever mode a picture file has to plain sRGB levels."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageCms

from t2c_ext.types import FloatArray, Picture

_ORIENTATION = 0x0112
_BITS_PER_SAMPLE = 258
_DEEP_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")


def split(values: FloatArray) -> Picture:
    """Colour and transparency of an array [H, W], [H, W, 1], [H, W, 3] or [H, W, 4]; grey is repeated."""
    if values.ndim == 2:
        values = values[:, :, None]
    if values.shape[2] == 1:
        return Picture(np.repeat(values, 3, axis=2))
    alpha = np.ascontiguousarray(values[:, :, 3]) if values.shape[2] == 4 else None
    opaque = alpha is None or bool((alpha >= 1).all())
    return Picture(np.ascontiguousarray(values[:, :, :3]), None if opaque else alpha)


def apply_profile(image: Image.Image) -> Image.Image:
    """Convert RGB, CMYK and grey pictures with an embedded colour profile to sRGB; others come back as they are."""
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("RGB", "CMYK", "L", "RGBA"):
        return image
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target: Any = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(
            image.convert("RGB") if image.mode == "RGBA" else image, source, target, outputMode="RGB"
        )
    except (ImageCms.PyCMSError, OSError, ValueError):
        return image  # a profile that is damaged or of another colour space says nothing
    if converted is None:
        return image
    if image.mode == "RGBA":
        converted.putalpha(image.getchannel("A"))
    return converted


def to_levels(image: Image.Image) -> Image.Image | np.ndarray:
    """The picture as mode L, RGB or RGBA (8 bits), or as an array of uint16 or float 0..1 when it is deeper."""
    if image.mode in _DEEP_GREY:
        return _deep_grey(np.asarray(image))
    if image.mode == "F":
        return _float_grey(np.asarray(image))
    if image.mode in ("RGBA", "LA", "La", "PA", "RGBa") or "transparency" in image.info:
        return _straight(image).convert("RGBA")
    if image.mode in ("L", "RGB"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _straight(image: Image.Image) -> Image.Image:
    """Without premultiplied alpha."""
    return image.convert({"La": "LA", "RGBa": "RGBA"}.get(image.mode, image.mode))


def deep_pixels(path: Path, image: Image.Image) -> np.ndarray | None:
    """Colour pictures of 16 bits per channel, which Pillow would cut to 8: uint16 [H, W, 3 or 4], upright.

    Returns:
        None for every other picture, or where OpenCV cannot read it.
    """
    if not _is_deep_colour(path, image):
        return None
    levels: Any = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if levels is None or levels.dtype != np.uint16 or levels.ndim != 3 or levels.shape[2] not in (3, 4):
        return None
    order = cv2.COLOR_BGRA2RGBA if levels.shape[2] == 4 else cv2.COLOR_BGR2RGB
    return _turned(np.asarray(cv2.cvtColor(levels, order)), int(image.getexif().get(_ORIENTATION, 1)))


def _is_deep_colour(path: Path, image: Image.Image) -> bool:
    if image.mode not in ("RGB", "RGBA", "LA"):
        return False
    if image.format == "PNG":
        with path.open("rb") as file:
            return file.read(25)[24:] == b"\x10"
    if image.format == "TIFF":
        return 16 in tuple(getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, ()))
    return False


def _turned(levels: np.ndarray, orientation: int) -> np.ndarray:
    """Upright by the EXIF orientation 1..8."""
    if orientation in (5, 6, 7, 8):
        levels = levels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        levels = levels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        levels = levels[::-1]
    return np.ascontiguousarray(levels)


def _deep_grey(levels: np.ndarray) -> np.ndarray:
    """Pillow gives 16-bit grey as 16- or 32-bit integers."""
    return np.clip(levels, 0, 65535).astype(np.uint16)


def _float_grey(values: np.ndarray) -> np.ndarray:
    """Floats have no agreed range: 0..1 is taken as it is, anything else is stretched to it."""
    finite = np.nan_to_num(values.astype(np.float32))
    low, high = float(finite.min()), float(finite.max())
    if low >= 0 and high <= 1:
        return finite
    return (finite - low) / max(high - low, 1e-12)
