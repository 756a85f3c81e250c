"""The WebUI's prompt syntax: what of it is text, and how to cut words out without breaking it.

`plain` keeps every character's position: syntax becomes spaces or punctuation of the same length, so that a place in
the plain text is the same place in the prompt.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice, pairwise

from t2c_ext.markup import AND, BREAK, EXTRA_NETWORK, NUMBER, joins_prompts

HARD_BREAK = "\f"
"""Stands where BREAK or AND separates parts of a prompt."""

ALTERNATE = "|"
"""Stands between the options of [a|b]."""

_WILDCARD = re.compile(r"__[\w/*-]{1,80}__")
_WEIGHT = re.compile(rf":{NUMBER}(?=\))")
_NUMBER = re.compile(NUMBER)
_AND_WEIGHT = re.compile(rf":{NUMBER}(?=\f|$)")
_OPENING = {"(": ")", "[": "]", "{": "}"}
_CLOSING = frozenset(_OPENING.values())
_PARAMETERS = re.compile(r"(?:^|(?<=\s))(?:Negative prompt:\s|Steps: \d{1,9}, (?=[A-Z]))")
_GROUP_END = re.compile(r"\s*(?::\s{0,8}[+-]?[\d.]{1,19}\s{0,8})?\s*([)\]}])")


@dataclass
class _Group:
    """A bracket that is still open."""

    opening: str
    start: int
    bars: list[int] = field(default_factory=list)
    colons: list[int] = field(default_factory=list)


@dataclass(frozen=True)
class Plain:
    """The words of a prompt.

    Attributes:
        text: as long as the prompt; syntax replaced by spaces or punctuation.
        options: half-open spans of the options of alternations and of scheduled edits; none may become empty.
    """

    text: str
    options: tuple[tuple[int, int], ...] = ()


def prompt_of(text: str) -> tuple[str, str]:
    """The prompt in a text that may hold more, and a sentence about what was left out, or "".

    A text with generation parameters, as PNG info shows them, counts up to its negative prompt or its line of "Steps:".
    A comment reaches from "#" to the end of its line, as in the WebUI.
    """
    parameters = _PARAMETERS.search(text)
    prompt = text if parameters is None else text[: parameters.start()].rstrip()
    note = "" if parameters is None else "Of the pasted generation parameters only the prompt counts."
    if "#" not in prompt:
        return prompt, note
    lines = (line.partition("#") for line in prompt.split("\n"))
    return "\n".join(words.rstrip() if mark else words for words, mark, _ in lines if words.strip() or not mark), note


def plain(prompt: str) -> Plain:
    """The prompt's words, each at its own place. Never raises; unbalanced brackets are blanked."""
    chars = list(prompt)
    for pattern in (EXTRA_NETWORK, _WILDCARD, _WEIGHT):
        for match in pattern.finditer(prompt):
            _blank(chars, *match.span())
    options = _blank_brackets(prompt, chars)
    text = _hard_breaks("".join(chars))
    return Plain(text, tuple(options))


def _blank(chars: list[str], start: int, end: int) -> None:
    chars[start:end] = " " * (end - start)


def _hard_breaks(text: str) -> str:
    text = BREAK.sub(HARD_BREAK + "    ", text)
    if joins_prompts(text):
        text = AND.sub(HARD_BREAK + "  ", text)
    return _AND_WEIGHT.sub(lambda match: " " * len(match[0]), text)


def _blank_brackets(prompt: str, chars: list[str]) -> list[tuple[int, int]]:
    """Blank brackets in `chars`; returns the options of the square ones."""
    stack: list[_Group] = []
    options: list[tuple[int, int]] = []
    position = 0
    while position < len(prompt):
        char = chars[position]
        if char == "\\" and prompt[position + 1 : position + 2] in tuple("()[]{}\\"):
            chars[position] = " "
            position += 2
            continue
        if char in _OPENING:
            stack.append(_Group(char, position))
            chars[position] = " "
        elif char in _CLOSING:
            chars[position] = " "
            if stack and _OPENING[stack[-1].opening] == char:
                options += _close(stack.pop(), position, prompt, chars)
        elif stack and char == ALTERNATE:
            stack[-1].bars.append(position)
        elif stack and char == ":":
            stack[-1].colons.append(position)
        position += 1
    return options


def _close(group: _Group, end: int, prompt: str, chars: list[str]) -> list[tuple[int, int]]:
    """Settle what the bars and colons of a closed group mean; returns its options."""
    start = group.start + 1
    if group.bars:
        edges = [start - 1, *group.bars, end]
        return [(left + 1, right) for left, right in pairwise(edges)]
    if group.opening != "[" or not group.colons or not _NUMBER.fullmatch(prompt, group.colons[-1] + 1, end):
        return []
    _blank(chars, group.colons[-1], end)
    edges = [start - 1, *group.colons[-2:]]
    if len(group.colons) > 1:
        chars[group.colons[-2]] = ","
    return [(left + 1, right) for left, right in pairwise(edges)]


def cut(prompt: str, spans: Iterable[tuple[int, int]], options: Iterable[tuple[int, int]] = ()) -> str:
    """The prompt without the characters of `spans` (half-open), its syntax intact.

    A bracket, or a place between commas, that holds nothing else goes with the words; an option of an alternation is
    never emptied. Extra networks and weights of other words stay.
    """
    fixed = sorted(option for option in options if prompt[option[0] : option[1]].strip())
    kept = sorted(match.span() for pattern in (EXTRA_NETWORK, _WILDCARD, _WEIGHT) for match in pattern.finditer(prompt))
    for start, end in sorted(spans, reverse=True):
        if _empties_one(prompt, start, end, fixed):
            continue
        for piece in reversed(_text_only(prompt, start, end, kept)):
            prompt = _cut_one(prompt, *piece)
    return prompt


def _empties_one(prompt: str, start: int, end: int, options: list[tuple[int, int]]) -> bool:
    """Whether an option, of those sorted by their start, holds nothing beside the span."""
    head = prompt[:start].rstrip()
    first = bisect_left(options, (len(head), 0))
    for left, right in islice(options, first, bisect_left(options, (end, 0))):
        if start < right and not (prompt[left:start] + prompt[min(end, right) : right]).strip():
            return True
    return False


def _text_only(prompt: str, start: int, end: int, kept: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The parts of a span that are words: brackets, weights and extra networks (`kept`, sorted) inside it stay."""
    first = max(bisect_left(kept, (start, 0)) - 3, 0)  # one of each pattern may begin before the span
    keep = list(islice(kept, first, bisect_left(kept, (end, 0))))
    keep += [(place, place + 1) for place in range(start, end) if prompt[place] in "()[]{}\\|"]
    pieces = []
    at = start
    for left, right in sorted(keep):
        if right <= start or left >= end:
            continue
        pieces.append((at, left))
        at = max(at, right)
    pieces.append((at, end))
    return [_trimmed(prompt, *piece) for piece in pieces if prompt[piece[0] : piece[1]].strip()]


def _trimmed(prompt: str, start: int, end: int) -> tuple[int, int]:
    """The span without the spaces at its ends."""
    text = prompt[start:end]
    return start + len(text) - len(text.lstrip()), end - len(text) + len(text.rstrip())


def _cut_one(prompt: str, start: int, end: int) -> str:
    """Cut one span, the brackets that it leaves empty, and the space or comma that is then too many."""
    while True:
        before = prompt[:start].rstrip()
        closing = _GROUP_END.match(prompt, end)
        if not before or not closing or _OPENING.get(before[-1]) != closing[1] or before[-2:-1] == "\\":
            break
        start, end = len(before) - 1, closing.end()
    left, right = prompt[:start], prompt[end:]
    head, tail = left.rstrip(), right.lstrip()
    if (not head or head[-1] in ",;") and tail[:1] in tuple(",;"):
        return (head + tail[1:]) if head else tail[1:].lstrip()
    if not head:
        return tail
    if not tail:
        return head.rstrip(",; ")
    if tail[0] in ",;.:)]}|!?":
        return head + tail
    if head[-1] in "([{|" and left == head:
        return head + tail
    if left != head or right != tail:
        return head + " " + tail
    return left + right
