"""Pictures and masks, in and out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.types import ByteArray, FloatArray, Picture

LARGEST = 80_000_000
"""Pixels; enough for an 8K picture, and below what a small machine cannot hold as floats."""

SMALLEST = 8
"""Pixels on a side; below that there is nothing that could move."""

SHAPE_TOLERANCE = 0.05
"""By how much a mask's aspect may differ from the picture's before it is taken for another picture's."""

_EXIF_IFD, _USER_COMMENT = 0x8769, 0x9286


def read_picture(path: Path) -> Picture:
    """Read a still picture of any kind that Pillow knows.

    EXIF rotation is applied; CMYK, grey, palette and 16-bit pictures become RGB; transparency becomes `alpha`;
    generation parameters become `infotext`.

    Raises:
        UserError: unreadable, animated, smaller than 8 pixels on a side, or of more than 80 megapixels.
    """
    with _open(path) as image:
        if getattr(image, "n_frames", 1) > 1:
            raise UserError(f"{path} is animated; give a still picture")
        try:
            return to_picture(image)
        except UserError as error:
            raise UserError(f"{path}: {error}") from None
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise UserError(f"cannot read {path}: {error}") from None


def to_picture(source: Image.Image | np.ndarray[Any, Any]) -> Picture:
    """A PIL picture, or an array [H, W], [H, W, 1, 3 or 4] (uint8, uint16, bool, or float 0..1), as a Picture.

    Raises:
        UserError: of another shape or type, not finite, or too small.
    """
    infotext = ""
    if isinstance(source, Image.Image):
        infotext = _infotext(source)
        values = _pixels(ImageOps.exif_transpose(source) or source)
    else:
        values = _unit(np.asarray(source))
    if values.ndim == 2:
        values = values[..., None]
    if values.ndim != 3 or values.shape[2] not in (1, 3, 4):
        raise UserError(f"a picture is height x width x 3, but this is {' x '.join(map(str, values.shape))}")
    if min(values.shape[:2]) < SMALLEST:
        raise UserError(f"the picture is {values.shape[1]}x{values.shape[0]}, but needs {SMALLEST} pixels on a side")
    rgb = np.repeat(values, 3, axis=2) if values.shape[2] == 1 else values[..., :3]
    alpha = np.ascontiguousarray(values[..., 3]) if values.shape[2] == 4 else None
    if alpha is not None and (alpha == 1).all():
        alpha = None
    if alpha is not None and not alpha.any():
        raise UserError("the picture is wholly transparent")
    return Picture(np.ascontiguousarray(rgb), alpha, infotext)


def read_mask(path: Path, size: tuple[int, int] | None = None) -> FloatArray:
    """Read a mask: white moves. A picture that is only transparent in places counts by its opacity.

    Args:
        path: the file.
        size: (height, width) to bring it to, or None to leave it.

    Raises:
        UserError: unreadable, empty, or of another shape than `size`.
    """
    with _open(path) as image:
        try:
            return to_mask(image, size)
        except UserError as error:
            raise UserError(f"the mask {path} {error}") from None
        except (OSError, ValueError, SyntaxError, EOFError) as error:
            raise UserError(f"cannot read the mask {path}: {error}") from None


def to_mask(source: Image.Image | np.ndarray[Any, Any], size: tuple[int, int] | None = None) -> FloatArray:
    """A PIL picture or an array [h, w] or [h, w, channels] as a mask, float32 [H, W].

    Raises:
        UserError: empty, not finite, or of another shape than `size`.
    """
    values = _pixels(ImageOps.exif_transpose(source) or source) if isinstance(source, Image.Image) else None
    if values is None:
        values = _unit(np.asarray(source))
    if values.ndim == 3:
        colour = values[..., :3].mean(axis=2)
        opacity = values[..., 3] if values.shape[2] == 4 else np.ones_like(colour)
        flat = float(np.ptp(colour)) < 1 / 255 and float(np.ptp(opacity)) > 0
        values = opacity if flat else colour * opacity
    if values.ndim != 2:
        raise UserError(f"is no picture: its shape is {values.shape}")
    if not values.any():
        raise UserError("is empty (all black); paint white what should move")
    if size is None or values.shape == size:
        return np.ascontiguousarray(values, np.float32)
    height, width = size
    ratio = (values.shape[1] / values.shape[0]) / (width / height)
    if abs(np.log(ratio)) > SHAPE_TOLERANCE:
        raise UserError(f"is {values.shape[1]}x{values.shape[0]}, another shape than the picture's {width}x{height}")
    method = cv2.INTER_AREA if values.shape[0] > height else cv2.INTER_LINEAR
    resized: FloatArray = cv2.resize(values.astype(np.float32), (width, height), interpolation=method)
    return np.clip(resized, 0, 1)


def write_picture(
    path: Path, rgb: FloatArray, alpha: FloatArray | None = None, text: Mapping[str, str] | None = None
) -> None:
    """Write a PNG with text chunks.

    Raises:
        UserError: the place cannot be written to.
    """
    channels = rgb if alpha is None else np.dstack([rgb, alpha])
    _save(path, Image.fromarray(to_bytes(channels)), text or {})


def write_mask(path: Path, mask: FloatArray) -> None:
    """Write a mask as an 8-bit grey PNG.

    Raises:
        UserError: the place cannot be written to.
    """
    _save(path, Image.fromarray(to_bytes(mask)), {})


def to_bytes(values: FloatArray) -> ByteArray:
    """0..1 as uint8, rounded."""
    return np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)


def png_text(text: Mapping[str, str]) -> PngInfo:
    """Text chunks of a PNG; what Latin-1 cannot hold goes into UTF-8 chunks."""
    info = PngInfo()
    for key, value in text.items():
        try:
            value.encode("latin-1")
            info.add_text(key, value)
        except UnicodeEncodeError:
            info.add_itxt(key, value)
    return info


def user_comment(image: Image.Image) -> str:
    """The EXIF user comment, or ""."""
    raw = image.getexif().get_ifd(_EXIF_IFD).get(_USER_COMMENT, b"")
    if isinstance(raw, str):
        return raw
    code, body = bytes(raw[:8]), bytes(raw[8:])
    return body.decode("utf-16-be" if code.startswith(b"UNICODE") else "utf-8", "replace").strip("\0")


def exif_with_comment(comment: str) -> bytes:
    """EXIF that holds a user comment, as the WebUI writes it."""
    exif = Image.Exif()
    exif[_EXIF_IFD] = {_USER_COMMENT: b"UNICODE\0" + comment.encode("utf-16-be")}
    return exif.tobytes()


def _save(path: Path, image: Image.Image, text: Mapping[str, str]) -> None:
    with replacing(path) as temporary:
        image.save(temporary, format="PNG", pnginfo=png_text(text), compress_level=4)


def _open(path: Path) -> Image.Image:
    try:
        image = Image.open(path)
    except FileNotFoundError:
        raise UserError(f"cannot find {path}") from None
    except UnidentifiedImageError:
        raise UserError(f"{path} is no picture") from None
    except Image.DecompressionBombError:
        raise UserError(f"{path} has too many pixels; scale it down first") from None
    except (OSError, ValueError, SyntaxError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if image.width * image.height > LARGEST:
        image.close()
        raise UserError(f"{path} is {image.width}x{image.height}; at most {LARGEST // 10**6} megapixels are possible")
    return image


def _pixels(image: Image.Image) -> FloatArray:
    """Any mode as float32 [H, W] or [H, W, 3 or 4], 0..1."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float32)
        top = 65535.0 if image.mode.startswith("I") else (1.0 if values.max() <= 1 else 255.0)
        return _unit(values / np.float32(top))
    if image.mode in ("1", "L"):
        return _unit(np.asarray(image.convert("L")))
    clear = image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info
    return _unit(np.asarray(image.convert("RGBA" if clear else "RGB")))


def _unit(values: np.ndarray[Any, Any]) -> FloatArray:
    if values.dtype == bool:
        return values.astype(np.float32)
    if values.dtype in (np.uint8, np.uint16):
        return (values / np.float32(np.iinfo(values.dtype).max)).astype(np.float32)
    if not np.issubdtype(values.dtype, np.floating):
        raise UserError(f"the pixels are of type {values.dtype}; use uint8, or float from 0 to 1")
    if not np.isfinite(values).all():
        raise UserError("the picture holds values that are no numbers")
    if values.size and (values.min() < -1e-3 or values.max() > 1 + 1e-3):
        raise UserError("the pixels are floats beyond 0 to 1; divide them by 255 first")
    return np.clip(values, 0, 1).astype(np.float32)


def _infotext(image: Image.Image) -> str:
    for key in ("parameters", "comment"):
        found = image.info.get(key)
        if isinstance(found, bytes):
            found = found.decode("utf-8", "replace")
        if isinstance(found, str) and found and not _is_json(found):
            return found
    return user_comment(image)


def _is_json(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
