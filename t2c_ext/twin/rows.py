"""Who is who in a batch. Hosts order and split batches in different ways; they say so here, nothing is guessed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum


class Role(str, Enum):
    """What a row of the batch is."""

    ART = "art"
    TWIN = "twin"
    OTHER = "other"


@dataclass(frozen=True)
class Source:
    """An artistic row, told apart from the others of its step.

    Attributes:
        image: number of the picture pair, from 0.
        conditional: whether it sees the prompt (else the negative or empty prompt).
        part: number of the part of a prompt that is joined by AND, from 0.
    """

    image: int = 0
    conditional: bool = True
    part: int = 0

    def __str__(self) -> str:
        half = "conditional" if self.conditional else "unconditional"
        return f"{half} row of picture {self.image}" + (f", part {self.part}" if self.part else "")


@dataclass(frozen=True)
class Row:
    """One row of the batch of one call of the UNet; made by `art`, `twin` or `OTHER`.

    Attributes:
        role: what it is.
        source: of an artistic row itself; of a twin the artistic row whose features it takes.
        words: of a conditional artistic row: for each word that moves, its positions among the row's text tokens
            (the start token is position 0).
        keep: of a twin: another row in a later call of this step takes the same features.
    """

    role: Role
    source: Source = field(default_factory=Source)
    words: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    keep: bool = False


OTHER = Row(Role.OTHER)
"""A row that neither gives nor takes."""


def art(
    image: int = 0,
    conditional: bool = True,
    part: int = 0,
    words: Mapping[str, Sequence[int]] | None = None,
) -> Row:
    """An artistic row. `words`: word -> positions of its tokens."""
    positions = {word: tuple(tokens) for word, tokens in (words or {}).items()}
    return Row(Role.ART, Source(image, conditional, part), positions)


def twin(image: int = 0, conditional: bool = True, part: int = 0, keep: bool = False) -> Row:
    """A twin's row that takes the features of the artistic row `Source(image, conditional, part)`.

    Usually that is the row of its own condition. A negative-prompt row takes the unconditional one; where the artistic
    picture is sampled without guidance (no unconditional row), every row of the twin takes the conditional one.
    """
    return Row(Role.TWIN, Source(image, conditional, part), keep=keep)


@dataclass(frozen=True)
class Rows:
    """The rows of one call of the UNet, in the order of its batch.

    Raises:
        RuntimeError: two artistic rows have one source.
    """

    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        sources = [row.source for row in self.rows if row.role is Role.ART]
        if len(set(sources)) != len(sources):
            raise RuntimeError("two rows of a batch are said to be the same artistic row")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def artists(self) -> dict[Source, int]:
        """For each artistic row its place in the batch."""
        return {row.source: place for place, row in enumerate(self.rows) if row.role is Role.ART}

    @property
    def twins(self) -> list[tuple[int, Row]]:
        """The twins' rows with their places in the batch."""
        return [(place, row) for place, row in enumerate(self.rows) if row.role is Role.TWIN]


def rows(members: Iterable[Row]) -> Rows:
    """The rows of one call."""
    return Rows(tuple(members))


def guided_rows(
    images: int = 1,
    halves: Sequence[bool] = (True, False),
    words: Sequence[Mapping[str, Sequence[int]]] = (),
) -> Rows:
    """The rows of a lockstep call with classifier-free guidance.

    Args:
        images: number of picture pairs.
        halves: order of the conditions: (True, False) conditional rows first, (False, True) unconditional first,
            (True,) no unconditional rows.
        words: for each picture the positions of its moving words, or empty.

    Returns:
        For each half: art 0, twin 0, art 1, twin 1 and so on.
    """
    found = list(words) or [{}] * images
    return rows(
        row
        for half in halves
        for image in range(images)
        for row in (art(image, half, words=found[image] if half else None), twin(image, half))
    )
