"""From whatever a picture holds its pixels in to colours and transparency, float32 0..1."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.media.profiles import apply_profile, deep_to_srgb
from t2c_ext.media.tiff import DeepTiff
from t2c_ext.types import FloatArray, Picture

_DEEP_GREY = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_PALETTES = ("P", "PA")
_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_DIRECT = ("L", "LA", "RGB", "RGBA", "CMYK")

OPAQUE = 253.5 / 255
"""From here on an alpha is opaque: Forge and reForge write generation parameters into its last bit of 8."""


@dataclass(frozen=True)
class Pixels:
    """A picture's pixels.

    Attributes:
        colour: float32 0..1, [H, W] (grey) or [H, W, 3]; not multiplied by the transparency.
        alpha: float32 [H, W], 0..1, or None where it has none.
        levels: the highest level of its numbers (255, 65535); 1 for floats.
        notes: sentences for the user.
    """

    colour: FloatArray
    alpha: FloatArray | None = None
    levels: int = 255
    notes: tuple[str, ...] = ()

    def turned(self, orientation: int) -> Pixels:
        """Upright by the EXIF orientation 1..8; any other number says nothing."""
        if orientation not in range(2, 9):
            return self
        alpha = None if self.alpha is None else _turned(self.alpha, orientation)
        return Pixels(_turned(self.colour, orientation), alpha, self.levels, self.notes)

    def picture(self) -> Picture:
        """As a picture; grey is repeated, and an alpha that is opaque everywhere is none."""
        grey = self.colour.ndim == 2
        rgb = np.repeat(self.colour[:, :, None], 3, axis=2) if grey else np.ascontiguousarray(self.colour)
        return Picture(rgb, None if self.opaque else self.alpha, notes=self.notes)

    @property
    def opaque(self) -> bool:
        """Whether nothing shows through; see `OPAQUE`."""
        return self.alpha is None or bool((self.alpha >= OPAQUE).all())


def pixels_of(image: Image.Image, in_srgb: bool = True) -> Pixels:
    """The pixels of a loaded picture of any of Pillow's modes, as they lie in it.

    Args:
        image: the picture.
        in_srgb: convert its colours by its profile, if it has one; a mask's levels are no colours.
    """
    profile = image.info.get("icc_profile") or b"" if in_srgb else b""
    if image.mode in _DEEP_GREY or image.mode == "F":
        grey, highest = grey_values(np.asarray(image))
        return _deep(grey, _keyed(image), profile, highest)
    plain, notes = apply_profile(_eight_bits(image)) if in_srgb else (_eight_bits(image), ())
    if plain.mode == "CMYK":
        plain = plain.convert("RGB")
    return _split(np.asarray(plain), notes)


def pixels_of_array(levels: np.ndarray, name: str = "the picture", profile: bytes = b"") -> Pixels:
    """The pixels of an array [H, W] or [H, W, 1..4] of uint8, uint16, bool, or float 0..1.

    Args:
        levels: two and four channels end with alpha.
        name: what errors call it.
        profile: colour profile, or b"".

    Raises:
        UserError: it is of another type, or holds numbers that are not finite or out of range.
    """
    if levels.dtype.kind == "f":
        low, high = (float(levels.min()), float(levels.max())) if levels.size else (0.0, 0.0)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise UserError(f"{name} holds values that are not numbers (NaN or infinite)")
        if low < -0.01 or high > 1.01:
            raise UserError(f"{name} holds numbers from {low:g} to {high:g}; floats must be 0..1")
        found = _split(np.clip(levels.astype(np.float32), 0, 1))
    elif levels.dtype in (np.uint8, np.uint16, np.bool_):
        found = _split(levels)
    else:
        raise UserError(f"{name} is of type {levels.dtype}, but must be uint8, uint16, bool, or float 0..1")
    return _deep(found.colour, found.alpha, profile, found.levels)


def pixels_of_tiff(tiff: DeepTiff, in_srgb: bool = True) -> Pixels:
    """The pixels of a TIFF of more than 8 bits per channel, upright."""
    levels = tiff.levels
    if levels.dtype != np.uint16:
        colours = levels[:, :, :-1] if tiff.alpha else levels
        values, highest = grey_values(colours)
        alpha = _alpha_values(levels[:, :, -1]) if tiff.alpha else None
    else:
        found = _split(levels)
        values, alpha, highest = found.colour, found.alpha, found.levels
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[:, :, 0]
    if tiff.premultiplied and alpha is not None:
        share = alpha if values.ndim == 2 else alpha[:, :, None]
        values = np.clip(np.divide(values, share, out=np.zeros_like(values), where=share > 0), 0, 1)
    return _deep(values, alpha, tiff.profile if in_srgb else b"", highest).turned(tiff.orientation)


def grey_values(levels: np.ndarray) -> tuple[FloatArray, int]:
    """Numbers of more than 8 bits as float32 0..1, and the highest level that they could have.

    Integers up to 65535 are levels of 16 bits, whatever type they are kept in, and floats within 0..1 are taken as they
    are. There is no agreement about anything else (heights, depths, counts): it is stretched to 0..1.
    """
    if levels.dtype.kind in "ui":
        low, high = (int(levels.min()), int(levels.max())) if levels.size else (0, 0)
        if low >= 0 and high <= 65535:
            return np.divide(levels, np.float32(65535), dtype=np.float32, casting="unsafe"), 65535
        values, highest = levels.astype(np.float64), high
    else:
        values, highest = np.nan_to_num(levels.astype(np.float64), posinf=0, neginf=0), 1
    low_value, high_value = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    if low_value >= 0 and high_value <= 1:
        return values.astype(np.float32), highest
    return ((values - low_value) / max(high_value - low_value, 1e-12)).astype(np.float32), highest


def _alpha_values(levels: np.ndarray) -> FloatArray:
    if levels.dtype.kind == "u":
        return (levels / np.float64(np.iinfo(levels.dtype).max)).astype(np.float32)
    return np.clip(np.nan_to_num(levels.astype(np.float32)), 0, 1)


def _deep(colour: FloatArray, alpha: FloatArray | None, profile: bytes, highest: int) -> Pixels:
    if not profile:
        return Pixels(colour, alpha, highest)
    converted, notes = deep_to_srgb(colour, profile)
    return Pixels(converted, alpha, highest, notes)


def _eight_bits(image: Image.Image) -> Image.Image:
    """The picture in mode L, LA, RGB, RGBA or CMYK, with straight alpha."""
    if image.mode in _PALETTES or "transparency" in image.info:
        return image.convert("RGBA")
    image = image.convert(_PREMULTIPLIED[image.mode]) if image.mode in _PREMULTIPLIED else image
    if image.mode in _DIRECT:
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def _keyed(image: Image.Image) -> FloatArray | None:
    """The transparency of a deep grey picture, in which one level stands for it."""
    key = image.info.get("transparency")
    return (np.asarray(image) != key).astype(np.float32) if isinstance(key, int) else None


def _split(levels: np.ndarray, notes: tuple[str, ...] = ()) -> Pixels:
    """Colour and transparency of an array [H, W] or [H, W, 1..4]; two and four channels end with alpha."""
    highest = 1 if levels.dtype.kind in "fb" else int(np.iinfo(levels.dtype).max)
    if levels.ndim == 2:
        return Pixels(_shares(levels, highest), None, highest, notes)
    channels = levels.shape[2]
    colour = levels[:, :, 0] if channels < 3 else levels[:, :, :3]
    alpha = _shares(levels[:, :, -1], highest) if channels in (2, 4) else None
    return Pixels(_shares(colour, highest), alpha, highest, notes)


def _shares(levels: np.ndarray, highest: int) -> FloatArray:
    return np.ascontiguousarray(np.divide(levels, np.float32(highest), dtype=np.float32, casting="unsafe"))


def _turned(values: FloatArray, orientation: int) -> FloatArray:
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    return np.ascontiguousarray(values)
