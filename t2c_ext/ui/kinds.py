"""The media type of a file by its first bytes; its name says nothing."""

from __future__ import annotations

import re
from pathlib import Path

from t2c_ext.media.formats import kind_of

HEAD = 64
"""So many bytes tell."""

_PICTURES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "WebP": "image/webp",
    "GIF": "image/gif",
    "BMP": "image/bmp",
    "TIFF": "image/tiff",
    "AVIF": "image/avif",
    "HEIC": "image/heic",
}
_NETPBM = re.compile(rb"P[1-7][\s#]")
_JPEG_2000 = (b"\0\0\0\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51")


def picture_type(path: Path) -> str:
    """The media type of a picture file of a format that is read, "" for any other file."""
    head = _head(path)
    if _NETPBM.match(head):
        return "image/x-portable-anymap"
    if head.startswith(_JPEG_2000):
        return "image/jp2"
    return _PICTURES.get(kind_of(head), "")


def made_type(path: Path) -> str:
    """The media type of a loop or picture as the app writes them, "" for any other file."""
    head = _head(path)
    kind = kind_of(head)
    if kind == "WebM":
        return "video/webm"
    if kind == "video":
        return "video/mp4" if head[4:8] == b"ftyp" else ""
    return _PICTURES[kind] if kind in ("PNG", "GIF", "WebP") else ""


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(HEAD)
    except OSError:
        return b""
