"""Animated WebP: every frame draws only what has moved over the first, so that what stands still never changes.

The container (https://developers.google.com/speed/webp/docs/riff_container) is written here, frame by frame; Pillow
encodes the single pictures.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from t2c_ext.extents import Window, extent_of
from t2c_ext.media.clip import Clip
from t2c_ext.media.limits import SHORTEST
from t2c_ext.media.text import exif_block
from t2c_ext.types import ByteArray

_HAS_ALPHA, _HAS_EXIF, _IS_ANIMATION = 0x10, 0x08, 0x02
_OVERWRITE = 0x02
_PICTURE_CHUNKS = (b"ALPH", b"VP8 ", b"VP8L")


def write_webp(path: Path, clip: Clip) -> None:
    """Lossy, looping for ever, with the opacity where there is one."""
    height, width = clip.size
    exif = exif_block(clip.text) if clip.text else b""
    with path.open("wb") as file:
        file.write(b"RIFF\0\0\0\0WEBP")
        flags = _IS_ANIMATION | _HAS_ALPHA | (_HAS_EXIF if exif else 0)
        _write_chunk(file, b"VP8X", struct.pack("<I", flags) + _three(width - 1) + _three(height - 1))
        _write_chunk(file, b"ANIM", struct.pack("<IH", 0, 0))
        for payload in _frames(clip):
            _write_chunk(file, b"ANMF", payload)
        if exif:
            _write_chunk(file, b"EXIF", exif)
        size = file.tell() - 8
        file.seek(4)
        file.write(struct.pack("<I", size))


def _frames(clip: Clip) -> Iterator[bytes]:
    """The payload of each frame's chunk."""
    first: ByteArray | None = None
    window = clip.moving
    moved = np.zeros(window.size, bool)
    for frame, duration in zip(clip.tracked(), clip.durations(1000, shortest=SHORTEST["webp"]), strict=True):
        part = window.of(frame)
        if first is None:
            first = part.copy()
            yield _frame(clip.with_alpha(frame), (0, 0), duration, _OVERWRITE, clip.quality)
            continue
        moved |= (part != first).any(axis=2)
        box = _at_even_place(extent_of(moved))
        piece, drawn = box.of(part), box.of(moved)
        corner = window.left + box.left, window.top + box.top
        if clip.alpha is not None:
            piece = np.dstack([piece, box.of(clip.opacity(window))])
        elif not drawn.all():
            piece = np.dstack([piece, np.where(drawn, np.uint8(255), np.uint8(0))])
        yield _frame(piece, corner, duration, 0 if clip.alpha is None else _OVERWRITE, clip.quality)


def _at_even_place(box: Window) -> Window:
    """With its corner at even places, as the container has it."""
    return Window(box.whole, box.top - box.top % 2, box.bottom, box.left - box.left % 2, box.right)


def _frame(levels: ByteArray, corner: tuple[int, int], duration: int, flags: int, quality: int) -> bytes:
    """A frame at an even (left, top), shown for so many milliseconds."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(levels)).save(buffer, "WEBP", quality=quality, method=2)
    height, width = levels.shape[:2]
    left, top = corner
    place = b"".join(map(_three, (left // 2, top // 2, width - 1, height - 1, duration)))
    return place + bytes([flags]) + _picture_chunks(buffer.getvalue())


def _picture_chunks(still: bytes) -> bytes:
    """The chunks of a single WebP picture that hold its pixels."""
    kept, at = b"", 12
    while at + 8 <= len(still):
        (size,) = struct.unpack_from("<I", still, at + 4)
        end = at + 8 + size + size % 2
        if still[at : at + 4] in _PICTURE_CHUNKS:
            kept += still[at:end]
        at = end
    return kept


def _write_chunk(file: BinaryIO, name: bytes, payload: bytes) -> None:
    file.write(name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2))


def _three(value: int) -> bytes:
    """A number in three bytes, the lowest first."""
    return value.to_bytes(3, "little")
