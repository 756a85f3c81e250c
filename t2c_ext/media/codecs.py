"""MP4 (H.264) and WebM (VP9), through PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain, islice
from math import log2
from pathlib import Path

import av
import numpy as np

from t2c_ext.extents import LARGE, whole_of
from t2c_ext.media.clip import Clip
from t2c_ext.media.metadata import av_name
from t2c_ext.media.planes import PlaneMaker, Planes, mean_change
from t2c_ext.media.text import container_tags
from t2c_ext.types import ByteArray

LOOP_SAFE = (
    "keyint=infinite:scenecut=0:bframes=0:mbtree=0:aq-mode=0:partitions=all:8x8dct=0:ref=3:trellis=1:no-dct-decimate=1"
)
"""One key frame, and every other frame of the same kind, so that no step is unlike the others. What stands still is
copied: transforms of 4 x 4 keep noise from leaking over a mask's edge, and nothing faint is dropped there."""

LARGE_FRAMES = ":ref=1:rc-lookahead=0:weightp=0"
"""Of frames above `LARGE` pixels the encoder keeps one at a time to predict from, and looks at none ahead."""

HUGE = 1 << 25
"""Pixels of a frame (8192 x 4096) from which on the encoder has half of the memory."""

HUGE_FRAMES = f"{LARGE_FRAMES}:threads=1:subme=0:me=dia"
"""Without planes of half pixels (three more of the frame's size) and without a frame for each thread."""

TAIL = 6
"""Frames at the end, at most, whose quantiser falls to that of the last."""

_FULL = 15
"""The quantiser of a lively clip at quality 80."""

_FINEST = 2

_BT601_MATRIX, _BT709, _VIDEO_RANGE = 6, 1, 1
"""Codes of ITU-T H.273. Players that do not read the tags take BT.601 for granted, so that is what is written."""


@dataclass(frozen=True)
class Quantisers:
    """H.264 quantisers (0 the finest, 51 the coarsest; 6 more double the step) of a loop.

    A frame copies the noise of the one before it, so between two frames noise hardly changes; only the key frame has
    noise of its own, and at the seam that shows, the more the less the picture itself changes. So noise is kept below
    that change where the loop closes: the last frames become finer, one after another.

    Attributes:
        main: of most frames.
        last: of the last frame.
        key: of the first one, from which what stands still is copied in all others.
    """

    main: int
    last: int
    key: int

    def at(self, number: int, count: int) -> int:
        """The quantiser of a frame after the first, of so many."""
        tail = min(TAIL, count // 4)
        share = max(0, number - (count - 1 - tail)) / max(tail, 1)
        return round(self.main + (self.last - self.main) * share)


_DOUBLE = 6
"""Quantisers from one step to its double."""


def quantiser_of(quality: int) -> int:
    """x264's quantiser for a lively clip: 10 at quality 100, 15 at 80, 35 at 1."""
    return round(_FULL + (80 - quality) * 0.25)


def quantisers(change: float, quality: int) -> Quantisers:
    """The quantisers of a clip whose luma changes by so many levels of 255 from frame to frame, where it moves.

    At quality 80 the quantiser's step is at most twice the change, and in the last frame half of it at most.
    """
    base = quantiser_of(quality)
    if change <= 0:
        return Quantisers(base, base, base - 6)
    coarser = base - _FULL
    same = _of_step(change) + coarser
    main = min(base, max(_FINEST, round(same + _DOUBLE)))
    last = min(main, max(0, round(same - _DOUBLE)))
    return Quantisers(main, last, max(0, min(last, main - 6)))


def _of_step(step: float) -> float:
    """The quantiser whose step is so many levels."""
    return _DOUBLE * (log2(step) - log2(0.625))


def write_mp4(path: Path, clip: Clip) -> None:
    """H.264 in MP4, yuv420p, one index at the front; odd sides are widened by a pixel."""
    height, width = clip.size
    maker = PlaneMaker(clip.mask)
    planes = (maker(clip.on_white(frame)) for frame in clip.tracked())
    opening = list(islice(planes, 2))
    change = mean_change(opening[0][0], opening[1][0]) if len(opening) == 2 else 0.0
    with av.open(
        av_name(path), "w", format="mp4", options={"movflags": "+faststart", "fflags": "+bitexact"}
    ) as container:
        container.metadata.update(container_tags(clip.text))
        stream = container.add_stream("libx264", rate=_rate(clip.fps))
        stream.width, stream.height, stream.pix_fmt = width + width % 2, height + height % 2, "yuv420p"
        stream.options = {
            "preset": "veryfast",
            "x264-params": f"{LOOP_SAFE}:{_x264_quantisers(quantisers(change, clip.quality), clip.count)}"
            f"{_bounded(height * width)}",
        }
        _tag(stream.codec_context)
        for picture in chain(opening, planes):
            container.mux(stream.encode(_video_frame(picture, stream.height, stream.width)))
        container.mux(stream.encode())


def _bounded(area: int) -> str:
    """What keeps x264's memory within bounds for frames of so many pixels: 33 bytes a pixel, then 23, then 14."""
    return "" if area <= LARGE else LARGE_FRAMES if area <= HUGE else HUGE_FRAMES


def _x264_quantisers(chosen: Quantisers, count: int) -> str:
    zones = [(number, chosen.at(number, count)) for number in range(max(1, count - TAIL), count)]
    listed = "/".join(f"{number},{number},q={value}" for number, value in zones if value != chosen.main)
    ratio = 2 ** ((chosen.main - chosen.key) / 6)
    return f"qp={chosen.main}:ipratio={ratio:.6f}" + (f":zones={listed}" if listed else "")


def write_webm(path: Path, clip: Clip) -> None:
    """VP9 in WebM, with the opacity where there is one.

    `qmax` holds the frames that the encoder would make coarser than asked for near the others.
    """
    height, width = clip.size
    with av.open(av_name(path), "w", format="webm", options={"fflags": "+bitexact"}) as container:
        container.metadata.update(container_tags(clip.text))
        stream = container.add_stream("libvpx-vp9", rate=_rate(clip.fps))
        stream.width, stream.height = width, height
        stream.pix_fmt = "yuv420p" if clip.alpha is None else "yuva420p"
        stream.bit_rate = 0
        quantiser = max(2, round(7 + (80 - clip.quality) * 0.5))
        stream.options = {
            "crf": str(quantiser),
            "qmax": str(quantiser + 1),
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
        for picture in _opaque_or_not(clip):
            container.mux(stream.encode(_video_frame(picture, height, width)))
        container.mux(stream.encode())


def _opaque_or_not(clip: Clip) -> Iterator[tuple[ByteArray, ...]]:
    """The planes of each frame, the opacity the fourth where there is one."""
    maker = PlaneMaker(clip.mask)
    opacity = () if clip.alpha is None else (clip.opacity(whole_of(clip.size)),)
    for frame in clip.tracked():
        yield (*maker(frame), *opacity)


def _tag(context: av.VideoCodecContext) -> None:
    context.thread_count = 0
    context.colorspace, context.color_range = _BT601_MATRIX, _VIDEO_RANGE
    context.color_primaries = context.color_trc = _BT709


def _video_frame(planes: Planes | tuple[ByteArray, ...], height: int, width: int) -> av.VideoFrame:
    """A frame of [height, width] from its planes, of which the last row or column may be left over."""
    picture = av.VideoFrame(width, height, "yuv420p" if len(planes) == 3 else "yuva420p")
    for plane, levels in zip(picture.planes, planes, strict=True):
        target = np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        target[:, : plane.width] = levels[: plane.height, : plane.width]
    return picture


def _rate(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)
