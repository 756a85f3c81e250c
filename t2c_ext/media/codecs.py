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

_BT601_MATRIX, _BT709, _VIDEO_RANGE = 6, 1, 1
"""Codes of ITU-T H.273. Players that do not read the tags take BT.601 for granted, so that is what is written."""


def quantiser_of(quality: int) -> int:
    """x264's quantiser: 10 at quality 100, 15 at 80, 35 at 1."""
    return round(15 + (80 - quality) * 0.25)


def write_mp4(path: Path, clip: Clip) -> None:
    """H.264 in MP4, yuv420p, one index at the front; odd sides are widened by a pixel."""
    height, width = clip.size
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        container.metadata.update(container_tags(clip.text))
        stream = container.add_stream("libx264", rate=_rate(clip.fps))
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "x264-params": f"{LOOP_SAFE}:qp={quantiser_of(clip.quality)}",
        }
        _tag(stream.codec_context)
        for frame in clip.tracked():
            even = np.pad(clip.on_white(frame), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
            planes = cv2.cvtColor(even, cv2.COLOR_RGB2YUV_I420)
            picture = av.VideoFrame.from_ndarray(planes, format="yuv420p")
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


def write_webm(path: Path, clip: Clip) -> None:
    """VP9 in WebM, with the opacity where there is one."""
    height, width = clip.size
    with av.open(str(path), "w", format="webm") as container:
        container.metadata.update(container_tags(clip.text))
        stream = container.add_stream("libvpx-vp9", rate=_rate(clip.fps))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if clip.alpha is None else "yuva420p"
        stream.bit_rate = 0
        quantiser = str(max(4, round(20 + (80 - clip.quality) * 0.5)))
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
        for frame in clip.tracked():
            container.mux(stream.encode(_yuv(clip, frame)))
        container.mux(stream.encode())


def _tag(context: av.VideoCodecContext) -> None:
    context.thread_count = 0
    context.colorspace, context.color_range = _BT601_MATRIX, _VIDEO_RANGE
    context.color_primaries = context.color_trc = _BT709


def _yuv(clip: Clip, frame: ByteArray) -> av.VideoFrame:
    form = "rgb24" if clip.alpha is None else "rgba"
    picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(clip.with_alpha(frame)), format=form)
    target = "yuv420p" if clip.alpha is None else "yuva420p"
    return picture.reformat(format=target, dst_colorspace="ITU601")


def _rate(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)
