"""Work in a thread of its own, done when its turn has come, with progress and cancel."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from t2c_ext.errors import Cancelled
from t2c_ext.progress import Reporter

POLL = 0.1
"""Seconds between two looks at whether work that waits for its turn was cancelled."""

Guard = Callable[[Callable[[], None]], None]
"""Runs the work that it is given when its turn has come, where it has to run, and raises what it raises."""


def at_once(work: Callable[[], None]) -> None:
    """The guard of work that waits for nothing."""
    work()


@dataclass
class Worker:
    """One piece of work.

    Attributes:
        reached: (stage, done, total); the stage is "" while it waits for its turn.
        failure: what it raised, once it is over.
    """

    reached: tuple[str, int, int] = ("", 0, 1)
    failure: BaseException | None = None
    _begun: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def start(
        self, work: Callable[[Reporter], None], guard: Guard = at_once, watch: Callable[[], Reporter] = Reporter
    ) -> None:
        """Begin; once.

        Args:
            work: is given what tells it to stop and is told of its progress; it does not run where it was cancelled
                before its turn.
            guard: runs it in its turn.
            watch: called when its turn has come; what it gives is told of the progress too, and may stop the work.
        """

        def begin() -> None:
            reporter = Reporter(self._report, self._stop.is_set).joined(watch())
            reporter.check()
            self._begun.set()
            work(reporter)

        def attempt() -> None:
            try:
                guard(begin)
            except BaseException as error:  # raised or told where it is waited for
                self.failure = error
            finally:
                self._over.set()

        threading.Thread(target=attempt, name="cinemagraph", daemon=True).start()

    def cancel(self) -> None:
        """Ask it to stop; it does so before its next step."""
        self._stop.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end; whether that has come. Work that was cancelled before its turn is at its end at once."""
        if self._stop.is_set() and not self._begun.is_set():
            return True
        return self._over.wait(seconds)

    def finish(self) -> None:
        """Wait for its end, and raise what it raised; Cancelled at once where it is cancelled before its turn."""
        while not self.wait(POLL):
            pass
        if not self._over.is_set():
            raise Cancelled("stopped by the user")
        if self.failure is not None:
            raise self.failure

    def _report(self, stage: str, done: int, total: int) -> None:
        self.reached = (stage, done, total)
