"""What the words say stands still: "the clouds are not moving", "motionless clouds", "the lake is still"."""

from __future__ import annotations

from collections.abc import Sequence

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.bind import Use
from t2c_ext.prompt.nodes import Node, Role
from t2c_ext.prompt.tokens import Kind, Token


def still_things(tokens: Sequence[Token], nodes: Sequence[Node], uses: Sequence[Use]) -> dict[str, str]:
    """The things that stand still and are not moved by other words: lower case to the words of the prompt."""
    verbs = vocab.motion_verbs()
    moves = (
        use
        for use in uses
        if not use.negated
        and use.verb.verb is not vocab.STILL
        and tokens[nodes[use.at].first].lower not in vocab.MOTIONLESS  # "unmoving" has the form of a verb
    )
    moved = {id(node) for use in moves for node in use.things}
    denied = {id(node) for use in uses if use.negated and _is_motion(use) for node in use.things}
    found: dict[str, str] = {}
    for node in nodes:
        if node.role is not Role.NOUN or node.mention is None or node.negated or id(node) in moved:
            continue
        if (
            id(node) in denied
            or _is_called_motionless(tokens, node)
            or _is_said_to_be_still(tokens, node, verbs)
            or _is_not_to_be_moved(tokens, node)
        ):
            found.setdefault(node.mention.text.lower(), node.mention.text)
    driven = {node.mention.text.lower() for node in nodes if id(node) in moved and node.mention is not None}
    return {key: text for key, text in found.items() if key not in driven}


def _is_motion(use: Use) -> bool:
    """A verb of motion: what does not sing or shine may well move."""
    return use.verb.verb not in (vocab.STILL, vocab.LONE)


def _is_called_motionless(tokens: Sequence[Token], node: Node) -> bool:
    first = node.first - 1 if node.first and tokens[node.first - 1].kind is Kind.WORD else node.first
    return any(token.lower in vocab.MOTIONLESS for token in tokens[first : node.last])


def _is_not_to_be_moved(tokens: Sequence[Token], node: Node) -> bool:
    """ "don't move the clouds", "freeze the clouds", and "clouds don't" at the end of its part."""
    behind = tokens[node.last : node.last + 2]
    if behind and behind[0].lower.endswith("n't") and (len(behind) == 1 or behind[1].kind is not Kind.WORD):
        return True
    at = node.first - 1
    first = tokens[node.first].lower
    is_falling = first.endswith("ing")  # "freezing rain" does
    if first in vocab.FREEZING and not is_falling and node.last > node.first + 1:
        at = node.first
    while at >= 0 and tokens[at].lower in vocab.DETERMINERS:
        at -= 1
    if at >= 0 and tokens[at].lower in vocab.FREEZING:
        return at == 0 or not _denies(tokens[at - 1].lower)
    return at > 0 and tokens[at].lower in vocab.MOVING and _denies(tokens[at - 1].lower)


def _denies(word: str) -> bool:
    return word in vocab.NEGATIONS or word.endswith("n't")


def _is_said_to_be_still(tokens: Sequence[Token], node: Node, verbs: dict[str, vocab.VerbForm]) -> bool:
    """ "are still" and "standing motionless", but not "are still drifting"."""
    last = node.last
    while last > node.first + 1 and tokens[last - 1].lower in vocab.LINKING:  # read as a noun: "clouds stand"
        last -= 1
    at = last
    while at < len(tokens) and tokens[at].kind is Kind.WORD and tokens[at].lower in vocab.LINKING:
        at += 1
    if at >= len(tokens) or (at == last and not _is_kept(tokens, node)):
        return False
    word = tokens[at].lower
    after = tokens[at + 1].lower if at + 1 < len(tokens) else ""
    goes_on = after in verbs or after.endswith("ing") or after.endswith("ly")
    return word in vocab.MOTIONLESS or (word == "still" and not goes_on)


def _is_kept(tokens: Sequence[Token], node: Node) -> bool:
    """ "keep the clouds ..." """
    at = node.first - 1
    while at >= 0 and tokens[at].lower in vocab.DETERMINERS:
        at -= 1
    return at >= 0 and tokens[at].lower in vocab.KEEPING
