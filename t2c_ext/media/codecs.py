"""MP4 (H.264) and WebM (VP9), through PyAV."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from t2c_ext.media.clip import Clip
from t2c_ext.media.text import container_tags
from t2c_ext.types import ByteArray

LOOP_SAFE = "keyint=infinite:scenecut=0:mbtree=0:aq-mode=0:pbratio=1:bframes=0:partitions=all:ipratio=2"
"""One key frame, finer than the rest, since every frame copies what stands still from it; the others all alike, so
that the step from the last frame to the first is like any other."""

ENOUGH_BITS = 0.35
"""Bits per pixel and frame, at quality 80, below which a clip is encoded again by `FINER` steps of the quantiser."""

FINER = 4

_BT601_MATRIX, _BT709, _VIDEO_RANGE = 6, 1, 1
"""Codes of ITU-T H.273. Players that do not read the tags take BT.601 for granted, so that is what is written."""


_FROM_RGB = np.array(
    [
        [0.299 * 219 / 255, 0.587 * 219 / 255, 0.114 * 219 / 255, 16],
        [-0.299 / 1.772 * 224 / 255, -0.587 / 1.772 * 224 / 255, 0.5 * 224 / 255, 128],
        [0.5 * 224 / 255, -0.587 / 1.402 * 224 / 255, -0.114 / 1.402 * 224 / 255, 128],
    ],
    np.float32,
)
"""Y, Cb and Cr from R, G, B and 1 (ITU-R BT.601, 8 bits, video range)."""


def quantiser_of(quality: int) -> int:
    """x264's quantiser: 10 at quality 100, 15 at 80, 35 at 1."""
    return round(15 + (80 - quality) * 0.25)


def write_mp4(path: Path, clip: Clip) -> None:
    """H.264 in MP4, yuv420p, one index at the front; odd sides are widened by a pixel.

    A quiet picture (a pale sky) takes few bits at any quantiser, and then its noise and its seam show most: such a
    clip is encoded again, finer, until it takes as many bits as a lively one may.
    """
    quantiser = quantiser_of(clip.quality)
    enough = ENOUGH_BITS * clip.count * clip.size[0] * clip.size[1] * 2 ** ((clip.quality - 80) / 24)
    finest = quantiser - 2 * FINER
    _encode_mp4(path, clip, quantiser)
    while path.stat().st_size * 8 < enough and quantiser > max(finest, 1):
        quantiser = max(quantiser - FINER, 1)
        _encode_mp4(path, clip, quantiser)


def _encode_mp4(path: Path, clip: Clip, quantiser: int) -> None:
    height, width = clip.size
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}) as container:
        container.metadata.update(container_tags(clip.text))
        stream = container.add_stream("libx264", rate=_rate(clip.fps))
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "x264-params": f"{LOOP_SAFE}:qp={quantiser}",
        }
        _tag(stream.codec_context)
        for frame in clip.tracked():
            container.mux(stream.encode(_video_frame(clip.on_white(frame), None, stream.height, stream.width)))
        container.mux(stream.encode())


def write_webm(path: Path, clip: Clip) -> None:
    """VP9 in WebM, with the opacity where there is one."""
    height, width = clip.size
    with av.open(str(path), "w", format="webm", options={"fflags": "+bitexact"}) as container:
        container.metadata.update(container_tags(clip.text))
        stream = container.add_stream("libvpx-vp9", rate=_rate(clip.fps))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if clip.alpha is None else "yuva420p"
        stream.bit_rate = 0
        quantiser = str(max(4, round(12 + (80 - clip.quality) * 0.5)))
        stream.options = {
            "crf": quantiser,
            "b": "0",
            "deadline": "good",
            "cpu-used": "5",
            "row-mt": "1",
            "auto-alt-ref": "0",
            "lag-in-frames": "0",
            "g": "9999",
        }
        if clip.alpha is not None:
            stream.metadata["alpha_mode"] = "1"
        _tag(stream.codec_context)
        opacity = None if clip.alpha is None else np.rint(clip.alpha * 255).astype(np.uint8)
        for frame in clip.tracked():
            container.mux(stream.encode(_video_frame(frame, opacity, height, width)))
        container.mux(stream.encode())


def _tag(context: av.VideoCodecContext) -> None:
    context.thread_count = 0
    context.colorspace, context.color_range = _BT601_MATRIX, _VIDEO_RANGE
    context.color_primaries = context.color_trc = _BT709


def to_planes(frame: ByteArray) -> tuple[ByteArray, ByteArray, ByteArray]:
    """Luma and the two colour differences, BT.601 in video range, each colour sample the mean of 2 x 2 pixels.

    Args:
        frame: uint8 [H, W, 3], RGB, both sides even.

    Returns:
        uint8 [H, W], [H / 2, W / 2], [H / 2, W / 2].
    """
    luma = cv2.transform(frame, _FROM_RGB[:1])
    half = cv2.resize(frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA)
    differences = cv2.transform(half, _FROM_RGB[1:])
    return np.asarray(luma), np.asarray(differences[:, :, 0]), np.asarray(differences[:, :, 1])


def _video_frame(frame: ByteArray, opacity: ByteArray | None, height: int, width: int) -> av.VideoFrame:
    """A frame, repeated at its edges where it is smaller than [height, width] or its sides are odd."""
    rows, columns = frame.shape[:2]
    pad = ((0, max(height, rows + rows % 2) - rows), (0, max(width, columns + columns % 2) - columns))
    even = np.pad(frame, (*pad, (0, 0)), mode="edge") if any(map(any, pad)) else np.ascontiguousarray(frame)
    planes = to_planes(even) if opacity is None else (*to_planes(even), opacity)
    picture = av.VideoFrame(width, height, "yuv420p" if opacity is None else "yuva420p")
    for plane, levels in zip(picture.planes, planes, strict=True):
        target = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        target[:, : plane.width] = levels[: plane.height, : plane.width]
    return picture


def _rate(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)
