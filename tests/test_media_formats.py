"""One door for every picture file: which formats come in, and that nobody goes round it."""

from __future__ import annotations

import ast
import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import t2c_ext
from t2c_ext.errors import UserError
from t2c_ext.media.formats import ENDINGS, kind_of, readable
from t2c_ext.media.frames import read_video
from t2c_ext.media.metadata import read_text
from t2c_ext.media.opening import opened
from t2c_ext.media.pictures import read_mask, read_picture
from t2c_ext.motion.paper import load_image, load_mask
from t2c_ext.service import decode_picture

PACKAGE = Path(t2c_ext.__file__).parent
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n(ran) print\n%%EOF\n"
PICTURE = np.arange(16 * 24 * 3, dtype=np.uint8).reshape(16, 24, 3)


def test_nobody_else_opens_pictures() -> None:
    """Also not under another name, nor through OpenCV's, imageio's or scikit-image's readers of files."""
    doors = {"media/opening.py"}
    forbidden = {("Image", "open"), ("cv2", "imread"), ("imageio", "imread"), ("io", "imread"), ("iio", "imread")}
    found = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, (ast.Name, ast.Attribute)):
                owner = node.value.id if isinstance(node.value, ast.Name) else node.value.attr
                if (owner, node.attr) in forbidden:
                    found.append((path.relative_to(PACKAGE).as_posix(), node.lineno))
            if isinstance(node, ast.ImportFrom) and node.module in ("PIL.Image", "cv2", "imageio"):
                assert not {"open", "imread"} & {name.name for name in node.names}, path
    assert {name for name, _ in found} == doors, found


@pytest.mark.parametrize(
    "door",
    [
        read_picture,
        read_mask,
        read_text,
        load_image,
        load_mask,
        lambda path: list(read_video(path)),
        lambda path: decode_picture(base64.b64encode(path.read_bytes()).decode(), "image"),
    ],
)
@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.eps", "a.gif"])
def test_postscript_reaches_no_program(
    tmp_path: Path, name: str, door: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL import EpsImagePlugin

    def ran(*_: object) -> None:
        raise AssertionError("PostScript was opened")

    monkeypatch.setattr(EpsImagePlugin.EpsImageFile, "_open", ran)
    Image.init()
    (tmp_path / name).write_bytes(POSTSCRIPT)
    with pytest.raises(UserError, match="PostScript"):
        door(tmp_path / name)  # type: ignore[operator]


@pytest.mark.parametrize("kind", [kind for kind in Image.SAVE if kind not in ("PDF", "EPS")])
def test_formats_of_the_list_are_read_and_no_others(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "EXTENSION", dict(Image.EXTENSION))  # Pillow's SPIDER takes over the ending it writes
    path = tmp_path / "picture.png"
    try:
        Image.fromarray(PICTURE).save(path, kind)
    except (OSError, ValueError, KeyError, RuntimeError, SyntaxError, AttributeError):
        pytest.skip(f"Pillow does not write {kind} here")
    if kind in readable() or kind == "MPO":
        assert read_picture(path).size == (16, 24)
    else:
        with pytest.raises(UserError) as error:
            read_picture(path)
        assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%!PS-Adobe", "PostScript"),
        (b"%PDF-1.7", "PDF"),
        (b"\xef\xbb\xbf<?xml version", "XML"),
        (b"  <SVG width", "SVG"),
        (b"<!DOCTYPE html>", "HTML"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0avifmif1", "HEIC"),
        (b"\0\0\0\x1cftypavif\0\0\0\0mif1avif", "AVIF"),
        (b"\0\0\0\x18ftypmp42\0\0\0\0isom", "video"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "WebP"),
        (b"8BPS\0\1", "Photoshop"),
        (b"hello", ""),
        (b"", ""),
    ],
)
def test_a_refusal_names_what_a_file_is(head: bytes, kind: str) -> None:
    assert kind_of(head) == kind


def test_endings_are_written_as_they_are_compared() -> None:
    assert all(ending == ending.lower() and ending.startswith(".") for ending in ENDINGS)
    assert {".jfif", ".avif", ".ppm", ".png", ".jpg", ".heic"} <= ENDINGS


def test_places_that_are_no_files(tmp_path: Path) -> None:
    for path, words in (
        (tmp_path, "folder"),
        (tmp_path / "none.png", "cannot find"),
        (tmp_path / ("a" * 4000), "cannot read"),
        (tmp_path / "a\0b.png", "no path"),
        (tmp_path / "two\nlines.png", "cannot find"),
    ):
        with pytest.raises(UserError, match=words) as error, opened(path):
            pass
        assert "\n" not in str(error.value)
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(UserError, match="empty file"), opened(tmp_path / "empty.png"):
        pass


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no devices in the file system")
def test_devices_and_pipes_are_not_read_without_end(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe.png")
    for path in (Path("/dev/zero"), tmp_path / "pipe.png"):
        with pytest.raises(UserError, match="ordinary file"), opened(path):
            pass
