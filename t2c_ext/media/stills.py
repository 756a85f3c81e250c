"""Still pictures out of files, whatever their format, depth and state: one way for pictures and masks.

What is sound is read as it is. Of a damaged file, what can be shown is shown, with a note; where too little is left, it
is refused in one line.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.media import mending, png
from t2c_ext.media.decode import Pixels, pixels_of, pixels_of_array, pixels_of_tiff
from t2c_ext.media.formats import kind_of
from t2c_ext.media.opening import HEAD, LARGEST, Damaged, name_of, opened, opened_bytes, said
from t2c_ext.media.profiles import DAMAGED
from t2c_ext.media.text import PARAMETERS, texts_of
from t2c_ext.media.tiff import read_deep_tiff

SMALLEST = 8
"""Pixels on a side; below that there is nothing that could move."""

NOTES = "t2c_notes"
"""Where the information of a Pillow picture keeps the sentences that its reading gave."""

_ANIMATIONS = ("GIF", "WEBP", "PNG", "AVIF")
_ORIENTATION = 0x0112
_BROKEN_EXIF = "The picture's EXIF is damaged and was passed over: it is not turned."


@dataclass(frozen=True)
class Still:
    """What was read of a file: upright.

    Attributes:
        pixels: colours, in sRGB if that was asked for, and transparency.
        infotext: generation parameters, or "".
        notes: sentences for the user.
    """

    pixels: Pixels
    infotext: str = ""
    notes: tuple[str, ...] = ()


def read_still(
    source: Path | bytes, name: str | None = None, minimum: int = SMALLEST, *, in_srgb: bool = True
) -> Still:
    """Read a picture from a file.

    Args:
        source: a file, or the bytes of one.
        name: what errors call it; None: the file's path.
        minimum: pixels on a side.
        in_srgb: convert its colours by its profile.

    Raises:
        UserError: there is no such file, it is of no format of the list, too damaged, animated, too large or too small.
    """
    called = name_of(source, name)
    with said(called):
        with opened_bytes(source, called) as file:
            kind = kind_of(file.read(HEAD))
        if kind == "TIFF" and (still := _deep_tiff(source, called, minimum, in_srgb)) is not None:
            return still
        notes: tuple[str, ...] = ()
        if kind == "PNG":
            source, notes = _sound_png(source, called)
        still = _read(source, called, minimum, in_srgb)
    return replace(still, notes=(*notes, *still.notes))


def still_of(image: Image.Image, name: str, minimum: int = SMALLEST, *, in_srgb: bool = True) -> Still:
    """The same of a Pillow picture, opened or made by another; raises as `read_still`."""
    with said(name):
        return _still(image, name, minimum, in_srgb)


def check_size(size: tuple[int, int], name: str, minimum: int = SMALLEST) -> None:
    """UserError where a picture of that (width, height) is too large or too small."""
    width, height = size
    if width * height > LARGEST:
        raise UserError(f"{name} is {width}x{height}, but at most {LARGEST // 10**6} megapixels can be animated")
    if min(width, height) < minimum:
        raise UserError(f"{name} is {width}x{height} pixels; give one of at least {minimum}x{minimum}")


def _still(image: Image.Image, called: str, minimum: int, in_srgb: bool, deep: Pixels | None = None) -> Still:
    """Of an opened picture, which is loaded here once its size is known."""
    _check(image, called, minimum)
    texts, broken = _texts(image), False
    if deep is None:
        image.load()  # Pillow turns TIFFs here; which of its releases say so in their EXIF differs
    try:
        orientation = 1 if image.format == "TIFF" else int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # whatever a damaged one makes it raise
        orientation, broken = 1, True
    pixels = (pixels_of(image, in_srgb) if deep is None else deep).turned(orientation)
    unpacked = () if image.info.get("icc_profile", b"") is not None else (DAMAGED,)  # as Pillow leaves a broken one
    notes = (*image.info.get(NOTES, ()), *((_BROKEN_EXIF,) if broken else ()), *unpacked, *pixels.notes)
    return Still(pixels, texts, notes)


def _check(image: Image.Image, called: str, minimum: int) -> None:
    frames = int(getattr(image, "n_frames", 1)) if image.format in _ANIMATIONS else 1
    if frames > 1:
        raise UserError(f"{called} is animated ({frames} frames); save one of them as a picture and give that")
    check_size(image.size, called, minimum)


def _texts(image: Image.Image) -> str:
    try:
        return texts_of(image).get(PARAMETERS, "")
    except Exception:  # whatever damaged metadata make it raise; they are no reason to refuse a picture
        return ""


def _sound_png(source: Path | bytes, called: str) -> tuple[Path | bytes, tuple[str, ...]]:
    with opened_bytes(source, called) as file:
        if png.is_sound(file):
            return source, ()
        try:
            return png.mended(file, LARGEST)
        except UserError as error:
            raise UserError(f"{called} {error}") from None


def _deep_tiff(source: Path | bytes, called: str, minimum: int, in_srgb: bool) -> Still | None:
    with opened_bytes(source, called) as file:
        tiff = read_deep_tiff(file, LARGEST)
    if tiff is None:
        return None
    check_size((tiff.levels.shape[1], tiff.levels.shape[0]), called, minimum)
    pixels = pixels_of_tiff(tiff, in_srgb)
    try:
        with opened(source, called) as image:
            return Still(pixels, _texts(image), pixels.notes)
    except UserError:  # a layout that Pillow does not know
        return Still(pixels, "", pixels.notes)


def _read(source: Path | bytes, called: str, minimum: int, in_srgb: bool) -> Still:
    try:
        return _attempt(source, called, minimum, in_srgb)
    except Damaged:
        data = source if isinstance(source, bytes) else source.read_bytes()
        jpeg = kind_of(data[:HEAD]) == "JPEG"
        for again in (mending.ended_jpeg, mending.bare_jpeg) if jpeg else (mending.padded,):
            try:
                with opened(again(data), called) as image:
                    _check(image, called, minimum)
                    image.load()
                    notes = mending.fill_rows(image, called) if jpeg else (mending.CUT_SHORT,)
                    still = _still(image, called, minimum, in_srgb)
                    return replace(still, notes=(*notes, *still.notes))
            except Damaged:
                continue
        raise


def _attempt(source: Path | bytes, called: str, minimum: int, in_srgb: bool) -> Still:
    with opened(source, called) as image:
        deep = None
        if image.format == "PNG":
            _check(image, called, minimum)
            with opened_bytes(source, called) as file:
                levels = png.deep_levels(file)
            if levels is not None:
                profile = image.info.get("icc_profile") or b"" if in_srgb else b""
                deep = pixels_of_array(levels, called, profile)
        return _still(image, called, minimum, in_srgb, deep)
