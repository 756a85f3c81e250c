"""The prompt of the natural-looking twin: what the picture shows, without how it is made (paper, section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from t2c_ext.lexicon import Lexicon
from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.directions import Text
from t2c_ext.prompt.nodes import Mention, Role, find_mentions
from t2c_ext.prompt.phrases import find_phrases
from t2c_ext.prompt.taggers import Tagger
from t2c_ext.prompt.tokens import Kind, Token

_BETWEEN = frozenset(["of", "in", "with", "and", "style"])

_PARTICLES = ("van", "von", "de", "da")
"""What may stand within an artist's name, also where the name is in lower case."""


def natural_prompt(nouns: Sequence[str], terms: str) -> str:
    """The nouns, then `terms` (separated by commas) as far as they are not among them, separated by commas."""
    known = {noun.lower() for noun in nouns}
    extra = [term.strip() for term in terms.split(",") if term.strip()]
    return ", ".join([*nouns, *(term for term in extra if term.lower() not in known)])


def nouns_of(words: Text, lexicon: Lexicon, tagger: Tagger | None = None) -> tuple[str, ...]:
    """What the picture shows, in order, each thing once.

    Style phrases ("in the style of ...", "by ..."), media, artists and quality words are left out. Without a tagger
    the heads of noun phrases count as nouns.
    """
    tokens = words.tokens
    mentions = find_mentions(tokens, lexicon)
    skipped = _style_tokens(tokens, mentions)
    wanted = _tagged(tokens, tagger) if tagger is not None else None
    nouns: dict[str, str] = {}
    for node in find_phrases(words, mentions):
        at = node.last - 1
        if (
            node.role is not Role.NOUN
            or node.negated
            or (at if node.mention is None else node.mention.first) in skipped
        ):
            continue
        if node.mention is not None:
            if not (node.is_scene and node.mention.text.lower() in vocab.MEDIA):  # an "ink drawing" is of no ink
                nouns.setdefault(node.mention.text.lower(), node.mention.text)
            continue
        word = tokens[at].lower
        if wanted is not None:
            if not wanted[at] or _is_style(word):
                continue
        elif not _could_be_noun(word, tokens[at]):
            continue
        nouns.setdefault(word, word)
    return tuple(nouns.values())


def style_terms(words: Text, lexicon: Lexicon) -> tuple[str, ...]:
    """How the picture is made, in lower case: media, artists and styles, which the natural prompt leaves out.

    What is said of photographs, too ("best quality", "bokeh"), is none of them: the twin is to look like one.
    """
    text, tokens = words.text, words.tokens
    mentions = find_mentions(tokens, lexicon)
    skipped = _style_tokens(tokens, mentions)
    runs: list[list[Token]] = [[]]
    for at, token in enumerate(tokens):
        word = token.lower
        if token.kind is not Kind.WORD or word in vocab.STYLE_OPENERS or word in vocab.DETERMINERS or word in _BETWEEN:
            if runs[-1] and word not in vocab.DETERMINERS:
                runs.append([])
        elif at in skipped or (
            at not in mentions and (word in vocab.MEDIA or word in vocab.ARTISTS or _is_manner(word))
        ):
            runs[-1].append(token)
        elif runs[-1]:
            runs.append([])
    kept = (run for run in runs if any(token.lower not in vocab.PHOTOGRAPHIC for token in run))
    return tuple(dict.fromkeys(text[run[0].start : run[-1].end].lower() for run in kept))


def _tagged(tokens: list[Token], tagger: Tagger) -> list[bool]:
    return tagger.nouns([token.text for token in tokens]) if tokens else []


def _is_style(word: str) -> bool:
    lists = (vocab.MEDIA, vocab.ARTISTS, vocab.STYLE_NOUNS, vocab.NOT_NOUNS)
    return any(word in words for words in lists) or _is_manner(word)


def _could_be_noun(word: str, token: Token) -> bool:
    """Whether a head is a thing to be seen, as far as its form tells."""
    if len(word) < 3 or _is_style(word) or word in vocab.ADJECTIVES or token.kind is not Kind.WORD:
        return False
    return not (len(word) > 4 and word.endswith(vocab.ADJECTIVE_ENDINGS))


def _style_tokens(tokens: list[Token], mentions: Mapping[int, Mention]) -> set[int]:
    """Tokens of style phrases: from "by" or "in the style of" to the next boundary, and "anime style" by itself.

    What stands behind "anime style" is what is seen, and so is the thing behind "style van Gogh".
    """
    skipped = _looks(tokens, mentions)
    boundary = -1
    in_style = named = False
    for at, token in enumerate(tokens):
        if token.kind in (Kind.COMMA, Kind.STOP, Kind.HARD):
            boundary, in_style, named = at, False, False
            continue
        if token.lower in vocab.STYLE_OPENERS:
            passive = token.lower == "by" and at and tokens[at - 1].lower.endswith("ed")
            following = tokens[at + 1].lower if at + 1 < len(tokens) else ""
            place = token.lower == "by" and following in vocab.DETERMINERS | vocab.HOURS
            if not passive and not place:
                in_style = True
                if token.lower == "style" and at - 1 > boundary and tokens[at - 1].lower not in vocab.DETERMINERS:
                    skipped.update(_words_before(tokens, mentions, boundary, at))
        ends = token.lower in ("during", "at", "with", "under") or (named and at in mentions)
        if in_style and (ends or _is_of_a_thing(tokens, at)):
            in_style = False
        if in_style or token.lower in vocab.ARTISTS:
            skipped.add(at)
            if token.lower in vocab.ARTISTS and at and _may_be_of_a_name(tokens[at - 1]):
                skipped.add(at - 1)
        if token.lower == "style":
            named = at + 1 < len(tokens) and at + 1 not in mentions and _may_be_of_a_name(tokens[at + 1])
            in_style = in_style and (named or (at + 1 < len(tokens) and tokens[at + 1].lower in ("of", "by")))
    return skipped


def _looks(tokens: list[Token], mentions: Mapping[int, Mention]) -> set[int]:
    """Places of what names a look by standing alone between commas, where another thing is named: "a lake, neon"."""
    others = any(mention.text.lower() not in vocab.LOOKS for mention in mentions.values())
    parts: list[list[int]] = [[]]
    for at, token in enumerate(tokens):
        if token.kind in (Kind.COMMA, Kind.STOP, Kind.HARD):
            parts.append([])
        else:
            parts[-1].append(at)
    looks = (part for part in parts[1:] if others and _is_look([tokens[at].lower for at in part]))
    return {at for part in looks for at in part}


def _is_look(words: list[str]) -> bool:
    """Whether words name a look and nothing else: phrases of `LOOKS` among media and adjectives."""
    at, named = 0, False
    while at < len(words):
        length = next((n for n in range(vocab.LONGEST_LOOK, 0, -1) if " ".join(words[at : at + n]) in vocab.LOOKS), 0)
        if not length and not (words[at] in vocab.MEDIA or words[at] in vocab.ADJECTIVES or _is_manner(words[at])):
            return False
        named, at = named or length > 0, at + max(length, 1)
    return named


def _is_manner(word: str) -> bool:
    """Whether a word's form tells that it is a movement of art or a manner: "vorticism", "cottagecore"."""
    return len(word) > 5 and word.endswith(vocab.LOOK_ENDINGS) and word not in vocab.NO_LOOKS


def _may_be_of_a_name(token: Token) -> bool:
    return token.text[:1].isupper() or token.lower in _PARTICLES


def _words_before(tokens: list[Token], mentions: Mapping[int, Mention], boundary: int, at: int) -> range:
    """The places of the words that say which style it is: at most three, from "in" on, else behind a thing."""
    first = max(boundary + 1, at - 3)
    if not any(token.lower == "in" for token in tokens[first:at]):
        first = max([first, *(mentions[place].last for place in range(first, at) if place in mentions)])
    return range(first, at)


def _is_of_a_thing(tokens: list[Token], at: int) -> bool:
    """Whether the picture's thing follows what is named: "in the style of van Gogh of a river"."""
    before, following = tokens[at - 1] if at else None, tokens[at + 1] if at + 1 < len(tokens) else None
    if tokens[at].lower != "of" or before is None or following is None:
        return False
    return before.lower not in vocab.STYLE_OPENERS and following.lower in ("a", "an")
