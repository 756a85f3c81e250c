"""Loops out: MP4, WebM, GIF, animated WebP, APNG, or a folder of PNGs, from a stream of frames."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import uuid4

from PIL import Image

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.media.animations import write_apng, write_gif, write_webp
from t2c_ext.media.clip import Clip
from t2c_ext.media.codecs import write_mp4, write_webm
from t2c_ext.media.pictures import png_text
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
TRIES = 7


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
    text: Mapping[str, str] | None = None,
    reporter: Reporter | None = None,
) -> Written:
    """Encode a loop; nothing appears under `path` before it is whole.

    Args:
        path: where to; its ending picks the format.
        frames: makes a fresh iterator of `count` frames, uint8 [H, W, 3]; called again for each further pass.
        size: (H, W).
        count: number of frames of one period.
        fps: frames per second.
        quality: 1 to 100; of MP4, WebM and WebP.
        max_megabytes: the largest size in 10^6 bytes, or 0; reached by lowering the quality.
        alpha: float32 [H, W], the opacity of every frame, or None. MP4 has none: it gets a white ground.
        text: travels in the file's metadata.
        reporter: told after each frame, as stage "loop".

    Raises:
        UserError: an unknown ending, a place that cannot be written to, or a size limit that cannot be reached.
    """
    kind = format_of(path)
    clip = Clip(frames, size, count, fps, quality, alpha, dict(text or {}), reporter or Reporter())
    if kind == "png":
        return _write_folder(path, clip, max_megabytes)
    notes = list(_format_notes(kind, clip))
    with replacing(path) as temporary:
        chosen = _encode_within(temporary, kind, clip, max_megabytes)
        written = temporary.stat().st_size
    if chosen != quality:
        notes.append(f"quality {chosen} instead of {quality} keeps the file within {max_megabytes:g} MB")
    return Written(path, written, tuple(notes))


def _format_notes(kind: str, clip: Clip) -> Iterator[str]:
    height, width = clip.size
    if kind == "mp4" and (height % 2 or width % 2):
        yield f"MP4 needs even sides: {width}x{height} was widened to {width + width % 2}x{height + height % 2}"
    if kind == "mp4" and clip.alpha is not None:
        yield "MP4 has no transparency, so the ground is white; WebM, WebP, APNG and GIF keep it"
    if kind == "gif" and clip.fps > 50:
        yield "GIF plays at most 50 frames per second, so it is slower than asked for"


def _encode_within(path: Path, kind: str, clip: Clip, max_megabytes: float) -> int:
    """Encode at the quality asked for, or at the best that keeps the limit; return the quality."""
    limit = max_megabytes * 1e6
    encode = ENCODERS[kind]
    encode(path, clip)
    if not limit or path.stat().st_size <= limit:
        return clip.quality
    low, high, fits = 1, clip.quality, 0
    tries = 0 if kind in LOSSLESS else TRIES
    for _ in range(tries):
        if low >= high:
            break
        middle = (low + high) // 2
        encode(path, replace(clip, quality=middle))
        if path.stat().st_size <= limit:
            fits, low = middle, middle + 1
        else:
            high = middle
    if not fits:
        raise UserError(
            f"{path.suffix} cannot be made smaller than {max_megabytes:g} MB; use fewer frames, a smaller picture or "
            "another format"
        )
    encode(path, replace(clip, quality=fits))
    return fits


def _write_folder(path: Path, clip: Clip, max_megabytes: float) -> Written:
    """Frames as `frame_0000.png` and so on, in a folder that appears when it is whole."""
    if path.exists() and (not path.is_dir() or any(not _is_frame(file) for file in path.iterdir())):
        raise UserError(f"{path} holds other things than frames; name another folder")
    temporary = path.with_name(f".{path.name}-{uuid4().hex[:8]}")
    try:
        temporary.mkdir(parents=True)
        total = 0
        for number, frame in enumerate(clip.tracked()):
            file = temporary / f"frame_{number:04d}.png"
            Image.fromarray(clip.with_alpha(frame)).save(
                file, pnginfo=png_text(clip.text if number == 0 else {}), compress_level=4
            )
            total += file.stat().st_size
            if max_megabytes and total > max_megabytes * 1e6:
                raise UserError(f"the frames take more than {max_megabytes:g} MB; PNG is lossless, use another format")
        if path.exists():
            shutil.rmtree(path)
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Written(path, total)


def _is_frame(file: Path) -> bool:
    return file.suffix == ".png" and file.stem.startswith("frame_")
