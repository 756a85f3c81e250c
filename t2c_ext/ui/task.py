"""A run in a thread of its own, with progress and cancel; every way of failing ends as a sentence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.pipeline import Cinemagraph, Job, Pipeline
from t2c_ext.progress import Reporter
from t2c_ext.region.find import RegionNotFound
from t2c_ext.types import Region
from t2c_ext.wording import for_a_page
from t2c_ext.workspace import Workspace

Guard = Callable[[Callable[[], None]], None]
"""Runs the work it is given while nothing else uses the machine."""

_log = logging.getLogger(__name__)


@dataclass
class Task:
    """A run in a thread of its own.

    Attributes:
        reached: (stage, done, total); the stage is "" while it waits for its turn.
        stages: the result of each stage that has run.
        finished: whether all of them have.
        refusal: a sentence, where it could not be done.
        candidates: the regions to choose from, where what moves was not found.
        cancelled: the user stopped it.
    """

    reached: tuple[str, int, int] = ("", 0, 1)
    stages: Cinemagraph = field(default_factory=Cinemagraph)
    finished: bool = False
    refusal: str = ""
    candidates: tuple[Region, ...] = ()
    cancelled: bool = False
    _stop: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def cancel(self) -> None:
        """Ask it to stop; it does so before its next step."""
        self._stop.set()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self._over.is_set() or self.cancelled

    def forget(self) -> None:
        """Let go of the stages' arrays; their files stay."""
        self.stages = Cinemagraph()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether that has come. A task that was cancelled before its turn has ended."""
        over = self._over.wait(seconds)
        self.cancelled = self.cancelled or (not over and self._stop.is_set() and not self.reached[0])
        return over or self.cancelled

    def start(self, job: Job, workspace: Workspace, guard: Guard, watching: Reporter) -> None:
        """Run a job's stages in a thread, in their turn; every way of failing ends as a sentence.

        Args:
            job: what to run.
            workspace: keeps the results.
            guard: runs the work when its turn has come.
            watching: hears of the progress too, and may stop the run once its turn has come.
        """
        pipeline = Pipeline(job, workspace, Reporter(self._report, self._stop.is_set).joined(watching))
        self.stages = pipeline.result

        def attempt() -> None:
            try:
                pipeline.reporter.check()
                pipeline.run()
                self.finished = True
            except Cancelled:
                self.cancelled = True
            except RegionNotFound as error:
                self.refusal, self.candidates = _question(error), error.candidates
            except UserError as error:
                self.refusal = for_a_page(str(error))
            except MemoryError:
                self.refusal = "there is not enough memory for this; take a smaller picture or fewer frames"

        def run() -> None:
            try:
                guard(attempt)
            except Exception as error:  # a page shows a sentence, whatever went wrong
                _log.exception("a cinemagraph failed")
                self.refusal = f"this failed in a way that was not foreseen ({type(error).__name__}: {short(error)})"
            finally:
                self._over.set()

        threading.Thread(target=run, name="cinemagraph", daemon=True).start()

    def _report(self, stage: str, done: int, total: int) -> None:
        self.reached = (stage, done, total)


def short(error: Exception) -> str:
    """What an exception says, on one line of at most 160 letters."""
    return " ".join(str(error).split())[:160]


def _question(error: RegionNotFound) -> str:
    """What is asked back; the regions to choose from are shown beside it."""
    what = for_a_page(str(error)).partition(";")[0]
    choice = "choose one of these regions, or paint it" if error.candidates else "paint it"
    return f"{what}; {choice}"
