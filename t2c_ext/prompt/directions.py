"""Phrases that state a direction or a turning, and phrases that only place something.

Angles follow the screen: north is up and east is right. "From the left" moves right. Two directions joined give the
diagonal; in the paper's order ("right to left, upwards") the first one dominates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.paper import CENTRES, HALF_WIDTHS
from t2c_ext.prompt.tokens import Kind, Token, Words, tokenize
from t2c_ext.prompt.units import (
    CARDINAL_SPREAD,
    MOST_ADVERBS,
    Direction,
    Form,
    Place,
    Sides,
    Units,
    Vector,
    add,
    normal,
    parallel,
    subtract,
    unit,
)
from t2c_ext.types import MotionKind

_LONGEST_PATH = 14
"""Words of "from the mountains on the left to the sea on the right" that are looked at."""

LABELLED = ("direction", "directions", "way", "motion", "movement", "fashion", "flow")
"""What stands behind labels: "in a leftward motion"."""

__all__ = ["LABELLED", "Direction", "Form", "Text", "find_directions", "read_text"]


@dataclass(frozen=True)
class Text:
    """A text without prompt syntax, with what is read in it once for all who ask.

    Attributes:
        text: the words.
        tokens: its words and marks, in order.
        directions: its phrases of direction or place, in order.
    """

    text: str
    tokens: list[Token]
    directions: list[Direction]


def read_text(text: str) -> Text:
    """The tokens and phrases of direction of a text without prompt syntax."""
    tokens = tokenize(text)
    return Text(text, tokens, find_directions(tokens))


def find_directions(tokens: list[Token]) -> list[Direction]:
    """Every phrase of direction or place, from left to right, none overlapping."""
    return _Finder(tokens).find()


class _Finder:
    """Reads the phrases of one prompt."""

    def __init__(self, tokens: list[Token]) -> None:
        words = Words(tokens)
        self.tokens, self.word = tokens, words.word
        self.sides = Sides(words)
        self.units = Units(words, self.sides)

    def find(self) -> list[Direction]:
        found: list[Direction] = []
        at = 0
        while at < len(self.tokens):
            direction = self._at(at)
            if direction is None or direction.last <= at:
                at += 1
                continue
            if self._negated(at):
                words = range(direction.first, direction.last)
                last = next((place for place in words if self.word(place) == "but"), direction.last)
                direction = replace(direction, last=last, negated=True)  # "not left but right": what follows holds
            found.append(direction)
            at = direction.last
        return found

    def _negated(self, at: int) -> bool:
        before, earlier = self.word(at - 1), self.word(at - 2)
        return before in ("not", "never", "neither", "nor") or (earlier, before) in (
            ("instead", "of"),
            ("rather", "than"),
            ("anything", "but"),
        )

    def _at(self, at: int) -> Direction | None:
        if at < len(self.tokens) and self.tokens[at].kind not in (Kind.WORD, Kind.NUMBER, Kind.ARROW):
            return None  # of long prompts most tokens are such marks, with which no direction begins
        for read in (
            self._labelled,
            self._path,
            self._far_path,
            self._arrow,
            self._degrees,
            self._turn,
            self._opposite,
            self._static,
            self.units.sequence,
            self.units.slope,
        ):
            direction = read(at)
            if direction is not None:
                return direction
        return None

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
        begin = at
        while at < begin + MOST_ADVERBS and self.word(at) in vocab.ADVERBS:
            at += 1
        at, parts = self._labels(at)
        if not parts or self.word(at) not in LABELLED:
            return None
        if self.word(start) != "in" and (
            self.word(at) not in ("direction", "directions") or (len(parts) == 1 and not parts[0][1])
        ):
            return None
        vector, spread = _combine_labels(parts)
        last = at + 1 if self.word(at) != "flow" else at
        return Direction(start, last, Form.PATH, vector, spread=spread)

    def _labels(self, at: int) -> tuple[int, list[tuple[Vector, bool]]]:
        """Up to three labels with commas or "and" between them: (their end, a vector and whether it is strong each)."""
        parts: list[tuple[Vector, bool]] = []
        while len(parts) < 3:
            part = self._label_part(at)
            if part is None:
                break
            parts.append((part[1], part[2]))
            at = part[0]
            joins = at < len(self.tokens) and (self.tokens[at].kind is Kind.COMMA or self.word(at) in ("and", "then"))
            at += joins and self._label_part(at + 1) is not None
        return at, parts

    def _label_part(self, at: int) -> tuple[int, Vector, bool] | None:
        """One part of a label: (its end, vector, whether it is a path or a -ward word)."""
        path = self._plain_path(at)
        if path is not None:
            return path[0] - (self.word(path[0] - 1) == "direction"), path[1], True
        if at < len(self.tokens) and self.word(at) in vocab.ward_words():
            return at + 1, vocab.ward_words()[self.word(at)], True
        erly = vocab.COMPASS_ADJECTIVES.get(self.word(at))
        if erly is not None:
            return at + 1, erly, True
        erly, stem = vocab.COMPASS_ADJECTIVES.get(self.word(at + 1)), vocab.COMPASS.get(self.word(at))
        if erly is not None and stem is not None:
            return at + 2, add(stem, erly), True
        place = self.sides.place(at, article=False)
        if place is not None and not place.foreign:
            last = place.last - 1 if self.word(place.last - 1) == "direction" else place.last
            return last, place.vector, False
        return None

    def _plain_path(self, at: int) -> tuple[int, Vector] | None:
        """ "left to right", "(the) top left towards (the) bottom right", "left -> right"."""
        source = self.sides.place(at)
        if source is None or source.last >= len(self.tokens) or source.foreign:
            return None
        joint = source.last
        is_arrow = self.tokens[joint].kind is Kind.ARROW
        if not is_arrow and self.word(joint) not in ("to", "toward", "towards", "into", "through"):
            return None
        target = self.sides.place(joint + 1)
        if target is None or target.foreign:
            return None
        vector = subtract(target.vector, source.vector)
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
        spread = CARDINAL_SPREAD
        after = last
        if after < len(self.tokens) and (self.tokens[after].kind is Kind.COMMA or self.word(after) in ("and", "then")):
            after += 1
        while after > last and self.word(after) in ("slightly", "diagonally"):
            after += 1
        if after > last:
            second = vocab.ward_words().get(self.word(after)) or vocab.UPRIGHT.get(self.word(after))
            following = self.word(after + 1)
            if second is not None and not parallel(second, vector) and following not in vocab.DETERMINERS:
                vector, spread = _combine_labels([(vector, True), (second, True)])
                last = after + 1
        return Direction(start, last, Form.PATH, vector, spread=spread)

    def _far_path(self, at: int) -> Direction | None:
        """ "from the mountains on the left to the sea on the right"."""
        if self.word(at) != "from":
            return None
        places: list[tuple[int, Place]] = []
        joint = -1
        for place_at in range(at + 1, min(at + _LONGEST_PATH, len(self.tokens))):
            if self.tokens[place_at].kind is not Kind.WORD:
                break
            if self.word(place_at) in ("to", "toward", "towards", "into") and len(places) == 1 and joint < 0:
                joint = place_at
            if self.word(place_at) in ("on", "at", "in"):
                place = self.sides.place(place_at + 1)
                if place is not None and not place.foreign and self.word(place_at + 1) == "the":
                    places.append((place_at, place))
                    if len(places) == 2:
                        break
        if len(places) < 2 or joint < 0 or not places[0][0] < joint < places[1][0]:
            return None
        vector = subtract(places[1][1].vector, places[0][1].vector)
        if vector == (0.0, 0.0):
            return None
        return Direction(at, places[1][1].last, Form.PATH, vector)

    def _arrow(self, at: int) -> Direction | None:
        if self.tokens[at].kind is not Kind.ARROW:
            return None
        stated = self.units.sequence(at + 1)
        if stated is not None and stated.vector is not None:  # in "river -> left" it only points to what says where
            return replace(stated, first=at, form=Form.PATH)
        place = self.sides.place(at + 1)
        if place is not None and not place.foreign:
            return Direction(at, place.last, Form.PATH, place.vector)
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
        sequence = self.units.sequence(at)
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
        most = at + MOST_ADVERBS
        while at < most and self.word(at) in vocab.TURN_ADJECTIVES:
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
        phrase = self.word(at), self.word(at + 1), self.word(at + 2)
        if phrase[0] == "the" and phrase[1] in ("opposite", "other") and phrase[2] in ("direction", "way"):
            return Direction(start, at + 3, Form.OPPOSITE)
        return None

    def _static(self, at: int) -> Direction | None:
        """Where something is: "on the left side", "in the upper left corner", "left of the house", "the left bank"."""
        if self.word(at) in ("on", "at", "in", "along", "near", "by", "over", "across", "beside"):
            place = self.sides.place(at + 1)
            if place is not None and (self.word(at + 1) in ("the", "its", "our", "your") or place.last > at + 2):
                return Direction(at, place.last, Form.PLACE)
        if self.word(at) in ("his", "her", "my", "your", "their", "its", "a", "an", "the"):
            place = self.sides.place(at + 1, article=False)
            if place is not None and not self.sides.is_compound(at + 1):
                return Direction(at, place.last, Form.PLACE)
        if self.word(at) in ("left", "right", "north", "south", "east", "west") and self.word(at + 1) == "of":
            owned = self.sides.place(at, article=False)
            if owned is None or owned.foreign:
                return Direction(at, at + 2, Form.PLACE)
        if self.word(at) == "upside" and self.word(at + 1) == "down":
            return Direction(at, at + 2, Form.PLACE)
        if self.word(at) in ("top", "bottom") and self.word(at + 1) == "down":
            return Direction(at, at + 2, Form.PLACE)
        return None


def _combine_labels(parts: list[tuple[Vector, bool]]) -> tuple[Vector, float]:
    """(vector, half the range in degrees) of one or two labels; the first of two dominates, as in the paper."""
    first = normal(parts[0][0])
    if len(parts) == 1 or parallel(first, parts[1][0]):
        phrase = _paper_word(first)
        return first, HALF_WIDTHS.get(phrase, CARDINAL_SPREAD)
    second = normal(parts[1][0])
    phrase = f"{_paper_word(first)}, {_paper_word(second)}"
    if phrase in CENTRES:
        return unit(CENTRES[phrase]), HALF_WIDTHS[phrase]
    return add(first, second), CARDINAL_SPREAD


def _paper_word(vector: Vector) -> str:
    x, y = round(vector[0]), round(vector[1])
    names = {(1, 0): "left to right", (-1, 0): "right to left", (0, 1): "upwards", (0, -1): "downwards"}
    return names.get((x, y), "") if math.isclose(math.hypot(*vector), 1, abs_tol=1e-6) else ""
