"""Named texts (generation parameters, recipe) inside the metadata that Pillow reads and writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

PARAMETERS = "parameters"
"""The name under which the WebUI keeps generation parameters."""

_EXIF_FOLDER = 0x8769
_USER_COMMENT = 0x9286
_DESCRIPTION = 0x010E
_UNICODE = b"UNICODE\0"
_CHARACTER_CODES = (_UNICODE, b"ASCII\0\0\0", b"\0" * 8)
_NOT_TEXT = frozenset({"exif", "icc_profile", "Raw profile type exif"})


def texts_of(image: Image.Image) -> dict[str, str]:
    """The named texts of an opened picture: PNG text chunks, GIF comment, EXIF of JPEG, WebP, AVIF and TIFF."""
    if image.format == "PNG":
        own = getattr(image, "text", None) or image.info
        return {str(key): str(value) for key, value in own.items() if isinstance(value, str) and key not in _NOT_TEXT}
    if image.format == "GIF":
        comment = image.info.get("comment", b"")
        return unpack(comment.decode("utf-8", "replace") if isinstance(comment, bytes) else str(comment))
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
    """The texts as EXIF, without a leading marker: the parameters as UserComment, the others in ImageDescription."""
    exif = Image.Exif()
    others = pack_others(text)
    if others:
        exif[_DESCRIPTION] = others
    if text.get(PARAMETERS):
        exif[_EXIF_FOLDER] = {_USER_COMMENT: _UNICODE + text[PARAMETERS].encode("utf-16-be")}
    return exif.tobytes().removeprefix(b"Exif\0\0")


def pack(text: Mapping[str, str]) -> str:
    """One string for a format with a single comment: the parameters as they are, or JSON when there is more."""
    if set(text) <= {PARAMETERS}:
        return text.get(PARAMETERS, "")
    return json.dumps(dict(text), ensure_ascii=False)


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
