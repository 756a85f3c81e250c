"""A run in a thread of its own, with progress and cancel; every way of failing ends as a sentence."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.jobs import Job
from t2c_ext.pipeline import Cinemagraph, Pipeline
from t2c_ext.progress import Reporter
from t2c_ext.region.find import RegionNotFound
from t2c_ext.types import Region, Stage
from t2c_ext.wording import PAGE, say
from t2c_ext.worker import Guard, Worker
from t2c_ext.workspace import Workspace

_log = logging.getLogger(__name__)


@dataclass
class Task:
    """A run in a thread of its own.

    Attributes:
        stages: the result of each stage that has run.
        finished: whether all of them have.
        refusal: a sentence, where it could not be done.
        candidates: the regions to choose from, where what moves was not found.
        cancelled: the user stopped it.
        started: whether it was begun at all; that of a workspace which was opened is not, before it is run here.
    """

    stages: Cinemagraph = field(default_factory=Cinemagraph)
    finished: bool = False
    refusal: str = ""
    candidates: tuple[Region, ...] = ()
    cancelled: bool = False
    started: bool = False
    _worker: Worker = field(default_factory=Worker)

    @property
    def reached(self) -> tuple[str, int, int]:
        """(stage, done, total); the stage is "" while it waits for its turn."""
        return self._worker.reached

    def cancel(self) -> None:
        """Ask it to stop; it does so before its next step."""
        self._worker.cancel()

    @property
    def over(self) -> bool:
        """Whether it has ended."""
        return self.wait(0)

    @property
    def at_work(self) -> bool:
        """Whether it was begun and has not ended."""
        return self.started and not self.over

    def forget(self) -> None:
        """Let go of the stages' arrays; their files stay."""
        self.stages = Cinemagraph()

    def wait(self, seconds: float) -> bool:
        """Wait for its end; whether that has come. A task that was cancelled before its turn has ended."""
        over = self._worker.wait(seconds)
        self.cancelled = self.cancelled or (over and not self._told)
        return over

    @property
    def _told(self) -> bool:
        """Whether it has said how it ended."""
        return self.finished or bool(self.refusal)

    def start(
        self,
        job: Job,
        workspace: Workspace,
        guard: Guard,
        watch: Callable[[], Reporter],
        start: Stage | None = None,
    ) -> None:
        """Run a job's stages in a thread, in their turn; every way of failing ends as a sentence.

        Args:
            job: what to run.
            workspace: keeps the results.
            guard: runs the work when its turn has come.
            watch: what it gives is told of the progress too, and may stop the run once its turn has come.
            start: this stage and those after it run again, though nothing has changed.
        """

        def attempt(reporter: Reporter) -> None:
            pipeline = Pipeline(job, workspace, reporter)
            self.stages = pipeline.result
            try:
                pipeline.run(start=start)
                self.finished = True
            except Cancelled:
                self.cancelled = True
            except RegionNotFound as error:
                self.refusal, self.candidates = _question(error), error.candidates
            except UserError as error:
                self.refusal = say(error, PAGE)
            except MemoryError:
                self.refusal = "there is not enough memory for this; take a smaller picture or fewer frames"

        def guarded(work: Callable[[], None]) -> None:
            try:
                guard(work)
            except Cancelled:
                self.cancelled = True
            except Exception as error:  # a page shows a sentence, whatever went wrong
                _log.exception("a cinemagraph failed")
                self.refusal = f"this failed in a way that was not foreseen ({type(error).__name__}: {short(error)})"

        self.started = True
        self._worker.start(attempt, guarded, watch)


def short(error: Exception) -> str:
    """What an exception says, on one line of at most 160 letters."""
    return " ".join(str(error).split())[:160]


def _question(error: RegionNotFound) -> str:
    """What is asked back; the regions to choose from are shown beside it."""
    choice = "choose one of these regions, or paint it" if error.candidates else "paint it"
    return f"{error.problem}; {choice}"
