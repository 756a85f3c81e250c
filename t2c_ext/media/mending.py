"""What can be saved of damaged picture files that are no PNGs."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.media.png import MISSING

CUT_SHORT = "The picture's file is cut short or damaged at its end: some of its pixels may be missing."

_START, _END, _SCAN = b"\xff\xd8", b"\xff\xd9", 0xDA
_ADOBE, _PROFILES, _COMMENT = 0xEE, 0xE2, 0xFE
_ALONE = (0x01, *range(0xD0, 0xD9))
"""Marks of a JPEG that have no content (ITU-T T.81, table B.1)."""

_FILL = 128
"""What a JPEG's missing blocks are decoded as, in every channel."""

_PADDING = 0.02
"""The share of a file that may be missing at its end; where it is packed, more would make no picture anyway."""

_MOST_PADDING = 1 << 24


def ended_jpeg(data: bytes) -> bytes:
    """A JPEG with an end mark behind it."""
    return data + _END


def bare_jpeg(data: bytes) -> bytes:
    """The same without what is beside its pixels, but for its colour profile and what Adobe says of its colours."""
    kept = [_START]
    for mark, start, end in _segments(data):
        if mark == _SCAN:
            kept.append(data[start:])
            break
        beside = 0xE0 <= mark <= 0xEF or mark == _COMMENT
        profile = mark == _PROFILES and data[start + 4 : start + 16] == b"ICC_PROFILE\0"
        if not beside or mark == _ADOBE or profile:
            kept.append(data[start:end])
    return b"".join([*kept, _END])


def _segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """The parts in front of the first scan: mark, begin, end."""
    at = len(_START)
    while at + 4 <= len(data):
        if data[at] != 0xFF or data[at + 1] in (0x00, 0xFF):
            at += 1  # damage, or bytes that fill
            continue
        mark = data[at + 1]
        end = at + 2 if mark in _ALONE else at + 2 + max(2, int.from_bytes(data[at + 2 : at + 4], "big"))
        yield mark, at, end
        at = end


def fill_rows(image: Image.Image, called: str) -> tuple[str, ...]:
    """Let the missing rows at the bottom of a loaded JPEG repeat the one above them; what there is to say.

    Raises:
        UserError: too many of them are missing.
    """
    levels = np.asarray(image)
    filled = (levels == _FILL).reshape(levels.shape[0], -1).all(axis=1)
    missing = int(filled[::-1].cumprod().sum())
    if missing > MISSING * image.height:
        share = missing / image.height
        raise UserError(f"{called} is cut short or damaged ({share:.0%} of its rows are missing); save it again")
    if not missing:
        return (CUT_SHORT,)
    last = image.height - missing
    image.paste(image.crop((0, last - 1, image.width, last)).resize((image.width, missing)), (0, last))
    return (f"The picture is cut short: its last {missing} rows are missing and repeat the one above them.",)


def padded(data: bytes) -> bytes:
    """A file with zeros behind it, for readers that lack only the last few bytes."""
    return data + bytes(min(max(64, int(_PADDING * len(data))), _MOST_PADDING))
