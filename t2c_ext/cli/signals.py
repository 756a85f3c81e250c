"""Requests to end, of a system that shuts down or a terminal that closes: the run cleans up, as when it is stopped."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

NAMES = ("SIGTERM", "SIGHUP", "SIGBREAK")
"""Those that a platform has; SIGBREAK is what Windows sends when a console closes."""


class Terminated(KeyboardInterrupt):
    """The system asked the process to end.

    Attributes:
        signal: its number.
    """

    def __init__(self, number: int) -> None:
        """Keep the signal's number."""
        super().__init__(number)
        self.signal = number


@contextmanager
def ending_cleanly() -> Iterator[None]:
    """Inside the context the first such signal raises Terminated in the main thread, and further ones wait for it.

    Signals that the user has had ignored (nohup) stay so; outside the main thread nothing changes.
    """
    numbers = [getattr(signal, name) for name in NAMES if hasattr(signal, name)]

    def end(number: int, frame: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise Terminated(number)

    before = {}
    try:
        for number in numbers:
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, end)
    except ValueError:
        pass  # not the main thread
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
