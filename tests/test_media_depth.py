"""Pictures of every depth, colour space and layout come out in the same colours."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from t2c_ext.errors import UserError
from t2c_ext.media import png
from t2c_ext.media.pictures import read_picture, to_picture
from t2c_ext.media.profiles import DAMAGED, OTHER_KIND, deep_to_srgb

EIGHT = np.random.default_rng(3).integers(0, 256, (16, 24, 4), dtype=np.uint8)
EIGHT[0, :5, 3] = 0
DEEP = EIGHT.astype(np.uint16) * 257
D50 = (0.9642, 1.0, 0.8249)


# ---- profiles drawn here: a matrix with a curve, or tables -----------------------------------------------------------


def fixed(*numbers: float) -> bytes:
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)


def profile(tags: dict[bytes, bytes], space: bytes = b"RGB ") -> bytes:
    tags = {b"desc": b"desc\0\0\0\0\0\0\0\2a\0" + bytes(79), b"cprt": b"text\0\0\0\0a\0", b"wtpt": xyz(*D50)} | tags
    at, table, body = 132 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        padded = content + bytes(-len(content) % 4)
        table += struct.pack(">4sII", name, at + len(body), len(content))
        body += padded
    head = struct.pack(">I4sI4s4s4s", at + len(body), b"lcms", 0x02400000, b"mntr", space, b"XYZ ")
    head = (head + bytes(12) + b"acsp").ljust(68, b"\0") + fixed(*D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def xyz(*numbers: float) -> bytes:
    return b"XYZ \0\0\0\0" + fixed(*numbers)


def gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def table_of(points: np.ndarray) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">I", len(points)) + np.rint(points * 65535).astype(">u2").tobytes()


def parametric(kind: int, *numbers: float) -> bytes:
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + fixed(*numbers)


SRGB_CURVE = parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
P3 = {
    b"rXYZ": xyz(0.51512, 0.2412, -0.00105),
    b"gXYZ": xyz(0.29198, 0.69225, 0.04189),
    b"bXYZ": xyz(0.1571, 0.06657, 0.78407),
}
SRGB = {
    b"rXYZ": xyz(0.4360747, 0.2225045, 0.0139322),
    b"gXYZ": xyz(0.3850649, 0.7168786, 0.0971045),
    b"bXYZ": xyz(0.1430804, 0.0606169, 0.7141733),
}
CURVES = {
    "srgb": SRGB_CURVE,
    "gamma 1.8": gamma(1.8),
    "linear": b"curv\0\0\0\0\0\0\0\0",
    "table": table_of(np.linspace(0, 1, 1024) ** 2.2),
    "parametric 0": parametric(0, 2.2),
    "parametric 1": parametric(1, 2.0, 1.1, -0.1),
    "parametric 2": parametric(2, 2.0, 1.1, -0.1, 0.0),
    "parametric 4": parametric(4, 2.4, 0.94, 0.055, 0.0774, 0.04, 0.001, 0.0),
}


def shared(primaries: dict[bytes, bytes], curve: bytes) -> bytes:
    return profile(primaries | dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve))


def by_lcms(levels: np.ndarray, icc: bytes) -> np.ndarray:
    made = ImageCms.profileToProfile(
        Image.fromarray(levels),
        ImageCms.ImageCmsProfile(io.BytesIO(icc)),
        ImageCms.createProfile("sRGB"),
        outputMode="RGB",
    )
    return np.asarray(made)


@pytest.mark.parametrize("curve", CURVES)
@pytest.mark.parametrize("primaries", ["P3", "sRGB"])
def test_deep_colours_are_those_of_little_cms(curve: str, primaries: str) -> None:
    icc = shared({"P3": P3, "sRGB": SRGB}[primaries], CURVES[curve])
    levels = EIGHT[..., :3]
    deep, notes = deep_to_srgb((levels / 255).astype(np.float32), icc)
    assert notes == ()
    np.testing.assert_allclose(deep, by_lcms(levels, icc) / 255, atol=2.5 / 255)


def test_srgb_through_its_own_profile_is_itself() -> None:
    values = (DEEP[..., :3] / 65535).astype(np.float32)
    np.testing.assert_allclose(deep_to_srgb(values, shared(SRGB, SRGB_CURVE))[0], values, atol=1e-3)


def test_grey_profiles() -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    icc = profile({b"kTRC": gamma(1.0)}, b"GRAY")
    linear = np.where(ramp <= 0.0031308, 12.92 * ramp, 1.055 * ramp ** (1 / 2.4) - 0.055)
    np.testing.assert_allclose(deep_to_srgb(ramp, icc)[0], linear, atol=1e-5)
    eight = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    eight.info["icc_profile"] = icc
    bright = slice(20, None)  # Little CMS itself is less exact below
    np.testing.assert_allclose(to_picture(eight).rgb[..., 1].ravel()[bright], linear[0, bright], atol=3 / 255)


def test_a_profile_of_tables_is_applied_to_deep_pictures() -> None:
    """lut8 with an identity grid into XYZ through Little CMS's own Lab profile: A2B0 makes the matrix of no account."""
    grid = np.stack(np.meshgrid(*[np.linspace(0, 255, 9)] * 3, indexing="ij"), -1)
    linear = (grid / 255) ** 2.2 @ np.array(
        [[0.4361, 0.2225, 0.0139], [0.3851, 0.7169, 0.0971], [0.1431, 0.0606, 0.7139]]
    )
    ramp = np.arange(256, dtype=np.uint8).tobytes() * 3
    body = np.clip(np.rint(linear * 255 / 2), 0, 255).astype(np.uint8).tobytes()
    lut = b"mft1\0\0\0\0\3\3\x09\0" + fixed(1, 0, 0, 0, 1, 0, 0, 0, 1) + ramp + body + ramp
    icc = profile({b"A2B0": lut})
    levels = EIGHT[..., :3]
    deep, notes = deep_to_srgb((levels / 255).astype(np.float32), icc)
    assert notes == ()
    np.testing.assert_allclose(deep, by_lcms(levels, icc) / 255, atol=4 / 255)


@pytest.mark.parametrize("broken", [b"", b"no profile", shared(P3, SRGB_CURVE)[:150], profile({}), profile(P3)])
def test_profiles_that_cannot_be_applied_are_said(broken: bytes) -> None:
    values = (DEEP[..., :3] / 65535).astype(np.float32)
    same, notes = deep_to_srgb(values, broken)
    np.testing.assert_array_equal(same, values)
    assert notes == (DAMAGED,)
    assert deep_to_srgb(values, profile({b"kTRC": gamma(2.2)}, b"GRAY"))[1] == (OTHER_KIND,)
    eight = Image.fromarray(EIGHT[..., :3])
    eight.info["icc_profile"] = broken
    assert to_picture(eight).notes == ((DAMAGED,) if broken else ())


# ---- files -----------------------------------------------------------------------------------------------------------


def deep_png(path: Path, levels: np.ndarray, icc: bytes = b"", **chunks: bytes) -> Path:
    """A PNG of 16 bits: [H, W] or [H, W, 2..4]."""
    channels = 1 if levels.ndim == 2 else levels.shape[2]
    raw = b"".join(b"\0" + row.astype(">u2").tobytes() for row in levels)
    header = struct.pack(">IIBBBBB", levels.shape[1], levels.shape[0], 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    parts = [(b"IHDR", header), *((kind.encode(), content) for kind, content in chunks.items())]
    parts += [(b"iCCP", b"icc\0\0" + zlib.compress(icc))] if icc else []
    parts += [(b"IDAT", zlib.compress(raw)), (b"IEND", b"")]
    path.write_bytes(
        png.SIGNATURE
        + b"".join(struct.pack(">I", len(c)) + k + c + zlib.crc32(k + c).to_bytes(4, "big") for k, c in parts)
    )
    return path


def same(deep: Path, plain: Path, within: float = 1.01 / 255) -> None:
    one, other = read_picture(deep), read_picture(plain)
    assert one.size == other.size and (one.alpha is None) == (other.alpha is None)
    seen = np.ones(one.size, bool) if one.alpha is None else one.alpha > 0
    np.testing.assert_allclose(one.rgb[seen], other.rgb[seen], atol=within)
    if one.alpha is not None and other.alpha is not None:
        np.testing.assert_allclose(one.alpha, other.alpha, atol=within)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("with_profile", [False, True])
def test_a_png_of_16_bits_is_as_one_of_8(tmp_path: Path, channels: int, with_profile: bool) -> None:
    grey = channels < 3
    icc = (profile({b"kTRC": gamma(1.5)}, b"GRAY") if grey else shared(P3, SRGB_CURVE)) if with_profile else b""
    chosen = {1: 0, 2: [0, 3], 3: [0, 1, 2], 4: [0, 1, 2, 3]}[channels]
    deep_png(tmp_path / "deep.png", np.ascontiguousarray(DEEP[..., chosen]), icc)
    Image.fromarray(np.ascontiguousarray(EIGHT[..., chosen])).save(tmp_path / "plain.png", icc_profile=icc or None)
    same(tmp_path / "deep.png", tmp_path / "plain.png", 2.5 / 255 if with_profile else 1e-6)


def test_a_colour_that_stands_for_transparency(tmp_path: Path) -> None:
    key = tuple(int(level) for level in DEEP[3, 4, :3])
    colour = deep_png(tmp_path / "colour.png", DEEP[..., :3], tRNS=struct.pack(">3H", *key))
    grey = deep_png(tmp_path / "grey.png", DEEP[..., 0], tRNS=struct.pack(">H", key[0]))
    for path, hidden in ((colour, (DEEP[..., :3] == key).all(axis=2)), (grey, DEEP[..., 0] == key[0])):
        picture = read_picture(path)
        assert picture.alpha is not None and hidden[3, 4]
        np.testing.assert_array_equal(picture.alpha, ~hidden)


LAYOUTS: dict[str, tuple[np.ndarray, dict[str, Any]]] = {
    "rgb": (DEEP[..., :3], {"photometric": "rgb"}),
    "planes": (np.ascontiguousarray(DEEP.transpose(2, 0, 1)[:3]), {"photometric": "rgb", "planarconfig": "separate"}),
    "big endian": (DEEP[..., :3], {"photometric": "rgb", "byteorder": ">"}),
    "bigtiff": (DEEP[..., :3], {"photometric": "rgb", "bigtiff": True}),
    "predictor": (DEEP[..., :3], {"photometric": "rgb", "compression": "zlib", "predictor": True}),
    "alpha": (DEEP, {"photometric": "rgb", "extrasamples": ["unassalpha"]}),
    "32 bits": (DEEP[..., :3].astype(np.uint32) * 65537, {"photometric": "rgb"}),
    "floats": ((DEEP[..., :3] / 65535).astype(np.float32), {"photometric": "rgb"}),
    "half floats": ((DEEP[..., :3] / 65535).astype(np.float16), {"photometric": "rgb"}),
    "grey": (DEEP[..., 0], {"photometric": "minisblack"}),
    "grey, white is zero": (65535 - DEEP[..., 0], {"photometric": "miniswhite"}),
    "grey and alpha": (
        np.ascontiguousarray(DEEP[..., [0, 3]]),
        {"photometric": "minisblack", "extrasamples": ["unassalpha"], "planarconfig": "contig"},
    ),
    "grey floats": ((DEEP[..., 0] / 65535).astype(np.float32), {"photometric": "minisblack"}),
}


@pytest.mark.parametrize("kind", LAYOUTS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_tiffs_of_every_layout(tmp_path: Path, kind: str, orientation: int) -> None:
    levels, how = LAYOUTS[kind]
    tags = [(274, "H", 1, orientation, True)] if orientation != 1 else []
    tifffile.imwrite(tmp_path / "deep.tif", levels, extratags=tags, **how)
    picture = read_picture(tmp_path / "deep.tif")
    expected = EIGHT[..., [0, 0, 0]] if "grey" in kind else EIGHT[..., :3]
    expected = np.rot90(expected, -1) if orientation == 6 else expected
    np.testing.assert_allclose(picture.rgb, expected / 255, atol=6e-4)
    assert (picture.alpha is not None) == ("alpha" in kind)


def test_premultiplied_colours_are_divided(tmp_path: Path) -> None:
    multiplied = np.rint(DEEP.astype(np.float64)[..., :3] * (DEEP[..., 3:] / 65535))
    deep = np.dstack([multiplied, DEEP[..., 3]]).astype(np.uint16)
    for name, levels in (("deep.tif", deep), ("plain.tif", (deep // 257).astype(np.uint8))):
        tifffile.imwrite(tmp_path / name, levels, photometric="rgb", extrasamples=["assocalpha"])
        picture = read_picture(tmp_path / name)
        seen = EIGHT[..., 3] > 128
        np.testing.assert_allclose(picture.rgb[seen], EIGHT[..., :3][seen] / 255, atol=0.012)
        assert picture.alpha is not None and picture.rgb.max() <= 1


def test_a_codec_that_tifffile_lacks(tmp_path: Path) -> None:
    """LZW by OpenCV, which would turn it once more, and other programs' profile and orientation are kept."""
    icc = shared(P3, SRGB_CURVE)
    packed = cv2.imencode(".tif", DEEP[..., 2::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1].tobytes()
    with tifffile.TiffFile(io.BytesIO(packed)) as file:
        assert int(file.pages[0].compression) == 5  # type: ignore[union-attr]
    (tmp_path / "deep.tif").write_bytes(packed)
    np.testing.assert_allclose(read_picture(tmp_path / "deep.tif").rgb, DEEP[..., :3] / 65535, atol=1e-6)
    with Image.open(io.BytesIO(packed)) as image:
        exif = Image.Exif()
        exif[274] = 3
        image.save(tmp_path / "plain.tif", compression="tiff_lzw", exif=exif, icc_profile=icc)
    turned = np.asarray(by_lcms(EIGHT[..., :3], icc))[::-1, ::-1] / 255
    np.testing.assert_allclose(read_picture(tmp_path / "plain.tif").rgb, turned, atol=1.01 / 255)


def test_palettes_and_greys_keep_their_profile(tmp_path: Path) -> None:
    icc = shared(P3, SRGB_CURVE)
    indexed = Image.fromarray(EIGHT[..., :3]).quantize(64)
    indexed.save(tmp_path / "indexed.png", icc_profile=icc)
    expected = by_lcms(np.asarray(indexed.convert("RGB")), icc) / 255
    np.testing.assert_allclose(read_picture(tmp_path / "indexed.png").rgb, expected, atol=1e-6)
    clear = indexed.copy()
    clear.save(tmp_path / "clear.png", icc_profile=icc, transparency=3)
    picture = read_picture(tmp_path / "clear.png")
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.rgb[picture.alpha > 0], expected[picture.alpha > 0], atol=1e-6)
    grey = Image.fromarray(EIGHT[..., 0])
    grey.save(tmp_path / "grey.png", icc_profile=shared(SRGB, gamma(1.0)))
    expected = by_lcms(EIGHT[..., [0, 0, 0]], shared(SRGB, gamma(1.0))) / 255
    np.testing.assert_allclose(read_picture(tmp_path / "grey.png").rgb, expected, atol=1e-6)


# ---- pictures of Pillow, as a page hands them over ------------------------------------------------------------------


def lab() -> Image.Image:
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB")
    made = ImageCms.applyTransform(Image.fromarray(EIGHT[..., :3]), to_lab)
    assert made is not None
    return made


PILLOWS: dict[str, tuple[Image.Image, np.ndarray, float]] = {
    "I;16": (Image.fromarray(DEEP[..., 0]), EIGHT[..., [0, 0, 0]], 1e-6),
    "I": (Image.fromarray(DEEP[..., 0].astype(np.int32)), EIGHT[..., [0, 0, 0]], 1e-6),
    "F": (Image.fromarray((EIGHT[..., 0] / 255).astype(np.float32)), EIGHT[..., [0, 0, 0]], 1e-6),
    "LA": (Image.fromarray(np.ascontiguousarray(EIGHT[..., [0, 3]])), EIGHT[..., [0, 0, 0]], 1e-6),
    "YCbCr": (Image.fromarray(EIGHT[..., :3]).convert("YCbCr"), EIGHT[..., :3], 3 / 255),
    "HSV": (Image.fromarray(EIGHT[..., :3]).convert("HSV"), EIGHT[..., :3], 12 / 255),
    "CMYK": (Image.fromarray(EIGHT[..., :3]).convert("CMYK"), EIGHT[..., :3], 2 / 255),
    "RGBA": (Image.fromarray(EIGHT), EIGHT[..., :3], 1e-6),
    "LAB": (lab(), EIGHT[..., :3], 30 / 255),
}


@pytest.mark.parametrize("mode", PILLOWS)
def test_pillows_modes(mode: str) -> None:
    image, expected, within = PILLOWS[mode]
    assert image.mode == mode
    picture = to_picture(image)
    assert (picture.alpha is not None) == ("A" in mode and mode != "LAB")
    np.testing.assert_allclose(picture.rgb, expected / 255, atol=within)


def test_numbers_without_an_agreed_range_are_stretched() -> None:
    for values in (np.linspace(-5, 300, 256), np.linspace(0, 4e9, 256)):
        picture = to_picture(Image.fromarray(values.reshape(16, 16).astype(np.float32)))
        np.testing.assert_allclose(picture.rgb[..., 0].ravel(), np.linspace(0, 1, 256), atol=1e-5)
    large = Image.fromarray(np.linspace(0, 2e9, 256).reshape(16, 16).astype(np.int32))
    np.testing.assert_allclose(to_picture(large).rgb[..., 0].ravel(), np.linspace(0, 1, 256), atol=1e-5)


def test_a_page_hands_over_what_the_command_line_reads(tmp_path: Path) -> None:
    import base64
    from types import SimpleNamespace

    from t2c_ext.ui.studio import Unreadable
    from t2c_ext.ui.uploads import taken_in

    path = deep_png(tmp_path / "deep.png", DEEP, shared(P3, SRGB_CURVE))
    expected = read_picture(path)
    for given in (SimpleNamespace(path=str(path)), base64.b64encode(path.read_bytes()).decode()):
        taken = taken_in(given, "picture")
        assert isinstance(taken, Image.Image)
        picture = to_picture(taken)
        np.testing.assert_allclose(picture.rgb, expected.rgb, atol=0.51 / 255)
    (tmp_path / "page.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    refused = taken_in(SimpleNamespace(path=str(tmp_path / "page.png")), "picture")
    assert isinstance(refused, Unreadable) and "PostScript" in refused.why and str(tmp_path) not in refused.why
    assert taken_in(None, "mask") is None


def test_heic(tmp_path: Path) -> None:
    try:
        import pillow_heif
    except ImportError:
        head = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
        (tmp_path / "phone.heic").write_bytes(head + bytes(200))
        with pytest.raises(UserError, match="pip install pillow-heif"):
            read_picture(tmp_path / "phone.heic")
        return
    before = dict(Image.OPEN)
    smooth = cv2.resize(EIGHT[:4, :6, :3], (96, 64), interpolation=cv2.INTER_LINEAR)
    pillow_heif.from_pillow(Image.fromarray(smooth)).save(tmp_path / "phone.heic", quality=95)
    np.testing.assert_allclose(read_picture(tmp_path / "phone.heic").rgb, smooth / 255, atol=0.1)
    assert before.keys() == Image.OPEN.keys(), "the host's pictures are opened as before"
