"""APNG, lossless: every frame after the first holds the rectangle that differs from the frame before.

The container (https://www.w3.org/TR/png-3/#apng-frame-based-animation) is written here, frame by frame; Pillow encodes
the single pictures.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from t2c_ext.extents import extent_of
from t2c_ext.media.clip import Clip
from t2c_ext.media.limits import SHORTEST
from t2c_ext.media.text import png_chunks
from t2c_ext.types import ByteArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write_apng(path: Path, clip: Clip) -> None:
    """Looping for ever, with the opacity where there is one."""
    shortest = Fraction(SHORTEST["apng"], 1000)
    duration = max(shortest, 1 / Fraction(clip.fps)).limit_denominator(65535)
    window, previous = clip.moving, None
    sequence = 0
    with path.open("wb") as file:
        file.write(_SIGNATURE)
        for frame in clip.tracked():
            part = window.of(frame)
            if previous is None:
                sequence = _write_first(file, clip.with_alpha(frame), clip, duration)
            else:
                box = extent_of((part != previous).any(axis=2))
                piece = box.of(part)
                if clip.alpha is not None:
                    piece = np.dstack([piece, box.of(clip.opacity(window))])
                sequence = _write_next(file, piece, (window.left + box.left, window.top + box.top), sequence, duration)
            previous = part.copy()
        _write_chunk(file, b"IEND", b"")


def _write_first(file: BinaryIO, whole: ByteArray, clip: Clip, duration: Fraction) -> int:
    """The header, the texts, and the first frame, which is also what shows where APNG is not known."""
    begun = False
    for name, payload in _encode(whole, clip.text):
        if name == b"IDAT" and not begun:
            _write_chunk(file, b"fcTL", _control(0, clip.size, (0, 0), duration))
            begun = True
        if name != b"IEND":
            _write_chunk(file, name, payload)
        if name == b"IHDR":
            _write_chunk(file, b"acTL", struct.pack(">II", clip.count, 0))
    return 1


def _write_next(file: BinaryIO, piece: ByteArray, corner: tuple[int, int], sequence: int, duration: Fraction) -> int:
    _write_chunk(file, b"fcTL", _control(sequence, (piece.shape[0], piece.shape[1]), corner, duration))
    pixels = b"".join(payload for name, payload in _encode(piece, {}) if name == b"IDAT")
    _write_chunk(file, b"fdAT", struct.pack(">I", sequence + 1) + pixels)
    return sequence + 2


def _control(sequence: int, size: tuple[int, int], corner: tuple[int, int], duration: Fraction) -> bytes:
    """Size (height, width), place (left, top) and duration: the frame stays, and replaces what was there."""
    (height, width), (left, top) = size, corner
    numerator, denominator = duration.numerator, duration.denominator
    return struct.pack(">IIIIIHHBB", sequence, width, height, left, top, numerator, denominator, 0, 0)


def _encode(levels: ByteArray, text: Mapping[str, str]) -> Iterator[tuple[bytes, bytes]]:
    """The (name, payload) of each chunk of a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(levels)).save(buffer, "PNG", pnginfo=png_chunks(text), compress_level=4)
    data, at = buffer.getvalue(), len(_SIGNATURE)
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        at += size + 12


def _write_chunk(file: BinaryIO, name: bytes, payload: bytes) -> None:
    file.write(struct.pack(">I", len(payload)) + name + payload + struct.pack(">I", zlib.crc32(name + payload)))
