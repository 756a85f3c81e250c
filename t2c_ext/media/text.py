"""Named texts (generation parameters, recipe) inside the metadata that Pillow reads and writes."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

PARAMETERS = "parameters"
"""The name under which the WebUI keeps generation parameters."""

_EXIF_FOLDER = 0x8769
_USER_COMMENT = 0x9286
_DESCRIPTION = 0x010E
_ASCII, _LONG, _UNDEFINED = 2, 4, 7
_HEAD = b"MM\0*\0\0\0\x08"
GIF_EXTENSION = b"T2CTEXTS1.0"
"""Eleven bytes that name our extension of a GIF."""

_UNICODE = b"UNICODE\0"
_CHARACTER_CODES = (_UNICODE, b"ASCII\0\0\0", b"\0" * 8)
RECIPE = "recipe"
"""The name of the recipe's text, which says of a file that this product wrote it."""

OWN_MARK = "t2c"
"""The name of the text that says so where there is no recipe: of the frames after the first, and of bare loops."""

_NOT_TEXT = frozenset({"exif", "icc_profile", "Raw profile type exif"})


def texts_of(image: Image.Image) -> dict[str, str]:
    """The named texts of an opened picture: PNG text chunks, GIF comment, EXIF of JPEG, WebP, AVIF and TIFF."""
    if image.format == "PNG":
        own = getattr(image, "text", None) or image.info
        return {str(key): str(value) for key, value in own.items() if isinstance(value, str) and key not in _NOT_TEXT}
    if image.format == "GIF":
        comment = image.info.get("comment", b"")
        words = comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment)
        return {**_of_our_extension(image), **unpack(words)}
    exif = image.getexif()
    found = unpack_others(exif.get(_DESCRIPTION, ""))
    comment = _decode_comment(exif.get_ifd(_EXIF_FOLDER).get(_USER_COMMENT, b""))
    return {**found, PARAMETERS: comment} if comment else found


def png_chunks(text: Mapping[str, str]) -> PngInfo:
    """The texts as PNG text chunks (international ones where Latin-1 does not hold them)."""
    chunks = PngInfo()
    for key, value in text.items():
        chunks.add_text(key, value)
    return chunks


def exif_block(text: Mapping[str, str]) -> bytes:
    """The texts as EXIF, without a leading marker: the parameters as UserComment, the others in ImageDescription.

    Written here, since older releases of Pillow give the comment a type with which other readers fail.
    """
    entries = [(_DESCRIPTION, _ASCII, pack_others(text).encode() + b"\0")] if pack_others(text) else []
    if not text.get(PARAMETERS):
        return _HEAD + _directory(entries, len(_HEAD))
    pointer = (_EXIF_FOLDER, _LONG, b"\0" * 4)
    inner_at = len(_HEAD) + len(_directory([*entries, pointer], len(_HEAD)))
    outer = _directory([*entries, (_EXIF_FOLDER, _LONG, struct.pack(">I", inner_at))], len(_HEAD))
    comment = _UNICODE + text[PARAMETERS].encode("utf-16-be")
    return _HEAD + outer + _directory([(_USER_COMMENT, _UNDEFINED, comment)], inner_at)


def _directory(entries: Sequence[tuple[int, int, bytes]], at: int) -> bytes:
    """A TIFF directory that stands at that offset, with the values that do not fit into it behind it."""
    values_at = at + 2 + 12 * len(entries) + 4
    table, values = struct.pack(">H", len(entries)), b""
    for tag, kind, value in entries:
        padded = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(">I", values_at + len(values))
        table += struct.pack(">HHI", tag, kind, len(value) // (4 if kind == _LONG else 1)) + padded
        values += value + b"\0" * (len(value) % 2) if len(value) > 4 else b""
    return table + b"\0" * 4 + values


def gif_blocks(text: Mapping[str, str]) -> bytes:
    """The texts as a GIF's extensions: the parameters as its comment, which the WebUI reads, the others as ours."""
    others, comment = pack_others(text), text.get(PARAMETERS, "")
    own = b"!\xff" + _blocks(GIF_EXTENSION) + _blocks(others.encode()) + b"\0" if others else b""
    return own + (b"!\xfe" + _blocks(comment.encode("utf-8")) + b"\0" if comment else b"")


def _blocks(data: bytes) -> bytes:
    """A GIF's blocks of at most 255 bytes, each after its length."""
    pieces = (data[at : at + 255] for at in range(0, len(data), 255))
    return b"".join(bytes([len(piece)]) + piece for piece in pieces)


def _of_our_extension(image: Image.Image) -> dict[str, str]:
    """The texts that `gif_blocks` has put into an extension of ours; Pillow tells where the last one stands."""
    name, at = image.info.get("extension", (b"", 0))
    file = getattr(image, "fp", None)
    if name != GIF_EXTENSION or file is None:
        return {}
    before, data = file.tell(), b""
    file.seek(at)
    while (size := file.read(1)) and size != b"\0":
        data += file.read(size[0])
    file.seek(before)
    return _table(data.decode("utf-8", "replace"))


def container_tags(text: Mapping[str, str]) -> dict[str, str]:
    """The texts as the two tags that both MP4 and WebM have: comment (the parameters) and description (the others)."""
    tags = {"comment": text.get(PARAMETERS, ""), "description": pack_others(text)}
    return {key: value for key, value in tags.items() if value}


def unpack(comment: str) -> dict[str, str]:
    """The texts in a single comment."""
    return _table(comment) or ({PARAMETERS: comment} if comment else {})


def pack_others(text: Mapping[str, str]) -> str:
    """JSON (ASCII) of all texts but the parameters; empty when there are none."""
    others = {key: value for key, value in text.items() if key != PARAMETERS}
    return json.dumps(others) if others else ""


def unpack_others(description: object) -> dict[str, str]:
    """The texts in a description field; one that we did not write is kept under its own name."""
    if not isinstance(description, str) or not description.strip():
        return {}
    return _table(description) or {"description": description}


def _table(text: str) -> dict[str, str]:
    try:
        document: Any = json.loads(text)
    except ValueError:
        return {}
    if not isinstance(document, dict) or not all(isinstance(value, str) for value in document.values()):
        return {}
    return {str(key): value for key, value in document.items()}


def _decode_comment(comment: object) -> str:
    """EXIF UserComment: eight bytes that name the character code, then the text."""
    if isinstance(comment, str):
        return comment.strip("\0")
    if not isinstance(comment, bytes):
        return ""
    if comment.startswith(_UNICODE):
        body = comment[len(_UNICODE) :]
        big = body.decode("utf-16-be", "replace")
        little = body.decode("utf-16-le", "replace")
        return min((big, little), key=_foreign).strip("\0\ufeff")
    for code in _CHARACTER_CODES:
        comment = comment.removeprefix(code)
    return comment.decode("utf-8", "replace").strip("\0")


def _foreign(text: str) -> int:
    """How many characters are not ASCII; the wrong byte order makes nearly all of them so."""
    return sum(character > "\x7f" for character in text)
