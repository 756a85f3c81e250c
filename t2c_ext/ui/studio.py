"""The cinemagraphs of a page's visitors: each in a workspace of its own, run in a thread, with progress and cancel."""

from __future__ import annotations

import logging
import re
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.media.pictures import to_mask, to_picture
from t2c_ext.pipeline import Cinemagraph, Job, Pipeline, open_job
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import RegionNotFound
from t2c_ext.settings import Setting, Value, table
from t2c_ext.twin.choose import choose_source
from t2c_ext.twin.source import GivenTwin, TwinSource
from t2c_ext.types import FloatArray, Picture, Region, Regions, Stage
from t2c_ext.ui.samples import named_masks
from t2c_ext.workspace import Workspace, fingerprint

Maker = Callable[[Recipe], TwinSource]
"""What makes the pictures of a recipe from its text, such as a host's own sampler."""

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

    def start(self, job: Job, workspace: Workspace, guard: Guard) -> None:
        """Run a job's stages in a thread, in their turn; every way of failing ends as a sentence."""
        pipeline = Pipeline(job, workspace, Reporter(self._report, self._stop.is_set))
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
                self.refusal = f"this failed in a way that was not foreseen ({type(error).__name__}: {_short(error)})"
            finally:
                self._over.set()

        threading.Thread(target=run, name="cinemagraph", daemon=True).start()

    def _report(self, stage: str, done: int, total: int) -> None:
        self.reached = (stage, done, total)


@dataclass(frozen=True)
class Shown:
    """What the page shows of a stage.

    Attributes:
        pictures: addresses of its pictures, by what they show; none before it has run.
        seconds: how long it took.
    """

    pictures: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None


@dataclass
class Session:
    """What is remembered of a workspace while its page is open.

    Attributes:
        picture: fingerprint of the picture that it was made from; "" where a model makes the picture.
        task: the run in hand, or the last one.
        new_mask: another mask was put in since the last run.
        shown: what the page shows of its stages.
        chosen: the regions that were chosen among those offered, for as long as the page names none.
        sampled: the values of the maker's own settings at the last run.
    """

    picture: str
    task: Task = field(default_factory=Task)
    new_mask: bool = False
    shown: dict[Stage, Shown] = field(default_factory=dict)
    chosen: str = ""
    sampled: Mapping[str, Value] = field(default_factory=dict)

    def values(self, given: Mapping[str, object]) -> dict[str, object]:
        """The page's settings, with the chosen regions where they name none; what is empty is left out."""
        known = {name: value for name, value in given.items() if value is not None}
        return known if known.get("region") or not self.chosen else known | {"region": self.chosen}


@dataclass(frozen=True)
class _Asked:
    """What the page asks for.

    Attributes:
        recipe: as it is run and kept.
        sampling: the same with the maker's own values, which the table may not know.
        sampled: those values.
    """

    recipe: Recipe
    sampling: Recipe
    sampled: Mapping[str, Value]


class _Kept(GivenTwin):
    """A workspace's pictures, which stay as they are."""


@dataclass
class Studio:
    """Makes cinemagraphs for a page.

    Attributes:
        folder: where the workspaces lie.
        model: the checkpoint that makes pictures from text, or "" where none does.
        maker: makes them in its place; its recipe holds the values of `sampling_rows`, unchecked by the table.
        sampling_rows: what the maker is set by, in place of the table's rows of the same names; none: the table's.
        guard: runs work while nothing else uses the machine.
        sessions: by the name of their workspace.
    """

    folder: Path
    model: str = ""
    guard: Guard | None = None
    maker: Maker | None = None
    sampling_rows: tuple[Setting, ...] = ()
    sessions: dict[str, Session] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def makes_pictures(self) -> bool:
        """Whether pictures can be made from text."""
        return bool(self.model) or self.maker is not None

    def animate(
        self, id: str, picture: Image.Image | None, mask: Image.Image | None, values: Mapping[str, object]
    ) -> tuple[str, Task]:
        """Begin to animate a picture.

        Args:
            id: of the visitor's workspace, or ""; it serves again where its picture is the same.
            picture: the picture.
            mask: what moves, in white, or None to find it.
            values: settings by their names.

        Returns:
            The workspace's id and the run.

        Raises:
            UserError: what was given cannot be used.
        """
        if picture is None:
            raise UserError("there is no picture yet; drop one, or try the example")
        art = to_picture(picture)
        return self._begin(id, values, art, mask)

    def generate(self, id: str, mask: Image.Image | None, values: Mapping[str, object]) -> tuple[str, Task]:
        """Begin to make a picture from its prompt, and to animate it; as `animate`."""
        if not self.makes_pictures:
            raise UserError("no model is given that could make a picture")
        if not str(values.get("prompt") or "").strip():
            raise UserError("the prompt is empty; say what the picture shows")
        return self._begin(id, values, None, mask)

    def run(self, id: str, mask: Image.Image | None, values: Mapping[str, object], start: Stage) -> tuple[str, Task]:
        """Begin to run a workspace again from a stage on; as `animate`."""
        session = self._session(id)
        workspace = Workspace.open(self.folder / id)
        asked = self._asked(session, values, workspace.load_recipe().twin.model)
        source = self._source_again(session, workspace, asked, start)
        workspace.forget_from(start)
        return id, self._start(session, workspace, asked, source, mask)

    def cancel(self, id: str) -> None:
        """Stop the run in hand of a workspace, if there is one."""
        if id in self.sessions:
            self.sessions[id].task.cancel()

    def out_of_date(self, id: str, values: Mapping[str, object]) -> tuple[Stage, ...]:
        """The stages whose results no longer fit the settings on the page or the mask."""
        session = self.sessions.get(id)
        if session is None:
            return ()
        try:
            before = Workspace.open(self.folder / id).load_recipe().values()
        except UserError:
            return ()
        changed = changed_stages({**before, **session.sampled}, session.values(values))
        if session.new_mask:
            changed.add(Stage.REGION)
        order = list(Stage)
        return tuple(order[min(order.index(stage) for stage in changed) :]) if changed else ()

    def choose(self, id: str, names: Sequence[str], values: Mapping[str, object]) -> tuple[str, Task]:
        """Begin to run a workspace again with some of the regions that it offered; as `animate`."""
        self._session(id).chosen = ", ".join(names)
        return self.run(id, None, {**values, "region": ""}, Stage.REGION)

    def mask_changed(self, id: str) -> None:
        """Remember that the region no longer fits the mask."""
        if id in self.sessions:
            self.sessions[id].new_mask = True

    def workspace(self, id: str) -> Path:
        """The folder of a visitor's workspace.

        Raises:
            UserError: there is none of that id.
        """
        self._session(id)
        return self.folder / id

    def _session(self, id: str) -> Session:
        if id not in self.sessions:
            raise UserError("there is no cinemagraph yet; animate a picture first")
        return self.sessions[id]

    def _begin(
        self, id: str, values: Mapping[str, object], art: Picture | None, mask: Image.Image | None
    ) -> tuple[str, Task]:
        """Run the visitor's workspace where its picture is the same, else a new one."""
        picture = "" if art is None else fingerprint(art.rgb, art.alpha)
        known = self.sessions.get(id)
        same = known is not None and known.picture == picture
        session = known if known is not None and same else Session(picture)
        asked = self._asked(session, values, "" if art is not None else self.model)
        if art is None and self.maker is not None:
            source = self.maker(asked.sampling)
        else:
            source = choose_source(asked.recipe.twin, asked.recipe.prompt.seed, art)
        if not same:
            id = secrets.token_hex(16)
            self.sessions[id] = session
        return id, self._start(session, Workspace.create(self.folder / id), asked, source, mask)

    def _asked(self, session: Session, values: Mapping[str, object], model: str) -> _Asked:
        """The recipes of the page's settings; UserError when one is out of range."""
        given = session.values(values)
        rows = self.sampling_rows if self.maker is not None else ()
        own = {row.name: row.check(given[row.name]) for row in rows if row.name in given}
        ours = {row.name: row for row in table()}
        recipe = Recipe().with_values(
            {name: value for name, value in given.items() if name not in own or _fits(ours[name], value)}
            | {"model": "" if self.maker is not None else model}
        )
        return _Asked(recipe, recipe.with_values(own, rows), own)

    def _source_again(self, session: Session, workspace: Workspace, asked: _Asked, start: Stage) -> TwinSource:
        """What gives the pictures of a workspace that runs again: what made them, else they themselves."""
        of_the_picture = list(Stage).index(start) <= list(Stage).index(Stage.TWIN)
        if self.maker is not None and not session.picture and of_the_picture:
            return self.maker(asked.sampling)
        if self.maker is not None and not session.picture:
            return _Kept(workspace.load_twin())
        return open_job(workspace, asked.recipe).source

    def _start(
        self, session: Session, workspace: Workspace, asked: _Asked, source: TwinSource, mask: Image.Image | None
    ) -> Task:
        session.task.cancel()
        regions = None if mask is None else regions_of(mask)
        workspace.save_inputs(regions, None)
        session.new_mask = False
        session.sampled = asked.sampled
        job = Job(asked.recipe, source, regions, keep_twin=isinstance(source, _Kept))
        session.task = task = Task()
        task.start(job, workspace, self.guard or self._alone)
        return task

    def _alone(self, work: Callable[[], None]) -> None:
        with self._lock:
            work()


def regions_of(mask: Image.Image) -> Regions:
    """What the user painted as one region without a name; the bundled example's mask stands for its three."""
    painted: FloatArray = to_mask(mask)
    named = named_masks(painted)
    if named:
        return Regions(tuple(Region(name, part, source="mask file") for name, part in named.items()))
    return Regions((Region("", painted, source="mask file"),))


def changed_stages(before: Mapping[str, Value], now: Mapping[str, object]) -> set[Stage]:
    """The stages of the settings that differ; what is not on the page (or empty) has not changed."""
    return {row.stage for row in table() if row.name in now and _differs(before.get(row.name), now[row.name])}


def for_a_page(message: str) -> str:
    """A sentence without the names of the command line's options."""
    return re.sub(r"\s*\(--[a-z-]+\)| with --[a-z-]+", "", message)


def _question(error: RegionNotFound) -> str:
    """What is asked back; the regions to choose from are shown beside it."""
    what = for_a_page(str(error)).partition(";")[0]
    choice = "choose one of these regions, or give a mask" if error.candidates else "give a mask"
    return f"{what}; {choice}"


def _differs(before: object, now: object) -> bool:
    if isinstance(before, (int, float)) and isinstance(now, (int, float)):
        return float(before) != float(now)
    return before != now


def _fits(row: Setting, value: object) -> bool:
    try:
        row.check(value)
    except UserError:
        return False
    return True


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:160]
