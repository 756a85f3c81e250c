"""The text (recipe, generation parameters) that travels in a file, and the poster beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import av
from PIL import Image, UnidentifiedImageError

from t2c_ext.errors import UserError
from t2c_ext.media.pictures import user_comment, write_picture
from t2c_ext.types import Picture

VIDEOS = (".mp4", ".webm")


def pack(text: Mapping[str, str]) -> str:
    """The text as the one string that most formats have room for."""
    return json.dumps(dict(text), ensure_ascii=False)


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
                return _unpack(next((v for k, v in container.metadata.items() if k.lower() == "comment"), ""))
        with Image.open(path) as image:
            if image.format == "PNG":
                return {str(key): value for key, value in image.info.items() if isinstance(value, str)}
            comment = image.info.get("comment", b"")
            return _unpack(comment.decode("utf-8", "replace") if comment else user_comment(image))
    except (OSError, UnidentifiedImageError, ValueError) as error:
        raise UserError(f"cannot read {path}: {error}") from None


def _unpack(text: str) -> dict[str, str]:
    try:
        document = json.loads(text)
    except ValueError:
        return {"parameters": text} if text else {}
    return {str(key): str(value) for key, value in document.items()} if isinstance(document, dict) else {}


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
