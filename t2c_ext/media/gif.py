"""GIF: one palette for the whole loop, a dithering that does not flicker, and only the moving pixels in each frame.

The container (GIF89a) is written here, frame by frame; Pillow compresses the single pictures.
"""

from __future__ import annotations

import struct
from itertools import islice
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.GifImagePlugin import getdata

from t2c_ext.extents import extent_of, whole_of
from t2c_ext.media.clip import Clip
from t2c_ext.media.limits import SHORTEST
from t2c_ext.media.palette import Ditherer, choose_palette
from t2c_ext.media.text import gif_blocks
from t2c_ext.types import ByteArray

SAMPLES = 8
"""Frames that the palette is made from."""

_CLEAR = 255
_PIXELS_PER_SAMPLE = 65536
_KEEP = 1
_LOOP_FOR_EVER = b"!\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"


def write_gif(path: Path, clip: Clip) -> None:
    """Looping for ever; what is less than half opaque is transparent. Quality sets the number of colours."""
    colours = min(_CLEAR, max(8, round(_CLEAR * (clip.quality / 80) ** 2)))
    ditherer = Ditherer(choose_palette(_sample(clip), colours), clip.size)
    clear = None if clip.alpha is None else clip.alpha < 0.5
    first: ByteArray | None = None
    window = clip.moving
    moved = np.zeros(window.size, bool)
    with path.open("wb") as file:
        file.write(_header(clip, ditherer.palette))
        for frame, duration in zip(clip.tracked(), clip.durations(100, shortest=SHORTEST["gif"] // 10), strict=True):
            part = whole_of(clip.size) if first is None else window
            index = ditherer.index(frame, part)
            if clear is not None:
                index[part.of(clear)] = _CLEAR
            if first is None:
                first = window.of(index).copy()
                file.write(_frame(index, (0, 0), duration))
                continue
            moved |= index != first
            box = extent_of(moved)
            piece = np.where(box.of(moved), box.of(index), np.uint8(_CLEAR))
            file.write(_frame(piece, (window.left + box.left, window.top + box.top), duration))
        file.write(b";")


def _sample(clip: Clip) -> ByteArray:
    """uint8 [n, 3]: visible pixels of frames all over the loop, or of its first where that takes long."""
    step = max(1, clip.count // SAMPLES) if clip.remembered else 1
    seen = None if clip.alpha is None else clip.alpha >= 0.5
    parts = []
    for frame in islice(clip.frames(), 0, step * SAMPLES, step):
        pixels = frame.reshape(-1, 3) if seen is None else frame[seen]
        parts.append(pixels[:: max(1, len(pixels) // _PIXELS_PER_SAMPLE)].copy())
        clip.reporter.check()
    return np.concatenate([*parts, np.zeros((0 if any(map(len, parts)) else 1, 3), np.uint8)])


def _header(clip: Clip, palette: ByteArray) -> bytes:
    """Signature, screen, palette of 256 entries, endless loop, and the texts as a comment."""
    height, width = clip.size
    table = np.zeros((256, 3), np.uint8)
    table[: len(palette)] = palette
    return (
        b"GIF89a"
        + struct.pack("<HHBBB", width, height, 0xF7, 0, 0)
        + table.tobytes()
        + _LOOP_FOR_EVER
        + gif_blocks(clip.text)
    )


def _frame(index: ByteArray, corner: tuple[int, int], duration: int) -> bytes:
    """A frame that is drawn over what is there from (left, top) on, for so many hundredths of a second."""
    control = b"!\xf9\x04" + struct.pack("<BHBB", _KEEP << 2 | 1, duration, _CLEAR, 0)
    piece = Image.fromarray(np.ascontiguousarray(index)).convert("L")
    return control + b"".join(getdata(piece, corner))
