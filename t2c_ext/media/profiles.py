"""Embedded colour profiles (ICC): pictures of any depth to sRGB.

Little CMS, through Pillow, converts 8 bits per channel. What is deeper goes through the profile's own curves and matrix
where it has them (displays, cameras' working spaces, grey), and through a table that Little CMS fills where it has not.
Formulas and tags are those of ICC.1:2022 (profile version 4.4), of which version 2 is a part here.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from t2c_ext.types import FloatArray

Curve = Callable[[FloatArray], FloatArray]
"""From 0..1 to 0..1."""

DAMAGED = "The picture's colour profile is damaged and was not applied: its colours may look different."
OTHER_KIND = "The picture's colour profile is for another kind of picture and was not applied."

_HEADER = 128
_MOST_TAGS = 200
"""No profile has as many; a count beyond it is damage."""

_NODES = 52
"""On an axis of the table: every fifth of the 256 levels that Little CMS takes, both ends included."""

_ROWS = 1 << 20
"""Pixels that are converted at once: the intermediate values stay small beside the picture."""

_TO_LINEAR_SRGB = np.linalg.inv(
    [[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169], [0.0139322, 0.0971045, 0.7141733]]
)
"""From XYZ relative to D50, the space that profiles connect in: the inverse of sRGB's primaries adapted to it (the
matrix of the profile that accompanies IEC 61966-2-1)."""


def apply_profile(image: Image.Image) -> tuple[Image.Image, tuple[str, ...]]:
    """An 8-bit picture (grey, RGB or CMYK, with or without alpha) in sRGB, and what there is to say about it.

    A picture without a profile comes back as it is, and one with a profile that cannot be applied likewise.
    """
    profile = image.info.get("icc_profile")
    if not profile or image.mode not in ("L", "LA", "RGB", "RGBA", "CMYK"):
        return image, ()
    space, wanted = _space(profile), {"C": "CMYK", "L": "GRAY", "R": "RGB "}[image.mode[0]]
    if space == "RGB " and wanted == "GRAY":  # a grey picture that was saved with its program's working space
        image, wanted = image.convert("RGBA" if image.mode == "LA" else "RGB"), "RGB "
    if space != wanted:
        return image, ((DAMAGED if space is None else OTHER_KIND),)
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    converted = _through_lcms(image.convert({"LA": "L", "RGBA": "RGB"}.get(image.mode, image.mode)), profile)
    if converted is None:
        return image, (DAMAGED,)
    if alpha is not None:
        converted.putalpha(alpha)
    return converted, ()


def deep_to_srgb(values: FloatArray, profile: bytes) -> tuple[FloatArray, tuple[str, ...]]:
    """The same for values 0..1, float32 [H, W] (grey) or [H, W, 3] (RGB).

    Returns:
        float32 of the same shape, or [H, W, 3] where the profile of a grey picture is for colour; and notes.
    """
    space = _space(profile)
    if space not in ("GRAY", "RGB ") or (space == "GRAY" and values.ndim == 3):
        return values, ((DAMAGED if space is None else OTHER_KIND),)
    if space == "RGB " and values.ndim == 2:
        values = np.repeat(values[:, :, None], 3, axis=2)
    try:
        convert = _by_curves(profile, space) or _by_table(profile, space)
    except (ValueError, IndexError, KeyError, struct.error, np.linalg.LinAlgError):
        convert = None
    if convert is None:
        return values, (DAMAGED,)
    result = np.empty(values.shape, np.float32)
    for rows in _strips(values.shape):
        result[rows] = convert(values[rows])
    return result, ()


def _strips(shape: tuple[int, ...]) -> Iterator[slice]:
    step = max(1, _ROWS // max(1, shape[1]))
    return (slice(start, start + step) for start in range(0, shape[0], step))


def _space(profile: bytes) -> str | None:
    """The colour space of what it describes; None where it is no profile."""
    if len(profile) < _HEADER + 4 or profile[36:40] != b"acsp":
        return None
    return profile[16:20].decode("latin-1")


def _through_lcms(image: Image.Image, profile: bytes) -> Image.Image | None:
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target: Any = ImageCms.createProfile("sRGB")
        return ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None


# ---- curves and a matrix -------------------------------------------------------------------------------------------


def _by_curves(profile: bytes, space: str) -> Curve | None:
    """The conversion of a profile that consists of curves (and a matrix); None where it consists of tables."""
    tags = _tags(profile)
    if "A2B0" in tags or profile[20:24] != b"XYZ ":
        return None
    if space == "GRAY":
        grey = _curve(tags["kTRC"])
        return lambda values: _encoded(grey(values))
    curves = [_curve(tags[name]) for name in ("rTRC", "gTRC", "bTRC")]
    primaries = np.stack([_numbers(tags[name][8:20]) for name in ("rXYZ", "gXYZ", "bXYZ")], axis=1)
    matrix = (_TO_LINEAR_SRGB @ primaries).astype(np.float32)
    if not np.isfinite(matrix).all():
        raise ValueError("the primaries are not finite")

    def convert(values: FloatArray) -> FloatArray:
        linear = np.stack([curve(values[..., number]) for number, curve in enumerate(curves)], axis=-1)
        return _encoded(linear @ matrix.T)

    return convert


def _tags(profile: bytes) -> dict[str, bytes]:
    (count,) = struct.unpack_from(">I", profile, _HEADER)
    if count > _MOST_TAGS:
        raise ValueError("the table of tags is damaged")
    rows = (struct.unpack_from(">4sII", profile, _HEADER + 4 + 12 * number) for number in range(count))
    return {name.decode("latin-1"): profile[at : at + size] for name, at, size in rows}


def _numbers(data: bytes) -> np.ndarray:
    """Numbers of the type s15Fixed16."""
    return np.frombuffer(data, ">i4").astype(np.float64) / 65536


def _curve(tag: bytes) -> Curve:
    """A curve of the type `curv` or `para`.

    Raises:
        ValueError, IndexError, struct.error: it is of another type, or damaged.
    """
    if tag[:4] == b"para":
        return _parametric(struct.unpack_from(">H", tag, 8)[0], [float(number) for number in _numbers(tag[12:])])
    if tag[:4] != b"curv":
        raise ValueError("a curve is of an unknown type")
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return lambda values: values
    points = np.frombuffer(tag, ">u2", count, 12).astype(np.float64)
    if count == 1:
        return _power(float(points[0]) / 256)
    places = np.linspace(0, 1, count)
    return lambda values: np.interp(values, places, points / 65535).astype(np.float32)


def _power(gamma: float) -> Curve:
    return lambda values: np.power(np.clip(values, 0, None), np.float32(gamma), dtype=np.float32)


_PARAMETERS = {0: "g", 1: "gab", 2: "gabc", 3: "gabcd", 4: "gabcdef"}
"""What each function type of a parametric curve is given (ICC.1:2022, table 68)."""


def _parametric(kind: int, numbers: list[float]) -> Curve:
    """(a x + b)^g + e from the break d on, c x + f below it; types 1 and 2 break where a x + b is 0."""
    names = _PARAMETERS[kind]
    given = dict(zip(names, numbers[: len(names)], strict=True))
    g, a, b = given["g"], given.get("a", 1.0), given.get("b", 0.0)
    if not a:
        raise ValueError("a curve is damaged")
    slope, above, below = given.get("c", 0.0), given.get("e", 0.0), given.get("f", 0.0)
    if kind == 2:  # its c is added on both sides
        slope, above, below = 0.0, given["c"], given["c"]
    at = given.get("d", 0.0 if kind == 0 else -b / a)

    def curve(values: FloatArray) -> FloatArray:
        high = np.power(np.clip(a * values + b, 0, None), g) + above
        return np.clip(np.where(values >= at, high, slope * values + below), 0, 1).astype(np.float32)

    return curve


def _encoded(linear: FloatArray) -> FloatArray:
    """The transfer function of IEC 61966-2-1."""
    cut = np.clip(linear, 0, 1)
    return np.where(cut <= 0.0031308, 12.92 * cut, 1.055 * np.power(cut, 1 / 2.4) - 0.055).astype(np.float32)


# ---- a table ---------------------------------------------------------------------------------------------------------


def _by_table(profile: bytes, space: str) -> Curve | None:
    """The conversion by interpolation between nodes that Little CMS converts; exact to half of 1/255 and their step."""
    if space == "GRAY":
        grey = _through_lcms(Image.fromarray(np.arange(256, dtype=np.uint8)[None]), profile)
        if grey is None:
            return None
        levels = np.asarray(grey)[0, :, 1] / 255
        return lambda values: np.interp(values, np.linspace(0, 1, 256), levels).astype(np.float32)
    nodes = np.linspace(0, 255, _NODES).astype(np.uint8)
    grid = np.stack(np.meshgrid(nodes, nodes, nodes, indexing="ij"), axis=-1)
    converted = _through_lcms(Image.fromarray(grid.reshape(_NODES, -1, 3)), profile)
    if converted is None:
        return None
    table = (np.asarray(converted, np.float32) / 255).reshape(_NODES, _NODES, _NODES, 3)

    def convert(values: FloatArray) -> FloatArray:
        from scipy.ndimage import map_coordinates

        places = np.moveaxis(values, -1, 0) * (_NODES - 1)
        channels = [map_coordinates(table[..., number], places, order=1, mode="nearest") for number in range(3)]
        return np.stack(channels, axis=-1).astype(np.float32)

    return convert
