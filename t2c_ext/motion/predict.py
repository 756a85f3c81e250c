"""From a picture of any size to a flow by one of the paper's networks."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from t2c_ext.errors import UserError
from t2c_ext.motion.canvas import plan_canvas
from t2c_ext.motion.field import MOTION_NORM, resize_flow
from t2c_ext.motion.networks.load import FlowNetwork
from t2c_ext.types import FloatArray


def predict_flow(
    network: FlowNetwork,
    picture: FloatArray,
    mask: FloatArray,
    *,
    hint: FloatArray | None = None,
    context: Tensor | None = None,
) -> FloatArray:
    """The network's own flow, before anything is done about its speed.

    The network sees the picture with 512 on its short side, padded to the network's strides. Its flow is taken from
    where the mask is at least half; the mask's soft rim moves as the nearest place inside does.

    Args:
        network: the direction network (reads `hint`) or the text network (reads `context`).
        picture: float32 [H, W, 3], 0..1.
        mask: float32 [H, W], 0..1.
        hint: float32 [h, w, 2] of any size: the wanted velocity at every place, in pixels per frame of its own
            size. None: no hint, which the direction network knows as zeros.
        context: float32 [1, 77, 768]: the embedding of the words.

    Returns:
        float32 [H, W, 2], pixels per frame of the picture; finite, zero where the mask is zero.

    Raises:
        UserError: the mask is empty or of another size, the network needs words and gets none, or the weights are
            no good.
    """
    height, width = picture.shape[:2]
    if mask.shape != (height, width) or not np.any(mask > 0):
        raise UserError("the mask is empty or of another size than the picture; paint where it moves")
    canvas = plan_canvas(height, width, network.stride)
    inside = _inside(canvas.lay(mask))
    wanted = None
    if network.takes_hint:
        wanted = np.zeros((*inside.shape, 2), np.float32)
        if hint is not None:
            wanted = canvas.pad(resize_flow(hint, *canvas.content)) / np.float32(MOTION_NORM) * inside[..., None]
    elif context is None:
        raise UserError("the text network needs the embedding of the words")
    image = torch.from_numpy(canvas.lay(picture) * 2 - 1).permute(2, 0, 1)
    output = network.run(network_input(image, inside, wanted), context)
    field = output[0].permute(1, 2, 0).numpy() * np.float32(MOTION_NORM)
    flow = resize_flow(_extended(canvas.crop(field), canvas.crop(inside)), height, width)
    flow[mask <= 0] = 0
    return flow


def network_input(image: Tensor, mask: FloatArray, hint: FloatArray | None = None) -> Tensor:
    """[1, 4 or 6, H, W] of a picture [3, H, W] in -1..1, a mask [H, W] and a hint [H, W, 2] (pixels per frame / 64)."""
    parts = [image, torch.from_numpy(mask)[None]]
    if hint is not None:
        parts.append(torch.from_numpy(hint).permute(2, 0, 1))
    return torch.cat(parts)[None]


def _inside(mask: FloatArray) -> FloatArray:
    """0 or 1: where the network is told that something moves, at least half of what the mask reaches anywhere."""
    return np.asarray(mask >= 0.5 * min(1.0, float(mask.max())), np.float32)


def _extended(field: FloatArray, inside: FloatArray) -> FloatArray:
    """The field, outside of the mask that of the nearest place inside."""
    from scipy.ndimage import distance_transform_edt

    rows, columns = distance_transform_edt(inside == 0, return_distances=False, return_indices=True)
    return np.ascontiguousarray(field[rows, columns], np.float32)
