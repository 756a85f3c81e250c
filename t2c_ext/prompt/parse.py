"""The prompt stage: from words to a plan."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from t2c_ext.lexicon import Lexicon, load_flowing, load_lexicon
from t2c_ext.prompt import paper, taggers
from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.bind import Use, bind, own_or_stated
from t2c_ext.prompt.camera import camera_motion
from t2c_ext.prompt.directions import LABELLED, Direction, Form, Text, read_text
from t2c_ext.prompt.foreign import SENTENCE, is_foreign
from t2c_ext.prompt.laws import LawReading
from t2c_ext.prompt.natural import natural_prompt, nouns_of, style_terms
from t2c_ext.prompt.nodes import Node, Role, find_mentions
from t2c_ext.prompt.phrases import find_phrases
from t2c_ext.prompt.stillness import still_things
from t2c_ext.prompt.syntax import Plain, cut, plain, prompt_of
from t2c_ext.prompt.tokens import Token
from t2c_ext.prompt.units import angle_of
from t2c_ext.settings import PromptSettings
from t2c_ext.types import CAMERA, WHATEVER_MOVES, Motion, MotionKind, Plan

MOST_MOTION_WORDS = 100
"""So many of the motion words are looked at for slips of the pen."""

_NO_DIRECTION = "The motion words"
"""How the remark begins that there is no direction, which does not matter where something moves by a law."""

_LABEL = re.compile(r"(?<![^\W\d_])(?P<name>[^\W\d_]+)(?:\s*:|\s+[-–—])\s+(?=(?P<way>[^\W\d_]+|\d+))")
"""A word, a colon or a dash, and before what comes then."""

_WAYS = frozenset(["to", "from", "toward", "towards", "at", "diagonally"])
"""What a direction may begin with, beside the words for sides and speeds."""


class Reading:
    """One text, read: its tokens, phrases, uses of verbs, and what follows from them."""

    def __init__(self, text: str, lexicon: Lexicon, *, terse: bool) -> None:
        """Read `text`; `terse` texts need no verbs."""
        self.text, self.note = prompt_of(text)
        self.plain: Plain = plain(self.text)
        self.words: Text = read_text(_without_labels(self.plain.text) if terse else self.plain.text)
        self.tokens: list[Token] = self.words.tokens
        self.nodes: list[Node] = find_phrases(self.words, find_mentions(self.tokens, lexicon))
        self.uses: list[Use] = bind(self.nodes, terse=terse)
        verbs = [use for use in self.uses if use.verb.verb is not vocab.LONE]
        self.taken = {place for use in verbs for place in range(self.nodes[use.at].first, self.nodes[use.at].last)}
        self.still = still_things(self.tokens, self.nodes, self.uses)

    @property
    def mentions(self) -> list[Node]:
        """The noun phrases that name a thing which is there."""
        return [node for node in self.nodes if node.role is Role.NOUN and node.mention is not None and not node.negated]


def _without_labels(text: str) -> str:
    """The text without the marks by which it gives a thing its motion: "river: left, clouds - right, trees: sway"."""

    def blanked(found: re.Match[str]) -> str:
        name, way = found["name"], found["way"].lower()
        goes = way in _WAYS or way in vocab.SIDES or way in vocab.UPRIGHT or way in vocab.COMPASS or way[0].isdigit()
        goes = goes or way in vocab.SPEEDS or way in vocab.ward_words()
        known = name.lower() in vocab.CAMERAS or load_lexicon().find(name) is not None
        moves = known and (way in vocab.motion_verbs() or way in vocab.law_verbs())
        if name.lower() in LABELLED or not (goes or moves):
            return found[0]
        return name + " " * (found.start("way") - found.end("name"))

    return _LABEL.sub(blanked, text)


def parse(settings: PromptSettings, tagger: taggers.Tagger | None = None) -> Plan:
    """What a prompt says about what moves and where to.

    Args:
        settings: the prompt, the motion words and the options.
        tagger: a noun tagger for the natural twin's prompt; None: nltk's or spaCy's, where one is installed.

    Returns:
        The plan. `motions` holds what the motion words state, or, without any, what the prompt states.
    """
    lexicon = load_flowing()
    tagger = taggers.installed_tagger() if tagger is None else tagger
    prompt = Reading(settings.prompt, lexicon, terse=False)
    spoken = Reading(settings.motion, lexicon, terse=True) if settings.motion.strip() else prompt
    if settings.phrases == "paper":
        said, art = (
            _as_paper(prompt, spoken, settings),
            paper.remove_phrase(prompt.text, paper.find_phrase(prompt.text)),
        )
    else:
        said, art = _in_words(prompt, spoken, settings), cut(prompt.text, _spans(prompt), prompt.plain.options)
    notes = [tagger.note] if tagger is not None and not settings.natural_prompt.strip() else []
    notes += [reading.note for reading in (prompt, spoken) if reading.note]
    notes += [*said.notes, *_about_still(prompt.still | spoken.still, said.regions)]
    if not said.motions and (is_foreign(settings.motion) or is_foreign(settings.prompt)):
        notes.append(SENTENCE)
    words = prompt.words if art == prompt.text else read_text(plain(art).text)
    nouns = nouns_of(words, lexicon, tagger)
    natural = settings.natural_prompt.strip() or natural_prompt(nouns, settings.natural_terms)
    styles = style_terms(words, lexicon)
    return Plan(art, natural, said.regions, said.motions, tuple(dict.fromkeys(notes)), nouns, styles, said.laws)


@dataclass(frozen=True)
class _Said:
    """What moves, and how, as the words say it; the fields are those of the plan."""

    regions: tuple[str, ...]
    motions: tuple[Motion, ...]
    laws: tuple[Motion, ...] = ()
    notes: tuple[str, ...] = ()


def _as_paper(prompt: Reading, spoken: Reading, settings: PromptSettings) -> _Said:
    """One of the paper's twelve phrases, for all that is named."""
    found = paper.find_phrase(spoken.text if spoken is not prompt else "") or paper.find_phrase(prompt.text)
    still = prompt.still | spoken.still
    regions = _regions(spoken, [], still) or _regions(prompt, [], still)
    generator = np.random.default_rng(settings.seed)
    angle = paper.draw_angle(found.direction, generator) if found and settings.angle == "random" else None
    notes = () if found else ("None of the paper's twelve phrases is in the prompt.",)
    return _Said(regions, paper.motions(found, regions, angle), notes=notes)


def _in_words(prompt: Reading, spoken: Reading, settings: PromptSettings) -> _Said:
    """What flows, what moves by a law of its own, and what the camera does."""
    still = prompt.still | spoken.still
    by_law = LawReading(spoken.words, load_lexicon(), terse=spoken is not prompt)
    laws = tuple(law for law in by_law.motions if law.region.lower() not in still)
    stated, remarks = _motions(spoken, prompt, settings)
    motions = tuple(motion for motion in stated if motion.region.lower() not in by_law.acting)
    named = _regions(spoken, motions, still, not laws) or _regions(prompt, motions, still, not laws)
    regions = tuple(region for region in named if region.lower() not in by_law.acting)
    camera = camera_motion(spoken.tokens) or camera_motion(prompt.tokens)
    if camera is not None:
        laws = (*(law for law in laws if law.region.lower() != CAMERA), camera)
    if laws:
        remarks = [remark for remark in remarks if not remark.startswith(_NO_DIRECTION)]
    return _Said(_with_laws(regions, laws, by_law, prompt), motions, laws, (*remarks, *by_law.remarks))


def _with_laws(
    regions: tuple[str, ...], laws: tuple[Motion, ...], by_law: LawReading, prompt: Reading
) -> tuple[str, ...]:
    """What flows and what does not; where nothing else moves, whatever can sway or flicker."""
    named = [*regions, *(law.region for law in laws if not law.kind.is_camera), *by_law.unsuited]
    found = by_law.mentions or LawReading(prompt.words, load_lexicon(), terse=False).mentions if not named else ()
    moving = {name.lower(): name for name in (*named, *found) if name.lower() not in prompt.still}
    if not moving and any(law.kind.is_camera for law in laws):
        return (CAMERA,)
    return tuple(moving.values())


def _about_still(still: Mapping[str, str], regions: Iterable[str]) -> list[str]:
    """A sentence about what the words keep from moving."""
    left_out = [text for key, text in still.items() if key not in {name.lower() for name in regions}]
    return [f"Standing still, as the words say: {', '.join(left_out)}."] if left_out else []


def _spans(reading: Reading) -> list[tuple[int, int]]:
    """Characters of the direction phrases that can be cut: those that state a motion of a thing."""
    spans = []
    for use in reading.uses:
        if not use.things or use.negated:
            continue
        for direction in use.directions:
            if direction.form is Form.SLOPE:
                continue
            start, end = reading.tokens[direction.first].start, reading.tokens[direction.last - 1].end
            if direction.last < len(reading.tokens) and reading.tokens[direction.last].linked:
                end = reading.tokens[direction.last].start
            spans.append((start, end))
    return sorted(set(spans))


def _regions(
    reading: Reading, motions: Iterable[Motion], still: Mapping[str, str], alone: bool = True
) -> tuple[str, ...]:
    """Words of what moves: stated motions first, then the rest; shy things only when they are in motion.

    Args:
        reading: where they are named.
        motions: that are stated.
        still: what stands still, by its name in lower case.
        alone: nothing else moves, so that shy things do where no other is named.
    """
    names = {motion.region.lower(): motion.region for motion in motions if motion.region != WHATEVER_MOVES}
    driven = {
        id(node) for use in reading.uses if not use.negated and use.verb.verb is not vocab.STILL for node in use.things
    }
    named = [(node, node.mention) for node in reading.mentions if node.mention is not None]
    able = [(node, mention) for node, mention in named if mention.text.lower() not in still]
    for node, mention in able:
        if not mention.thing.shy or id(node) in driven:
            names.setdefault(mention.text.lower(), mention.text)
    if not names and alone:
        # an "ink drawing" is of no ink
        told = [mention for node, mention in able if not (node.is_scene and mention.thing.shy)]
        names = {mention.text.lower(): mention.text for mention in told}
    return tuple(names.values())


def _motions(spoken: Reading, prompt: Reading, settings: PromptSettings) -> tuple[list[Motion], list[str]]:
    """The motions that the words state, one for each thing, and remarks for the user."""
    generator = np.random.default_rng(settings.seed)
    found: dict[str, Motion] = {}
    explicit: set[str] = set()
    remarks: list[str] = []
    for use in spoken.uses:
        state = _state(use)
        if state is None:
            continue
        angle, kind = state
        for region in _names(use, spoken, prompt):
            key = region.lower()
            motion = Motion(region, _drawn(angle, use, settings, generator), kind, _speed(use, region, spoken))
            if key in found and (key in explicit or not use.directions):
                same = found[key].angle == motion.angle and found[key].kind is kind
                if not same and use.directions:
                    remarks.append(f'The words give "{region}" more than one direction; the first one counts.')
                continue
            found[key] = motion
            if use.directions:
                explicit.add(key)
    if settings.motion.strip() and not found and not spoken.still:
        remarks.append(
            f'{_NO_DIRECTION} "{settings.motion.strip()[:80]}" state no direction of a thing that can move'
            f"{_did_you_mean(spoken.tokens)}."
        )
    return _in_order(found, spoken), remarks


def _did_you_mean(tokens: Sequence[Token]) -> str:
    """A hint at the first word that is nearly a direction, or ""."""
    known = [*vocab.SIDES, *vocab.UPRIGHT, *vocab.COMPASS, *vocab.ward_words(), *vocab.TURNS]
    for token in tokens[:MOST_MOTION_WORDS]:
        if token.lower in vocab.NEGATIONS | vocab.PREPOSITIONS | vocab.PARTICLES or token.lower in vocab.SPEEDS:
            continue
        near = difflib.get_close_matches(token.lower, known, n=1, cutoff=0.75) if len(token.lower) > 2 else []
        if near and near[0] != token.lower:
            return f'; perhaps "{token.text[:30]}" should be "{near[0]}"'
    return ""


def _in_order(found: dict[str, Motion], reading: Reading) -> list[Motion]:
    places = {n.mention.text.lower(): -i for i, n in reversed(list(enumerate(reading.mentions))) if n.mention}
    return sorted(found.values(), key=lambda motion: -places.get(motion.region.lower(), 0))


def _names(use: Use, spoken: Reading, prompt: Reading) -> list[str]:
    """The regions of a use. Motion words may name what the lexicon lacks, or nothing: all that moves, then."""
    names = [node.mention.text for node in use.things if node.mention is not None]
    if names or spoken is prompt:
        return names
    unknown = [_name_of(node, spoken) for node in use.subjects if node.mention is None and not node.negated]
    head = use.subjects[0].head if unknown else ""
    if unknown and head not in vocab.ALL_THINGS | vocab.WINDS and head not in vocab.SPEEDS:
        return unknown
    if any(node.mention is not None for node in use.subjects):
        return []
    able = _regions(prompt, (), prompt.still)
    return list(able) if len(able) == 1 else [WHATEVER_MOVES]


def _name_of(node: Node, reading: Reading) -> str:
    """A noun phrase as it stands in the words: "her long hair"."""
    return reading.text[reading.tokens[node.first].start : reading.tokens[node.last - 1].end]


def _state(use: Use) -> tuple[float | None, MotionKind] | None:
    """(angle, kind) that a use states, or None."""
    verb = use.verb.verb
    if use.negated or verb is vocab.STILL:
        return None
    turns = [direction.kind for direction in use.directions if direction.kind is not MotionKind.TRANSLATE]
    if turns:
        return None, turns[0]
    if use.opposite_of is not None:
        return _opposite(use)
    vector = own_or_stated(use)
    if vector is not None:
        return angle_of(vector), MotionKind.TRANSLATE
    return (None, MotionKind.SWIRL) if verb.swirl else None


def _opposite(use: Use) -> tuple[float, MotionKind] | None:
    """(angle, kind) of a use that goes "the other way": against the first one in the chain that states an angle."""
    seen = {id(use)}
    turned = 180.0
    other = use.opposite_of
    while other is not None and other.opposite_of is not None and id(other) not in seen:
        seen.add(id(other))
        turned, other = 180.0 - turned, other.opposite_of
    stated = None if other is None or id(other) in seen else _state(other)
    return None if stated is None or stated[0] is None else ((stated[0] + turned) % 360, MotionKind.TRANSLATE)


def _drawn(angle: float | None, use: Use, settings: PromptSettings, generator: np.random.Generator) -> float | None:
    """The angle itself, or one from the range that the words leave open."""
    if angle is None or settings.angle != "random":
        return angle
    stated: list[Direction] = [direction for direction in use.directions if direction.vector is not None]
    spread = stated[0].spread if stated else 10.0
    return float(angle + generator.uniform(-spread, spread)) % 360


def _speed(use: Use, region: str, reading: Reading) -> float:
    """The factor of the speed word nearest to the verb, or in the thing's own phrase; 1 without one."""
    node = reading.nodes[use.at]
    around = [node.first, *(place for step in range(1, 5) for place in (node.first - step, node.last - 1 + step))]
    for subject in use.things:
        if subject.mention is not None and subject.mention.text == region:
            around += range(subject.first, subject.last)
            if subject.first and not use.modifies:
                around.append(subject.first - 1)
    for place in around:
        is_near = 0 <= place < len(reading.tokens) and _same_part(reading, node.first, place)
        if is_near and (place == node.first or place not in reading.taken):
            factor = vocab.SPEEDS.get(reading.tokens[place].lower)
            if factor is not None:
                return factor
    return 1.0


def _same_part(reading: Reading, one: int, other: int) -> bool:
    between = reading.tokens[min(one, other) : max(one, other)]
    return all(token.lower not in (",", ";", ".", "and", "while", "\f") for token in between)
