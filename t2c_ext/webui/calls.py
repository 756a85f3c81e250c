"""Who is who in each call that a WebUI's denoiser makes to the UNet.

AUTOMATIC1111's denoiser lays out all rows of one step as [conditional rows of each picture, unconditional rows] and
gives them to the UNet in that order, in one call or in several that follow each other (`CallsInOrder`). Forge's gives
the whole batch once for each part of the prompts and once for the negative prompts, in any order and in as many calls
as memory asks for, and marks each time which of the two it is (`MarkedCalls`). Both leave the unconditional rows out
in some steps, and under both other extensions may call the UNet in between: what a call shows tells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from t2c_ext.errors import UserError
from t2c_ext.twin.rows import Role, Row, Rows, art, rows, twin

SAME = 1e-2
"""Largest relative difference between two latents that are the same but for a factor, in bfloat16."""

CONDITIONAL = 0
"""Forge's mark of rows that see the prompt; any other marks the negative prompt."""


@dataclass(frozen=True)
class Cast:
    """Who takes part in a sampling: first all pictures, then all their twins.

    Attributes:
        parts: for each picture, then for each twin, how many prompts it has (more than one with AND).
        words: for each picture the positions of its moving words among its text tokens, or empty.
        role: the only rows that are sampled, where it is one pass of two; None: both.
    """

    parts: Sequence[int]
    words: Sequence[Mapping[str, Sequence[int]]] = ()
    role: Role | None = None

    @property
    def count(self) -> int:
        """Pictures, without their twins."""
        return len(self.parts) // 2

    @property
    def sampled(self) -> list[int]:
        """For each picture and twin that is sampled in this pass, how many prompts it has."""
        pictures, twins = self.parts[: self.count], self.parts[self.count :]
        return [*(() if self.role is Role.TWIN else pictures), *(() if self.role is Role.ART else twins)]

    def plays(self, row: Row) -> bool:
        """Whether a row is sampled in this pass."""
        return self.role in (None, row.role)


class Calls(Protocol):
    """The UNet calls of one step, told in their order."""

    def next(self, given: Mapping[str, Any]) -> Rows | None:
        """The rows of a call, or None for a call that is none of the denoiser's.

        Args:
            given: the UNet's arguments by name; "x" is [n, C or more, H, W], its channels beyond the latent's are
                passed over.
        """

    def check(self) -> None:
        """After the step: have all rows been shown?

        Raises:
            UserError: they have not; something changes the latents between the denoiser and the UNet.
        """


def layout(parts: Sequence[int], words: Sequence[Mapping[str, Sequence[int]]] = ()) -> tuple[Row, ...]:
    """All rows of one step: conditional ones of every picture and twin, then their unconditional ones.

    Args:
        parts, words: see `Cast`.
    """
    count = len(parts) // 2
    found = list(words) or [{} for _ in range(count)]
    wanted: list[tuple[int, bool, int]] = []
    result: list[Row] = []
    for place, number in enumerate(parts):
        for part in range(number):
            if place < count:
                result.append(art(place, True, part, found[place] if part == 0 else None))
            else:
                wanted.append((len(result), True, min(part, parts[place - count] - 1)))
                result.append(twin(place - count, *wanted[-1][1:]))
    result += [art(image, False) for image in range(count)] + [twin(image, False) for image in range(count)]
    left = Counter(row.source for row in result if row.role.value == "twin")
    for place, row in enumerate(result):
        if row.role.value == "twin":
            left[row.source] -= 1
            result[place] = twin(row.source.image, row.source.conditional, row.source.part, left[row.source] > 0)
    return tuple(result)


def chunk(cast: Cast, conditional: bool, part: int = 0) -> tuple[Row, ...]:
    """The whole batch as it sees one part of the prompts, or the negative prompts.

    Every twin has as many parts as its picture (Forge lets a batch have only as many as all of its rows have).
    """
    words = list(cast.words) or [{} for _ in range(cast.count)]
    named = conditional and part == 0
    images = range(cast.count)
    pictures = [art(image, conditional, part, words[image] if named else None) for image in images]
    return tuple(row for row in (*pictures, *(twin(image, conditional, part) for image in images)) if cast.plays(row))


@dataclass
class CallsInOrder:
    """Follows the calls by their order: a call's rows are those that are next, if it shows the latents that are next.

    Attributes:
        members: all rows of the step, in their order.
        latents: [R, C, H, W], what each row shows, up to a factor.
        done: rows that the calls so far have shown.
    """

    members: tuple[Row, ...]
    latents: Tensor
    done: int = field(default=0)

    def next(self, given: Mapping[str, Any]) -> Rows | None:
        """See `Calls`."""
        shown: Tensor = given["x"]
        count = shown.shape[0]
        expected = self.latents[self.done : self.done + count]
        if expected.shape[0] != count or not same_direction(shown[:, : expected.shape[1]], expected):
            return None
        found = rows(self.members[self.done : self.done + count])
        self.done += count
        return found

    def check(self) -> None:
        """See `Calls`."""
        conditional = sum(row.source.conditional for row in self.members)
        if self.done not in (len(self.members), conditional):
            raise lost(self.done, len(self.members))


@dataclass
class MarkedCalls:
    """Follows the calls by the marks that Forge gives them, `transformer_options["cond_or_uncond"]`.

    Attributes:
        cast: who takes part.
        latents: [B, C, H, W], what each row of the batch shows, up to a factor.
        texts: for each part of the prompts the conditions of the batch, [B, tokens, width]; looked at only where there
            is more than one part, to tell them apart.
        done: what the calls so far have shown: whether it was conditional, and which part.
    """

    cast: Cast
    latents: Tensor
    texts: Sequence[Tensor]
    done: set[tuple[bool, int]] = field(default_factory=set)

    def next(self, given: Mapping[str, Any]) -> Rows | None:
        """See `Calls`. A call that shows again what another one of the step has shown is an extension's own."""
        marks = (given.get("transformer_options") or {}).get("cond_or_uncond")
        shown: Tensor = given["x"]
        count = self.latents.shape[0]
        if not marks or shown.shape[0] != len(marks) * count:
            return None
        if not same_direction(shown[:, : self.latents.shape[1]], self.latents.repeat(len(marks), 1, 1, 1)):
            return None
        context = given.get("context")
        pieces = [None] * len(marks) if context is None else context.split(count)
        seen: list[tuple[bool, int]] = []
        for mark, piece in zip(marks, pieces, strict=True):
            found = (False, 0) if mark != CONDITIONAL else self._part(piece, seen)
            if found is None or found in self.done or found in seen:
                return None
            seen.append(found)
        self.done.update(seen)
        return rows(row for conditional, part in seen for row in chunk(self.cast, conditional, part))

    def _part(self, context: Tensor | None, seen: Sequence[tuple[bool, int]]) -> tuple[bool, int] | None:
        if len(self.texts) == 1:
            return True, 0
        for part, text in enumerate(self.texts):
            if context is not None and (True, part) not in (*self.done, *seen) and repeats(context, text):
                return True, part
        return None

    def check(self) -> None:
        """See `Calls`."""
        conditional = {(True, part) for part in range(len(self.texts))}
        if self.done not in (conditional, conditional | {(False, 0)}):
            count = self.latents.shape[0]
            raise lost(count * len(self.done), count * (len(conditional) + 1))


def lost(seen: int, total: int) -> UserError:
    """That a pair could not be followed."""
    return UserError(
        f"the pair could not be followed: the UNet saw {seen} of {total} rows; another extension changes the latents "
        "or the batch; turn it off for this picture, or turn the twin off"
    )


def repeats(context: Tensor, text: Tensor) -> bool:
    """Whether a context is a text's condition, which the host may have repeated to make it longer."""
    rounded = text.to(context)
    times, rest = divmod(context.shape[1], rounded.shape[1])
    return rest == 0 and times > 0 and torch.equal(context, rounded.repeat(1, times, 1))


def same_direction(one: Tensor, other: Tensor) -> bool:
    """Whether each row of `one` is the same row of `other` times a positive factor."""
    if one.shape != other.shape:
        return False
    flat, expected = one.detach().float().flatten(1), other.detach().to(one.device).float().flatten(1)
    sizes = flat.norm(dim=1, keepdim=True), expected.norm(dim=1, keepdim=True)
    return bool(torch.all((flat / sizes[0] - expected / sizes[1]).norm(dim=1) < SAME))
