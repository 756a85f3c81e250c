"""How much memory a loop will take, asked before the work, and what may be used."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.extents import LARGE
from t2c_ext.loop.windows import windows_of
from t2c_ext.settings import LoopSettings
from t2c_ext.types import BoolArray, FloatArray

MOST = 4_000_000_000
"""Bytes that one loop may take."""

PROGRAM = 350_000_000
"""Bytes that the program and its libraries take themselves (measured: 300 MB)."""

SEEN = 18
"""Bytes for each pixel of the picture while it is read, and while regions and motion are found: float32 colours, 8-bit
ones, a mask."""

EDGED = 60
"""Bytes for each pixel of the windows around what moves while its edge is found."""

STILL = 8
"""Bytes for each pixel of the picture while frames are prepared: 8-bit colours, what moves, a mask."""

MOVING = 185
"""Bytes for each pixel of the windows meanwhile, of which `KEPT` stay until the last frame. What moves by another law
than flow takes less (measured: waves 159, of which 59 stay; the others at most 54 and 17)."""

KEPT = 75
"""Bytes for each pixel of the windows that stay while frames are written (see `MOVING`)."""

FRAMES = 15
"""Bytes for each pixel of the picture while frames are written: the still, two frames, planes."""

CAMERA, PASSED = 41, 14
"""Bytes for each pixel of the picture that a camera takes while frames are prepared, and while they are written
(measured: 41 and 11, and a frame)."""

ENCODER = {"mp4": 33, "webm": 80, "gif": 8, "webp": 10, "apng": 8, "png": 8}
"""Bytes for each pixel of the picture that writers take (measured at 20 megapixels)."""

NETWORK, PAINTED = 2_900_000_000, 850
"""Bytes of the video network on a processor, and for each pixel of the picture, whose features (65 floats, encoded and
weighed) stay until the last frame (measured: 3.7 GB at one megapixel, 4.5 at two)."""

_MP4_LARGE, _MP4_HUGE, _HUGE = 23, 14, 1 << 25
"""Bytes for each pixel that x264 takes from `LARGE` pixels on, and beyond `_HUGE` pixels, where it is given less: see
`media.codecs`."""


LEAST = 512 * 512
"""Pixels that the video network is always let try, as the estimate is one of large pictures."""

ROOM = 0.9
"""Of the sides that would just do: margins around what moves, and steps of grids, do not shrink quite as it does."""


def check_memory(
    moving: BoolArray,
    settings: LoopSettings,
    allowed: int | None = None,
    device: str = "auto",
    camera: bool = False,
) -> None:
    """Refuse a loop that memory does not hold.

    Args:
        moving: bool [H, W], what moves.
        settings: renderer, kernel and format.
        allowed: bytes that may be used; None: `MOST`, or what the system has to give, if that is less.
        device: that the video network runs on; on a GPU it is not judged here, but says itself what it lacks.
        camera: a camera passes all of it.

    Raises:
        UserError: it takes more; the message says which size would do.
    """
    height, width = moving.shape
    area = height * width
    if settings.renderer != "warp":
        if _runs_on_processor(device):
            _check_network(width, height)
        return
    if area <= LARGE:
        return
    windowed = settings.kernel == "sharp"
    worked_on = sum(window.area for window in windows_of(moving)) if windowed else area
    allowed = min(MOST, available()) if allowed is None else allowed
    needed = bytes_needed(area, worked_on, settings.format, camera)
    if needed <= allowed:
        return
    share = fitting_share(area, worked_on, settings.format, allowed, camera)
    smaller = f"{int(width * share)}x{int(height * share)}"
    raise UserError(
        f"the picture is {width}x{height}, of which {worked_on / 1e6:.0f} megapixels lie around what moves: that takes "
        f"{needed / 1e9:.1f} GB of memory, and {allowed / 1e9:.1f} GB may be used; make it {smaller} or smaller, or "
        "move less of it"
    )


def _runs_on_processor(device: str) -> bool:
    """Whether networks would run there; without torch they run nowhere, which is said where they are opened."""
    if importlib.util.find_spec("torch") is None:
        return False
    from t2c_ext.weights.devices import choose_device

    return choose_device(device).type == "cpu"


def _check_network(width: int, height: int) -> None:
    """The same for the video network, which may take what the system has to give."""
    needed, allowed = NETWORK + PAINTED * width * height, available()
    if needed <= allowed or width * height <= LEAST:
        return
    share = ROOM * (max(allowed - NETWORK, PAINTED * LEAST) / (PAINTED * width * height)) ** 0.5
    raise UserError(
        f"the picture is {width}x{height}: the video network takes {needed / 1e9:.1f} GB of memory for it, and "
        f"{allowed / 1e9:.1f} GB are free; make it {int(width * share)}x{int(height * share)} or smaller, or take "
        "the renderer warp"
    )


def check_masks(
    masks: Sequence[FloatArray], size: tuple[int, int], settings: LoopSettings, device: str = "auto"
) -> None:
    """The same for masks of any size of a picture of `size` (height, width), before anything is made of them."""
    if settings.renderer == "warp" and size[0] * size[1] <= LARGE:
        return
    moving = np.zeros(size, np.bool_)
    for mask in masks:
        painted = (mask > 0).view(np.uint8)
        if painted.shape != size:
            painted = np.asarray(cv2.resize(painted, size[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)
        moving |= painted.view(np.bool_)
    check_memory(moving, settings, device=device)


def bytes_needed(area: int, worked_on: int, kind: str, camera: bool = False) -> int:
    """The most memory that a loop takes at a time.

    Args:
        area: pixels of the picture.
        worked_on: pixels of the windows around what moves.
        kind: the format.
        camera: a camera passes all of it.
    """
    seen = SEEN * area + EDGED * worked_on
    prepared = STILL * area + max(MOVING * worked_on, KEPT * worked_on + CAMERA * area * camera)
    written = (FRAMES + _encoder(kind, area) + PASSED * camera) * area + KEPT * worked_on
    return PROGRAM + max(seen, prepared, written)


def fitting_share(area: int, worked_on: int, kind: str, allowed: int, camera: bool = False) -> float:
    """By how much the sides have to shrink for the loop to take no more than `allowed` bytes, 0..1."""
    low, high = 0.0, 1.0
    for _ in range(20):
        middle = (low + high) / 2
        fits = bytes_needed(int(area * middle**2), int(worked_on * middle**2), kind, camera) <= allowed
        low, high = (middle, high) if fits else (low, middle)
    return ROOM * low


def _encoder(kind: str, area: int) -> int:
    if kind != "mp4" or area <= LARGE:
        return ENCODER.get(kind, max(ENCODER.values()))
    return _MP4_LARGE if area <= _HUGE else _MP4_HUGE


def available() -> int:
    """Bytes that the system can give without swapping; `MOST` where it does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return MOST
