"""The one place that opens picture files: only formats of the list, and every way of failing in one line."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from PIL import Image, UnidentifiedImageError, features

from t2c_ext.errors import UserError
from t2c_ext.media.formats import FORMATS, kind_of, readable

LARGEST = 80_000_000
"""Pixels; enough for an 8K picture, and below what a small machine cannot hold as floats."""

SHOWN = 160
"""Characters of a path that is none in a message, at most."""

HEAD = 64
"""Bytes that tell what a file is."""

READ = "PNG, JPEG, WebP or TIFF"
"""What a message tells to save as."""


class Damaged(UserError):
    """A file of a known format that its reader could not make sense of."""


@contextmanager
def opened(source: Path | bytes, name: str | None = None) -> Iterator[Image.Image]:
    """An opened picture, whose pixels are not unpacked yet; closed at the end.

    Args:
        source: a file, or the bytes of one.
        name: what errors call it; None: the file's path.

    Raises:
        UserError: there is no such file, it is of no format of the list, or what is done with it inside the context
            meets damage (`Damaged`) or a lack of memory.
    """
    called = name_of(source, name)
    with said(called), ExitStack() as stack:
        file = stack.enter_context(opened_bytes(source, called))
        head = file.read(HEAD)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # damage that Pillow passes over, and pictures that our own limit allows
            yield stack.enter_context(_open(file, head, called))


@contextmanager
def opened_bytes(source: Path | bytes, called: str) -> Iterator[IO[bytes]]:
    """A file that can be read like one: neither a folder nor a device or pipe; or bytes as one."""
    if isinstance(source, bytes):
        yield io.BytesIO(source)
        return
    if "\0" in str(source):
        raise UserError(f"{str(source)[:SHOWN]!r} is no path; give a picture")
    if source.is_dir():
        raise UserError(f"{called} is a folder; give a picture")
    if source.exists() and not source.is_file():
        raise UserError(f"{called} is no ordinary file; give a picture")
    with source.open("rb") as file:
        yield file


@contextmanager
def said(called: str) -> Iterator[None]:
    """What fails inside is said in one line that names the picture."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:  # Pillow's readers raise nearly anything on damaged data
        raise _in_one_line(error, called) from None


def name_of(source: Path | bytes, name: str | None) -> str:
    """What errors call a picture."""
    return name if name is not None else str(source) if isinstance(source, Path) else "the picture"


def _open(file: IO[bytes], head: bytes, called: str) -> Image.Image:
    file.seek(0)
    if kind_of(head) == "HEIC":
        return _open_heic(file, called)
    try:
        return Image.open(file, formats=readable())
    except UnidentifiedImageError:
        kind, why = kind_of(head), _why_not(head)
        raise (Damaged if kind.upper() in FORMATS else UserError)(f"{called} {why}") from None


def _open_heic(file: IO[bytes], called: str) -> Image.Image:
    """By the library's own class: to register it with Pillow would change what a host's pictures are opened by."""
    try:
        import pillow_heif
    except ImportError:
        raise UserError(
            f"{called} is a HEIC, which needs pillow-heif to be read: pip install pillow-heif, or save it as {READ}"
        ) from None
    image: Image.Image = pillow_heif.HeifImageFile(file)
    return image


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
    return Damaged(f"{called} is damaged or cut short ({reason}); save it again")
