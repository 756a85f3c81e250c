"""What a worker is told to make, in values that JSON holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from t2c_ext.batch.rows import Masks, files_of
from t2c_ext.recipe import Recipe

CORES, NETWORKS = "cores", "networks"
"""The kinds of workers: those that only compute with cores, and those that have a GPU for networks."""


@dataclass(frozen=True)
class Order:
    """One row, or a part of it.

    Attributes:
        name: of the row's files.
        key: of the folder that holds what is unfinished.
        fingerprint, origin, label, group, swept: see `Outcome`.
        settings: all of them by name.
        picture, natural, masks, flow, depth: see `Row`.
        out: the batch's folder or address.
        workspace: the folder where the row's workspace stays, or "" to have it only until the row is done.
        token: a file's name below the folder that tells a worker whether it sees the same folder; "" where all do.
        kind: of the worker.
        until: the last stage that is made; "loop" for all of them.
        attempt: which one it is, from 1.
    """

    name: str
    key: str
    fingerprint: str
    origin: str
    label: str
    settings: Mapping[str, Any]
    out: str
    picture: str | None = None
    natural: str | None = None
    masks: Masks = None
    flow: str | None = None
    depth: str | None = None
    group: int = 0
    swept: Mapping[str, Any] = field(default_factory=dict)
    workspace: str = ""
    token: str = ""
    kind: str = CORES
    until: str = "loop"
    attempt: int = 1

    @property
    def recipe(self) -> Recipe:
        """The settings as a recipe."""
        return Recipe().with_values(self.settings)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file or address that it names."""
        return files_of(self.picture, self.natural, self.masks, self.flow, self.depth)

    def to_document(self) -> dict[str, Any]:
        """Values that JSON holds."""
        return asdict(self)


def order_from(document: Mapping[str, Any]) -> Order:
    """The inverse of `Order.to_document`."""
    return Order(**document)
