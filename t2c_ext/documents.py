"""Text files and JSON documents that people write: read within limits, refused in one line.

A file may begin with a byte order mark, as some editors of Windows write it. JSON is read more strictly than the
standard library reads it: numbers are finite, a key stands once in its object, nothing is nested without end, and every
letter can be written again.
"""

from __future__ import annotations

import codecs
import json
import math
from pathlib import Path
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.pipes import refuse_pipe

LARGEST_TEXT = 64_000_000
"""Bytes of a file; above what hints with sixteen painted masks come to."""

DEEPEST = 64
"""Levels of lists and objects; no document of ours has more than six."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as that of UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path, largest: int = LARGEST_TEXT) -> str:
    """The text of a file: UTF-8, or what its byte order mark says; lines end with a line feed.

    Args:
        path: the file.
        largest: bytes that it may have.

    Raises:
        UserError: it cannot be read, is too large, or is no text.
    """
    try:
        refuse_pipe(path)
        with path.open("rb") as file:
            content = file.read(largest + 1)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    if len(content) > largest:
        raise UserError(f"cannot read {path}: it is larger than {largest / 1e6:g} MB")
    return decode_text(content, str(path))


def decode_text(content: bytes, what: str) -> str:
    """The text of a file's bytes, as `read_text`.

    Args:
        content: the bytes.
        what: how an error names them.

    Raises:
        UserError: they are no text.
    """
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        raise UserError(f"{what} is no text; save it as UTF-8") from None
    if "\0" in text:
        raise UserError(f"{what} is no text; save it as UTF-8")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_document(path: Path, what: str) -> dict[str, Any]:
    """The JSON object in a file.

    Args:
        path: the file.
        what: it is, such as "the recipe"; an error names it and the file.

    Raises:
        UserError: it cannot be read, or holds no such object.
    """
    return parse_document(read_text(path), f"{what} {path}")


def parse_document(text: str, what: str) -> dict[str, Any]:
    """The JSON object in a text.

    Args:
        text: the document.
        what: how an error names it.

    Raises:
        UserError: it is no JSON or no object, holds a number that is not finite, a key twice, or is nested too deeply.
    """
    text = text.removeprefix("\ufeff")  # a byte order mark that was taken for a letter
    if not text.strip():
        raise UserError(f"{what} is empty")
    try:
        document = json.loads(
            text, parse_constant=_refuse_constant, parse_float=_finite, object_pairs_hook=_without_repeats
        )
    except json.JSONDecodeError as error:
        raise UserError(f"{what} is not valid JSON: {error.msg} (line {error.lineno})") from None
    except RecursionError:
        raise UserError(f"{what} is nested too deeply") from None
    except ValueError as error:  # ours, or a whole number of more digits than Python turns into one
        reason = str(error) if isinstance(error, _Refused) else "a number has too many digits"
        raise UserError(f"{what} is not valid JSON: {reason}") from None
    if not isinstance(document, dict):
        raise UserError(f"{what} is {_kind(document)}, but must be an object: {{...}}")
    _check(document, what)
    return document


class _Refused(ValueError):
    """What the standard library would read and we do not."""


def _refuse_constant(word: str) -> Any:
    raise _Refused(f"{word} is no number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise _Refused(f"{digits[:20]} is too large a number")
    return number


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        names = [name for name, _ in pairs]
        raise _Refused(f"the key {next(name for name in names if names.count(name) > 1)[:40]!r} is given twice")
    return result


def _kind(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "null")


def _check(document: dict[str, Any], what: str) -> None:
    """UserError where it is nested too deeply, or a text in it holds half of a letter, which no file could keep."""
    left: list[tuple[Any, int]] = [(document, 1)]
    while left:
        value, depth = left.pop()
        if depth > DEEPEST:
            raise UserError(f"{what} is nested too deeply")
        if isinstance(value, str) and not _writable(value):
            raise UserError(f"{what} is not valid JSON: a text in it holds half of a letter (a lone surrogate)")
        if isinstance(value, dict):
            left.extend((part, depth + 1) for pair in value.items() for part in pair)
        elif isinstance(value, list):
            left.extend((part, depth + 1) for part in value)


def _writable(text: str) -> bool:
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
