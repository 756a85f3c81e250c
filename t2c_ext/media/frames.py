"""The frames of a finished loop, one by one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from av.video.reformatter import Colorspace

from t2c_ext.errors import UserError
from t2c_ext.media.metadata import VIDEOS, open_video
from t2c_ext.media.opening import opened
from t2c_ext.media.stills import check_size
from t2c_ext.types import ByteArray

_BT709 = 1
"""The code of the BT.709 matrix in a stream's tags (ITU-T H.273)."""

_EXACT = 0x2 | 0x2000 | 0x40000
"""swscale's flags for bilinear colour at full resolution and exact rounding: left to itself it rounds down and repeats
colour samples, which makes every picture darker and greener or redder by up to two levels."""


def read_video(path: Path) -> Iterator[ByteArray]:
    """Yield the frames, uint8 [H, W, 3], of an MP4, WebM, GIF, WebP, APNG or folder of PNGs.

    Transparent pixels come as they are stored, without a background.

    Raises:
        UserError: the file cannot be read, or holds no frames.
    """
    size: tuple[int, ...] | None = None
    try:
        if not path.exists():
            raise UserError(f"cannot find {path}")
        for frame in _frames(path):
            size = size or frame.shape
            if frame.shape != size:
                raise UserError(f"{path} holds frames of several sizes; give those of one loop")
            yield frame
    except UserError:
        raise
    except Exception as error:  # damaged files make the readers raise nearly anything
        raise UserError(f"cannot read {path}: {_reason(error)}") from None
    if size is None:
        raise UserError(f"{path} holds no frames")


def _reason(error: Exception) -> str:
    """In a few words; FFmpeg's errors come with numbers of its own."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(said).split())[:80]


def _frames(path: Path) -> Iterator[ByteArray]:
    if path.is_dir():
        for file in sorted(path.glob("*.png")):
            with opened(file) as image:
                check_size(image.size, str(file), 1)
                yield np.asarray(image.convert("RGB"))
    elif path.suffix.lower() in VIDEOS:
        yield from _video_frames(path)
    else:
        with opened(path) as image:
            check_size(image.size, str(path), 1)
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                yield np.asarray(image.convert("RGB"))


def _video_frames(path: Path) -> Iterator[ByteArray]:
    with open_video(path) as container:
        if not container.streams.video:
            raise ValueError("it holds no video")
        container.streams.video[0].thread_type = "AUTO"
        for frame in container.decode(video=0):
            matrix = Colorspace.ITU709 if int(frame.colorspace) == _BT709 else Colorspace.ITU601
            shown = frame.reformat(format="rgb24", src_colorspace=matrix, interpolation=_EXACT)
            yield np.asarray(shown.to_ndarray(), np.uint8)
