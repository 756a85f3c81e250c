"""Measures a clip that lies in a file or a folder of PNGs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from t2c_ext.evaluate.meter import evaluate
from t2c_ext.evaluate.report import Report
from t2c_ext.media.frames import read_video
from t2c_ext.media.pictures import read_mask, read_picture
from t2c_ext.motion.field import read_flow
from t2c_ext.types import ByteArray

LOSSLESS = (".apng", ".png")


def evaluate_file(
    path: Path,
    *,
    image: Path | None = None,
    mask: Path | None = None,
    angle: float | None = None,
    flow: Path | None = None,
    truth_flow: Path | None = None,
    truth_mask: Path | None = None,
    holes: float | None = None,
) -> Report:
    """Measure an MP4, WebM, GIF, WebP, APNG, or a folder of PNGs; see `evaluate` for the measures.

    Args:
        path: the clip. A folder, an APNG or a PNG is judged by the targets of raw frames, everything else by those
            of encoded ones.
        image, mask: files of the still and of what moves, brought to the clip's size when they differ.
        angle: the direction that was asked for, degrees.
        flow, truth_flow: flow files (.npz, .npy, .flo, .pt) of the flow that was used and of the true one.
        truth_mask: file of the true mask.
        holes: the share of holes that the loop stage reported.

    Raises:
        UserError: a file cannot be read, or `evaluate` refuses the clip.
    """

    def frames() -> Iterator[ByteArray]:
        return iter(read_video(path))

    size = next(frames()).shape[:2]
    return evaluate(
        frames,
        still=None if image is None else read_picture(image).rgb,
        mask=None if mask is None else read_mask(mask, size),
        angle=angle,
        predicted_flow=None if flow is None else read_flow(flow),
        truth_flow=None if truth_flow is None else read_flow(truth_flow),
        truth_mask=None if truth_mask is None else read_mask(truth_mask, size),
        encoded=path.suffix.lower() not in LOSSLESS and not path.is_dir(),
        holes=holes,
        file_bytes=None if path.is_dir() else path.stat().st_size,
    )
