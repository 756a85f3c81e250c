"""What the formats of loops can hold, asked before anything is computed."""

from __future__ import annotations

from collections.abc import Iterator

from t2c_ext.errors import UserError

LARGEST_SIDES = {"mp4": 16384, "webm": 65535, "gif": 65535, "webp": 16383}
"""Pixels: x264 opens no larger picture; VP9 and GIF write a side in 16 bits; WebP in 14."""

TITLES = {"mp4": "MP4 (H.264)", "webm": "WebM", "gif": "GIF", "webp": "WebP", "apng": "APNG"}

SHORTEST = {"gif": 20, "webp": 11, "apng": 11}
"""Milliseconds of a frame: browsers show one of 10 ms or less (Chromium, Gecko, WebKit), and of less than 20 ms in GIF
(older ones), for a tenth of a second, as if it were a mistake."""


def check_loop(kind: str, size: tuple[int, int], fps: float, count: int = 1) -> None:
    """Refuse a loop that its format cannot hold.

    Args:
        kind: the format, "png" for a folder of frames.
        size: (height, width).
        fps: frames per second.
        count: number of frames.

    Raises:
        UserError: which limit it is, and what to do.
    """
    if count < 1 or min(size) < 1:
        raise UserError("there is nothing to write: a loop needs at least one frame of one pixel")
    if not 0 < fps <= 1000:
        raise UserError(f"{fps:g} frames per second cannot be written; use 1 to 120")
    largest = LARGEST_SIDES.get(kind)
    if largest is not None and max(size) > largest:
        height, width = size
        raise UserError(
            f"{TITLES[kind]} has at most {largest} pixels on a side, and the picture is {width}x{height}; make it "
            "smaller, or use another format (.apng, or a folder of frames)"
        )


def format_notes(kind: str, size: tuple[int, int], fps: float, transparent: bool) -> Iterator[str]:
    """What a format changes, for the user.

    Args:
        kind, size, fps: as `check_loop`.
        transparent: whether the picture is so anywhere.
    """
    height, width = size
    if kind == "mp4" and (height % 2 or width % 2):
        yield f"MP4 needs even sides: {width}x{height} was widened to {width + width % 2}x{height + height % 2}"
    if kind == "mp4" and transparent:
        yield "MP4 has no transparency, so the ground is white; WebM, WebP, APNG and GIF keep it"
    if kind in SHORTEST and fps > 1000 / SHORTEST[kind]:
        yield (
            f"{TITLES[kind]} plays at most {1000 // SHORTEST[kind]} frames per second in browsers, so it is slower "
            f"than the {fps:g} asked for; MP4 and WebM are not"
        )
