"""The built-in miniature model: a Stable Diffusion of a few megabytes that paints landscapes it has seen drawn by code.

It is trained by `world/train_miniature.py`; its card is `world/MINIATURE.md`. Nothing is ever downloaded for it.
"""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

from t2c_ext.errors import UserError, Way

NAME = "miniature"
"""Names it wherever a model is named."""

SETTINGS: dict[str, bool | int | float | str] = {"steps": 20, "guidance": 4.0, "natural_guidance": 4.0}
"""What suits it, in place of the defaults that suit Stable Diffusion."""

SAYS = "Drawn by the built-in miniature model; for real pictures name a checkpoint as the model."

_FOLDER = Path(__file__).parent
_MOST_NAMED = 8

_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_UNSAID = frozenset(
    ["to", "from", "and", "or", "is", "are", "it", "its", "on", "by", "for", "into", "that", "this", "very"]
)
"""Words that no picture shows."""


def model_file() -> Path:
    """The checkpoint; its tokenizer lies beside it.

    Raises:
        UserError: this copy of the program came without it.
    """
    path = _FOLDER / "miniature.safetensors"
    if not path.is_file():
        raise UserError("this copy of the program has no built-in model", ways=[Way("name a checkpoint", "model")])
    return path


def tokenizer_folder() -> Path:
    """Its tokenizer's files, with a `config.json` that says how large its text encoder is."""
    return _FOLDER / "tokenizer"


def can_draw() -> bool:
    """Whether it is here, and the packages that it needs are installed."""
    needed = ("torch", "diffusers", "transformers", "accelerate")
    return (_FOLDER / "miniature.safetensors").is_file() and all(map(importlib.util.find_spec, needed))


def unknown_words(prompt: str) -> list[str]:
    """The words of a prompt that it has never seen, in order; what names no thing is left out."""
    vocabulary = json.loads((tokenizer_folder() / "vocab.json").read_text(encoding="utf-8"))
    words = dict.fromkeys(_WORD.findall(prompt.lower()))
    return [word for word in words if len(word) > 1 and f"{word}</w>" not in vocabulary and word not in _UNSAID]


def notes_about(prompt: str) -> list[str]:
    """Sentences for who has it draw a prompt."""
    unknown = unknown_words(prompt)
    if not unknown:
        return [SAYS]
    named = ", ".join(unknown[:_MOST_NAMED]) + (" ..." if len(unknown) > _MOST_NAMED else "")
    return [SAYS, f"The miniature model does not know: {named}. It knows landscapes with water, clouds, fire or smoke."]
