"""Prompts as the UNet sees them: chunks of 75 tokens, weighted, with textual inversions and pooled embeddings."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from t2c_ext.errors import UserError
from t2c_ext.twin.diffusion.components import Components, Encoder
from t2c_ext.twin.diffusion.prompt import Part, Piece, weighted
from t2c_ext.twin.families import Family

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 75
"""Tokens of a prompt that fit between the start and the end mark."""

_AS_IT_IS = {"add_special_tokens": False, "verbose": False}
"""How a text becomes tokens: without marks, and without a warning for a long one."""

BACKTRACK = 20
"""A chunk that would break inside a phrase ends at a comma at most so many tokens back, as in the WebUI."""


@dataclass(frozen=True)
class Conditioning:
    """One prompt.

    Attributes:
        context: float32 [tokens, channels], tokens a multiple of 77.
        pooled: float32 [channels] (SDXL), or None.
        ids: the token at each place of the context.
    """

    context: Tensor
    pooled: Tensor | None
    ids: tuple[int, ...]

    def repeated(self, tokens: int) -> Tensor:
        """The context repeated to a multiple of its own length.

        Cross-attention does not change when all keys are repeated equally often, so prompts of different lengths can
        share a batch without an effect on each other.
        """
        return self.context.repeat(tokens // self.context.shape[0], 1)

    def places(self, word: Sequence[int], tokens: int) -> tuple[int, ...]:
        """Where the tokens of a word stand in `repeated(tokens)`; empty when the prompt does not have it."""
        length, size = len(self.ids), len(word)
        starts = [at for at in range(length - size + 1) if word and list(self.ids[at : at + size]) == list(word)]
        once = sorted({at + offset for at in starts for offset in range(size)})
        return tuple(turn * length + at for turn in range(tokens // length) for at in once)


def shared_length(lengths: Sequence[int]) -> int:
    """The shortest length that prompts of these lengths can all be repeated to."""
    return math.lcm(*lengths)


@dataclass(frozen=True)
class _Chunk:
    """One chunk: 77 tokens with their weights. Tokens beyond the vocabulary are vectors of textual inversions."""

    ids: tuple[int, ...]
    weights: tuple[float, ...]


@dataclass
class PromptEncoder:
    """Encodes prompts, each only once.

    Attributes:
        components: the model.
        clip_skip: 1 for the last layer of the text encoder, 2 for the last but one (SDXL: as it was trained).
    """

    components: Components
    clip_skip: int = 1
    _known: dict[tuple[Part, ...], Conditioning] = field(default_factory=dict)

    def schedule(self, prompt: str, steps: int) -> tuple[Conditioning, ...]:
        """The prompt at each step; the same object wherever it is the same.

        Raises:
            UserError: the text encoder has fewer layers than clip_skip.
        """
        return tuple(self.encode(weighted(prompt, step, steps)) for step in range(steps))

    def encode(self, parts: tuple[Part, ...]) -> Conditioning:
        """One prompt; raises UserError as `schedule`."""
        if parts not in self._known:
            self._known[parts] = self._encode(parts)
        return self._known[parts]

    def word(self, text: str) -> tuple[int, ...]:
        """The tokens of a word, as they stand in a prompt."""
        return _tokens(self.components.encoders[0], text)

    def texts(self, ids: Sequence[int]) -> list[str]:
        """The text of each token of a prompt; empty for marks, filler and the vectors of textual inversions."""
        first = self.components.encoders[0]
        plain = first.tokenizer
        silent = {int(plain.bos_token_id), int(plain.eos_token_id), first.pad}
        known = range(len(plain))
        return ["" if token in silent or token not in known else plain.decode([token]).strip() for token in ids]

    def _encode(self, parts: tuple[Part, ...]) -> Conditioning:
        import torch

        encoders = self.components.encoders
        contexts: list[Tensor] = []
        pooled: Tensor | None = None
        ids: tuple[int, ...] = ()
        with torch.no_grad(), self.components.at_work(*(encoder.model for encoder in encoders)):
            for encoder in encoders:
                rows = chunks(encoder, parts)
                context, summary = self._run(encoder, rows)
                contexts.append(context)
                pooled = summary if summary is not None else pooled
                ids = ids or tuple(token for row in rows for token in row.ids)
        shortest = min(context.shape[0] for context in contexts)
        # a textual inversion may have more vectors for one of SDXL's encoders than for the other
        joined = torch.cat([context[:shortest] for context in contexts], dim=1)
        return Conditioning(joined, pooled, ids[:shortest])

    def _run(self, encoder: Encoder, rows: Sequence[_Chunk]) -> tuple[Tensor, Tensor | None]:
        """float32 [77 rows, channels] and, with a projection, the first row's pooled embedding."""
        import torch

        device = self.components.placement.device
        ids = torch.tensor([row.ids for row in rows], device=device)
        weights = torch.tensor([row.weights for row in rows], device=device)
        with _extended(encoder):
            output = encoder.model(input_ids=ids, output_hidden_states=True)
        states = output.hidden_states
        skip = max(self.clip_skip, 2) if self.components.family is Family.SDXL else self.clip_skip
        if skip >= len(states):
            raise UserError(f"is {skip}, but this text encoder has only {len(states) - 1} layers", setting="clip_skip")
        if self.components.family is Family.SDXL:
            context = states[-skip].float()
        elif skip == 1:
            context = output.last_hidden_state.float()
        else:
            context = encoder.inner.final_layer_norm(states[-skip]).float()
        context = _emphasised(context, weights)
        pooled = None
        if hasattr(encoder.model, "text_projection"):
            end = rows[0].ids.index(int(encoder.tokenizer.eos_token_id))
            pooled = encoder.model.text_projection(output.last_hidden_state[0, end]).float().cpu()
        return context.flatten(0, 1).cpu(), pooled


def _emphasised(context: Tensor, weights: Tensor) -> Tensor:
    """Multiply each token by its weight and restore the mean of all, as the WebUI does."""
    if bool((weights == 1).all()):
        return context
    scaled = context * weights[..., None]
    return scaled * (context.mean() / scaled.mean())


def _tokens(encoder: Encoder, text: str) -> tuple[int, ...]:
    """Token numbers of a text without marks; textual inversions count on beyond the vocabulary."""
    plain = encoder.tokenizer
    if not encoder.embeddings:
        return tuple(plain(text, **_AS_IT_IS).input_ids)
    found: list[int] = []
    pattern = names_pattern(encoder.embeddings)
    first = _first_numbers(encoder)
    for index, part in enumerate(pattern.split(text)):
        if index % 2:
            start = first[part.lower()]
            found += range(start, start + encoder.embeddings[part.lower()].shape[0])
        elif part.strip():
            found += plain(part, **_AS_IT_IS).input_ids
    return tuple(found)


def names_pattern(names: Iterable[str]) -> re.Pattern[str]:
    """Finds textual inversions in a text: as whole words, the longest name first, whatever the case.

    `embedding:name` (as ComfyUI writes it) is taken as a whole; the name is the only group.
    """
    longest_first = sorted(names, key=len, reverse=True)
    choice = "|".join(re.escape(name) for name in longest_first)
    return re.compile(rf"(?<!\w)(?:embedding:)?({choice})(?!\w)", re.IGNORECASE)


def _first_numbers(encoder: Encoder) -> dict[str, int]:
    """The token number of the first vector of each textual inversion."""
    numbers, position = {}, int(encoder.inner.embeddings.token_embedding.weight.shape[0])
    for name, vectors in encoder.embeddings.items():
        numbers[name] = position
        position += vectors.shape[0]
    return numbers


class _extended:  # noqa: N801 - a context manager, named as what it does
    """The encoder's table of embeddings with the textual inversions appended, inside the block."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self.table = encoder.inner.embeddings.token_embedding
        self.own = self.table.weight

    def __enter__(self) -> None:
        import torch

        if self.encoder.embeddings:
            more = [vectors.to(self.own) for vectors in self.encoder.embeddings.values()]
            self.table.weight = torch.nn.Parameter(torch.cat([self.own, *more]), requires_grad=False)

    def __exit__(self, *error: object) -> None:
        self.table.weight = self.own


def chunks(encoder: Encoder, parts: Sequence[Part]) -> list[_Chunk]:
    """Cut a prompt's parts into rows of start mark, 75 tokens, end mark; filled up with the encoder's own filler."""
    found = []
    for part in parts:
        tokens = [(token, piece.weight) for piece in part for token in _tokens(encoder, piece.text)]
        comma = _tokens(encoder, ",")
        while len(tokens) > CHUNK:
            size = _break(tokens, comma)
            found.append(_framed(encoder, tokens[:size]))
            tokens = tokens[size:]
        found.append(_framed(encoder, tokens))
    return found


def _break(tokens: Sequence[tuple[int, float]], comma: Sequence[int]) -> int:
    """How many tokens go into this chunk."""
    for size in range(CHUNK, CHUNK - BACKTRACK, -1):
        if tuple(token for token, _ in tokens[size - 1 : size]) == tuple(comma):
            return size
    return CHUNK


def _framed(encoder: Encoder, tokens: Sequence[tuple[int, float]]) -> _Chunk:
    start, end = int(encoder.tokenizer.bos_token_id), int(encoder.tokenizer.eos_token_id)
    filler = CHUNK - len(tokens)
    ids = (start, *(token for token, _ in tokens), end, *[encoder.pad] * filler)
    return _Chunk(ids, (1.0, *(weight for _, weight in tokens), *[1.0] * (filler + 1)))


def plain_parts(text: str) -> tuple[Part, ...]:
    """A text without syntax as parts."""
    return ((Piece(text),),)
