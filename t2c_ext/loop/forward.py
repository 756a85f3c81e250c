"""Rendering by forward splatting: the paper's way (bilinear), and a sharper kernel to compare the default with."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from t2c_ext.loop.fill import fill_holes
from t2c_ext.loop.inflow import find_domain, trace_field
from t2c_ext.loop.integrate import displacements, inverse_steps
from t2c_ext.loop.paper import alpha, euler_displacements, reversed_displacements
from t2c_ext.loop.splat import splat_sum
from t2c_ext.progress import Reporter
from t2c_ext.settings import LoopSettings
from t2c_ext.types import BoolArray, ByteArray, FloatArray

LEAST_WEIGHT = 1e-3
"""A pixel whose weights sum to less has received nothing."""

Pair = tuple[FloatArray, FloatArray]


def forward_frames(
    picture: FloatArray, mask: FloatArray, flow: FloatArray, settings: LoopSettings, reporter: Reporter
) -> Iterator[tuple[ByteArray, float]]:
    """Frames and the share of the mask's pixels that received nothing, all places cross-fading at one time.

    With blend "paper" the displacements are the paper's (Euler, nearest look-up, leaving the frame is final) and the
    weights add up to 1; otherwise the mix keeps the variance about the warps' common mean.

    Args:
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1.
        flow: float32 [H, W, 2], pixels per frame, zero outside the mask.
        settings: frames, blend and kernel.
        reporter: asked before each frame whether to stop.
    """
    count = settings.frames
    kernel = "bilinear" if settings.kernel == "bilinear" else "cubic"
    moving = mask > 0
    pairs = _paper_pairs(flow, count) if settings.blend == "paper" else _pairs(flow, mask, count)
    carried = np.ones_like(moving) if settings.blend == "paper" else moving
    for frame, (ahead, back) in enumerate(pairs):
        reporter.check()
        share = float(alpha(frame, count))
        warps = [_warp(picture, carried, displacement, kernel) for displacement in (ahead, back)]
        mixed, weight = _mix(warps, share, preserve=settings.blend != "paper")
        known = weight > LEAST_WEIGHT
        holes = float((moving & ~known).sum() / moving.sum())
        filled = fill_holes(mixed, known)
        result = picture + mask[..., None] * (filled - picture)
        yield np.rint(np.clip(result, 0, 1) * 255).astype(np.uint8), holes


def _paper_pairs(flow: FloatArray, count: int) -> Iterator[Pair]:
    """Forward and backward displacements of each frame by the paper's integration."""
    ahead = (displacement for displacement, _ in euler_displacements(flow, count - 1))
    return zip(ahead, reversed_displacements(-flow, count), strict=True)


def _pairs(flow: FloatArray, mask: FloatArray, count: int) -> Iterator[Pair]:
    """Forward and backward displacements of each frame, particles kept inside the mask."""
    field = trace_field(flow, find_domain(mask, flow))
    return zip(displacements(field, count - 1), inverse_steps(field, count, -1.0), strict=True)


def _warp(picture: FloatArray, moving: BoolArray, displacement: FloatArray, kernel: str) -> FloatArray:
    """Sums of colour, and of weights, that the moving pixels bring: float32 [H, W, 4]."""
    weight = moving.astype(np.float32)[..., None]
    return splat_sum(np.concatenate([picture * weight, weight], axis=-1), displacement, kernel)


def _mix(warps: list[FloatArray], share: float, preserve: bool) -> Pair:
    """The cross-fade of two warps and its weight."""
    parts = (np.float32(share), np.float32(1 - share))
    total = warps[0] * parts[0] + warps[1] * parts[1]
    weight = total[..., 3]
    mixed: FloatArray = (total[..., :3] / np.maximum(weight, np.float32(LEAST_WEIGHT))[..., None]).astype(np.float32)
    if not preserve:
        return mixed, weight
    mean = np.asarray(cv2.GaussianBlur(mixed, (0, 0), 12), np.float32)
    factor = np.float32(1 / np.sqrt(parts[0] ** 2 + parts[1] ** 2))
    return (mean + (mixed - mean) * factor).astype(np.float32), weight
