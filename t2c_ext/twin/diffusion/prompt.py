"""The WebUI's prompt syntax as weighted text: (emphasis:1.2), [less], [from:to:when], [one|other], BREAK."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby

from t2c_ext.markup import AND, BREAK, EXTRA_NETWORK, NUMBER, joins_prompts

MORE, LESS = 1.1, 1 / 1.1
"""What a pair of round or square brackets multiplies the weight by."""

DEEPEST = 40
"""Brackets nested deeper than this are text."""

_WEIGHT = re.compile(rf":({NUMBER})$")
_SCHEDULE = re.compile(rf"^{NUMBER}$")
_AND = re.compile(rf"(?::{NUMBER})?{AND.pattern}")
_AND_WEIGHT = re.compile(rf":{NUMBER}$")
_LORAS = ("lora", "lyco")
_STRENGTH = re.compile(r"[+-]?(?:\d{1,9}(?:[.,]\d{0,9})?|[.,]\d{1,9})(?:[eE][+-]?\d)?")
_EMBEDDING = re.compile(r"\bembedding:([\w.-]{1,100}\w)|<([\w-]{1,100})>", re.IGNORECASE)
_CLOSING = {"(": ")", "[": "]"}


@dataclass(frozen=True)
class Piece:
    """Text of one weight."""

    text: str
    weight: float = 1.0


Part = tuple[Piece, ...]
"""The pieces between two BREAKs."""


@dataclass(frozen=True)
class LoraRequest:
    """`<lora:name:strength>`; the second number, where there is one, is for the UNet alone."""

    name: str
    encoder: float
    unet: float


def take_loras(prompt: str) -> tuple[str, tuple[LoraRequest, ...]]:
    """The prompt without extra networks, and the LoRAs that it names (each once; its last strength holds).

    As in the WebUI the first number is for the text encoder and the second for the UNet, which else takes the first;
    `te=` and `unet=` name them. `<lyco:...>` is another word for the same. What cannot be followed: `network_notes`.
    """
    found = {}
    for match in EXTRA_NETWORK.finditer(prompt):
        request = _request(match[2])[0]
        if match[1].lower() in _LORAS and request.name:
            found[request.name] = request
    return EXTRA_NETWORK.sub("", prompt), tuple(found.values())


def network_notes(prompt: str) -> tuple[str, ...]:
    """What of a prompt's extra networks is not followed, as sentences for the user."""
    notes = []
    for match in EXTRA_NETWORK.finditer(prompt):
        if match[1].lower() in _LORAS:
            notes += [f"In {match[0]} {fault}." for fault in _request(match[2])[1]]
        else:
            notes.append(f"{match[0]} was left out: of a prompt's extra networks only LoRAs are known.")
    return tuple(dict.fromkeys(notes))


def named_embeddings(prompt: str) -> tuple[str, ...]:
    """What a prompt names as a textual inversion: `embedding:name`, or `<name>` as in diffusers' files."""
    return tuple(match[1] or match[2] for match in _EMBEDDING.finditer(prompt))


def _request(text: str) -> tuple[LoraRequest, list[str]]:
    """A LoRA from what stands behind its mark, and what of it is not followed."""
    name, *values = (part.strip() for part in text.split(":"))
    strengths: dict[str, float] = {}
    faults = [] if name else ["no file is named"]
    for number, value in enumerate(values):
        word, given, after = value.partition("=")
        target = word.strip().lower() if given else ("te", "unet")[number] if number < 2 else "dyn"
        strength = _number(after if given else value)
        if target not in ("te", "unet"):
            faults.append(f"{value!r} was left out: only the strengths for text encoder and UNet are known")
        elif strength is None:
            faults.append(f"the strength {value!r} is no number, so it was left out; write one such as 0.8")
        else:
            strengths[target] = strength
    encoder = strengths.get("te", 1.0)
    return LoraRequest(name, encoder, strengths.get("unet", encoder)), faults


def _number(text: str) -> float | None:
    """A number with a point or a comma, or None."""
    return float(text.replace(",", ".")) if _STRENGTH.fullmatch(text.strip()) else None


def weighted(prompt: str, step: int, steps: int) -> tuple[Part, ...]:
    """The prompt as it is at one step.

    Args:
        prompt: without extra networks.
        step: from 0.
        steps: number of steps in all.

    Returns:
        One part for each stretch between BREAKs, at least one. AND is read as BREAK. Unbalanced opening brackets hold
        to the end, as in the WebUI; closing ones are text.
    """
    if joins_prompts(prompt):
        # a weight holds the only space between its prompt's last word and AND
        prompt = _AND.sub(lambda found: "BREAK" if found[0] == "AND" else " BREAK", prompt)
        prompt = _AND_WEIGHT.sub("", prompt)
    pieces = _Reader(step, steps).read(prompt, 1.0, 0)
    parts: list[list[Piece]] = [[]]
    for weight, group in groupby(pieces, key=lambda piece: piece.weight):
        first, *others = BREAK.split("".join(piece.text for piece in group))
        parts[-1].append(Piece(first, weight))
        parts.extend([Piece(text, weight)] for text in others)
    return tuple(tuple(piece for piece in part if piece.text.strip()) for part in parts)


@dataclass(frozen=True)
class _Reader:
    """Reads a prompt at one step."""

    step: int
    steps: int

    def read(self, text: str, weight: float, depth: int) -> list[Piece]:
        """The pieces of a text whose surroundings have the given weight."""
        pieces, plain, position = [], "", 0
        while position < len(text):
            char = text[position]
            if char == "\\" and text[position + 1 : position + 2] in tuple("()[]\\"):
                plain += text[position + 1 : position + 2]
                position += 2
            elif char in _CLOSING and depth < DEEPEST:
                end = _closing(text, position)
                pieces.append(Piece(plain, weight))
                pieces += self._group(char, text[position + 1 : end], weight, depth)
                plain, position = "", end + 1
            else:
                plain += char
                position += 1
        return [*pieces, Piece(plain, weight)]

    def _group(self, opening: str, inside: str, weight: float, depth: int) -> list[Piece]:
        if opening == "(":
            stated = _WEIGHT.search(inside)
            if stated:
                return self.read(inside[: stated.start()], weight * float(stated[1]), depth + 1)
            return self.read(inside, weight * MORE, depth + 1)
        options = _split(inside, "|")
        if len(options) > 1:
            return self.read(options[self.step % len(options)], weight, depth + 1)
        colons = _split(inside, ":")
        if len(colons) in (2, 3) and _SCHEDULE.match(colons[-1]):
            before, after = colons[0] if len(colons) == 3 else "", colons[-2]
            when = float(colons[-1])
            late = self.step >= (when * self.steps if when < 1 else when)
            return self.read(after if late else before, weight, depth + 1)
        return self.read(inside, weight * LESS, depth + 1)


def _closing(text: str, start: int) -> int:
    """Where the bracket at `start` closes; the text's end when it does not."""
    open_ones: list[str] = []
    position = start
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char in _CLOSING:
            open_ones.append(_CLOSING[char])
        elif open_ones and char == open_ones[-1]:
            open_ones.pop()
            if not open_ones:
                return position
        position += 1
    return len(text)


def _split(text: str, mark: str) -> list[str]:
    """Split at marks that stand outside inner brackets."""
    parts, start, position = [], 0, 0
    while position < len(text):
        char = text[position]
        if char == "\\":
            position += 1
        elif char in _CLOSING:
            position = _closing(text, position)
        elif char == mark:
            parts.append(text[start:position])
            start = position + 1
        position += 1
    return [*parts, text[start:]]
