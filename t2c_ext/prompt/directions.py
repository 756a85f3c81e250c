"""Phrases that state a direction or a turning, and phrases that only place something.

Angles follow the screen: north is up and east is right. "From the left" moves right. Two directions joined give the
diagonal; in the paper's order ("right to left, upwards") the first one dominates (SPEC 6.2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.paper import CENTRES, HALF_WIDTHS
from t2c_ext.prompt.tokens import Kind, Token
from t2c_ext.types import MotionKind

Vector = tuple[float, float]

_LONGEST_PATH = 14
_CARDINAL_SPREAD = 10.0


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
    spread: float = _CARDINAL_SPREAD
    negated: bool = False
    vertical: bool = False

    @property
    def strong(self) -> bool:
        """It states motion without a verb."""
        return self.form in (Form.PATH, Form.WARD, Form.TURN, Form.OPPOSITE)


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


def _add(one: Vector, other: Vector) -> Vector:
    return one[0] + other[0], one[1] + other[1]


def _sub(one: Vector, other: Vector) -> Vector:
    return one[0] - other[0], one[1] - other[1]


def find_directions(tokens: list[Token]) -> list[Direction]:
    """Every phrase of direction or place, from left to right, none overlapping."""
    return _Finder(tokens).find()


@dataclass(frozen=True)
class _Place:
    """A side of the picture: where it ends, where it is, and whether another thing owns it ("left of the house")."""

    last: int
    vector: Vector
    foreign: bool = False


class _Finder:
    """Reads the phrases of one prompt."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.words = [token.lower if token.kind in (Kind.WORD, Kind.NUMBER) else "" for token in tokens]

    def find(self) -> list[Direction]:
        found: list[Direction] = []
        at = 0
        while at < len(self.tokens):
            direction = self._at(at)
            if direction is None or direction.last <= at:
                at += 1
                continue
            if self._negated(at):
                direction = replace(direction, negated=True)
            found.append(direction)
            at = direction.last
        return found

    def word(self, at: int) -> str:
        return self.words[at] if 0 <= at < len(self.words) else ""

    def _negated(self, at: int) -> bool:
        before, earlier = self.word(at - 1), self.word(at - 2)
        return before in ("not", "never") or (earlier, before) in (
            ("instead", "of"),
            ("rather", "than"),
            ("anything", "but"),
        )

    def _at(self, at: int) -> Direction | None:
        for read in (
            self._labelled,
            self._path,
            self._far_path,
            self._arrow,
            self._degrees,
            self._turn,
            self._opposite,
            self._static,
            self._sequence,
            self._slope,
        ):
            direction = read(at)
            if direction is not None:
                return direction
        return None

    # ---- sides of the picture ----------------------------------------------------------------------------------

    def _side(self, at: int) -> Vector | None:
        """The side that one word names."""
        word = self.word(at)
        if self.tokens[at].possessive if at < len(self.tokens) else False:
            return None
        return vocab.SIDES.get(word) or vocab.UPRIGHT.get(word) or self._compass_word(at)

    def _compass_word(self, at: int) -> Vector | None:
        if at >= len(self.tokens):
            return None
        return vocab.COMPASS.get(self.word(at)) or vocab.COMPASS_LETTERS.get(self.tokens[at].text)

    def _place(self, at: int, *, article: bool = True) -> _Place | None:
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
            side = self._side(at)
            if side is None or (at > first and _parallel(vector, side)):
                break
            vector = _add(vector, side)
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
            return self._owned(at, vector)
        return _Place(at, vector)

    def _owned(self, at: int, vector: Vector) -> _Place:
        """What follows "of": the picture itself, or something in it."""
        after = at + 1
        if self.word(after) in ("the", "a", "an", "this", "our"):
            after += 1
        if self.word(after) in vocab.PICTURE_NOUNS:
            return _Place(after + 1, vector)
        return _Place(at, vector, foreign=True)

    # ---- phrases -----------------------------------------------------------------------------------------------

    def _labelled(self, at: int) -> Direction | None:
        """ "in right to left, upwards direction", "in a leftward motion", "left to right direction"."""
        start = at
        if self.word(at) == "in":
            at += 1
            if self.word(at) in ("a", "an", "the"):
                at += 1
            if self.word(at) == "direction" and self.word(at + 1) == "of":
                return None
        while self.word(at) in vocab.ADVERBS:
            at += 1
        parts: list[tuple[Vector, bool]] = []
        while len(parts) < 3:
            part = self._label_part(at)
            if part is None:
                break
            parts.append((part[1], part[2]))
            at = part[0]
            if at < len(self.tokens) and (self.tokens[at].kind is Kind.COMMA or self.word(at) in ("and", "then")):
                following = self._label_part(at + 1)
                if following is not None:
                    at += 1
        if not parts or self.word(at) not in (
            "direction",
            "directions",
            "way",
            "motion",
            "movement",
            "fashion",
            "flow",
        ):
            return None
        if self.word(start) != "in" and (
            self.word(at) not in ("direction", "directions") or (len(parts) == 1 and not parts[0][1])
        ):
            return None
        vector, spread = _combine_labels(parts)
        last = at + 1 if self.word(at) != "flow" else at
        return Direction(start, last, Form.PATH, vector, spread=spread)

    def _label_part(self, at: int) -> tuple[int, Vector, bool] | None:
        """One part of a label: (its end, vector, whether it is a path or a -ward word)."""
        path = self._plain_path(at)
        if path is not None:
            return path[0] - (self.word(path[0] - 1) == "direction"), path[1], True
        if at < len(self.tokens) and self.word(at) in vocab.ward_words():
            return at + 1, vocab.ward_words()[self.word(at)], True
        erly = vocab.ERLY.get(self.word(at))
        if erly is not None:
            return at + 1, erly, True
        erly, stem = vocab.ERLY.get(self.word(at + 1)), vocab.COMPASS.get(self.word(at))
        if erly is not None and stem is not None:
            return at + 2, _add(stem, erly), True
        place = self._place(at, article=False)
        if place is not None and not place.foreign:
            last = place.last - 1 if self.word(place.last - 1) == "direction" else place.last
            return last, place.vector, False
        return None

    def _plain_path(self, at: int) -> tuple[int, Vector] | None:
        """ "left to right", "(the) top left towards (the) bottom right", "left -> right"."""
        source = self._place(at)
        if source is None or source.last >= len(self.tokens) or source.foreign:
            return None
        joint = source.last
        is_arrow = self.tokens[joint].kind is Kind.ARROW
        if not is_arrow and self.word(joint) not in ("to", "toward", "towards", "into", "through"):
            return None
        target = self._place(joint + 1)
        if target is None or target.foreign:
            return None
        vector = _sub(target.vector, source.vector)
        return None if vector == (0.0, 0.0) else (target.last, vector)

    def _path(self, at: int) -> Direction | None:
        """ "from (the) X to (the) Y", "X to Y" and what may follow a comma in the paper's order."""
        start = at
        if self.word(at) == "from":
            at += 1
        path = self._plain_path(at)
        if path is None or (start == at and self.word(at) in ("the", "up", "down", "upper", "lower", "its")):
            return None
        last, vector = path
        spread = _CARDINAL_SPREAD
        after = last
        if after < len(self.tokens) and (self.tokens[after].kind is Kind.COMMA or self.word(after) in ("and", "then")):
            after += 1
        while after > last and self.word(after) in ("slightly", "diagonally"):
            after += 1
        if after > last:
            second = vocab.ward_words().get(self.word(after)) or vocab.UPRIGHT.get(self.word(after))
            following = self.word(after + 1)
            if second is not None and not _parallel(second, vector) and following not in vocab.DETERMINERS:
                vector, spread = _combine_labels([(vector, True), (second, True)])
                last = after + 1
        return Direction(start, last, Form.PATH, vector, spread=spread)

    def _far_path(self, at: int) -> Direction | None:
        """ "from the mountains on the left to the sea on the right"."""
        if self.word(at) != "from":
            return None
        places: list[tuple[int, _Place]] = []
        joint = -1
        for place_at in range(at + 1, min(at + _LONGEST_PATH, len(self.tokens))):
            if self.tokens[place_at].kind is not Kind.WORD:
                break
            if self.word(place_at) in ("to", "toward", "towards", "into") and len(places) == 1 and joint < 0:
                joint = place_at
            if self.word(place_at) in ("on", "at", "in"):
                place = self._place(place_at + 1)
                if place is not None and not place.foreign and self.word(place_at + 1) == "the":
                    places.append((place_at, place))
                    if len(places) == 2:
                        break
        if len(places) < 2 or joint < 0 or not places[0][0] < joint < places[1][0]:
            return None
        vector = _sub(places[1][1].vector, places[0][1].vector)
        if vector == (0.0, 0.0):
            return None
        return Direction(at, places[1][1].last, Form.PATH, vector)

    def _arrow(self, at: int) -> Direction | None:
        if self.tokens[at].kind is not Kind.ARROW:
            return None
        vector = vocab.ARROWS.get(self.tokens[at].text)
        return None if vector is None else Direction(at, at + 1, Form.PATH, vector)

    def _degrees(self, at: int) -> Direction | None:
        """ "at 30 degrees", "at an angle of 120°", "at a 45 degree angle", "heading 90 degrees"."""
        start = at
        if self.word(at) in ("at", "by", "in", "on", "along", "with"):
            at += 1
        if self.word(at) in ("a", "an", "the"):
            at += 1
        angle_first = self.word(at) in ("angle", "direction", "heading")
        if angle_first:
            at += 1
            if self.word(at) in ("of", "is"):
                at += 1
        if at >= len(self.tokens) or self.tokens[at].kind is not Kind.NUMBER:
            return None
        value = float(self.word(at))
        at += 1
        has_unit = self.word(at) in ("degrees", "degree", "deg")
        at += has_unit
        if (not has_unit and not angle_first) or self.word(at) in ("celsius", "fahrenheit", "c", "f", "north", "south"):
            return None
        if self.word(at) in ("view", "panorama", "panoramic", "photo", "rotation", "turn", "camera"):
            return None
        if self.word(at) in ("angle", "direction", "slope", "heading"):
            at += 1
        return self._tilted(start, at, value)

    def _tilted(self, start: int, at: int, value: float) -> Direction:
        """Degrees, and a direction that they may be counted from ("30 degrees above the left")."""
        sequence = self._sequence(at)
        if sequence is None or sequence.vector is None or sequence.form is Form.PLACE or not 0 < value < 90:
            return Direction(start, at, Form.TOWARD, unit(value), spread=0.0)
        x, y = sequence.vector
        if x == 0:
            return Direction(start, at, Form.TOWARD, unit(value), spread=0.0)
        tilt = unit(value)
        vector = (math.copysign(tilt[0], x), math.copysign(tilt[1], y) if y else tilt[1])
        return Direction(start, sequence.last, Form.TOWARD, vector, spread=0.0)

    def _turn(self, at: int) -> Direction | None:
        """ "(in a) (counter-)clockwise (direction)", "in circles", "round and round"."""
        start = at
        if self.word(at) in ("in", "into"):
            at += 1
        while self.word(at) in ("a", "an", "the", "slow", "gentle", "great", "wide", "huge", "tight", "giant"):
            at += 1
        counter = self.word(at) in vocab.COUNTER and self.word(at + 1) == "clockwise"
        turn = vocab.TURNS.get(self.word(at + counter))
        if turn is not None:
            at += 1 + counter
            if counter:
                turn = MotionKind.SWIRL_CCW
            if at - start > 1 + counter and self.word(at) in vocab.CIRCLES | {"direction", "motion", "manner", "way"}:
                at += 1
            return Direction(start, at, Form.TURN, kind=turn)
        if (self.word(at), self.word(at + 1), self.word(at + 2)) == ("round", "and", "round"):
            return Direction(start, at + 3, Form.TOWARD, kind=MotionKind.SWIRL)
        if self.word(start) in ("in", "into") and self.word(at) in vocab.CIRCLES:
            if self.word(at) == "whirlpool" or self.word(at) == "whirlpools":
                return None
            if self.word(at) == "circular":
                at += self.word(at + 1) in ("motion", "motions", "pattern", "patterns", "path")
            return Direction(start, at + 1, Form.TOWARD, kind=MotionKind.SWIRL)
        return None

    def _opposite(self, at: int) -> Direction | None:
        start = at
        if self.word(at) == "in":
            at += 1
        if self.word(at) == "the" and self.word(at + 1) in ("opposite", "other"):
            if self.word(at + 2) in ("direction", "way"):
                return Direction(start, at + 3, Form.OPPOSITE)
        return None

    def _static(self, at: int) -> Direction | None:
        """Where something is: "on the left side", "in the upper left corner", "left of the house", "the left bank"."""
        if self.word(at) in ("on", "at", "in", "along", "near", "by", "over", "across", "beside"):
            place = self._place(at + 1)
            if place is not None and (self.word(at + 1) in ("the", "its", "our", "your") or place.last > at + 2):
                return Direction(at, place.last, Form.PLACE)
        if self.word(at) in ("his", "her", "my", "your", "their", "its", "a", "an", "the"):
            place = self._place(at + 1, article=False)
            if place is not None and not self._is_compound(at + 1):
                return Direction(at, place.last, Form.PLACE)
        if self.word(at) in ("left", "right", "north", "south", "east", "west") and self.word(at + 1) == "of":
            if not self._place(at, article=False) or self._place(at, article=False).foreign:  # type: ignore[union-attr]
                return Direction(at, at + 2, Form.PLACE)
        if self.word(at) == "upside" and self.word(at + 1) == "down":
            return Direction(at, at + 2, Form.PLACE)
        if self.word(at) in ("top", "bottom") and self.word(at + 1) == "down":
            return Direction(at, at + 2, Form.PLACE)
        return None

    def _is_compound(self, at: int) -> bool:
        """The word at `at` begins "left-flowing" or "left moving"."""
        after = self.word(at + 1)
        return after in vocab.motion_verbs() and vocab.motion_verbs()[after].form == "ing"

    # ---- one direction, or several joined ----------------------------------------------------------------------

    def _sequence(self, at: int) -> Direction | None:
        """ "up and to the left", "diagonally down left", "to the left and slightly upwards"."""
        start = at
        vector: Vector = (0.0, 0.0)
        form: Form | None = None
        last = at
        vertical = True
        for number in range(3):
            position = at
            weight = 1.0
            while self.word(position) in vocab.ADVERBS or (number and self.word(position).endswith("ly")):
                weight = 0.45 if self.word(position) in ("slightly", "somewhat") else weight
                position += 1
            if number == 0 and position > start and self.word(start) != "diagonally":
                return None
            part = self._unit(position)
            if part is None or (number and part.form is Form.PLACE):
                break
            if part.vector is None:
                return part if number == 0 else None
            if number and _parallel(vector, part.vector):
                return self._reversal(start, part, vector, form)
            step = normal(part.vector)
            vector = _add(normal(vector), (step[0] * weight, step[1] * weight))
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

    def _unit(self, at: int) -> Direction | None:
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
        if following is not None and not _parallel(vector, following):
            return Direction(at, at + 2, Form.WARD, _add(vector, following))
        return Direction(at, at + 1, Form.WARD, vector, vertical=vector[0] == 0)

    def _source(self, at: int) -> Direction | None:
        for word, vector in (("above", (0, -1)), ("below", (0, 1)), ("beneath", (0, 1)), ("underneath", (0, 1))):
            if self.word(at + 1) == word:
                return Direction(at, at + 2, Form.TOWARD, vector, vertical=True)
        if self.word(at + 1) == "behind":
            return None
        place = self._place(at + 1)
        if place is None:
            return None
        if place.foreign and self.word(place.last - 1) not in ("top", "bottom"):
            return Direction(at, place.last + 1, Form.PLACE)
        if not place.foreign and not self._ends_here(place.last) and self._compass_word(place.last - 1):
            return Direction(at, place.last, Form.PLACE)
        if not self._ends_here(place.last) and self.word(place.last) in vocab.SIDE_NOUNS | vocab.SCENES:
            return Direction(at, place.last, Form.PLACE)
        vector = (-place.vector[0], -place.vector[1])
        return Direction(at, place.last, Form.TOWARD, vector, vertical=vector[0] == 0)

    def _target(self, at: int) -> Direction | None:
        word, after = self.word(at), at + 1
        if word == "in":
            if (self.word(after), self.word(after + 1), self.word(after + 2)) != ("the", "direction", "of"):
                return None
            after += 3
        if word in ("toward", "towards", "to", "into"):
            viewer = self._viewer(at, after)
            if viewer is not None:
                return viewer
        if word in ("to", "toward", "towards") and self.word(after) == "the" and word != "into":
            if self.word(after + 1) in ("ground", "earth") and word != "to":
                return Direction(at, after + 2, Form.SLOPE, (0, -1), vertical=True)
            if self.word(after + 1) in ("sky", "heavens", "stars") and word != "to":
                return Direction(at, after + 2, Form.SLOPE, (0, 1), vertical=True)
        place = self._place(after)
        if place is None:
            return None
        if place.foreign:
            top_or_bottom = self.word(place.last - 1) in ("top", "bottom")
            return Direction(at, place.last, Form.TOWARD if top_or_bottom else Form.PLACE, place.vector)
        if not self._ends_here(place.last):
            is_noun = self.word(place.last) in vocab.SIDE_NOUNS or self._compass_word(place.last - 1) is not None
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
        compass = self._compass_word(at)
        if word in ("upper", "lower", "top", "bottom") and self.word(at + 1) in ("left", "right"):
            vector = vocab.SIDES[word]
        vector = vector or compass
        if vector is None or self.tokens[at].possessive:
            return None
        if self.word(at - 1) in vocab.DETERMINERS and not self._is_compound(at):
            return None
        last = at + 1
        second = self._side(last) if last < len(self.tokens) else None
        if second is not None and self.word(last) not in ("top", "bottom") and not _parallel(vector, second):
            return Direction(at, last + 1, Form.BARE, _add(vector, second))
        if compass is not None and not self._compass_stands(at, last):
            return None
        if word in ("left", "right") and not self._side_stands(at, last):
            return None
        if word in ("up", "down"):
            return self._upright(at, vector)
        return Direction(at, last, Form.BARE, vector)

    def _compass_stands(self, at: int, after: int) -> bool:
        """A compass word by itself, not a part of a name ("North Sea") or a place ("north of")."""
        following = self.word(after)
        if following == "of" or following in vocab.PLACE_NAME_PARTS:
            return False
        if self.tokens[at].linked and self.word(at - 1) not in vocab.COMPASS:
            return False
        capital = (
            after < len(self.tokens) and self.tokens[after].text[:1].isupper() and self.tokens[after].text.istitle()
        )
        return not (capital and self.tokens[at].text.istitle() and not self._ends_here(after))

    def _side_stands(self, at: int, after: int) -> bool:
        """ "left" or "right" as an adverb of direction."""
        following = self.word(after)
        if self.tokens[at].linked:
            return False
        linked = after < len(self.tokens) and self.tokens[after].linked
        if linked and not self._is_compound(at):
            return False
        if following in vocab.SIDE_NOUNS or following == "of":
            return False
        verb = vocab.motion_verbs().get(self.word(at - 1))
        passive = following == "by" and verb is not None and verb.form == "past"
        return passive or not (self.word(at) == "right" and following in vocab.INTENSIFIED)

    def _upright(self, at: int, vector: Vector) -> Direction | None:
        """ "up" and "down", before an object ("down the cliff": stays in the prompt) or alone."""
        token = self.tokens[at]
        linked_next = at + 1 < len(self.tokens) and self.tokens[at + 1].linked
        if token.linked or (linked_next and not self._is_compound(at)):
            return None
        following = self.word(at + 1)
        is_preposition = bool(following) and (
            following in vocab.DETERMINERS or (not self._ends_here(at + 1) and not self._is_compound(at))
        )
        form = Form.SLOPE if is_preposition else Form.BARE
        return Direction(at, at + 1, form, vector, vertical=True)

    def _slope(self, at: int) -> Direction | None:
        if self.word(at) in ("downhill", "downslope"):
            return Direction(at, at + 1, Form.SLOPE, (0, -1), vertical=True)
        if self.word(at) in ("uphill", "upslope"):
            return Direction(at, at + 1, Form.SLOPE, (0, 1), vertical=True)
        if (self.word(at), self.word(at + 1)) in (("into", "the"), ("in", "the")) and self.word(at) == "into":
            if self.word(at + 2) in ("air", "sky", "heavens"):
                return Direction(at, at + 3, Form.SLOPE, (0, 1), vertical=True)
        if (self.word(at), self.word(at + 1)) == ("away", "from"):
            target = at + 2 + (self.word(at + 2) == "the")
            if self.word(target) in ("viewer", "camera", "us", "observer"):
                return Direction(at, target + 1, Form.TOWARD, (0, 1), vertical=True)
        return None

    def _ends_here(self, at: int) -> bool:
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


def _parallel(one: Vector, other: Vector) -> bool:
    return abs(one[0] * other[1] - one[1] * other[0]) < 1e-6 and one != (0.0, 0.0)


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


def _combine_labels(parts: list[tuple[Vector, bool]]) -> tuple[Vector, float]:
    """(vector, half the range in degrees) of one or two labels; the first of two dominates, as in the paper."""
    first = normal(parts[0][0])
    if len(parts) == 1 or _parallel(first, parts[1][0]):
        phrase = _paper_word(first)
        return first, HALF_WIDTHS.get(phrase, _CARDINAL_SPREAD)
    second = normal(parts[1][0])
    phrase = f"{_paper_word(first)}, {_paper_word(second)}"
    if phrase in CENTRES:
        return unit(CENTRES[phrase]), HALF_WIDTHS[phrase]
    return _add(first, second), _CARDINAL_SPREAD


def _paper_word(vector: Vector) -> str:
    x, y = round(vector[0]), round(vector[1])
    names = {(1, 0): "left to right", (-1, 0): "right to left", (0, 1): "upwards", (0, -1): "downwards"}
    return names.get((x, y), "") if math.isclose(math.hypot(*vector), 1, abs_tol=1e-6) else ""
