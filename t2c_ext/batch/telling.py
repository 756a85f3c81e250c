"""How a batch tells of itself: one bar on a terminal, or events for machines."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from t2c_ext.batch.outcome import Outcome
from t2c_ext.batch.pool import Progress
from t2c_ext.batch.rows import is_address
from t2c_ext.console import complain, one_line, say, tell

SHOWN_WORKERS = 6
"""Workers whose work the bar tells."""

LONGEST_NAME = 24
"""Letters of a row's name in the bar."""

SAID_EVERY = 60.0
"""Seconds between two lines of progress where there is no terminal."""


class Bar:
    """One bar: rows done and failed, their rate, the time left, and what each worker does.

    Loops go to standard output as they are made; errors and notes are lines above the bar. Where standard error is no
    terminal, a line now and then says how far it is.
    """

    def __init__(self, out: str) -> None:
        """Nothing is shown yet; `out` is the folder or address of the loops."""
        self._out, self._results = out, sys.stdout
        self._bar: Any = None
        self._workers: dict[str, str] = {}
        self._rows, self._done, self._failed = 0, 0, 0
        self._said = self._begun = time.monotonic()

    def begin(self, rows: int, finished: Sequence[Outcome]) -> None:
        """Show the bar."""
        self._rows, self._done = rows, len(finished)
        if finished:
            complain(f"{len(finished)} of {rows} rows were finished by an earlier run")
        if sys.stderr.isatty() and len(finished) < rows:
            from tqdm import tqdm

            self._bar = tqdm(total=rows, initial=len(finished), unit="row", dynamic_ncols=True, smoothing=0.1)

    def working(self, progress: Progress) -> None:
        """Show what a worker does."""
        name = progress.row if len(progress.row) <= LONGEST_NAME else f"{progress.row[: LONGEST_NAME - 1]}…"
        share = f" {progress.done}/{progress.total}" if progress.total > 1 else ""
        self._workers[progress.worker] = one_line(f"{name} {progress.stage}{share}")
        self._show()

    def ended(self, outcome: Outcome) -> None:
        """Say what became of a row."""
        self._failed += not outcome.is_done
        self._done += 1
        self._aside(lambda: self._say(outcome))
        if self._bar is not None:
            self._bar.update(1)
        elif time.monotonic() - self._said >= SAID_EVERY:
            self._said = time.monotonic()
            rate = self._done / max(self._said - self._begun, 1e-9)
            complain(f"{self._done} of {self._rows} rows, {self._failed} failed, {60 * rate:.1f} a minute")
        self._show()

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._failed} failed" if self._failed else "", refresh=True)
            self._bar.close()
            self._bar = None

    def _say(self, outcome: Outcome) -> None:
        about = outcome.label or outcome.name
        tell(outcome.notes, about=about)
        if outcome.is_done:
            say(place_in(self._out, outcome.file), self._results)
        else:
            complain(f"t2c: {about}: {outcome.error}")

    def _show(self) -> None:
        if self._bar is None:
            return
        names = sorted(self._workers)
        parts = [f"{self._failed} failed"] if self._failed else []
        parts += [f"{name.removeprefix('worker ')}: {self._workers[name]}" for name in names[:SHOWN_WORKERS]]
        parts += [f"and {len(names) - SHOWN_WORKERS} more"] if len(names) > SHOWN_WORKERS else []
        self._bar.set_postfix_str(" | ".join(parts), refresh=False)

    def _aside(self, speak: Callable[[], None]) -> None:
        """Say something above the bar."""
        if self._bar is None:
            speak()
            return
        with self._bar.external_write_mode(file=sys.stderr):
            speak()


def place_in(out: str, name: str) -> str:
    """Where a file of the batch lies, as it is printed."""
    return f"{out.rstrip('/')}/{name}" if is_address(out) else str(Path(out) / name)


class Events:
    """Events for machines: a line of JSON on standard output for each."""

    def __init__(self) -> None:
        """Nothing has been counted yet."""
        self._counts, self._results = {"done": 0, "failed": 0}, sys.stdout
        self._begun = time.monotonic()

    def begin(self, rows: int, finished: Sequence[Outcome]) -> None:
        """{"event": "begin", "rows", "finished"}."""
        self._begun = time.monotonic()
        self._event("begin", {"rows": rows, "finished": len(finished)})

    def working(self, progress: Progress) -> None:
        """{"event": "progress", "row", "worker", "stage", "done", "total"}."""
        steps = {"stage": progress.stage, "done": progress.done, "total": progress.total}
        self._event("progress", {"row": progress.row, "worker": progress.worker, **steps})

    def ended(self, outcome: Outcome) -> None:
        """{"event": "row", ...}: the manifest's line."""
        self._counts[outcome.state] += 1
        self._event("row", outcome.to_document())

    def close(self) -> None:
        """{"event": "end", "done", "failed", "seconds"}."""
        self._event("end", {**self._counts, "seconds": round(time.monotonic() - self._begun, 2)})

    def _event(self, name: str, values: Mapping[str, Any]) -> None:
        say(json.dumps({"event": name, **values}), self._results)
