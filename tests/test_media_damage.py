"""Damaged files: what can be shown is shown with a note, and what is lost is refused in one line."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from PIL.PngImagePlugin import PngInfo

from t2c_ext.api import animate
from t2c_ext.errors import UserError
from t2c_ext.media import png
from t2c_ext.media.pictures import read_picture

HEIGHT, WIDTH = 96, 72
Y, X = np.mgrid[:HEIGHT, :WIDTH]
SCENE = np.stack([X * 3, Y * 2, 255 - X - Y], -1).astype(np.uint8)
PHOTO = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def encoded(kind: str, levels: np.ndarray = SCENE, **options: object) -> bytes:
    file = io.BytesIO()
    Image.fromarray(levels).save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, content: bytes, sum_: int | None = None) -> bytes:
    right = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + (right if sum_ is None else sum_).to_bytes(4, "big")


def with_chunk(extra: bytes, behind: bool = False) -> bytes:
    data = encoded("PNG")
    at = len(data) - 12 if behind else 33
    return data[:at] + extra + data[at:]


LONG = zlib.compress(b"x" * (3 << 20))
BESIDE: dict[str, bytes] = {
    "a wrong checksum of a text": with_chunk(chunk(b"tEXt", b"Comment\0hello", 1)),
    "a wrong checksum behind the pixels": with_chunk(chunk(b"tEXt", b"Comment\0hello", 1), behind=True),
    "a long packed text": with_chunk(chunk(b"zTXt", b"Comment\0\0" + LONG)),
    "a long packed text behind": with_chunk(chunk(b"zTXt", b"Comment\0\0" + LONG), behind=True),
    "a long international text": with_chunk(chunk(b"iTXt", b"Comment\0\1\0\0\0" + LONG)),
    "a long plain text": with_chunk(chunk(b"tEXt", b"Comment\0" + b"x" * (3 << 20))),
    "a text that cannot be unpacked": with_chunk(chunk(b"zTXt", b"Comment\0\0nonsense")),
    "broken EXIF": with_chunk(chunk(b"eXIf", b"MM\0*\xff\xff\xff\xffnonsense")),
    "EXIF that points outside": with_chunk(chunk(b"eXIf", b"II*\0\x08\0\0\0\x01\0\x12\1\3\0\xff\xff\xff\x7f")),
    "a broken profile": with_chunk(chunk(b"iCCP", b"icc\0\0nonsense")),
    "a profile that unpacks to more than it should": with_chunk(chunk(b"iCCP", b"icc\0\0" + LONG)),
    "a wrong checksum of EXIF": with_chunk(chunk(b"eXIf", b"MM\0*\0\0\0\x08\0\0", 1)),
    "a broken size of pixels": with_chunk(chunk(b"pHYs", b"\0", 1)),
    "no end mark": encoded("PNG")[:-12],
    "half an end mark": encoded("PNG")[:-6],
    "rubbish behind": encoded("PNG") + b"\0rubbish" * 50,
}


@pytest.mark.parametrize("kind", BESIDE)
def test_a_png_with_whole_pixels_is_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.png").write_bytes(BESIDE[kind])
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.rgb, SCENE / np.float32(255))
    quiet = kind in ("rubbish behind", "a broken size of pixels", "EXIF that points outside", "broken EXIF")
    assert quiet or picture.notes, "what was passed over is said"
    assert not any("missing" in note for note in picture.notes)


def test_a_sound_text_beside_a_broken_one_is_kept(tmp_path: Path) -> None:
    texts = PngInfo()
    texts.add_text("parameters", "a river, Steps: 20")
    data = encoded("PNG", pnginfo=texts)
    (tmp_path / "a.png").write_bytes(data[:33] + chunk(b"tEXt", b"Comment\0hello", 1) + data[33:])
    assert read_picture(tmp_path / "a.png").infotext == "a river, Steps: 20"


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1", "LA", "I;16"])
def test_the_last_rows_of_a_png_may_be_missing(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(PHOTO).convert("L" if mode == "I;16" else mode)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=0)
    data = file.getvalue()
    (tmp_path / "whole.png").write_bytes(data)
    (tmp_path / "cut.png").write_bytes(data[: -len(data) // 20])
    whole, cut = read_picture(tmp_path / "whole.png"), read_picture(tmp_path / "cut.png")
    assert any("missing" in note for note in cut.notes)
    rows = int(HEIGHT * 0.9)
    np.testing.assert_array_equal(cut.rgb[:rows], whole.rgb[:rows])
    np.testing.assert_array_equal(cut.rgb[-1], cut.rgb[-2])


def test_pixels_with_a_wrong_checksum_are_said(tmp_path: Path) -> None:
    data = bytearray(encoded("PNG", PHOTO, compress_level=0))
    data[data.index(b"IDAT") + 5000] ^= 0x10
    (tmp_path / "a.png").write_bytes(data)
    picture = read_picture(tmp_path / "a.png")
    assert any("checksum" in note for note in picture.notes)
    assert 0 < int((picture.rgb != PHOTO / np.float32(255)).sum()) <= 3 * WIDTH * HEIGHT


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 95}, {"subsampling": 0}])
@pytest.mark.parametrize("cut", [1, 2, 4, 9])
def test_a_jpeg_whose_end_is_gone(tmp_path: Path, options: dict[str, object], cut: int) -> None:
    data = encoded("JPEG", **options)
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "cut.jpg").write_bytes(data[:-cut])
    whole, shown = read_picture(tmp_path / "whole.jpg"), read_picture(tmp_path / "cut.jpg")
    assert not whole.notes and len(shown.notes) == 1 and "missing" in shown.notes[0]
    if cut <= 2:
        np.testing.assert_array_equal(shown.rgb, whole.rgb)
    np.testing.assert_array_equal(shown.rgb[: HEIGHT // 2], whole.rgb[: HEIGHT // 2])


def test_a_jpeg_without_its_end_is_still_turned(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded("JPEG", exif=exif, quality=95)
    (tmp_path / "whole.jpg").write_bytes(data)
    (tmp_path / "cut.jpg").write_bytes(data[:-2])
    np.testing.assert_array_equal(read_picture(tmp_path / "cut.jpg").rgb, read_picture(tmp_path / "whole.jpg").rgb)


def test_the_last_rows_of_a_jpeg_may_be_missing(tmp_path: Path) -> None:
    data = encoded("JPEG", np.random.default_rng(1).integers(0, 256, (400, 300, 3), dtype=np.uint8), quality=90)
    (tmp_path / "cut.jpg").write_bytes(data[: int(len(data) * 0.95)])
    picture = read_picture(tmp_path / "cut.jpg")
    assert "rows are missing" in picture.notes[0]
    np.testing.assert_array_equal(picture.rgb[-1], picture.rgb[-2])
    assert not (np.abs(picture.rgb[-1] - 128 / 255) < 1e-6).all()
    (tmp_path / "cut.jpg").write_bytes(data[: int(len(data) * 0.6)])
    with pytest.raises(UserError, match="rows are missing"):
        read_picture(tmp_path / "cut.jpg")


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:2] + b"\xff\xe1\0\x10Exif\0\0nonsense" + data[2:],
        lambda data: data[:2] + b"\xff\xe1\0\x2eExif\0\0II*\0\x08\0\0\0\x01\0\x12\1\3\0" + b"\x7f" * 22 + data[2:],
        lambda data: data[:2] + b"\xff\xe2\0\x30MPF\0II*\0\x08\0\0\0" + b"\xff" * 34 + data[2:],
        lambda data: data[:2] + b"\xff\xed\0\x14Photoshop 3.0\0nons" + data[2:],
        lambda data: data + b"rubbish" * 99,
    ],
)  # fmt: skip
def test_a_jpeg_with_rubbish_beside_its_pixels(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    (tmp_path / "a.jpg").write_bytes(encoded("JPEG"))
    expected = read_picture(tmp_path / "a.jpg").rgb
    (tmp_path / "a.jpg").write_bytes(change(encoded("JPEG")))
    np.testing.assert_array_equal(read_picture(tmp_path / "a.jpg").rgb, expected)


@pytest.mark.parametrize("kind", ["BMP", "PPM", "TIFF"])
def test_other_files_without_their_last_bytes(tmp_path: Path, kind: str) -> None:
    data = encoded(kind)
    (tmp_path / "a").write_bytes(data[:-5])
    picture = read_picture(tmp_path / "a")
    assert picture.size == (HEIGHT, WIDTH) and "missing" in picture.notes[0]
    wrong = (np.abs(picture.rgb - SCENE / 255) > 1e-6).sum()
    assert wrong <= 5
    (tmp_path / "a").write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError) as error:
        read_picture(tmp_path / "a")
    assert "\n" not in str(error.value)


def test_pillow_is_left_as_it_was(tmp_path: Path) -> None:
    """Its switches are the host's, too."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS
    (tmp_path / "cut.jpg").write_bytes(encoded("JPEG")[:-2])
    read_picture(tmp_path / "cut.jpg")
    assert (ImageFile.LOAD_TRUNCATED_IMAGES, Image.MAX_IMAGE_PIXELS) == before == (False, Image.MAX_IMAGE_PIXELS)


def test_the_user_hears_of_it(tmp_path: Path) -> None:
    data = encoded("JPEG")
    (tmp_path / "art.jpg").write_bytes(data[:-2])
    (tmp_path / "twin.jpg").write_bytes(data[:-2])
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[30:80, 20:60] = 127
    for file in (None, tmp_path / "work"):
        result = animate(
            tmp_path / "art.jpg", natural=tmp_path / "twin.jpg", mask=Image.fromarray(mask), motion="left",
            frames=2, workspace=file,
        )  # fmt: skip
        for words in ("The picture's file", "The twin's file", "127 of 255"):
            assert any(words in note for note in result.notes), (words, result.notes)


@given(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM"]), st.data())
@settings(max_examples=60)
def test_whatever_is_damaged_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, kind: str, data: st.DataObject
) -> None:
    content = bytearray(encoded(kind))
    for _ in range(data.draw(st.integers(0, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("damage") / "a.png"
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        assert read_picture(path).rgb.dtype == np.float32
    except UserError as error:
        assert str(error).count("\n") == 0 and str(error)


def test_the_header_of_a_png_is_believed_only_so_far() -> None:
    for header in (
        b"",
        bytes(13),
        struct.pack(">IIBBBBB", 8, 8, 7, 2, 0, 0, 0),
        struct.pack(">IIBBBBB", 8, 8, 8, 5, 0, 0, 0),
    ):
        file = io.BytesIO(png.SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", b""))
        with pytest.raises(UserError, match="header"):
            png.mended(file, 10**6)


def test_an_upload_with_rubbish_beside_its_pixels_is_read(tmp_path: Path) -> None:
    """Its area is asked for first, by a reader that refuses it."""
    from types import SimpleNamespace

    from t2c_ext.ui.uploads import taken_in

    (tmp_path / "a.png").write_bytes(BESIDE["a long packed text"])
    taken = taken_in(SimpleNamespace(path=str(tmp_path / "a.png")), "picture")
    assert isinstance(taken, Image.Image)
    np.testing.assert_array_equal(np.asarray(taken), SCENE)
