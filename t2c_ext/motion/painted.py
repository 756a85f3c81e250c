"""Painted masks in a document: 8-bit grey PNG as base64, taken from strangers and given back."""

from __future__ import annotations

import base64
import binascii
import io
from typing import Any

import numpy as np
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.media.opening import opened
from t2c_ext.types import ByteArray, Painted

LONGEST = 1024
"""Pixels on the long side of a painted mask."""

LARGEST = 2_000_000
"""Bytes of its PNG."""

_HEAD = "data:image/png;base64,"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def decode_painted(value: Any, where: str) -> Painted:
    """The mask of a base64 text, with or without a `data:` head.

    Colours become grey (luma), and what is transparent is not painted.

    Args:
        value: what stands in the document.
        where: its place there, for messages.

    Raises:
        UserError: it is no text, no base64, no PNG, damaged, or larger than 1024 pixels a side or 2 MB.
    """
    if not isinstance(value, str):
        raise UserError(f"{where}: must be a PNG in base64")
    text = value.removeprefix(_HEAD)
    if len(text) > (LARGEST + 2) // 3 * 4:
        raise UserError(f"{where}: is larger than {LARGEST // 10**6} MB")
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise UserError(f"{where}: is not base64") from None
    if not data.startswith(_SIGNATURE):
        raise UserError(f"{where}: is no PNG")
    return Painted(_levels(data, where))


def encode_painted(painted: Painted) -> str:
    """The mask as a base64 text: decode_painted(encode_painted(p), "") == p."""
    buffer = io.BytesIO()
    Image.fromarray(painted.levels).save(buffer, "PNG", compress_level=9)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def _levels(data: bytes, where: str) -> ByteArray:
    """uint8 [h, w]; the header's size is judged before any pixel is unpacked."""
    width, height = (
        int.from_bytes(data[at : at + 4], "big") for at in (16, 20)
    )  # of IHDR, which is a PNG's first part
    if max(width, height) > LONGEST:
        raise UserError(f"{where}: is {width}x{height}, but at most {LONGEST} pixels a side are allowed")
    with opened(data, f"{where}:") as image:
        return _grey(image)


def _grey(image: Image.Image) -> ByteArray:
    if image.mode in ("I", "I;16", "I;16B"):  # 16 bits per pixel
        deep = np.asarray(image, np.uint32)
        return np.asarray((deep + 128) // 257, np.uint8)
    if image.mode in ("1", "L") and "transparency" not in image.info:
        return np.array(image.convert("L"), np.uint8)
    over = Image.new("RGBA", image.size, (0, 0, 0, 255))
    over.alpha_composite(image.convert("RGBA"))
    return np.array(over.convert("L"), np.uint8)
