"""Which thing a direction belongs to.

Each verb of motion gets its subject, each direction its verb; a motion is a verb (or a phrase that needs none) with a
subject of the lexicon and a direction, a turning, or a direction of its own ("falls").
"""

from __future__ import annotations

from dataclasses import dataclass, field

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.directions import Direction, Form
from t2c_ext.prompt.nodes import BOUNDARIES, Node, Role
from t2c_ext.prompt.units import Vector

_LOOK_BACK = 8
"""So many clauses before its own may hold a verb's subject."""

_LOOK_LEFT = 40
"""So many phrases of one clause are looked at: more than a sentence has, and what keeps long prompts linear."""

_MOVE = vocab.VerbForm(vocab.MOVE, "ing", "move")


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


def bind(nodes: list[Node], *, terse: bool = False) -> list[Use]:
    """Every use of a verb or of a self-standing direction, in the order of the prompt.

    Args:
        nodes: the phrases.
        terse: a direction beside a thing needs no verb ("river left, clouds right").
    """
    binder = _Binder(nodes, terse)
    binder.bind_verbs()
    binder.bind_directions()
    return sorted(binder.uses, key=lambda use: use.at)


class _Binder:
    """The state of one prompt's binding."""

    def __init__(self, nodes: list[Node], terse: bool) -> None:
        self.nodes = nodes
        self.terse = terse
        self.uses: list[Use] = []
        self.by_verb: dict[int, Use] = {}
        self.by_subject: dict[int, list[Use]] = {}
        self.before: list[Use | None] = []
        self.directed: list[Use] = []
        self.moved = False
        self.index = {id(node): at for at, node in enumerate(nodes)}

    def _role(self, at: int) -> Role:
        return self.nodes[at].role if 0 <= at < len(self.nodes) else Role.HARD

    def _add(self, use: Use) -> Use:
        self.uses.append(use)
        for subject in use.subjects:
            self.by_subject.setdefault(id(subject), []).append(use)
        return use

    # ---- subjects ----------------------------------------------------------------------------------------------

    def bind_verbs(self) -> None:
        """Find each verb's subjects."""
        for at, node in enumerate(self.nodes):
            if node.role is not Role.VERB or node.verb is None:
                continue
            subjects = self._modified(at) if node.modifies else self._subjects(at)
            use = Use(node.verb, subjects, at, node.modifies, node.negated)
            self.by_verb[at] = self._add(use)
        last: Use | None = None
        for at in range(len(self.nodes)):
            self.before.append(last)
            if at in self.by_verb and not self.by_verb[at].modifies:
                last = self.by_verb[at]

    def _modified(self, at: int) -> list[Node]:
        """The noun that a verb stands before, and what "and" adds to it: "falling rain and snow"."""
        node = self.nodes[at]
        if node.noun is None:
            return []
        place = self.index[id(node.noun)]
        if node.noun.subordinate and self._role(place + 1) is Role.NOUN:
            place += 1
        subjects = [self.nodes[place]]
        following = self.nodes[place + 1] if place + 1 < len(self.nodes) else None
        if following is None or following.role is not Role.NOUN or not following.joined or following.determiner:
            return subjects
        if self._role(place + 2) is not Role.VERB and node.verb is not None and _suits(node.verb.verb, following):
            subjects.append(following)
        return subjects

    def _subjects(self, at: int) -> list[Node]:
        node = self.nodes[at]
        assert node.verb is not None
        verb = node.verb
        of_it = self.nodes[at + 1] if at + 1 < len(self.nodes) else None
        if node.nominal and of_it is not None and of_it.role is Role.NOUN and of_it.preposition in ("of", "in"):
            return [of_it]
        if self._role(at - 1) is Role.AND:
            earlier = self._verb_before(at - 1)
            if earlier is not None:
                return list(earlier.subjects)
        if self._role(at - 1) is Role.RELATIVE and self._role(at - 2) is Role.NOUN:
            antecedent = self.nodes[at - 2]
            if antecedent.mention is not None or antecedent.mover:
                return [antecedent]
        candidates, edge = self._candidates(at)
        real = [one for one in candidates if one.head not in vocab.SHAPES or one.mention is not None]
        if real:
            chosen = self._choose(real, verb.verb)
            causative = self._object(at, real, verb.verb)
            if causative is not None:
                return [causative]
            if chosen is None:
                return real[:1] if real[0].mention is None else []
            return self._shared(chosen, verb.verb)
        return self._elsewhere(at, edge, verb, ahead=not candidates)

    def _object(self, at: int, subjects: list[Node], verb: vocab.VerbClass) -> Node | None:
        """What the wind drives: the object of a causative verb whose own subject is no thing."""
        following = self.nodes[at + 1] if at + 1 < len(self.nodes) else None
        if not verb.causative or following is None or following.role is not Role.NOUN or following.preposition:
            return None
        is_driver = subjects[0].mention is None or subjects[0].head in vocab.WINDS
        return following if is_driver and following.mention is not None else None

    def _candidates(self, at: int) -> tuple[list[Node], int]:
        """Noun phrases left of a verb within its clause, the nearest first, and where the clause begins."""
        found: list[Node] = []
        left = at - 1
        while left >= max(0, at - _LOOK_LEFT):
            node = self.nodes[left]
            if node.role in BOUNDARIES:
                break
            if node.role is Role.NOUN and not node.subordinate:
                found.append(node)
            if node.role is Role.VERB and not node.modifies and not node.nominal:
                if any(one.mention is not None for one in found):
                    break
                use = self.by_verb.get(left)
                found += [subject for subject in (use.subjects if use else []) if subject not in found]
                break
            left -= 1
        return found, left

    def _verb_before(self, at: int) -> Use | None:
        for left in range(at - 1, max(-1, at - _LOOK_LEFT), -1):
            if self._role(left) in BOUNDARIES:
                return None
            use = self.by_verb.get(left)
            if use is not None and not use.modifies:
                return use
        return None

    def _choose(self, candidates: list[Node], verb: vocab.VerbClass, *, back: bool = False) -> Node | None:
        """The subject among the candidates, nearest first, or None when it is not a thing of the lexicon."""
        near, head = candidates[0], candidates[-1]
        if verb in (vocab.LONE, vocab.STILL):
            if near.mention is not None and near.preposition in ("", *vocab.ATTACHED):
                return near
            return head if head.mention is not None and not near.mover else None
        free = verb.name in ("move", "drift", "run", "roll", "carry", "turn")
        if head.mover and not head.preposition and free and near.preposition not in vocab.ATTACHED:
            return None
        things = _possible_subjects(candidates, free, back)
        things = [thing for thing in things if not thing.is_scene]
        if not things:
            return None
        fitting = [thing for thing in things if _suits(verb, thing)]
        if verb.own is not None and not fitting and things[0].preposition:
            return None
        pool = fitting or things
        pick = pool[0]
        if pick.preposition and pick.preposition not in vocab.ATTACHED and len(pool) > 1:
            pick = pool[-1]
        return pick

    def _shared(self, chosen: Node, verb: vocab.VerbClass) -> list[Node]:
        """The subject with those that "and", or a list, joins to it."""
        subjects = [chosen]
        at = self.index[id(chosen)]
        while self.nodes[at].joined and self._role(at - 1) is Role.NOUN:
            at -= 1
            other = self.nodes[at]
            placed = other.preposition and other.preposition not in vocab.ATTACHED
            if other.mention is not None and not other.is_scene and not (placed and not _suits(verb, other)):
                subjects.append(other)
            if placed:
                return subjects[::-1]
        while len(subjects) > 1 and self._role(at - 1) is Role.COMMA and self._role(at - 2) is Role.NOUN:
            if self._role(at - 3) not in BOUNDARIES or not _suits(verb, self.nodes[at - 2]):
                break
            at -= 2
            subjects.append(self.nodes[at])
        return subjects[::-1]

    def _elsewhere(self, at: int, edge: int, verb: vocab.VerbForm, *, ahead: bool) -> list[Node]:
        """The subject of a verb that begins its clause: earlier in the prompt, else after it."""
        following = self.nodes[at + 1] if at + 1 < len(self.nodes) else None
        if verb.form == "s" and following is not None and following.role is Role.NOUN and not following.preposition:
            return [following]
        blocked, subjects = self._back(at, edge, verb.verb)
        if subjects or blocked or not ahead:
            return subjects
        return self._ahead(at)

    def _back(self, at: int, edge: int, verb: vocab.VerbClass) -> tuple[bool, list[Node]]:
        """(something else is meant, subjects) from the clauses before."""
        for _ in range(_LOOK_BACK):
            if edge < 0 or self._role(edge) is Role.HARD:
                break
            right = edge
            edge -= 1
            while edge >= max(0, right - _LOOK_LEFT) and self.nodes[edge].role not in BOUNDARIES:
                edge -= 1
            part = [n for n in self.nodes[edge + 1 : right] if n.role is Role.NOUN and not n.subordinate][::-1]
            if not part:
                continue
            if verb is vocab.STILL:
                return True, part[-1:]
            chosen = self._choose(part, verb, back=True)
            if chosen is not None and (verb.own is None or _suits(verb, chosen)):
                return False, self._shared(chosen, verb)
            if part[-1].mover and not part[-1].preposition and verb.name != "flow":
                return True, []
            if verb is vocab.LONE:
                return True, []
        return False, []

    def _ahead(self, at: int) -> list[Node]:
        """ "flowing left, a river": the thing that begins the next part, or "rising and swirling smoke"."""
        right = at + 1
        while self._role(right) in (Role.DIRECTION, Role.AND):
            right += 1
        if self._role(right) is Role.VERB and self.nodes[right].modifies and self.nodes[right].noun is not None:
            noun = self.nodes[right].noun
            return [noun] if noun is not None else []
        while self._role(right) is Role.NOUN and self.nodes[right].preposition:
            right += 1
        if self._role(right) is Role.COMMA:
            right += 1
            while self._role(right) is Role.VERB and self.nodes[right].modifies:
                right += 1
        if self._role(right) is Role.NOUN and not self.nodes[right].preposition and not self.nodes[right].is_scene:
            return [self.nodes[right]]
        return []

    # ---- directions --------------------------------------------------------------------------------------------

    def bind_directions(self) -> None:
        """Give each direction to its verb, or to the thing itself."""
        for at, node in enumerate(self.nodes):
            direction = node.direction
            if direction is None or direction.form is Form.PLACE or direction.negated:
                continue
            use = self._governor(at, direction)
            if use is None:
                continue
            if direction.form is Form.OPPOSITE:
                use.opposite_of = next((other for other in reversed(self.directed[-2:]) if other is not use), None)
            use.directions.append(direction)
            if not self.directed or self.directed[-1] is not use:
                self.directed.append(use)
            self.moved = self.moved or bool(use.things)

    def _governor(self, at: int, direction: Direction) -> Use | None:
        ahead = self._as_adjective(at, direction)
        if ahead is not None:
            return ahead
        passed: list[Node] = []
        modifier: Use | None = None
        left = at - 1
        blocked = False
        while left >= max(0, at - _LOOK_LEFT) and self._role(left) not in (*BOUNDARIES, Role.PRONOUN):
            node = self.nodes[left]
            if node.role is Role.NOUN:
                passed.append(node)
                is_new = node.joined and not self._in_list(left)
                blocked = blocked or is_new or (node.preposition == "with" and not direction.strong)
            elif node.role is Role.VERB and node.modifies:
                modifier = modifier or self.by_verb[left]
            elif node.role is Role.VERB:
                use = self._by_verb_left(at, left, direction, passed, blocked)
                if use is not None or not blocked:
                    return use
                break
            left -= 1
        return self._without_verb(at, direction, passed, modifier, left)

    def _in_list(self, at: int) -> bool:
        """The noun is the second of "between hills and trees"."""
        before = self.nodes[at - 1] if at else None
        if before is None or before.role is not Role.NOUN:
            return False
        return bool(before.preposition) and self.nodes[at].mention is None

    def _by_verb_left(self, at: int, left: int, direction: Direction, passed: list[Node], blocked: bool) -> Use | None:
        """The verb to the left takes the direction, if nothing forbids."""
        use = self.by_verb[left]
        if blocked:
            return None
        if direction.form is Form.BARE and passed and not direction.vertical:
            is_object = len(passed) == 1 and passed[0] in use.subjects
            return use if is_object else self._elliptic(at, direction, passed)
        return use

    def _as_adjective(self, at: int, direction: Direction) -> Use | None:
        """A direction before its verb or noun: "left-flowing", "leftward current", "to the left flows a river"."""
        following = self.nodes[at + 1] if at + 1 < len(self.nodes) else None
        before = self._role(at - 1)
        if following is None or direction.form is Form.SLOPE:
            return None
        if following.role is Role.VERB and before is not Role.VERB:
            use = self.by_verb[at + 1]
            beside = following.first - direction.last <= 1
            if beside and (following.modifies or following.nominal or before in BOUNDARIES or before is Role.NOUN):
                linked = following.modifies or following.nominal or direction.form is not Form.BARE
                return use if linked or before in BOUNDARIES else None
            return None
        if following.role is not Role.NOUN or following.first != direction.last or not direction.strong:
            return None
        if following.determiner or following.preposition or before in (Role.VERB, Role.NOUN):
            return None
        return self._add(Use(_MOVE, [following], at))

    def _without_verb(
        self, at: int, direction: Direction, passed: list[Node], modifier: Use | None, left: int
    ) -> Use | None:
        if modifier is not None and modifier.things and (direction.strong or self._goes_there(at, modifier)):
            return modifier
        if passed:
            if direction.strong:
                chosen = self._choose(passed, vocab.MOVE)
                return None if chosen is None else self._add(Use(_MOVE, self._shared(chosen, vocab.MOVE), at))
            return self._elliptic(at, direction, passed)
        if modifier is not None and modifier.verb.verb.causative:
            return modifier
        return self._alone(at, direction, left)

    def _goes_there(self, at: int, modifier: Use) -> bool:
        """ "flowing river to the left": what is said to move and stands directly before the side goes there."""
        noun, direction = self.nodes[at - 1], self.nodes[at].direction
        toward = direction is not None and direction.form is Form.TOWARD
        return toward and noun in modifier.things and not noun.preposition and not modifier.directions

    def _elliptic(self, at: int, direction: Direction, passed: list[Node]) -> Use | None:
        """ "river flowing left and clouds right": the noun beside the direction, when a motion came before."""
        noun = passed[0]
        if noun.mention is None or self.nodes[at - 1] is not noun or noun.preposition:
            return None
        if direction.form is Form.SLOPE:
            return None
        starts = noun.joined or self._role(at - 2) in BOUNDARIES
        ends = self._role(at + 1) in BOUNDARIES or self._role(at + 1) is Role.AND or at + 1 >= len(self.nodes)
        if self.terse or (starts and self.moved and (ends or noun.joined)):
            return self._add(Use(_MOVE, [noun], at))
        return None

    def _alone(self, at: int, direction: Direction, edge: int) -> Use | None:
        """A direction with no noun or verb before it in its part: the part before has it, or what follows."""
        ends = self._role(at + 1) in (*BOUNDARIES, Role.AND, Role.DIRECTION) or at + 1 >= len(self.nodes)
        last = self.uses[-1] if len(self.uses) > len(self.by_verb) else self.before[at]
        if self._role(edge) is not Role.HARD and ends:
            if last is not None and last.things and not last.directions and last.verb.verb is not vocab.STILL:
                between = self.nodes[last.at : at]
                if sum(node.role is Role.COMMA for node in between) <= 1:
                    return last
            if direction.strong:
                subjects = self._back(at, edge, vocab.MOVE)[1]
                if subjects:
                    said = self.by_subject.get(id(subjects[0]), [])
                    earlier = next((u for u in reversed(said) if u.things == subjects and not u.directions), None)
                    return earlier or self._add(Use(_MOVE, subjects, at))
        if direction.strong or self.terse:
            return self._pending(at)
        return None

    def _pending(self, at: int) -> Use | None:
        """ "left to right, a river": the thing that follows, by its verb if it has one."""
        right = at + 1
        while right < at + _LOOK_LEFT and self._role(right) in (Role.COMMA, Role.DIRECTION):
            right += 1
        if self._role(right) is not Role.NOUN or self.nodes[right].preposition or self.nodes[right].mention is None:
            if self.terse and right >= len(self.nodes):
                return self._add(Use(_MOVE, [], at))
            return None
        noun = self.nodes[right]
        for use in self.by_subject.get(id(noun), []):
            if not use.directions:
                return use
        return self._add(Use(_MOVE, [noun], at))


def _suits(verb: vocab.VerbClass, node: Node) -> bool:
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


def _possible_subjects(candidates: list[Node], free: bool, back: bool) -> list[Node]:
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
