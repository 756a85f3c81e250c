"""The text (recipe, generation parameters) that travels in a file."""

from __future__ import annotations

from pathlib import Path

import av
from av.container import InputContainer

from t2c_ext.errors import UserError
from t2c_ext.media.opening import opened
from t2c_ext.media.text import OWN_MARK, RECIPE, texts_of, unpack, unpack_others
from t2c_ext.pipes import refuse_pipe

VIDEOS = (".mp4", ".webm")

_EBML = b"\x1a\x45\xdf\xa3"
"""How WebM and other Matroska files begin (RFC 8794)."""


def read_text(path: Path) -> dict[str, str]:
    """The text in an MP4, WebM, GIF, WebP, APNG or PNG; of a folder of frames, that of its first frame.

    Raises:
        UserError: the file cannot be read.
    """
    return {key: value for key, value in _all_text(path).items() if key != OWN_MARK}


def is_ours(path: Path) -> bool:
    """Whether the text in a file says that this product wrote it; raises as `read_text`."""
    return not {RECIPE, OWN_MARK}.isdisjoint(_all_text(path))


def _all_text(path: Path) -> dict[str, str]:
    try:
        if path.is_dir():
            first = min(path.glob("*.png"), default=None)
            return {} if first is None else _all_text(first)
        if path.suffix.lower() in VIDEOS:
            with open_video(path) as container:
                tags = {key.lower(): value for key, value in container.metadata.items()}
                return {**unpack_others(tags.get("description")), **unpack(tags.get("comment", ""))}
        with opened(path) as image:
            return texts_of(image)
    except UserError:
        raise
    except Exception as error:  # damaged files make the readers raise nearly anything
        raise UserError(f"cannot read {path}: {' '.join(str(error).split())[:80]}") from None


def open_video(path: Path) -> InputContainer:
    """Open an MP4 or WebM to read; no other format, since playlists would have further files and addresses opened."""
    refuse_pipe(path)
    with path.open("rb") as file:
        kind = "webm" if file.read(len(_EBML)) == _EBML else "mp4"
    return av.open(av_name(path), format=kind)


def av_name(path: Path) -> str:
    """A path as FFmpeg takes it for one: anything before a colon would be a protocol."""
    return f"file:{path}"
