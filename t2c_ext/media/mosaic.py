"""Several loops on one ground, all of them in step: each goes round once while the whole does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.media.frames import read_video
from t2c_ext.media.videos import Written, write_video
from t2c_ext.progress import Reporter
from t2c_ext.types import ByteArray


@dataclass(frozen=True)
class Tile:
    """A loop, and where it lies.

    Attributes:
        loop: its file, or its folder of frames.
        frames: how many it has.
        left, top: of its upper left corner, in pixels.
        size: (width, height) in which it is shown.
    """

    loop: Path
    frames: int
    left: int
    top: int
    size: tuple[int, int]


def write_mosaic(
    path: Path,
    ground: ByteArray,
    tiles: Sequence[Tile],
    *,
    fps: float,
    quality: int = 80,
    reporter: Reporter | None = None,
) -> Written:
    """Write a loop in which every tile moves; it has as many frames as the longest, and the others are slowed to it.

    Args:
        path: where to; its ending picks the format.
        ground: uint8 [H, W, 3], what is seen beside the tiles.
        tiles: at least one; what of them lies outside of the ground is not seen.
        fps: frames per second.
        quality: 1 to 100.
        reporter: told after each frame.

    Raises:
        UserError: there are no tiles, a loop cannot be read or has fewer frames than said, or the file cannot be
            written.
    """
    if not tiles:
        raise UserError("there is no loop that could move")
    count = max(tile.frames for tile in tiles)
    height, width = ground.shape[:2]
    return write_video(
        path,
        lambda: _frames(ground, tiles, count),
        size=(height, width),
        count=count,
        fps=fps,
        quality=quality,
        reporter=reporter,
    )


def _frames(ground: ByteArray, tiles: Sequence[Tile], count: int) -> Iterator[ByteArray]:
    shown = ground.copy()
    streams = [read_video(tile.loop) for tile in tiles]
    passed = [-1] * len(tiles)
    for time in range(count):
        for place, tile in enumerate(tiles):
            while passed[place] < time * tile.frames // count:
                _put(shown, _next(streams[place], tile), tile)
                passed[place] += 1
        yield shown.copy()


def _next(stream: Iterator[ByteArray], tile: Tile) -> ByteArray:
    frame = next(stream, None)
    if frame is None:
        raise UserError(f"{tile.loop.name} has fewer than {tile.frames} frames")
    return frame


def _put(shown: ByteArray, frame: ByteArray, tile: Tile) -> None:
    width, height = tile.size
    if max(abs(frame.shape[0] - height), abs(frame.shape[1] - width)) > 1:  # MP4 widens odd sides by one pixel
        frame = np.asarray(cv2.resize(frame, tile.size, interpolation=cv2.INTER_AREA), np.uint8)
    part = shown[tile.top : tile.top + height, tile.left : tile.left + width]
    part = part[: frame.shape[0], : frame.shape[1]]
    part[:] = frame[: part.shape[0], : part.shape[1]]
