"""Words and punctuation of a plain prompt."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from t2c_ext.prompt.syntax import ALTERNATE, HARD_BREAK


class Kind(Enum):
    """What a token is."""

    WORD = "word"
    NUMBER = "number"
    ARROW = "arrow"
    COMMA = "comma"
    STOP = "stop"
    HARD = "hard"
    ALTERNATE = "alternate"


@dataclass(frozen=True)
class Token:
    """One word, number or mark.

    Attributes:
        kind: what it is.
        text: as it stands in the prompt.
        lower: in lower case, without a possessive ending.
        start, end: half-open place in the prompt.
        linked: a hyphen joins it to the token before.
        possessive: it ended in 's.
    """

    kind: Kind
    text: str
    lower: str
    start: int
    end: int
    linked: bool = False
    possessive: bool = False


class Words:
    """The words at the tokens of a plain prompt."""

    def __init__(self, tokens: list[Token]) -> None:
        """Look at these tokens."""
        self.tokens = tokens
        self._lower = [token.lower if token.kind in (Kind.WORD, Kind.NUMBER) else "" for token in tokens]

    def word(self, at: int) -> str:
        """The word or number at a token in lower case, or ""."""
        return self._lower[at] if 0 <= at < len(self._lower) else ""


_PATTERN = re.compile(
    r"(?P<arrow><?[-=]{1,2}>|<[-=]{1,2}|[←↑→↓↖↗↘↙⇐⇑⇒⇓⟵⟶⬅➡⬆⬇])"
    r"|(?P<number>(?<![\w.])[-+−]?\d{1,12}(?:\.\d{1,12})?)"
    r"|(?P<degree>[°º])"
    r"|(?P<word>[^\W\d_]+(?:['’][^\W\d_]+)*)"
    r"|(?P<hyphen>[-‐‑])"
    r"|(?P<mark>[^\s\w])"
    rf"|(?P<hard>{HARD_BREAK})"
    r"|(?P<line>\n)"
)
_COMMAS = frozenset(',:/()"“”–—~*•')
_STOPS = frozenset(";.!?\n…")


def tokenize(text: str) -> list[Token]:
    """The tokens of a plain prompt, in order."""
    tokens: list[Token] = []
    hyphen_end = -1
    for match in _PATTERN.finditer(text):
        group, found = match.lastgroup, match[0]
        start, end = match.span()
        linked = hyphen_end == start and bool(tokens) and tokens[-1].end == start - 1
        if group == "hyphen":
            if tokens and tokens[-1].end == start and text[end : end + 1].isalnum():
                hyphen_end = end
            elif text[start - 1 : start].isspace() or start == 0:
                tokens.append(Token(Kind.COMMA, found, found, start, end))
        elif group == "word":
            tokens.append(_word(found, start, end, linked))
        elif group in ("number", "degree"):
            kind = Kind.NUMBER if group == "number" else Kind.WORD
            lower = found.replace("−", "-") if group == "number" else "degrees"
            tokens.append(Token(kind, found, lower, start, end, linked))
        elif group == "arrow":
            tokens.append(Token(Kind.ARROW, found, found, start, end))
        else:
            kind_of_mark = _kind_of_mark(found)
            if kind_of_mark is not None:
                tokens.append(Token(kind_of_mark, found, found, start, end))
    return tokens


def _word(found: str, start: int, end: int, linked: bool) -> Token:
    lower = found.lower().replace("’", "'")
    possessive = lower.endswith("'s")
    return Token(Kind.WORD, found, lower[:-2] if possessive else lower, start, end, linked, possessive)


def _kind_of_mark(mark: str) -> Kind | None:
    if mark == ALTERNATE:
        return Kind.ALTERNATE
    if mark == HARD_BREAK:
        return Kind.HARD
    if mark in _STOPS:
        return Kind.STOP
    if mark == "&":
        return Kind.WORD
    return Kind.COMMA if mark in _COMMAS else None
