"""The nouns of a prompt as positions among its tokens."""

from __future__ import annotations

import re
from collections.abc import Sequence

STOP_WORDS = frozenset(["a", "an", "the", "and", ",", ".", "-"])
"""Tokens that say nothing of their own, also inside a phrase (as in GoCA's code)."""

_Span = tuple[int, int]


def phrase_positions(caption: str, tokens: Sequence[str], phrases: Sequence[str]) -> list[tuple[int, ...]]:
    """For each phrase the positions of its tokens.

    Args:
        caption: the prompt.
        tokens: its tokens as text, in order; marks that are not in the caption (start, end, filler) belong to none.
        phrases: in the order of the caption. Each is looked for behind the one before, as whole words, so that "tree"
            after "palm trees" finds its own word.

    Returns:
        Positions without `STOP_WORDS`; empty for a phrase that the caption does not have.
    """
    caption = caption.lower()
    spans = _token_spans(caption, tokens)
    found, start = [], 0
    for phrase in phrases:
        span = _phrase_span(caption, phrase.lower(), start)
        start = span[1] if span else start
        found.append(
            tuple(
                position
                for position, place in enumerate(spans)
                if span and place and _within(place, span) and caption[slice(*place)] not in STOP_WORDS
            )
        )
    return found


def _within(inner: _Span, outer: _Span) -> bool:
    return outer[0] <= inner[0] and inner[1] <= outer[1]


def _token_spans(caption: str, tokens: Sequence[str]) -> list[_Span | None]:
    """Where each token stands in the caption; None for marks."""
    spans: list[_Span | None] = []
    start = 0
    for token in tokens:
        # not only where the last one ended: letters that the tokenizer takes apart into bytes have no text of their own
        place = caption.find(token.lower(), start) if token else -1
        spans.append(None if place < 0 else (place, place + len(token)))
        start = max(start, place + len(token)) if place >= 0 else start
    return spans


def _phrase_span(caption: str, phrase: str, start: int) -> _Span | None:
    """The first place behind `start`; where there is none, the first of all."""
    pattern = re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)")
    match = pattern.search(caption, start) or pattern.search(caption)
    return match.span() if match and phrase else None
