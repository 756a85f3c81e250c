"""Flow files, and a flow that the user gives.

Read are `.npz` (array `flow`, the only array that is one, or two of one component each), `.npy`, `.flo` (Middlebury)
and the paper's `Motion.pt` / `.pth`, whose values are divided by 64; channels first or last, with or without a batch of
one. Where a flow lies on its side beside its picture ([W, H, 2], as some programs index), it is put upright. Sizes are
judged before anything is unpacked.

Values that are no motion: a vector of a `.flo` beyond 1e9 means "unknown" in that format and becomes zero. Anything
else that is not finite, or longer per frame than twice the field's long side, is refused: silently cleaned, it would
move the picture in a way that nobody asked for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.arrays import read_arrays, read_npy
from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.settings import MotionSettings
from t2c_ext.types import FloatArray, Flow

MOTION_NORM = 64.0
"""The paper's networks and its Motion.pt hold pixels per frame divided by this (`motion_norm` in its code)."""

_FLO_MAGIC = 202021.25
_FLO_UNKNOWN = 1e9
_MAX_SIDE = 32768
_LARGEST = 80_000_000
"""Pixels; no picture has more."""

_HEAD = 12
"""Bytes in front of a `.flo`'s vectors: its mark, width and height."""

_COMPONENTS = (("u", "v"), ("dx", "dy"), ("x", "y"), ("flow_x", "flow_y"), ("vx", "vy"))
"""What programs call the arrays of a flow that they keep apart."""

_SAME_SHAPE, _OTHER_SHAPE = 0.02, 0.1
"""Logarithms of aspects: up to the first they are one, from the second on they differ."""

_NEARLY_ALL = 0.95
"""The share of a picture from which on a flow that says what moves says that everything does."""


def read_flow(source: str | os.PathLike[str] | NDArray[Any]) -> FloatArray:
    """The flow of a file or an array: float32 [h, w, 2], (dx, dy) in pixels per frame of its own size.

    Raises:
        UserError: the file cannot be read, is of an unknown kind, or holds no flow.
    """
    if not isinstance(source, (str, os.PathLike)):
        return _checked(_channels_last(np.asarray(source), "the flow"), "the flow")
    path = Path(source)
    readers = {".npz": _read_npz, ".npy": read_npy, ".flo": _read_flo, ".pt": _read_torch, ".pth": _read_torch}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise UserError(f"{path.name or path} is no flow file; known are {', '.join(readers)}")
    try:
        if not path.is_file():
            raise UserError(f"there is no flow file {path}")
        values = reader(path)
    except UserError:
        raise
    except Exception as error:  # damaged files raise whatever their reader meets first
        raise UserError(
            f"cannot read the flow {path.name}: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
        ) from None
    return _checked(_channels_last(values, path.name), path.name)


def write_flow(path: str | os.PathLike[str], flow: FloatArray) -> None:
    """Write flow [H, W, 2] as `.npz` with the array `flow`; the file appears only when it is complete.

    Raises:
        UserError: the name does not end in .npz, or the place cannot be written.
    """
    target = Path(path)
    if target.suffix.lower() != ".npz":
        raise UserError(f"a flow is written as .npz, so {target.name} needs that ending")
    try:
        with replacing(target) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, flow=np.asarray(flow, np.float32))
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror or error}") from None


def resize_flow(flow: FloatArray, height: int, width: int) -> FloatArray:
    """The flow [h, w, 2] for a picture of another size: resampled, and its vectors scaled with the picture."""
    old_height, old_width = flow.shape[:2]
    if (old_height, old_width) == (height, width):
        return flow.copy()
    smaller = height < old_height and width < old_width
    resized = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR)
    scale = np.array([width / old_width, height / old_height], np.float32)
    return np.ascontiguousarray(resized * scale, np.float32)


def prepare_flow(flow: FloatArray, mask: FloatArray, settings: MotionSettings) -> Flow:
    """The user's flow, made fit for a picture: resized, multiplied by the speed, zero outside the mask.

    A given flow is taken as it is: `settings.speed` multiplies it, and nothing brings it to a median speed.

    Args:
        flow: float32 [h, w, 2] or [2, h, w], pixels per frame of its own size.
        mask: float32 [H, W], 0..1.
        settings: only `speed` and `flip` are used.

    Raises:
        UserError: the flow is no flow, the mask is empty, or the flow stands still inside it.
    """
    if not np.any(mask > 0):
        raise UserError("the mask is empty; paint where it moves")
    field, notes = fit_flow(read_flow(np.asarray(flow)), *mask.shape)
    field *= np.float32(settings.speed)
    field[mask <= 0] = 0
    if settings.speed > 0 and not np.any(field):
        raise UserError("the flow stands still everywhere inside the mask; check that both belong to this picture")
    return Flow(flipped(field, settings), "file", notes)


def flipped(field: FloatArray, settings: MotionSettings) -> FloatArray:
    """The field, turned round everywhere where the settings say so."""
    return np.negative(field) if settings.flip else field


def fit_flow(flow: FloatArray, height: int, width: int) -> tuple[FloatArray, tuple[str, ...]]:
    """The flow [h, w, 2] of a picture, upright and of its size, in an array of its own, and sentences for the user."""
    notes: tuple[str, ...] = ()
    old_height, old_width = flow.shape[:2]
    aspect = np.log(width / height)
    if abs(np.log(old_width / old_height) - aspect) > _OTHER_SHAPE:
        if abs(np.log(old_height / old_width) - aspect) <= _SAME_SHAPE:
            flow = flow.swapaxes(0, 1)
            notes += ("The flow lay on its side ([width, height, 2]) and was put upright.",)
        else:
            notes += (f"The flow has another shape than the picture ({old_width} x {old_height}).",)
    if flow.shape[:2] != (height, width):
        notes += (f"The flow was resized to the picture's {width} x {height}.",)
    return resize_flow(np.ascontiguousarray(flow), height, width), notes


def moving_by_flow(flow: FloatArray, height: int, width: int) -> tuple[FloatArray, tuple[str, ...]]:
    """What moves by a flow where nothing else says it: wherever the flow is not zero.

    Args:
        flow: float32 [h, w, 2].
        height, width: of the picture.

    Returns:
        float32 [height, width], 0..1, and sentences for the user.

    Raises:
        UserError: the flow is zero everywhere.
    """
    moves = (flow[..., 0] != 0) | (flow[..., 1] != 0)
    if not moves.any():
        raise UserError("the flow is zero everywhere: nothing would move")
    share = np.repeat(moves[..., None], 2, axis=2).astype(np.float32)
    mask = np.ascontiguousarray((fit_flow(share, height, width)[0] > 0).any(axis=2), np.float32)
    if mask.mean() >= _NEARLY_ALL:
        return mask, ("The flow moves the whole picture; give a mask to hold a part of it still.",)
    return mask, ()


def _channels_last(values: NDArray[Any], name: str) -> FloatArray:
    if not (np.issubdtype(values.dtype, np.floating) or np.issubdtype(values.dtype, np.integer)):
        raise UserError(f"{name} holds {values.dtype} values, but a flow is made of real numbers")
    if values.ndim == 4 and values.shape[0] == 1:
        values = values[0]
    if values.ndim != 3 or 2 not in (values.shape[-1], values.shape[0]):
        raise UserError(f"{name} has the shape {list(values.shape)}, but a flow is [H, W, 2] or [2, H, W]")
    if values.shape[-1] != 2:
        values = values.transpose(1, 2, 0)
    if min(values.shape) < 1 or max(values.shape) > _MAX_SIDE or values.shape[0] * values.shape[1] > _LARGEST:
        raise UserError(
            f"{name} has the shape {list(values.shape)}, but each side must be from 1 to {_MAX_SIDE}, and both "
            f"together at most {_LARGEST // 10**6} megapixels"
        )
    with np.errstate(over="ignore"):
        return np.ascontiguousarray(values, np.float32)


def _checked(flow: FloatArray, name: str) -> FloatArray:
    lowest, highest = float(flow.min()), float(flow.max())
    if not np.isfinite(highest - lowest):
        share = 1 - float(np.isfinite(flow).all(axis=2).mean())
        raise UserError(f"{name} has NaN or infinite vectors ({share:.1%} of them); set them to zero")
    largest, limit = max(highest, -lowest), 2 * max(flow.shape[:2])
    if largest > limit:
        raise UserError(f"{name} moves up to {largest:.3g} pixels per frame; more than {limit} is no motion")
    return flow


def _read_npz(path: Path) -> NDArray[Any]:
    found = read_arrays(path)
    if "flow" in found:
        return found["flow"]
    likely = [values for values in found.values() if values.ndim in (3, 4) and 2 in values.shape]
    if len(likely) == 1 or len(found) == 1:
        return likely[0] if likely else next(iter(found.values()))
    for first, second in _COMPONENTS:
        if first in found and second in found and found[first].shape == found[second].shape:
            return np.stack([found[first], found[second]], axis=-1)
    raise UserError(f"{path.name} has no array called flow, but {', '.join(found)[:80] or 'nothing'}")


def _read_flo(path: Path) -> NDArray[Any]:
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if len(head) < _HEAD or np.frombuffer(head, "<f4", 1)[0] != np.float32(_FLO_MAGIC):
            raise UserError(f"{path.name} is not a .flo file (its first four bytes are wrong)")
        width, height = (int(side) for side in np.frombuffer(head, "<i4", 2, 4))
        sides = 0 < width <= _MAX_SIDE and 0 < height <= _MAX_SIDE and width * height <= _LARGEST
        if not sides or size != _HEAD + 8 * width * height:
            raise UserError(f"{path.name} is damaged: its length does not fit its size of {width} x {height}")
        flow = np.fromfile(file, "<f4", 2 * width * height).reshape(height, width, 2)
    flow[((flow > _FLO_UNKNOWN) | (flow < -_FLO_UNKNOWN)).any(axis=2)] = 0
    return flow


def _read_torch(path: Path) -> NDArray[Any]:
    try:
        import torch  # an extra, and slow to load
    except ImportError:
        raise UserError(f"{path.name} needs PyTorch to be read: pip install torch, or save the flow as .npz") from None
    from t2c_ext.weights.states import load_tensor

    try:
        values = load_tensor(path)
    except UserError as error:
        raise UserError(f"cannot read the flow {path.name}: {error}") from None
    if values.ndim == 4 and values.shape[1] != 2 and values.shape[-1] != 2:
        raise UserError(f"{path.name} has the shape {list(values.shape)}, but a flow is [1, 2, H, W]")
    return np.asarray(values.detach().to(torch.float32).numpy() * MOTION_NORM)
