"""Pictures of the stages' results, for people: the region over the picture, the flow, the regions to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from t2c_ext.atomic import replacing
from t2c_ext.media.pictures import to_bytes
from t2c_ext.motion.colour import arrows_over, flow_to_colour
from t2c_ext.motion.painted import LONGEST as LONGEST_PAINTED
from t2c_ext.motion.painted import encode_painted
from t2c_ext.pipeline import Cinemagraph
from t2c_ext.types import ByteArray, FloatArray, Painted, Region

LONGEST = 1024
"""The long side, in pixels, of a picture that a page shows."""

SMALLER = 384
"""The same, of one among several to choose from."""

TINTS = ((0.11, 0.56, 1.0), (1.0, 0.45, 0.2), (0.45, 0.8, 0.3), (0.8, 0.4, 0.9), (0.95, 0.8, 0.2), (0.2, 0.8, 0.8))
"""Colours of the regions, RGB, in turn."""

WHEEL_SHARE = 0.18
"""Side of the legend, as a share of the short side."""


def draw_stages(result: Cinemagraph, folder: Path) -> dict[str, Path]:
    """Write a picture of each result; by what it shows: "art", "natural", "segmentation", "regions", "mask", "flow".

    Raises:
        UserError: the folder cannot be written to.
    """
    drawn: dict[str, ByteArray] = {}
    if result.twin is not None:
        art = natural = fitted(result.twin.art.rgb, LONGEST)
        drawn["art"] = to_bytes(art)
        if result.twin.natural is not None:
            natural = fitted(result.twin.natural.rgb, LONGEST)
            drawn["natural"] = to_bytes(natural)
        if result.regions is not None:
            if result.regions.segmentation:
                drawn["segmentation"] = tinted(natural, result.regions.segmentation)
            drawn["regions"] = tinted(art, result.regions.regions)
            drawn["mask"] = to_bytes(fitted(result.regions.mask, LONGEST))
            if result.flow is not None:
                drawn["flow"] = flow_picture(art, result.flow.field, result.regions.mask)
    return {name: _save(folder / f"{name}.png", picture) for name, picture in drawn.items()}


def draw_candidates(picture: FloatArray, candidates: Sequence[Region], folder: Path) -> list[Path]:
    """Write each region over the picture; the files in the regions' order."""
    small = fitted(picture, SMALLER)
    return [
        _save(folder / f"candidate-{number}.png", tinted(small, [candidate]))
        for number, candidate in enumerate(candidates)
    ]


def fitted(values: FloatArray, longest: int) -> FloatArray:
    """A picture [H, W, 3] or mask [H, W] whose long side is at most `longest` pixels."""
    height, width = values.shape[:2]
    share = longest / max(height, width)
    if share >= 1:
        return values
    size = (max(1, round(width * share)), max(1, round(height * share)))
    return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float32)


def sent_mask(mask: FloatArray) -> str:
    """A region's mask as the page's script reads it: a PNG in base64, as large as a mask that it paints."""
    return encode_painted(Painted(to_bytes(fitted(mask, LONGEST_PAINTED))))


def tinted(picture: FloatArray, regions: Sequence[Region]) -> ByteArray:
    """uint8 [H, W, 3]: what stands still greyed and dimmed, each region in a tint of its own with an outline.

    Args:
        picture: float32 [H, W, 3], 0..1.
        regions: of any size; they are fitted to the picture.
    """
    height, width = picture.shape[:2]
    grey = picture @ np.array([0.299, 0.587, 0.114], np.float32)
    canvas = 0.45 * np.repeat(grey[..., None], 3, axis=2) + 0.1 * picture
    outlines: list[tuple[FloatArray, tuple[float, float, float]]] = []
    for number, region in enumerate(regions):
        mask = cv2.resize(region.mask, (width, height), interpolation=cv2.INTER_AREA)[..., None]
        tint = TINTS[number % len(TINTS)]
        canvas = canvas * (1 - mask) + mask * (0.68 * picture + 0.32 * np.array(tint, np.float32))
        outlines.append((mask[..., 0], tint))
    drawn = np.ascontiguousarray(to_bytes(canvas.astype(np.float32)))
    for mask, tint in outlines:
        edges, _ = cv2.findContours((mask >= 0.5).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        colour = tuple(round(255 * (0.4 + 0.6 * part)) for part in tint)
        cv2.drawContours(drawn, edges, -1, colour, max(1, min(height, width) // 320), cv2.LINE_AA)
    return drawn


def flow_picture(picture: FloatArray, flow: FloatArray, mask: FloatArray) -> ByteArray:
    """uint8 [H, W, 3]: the flow's colours over the picture, arrows, and the colour wheel in a corner.

    Args:
        picture: float32 [h, w, 3], 0..1, of the size to draw in.
        flow: float32 [H, W, 2], pixels per frame.
        mask: float32 [H, W], 0..1.
    """
    height, width = picture.shape[:2]
    scale = np.array([width / flow.shape[1], height / flow.shape[0]], np.float32)
    small = np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA), np.float32) * scale
    inside = cv2.resize(mask, (width, height), interpolation=cv2.INTER_AREA)[..., None]
    colours = flow_to_colour(small).astype(np.float32) / 255
    grey = np.repeat((picture @ np.array([0.299, 0.587, 0.114], np.float32))[..., None], 3, axis=2)
    coloured = (1 - inside) * 0.6 * grey + inside * (0.75 * colours + 0.25 * grey)
    drawn = arrows_over(coloured.astype(np.float32), np.where(inside >= 0.5, small, 0).astype(np.float32))
    return _with_legend(drawn)


def _with_legend(drawn: ByteArray) -> ByteArray:
    """The same with the colour wheel in its lower right corner; too small pictures go without."""
    side = round(min(drawn.shape[:2]) * WHEEL_SHARE)
    if side < 24:
        return drawn
    y, x = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j].astype(np.float32)
    radius = np.hypot(x, y)
    wheel = flow_to_colour(np.where(radius[..., None] <= 1, np.stack([x, y], axis=-1), 0).astype(np.float32))
    alpha = np.clip((1 - radius) * side / 2, 0, 1)[..., None]
    margin = max(2, side // 10)
    corner = drawn[-side - margin : -margin, -side - margin : -margin]
    corner[:] = np.rint(corner * (1 - alpha) + wheel * alpha).astype(np.uint8)
    return drawn


def _save(path: Path, levels: ByteArray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        Image.fromarray(levels).save(temporary, "PNG", compress_level=3)
    return path
