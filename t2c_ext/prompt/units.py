"""Sides of the picture, single directions and how they join: "the upper left corner", "up and to the left"."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.tokens import Kind, Words
from t2c_ext.types import MotionKind

CARDINAL_SPREAD = 10.0
"""Half the range, in degrees, that a word such as "left" leaves open."""

MOST_ADVERBS = 3
"""Adverbs that may stand before a direction: "very slightly upwards"."""


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


class Form(Enum):
    """What kind of phrase it is, which decides what it needs beside it."""

    PATH = "path"
    """From one side to another, "in ... direction", or a word like "leftward": states motion by itself."""
    WARD = "ward"
    TURN = "turn"
    TOWARD = "toward"
    """To or from a side, or at an angle: needs a verb of motion."""
    BARE = "bare"
    """"left", "up", "north": needs a verb of motion directly beside it."""
    SLOPE = "slope"
    """"down the cliff", "downhill": belongs to a verb and stays in the prompt."""
    OPPOSITE = "opposite"
    PLACE = "place"
    """"on the left": where something is; no motion."""


@dataclass(frozen=True)
class Direction:
    """One phrase.

    Attributes:
        first, last: half-open range of tokens.
        form: what kind of phrase.
        vector: (x, y), y up, not normalised; None for turnings, places and opposites.
        kind: translation or turning.
        spread: half the width, in degrees, of the range that the words leave open.
        negated: "not", "instead of" or "rather than" stands before it.
        vertical: it is a plain "up" or "down".
    """

    first: int
    last: int
    form: Form
    vector: Vector | None = None
    kind: MotionKind = MotionKind.TRANSLATE
    spread: float = CARDINAL_SPREAD
    negated: bool = False
    vertical: bool = False

    @property
    def strong(self) -> bool:
        """It states motion without a verb."""
        return self.form in (Form.PATH, Form.WARD, Form.TURN, Form.OPPOSITE)


class Sides:
    """Reads sides of the picture at a given token: "the far upper left corner of the canvas", "north-east"."""

    def __init__(self, words: Words) -> None:
        """Read these words."""
        self.tokens, self.word = words.tokens, words.word

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


class Units:
    """Reads single and joined directions at a given token."""

    def __init__(self, words: Words, sides: Sides) -> None:
        """Read these words, whose sides `sides` reads."""
        self.tokens, self.word, self.sides = words.tokens, words.word, sides

    def sequence(self, at: int) -> Direction | None:
        """ "up and to the left", "diagonally down left", "to the left and slightly upwards"."""
        start = at
        vector: Vector = (0.0, 0.0)
        form: Form | None = None
        last = at
        vertical = True
        for number in range(3):
            position = at
            weight = 1.0
            while position < at + MOST_ADVERBS and (
                self.word(position) in vocab.ADVERBS or (number and self.word(position).endswith("ly"))
            ):
                weight = 0.45 if self.word(position) in ("slightly", "somewhat") else weight
                position += 1
            if number == 0 and position > start and self.word(start) != "diagonally":
                return None
            part = self.unit(position)
            if part is None or (number and part.form is Form.PLACE):
                break
            if part.vector is None:
                return part if number == 0 else None
            if number and parallel(vector, part.vector):
                return self._reversal(start, part, vector, form)
            step = normal(part.vector)
            vector = add(normal(vector), (step[0] * weight, step[1] * weight))
            form = _join_forms(form, part.form)
            last = at = part.last
            vertical = vertical and part.vertical
            at = self._joint(at)
        if form is None:
            return None
        return Direction(start, last, form, vector, vertical=vertical)

    def _joint(self, at: int) -> int:
        """After the word or comma that may join a further direction."""
        if at >= len(self.tokens):
            return at
        if self.word(at) in ("and", "but"):
            return at + 1
        if self.tokens[at].kind is Kind.COMMA and self.word(at + 1) in vocab.ward_words():
            return at + 1
        return at

    def _reversal(self, start: int, part: Direction, vector: Vector, form: Form | None) -> Direction:
        """A second part along the same line: "up and down" goes nowhere, "left left" is left."""
        step = normal(part.vector or (0.0, 0.0))
        before = normal(vector)
        if step[0] * before[0] + step[1] * before[1] < 0:
            return Direction(start, part.last, Form.PLACE)
        return Direction(start, part.last, _join_forms(form, part.form), vector, vertical=part.vertical)

    def unit(self, at: int) -> Direction | None:
        """One direction: a -ward word, "to the left", "from above", "up", "left", "north"."""
        if at >= len(self.tokens):
            return None
        word = self.word(at)
        ward = vocab.ward_words().get(word)
        if ward is not None:
            return self._ward(at, ward)
        if word == "from":
            return self._source(at)
        if word in ("to", "toward", "towards", "into", "in"):
            return self._target(at)
        return self._bare(at)

    def _ward(self, at: int, vector: Vector) -> Direction:
        following = vocab.ward_words().get(self.word(at + 1))
        if following is not None and not parallel(vector, following):
            return Direction(at, at + 2, Form.WARD, add(vector, following))
        return Direction(at, at + 1, Form.WARD, vector, vertical=vector[0] == 0)

    def _source(self, at: int) -> Direction | None:
        if self.word(at + 1) in ("above", "below", "beneath", "underneath"):
            step = -1 if self.word(at + 1) == "above" else 1
            return Direction(at, at + 2, Form.TOWARD, (0, step), vertical=True)
        if self.word(at + 1) == "behind":
            return None
        place = self.sides.place(at + 1)
        if place is None:
            return None
        if place.foreign and self.word(place.last - 1) not in ("top", "bottom"):
            return Direction(at, place.last + 1, Form.PLACE)
        if not place.foreign and not self.sides.ends_here(place.last) and self.sides.compass_word(place.last - 1):
            return Direction(at, place.last, Form.PLACE)
        if not self.sides.ends_here(place.last) and self.word(place.last) in vocab.SIDE_NOUNS | vocab.SCENES:
            return Direction(at, place.last, Form.PLACE)
        vector = (-place.vector[0], -place.vector[1])
        return Direction(at, place.last, Form.TOWARD, vector, vertical=vector[0] == 0)

    def _target(self, at: int) -> Direction | None:
        word, after = self.word(at), at + 1
        if word == "in":
            if (self.word(after), self.word(after + 1), self.word(after + 2)) != ("the", "direction", "of"):
                return None
            after += 3
        else:
            seen = self._viewer(at, after) or self._ground_or_sky(at, after)
            if seen is not None:
                return seen
        place = self.sides.place(after)
        return None if place is None else self._towards_place(at, after, place)

    def _ground_or_sky(self, at: int, after: int) -> Direction | None:
        """ "towards the ground", "towards the sky"."""
        if self.word(at) not in ("toward", "towards") or self.word(after) != "the":
            return None
        if self.word(after + 1) in ("ground", "earth"):
            return Direction(at, after + 2, Form.SLOPE, (0, -1), vertical=True)
        if self.word(after + 1) in ("sky", "heavens", "stars"):
            return Direction(at, after + 2, Form.SLOPE, (0, 1), vertical=True)
        return None

    def _towards_place(self, at: int, after: int, place: Place) -> Direction:
        """ "to the left", "towards the upper right corner"; "to left field" is a place."""
        if place.foreign:
            top_or_bottom = self.word(place.last - 1) in ("top", "bottom")
            return Direction(at, place.last, Form.TOWARD if top_or_bottom else Form.PLACE, place.vector)
        if not self.sides.ends_here(place.last):
            is_noun = self.word(place.last) in vocab.SIDE_NOUNS or self.sides.compass_word(place.last - 1) is not None
            if is_noun or (self.word(at) == "to" and self.word(after) != "the"):
                return Direction(at, place.last, Form.PLACE)
        return Direction(at, place.last, Form.TOWARD, place.vector, vertical=place.vector[0] == 0)

    def _viewer(self, at: int, after: int) -> Direction | None:
        """ "towards the viewer": down the picture, as the ground lies."""
        target = after + (self.word(after) in ("the", "our"))
        if self.word(target) not in vocab.VIEWERS or (
            self.word(at) in ("to", "into") and self.word(target) != "foreground"
        ):
            return None
        return Direction(at, target + 1, Form.TOWARD, (0, -1), vertical=True)

    def _bare(self, at: int) -> Direction | None:
        word = self.word(at)
        vector = vocab.UPRIGHT.get(word)
        if word in ("left", "right"):
            vector = vocab.SIDES[word]
        compass = self.sides.compass_word(at)
        if word in ("upper", "lower", "top", "bottom") and self.word(at + 1) in ("left", "right"):
            vector = vocab.SIDES[word]
        vector = vector or compass
        if vector is None or self.tokens[at].possessive:
            return None
        if self.word(at - 1) in vocab.DETERMINERS and not self.sides.is_compound(at):
            return None
        last = at + 1
        second = self.sides.side(last) if last < len(self.tokens) else None
        if second is not None and self.word(last) not in ("top", "bottom") and not parallel(vector, second):
            return Direction(at, last + 1, Form.BARE, add(vector, second))
        if compass is not None and not self.sides.compass_stands(at, last):
            return None
        if word in ("left", "right") and not self.sides.side_stands(at, last):
            return None
        if word in ("up", "down"):
            return self._upright(at, vector)
        return Direction(at, last, Form.BARE, vector)

    def _upright(self, at: int, vector: Vector) -> Direction | None:
        """ "up" and "down", before an object ("down the cliff": stays in the prompt) or alone."""
        token = self.tokens[at]
        linked_next = at + 1 < len(self.tokens) and self.tokens[at + 1].linked
        if token.linked or (linked_next and not self.sides.is_compound(at)):
            return None
        following = self.word(at + 1)
        is_preposition = bool(following) and (
            following in vocab.DETERMINERS or (not self.sides.ends_here(at + 1) and not self.sides.is_compound(at))
        )
        form = Form.SLOPE if is_preposition else Form.BARE
        return Direction(at, at + 1, form, vector, vertical=True)

    def slope(self, at: int) -> Direction | None:
        """ "downhill", "into the air", "away from the viewer"."""
        if self.word(at) in ("downhill", "downslope"):
            return Direction(at, at + 1, Form.SLOPE, (0, -1), vertical=True)
        if self.word(at) in ("uphill", "upslope"):
            return Direction(at, at + 1, Form.SLOPE, (0, 1), vertical=True)
        into_the = (self.word(at), self.word(at + 1)) == ("into", "the")
        if into_the and self.word(at + 2) in ("air", "sky", "heavens"):
            return Direction(at, at + 3, Form.SLOPE, (0, 1), vertical=True)
        if (self.word(at), self.word(at + 1)) == ("away", "from"):
            target = at + 2 + (self.word(at + 2) == "the")
            if self.word(target) in ("viewer", "camera", "us", "observer"):
                return Direction(at, target + 1, Form.TOWARD, (0, 1), vertical=True)
        return None


def _join_forms(one: Form | None, other: Form) -> Form:
    """The form of a joined phrase: a slope only when both are, else the more demanding of the two."""
    if one is None:
        return other
    if one is other:
        return one
    for form in (Form.BARE, Form.SLOPE):
        if form in (one, other):
            return Form.TOWARD if Form.TOWARD in (one, other) or Form.WARD in (one, other) else Form.BARE
    return Form.TOWARD
