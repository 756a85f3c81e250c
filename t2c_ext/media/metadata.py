"""The text (recipe, generation parameters) that travels in a file, and the poster beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import av

from t2c_ext.errors import UserError
from t2c_ext.media.opening import opened
from t2c_ext.media.pictures import write_picture
from t2c_ext.media.text import texts_of, unpack, unpack_others
from t2c_ext.types import Picture

VIDEOS = (".mp4", ".webm")


def read_text(path: Path) -> dict[str, str]:
    """The text in an MP4, WebM, GIF, WebP, APNG or PNG; of a folder of frames, that of its first frame.

    Raises:
        UserError: the file cannot be read.
    """
    if path.is_dir():
        first = min(path.glob("*.png"), default=None)
        return {} if first is None else read_text(first)
    try:
        if path.suffix.lower() in VIDEOS:
            with av.open(str(path)) as container:
                tags = {key.lower(): value for key, value in container.metadata.items()}
                return {**unpack_others(tags.get("description")), **unpack(tags.get("comment", ""))}
        with opened(path) as image:
            return texts_of(image)
    except UserError:
        raise
    except Exception as error:  # damaged files make the readers raise nearly anything
        raise UserError(f"cannot read {path}: {' '.join(str(error).split())[:80]}") from None


def poster_path(video: Path) -> Path:
    """The video's name with `.png`; where another picture has that name, `-poster.png` is appended."""
    poster = video.with_suffix(".png")
    if poster.exists() and "recipe" not in read_text(poster):
        return video.with_name(f"{video.stem}-poster.png")
    return poster


def write_poster(video: Path, still: Picture, text: Mapping[str, str]) -> Path:
    """Write the still, with the text, beside the video; return its path."""
    poster = poster_path(video)
    write_picture(poster, still.rgb, still.alpha, text)
    return poster
