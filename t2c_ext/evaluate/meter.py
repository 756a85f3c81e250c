"""Measures a clip: one pass over its frames, two when the mask has to be found."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.evaluate.coherence import CoherenceMeter
from t2c_ext.evaluate.fit import fit_flow, fit_mask, fit_still, odd_side
from t2c_ext.evaluate.flows import angle_between, angular_error, end_point_error, mean_direction, travel_of
from t2c_ext.evaluate.masks import boundary_f, inside, intersection_over_union, is_soft, outside
from t2c_ext.evaluate.motion import MotionMeter
from t2c_ext.evaluate.report import Report
from t2c_ext.evaluate.seam import SeamMeter
from t2c_ext.evaluate.sharpness import SharpnessMeter
from t2c_ext.evaluate.static import GreyMeter, StaticMeter
from t2c_ext.evaluate.structure import StructureMeter
from t2c_ext.types import BoolArray, ByteArray, FloatArray, scale_of

FrameSource = Iterable[ByteArray] | Callable[[], Iterable[ByteArray]]
"""The frames, uint8 [H, W, 3] each, or what gives them anew at every call."""

_MOVES = 2.0
_SPECK = 4.0


@dataclass(frozen=True)
class Truth:
    """What a clip is compared with, all at the clip's size; None where it is not known.

    Attributes:
        angle: direction that was asked for, degrees.
        predicted_flow: float32 [H, W, 2], the flow that the clip was made with.
        true_flow: float32 [H, W, 2].
        predicted_mask: float32 [H, W].
        true_mask: float32 [H, W].
    """

    angle: float | None = None
    predicted_flow: FloatArray | None = None
    true_flow: FloatArray | None = None
    predicted_mask: FloatArray | None = None
    true_mask: FloatArray | None = None


class Meters:
    """All meters of one clip; each takes every frame once."""

    def __init__(self, still: ByteArray, mask: FloatArray, compare_outside: ByteArray | None) -> None:
        """`still`: uint8 [H, W, 3]; `mask`: float32 [H, W]; `compare_outside`: the still that frames must equal."""
        self.where = inside(mask)
        self.seam = SeamMeter(self.where)
        self.sharpness = SharpnessMeter(still, self.where)
        self.structure = StructureMeter(still, self.where)
        self.coherence = CoherenceMeter(still, self.where)
        self.static = StaticMeter(outside(mask), compare_outside)
        self.grey = GreyMeter(still, self.where)
        self.motion = MotionMeter(self.where)

    def add(self, frame: ByteArray) -> None:
        """Take the next frame, uint8 [H, W, 3]."""
        for meter in (
            self.seam,
            self.sharpness,
            self.structure,
            self.coherence,
            self.static,
            self.grey,
            self.motion,
        ):
            meter.add(frame)

    def fill(self, report: Report) -> FloatArray | None:
        """Write the measures into the report; returns the clip's mean optical flow."""
        seam, sharp = self.seam.result(), self.sharpness.result()
        static, motion = self.static.result(), self.motion.result()
        report.seam_ratio, report.last_repeats, report.repeats = seam.ratio, seam.last_repeats, seam.repeats
        report.sharpness_lowest, report.sharpness_highest = sharp.lowest, sharp.highest
        report.breathing = sharp.breathing
        structure = self.structure.result()
        report.drift, report.kept = structure.drift, structure.kept
        report.coherence = self.coherence.worst
        report.outside_exact, report.outside_psnr = static.exact, static.psnr
        report.outside_changed = static.changed
        report.grey = self.grey.result()
        report.video_angle, report.travel = motion.angle, motion.travel
        return motion.flow


def evaluate(
    frames: FrameSource,
    *,
    still: ByteArray | FloatArray | None = None,
    mask: FloatArray | None = None,
    angle: float | None = None,
    predicted_flow: FloatArray | None = None,
    truth_flow: FloatArray | None = None,
    predicted_mask: FloatArray | None = None,
    truth_mask: FloatArray | None = None,
    encoded: bool = False,
    holes: float | None = None,
    file_bytes: int | None = None,
) -> Report:
    """Measure one clip.

    Args:
        frames: uint8 [H, W, 3] each; read one by one and never all held. Without `mask` they are read twice: give a
            list, or a callable that gives them anew.
        still: uint8 or float32 (0..1) [H, W, 3], the picture; without it, frame 0 stands for it.
        mask: float32 [H, W], 0..1, what moves, as feathered by the loop; without it, the moving area is measured.
        angle: the direction that was asked for, degrees.
        predicted_flow, truth_flow: float32 [H, W, 2], pixels per frame of their own size.
        predicted_mask, truth_mask: float32 [H, W].
        encoded: the frames come from a lossy file.
        holes: the share of holes that the loop stage reported, passed on.
        file_bytes: size of the file, passed on and scaled.

    Stills, masks and flows of another size than the frames are brought to it, which the report notes; of a video that
    has one row or column more or less than they, as codecs want even sides, that row or column is left out or repeated.

    Raises:
        UserError: no frames, frames of another shape or type, an empty mask.
    """
    notes: list[str] = []
    read = _reader(frames)
    first = _first(read)
    size = first.shape[:2]
    report = Report(encoded=encoded, height=size[0], width=size[1], notes=notes, holes=holes)
    picture = None if still is None else fit_still(still, size, notes)
    if mask is None:
        if isinstance(frames, Iterator):
            raise UserError("without a mask the frames are read twice; give a list of frames, or a mask")
        mask = moving_area(read())
        notes.append("no mask given: the moving area was taken from the frames' change over time")
    else:
        mask = fit_mask(mask, size, notes)
    if not (mask > 0.5).any():
        raise UserError("nothing moves: the mask is empty, or the frames are all alike; give a mask whose white moves")
    if not is_soft(mask):
        notes.append("the mask has a hard edge: pixels within 8 px (at 512) of it do not count as outside")
    if picture is None:
        notes.append("no still given: frame 0 stands for it, and exactness outside the mask is not judged")
    same_size = still is not None and odd_side(still.shape, size)
    meters = Meters(first if picture is None else picture, mask, picture if same_size else None)
    report.frames = _measure(read(), meters, size)
    seen = meters.fill(report)
    truth = Truth(
        angle,
        fit_flow(predicted_flow, size),
        fit_flow(truth_flow, size),
        None if predicted_mask is None else fit_mask(predicted_mask, size, notes),
        None if truth_mask is None else fit_mask(truth_mask, size, notes),
    )
    _compare(report, truth, meters.where, mask, seen)
    if file_bytes is not None:
        report.file_bytes = file_bytes
        report.megabytes_60 = file_bytes / 1e6 * (60 / report.frames) * (512 * 512 / (size[0] * size[1]))
    return report


def moving_area(frames: Iterable[ByteArray]) -> FloatArray:
    """float32 [H, W], 0 or 1: where the clip moves.

    A pixel moves when the standard deviation of its luma over time, smoothed by a Gaussian of 2 px at 512, is above 2
    of 255; specks and gaps smaller than 4 px at 512 are removed (opening, then closing).
    """
    count, total, squares = 0, np.zeros((1, 1)), np.zeros((1, 1))
    for frame in frames:
        luma = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).astype(np.float64)
        total, squares, count = total + luma, squares + luma * luma, count + 1
    variance = np.maximum(squares / count - (total / count) ** 2, 0)
    scale = scale_of(*variance.shape)
    smooth = cv2.GaussianBlur(np.sqrt(variance), (0, 0), max(2.0 * scale, 0.5))
    moving: Any = (smooth > _MOVES).astype(np.uint8)
    side = 2 * round(_SPECK * scale / 2) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side))
    for operation in (cv2.MORPH_OPEN, cv2.MORPH_CLOSE):
        moving = cv2.morphologyEx(moving, operation, kernel)
    return moving.astype(np.float32)


def _reader(frames: FrameSource) -> Callable[[], Iterator[ByteArray]]:
    """What starts reading; a one-shot iterator keeps its first frame for the second start."""
    if callable(frames):
        source = frames
        return lambda: iter(source())
    if not isinstance(frames, Iterator):
        items = frames
        return lambda: iter(items)
    once = frames
    held: list[ByteArray] = []

    def again() -> Iterator[ByteArray]:
        yield from held
        for frame in once:
            held[:] = held or [frame]
            yield frame

    return again


def _first(read: Callable[[], Iterator[ByteArray]]) -> ByteArray:
    first = next(read(), None)
    if first is None:
        raise UserError("the clip has no frames; give one that plays")
    _check(first, first.shape[:2], 0)
    return first


def _check(frame: ByteArray, size: tuple[int, ...], number: int) -> None:
    if frame.ndim != 3 or frame.shape[2] != 3 or frame.dtype != np.uint8 or frame.shape[:2] != tuple(size):
        raise UserError(
            f"frame {number} is {frame.dtype} {list(frame.shape)}, but must be uint8 [{size[0]}, {size[1]}, 3]"
        )


def _measure(frames: Iterator[ByteArray], meters: Meters, size: tuple[int, ...]) -> int:
    count = 0
    for frame in frames:
        _check(frame, size, count)
        meters.add(frame)
        count += 1
    return count


def _compare(report: Report, truth: Truth, where: BoolArray, mask: FloatArray, seen: FloatArray | None) -> None:
    """Write what needs a given direction, flow or mask into the report."""
    report.angle = truth.angle
    if truth.predicted_flow is not None:
        report.flow_angle = mean_direction(truth.predicted_flow, where)
        report.flow_travel = travel_of(truth.predicted_flow, report.frames, where)
    report.flow_angle_error = _between(truth.angle, report.flow_angle)
    report.video_angle_error = _between(truth.angle, report.video_angle)
    report.video_flow_error = _between(report.flow_angle, report.video_angle)
    judged = seen if truth.predicted_flow is None else truth.predicted_flow
    if truth.true_flow is not None and judged is not None:
        moving = where & (np.linalg.norm(truth.true_flow, axis=2) > 1e-3)
        if moving.any():
            report.angular_error = angular_error(judged, truth.true_flow, moving)
            report.end_point_error = end_point_error(judged, truth.true_flow, moving)
    if truth.true_mask is not None:
        predicted = mask if truth.predicted_mask is None else truth.predicted_mask
        report.iou = intersection_over_union(predicted, truth.true_mask)
        report.boundary_f = boundary_f(predicted, truth.true_mask)


def _between(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else angle_between(first, second)
