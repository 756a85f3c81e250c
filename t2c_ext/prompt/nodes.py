"""The pieces that a prompt is read into: noun phrases, verbs, directions and boundaries."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from t2c_ext.lexicon import Lexicon, Thing
from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.directions import Direction
from t2c_ext.prompt.tokens import Kind, Token
from t2c_ext.prompt.vocabulary import VerbForm


class Role(Enum):
    """What a node is."""

    NOUN = "noun"
    VERB = "verb"
    DIRECTION = "direction"
    AND = "and"
    PRONOUN = "pronoun"
    RELATIVE = "relative"
    COMMA = "comma"
    CLAUSE = "clause"
    STOP = "stop"
    HARD = "hard"


BOUNDARIES = (Role.COMMA, Role.CLAUSE, Role.STOP, Role.HARD)


@dataclass(frozen=True)
class Mention:
    """A word of the lexicon in the prompt: half-open range of tokens, and its text."""

    thing: Thing
    first: int
    last: int
    text: str


@dataclass(eq=False)
class Node:
    """A phrase or a boundary.

    Attributes:
        role: which.
        first, last: half-open range of tokens.
        head: a noun phrase's last word, in lower case.
        mention: the thing that it names as its head.
        is_scene: the thing is there, but the head is "background", "view" ...
        mover: the head moves by itself without being in the lexicon (boat, man, wind).
        preposition: the word that governs the noun phrase, or "".
        determiner: its article, or "".
        joined: "and" stands between it and what comes before.
        negated: "no", "without" or "not" governs it.
        subordinate: it is the part of "A of B" that is not the one that moves.
        figurative: it is such an A ("a sea of clouds") and not in the picture.
        verb: a verb's form.
        modifies: the verb stands before its noun ("falling snow").
        noun: the noun phrase that such a verb belongs to.
        nominal: the verb is a noun ("the flow of the river").
        direction: the phrase of direction.
    """

    role: Role
    first: int
    last: int
    head: str = ""
    mention: Mention | None = None
    is_scene: bool = False
    mover: bool = False
    preposition: str = ""
    determiner: str = ""
    joined: bool = False
    negated: bool = False
    subordinate: bool = False
    figurative: bool = False
    verb: VerbForm | None = None
    modifies: bool = False
    noun: Node | None = field(default=None, repr=False)
    nominal: bool = False
    direction: Direction | None = None


def find_mentions(tokens: list[Token], lexicon: Lexicon) -> dict[int, Mention]:
    """Words of the lexicon by their first token; of overlapping ones the longest, from the left."""
    found: dict[int, Mention] = {}
    longest = lexicon.longest
    at = 0
    while at < len(tokens):
        step = 1
        for length in range(_run_of_words(tokens, at, longest), 0, -1):
            part = tokens[at : at + length]
            words = " ".join(token.lower for token in part)
            if words in lexicon.idioms:
                step = length
                break
            thing = lexicon.exactly(words)
            if thing is not None and not _is_gesture(tokens, at):
                text = " ".join(token.text for token in part[:-1]) + " " * (length > 1) + _bare_text(part[-1])
                found[at] = Mention(thing, at, at + length, text)
                step = length
                break
        at += step
    return found


def _run_of_words(tokens: list[Token], at: int, most: int) -> int:
    """How many words, `most` at the most, stand from a token on without a mark between them."""
    end = at
    while end < min(at + most, len(tokens)) and tokens[end].kind is Kind.WORD:
        end += 1
    return end - at


def _is_gesture(tokens: list[Token], at: int) -> bool:
    """Whether a person does what the word says: "she waves"."""
    if at == 0 or tokens[at].lower not in ("wave", "waves"):
        return False
    return tokens[at - 1].lower in (vocab.PRONOUNS | vocab.MOVERS) - vocab.WINDS


def _bare_text(token: Token) -> str:
    return token.text[:-2] if token.possessive else token.text


def settle_genitives(nodes: list[Node]) -> None:
    """Settle "A of B": the waves of the sea are waves, but a sea of clouds is clouds."""
    for one, other in pairwise(nodes):
        if one.mention is None or other.mention is None or other.preposition != "of":
            continue
        same = one.mention.thing.family == other.mention.thing.family
        if (same or other.determiner == "the") and one.mention.thing.name != "sky":
            other.subordinate = True
        else:
            one.subordinate = one.figurative = True
