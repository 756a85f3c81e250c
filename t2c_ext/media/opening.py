"""The one place that opens picture files: only formats of the list, and every way of failing in one line."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError, features

from t2c_ext.errors import UserError
from t2c_ext.media.formats import FORMATS, kind_of, readable

LARGEST = 80_000_000
"""Pixels; enough for an 8K picture, and below what a small machine cannot hold as floats."""

_HEAD = 64
"""Bytes that tell what a file is."""

READ = "PNG, JPEG, WebP or TIFF"
"""What a message tells to save as."""


@contextmanager
def opened(source: Path | bytes, name: str | None = None) -> Iterator[Image.Image]:
    """An opened picture, whose pixels are not unpacked yet; closed at the end.

    Args:
        source: a file, or the bytes of one.
        name: what errors call it; None: the file's path.

    Raises:
        UserError: there is no such file, it is of no format of the list, or what is done with it inside the context
            meets damage or a lack of memory.
    """
    called = str(source) if name is None and isinstance(source, Path) else name or "the picture"
    try:
        head = _head_of(source, called)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damage that Pillow passes over, and pictures that our own limit allows
            with _open(source, head, called) as image:
                yield image
    except UserError:
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged data
        raise _in_one_line(error, called) from None


def _open(source: Path | bytes, head: bytes, called: str) -> Image.Image:
    try:
        return Image.open(source if isinstance(source, Path) else io.BytesIO(source), formats=readable())
    except UnidentifiedImageError:
        raise UserError(f"{called} {_why_not(head)}") from None


def _head_of(source: Path | bytes, called: str) -> bytes:
    if not isinstance(source, Path):
        return source[:_HEAD]
    if source.is_dir():
        raise UserError(f"{called} is a folder; give a picture")
    if source.exists() and not source.is_file():
        raise UserError(f"{called} is no ordinary file; give a picture")
    with source.open("rb") as file:
        return file.read(_HEAD)


def _why_not(head: bytes) -> str:
    """Why Pillow did not take a file that begins like that."""
    kind = kind_of(head)
    if not head:
        return f"is an empty file; give a {READ}"
    if kind == "AVIF" and not ("AVIF" in readable() and features.check("avif")):
        return f"is an AVIF, which needs Pillow 11.3 or later to be read; save it as {READ}"
    if kind.upper() in FORMATS:
        return f"is a damaged {kind}; save it again"
    what = f"is a {kind} file, which is not read as a picture" if kind else "is no picture"
    return f"{what}; give a {READ}"


def _in_one_line(error: Exception, called: str) -> UserError:
    if isinstance(error, FileNotFoundError):
        return UserError(f"cannot find {called}")
    if isinstance(error, PermissionError):
        return UserError(f"{called} may not be read; check its permissions")
    if isinstance(error, Image.DecompressionBombError):
        return UserError(f"{called} is too large; give a picture of at most {LARGEST // 10**6} megapixels")
    if isinstance(error, MemoryError):
        return UserError(f"{called} does not fit in memory; give a smaller picture")
    reason = " ".join(str(error).split())[:80]
    if isinstance(error, OSError) and error.errno is not None:
        return UserError(f"cannot read {called}: {error.strerror or reason}")
    return UserError(f"{called} is damaged or cut short ({reason}); save it again")
