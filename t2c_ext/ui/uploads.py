"""What a visitor puts into the page, read by the same readers as files: Gradio's own would open any format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.media.depth import read_depth
from t2c_ext.media.opening import LARGEST, Damaged, opened
from t2c_ext.media.pictures import read_picture, take_mask, to_bytes
from t2c_ext.media.stills import NOTES
from t2c_ext.media.text import PARAMETERS
from t2c_ext.service import decode_file
from t2c_ext.ui.studio import Unreadable
from t2c_ext.wording import PAGE, say


def taken_in(given: Any, what: str, most: int = LARGEST) -> Image.Image | Unreadable | None:
    """The picture, mask or depth of an upload, upright: in sRGB with 8 bits per channel; a depth is grey of 16 bits.

    Args:
        given: what Gradio hands to a component: a file's path (4 and later), base64 (3), or None.
        what: "picture", "mask" or "depth".
        most: pixels that it may have.
    """
    if isinstance(given, Mapping):  # what Gradio 3's tools for drawing send
        given = given.get("image")
    if given is None:
        return None
    called = f"the {what}"
    try:
        source = decode_file(given, called) if isinstance(given, str) else Path(str(given.path))
        _check_area(source, called, most)
        return {"mask": _mask, "depth": _depth}.get(what, _picture)(source, called)
    except UserError as error:
        return Unreadable(say(error, PAGE))


def _check_area(source: Path | bytes, called: str, most: int) -> None:
    """UserError where it has more pixels than one visitor may have; before any of them is unpacked."""
    try:
        with opened(source, called) as picture:
            width, height = picture.size
    except Damaged:  # perhaps not for our readers, which have a limit of their own
        return
    if width * height > most:
        raise UserError(
            f"{called} is {width}x{height}, but at most {most // 10**6} megapixels may be put in; make it smaller"
        )


def _picture(source: Path | bytes, called: str) -> Image.Image:
    picture = read_picture(source, called)
    levels = to_bytes(picture.rgb if picture.alpha is None else np.dstack([picture.rgb, picture.alpha]))
    made = Image.fromarray(levels)
    made.info[NOTES] = picture.notes
    if picture.infotext:
        made.info[PARAMETERS] = picture.infotext
    return made


def _mask(source: Path | bytes, called: str) -> Image.Image:
    mask, notes = take_mask(source, name=called)
    made = Image.fromarray(to_bytes(mask))
    made.info[NOTES] = notes
    return made


def _depth(source: Path | bytes, called: str) -> Image.Image:
    """Its range takes all 16 bits: a depth often lies within a few levels of them, of which 8 bits would leave none."""
    return Image.fromarray(np.rint(read_depth(source, called) * np.float32(65535)).astype(np.uint16))
