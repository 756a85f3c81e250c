"""Regions drawn over their picture: in tints, with outlines, and numbered where a person is to choose."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from t2c_ext.atomic import replacing
from t2c_ext.media.pictures import to_bytes
from t2c_ext.types import ByteArray, FloatArray, Region

TINTS = ((0.11, 0.56, 1.0), (1.0, 0.45, 0.2), (0.45, 0.8, 0.3), (0.8, 0.4, 0.9), (0.95, 0.8, 0.2), (0.2, 0.8, 0.8))
"""Colours of the regions, RGB, in turn."""

LONGEST = 1024
"""The long side, in pixels, of an overview."""

FONT = cv2.FONT_HERSHEY_SIMPLEX


def fitted(values: FloatArray, longest: int) -> FloatArray:
    """A picture [H, W, 3] or mask [H, W] whose long side is at most `longest` pixels."""
    height, width = values.shape[:2]
    share = longest / max(height, width)
    if share >= 1:
        return values
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def tinted(picture: FloatArray, regions: Sequence[Region], first: int = 0) -> ByteArray:
    """uint8 [H, W, 3]: what stands still greyed and dimmed, each region in a tint of its own with an outline.

    Args:
        picture: float32 [H, W, 3], 0..1.
        regions: of any size; they are fitted to the picture. Where they overlap, the earlier one lies on top.
        first: the number, from 0, of the first region's tint.
    """
    height, width = picture.shape[:2]
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    canvas = 0.45 * np.repeat(grey[..., None], 3, axis=2) + 0.1 * picture
    outlines: list[tuple[FloatArray, tuple[float, float, float]]] = []
    for number, region in reversed(list(enumerate(regions, first))):
        mask = cv2.resize(region.mask, (width, height), interpolation=cv2.INTER_AREA)[..., None]
        tint = TINTS[number % len(TINTS)]
        canvas = canvas * (1 - mask) + mask * (0.68 * picture + 0.32 * np.array(tint, np.float32))
        outlines.append((mask[..., 0], tint))
    drawn = np.ascontiguousarray(to_bytes(canvas.astype(np.float32)))
    for mask, tint in outlines:
        edges, _ = cv2.findContours((mask >= 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(drawn, edges, -1, _bright(tint), max(1, min(height, width) // 320), cv2.LINE_AA)
    return drawn


def numbered(picture: FloatArray, regions: Sequence[Region], first: int = 0, names: bool = True) -> ByteArray:
    """`tinted`, with the number of each region, from `first` + 1 on, where it is widest, and a list of names below.

    Args:
        picture: float32 [H, W, 3], 0..1.
        regions: of any size.
        first: the number, from 0, of the first region.
        names: whether there is a list.

    Returns:
        uint8 [H + h, W, 3], h the height of the list, if any.
    """
    drawn = tinted(picture, regions, first)
    height, width = drawn.shape[:2]
    scale = max(0.45, min(height, width) / 640)
    covered = np.zeros((height, width), bool)
    for number, region in enumerate(regions, first):
        mask = cv2.resize(region.mask, (width, height), interpolation=cv2.INTER_AREA) >= 0.5
        seen = mask & ~covered
        covered |= mask
        x, y = _widest(seen if seen.any() else mask)
        _disc(drawn, str(number + 1), (x, y), TINTS[number % len(TINTS)], scale)
    if not names:
        return drawn
    return np.concatenate([drawn, _names([row.name for row in regions], width, first, scale)])


def save_picture(path: Path, levels: ByteArray) -> Path:
    """Write uint8 [H, W, 3] as a PNG, whole or not at all; the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Image.fromarray(levels).save(temporary, "PNG", compress_level=3)
    return path


def _bright(tint: tuple[float, float, float]) -> tuple[int, ...]:
    return tuple(round(255 * (0.4 + 0.6 * part)) for part in tint)


def _widest(mask: np.ndarray) -> tuple[int, int]:
    """(x, y) of the point that lies deepest inside."""
    padded = np.pad(mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, 5)[1:-1, 1:-1]
    y, x = np.unravel_index(int(depth.argmax()), depth.shape)
    return int(x), int(y)


def _disc(drawn: ByteArray, text: str, centre: tuple[int, int], tint: tuple[float, float, float], scale: float) -> None:
    """A number on a disc, moved inside of the picture where it would lie across its border."""
    radius = round(17 * scale)
    height, width = drawn.shape[:2]
    x = int(np.clip(centre[0], min(radius + 1, width // 2), max(width - radius - 2, width // 2)))
    y = int(np.clip(centre[1], min(radius + 1, height // 2), max(height - radius - 2, height // 2)))
    cv2.circle(drawn, (x, y), radius, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(drawn, (x, y), radius, tuple(round(255 * part) for part in tint), max(1, round(3 * scale)), cv2.LINE_AA)
    (wide, high), _ = cv2.getTextSize(text, FONT, 0.8 * scale, max(1, round(2 * scale)))
    at = (x - wide // 2, y + high // 2)
    cv2.putText(drawn, text, at, FONT, 0.8 * scale, (20, 20, 20), max(1, round(2 * scale)), cv2.LINE_AA)


def _names(names: Sequence[str], width: int, first: int, scale: float) -> ByteArray:
    """The list of names, two columns where there is room; letters that the font lacks become question marks."""
    row, columns = round(34 * scale), 2 if width >= round(560 * scale) else 1
    strip = np.full((row * -(-len(names) // columns) + round(8 * scale), width, 3), 255, np.uint8)
    for number, name in enumerate(names):
        x = (number % columns) * width // columns + round(22 * scale)
        y = (number // columns) * row + round(21 * scale)
        _disc(strip, str(first + number + 1), (x, y), TINTS[(first + number) % len(TINTS)], 0.75 * scale)
        text = name.encode("ascii", "replace").decode("ascii")
        at = (x + round(20 * scale), y + round(6 * scale))
        cv2.putText(strip, text, at, FONT, 0.6 * scale, (20, 20, 20), max(1, round(1.2 * scale)), cv2.LINE_AA)
    return strip
