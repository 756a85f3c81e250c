"""From a still, a mask and a field to the frames of a seamless loop, painted by the paper's video network."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np
import torch

from t2c_ext.errors import UserError
from t2c_ext.extents import to_bytes
from t2c_ext.loop.render import Rendering, check_input
from t2c_ext.loop.synthesis.areas import whole
from t2c_ext.loop.synthesis.decoder import STRIDE
from t2c_ext.loop.synthesis.glue import signed, truncated_bytes
from t2c_ext.loop.synthesis.network import VideoNetwork
from t2c_ext.loop.synthesis.sequence import Clip, Engine, Frame, Scene
from t2c_ext.progress import Reporter
from t2c_ext.settings import LoopSettings
from t2c_ext.types import ByteArray, FloatArray
from t2c_ext.weights.devices import choose_device, out_of_memory

LARGEST = 1024 * 1024
"""Pixels that are decoded at a time where nothing says how much memory there is: about 2.5 GB in float32."""

LIVE_CHANNELS = 640
"""Values per pixel that the decoder holds at its peak, with room to spare."""


def synthesize_loop(
    picture: FloatArray,
    mask: FloatArray,
    flow: FloatArray,
    settings: LoopSettings,
    network: VideoNetwork,
    *,
    reporter: Reporter | None = None,
    device: str = "auto",
    dtype: torch.dtype | None = None,
    largest: int | None = None,
) -> Rendering:
    """Prepare the frames of a loop; they are computed while they are taken.

    With the renderer "network" only what moves is decoded, and outside the mask every frame is exactly the picture;
    with "paper" all of every frame comes from the decoder and is cut off to bytes, as in the paper. Inside, both have
    the same numbers.

    Args:
        picture: float32 [H, W, 3], 0..1, of any size.
        mask: float32 [H, W], 0..1.
        flow: float32 [H, W, 2], pixels per frame.
        settings: frames, renderer.
        network: float32, from `load_video_network`.
        reporter: asked before each part of each frame whether to stop.
        device: where it is computed, a device of torch; "auto": a GPU where there is one.
        dtype: of the decoder; None: float16 on CUDA (float32 for "paper"), else float32.
        largest: no more pixels than this are encoded or decoded at a time; None: as memory allows.

    Raises:
        UserError: see `loop.render.check_input`; this machine lacks the device; or, while frames are taken, half
            precision is too small for this network's values or the GPU has too little memory.
    """
    check_input(picture, mask, flow)
    reporter, where = reporter or Reporter(), choose_device(device)
    faithful = settings.renderer == "paper"
    kind = dtype or (torch.float16 if where.type == "cuda" and not faithful else torch.float32)
    picture, mask, flow = (np.ascontiguousarray(part, np.float32) for part in (picture, np.clip(mask, 0, 1), flow))
    travel = np.where(mask[..., None] > 0, flow, np.float32(0))
    still = to_bytes(picture)
    if not faithful and (settings.frames == 1 or not travel.any()):
        note = "one frame is only the still" if settings.frames == 1 else "the flow is zero, so nothing moves"
        return Rendering(settings.frames, lambda: ((still.copy(), 0.0) for _ in range(settings.frames)), (note,))

    @cache
    def clip() -> Clip:
        wanted = np.ones_like(mask, np.bool_) if faithful else mask > 0
        scene = make_scene(picture, travel, wanted, settings.frames)
        return Clip(network, scene, Engine(where, kind, largest or largest_for(where, kind)), reporter)

    def source() -> Iterator[tuple[ByteArray, float]]:
        try:
            for frame in clip().frames():
                check_finite(frame, kind)
                holes = frame.holes / max(int((mask > 0).sum()), 1)
                yield (whole_frame(frame, still) if faithful else restore(frame, picture, mask, still)), holes
        except RuntimeError as error:
            if not out_of_memory(error):
                raise
            raise UserError(
                "the video network needs more memory than the GPU has free; use the device cpu, or a smaller picture"
            ) from None

    note = "the network paints frame 0 too: it is close to the still, but not the same"
    return Rendering(settings.frames, source, (note,) if settings.start_still else ())


def make_scene(picture: FloatArray, flow: FloatArray, wanted: np.ndarray, count: int) -> Scene:
    """The scene of one picture; sides that are no multiple of 4 are continued to one by their last row or column."""
    height, width = picture.shape[:2]
    below, beside = -height % STRIDE, -width % STRIDE
    border = ((0, below), (0, beside), (0, 0))
    padded = torch.from_numpy(np.ascontiguousarray(np.pad(signed(picture), border, "edge").transpose(2, 0, 1)))
    travel = torch.from_numpy(np.pad(flow, border, "edge"))
    return Scene(padded, None, travel, torch.from_numpy(np.pad(wanted, border[:2])), count)


def largest_for(device: torch.device, dtype: torch.dtype) -> int:
    """Pixels that may be decoded at a time: what fits half of a GPU's free memory, else `LARGEST`."""
    if device.type != "cuda":
        return LARGEST
    free, _ = torch.cuda.mem_get_info(device)
    return max(256 * 256, free // 2 // (LIVE_CHANNELS * dtype.itemsize))


def check_finite(frame: Frame, dtype: torch.dtype) -> None:
    """Refuse a frame that is no picture.

    Raises:
        UserError: some value is not finite.
    """
    if not all(bool(torch.isfinite(part).all()) for _, part in frame.parts):
        reason = "its weights are damaged" if dtype == torch.float32 else "half precision is too small; use float32"
        raise UserError(f"the video network's picture holds values that are no numbers: {reason}")


def restore(frame: Frame, picture: FloatArray, mask: FloatArray, still: ByteArray) -> ByteArray:
    """The decoded parts over the picture: the share `mask` of either, and exactly the picture where that is 0."""
    result = still.copy()
    for area, part in frame.parts:
        inside = area.within(whole(*mask.shape))
        share, under = mask[inside][..., None], picture[inside]
        made = (part.movedim(0, -1).numpy() + np.float32(1)) / np.float32(2)
        result[inside] = np.where(share > 0, to_bytes(under + share * (made - under)), still[inside])
    return result


def whole_frame(frame: Frame, still: ByteArray) -> ByteArray:
    """The decoded parts, which cover the picture, as the paper makes bytes of them."""
    result = np.empty_like(still)
    for area, part in frame.parts:
        result[area.within(whole(*still.shape[:2]))] = truncated_bytes(part.movedim(0, -1).numpy())
    return result
