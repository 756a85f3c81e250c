"""Pictures of the stages' results, for people: the region over the picture, the flow, the regions to choose from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from t2c_ext.media.pictures import to_bytes
from t2c_ext.motion.colour import arrows_over, flow_to_colour
from t2c_ext.motion.painted import LONGEST as LONGEST_PAINTED
from t2c_ext.motion.painted import encode_painted
from t2c_ext.pipeline import Cinemagraph
from t2c_ext.region.overlay import fitted, numbered, save_picture, tinted
from t2c_ext.types import ByteArray, FloatArray, Painted, Region

LONGEST = 1024
"""The long side, in pixels, of a picture that a page shows."""

SMALLER = 384
"""The same, of one among several to choose from."""

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
    return {name: save_picture(folder / f"{name}.png", picture) for name, picture in drawn.items()}


def draw_small(result: Cinemagraph, folder: Path) -> dict[str, Path]:
    """Write what moves and how, small, as `draw_stages`: "small-regions" and "small-flow" by "regions" and "flow"."""
    twin, regions, flow = result.twin, result.regions, result.flow
    if twin is None or regions is None or flow is None:
        return {}
    small = fitted(twin.art.rgb, SMALLER)
    drawn = {"regions": tinted(small, regions.regions), "flow": flow_picture(small, flow.field, regions.mask)}
    return {name: save_picture(folder / f"small-{name}.png", picture) for name, picture in drawn.items()}


def draw_candidates(picture: FloatArray, candidates: Sequence[Region], folder: Path) -> list[Path]:
    """Write each region over the picture, with its number from 1; the files in the regions' order."""
    small = fitted(picture, SMALLER)
    return [
        save_picture(folder / f"candidate-{number}.png", numbered(small, [candidate], number, names=False))
        for number, candidate in enumerate(candidates)
    ]


def sent_mask(mask: FloatArray) -> str:
    """A region's mask as the page's script reads it: a PNG in base64, as large as a mask that it paints."""
    return encode_painted(Painted(to_bytes(fitted(mask, LONGEST_PAINTED))))


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
