"""Noun phrases, verbs, directions and boundaries of a prompt, without a language model.

A noun phrase is a run of words between function words; its last word is its head. A thing of the lexicon counts only
as head: "storm clouds" are clouds, but a "river bank" is no river.
"""

from __future__ import annotations

from collections.abc import Mapping

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.directions import Direction, Form, Text
from t2c_ext.prompt.nodes import BOUNDARIES, Mention, Node, Role, settle_genitives
from t2c_ext.prompt.tokens import Kind


def find_phrases(
    words: Text, mentions: dict[int, Mention], verbs: Mapping[str, vocab.VerbForm] | None = None
) -> list[Node]:
    """The nodes of a prompt, in order; `verbs` are the forms that are known, those that flow when None."""
    return _Reader(words, mentions, vocab.motion_verbs() if verbs is None else verbs).read()


_STILL = vocab.VerbForm(vocab.STILL, "ing", "")
_LONE = vocab.VerbForm(vocab.LONE, "ing", "")
_FLOW_NOUN = vocab.VerbForm(vocab.MOVE, "ing", "flow")


def _is_no_flow(subject: Node | None) -> bool:
    """Whether the noun before is a thing that waves, or twinkles."""
    return subject is not None and subject.mention is not None and not subject.mention.thing.kind.flows


def _negates(word: str, following: str) -> bool:
    """Whether a word denies what comes: "not", "doesn't", "no longer", "stopped flowing"."""
    stops = word in ("stopped", "stops") and following.endswith("ing")
    return word in vocab.NEGATIONS or word.endswith("n't") or word == "longer" or stops


class _Reader:
    """Reads the phrases of one prompt from left to right."""

    def __init__(
        self,
        words: Text,
        mentions: dict[int, Mention],
        verbs: Mapping[str, vocab.VerbForm],
    ) -> None:
        self.tokens = words.tokens
        self.direction_at = {direction.first: direction for direction in words.directions}
        self.mentions = mentions
        self.nodes: list[Node] = []
        self.verbs = verbs
        self._clear()

    def _clear(self) -> None:
        self.preposition = ""
        self.determiner = ""
        self.joined = False
        self.negated = False

    def read(self) -> list[Node]:
        at = 0
        while at < len(self.tokens):
            at = self._next(at)
        settle_genitives(self.nodes)
        return self.nodes

    def _next(self, at: int) -> int:
        token = self.tokens[at]
        if token.kind is not Kind.WORD:
            return self._mark(at)
        direction = self.direction_at.get(at)
        if direction is not None:
            return self._direction(direction)
        word = token.lower
        verb = self._verb(at)
        if verb is not None:
            return self._add_verb(at, verb)
        if at in self.mentions or not self._function_word(at, word):
            return self._noun(at)
        return at + 1

    def _mark(self, at: int) -> int:
        kind = self.tokens[at].kind
        direction = self.direction_at.get(at)
        if direction is not None:
            return self._direction(direction)
        if kind is Kind.ALTERNATE:
            self.joined = True
            return at + 1
        role = {Kind.COMMA: Role.COMMA, Kind.STOP: Role.STOP, Kind.HARD: Role.HARD}.get(kind)
        if role is not None:
            self.nodes.append(Node(role, at, at + 1))
            self._clear()
        return at + 1

    def _direction(self, direction: Direction) -> int:
        if self.joined and self.nodes and self.nodes[-1].role is not Role.AND:
            self.nodes.append(Node(Role.AND, direction.first, direction.first))
        self.nodes.append(Node(Role.DIRECTION, direction.first, direction.last, direction=direction))
        negated = self.negated
        self._clear()
        self.negated = negated and direction.form is not Form.PLACE
        return direction.last

    def _function_word(self, at: int, word: str) -> bool:
        """Take note of a word that is no phrase of its own; False for a content word."""
        following = self.tokens[at + 1].lower if at + 1 < len(self.tokens) else ""
        if _negates(word, following):
            self.negated = True
        elif word == "that" and not self._starts_clause(at + 1):
            self.determiner = word
        elif word in vocab.RELATIVES:
            self.nodes.append(Node(Role.RELATIVE, at, at + 1))
        elif word in vocab.AUXILIARIES or (word in vocab.PLACE_ADVERBS and self._verb_goes_on(at + 1)):
            return True
        elif word == "as" and following in ("a", "an"):
            self.preposition = word
        elif word in vocab.CLAUSE_OPENERS or word in vocab.PRONOUNS:
            role = Role.CLAUSE if word in vocab.CLAUSE_OPENERS else Role.PRONOUN
            self.nodes.append(Node(role, at, at + 1))
            self._clear()
        elif word == "due":
            return at + 1 in self.direction_at
        else:
            return self._governs(word) or self._is_adverb(word)
        return True

    def _governs(self, word: str) -> bool:
        """Take note of a word that the noun phrase behind it stands under; False for any other."""
        if word in vocab.CONJUNCTIONS or word in ("but", "then"):
            self.joined = True
            self.preposition = self.determiner = ""
        elif word in vocab.PREPOSITIONS or word in ("up", "down"):
            self.preposition = word
            self.determiner = ""
        elif word in vocab.DETERMINERS:
            self.determiner = word
        else:
            return False
        return True

    def _verb_goes_on(self, at: int) -> bool:
        """A finite verb follows, perhaps after adverbs, as in "the clouds above slowly drift"."""
        subject = self._subject_beside()
        if subject is None or (subject.mention is None and not subject.mover):
            return False
        while at < len(self.tokens) and self._is_adverb(self.tokens[at].lower):
            at += 1
        if at >= len(self.tokens) or self.tokens[at].kind is not Kind.WORD or at in self.mentions:
            return False
        word = self.tokens[at].lower
        form = self.verbs.get(word)
        return word in vocab.AUXILIARIES or (form is not None and form.form in ("s", "base"))

    def _is_adverb(self, word: str) -> bool:
        return word in vocab.ADVERBS or (word.endswith("ly") and word not in vocab.NOT_ADVERBS)

    def _starts_clause(self, at: int) -> bool:
        word = self.tokens[at].lower if at < len(self.tokens) else ""
        adverbs = (vocab.AUXILIARIES, vocab.ADVERBS, vocab.NEGATIONS)
        return word in self.verbs or word.endswith("ly") or any(word in words for words in adverbs)

    # ---- verbs -------------------------------------------------------------------------------------------------

    def _subject_beside(self) -> Node | None:
        """The noun phrase directly before, when nothing stands between."""
        if self.determiner or self.joined or not self.nodes or self.preposition:
            return None
        beside = self.nodes[-2] if self.nodes[-1].role is Role.RELATIVE and len(self.nodes) > 1 else self.nodes[-1]
        return beside if beside.role is Role.NOUN else None

    def _subject_at_a_place(self) -> Node | None:
        """The thing of the lexicon before a place: "the clouds on the left drift"."""
        if self.determiner or self.joined or self.preposition or len(self.nodes) < 2:
            return None
        place, noun = self.nodes[-1].direction, self.nodes[-2]
        stands = place is not None and place.form is Form.PLACE
        return noun if stands and noun.role is Role.NOUN and noun.mention is not None else None

    def _verb(self, at: int) -> vocab.VerbForm | None:
        """The verb that this token is, in this place, or None."""
        token = self.tokens[at]
        word = token.lower
        form = self.verbs.get(word)
        if word in vocab.STATIC_VERBS:
            following = self.direction_at.get(at + 1)
            if word in ("turning", "turns") and following is not None and following.form is Form.TURN:
                return self.verbs["rotating"]
            is_noun = word.endswith("s") and not word.endswith("ing") and self._subject_beside() is None
            return None if is_noun else _STILL
        if form is None:
            is_unknown = word.endswith("ing") and len(word) > 4 and word not in vocab.ING_NOUNS
            return _LONE if is_unknown and at not in self.mentions else None
        if form.form == "ing":
            return form
        before = self.tokens[at - 1].lower if at else ""
        if form.form == "past":
            passive = before in ("is", "are", "was", "were", "being", "been", "be", "that", "which")
            return form if (passive or self._subject_beside() is not None) and not token.linked else None
        if self.determiner or (self.preposition and before not in vocab.MODALS):
            return None
        return self._finite(at, form, before)

    def _finite(self, at: int, form: vocab.VerbForm, before: str) -> vocab.VerbForm | None:
        """A form that could as well be a noun: "falls", "flow", "streams"."""
        subject = self._subject_beside() or self._subject_at_a_place()
        after_pronoun = before in ("that", "which", "it", "they") or bool(
            self.nodes and self.nodes[-1].role in (Role.PRONOUN, Role.RELATIVE) and not self.preposition
        )
        if form.base in vocab.ALSO_THINGS and not _is_no_flow(subject):
            return None
        if after_pronoun or (form.form == "base" and before in vocab.MODALS):
            return form
        is_verb = self._is_base_form(at, subject) if form.form == "base" else self._is_third_person(at, subject)
        return form if is_verb else None

    def _is_base_form(self, at: int, subject: Node | None) -> bool:
        """Whether "flow" or "stream" is a verb here, by the noun before it."""
        if subject is None or self.tokens[at].linked:
            return False
        plural = subject.head.endswith("s") and not subject.head.endswith("ss")
        together = subject.joined and subject.mention is not None
        return plural or together or at + 1 in self.direction_at

    def _is_third_person(self, at: int, subject: Node | None) -> bool:
        """Whether "falls" or "flows" is a verb here, by the noun before it and by what follows."""
        word, before = self.tokens[at].lower, self.nodes[-1].role if self.nodes else None
        if word in vocab.SHAPES and not self._goes_on(at + 1):
            return False
        if word in vocab.THING_VERBS or word in vocab.ALSO_NOUNS:
            return subject is not None and self._acts(at, subject)
        if subject is not None:
            return True
        if self.joined:
            return self._had_verb()
        if before is Role.COMMA and at not in self.mentions:
            return at + 1 in self.direction_at
        return before is Role.DIRECTION

    def _acts(self, at: int, subject: Node) -> bool:
        """Whether a form that names a thing as well ("falls") is what its subject does."""
        token = self.tokens[at]
        is_name = token.text[:1].isupper() and not self.tokens[at - 1].text.isupper()
        if token.lower == "leaves" or is_name:
            return False
        return subject.mention is not None or (subject.mover and token.lower in ("falls", "streams"))

    def _goes_on(self, at: int) -> bool:
        """A direction, an adverb or a preposition follows, as after a verb."""
        if at in self.direction_at:
            return True
        return at < len(self.tokens) and self.tokens[at].kind is Kind.WORD and self._is_function(at)

    def _had_verb(self) -> bool:
        for node in reversed(self.nodes[-6:]):
            if node.role in BOUNDARIES:
                return False
            if node.role is Role.VERB and not node.modifies:
                return True
        return False

    def _add_verb(self, at: int, form: vocab.VerbForm) -> int:
        subject = self._subject_beside()
        if form.form == "ing" and self._noun_follows(at + 1):
            acts = subject is not None and (subject.mention is not None or subject.mover)
            if not acts and not (form.verb is vocab.STILL and self._subject_beside()):
                return self._modifier(at, form)
        if self.joined:
            self.nodes.append(Node(Role.AND, at, at))
        node = Node(Role.VERB, at, at + 1, verb=form, negated=self.negated)
        self._clear()
        self.nodes.append(node)
        return at + 1

    def _noun_follows(self, at: int) -> bool:
        """A content word follows directly, as after "falling" in "falling snow"."""
        at = self._past_adverbs(at)
        if at >= len(self.tokens) or self.tokens[at].kind is not Kind.WORD or at in self.direction_at:
            return False
        return at in self.mentions or not self._is_function(at)

    def _is_function(self, at: int) -> bool:
        word = self.tokens[at].lower
        sets = (
            vocab.PREPOSITIONS, vocab.DETERMINERS, vocab.CONJUNCTIONS, vocab.CLAUSE_OPENERS, vocab.RELATIVES,
            vocab.PRONOUNS, vocab.AUXILIARIES, vocab.NEGATIONS, vocab.ADVERBS, vocab.UPRIGHT, vocab.PARTICLES,
        )  # fmt: skip
        return any(word in words for words in sets) or (word.endswith("ly") and word not in vocab.NOT_ADVERBS)

    def _modifier(self, at: int, form: vocab.VerbForm) -> int:
        """A verb before its noun; words of the noun phrase that came before it were adjectives."""
        adjectives: Node | None = None
        if self._subject_beside() is not None:
            adjectives = self.nodes.pop() if self.nodes[-1].role is Role.NOUN else None
        if adjectives is not None:
            self.preposition, self.determiner = adjectives.preposition, adjectives.determiner
            self.joined = adjectives.joined
        begin = len(self.nodes)
        self.nodes.append(Node(Role.VERB, at, at + 1, verb=form, negated=self.negated, modifies=True))
        at = self._past_adverbs(at + 1)
        while (another := self._participle(at)) is not None and self._noun_follows(at + 1):
            self.nodes.append(Node(Role.VERB, at, at + 1, verb=another, negated=self.negated, modifies=True))
            at = self._past_adverbs(at + 1)
        last = self._noun(at) if self._participle(at) is None else self._add_verb(at, self._participle(at) or form)
        noun = next((node for node in self.nodes[begin:] if node.role is Role.NOUN), None)
        for node in self.nodes[begin:]:
            node.noun = noun if node.modifies else None
        for node in self.nodes[:begin]:
            if adjectives is not None and node.noun is adjectives:
                node.noun = noun
        return last

    def _past_adverbs(self, at: int) -> int:
        while at < len(self.tokens) and self.tokens[at].lower.endswith("ly"):
            at += 1
        return at

    def _participle(self, at: int) -> vocab.VerbForm | None:
        """The verb in -ing at this token, unless it is a thing's name."""
        form = self._verb(at) if at < len(self.tokens) and at not in self.mentions else None
        return form if form is not None and form.form == "ing" else None

    # ---- nouns -------------------------------------------------------------------------------------------------

    def _noun(self, at: int) -> int:
        """The noun phrase that begins here."""
        start = at
        named: Mention | None = None
        last_word = at
        while at < len(self.tokens) and self.tokens[at].kind is Kind.WORD and at not in self.direction_at:
            mention = self.mentions.get(at)
            if at > start and self._ends_noun(at, named):
                break
            if mention is not None:
                is_shape = named is not None and named.last == at and self.tokens[at].lower in vocab.SHAPES
                named = named if is_shape else mention
                at = mention.last
            else:
                at += 1
            last_word = at - 1
        node = Node(
            Role.NOUN,
            start,
            at,
            head=self.tokens[last_word].lower,
            preposition=self.preposition,
            determiner=self.determiner,
            joined=self.joined,
            negated=self.negated,
        )
        self._settle(node, named)
        before = self.nodes[-1] if self.nodes else None
        if node.joined and node.mention is None and before is not None and before.role is Role.NOUN:
            node.preposition = node.preposition or before.preposition
        self.nodes.append(node)
        self._clear()
        self._nominal(node, last_word)
        return at

    def _ends_noun(self, at: int, named: Mention | None) -> bool:
        if at not in self.mentions and self._is_function(at):
            return True
        word = self.tokens[at].lower
        form = self.verbs.get(word)
        if form is None and word not in vocab.STATIC_VERBS:
            return word.endswith("ing") and word not in vocab.ING_NOUNS and at not in self.mentions
        if self.tokens[at].linked and (form is None or form.form == "past"):
            return False
        if form is not None and form.form == "ing":
            return True
        saved = (self.preposition, self.determiner, self.joined)
        self._clear_governor()
        probe = Node(Role.NOUN, at - 1, at, head=self.tokens[at - 1].lower, mention=named, joined=saved[2])
        probe.mover = probe.head in vocab.MOVERS
        self.nodes.append(probe)
        verb = self._verb(at)
        self.nodes.pop()
        self.preposition, self.determiner, self.joined = saved
        return verb is not None

    def _clear_governor(self) -> None:
        self.preposition = self.determiner = ""
        self.joined = False

    def _settle(self, node: Node, named: Mention | None) -> None:
        """Whether the thing named in a noun phrase is its head."""
        if named is None:
            node.mover = node.head in vocab.MOVERS
            return
        trailing = [token.lower for token in self.tokens[named.last : node.last]]
        linked = named.last < node.last and self.tokens[named.last].linked
        possessive = self.tokens[named.last - 1].possessive
        plural = named.text.lower().endswith("s") and not possessive
        shapes = all(word in vocab.SHAPES and self._fits(word, named) for word in trailing)
        if linked:
            node.mover = node.head in vocab.MOVERS
        elif shapes or all(word.endswith("ed") or word in vocab.AFTER_NOUN for word in trailing):
            node.mention = named
        elif node.head in vocab.SCENES or node.head in vocab.MEDIA:
            node.mention, node.is_scene = named, True
        elif plural and node.head not in vocab.MOVERS and not possessive:
            node.mention = named
        else:
            node.mover = node.head in vocab.MOVERS

    def _fits(self, shape: str, named: Mention) -> bool:
        """A "fog bank" is fog, a "river bank" is not a river."""
        if shape in ("bank", "banks", "front", "level"):
            return named.thing.family in vocab.BANKS_FOR
        return True

    def _nominal(self, node: Node, last_word: int) -> None:
        """ "flow", "movement" and the like as head: a verb in the dress of a noun."""
        word = self.tokens[last_word].lower
        if word not in vocab.MOTION_NOUNS or word == "drift":
            return
        verb = Node(Role.VERB, last_word, last_word + 1, verb=_FLOW_NOUN, nominal=True, negated=node.negated)
        if node.mention is None:
            self.nodes.pop()
        self.nodes.append(verb)
