"""Pictures and masks of every kind, and bad ones."""

from __future__ import annotations

import io
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms
from PIL.PngImagePlugin import PngInfo

from t2c_ext.errors import UserError
from t2c_ext.media.pictures import (
    LARGEST,
    read_mask,
    read_picture,
    to_mask,
    to_picture,
    write_mask,
    write_picture,
)

RED, GREEN, BLUE = (200, 30, 40), (20, 180, 60), (10, 50, 220)


def corners(width: int = 24, height: int = 16) -> np.ndarray:
    """Red top left, green top right, blue below: uint8 [height, width, 3]."""
    levels = np.empty((height, width, 3), np.uint8)
    levels[: height // 2, : width // 2] = RED
    levels[: height // 2, width // 2 :] = GREEN
    levels[height // 2 :] = BLUE
    return levels


def assert_one_line(error: pytest.ExceptionInfo[UserError], *words: str) -> None:
    message = str(error.value)
    assert "\n" not in message
    for word in words:
        assert word in message


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("deep", [False, True])
def test_exif_rotation(tmp_path: Path, orientation: int, deep: bool) -> None:
    upright = corners()
    back = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, 1),
        7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }[orientation]
    stored = np.ascontiguousarray(back(upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "turned.png"
    if deep:
        plain = io.BytesIO()
        Image.fromarray(stored).save(plain, "PNG", exif=exif)
        data = cv2.imencode(".png", stored[..., ::-1].astype(np.uint16) * 257)[1].tobytes()
        start = plain.getvalue().index(b"eXIf") - 4
        size = int.from_bytes(plain.getvalue()[start : start + 4], "big") + 12
        path.write_bytes(data[:33] + plain.getvalue()[start : start + size] + data[33:])
    else:
        Image.fromarray(stored).save(path, exif=exif)
    np.testing.assert_allclose(read_picture(path).rgb, upright / np.float32(255), atol=1e-6)


def test_sixteen_bit_colour_keeps_its_depth(tmp_path: Path) -> None:
    ramp = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) * 61
    colour = np.dstack([ramp, ramp[::-1], 65535 - ramp])
    for name in ("deep.png", "deep.tif"):
        assert cv2.imwrite(str(tmp_path / name), colour[..., ::-1])
        np.testing.assert_allclose(read_picture(tmp_path / name).rgb, colour / 65535, atol=1e-6)
    clear = np.dstack([colour, ramp])
    assert cv2.imwrite(str(tmp_path / "clear.png"), clear[..., [2, 1, 0, 3]])
    picture = read_picture(tmp_path / "clear.png")
    assert picture.alpha is not None
    np.testing.assert_allclose(picture.alpha, ramp / 65535, atol=1e-6)
    np.testing.assert_allclose(picture.rgb, colour / 65535, atol=1e-6)


def test_sixteen_bit_grey_keeps_its_depth(tmp_path: Path) -> None:
    ramp = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) * 61
    for name in ("grey.png", "grey.tif"):
        assert cv2.imwrite(str(tmp_path / name), ramp)
        rgb = read_picture(tmp_path / name).rgb
        assert rgb.shape == (32, 32, 3)
        np.testing.assert_allclose(rgb[..., 1], ramp / 65535, atol=1e-6)


def test_cmyk_is_not_inverted(tmp_path: Path) -> None:
    path = tmp_path / "print.jpg"
    Image.fromarray(corners(64, 64)).convert("CMYK").save(path, quality=100, subsampling=0)
    rgb = read_picture(path).rgb
    np.testing.assert_allclose(rgb[8, 8], np.array(RED) / 255, atol=0.03)
    np.testing.assert_allclose(rgb[56, 8], np.array(BLUE) / 255, atol=0.03)


@pytest.mark.parametrize("kind", ["L", "1", "P", "LA", "PA"])
def test_modes(tmp_path: Path, kind: str) -> None:
    grey = np.zeros((16, 16), np.uint8)
    grey[:, 8:] = 255
    image = Image.fromarray(grey).convert("LA" if kind == "PA" else kind).convert(kind)
    picture = to_picture(image)
    assert picture.rgb.shape == (16, 16, 3) and picture.rgb.dtype == np.float32
    assert picture.alpha is None
    np.testing.assert_array_equal(picture.rgb[..., 0], grey / np.float32(255))


def test_palette_with_transparency(tmp_path: Path) -> None:
    index = np.zeros((16, 16), np.uint8)
    index[4:, 8:] = 1
    image = Image.new("P", (16, 16))
    image.putpalette([*RED, *GREEN] + [0] * 762)
    image.putdata(index.ravel().tolist())
    image.save(tmp_path / "p.png", transparency=1)
    picture = read_picture(tmp_path / "p.png")
    assert picture.alpha is not None
    np.testing.assert_array_equal(picture.alpha, (index == 0).astype(np.float32))
    np.testing.assert_allclose(picture.rgb[0, 0], np.array(RED) / 255, atol=1e-6)


def test_embedded_profile_becomes_srgb(tmp_path: Path) -> None:
    plain = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swapped = plain.replace(b"rXYZ", b"????", 1).replace(b"gXYZ", b"rXYZ", 1).replace(b"????", b"gXYZ", 1)
    image = Image.fromarray(corners())
    image.save(tmp_path / "same.png", icc_profile=plain)
    image.save(tmp_path / "swapped.png", icc_profile=swapped)
    np.testing.assert_allclose(read_picture(tmp_path / "same.png").rgb, corners() / 255, atol=2 / 255)
    np.testing.assert_allclose(
        read_picture(tmp_path / "swapped.png").rgb, corners()[..., [1, 0, 2]] / 255, atol=3 / 255
    )
    image.save(tmp_path / "broken.png", icc_profile=b"no profile at all")
    np.testing.assert_allclose(read_picture(tmp_path / "broken.png").rgb, corners() / 255, atol=1e-6)


def test_phone_pictures_with_a_second_image_are_stills(tmp_path: Path) -> None:
    first, second = Image.fromarray(corners(64, 64)), Image.fromarray(corners(64, 64)[::-1].copy())
    first.save(tmp_path / "phone.mpo", save_all=True, append_images=[second], quality=95)
    with Image.open(tmp_path / "phone.mpo") as image:
        assert getattr(image, "n_frames", 1) == 2
    np.testing.assert_allclose(read_picture(tmp_path / "phone.mpo").rgb[8, 8], np.array(RED) / 255, atol=0.05)


def test_generation_parameters(tmp_path: Path) -> None:
    words = "a river, ünïcode 川\nNegative prompt: dull\nSteps: 20, Seed: 1"
    chunks = PngInfo()
    chunks.add_text("parameters", words)
    image = Image.fromarray(corners())
    image.save(tmp_path / "a.png", pnginfo=chunks)
    exif = Image.Exif()
    exif[0x8769] = {0x9286: b"UNICODE\0" + words.encode("utf-16-be")}
    image.save(tmp_path / "a.jpg", exif=exif)
    image.save(tmp_path / "a.webp", exif=exif, lossless=True)
    little = Image.Exif()
    little[0x8769] = {0x9286: b"UNICODE\0" + "Steps: 20".encode("utf-16-le")}
    image.save(tmp_path / "b.jpg", exif=little)
    plain = Image.Exif()
    plain[0x8769] = {0x9286: b"ASCII\0\0\0Steps: 20"}
    image.save(tmp_path / "c.jpg", exif=plain)
    for name in ("a.png", "a.jpg", "a.webp"):
        assert read_picture(tmp_path / name).infotext == words
    assert read_picture(tmp_path / "b.jpg").infotext == "Steps: 20"
    assert read_picture(tmp_path / "c.jpg").infotext == "Steps: 20"
    image.save(tmp_path / "none.png")
    assert read_picture(tmp_path / "none.png").infotext == ""


@given(
    st.integers(8, 40), st.integers(8, 40), st.booleans(), st.dictionaries(st.sampled_from("abc"), st.text(max_size=20))
)
@settings(max_examples=25)
def test_pictures_round_trip(
    tmp_path_factory: pytest.TempPathFactory, height: int, width: int, clear: bool, text: dict[str, str]
) -> None:
    path = tmp_path_factory.mktemp("round") / "a.png"
    rng = np.random.default_rng(height * width)
    levels = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    levels[0, 0, 3], levels[0, 1, 3] = 255, 0
    values = (levels / np.float32(255)).astype(np.float32)
    write_picture(
        path, values[..., :3], values[..., 3] if clear else None, {k: v.replace("\0", "") for k, v in text.items()}
    )
    again = read_picture(path)
    np.testing.assert_array_equal(again.rgb, values[..., :3])
    assert (again.alpha is not None) == clear
    if again.alpha is not None:
        np.testing.assert_array_equal(again.alpha, values[..., 3])


def test_data_in_the_last_bit_of_alpha_is_no_transparency(tmp_path: Path) -> None:
    """Forge and reForge hide generation parameters there, in every picture that they save."""
    rng = np.random.default_rng(0)
    levels = rng.integers(0, 256, (16, 16, 4), dtype=np.uint8)
    levels[..., 3] = 254 + rng.integers(0, 2, (16, 16), dtype=np.uint8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    for picture in (read_picture(tmp_path / "a.png"), to_picture(Image.fromarray(levels))):
        assert picture.alpha is None
        np.testing.assert_array_equal(picture.rgb, levels[..., :3] / np.float32(255))
    levels[0, 0, 3] = 253
    assert to_picture(Image.fromarray(levels)).alpha is not None


def test_masks(tmp_path: Path) -> None:
    mask = np.zeros((16, 24), np.float32)
    mask[4:12, 6:18] = 1
    write_mask(tmp_path / "m.png", mask)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png"), mask)
    large = read_mask(tmp_path / "m.png", (160, 240))
    assert large.shape == (160, 240) and large.min() == 0 and large.max() == 1
    assert large.mean() == pytest.approx(mask.mean(), abs=0.01)
    assert ((large > 0.02) & (large < 0.98)).any(), "an enlarged mask has a soft edge"
    small = read_mask(tmp_path / "m.png", (8, 12))
    np.testing.assert_array_equal(small[3:5, 4:8], 1)
    np.testing.assert_array_equal(read_mask(tmp_path / "m.png", (16, 24)), mask)
    full = to_mask(np.ones((16, 24), bool))
    assert full.min() == 1


def test_masks_that_are_only_transparent(tmp_path: Path) -> None:
    opacity = np.zeros((16, 16), np.uint8)
    opacity[4:12, 4:12] = 255
    for colour in (0, 255):
        paint = np.full((16, 16, 3), colour, np.uint8)
        Image.fromarray(np.dstack([paint, opacity])).save(tmp_path / "brush.png")
        np.testing.assert_array_equal(read_mask(tmp_path / "brush.png"), opacity / np.float32(255))


def test_empty_masks_and_masks_of_another_picture_are_refused(tmp_path: Path) -> None:
    write_mask(tmp_path / "black.png", np.zeros((16, 16), np.float32))
    with pytest.raises(UserError) as error:
        read_mask(tmp_path / "black.png", (64, 64))
    assert_one_line(error, "black.png", "empty", "white")
    with pytest.raises(UserError) as error:
        to_mask(np.ones((16, 32), np.float32), (64, 64))
    assert_one_line(error, "shape")


def test_bad_files_are_refused_in_one_line(tmp_path: Path) -> None:
    image = Image.fromarray(corners(64, 64))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    whole = buffer.getvalue()
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG")
    broken = whole[:60] + bytes(255 - byte for byte in whole[60:90]) + whole[90:]
    files = {
        "empty.png": b"",
        "text.png": b"this is no picture",
        "short.png": whole[: len(whole) // 2],
        "short.jpg": jpeg.getvalue()[: len(jpeg.getvalue()) // 2],
        "broken.png": broken,
        "video.mp4": b"\0\0\0\x18ftypmp42" + b"\0" * 64,
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
        for read in (read_picture, read_mask):
            with pytest.raises(UserError) as error:
                read(tmp_path / name)
            assert_one_line(error, name)
    for path, word in ((tmp_path / "nowhere.png", "cannot find"), (tmp_path, "folder")):
        with pytest.raises(UserError) as error:
            read_picture(path)
        assert_one_line(error, word)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_animations_are_refused_as_pictures(tmp_path: Path, kind: str) -> None:
    frames = [Image.fromarray(np.roll(corners(), shift, axis=1)) for shift in range(3)]
    path = tmp_path / f"moving.{kind.lower()}"
    frames[0].save(path, kind, save_all=True, append_images=frames[1:])
    with pytest.raises(UserError) as error:
        read_picture(path)
    assert_one_line(error, "animated", "3 frames")


def test_sizes(tmp_path: Path) -> None:
    Image.new("RGB", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(UserError) as error:
        read_picture(tmp_path / "dot.png")
    assert_one_line(error, "1x1", "8x8")
    Image.new("RGB", (5200, 4000), GREEN).save(tmp_path / "twenty.jpg")
    assert read_picture(tmp_path / "twenty.jpg").size == (4000, 5200)


def test_a_file_made_to_exhaust_memory_is_refused(tmp_path: Path) -> None:
    def chunk(name: bytes, payload: bytes) -> bytes:
        return len(payload).to_bytes(4, "big") + name + payload + zlib.crc32(name + payload).to_bytes(4, "big")

    for side in (12_000, 100_000):
        assert side * side > LARGEST
        header = side.to_bytes(4, "big") * 2 + b"\x08\x02\0\0\0"
        path = tmp_path / f"bomb{side}.png"
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")))
        with pytest.raises(UserError) as error:
            read_picture(path)
        assert_one_line(error, "megapixels")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (np.full((16, 16, 3), np.nan), "NaN"),
        (np.full((16, 16, 3), 200.0), "0..1"),
        (np.zeros((16, 16, 3), np.int64), "int64"),
        (np.zeros((16, 16, 2), np.uint8), "array"),
        (np.zeros(16, np.uint8), "array"),
        (np.zeros((1, 1, 3), np.uint8), "1x1"),
        (np.zeros((16, 16, 4), np.uint8), "transparent"),
    ],
)
def test_bad_arrays_are_refused(values: np.ndarray, word: str) -> None:
    with pytest.raises(UserError) as error:
        to_picture(values)
    assert_one_line(error, word)


def test_unwritable_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UserError) as error:
        write_picture(tmp_path / "file" / "a.png", np.zeros((8, 8, 3), np.float32))
    assert_one_line(error, "cannot write")
