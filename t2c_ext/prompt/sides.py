"""The sides of a picture in words: "the far upper left corner of the canvas", "north-east"."""

from __future__ import annotations

import math
from dataclasses import dataclass

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.tokens import Kind, Token

Vector = tuple[float, float]
"""(x, y), y up."""


def unit(angle: float) -> Vector:
    """(x, y), y up, of an angle in degrees."""
    return math.cos(math.radians(angle)), math.sin(math.radians(angle))


def angle_of(vector: Vector) -> float:
    """The angle in degrees, 0 <= angle < 360, rounded to a thousandth."""
    return round(math.degrees(math.atan2(vector[1], vector[0])), 3) % 360


def normal(vector: Vector) -> Vector:
    """The vector at length 1; (0, 0) when it has none."""
    length = math.hypot(*vector)
    return (vector[0] / length, vector[1] / length) if length > 1e-6 else (0.0, 0.0)


def add(one: Vector, other: Vector) -> Vector:
    """The sum of two vectors."""
    return one[0] + other[0], one[1] + other[1]


def subtract(one: Vector, other: Vector) -> Vector:
    """The first vector less the second."""
    return one[0] - other[0], one[1] - other[1]


def parallel(one: Vector, other: Vector) -> bool:
    """They lie on one line, in the same sense or against each other."""
    return abs(one[0] * other[1] - one[1] * other[0]) < 1e-6 and one != (0.0, 0.0)


@dataclass(frozen=True)
class Place:
    """A side of the picture: where it ends, where it is, and whether another thing owns it ("left of the house")."""

    last: int
    vector: Vector
    foreign: bool = False


class SideReader:
    """Reads sides of the picture at a given token."""

    def __init__(self, tokens: list[Token]) -> None:
        """Read these tokens."""
        self.tokens = tokens
        self.words = [token.lower if token.kind in (Kind.WORD, Kind.NUMBER) else "" for token in tokens]

    def word(self, at: int) -> str:
        """The word or number at a token in lower case, or ""."""
        return self.words[at] if 0 <= at < len(self.words) else ""

    def side(self, at: int) -> Vector | None:
        """The side that one word names."""
        word = self.word(at)
        if self.tokens[at].possessive if at < len(self.tokens) else False:
            return None
        return vocab.SIDES.get(word) or vocab.UPRIGHT.get(word) or self.compass_word(at)

    def compass_word(self, at: int) -> Vector | None:
        """The direction of a compass word."""
        if at >= len(self.tokens):
            return None
        return vocab.COMPASS.get(self.word(at)) or vocab.COMPASS_LETTERS.get(self.tokens[at].text)

    def place(self, at: int, *, article: bool = True) -> Place | None:
        """ "(the) (far) upper left (hand) (corner) (of the picture)"."""
        start = at
        if article and self.word(at) in ("the", "its", "their", "our", "your"):
            at += 1
        had_article = at > start
        while self.word(at) in ("far", "very", "extreme", "immediate"):
            at += 1
        vector: Vector = (0.0, 0.0)
        first = at
        while at < len(self.tokens) and at - first < 3:
            side = self.side(at)
            if side is None or (at > first and parallel(vector, side)):
                break
            vector = add(vector, side)
            at += 1
        if at == first or vector == (0.0, 0.0):
            return None
        if self.word(at) in ("hand", "most") or (self.word(at) == "handed"):
            at += 1
        if self.word(at) in vocab.PLACE_NOUNS:
            at += 1
        elif not had_article and self.word(first) in ("upper", "lower") and at == first + 1:
            return None
        if self.word(at) == "of":
            return self.owned(at, vector)
        return Place(at, vector)

    def owned(self, at: int, vector: Vector) -> Place:
        """What follows "of": the picture itself, or something in it."""
        after = at + 1
        if self.word(after) in ("the", "a", "an", "this", "our"):
            after += 1
        if self.word(after) in vocab.PICTURE_NOUNS:
            return Place(after + 1, vector)
        return Place(at, vector, foreign=True)

    def is_compound(self, at: int) -> bool:
        """The word at `at` begins "left-flowing" or "left moving"."""
        after = self.word(at + 1)
        return after in vocab.motion_verbs() and vocab.motion_verbs()[after].form == "ing"

    def ends_here(self, at: int) -> bool:
        """No noun follows: the end, punctuation, or a word that cannot continue a noun phrase."""
        word = self.word(at)
        if not word:
            return True
        if word in vocab.PREPOSITIONS or word in vocab.CONJUNCTIONS or word in vocab.CLAUSE_OPENERS:
            return True
        if word in vocab.DETERMINERS or word in vocab.ADVERBS or word in vocab.AUXILIARIES or word in vocab.RELATIVES:
            return True
        if word in vocab.UPRIGHT or word in vocab.ward_words() or word in vocab.SPEEDS or word in vocab.motion_verbs():
            return True
        return word.endswith("ly") or (word.endswith("ing") and word not in vocab.ING_NOUNS)

    def side_stands(self, at: int, after: int) -> bool:
        """ "left" or "right" as an adverb of direction."""
        following = self.word(after)
        if self.tokens[at].linked:
            return False
        linked = after < len(self.tokens) and self.tokens[after].linked
        if linked and not self.is_compound(at):
            return False
        if following in vocab.SIDE_NOUNS or following == "of":
            return False
        verb = vocab.motion_verbs().get(self.word(at - 1))
        passive = following == "by" and verb is not None and verb.form == "past"
        if verb is not None and following in vocab.BESIDE:
            return True
        return passive or not (self.word(at) == "right" and following in vocab.INTENSIFIED)

    def compass_stands(self, at: int, after: int) -> bool:
        """A compass word by itself, not a part of a name ("North Sea") or a place ("north of")."""
        following = self.word(after)
        if following == "of" or following in vocab.PLACE_NAME_PARTS:
            return False
        if self.tokens[at].linked and self.word(at - 1) not in vocab.COMPASS:
            return False
        capital = (
            after < len(self.tokens) and self.tokens[after].text[:1].isupper() and self.tokens[after].text.istitle()
        )
        return not (capital and self.tokens[at].text.istitle() and not self.ends_here(after))
