"""Motions that do not flow: "the flags wave in the wind", "candles flicker", "the lake ripples".

They are read apart from those that flow, with words of their own: what sways is no subject of what flows, and a
direction beside it is another's.
"""

from __future__ import annotations

from collections.abc import Mapping

from t2c_ext.lexicon import Lexicon, Thing
from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.bind import Use, bind, own_or_stated
from t2c_ext.prompt.directions import Text
from t2c_ext.prompt.nodes import Mention, Node, Role, find_mentions
from t2c_ext.prompt.phrases import find_phrases
from t2c_ext.prompt.tokens import Token
from t2c_ext.prompt.units import angle_of
from t2c_ext.types import Motion, MotionKind


class LawReading:
    """One text, read for motions that do not flow."""

    def __init__(self, words: Text, lexicon: Lexicon, *, terse: bool) -> None:
        """Read these words; in `terse` ones, what moves need not be known."""
        self.lexicon, self.terse = lexicon, terse
        self.text = words.text
        self.tokens: list[Token] = words.tokens
        self.nodes: list[Node] = []
        self.uses: list[Use] = []
        self._found: dict[str, Motion] = {}
        self._unsuited: dict[str, tuple[str, str]] = {}
        mentions = find_mentions(self.tokens, lexicon)
        if not (any(not found.thing.kind.flows for found in mentions.values()) or self._has_law_verb()):
            return
        self.nodes = find_phrases(words, mentions, self._verbs(mentions))
        self.uses = bind(self.nodes, terse=terse)
        self._read()

    @staticmethod
    def _verbs(mentions: Mapping[int, Mention]) -> Mapping[str, vocab.VerbForm]:
        """The verbs; "waves" is none where nothing is named that can wave."""
        verbs, sway = vocab.law_verbs(), vocab.law_verbs()["wave"].verb
        if any({found.thing.family, found.thing.name} & sway.suits for found in mentions.values()):
            return verbs
        return {text: form for text, form in verbs.items() if text not in ("wave", "waves")}

    def _has_law_verb(self) -> bool:
        forms = (vocab.law_verbs().get(token.lower) for token in self.tokens)
        return any(form is not None and form.verb.law is not None for form in forms)

    @property
    def mentions(self) -> tuple[str, ...]:
        """The things named that do not flow."""
        found: dict[str, str] = {}
        for node in self.nodes:
            if node.role is not Role.NOUN or node.mention is None or node.negated or node.is_scene or node.figurative:
                continue
            if not node.mention.thing.kind.flows:
                found.setdefault(node.mention.text.lower(), node.mention.text)
        return tuple(found.values())

    @property
    def acting(self) -> frozenset[str]:
        """The words that are verbs here, and name things elsewhere: "wave" in "the flags wave"."""
        return frozenset(self.tokens[self.nodes[use.at].first].lower for use in self.uses if use.things)

    def _read(self) -> None:
        """What is stated, one motion for each thing."""
        for use in self.uses:
            if use.negated:
                continue
            for name, thing in self._moved(use):
                kind = _kind(use, thing)
                if kind is not None:
                    self._found.setdefault(name.lower(), Motion(name, _way(use, kind), kind, self._speed(use)))
                elif _says_nothing(use):
                    self._unsuited.setdefault(name.lower(), (name, use.verb.base))

    @property
    def motions(self) -> tuple[Motion, ...]:
        """What is stated, one motion for each thing."""
        return tuple(self._found.values())

    @property
    def unsuited(self) -> tuple[str, ...]:
        """Things of which a verb is said that is not known of such a thing."""
        return tuple(name for name, _ in self._unsuited.values())

    @property
    def remarks(self) -> tuple[str, ...]:
        """Sentences about these."""
        return tuple(
            f"How {name} would {base} is not known; it moves as is usual for it."
            for name, base in self._unsuited.values()
        )

    def _moved(self, use: Use) -> list[tuple[str, Thing | None]]:
        known = [(node.mention.text, node.mention.thing) for node in use.things if node.mention is not None]
        if known or not self.terse or use.verb.verb.law is None:
            return list(known)
        unknown = [node for node in use.subjects if node.mention is None and not (node.negated or node.mover)]
        return [(self._name(node), None) for node in unknown if node.head not in vocab.ALL_THINGS | vocab.WINDS]

    def _name(self, node: Node) -> str:
        return self.text[self.tokens[node.first].start : self.tokens[node.last - 1].end]

    def _speed(self, use: Use) -> float:
        """The factor of a speed word beside the verb, else 1."""
        node = self.nodes[use.at]
        for place in (node.last, node.first - 1, node.last + 1, node.first - 2):
            if 0 <= place < len(self.tokens):
                factor = vocab.SPEEDS.get(self.tokens[place].lower)
                if factor is not None:
                    return factor
        return 1.0


def _says_nothing(use: Use) -> bool:
    """Whether its verb states a motion that does not flow, and its directions none that does."""
    return use.verb.verb.law is not None and use.verb.verb is not vocab.WIND and own_or_stated(use) is None


def _way(use: Use, kind: MotionKind) -> float | None:
    """Degrees of the way that the words state of what sways: where the wind blows it."""
    stated = [direction for direction in use.directions if direction.vector is not None]
    vector = own_or_stated(use) if stated and kind is MotionKind.SWAY else None
    return None if vector is None else angle_of(vector)


def _kind(use: Use, thing: Thing | None) -> MotionKind | None:
    """The motion that a use states of a thing (None: one that is not known), or None where it flows."""
    stated = use.verb.verb.law
    if thing is None:
        return None if use.verb.verb is vocab.WIND and own_or_stated(use) is not None else stated
    if not thing.kind.flows:
        if thing.kind is MotionKind.WAVES and stated in (MotionKind.SWAY, MotionKind.FLICKER, MotionKind.RIPPLE):
            return MotionKind.RIPPLE if stated is MotionKind.RIPPLE and own_or_stated(use) is None else None
        # whatever moves them, flags sway and lights flicker; and what a flag does when it ripples is to sway
        moves = use.verb.verb not in (vocab.STILL, vocab.LONE)
        by_itself = stated is None or stated is MotionKind.RIPPLE or use.verb.verb is vocab.WIND
        if stated is None and (own_or_stated(use) is not None or use.verb.verb.swirl):
            return None
        return (thing.kind if by_itself else stated) if moves else None
    suits = {thing.family, thing.name} & use.verb.verb.suits
    return stated if stated is not None and suits and own_or_stated(use) is None else None
