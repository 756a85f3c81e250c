"""The two ways in which a run ends early.

An error says what is wrong, which setting it is about, and the ways out, in fields; each face words them for its users
(`wording`). As a text it has the names of settings as Python, recipes and requests have them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

E = TypeVar("E", bound="UserError")

DOWNLOAD = "download"
"""A way out by fetching a model of the catalogue; its name is the way's value."""

RUN = "run"
"""A way out by running a workspace by itself; its folder is the way's value."""


@dataclass(frozen=True)
class Way:
    """A way out of an error.

    Attributes:
        do: what to do, in words that hold on every face: "paint a mask".
        by: the setting that does it, by its name in the table; or another thing that faces may have ("mask",
            "workspace", ...), or an action (`DOWNLOAD`, `RUN`); "": nothing of this program.
        value: what to give there.
    """

    do: str
    by: str = ""
    value: str = ""

    def said(self, name: str) -> str:
        """The way in words, with a face's name for what it goes by; "" where that has no name."""
        how = f"{name} {self.value}".strip() if name else ""
        return f"{self.do} ({how})" if how else self.do

    def __str__(self) -> str:
        """The way with the name that Python has for it."""
        return self.said("" if self.by in (DOWNLOAD, RUN) else self.by)


class UserError(ValueError):
    """Something the user can mend; its text is one line that says what is wrong and what to do.

    It stays one line whatever names and foreign messages went into it.

    Attributes:
        problem: what is wrong.
        setting: the setting that it is about, by its name in the table: "speed" of "speed is 9, but must be ...", whose
            problem begins with "is"; or "".
        ways: the ways out, each of which will do.
        place: what it was found in, such as a file's name, or "".
    """

    def __init__(self, problem: object = "", *, setting: str = "", ways: Sequence[Way] = ()) -> None:
        """Keep what is wrong, with its line breaks and other control characters as escapes."""
        self.problem, self.setting, self.ways, self.place = _one_line(str(problem)), setting, tuple(ways), ""
        super().__init__(self.problem)

    def __str__(self) -> str:
        """The sentence, with names as Python has them."""
        return self.said(self.setting, str)

    def said(self, setting: str, way: Callable[[Way], str]) -> str:
        """The sentence, with a face's words.

        Args:
            setting: the face's name of the setting that the error is about.
            way: the face's words for a way out.
        """
        said = f"{setting} {self.problem}" if self.setting else self.problem
        if self.place:
            said = f"{self.place}: {said}"
        ways = [_one_line(way(one)) for one in self.ways]
        return f"{said}; {', '.join([*ways[:-1], f'or {ways[-1]}' if ways[:-1] else ways[-1]])}" if ways else said

    def within(self: E, place: object) -> E:
        """The same error, found in a part of something: "recipe.json: speed is 9, ..."."""
        found = copy.copy(self)
        found.place = _one_line(f"{place}: {self.place}" if self.place else str(place))
        return found

    def without(self: E, text: str) -> E:
        """The same error, in whose words and place a text, such as a folder that is no one's business, is left out."""
        found = copy.copy(self)
        found.problem, found.place = self.problem.replace(text, ""), self.place.replace(text, "")
        return found


class Cancelled(Exception):
    """The user stopped the run; what was finished is kept."""


def _one_line(text: str) -> str:
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    """The character, or how Python writes it where it is none that a line may hold (controls, lone surrogates)."""
    if character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
