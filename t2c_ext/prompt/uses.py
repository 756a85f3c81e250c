"""Uses of verbs of motion: who moves, and which way."""

from __future__ import annotations

from dataclasses import dataclass, field

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.directions import Direction, Form
from t2c_ext.prompt.nodes import Node
from t2c_ext.prompt.sides import Vector


@dataclass
class Use:
    """One use of a verb, or of a phrase that states motion by itself.

    Attributes:
        verb: its form.
        subjects: noun phrases; those without a thing show that the motion is another's.
        at: the node of the verb, or of the direction when there is no verb.
        modifies: the verb stands before its noun.
        negated: it does not take place.
        directions: what the words add.
        opposite_of: the use whose direction is turned round.
    """

    verb: vocab.VerbForm
    subjects: list[Node]
    at: int
    modifies: bool = False
    negated: bool = False
    directions: list[Direction] = field(default_factory=list)
    opposite_of: Use | None = None

    @property
    def things(self) -> list[Node]:
        """The subjects that the lexicon knows."""
        return [node for node in self.subjects if node.mention is not None and not node.negated]


def suits(verb: vocab.VerbClass, node: Node) -> bool:
    """The verb is at home with this thing: rivers flow, clouds drift."""
    if node.mention is None:
        return False
    thing = node.mention.thing
    if not verb.suits:
        return True
    if verb.name == "drift" and thing.family == "water":
        return thing.name in verb.suits
    if verb.name in ("flow", "run", "rise") and thing.family == "water":
        return thing.name in verb.suits
    if verb.name == "fall" and thing.family == "sky":
        return False
    return thing.family in verb.suits or thing.name in verb.suits


def possible_subjects(candidates: list[Node], free: bool, back: bool) -> list[Node]:
    """The things that could be subjects, nearest first, as far as a noun that is the subject itself."""
    found: list[Node] = []
    for node in candidates:
        if node.mention is not None:
            if node.preposition not in vocab.SOURCES:
                found.append(node)
            if not node.preposition or (node.preposition in vocab.ATTACHED and not back):
                break
        elif (node.mover and (free or not node.preposition)) or (
            not node.preposition and node.head not in vocab.SHAPES and not back
        ):
            break
    return found


def own_or_stated(use: Use) -> Vector | None:
    """(x, y), y up, of a use: what its directions add up to, else the verb's own; None when it has neither."""
    stated = [direction for direction in use.directions if direction.vector is not None]
    explicit = [direction for direction in stated if direction.form is not Form.SLOPE]
    slopes = [direction.vector for direction in stated if direction.form is Form.SLOPE and direction.vector]
    vectors = [direction.vector for direction in explicit if direction.vector is not None]
    for vector in vectors:
        if vector[0] and vector[1] and min(abs(vector[0]), abs(vector[1])) > 1e-3:
            return vector
    own = use.verb.verb.own
    extra = slopes or ([own] if own is not None and not use.modifies else [])
    for vector in vectors + (extra if vectors else []):
        first = vectors[0]
        if abs(first[0] * vector[0] + first[1] * vector[1]) < 1e-3:
            return first[0] + vector[0], first[1] + vector[1]
    if vectors:
        return vectors[0]
    return slopes[0] if slopes else own
