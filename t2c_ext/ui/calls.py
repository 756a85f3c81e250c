"""The files that a request to run something names: Gradio reads them, or fetches them where they are addresses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_LINKS = ("path", "url")
"""The fields of Gradio's file data that it follows."""


def named_files(body: bytes) -> list[str]:
    """What a request's JSON has under the names by which Gradio finds files, as deep as it may lie.

    Raises:
        ValueError: it is no JSON, or nested too deeply.
    """
    try:
        return list(_named(json.loads(body)))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _named(document: Any) -> Iterator[str]:
    waiting = [document]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            yield from (part[name] for name in _LINKS if isinstance(part.get(name), str))
            waiting += part.values()
