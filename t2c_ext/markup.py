"""The marks of the WebUI's prompt syntax, which the prompt stage reads for words, and twins for weights."""

from __future__ import annotations

import re

NUMBER = r"[^\S\f]{0,8}[+-]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9})[^\S\f]{0,99}"
"""A weight, or the place of a scheduled edit, with the spaces around it; a form feed is none, as the prompt stage puts
it where prompts part. The counts are bounded, so that no text takes more than linear time."""

BREAK = re.compile(r"\bBREAK\b")
"""Ends a part of the prompt."""

AND = re.compile(r"\bAND\b")
"""Stands between prompts; see `joins_prompts`."""

EXTRA_NETWORK = re.compile(r"<([A-Za-z_]{1,30}):([^<>\n]{0,300})>")
"""`<lora:name:0.8>`: the kind, and what stands behind it."""


def joins_prompts(prompt: str) -> bool:
    """Whether AND stands between prompts; in a prompt all in capitals it is a word."""
    return bool(AND.search(prompt)) and prompt != prompt.upper()
