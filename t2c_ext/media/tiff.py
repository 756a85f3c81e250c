"""TIFF files with more than 8 bits per channel, which Pillow cuts to 8 or does not open.

tifffile reads every layout of them; where it lacks a codec (LZW among them, which many programs write), OpenCV does.
"""

from __future__ import annotations

import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Any

import cv2
import numpy as np

_ORIENTATION, _PROFILE = 274, 34675
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB = 0, 1, 2
_PREMULTIPLIED, _STRAIGHT = 1, 2
"""Kinds of an extra channel (TIFF 6.0, ExtraSamples: associated and unassociated alpha); any other is no alpha."""

_MOST_CHANNELS = 8
_SAYS_NOTHING = 0
"""OpenCV's LOG_LEVEL_SILENT."""


@dataclass(frozen=True)
class DeepTiff:
    """The first picture of a file.

    Attributes:
        levels: [H, W, channels] of any number type, as stored; black is zero.
        alpha: the last channel is one.
        premultiplied: the colours were multiplied by it.
        profile: colour profile, or b"".
        orientation: how to turn it, 1..8 as EXIF counts.
    """

    levels: np.ndarray
    alpha: bool
    premultiplied: bool
    profile: bytes
    orientation: int


def read_deep_tiff(file: IO[bytes], largest: int) -> DeepTiff | None:
    """Read a grey or RGB picture, with or without alpha, of more than 8 bits per channel.

    Args:
        file: the file.
        largest: pixels that it may have.

    Returns:
        None where it is another, has more pixels, or is damaged.
    """
    from tifffile import TiffFile  # slow to load, and seldom needed

    logging.getLogger("tifffile").addHandler(logging.NullHandler())  # else it writes to the user's terminal
    try:
        with TiffFile(file) as tiff:
            page: Any = tiff.pages[0]
            if not _is_deep(page) or page.imagewidth * page.imagelength > largest:
                return None
            levels = _by_tifffile(page)
            if levels is None:
                levels = _by_opencv(file, page)
            if levels is None or levels.shape[:2] != (page.imagelength, page.imagewidth):
                return None
            return _described(page, levels)
    except MemoryError:
        raise
    except Exception:  # readers raise nearly anything on damaged data; Pillow's says what is wrong
        return None


def _is_deep(page: Any) -> bool:
    bits = page.bitspersample if isinstance(page.bitspersample, tuple) else (page.bitspersample,)
    known = int(page.photometric) in (_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB)
    return known and max(bits) > 8 and page.samplesperpixel <= _MOST_CHANNELS and page.imagedepth == 1


def _described(page: Any, levels: np.ndarray) -> DeepTiff:
    colours = 3 if int(page.photometric) == _RGB else 1
    extra = int(page.extrasamples[0]) if page.extrasamples and levels.shape[2] > colours else 0
    alpha = extra in (_PREMULTIPLIED, _STRAIGHT)
    levels = levels[:, :, : colours + alpha]
    if int(page.photometric) == _WHITE_IS_ZERO and levels.dtype.kind == "u":
        levels = np.iinfo(levels.dtype).max - levels
    profile, orientation = page.tags.get(_PROFILE), page.tags.get(_ORIENTATION)
    return DeepTiff(
        levels,
        alpha,
        extra == _PREMULTIPLIED,
        b"" if profile is None else bytes(profile.value),
        1 if orientation is None else int(orientation.value),
    )


def _by_tifffile(page: Any) -> np.ndarray | None:
    try:
        levels = np.asarray(page.asarray())
    except Exception:  # a codec is missing, or the data are damaged
        return None
    by_axes = {"YX": lambda: levels[:, :, None], "YXS": lambda: levels, "SYX": lambda: np.moveaxis(levels, 0, 2)}
    return by_axes[page.axes]() if page.axes in by_axes else None


def _by_opencv(file: IO[bytes], page: Any) -> np.ndarray | None:
    """It turns pictures by their orientation, or not, depending on its release: hence the tag says 1 here."""
    file.seek(0)
    data = bytearray(file.read())
    tag = page.tags.get(_ORIENTATION)
    if tag is not None:
        struct.pack_into(f"{page.parent.byteorder}H", data, tag.valueoffset, 1)
    with _silent():
        levels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    channels = 1 if levels is None or levels.ndim == 2 else levels.shape[2]
    if levels is None or channels != page.samplesperpixel or levels.dtype.itemsize * 8 != page.bitspersample:
        return None
    if channels in (3, 4):
        levels = cv2.cvtColor(levels, cv2.COLOR_BGRA2RGBA if channels == 4 else cv2.COLOR_BGR2RGB)
    return np.asarray(levels).reshape(*levels.shape[:2], channels)


@contextmanager
def _silent() -> Iterator[None]:
    """OpenCV does not write to the terminal what it could not read; its fifth release has moved the switch."""
    log: Any = cv2 if hasattr(cv2, "setLogLevel") else cv2.utils.logging
    level = log.getLogLevel()
    log.setLogLevel(_SAYS_NOTHING)
    try:
        yield
    finally:
        log.setLogLevel(level)
