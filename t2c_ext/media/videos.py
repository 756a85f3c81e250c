"""Loops out: MP4, WebM, GIF, animated WebP, APNG, or a folder of PNGs, from a stream of frames."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import av
import numpy as np
from PIL import Image

from t2c_ext.atomic import replacing, replacing_folder
from t2c_ext.errors import UserError
from t2c_ext.media.apng import write_apng
from t2c_ext.media.clip import Clip, Remembered
from t2c_ext.media.codecs import write_mp4, write_webm
from t2c_ext.media.gif import write_gif
from t2c_ext.media.limits import check_loop, format_notes
from t2c_ext.media.ownership import refuse_file, refuse_folder, resolved
from t2c_ext.media.text import OWN_MARK, RECIPE, png_chunks
from t2c_ext.media.webp import write_webp
from t2c_ext.progress import Reporter
from t2c_ext.types import ByteArray, FloatArray

Encoder = Callable[[Path, Clip], None]

ENCODERS: dict[str, Encoder] = {
    "mp4": write_mp4,
    "webm": write_webm,
    "gif": write_gif,
    "webp": write_webp,
    "apng": write_apng,
}
LOSSLESS = ("apng", "png")
TRIES = 6
"""Encodings, at most, on the way to a size limit."""

GOOD_FILL = 0.9
"""A file that fills this share of the limit is not improved further."""

REMEMBERED_BYTES = 256 * 1024 * 1024
"""Frames of up to so many bytes are kept when they are needed more than once."""

_QUALITY_PER_HALVING = 30.0


@dataclass(frozen=True)
class Written:
    """What was written.

    Attributes:
        path: the file or folder.
        bytes: its size.
        notes: sentences for the user.
    """

    path: Path
    bytes: int
    notes: tuple[str, ...] = ()


def format_of(path: Path) -> str:
    """The format that a path's ending asks for; a path without one is a folder of PNG frames.

    Raises:
        UserError: an ending that nobody knows.
    """
    ending = path.suffix.lower().lstrip(".")
    if not ending:
        return "png"
    if ending not in ENCODERS:
        known = ", ".join(f".{name}" for name in ENCODERS)
        raise UserError(f"cannot write {path.name}: the ending must be {known}, or none for a folder of PNG frames")
    return ending


def write_video(
    path: Path,
    frames: Callable[[], Iterator[ByteArray]],
    *,
    size: tuple[int, int],
    count: int,
    fps: float,
    quality: int = 80,
    max_megabytes: float = 0.0,
    alpha: FloatArray | None = None,
    mask: FloatArray | None = None,
    text: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
    owned: bool = False,
) -> Written:
    """Encode a loop; nothing appears under `path` before it is whole, and only a loop of ours is replaced.

    Args:
        path: where to; its ending picks the format.
        frames: makes a fresh iterator of `count` frames, uint8 [H, W, 3]; called again for each further pass.
        size: (H, W).
        count: number of frames of one period.
        fps: frames per second.
        quality: 1 to 100; of MP4, WebM and WebP.
        max_megabytes: the largest size in 10^6 bytes, or 0; reached by lowering the quality.
        alpha: float32 [H, W], the opacity of every frame, or None. MP4 has none: it gets a white ground.
        mask: float32 [H, W], what moves: where it is 0, every frame is the same (MP4 and WebM then keep its colour the
            same too). None when that is not known.
        text: travels in the file's metadata.
        reporter: told after each frame, as stage "loop".
        owned: the name is this product's own (a workspace's loop), so that whatever file has it is replaced.

    Raises:
        UserError: an unknown ending, a size that the format cannot have, a place that cannot be written to or holds
            something else, or a size limit that cannot be reached.
    """
    kind = format_of(path)
    path = resolved(path)
    check_loop(kind, size, fps, count)
    if kind == "png":
        refuse_folder(path)
    elif not owned:
        refuse_file(path)
    if mask is not None and mask.shape != size:
        raise UserError(f"the mask is {mask.shape[1]}x{mask.shape[0]}, but the frames are {size[1]}x{size[0]}")
    fits = count * size[0] * size[1] * 3 <= REMEMBERED_BYTES
    keep = fits and (kind == "gif" or max_megabytes > 0)
    source = Remembered(frames) if keep else frames
    text = text if text and RECIPE in text else {**(text or {}), OWN_MARK: "loop"}
    clip = Clip(source, size, count, fps, quality, alpha, mask, dict(text), reporter or Reporter(), keep)
    if kind == "png":
        return _write_folder(path, clip, max_megabytes)
    notes = list(format_notes(kind, size, fps, alpha is not None))
    with replacing(path) as temporary:
        chosen = _encode_within(temporary, kind, clip, max_megabytes)
        if not owned:
            refuse_file(path)  # again: meanwhile somebody may have saved something there
        written = temporary.stat().st_size
    if chosen != quality:
        notes.append(f"quality {chosen} instead of {quality} keeps the file within {max_megabytes:g} MB")
    return Written(path, written, tuple(notes))


def _encode_within(path: Path, kind: str, clip: Clip, max_megabytes: float) -> int:
    """Encode at the quality asked for, or at the best that keeps the limit; return the quality."""
    limit = max_megabytes * 1e6
    encode = _with_reasons(ENCODERS[kind], kind)
    encode(path, clip)
    size = path.stat().st_size
    if not limit or size <= limit:
        return clip.quality
    low, high, best = 0, clip.quality, 0
    guess = high - _QUALITY_PER_HALVING * np.log2(size / limit)
    last = high
    for _ in range(0 if kind in LOSSLESS else TRIES):
        if high - low <= 1:
            break
        last = int(np.clip(round(guess), low + 1, high - 1))
        encode(path, replace(clip, quality=last))
        size = path.stat().st_size
        if size <= limit:
            low = best = last
            if size >= GOOD_FILL * limit:
                break
        else:
            high = last
        guess = last - _QUALITY_PER_HALVING * np.log2(size / (limit * (1 + GOOD_FILL) / 2))
        if not low < round(guess) < high:
            guess = (low + high) / 2
    if not best:
        last = 1
        encode(path, replace(clip, quality=last))
        if kind in LOSSLESS or path.stat().st_size > limit:
            raise UserError(
                f"{_titled(kind)} cannot be made smaller than {path.stat().st_size / 1e6:.3g} MB, above the limit of "
                f"{max_megabytes:g} MB; use fewer frames, a smaller picture or another format"
            )
        best = 1
    if last != best:
        encode(path, replace(clip, quality=best))
    return best


def _with_reasons(encode: Encoder, kind: str) -> Encoder:
    """The encoder, with what FFmpeg cannot do (no such encoder, a size that it does not take) said in one line."""

    def encoded(path: Path, clip: Clip) -> None:
        try:
            encode(path, clip)
        except av.FFmpegError as error:
            if isinstance(error, OSError):
                raise
            reason = " ".join(str(error).split())[:120]
            raise UserError(f"{_titled(kind)} cannot be encoded here ({reason}); use another format") from None

    return encoded


def _titled(kind: str) -> str:
    """A format as people write it."""
    return {"webm": "WebM", "webp": "WebP"}.get(kind, kind.upper())


def _write_folder(path: Path, clip: Clip, max_megabytes: float) -> Written:
    """Frames as `frame_0000.png` and so on, in a folder that appears when it is whole; each says who wrote it."""
    with replacing_folder(path) as temporary:
        total = 0
        for number, frame in enumerate(clip.tracked()):
            file = temporary / f"frame_{number:04d}.png"
            text = {OWN_MARK: "frame"} | (clip.text if number == 0 else {})
            Image.fromarray(clip.with_alpha(frame)).save(file, "PNG", pnginfo=png_chunks(text), compress_level=4)
            total += file.stat().st_size
            if max_megabytes and total > max_megabytes * 1e6:
                raise UserError(f"the frames take more than {max_megabytes:g} MB; PNG is lossless, use another format")
        refuse_folder(path)  # again: meanwhile somebody may have put something into it
    return Written(path, total)
