"""What makes the rows, whether on this machine or on a cluster, as the one who runs a batch sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from t2c_ext.batch.order import Order


@dataclass(frozen=True)
class Progress:
    """A worker has come to a step of a stage.

    Attributes:
        worker: its name.
        row: the row's name.
        stage, done, total: as in `progress.Reporter`.
    """

    worker: str
    row: str
    stage: str
    done: int
    total: int


@dataclass(frozen=True)
class Over:
    """An order has come to its end; see `make.Made`."""

    row: str
    document: Mapping[str, Any]
    contents: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Died:
    """Whoever had an order is gone.

    Attributes:
        row: the row's name.
        reason: what is known of it, in a few words.
    """

    row: str
    reason: str


Event = Progress | Over | Died


class Pool(Protocol):
    """Workers.

    Attributes:
        splits: whether a row's networks may run on one worker and its loop on another.
        tries: how often a row is taken up whose worker dies each time.
        elsewhere: whether a row that met a full disk may be made on another machine.
    """

    splits: bool
    tries: int
    elsewhere: bool

    @property
    def networked(self) -> bool:
        """Whether some workers are for networks."""
        ...

    def room(self, kind: str) -> bool:
        """Whether a worker of this kind could begin with another order, or will soon."""

    def submit(self, order: Order, sent: Mapping[str, bytes]) -> None:
        """Have an order made; `sent` holds the content of files that workers do not see."""

    def events(self, seconds: float) -> list[Event]:
        """What has happened since; waits for something for so long."""

    def stop(self) -> None:
        """End at once, and whatever is in hand with it."""

    def close(self) -> None:
        """Let the workers go; nothing is in hand."""
