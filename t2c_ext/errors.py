"""The two ways in which a run ends early."""

from __future__ import annotations


class UserError(ValueError):
    """Something the user can mend; its message is one line that says what is wrong and what to do.

    It stays one line whatever names and foreign messages went into it.
    """

    def __init__(self, message: object = "") -> None:
        """Keep the message, with its line breaks and other control characters as escapes."""
        super().__init__("".join(_shown(character) for character in str(message)))


class Cancelled(Exception):
    """The user stopped the run; what was finished is kept."""


def _shown(character: str) -> str:
    """The character, or how Python writes it where it is none that a line may hold (controls, lone surrogates)."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
