"""Motions of the camera: "the camera drifts", "a slow push in", "parallax"."""

from __future__ import annotations

from collections.abc import Sequence

from t2c_ext.prompt import vocabulary as vocab
from t2c_ext.prompt.tokens import Kind, Token
from t2c_ext.types import CAMERA, Motion, MotionKind

REACH = 4
"""So many words may stand between the camera and what it does."""


def camera_motion(tokens: Sequence[Token]) -> Motion | None:
    """What the words say of the camera, or None where they say nothing, or that it stands."""
    words = [token.lower if token.kind is Kind.WORD else "," for token in tokens]
    for at in range(len(words)):
        kind = _stated(words, at)
        if kind is None or _is_denied(words, at):
            continue
        near = words[max(0, at - 2) : at + REACH + 2]
        speed = next((vocab.SPEEDS[other] for other in near if other in vocab.SPEEDS), 1.0)
        return Motion(CAMERA, None, kind, speed)
    return None


def _stated(words: Sequence[str], at: int) -> MotionKind | None:
    """The motion that is stated at a word."""
    word, following = words[at], words[at + 1] if at + 1 < len(words) else ","
    if word in vocab.CAMERA_ALONE or (word in vocab.SHOTS and following == "shot"):
        return MotionKind.PARALLAX
    if word in vocab.SLOW_PUSHES and (following == "in" or (at > 0 and words[at - 1] == "slow")):
        return MotionKind.PUSH
    return _told(words, at) if word in vocab.CAMERAS else None


def _told(words: Sequence[str], at: int) -> MotionKind | None:
    """The motion that is stated of the camera that stands at a place."""
    for place in range(at + 1, min(at + 1 + REACH, len(words))):
        other = words[place]
        if other == "," or other in vocab.CLAUSE_OPENERS or other in vocab.NEGATIONS:
            return None
        inward = place + 1 < len(words) and words[place + 1] in vocab.INWARD
        if other in vocab.CAMERA_PUSHES or (other in vocab.CAMERA_DRIFTS and inward):
            return MotionKind.PUSH
        if other in vocab.CAMERA_DRIFTS:
            return MotionKind.PARALLAX
    return None


def _is_denied(words: Sequence[str], at: int) -> bool:
    before = words[max(0, at - 2) : at]
    return any(word in vocab.NEGATIONS or word in vocab.MOTIONLESS for word in before)
