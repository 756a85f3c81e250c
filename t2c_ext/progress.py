"""Progress and cancellation, handed through every stage as one object."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from t2c_ext.errors import Cancelled

T = TypeVar("T")

ProgressCallback = Callable[[str, int, int], None]
"""Called with the stage's name, the steps done and the steps in all."""

CancelCallback = Callable[[], bool]
"""Returns True once the user wants to stop."""


def _silent(stage: str, done: int, total: int) -> None:
    """Report nothing."""


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Reporter:
    """What a stage needs to tell how far it is and to learn that it should stop.

    Attributes:
        progress: receives (stage, done, total) after each step.
        cancelled: asked before each step.
    """

    progress: ProgressCallback = _silent
    cancelled: CancelCallback = _never

    def joined(self, other: Reporter) -> Reporter:
        """This one and another: both are told of the progress, and either may stop the run."""

        def progress(stage: str, done: int, total: int) -> None:
            self.progress(stage, done, total)
            other.progress(stage, done, total)

        return Reporter(progress, lambda: self.cancelled() or other.cancelled())

    def check(self) -> None:
        """Raise Cancelled when the user has asked to stop."""
        if self.cancelled():
            raise Cancelled("stopped by the user")

    def step(self, stage: str, done: int, total: int) -> None:
        """Tell that `done` of `total` steps of `stage` are finished; raise Cancelled when asked to stop."""
        self.check()
        self.progress(stage, done, total)

    def track(self, stage: str, items: Iterable[T], total: int) -> Iterator[T]:
        """Yield `items`, reporting each one that the consumer has finished with."""
        self.step(stage, 0, total)
        for number, item in enumerate(items, start=1):
            yield item
            self.step(stage, number, total)
