"""The twin's negative prompt: it is to look like a photograph, whatever its picture is kept away from."""

from __future__ import annotations

import re
from collections.abc import Iterable

_REALISM = (
    r"(?:hyper|ultra|photo|super)?[- ]?reali(?:stic|sm)|photo[- ]?real|photo(?:s|graph(?:s|y|ic)?)?|(?:3|three)[- ]?d"
    r"|renders?|rendering|cgi|dslr|raw|real[- ]life|real"
)
"""Words by which a painter keeps a picture from looking real; they would keep the twin from it too."""

_TERM = re.compile(rf"\s*(?:(?:{_REALISM})\b[\s-]*)+(?=[,:)\]|]|$)", re.IGNORECASE)
"""A term, or the rest of one behind a bracket, that is made of such words alone."""

_STARTS = re.compile(r"(?:^|(?<=[,(\[|]))")


def natural_negative(negative: str, styles: Iterable[str] = ()) -> str:
    """What the twin is led away from: what the picture is, without realism, and the picture's style.

    Args:
        negative: the picture's negative prompt, in the WebUI's syntax, which stays.
        styles: the terms of style that the twin's own prompt leaves out.
    """
    kept: list[str] = []
    at = 0
    for start in (found.start() for found in _STARTS.finditer(negative)):
        if start < at:
            continue
        term = _TERM.match(negative, start)
        if term is not None and term.group().strip():
            kept.append(negative[at:start])
            at = term.end()
    plain = _tidy("".join([*kept, negative[at:]]))
    own = plain.lower()
    return ", ".join([*([plain] if plain else []), *(style for style in styles if style.lower() not in own)])


def _tidy(text: str) -> str:
    """Without brackets and commas that hold nothing."""
    before = ""
    while before != text:
        before = text
        text = re.sub(r"[(\[]\s*(?::\s*[\d.]*)?\s*[)\]]", "", text)
        text = re.sub(r",(?:\s*,)+", ",", text)
        text = re.sub(r"([(\[])\s*,\s*", r"\1", text)
        text = re.sub(r"\s*,\s*(?=[):\]])", "", text)
    return text.strip(" ,")
