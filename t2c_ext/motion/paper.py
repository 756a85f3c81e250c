"""The paper's own way from files to a flow (stage s5, and the clamp of s6), at 512 x 512 whatever the picture's aspect.

What the original does oddly is kept: pictures are resized only where their width differs, the flow moves only where
the mask is exactly 1, it is resized nearest, and each of its components is cut to one pixel per frame before `speed`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from t2c_ext.media.opening import opened
from t2c_ext.motion.field import MOTION_NORM
from t2c_ext.motion.hint_map import paper_hint
from t2c_ext.motion.networks.load import FlowNetwork
from t2c_ext.motion.predict import network_input
from t2c_ext.types import REFERENCE_SIDE, FloatArray

LARGEST = 1.0
"""Pixels per frame at 512 that a component of the flow is cut to."""


def load_image(path: Path, height: int = REFERENCE_SIDE, width: int = REFERENCE_SIDE) -> Tensor:
    """A picture file as the networks see it.

    Returns:
        float32 [C, H, W], -1..1, with as many channels as the file has. It is resized (bicubic) to height x width only
        when its width is another one: a file of the right width keeps its height.
    """
    with opened(path) as image:
        image.load()
        return image_values(image, height, width)


def image_values(image: Image.Image, height: int = REFERENCE_SIDE, width: int = REFERENCE_SIDE) -> Tensor:
    """As `load_image`, for an open picture."""
    if image.width != width:
        image = image.resize((width, height), Image.Resampling.BICUBIC)
    levels = torch.from_numpy(np.array(image, np.uint8, ndmin=2)).reshape(image.height, image.width, -1)
    return (levels.permute(2, 0, 1).to(torch.float32) / 255 - 0.5) / 0.5


def load_mask(path: Path, side: int = REFERENCE_SIDE) -> FloatArray:
    """A mask file as float32 [side, side], 0..1: its grey levels, resized nearest."""
    with opened(path) as image:
        return mask_values(image, side)


def mask_values(image: Image.Image, side: int = REFERENCE_SIDE) -> FloatArray:
    """As `load_mask`, for an open picture."""
    grey = image.convert("L").resize((side, side), Image.Resampling.NEAREST)
    return np.asarray(grey, np.float32) / np.float32(255)


def masked_motion(output: Tensor, mask: FloatArray, side: int = REFERENCE_SIDE) -> Tensor:
    """What the paper saves as Motion.pt.

    Args:
        output: [1, 2, h, w], the network's.
        mask: float32 [side, side].
        side: of the result.

    Returns:
        float32 [1, 2, side, side]: (dx, dy) in pixels per frame / 64; zero wherever the mask is not exactly 1.
    """
    scale = torch.tensor([side / output.shape[3], side / output.shape[2]]).reshape(1, 2, 1, 1)
    motion = functional.interpolate(output * scale, (side, side), mode="nearest")
    motion[:, :, torch.from_numpy(mask != 1)] = 0
    return motion


def clamped_flow(motion: Tensor, speed: float, height: int, width: int) -> Tensor:
    """What the paper makes of Motion.pt before its video network reads it (stage s6).

    No component exceeds `speed` pixels per frame at the size of `motion`: the limit is set before the speed, on each
    component for itself.

    Args:
        motion: [1, 2, h, w], (dx, dy) in pixels per frame / 64.
        speed: factor.
        height, width: of the picture.

    Returns:
        [1, 2, height, width], pixels per frame of the picture, resized nearest.
    """
    flow = (motion * MOTION_NORM).clamp(-LARGEST, LARGEST) * speed
    scale = torch.tensor([width / motion.shape[3], height / motion.shape[2]]).reshape(1, 2, 1, 1)
    return functional.interpolate(flow * scale, (height, width), mode="nearest")


def paper_flow(
    network: FlowNetwork,
    picture: FloatArray,
    mask: FloatArray,
    *,
    speed: float,
    angle: float | None = None,
    context: Tensor | None = None,
) -> FloatArray:
    """The paper's flow of a picture.

    Args:
        network: the direction network (then `angle` counts) or the text network (then `context` does).
        picture: float32 [H, W, 3], 0..1; squeezed to 512 x 512.
        mask: float32 [H, W], 0..1.
        speed: the paper's: the largest component in pixels per frame at 512.
        angle: degrees, or None for no hint.
        context: float32 [1, 77, 768].

    Returns:
        float32 [H, W, 2], pixels per frame of the picture; zero wherever the mask is not exactly 1.
    """
    image = image_values(Image.fromarray(_levels(picture)), REFERENCE_SIDE, REFERENCE_SIDE)
    if image.shape[1] != REFERENCE_SIDE:
        image = image_values(Image.fromarray(_levels(picture)).resize((REFERENCE_SIDE, REFERENCE_SIDE)))
    small = mask_values(Image.fromarray(_levels(mask)))
    hint = None if context is not None else paper_hint(small, angle)
    motion = masked_motion(network.run(network_input(image, small, hint), context), small)
    flow = clamped_flow(motion, speed, *mask.shape)[0].permute(1, 2, 0).numpy()
    flow[mask != 1] = 0
    return np.ascontiguousarray(flow, np.float32)


def _levels(values: FloatArray) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.asarray(np.round(values * 255), np.uint8)
