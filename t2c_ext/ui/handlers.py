"""What the page's buttons do, without Gradio: each gives the parts of the page that change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.pipeline import Cinemagraph
from t2c_ext.shelf import VIEW
from t2c_ext.types import Stage
from t2c_ext.ui import page
from t2c_ext.ui.channel import Channel
from t2c_ext.ui.models import Models
from t2c_ext.ui.opened import Opened
from t2c_ext.ui.pictures import draw_candidates, draw_stages
from t2c_ext.ui.samples import Sample
from t2c_ext.ui.session import Session, Shown, keep_still
from t2c_ext.ui.shelved import Shelf
from t2c_ext.ui.state import STRIP, loop_of, shown_of, state_text
from t2c_ext.ui.studio import Studio, Upload
from t2c_ext.ui.task import Task
from t2c_ext.wording import PAGE, say
from t2c_ext.workspace import Workspace

POLL = 0.25
"""Seconds between two looks at a run."""


@dataclass(frozen=True)
class View:
    """What changes on the page; None leaves a part as it is.

    Attributes:
        id: of the visitor's workspace.
        status: progress, a sentence, or notes (HTML).
        player: the plain player (HTML).
        strip: each stage's figure (HTML).
        choices: the regions to choose from (HTML), "" for none.
        names: their names.
        running: a run is in hand.
        state: everything, for the page's script (JSON).
        begun: the workspace can run again from a stage.
        left: the page shows another picture by now, and nothing on it changes.
    """

    id: str
    status: str | None = None
    player: str | None = None
    strip: Mapping[Stage, str] | None = None
    choices: str | None = None
    names: tuple[str, ...] = ()
    running: bool = False
    state: str | None = None
    begun: bool = False
    left: bool = False


@dataclass(frozen=True)
class Handlers:
    """The page's answers.

    Attributes:
        studio: makes the cinemagraphs.
        address: of a file on the page's server.
        channel: answers the page's script; made from the other two.
        shelf: shows what was kept; made from the first.
        models: shows the models, and gets them.
    """

    studio: Studio
    address: page.Address
    channel: Channel | None = None
    shelf: Shelf | None = None
    models: Models = field(default_factory=Models)

    def __post_init__(self) -> None:
        self.models.gets = self.studio.downloads
        object.__setattr__(self, "shelf", self.shelf or Shelf(self.studio.folder))
        object.__setattr__(self, "channel", self.channel or Channel(self.studio, self.address))

    def answer(self, id: str, request: str, values: Mapping[str, object]) -> str:
        """The reply to the page's script."""
        assert self.channel is not None
        return self.channel.answer(id, request, values)

    # ---- what is put in ----------------------------------------------------------------------------------------------

    def register(
        self,
        id: str,
        picture: Image.Image | Upload | None,
        mask: Image.Image | Upload | None,
        depth: Image.Image | Upload | None = None,
    ) -> View:
        """A picture was put in, or taken away."""
        try:
            new = self.studio.register(id, picture, mask, depth)
        except UserError as error:
            # the page must not go on with the picture before this one
            self.studio.leave(id)
            return replace(self._fresh(""), status=page.message(say(error, PAGE), "error"))
        if new == id:
            return View(id, state=self._state(id), begun=self._begun(id))
        return self._fresh(new)

    def example(self, id: str) -> tuple[View, Sample]:
        """The example was asked for; what goes into the page's fields comes along."""
        id, given = self.studio.example(id)
        return self._fresh(id), given

    def open(self, before: str, id: str) -> tuple[View, Opened | None]:
        """A workspace that is there already was asked for; what goes into the page's fields comes along."""
        try:
            opened = self.studio.open(before, id)
            session, folder = self.studio.sessions[id], self.studio.workspace(id)
            session.shown = shown_of(opened.results, draw_stages(opened.results, folder / VIEW), self.address)
            session.loop = loop_of(opened.results, float(opened.values["fps"]), self.address)
        except UserError as error:
            return View(before, page.message(say(error, PAGE), "error"), begun=self._begun(before)), None
        if opened.offers and opened.results.twin is not None:
            drawn = draw_candidates(opened.results.twin.art.rgb, opened.offers, folder / VIEW)
            names = tuple(region.name for region in opened.offers)
            choices = page.choices(names, [self.address(path) for path in drawn])
            asked, figures = page.message("choose one of these regions, or paint it"), strip(session.shown)
            state = self._state(id)
            return View(id, asked, page.EMPTY, figures, choices, names=names, state=state, begun=True), opened
        notes = page.messages(opened.results.notes)
        player = self._player(opened.results, opened.results.seconds.get(Stage.LOOP.value, 0.0))
        return View(id, notes, player, strip(session.shown), "", state=self._state(id), begun=True), opened

    def recent(self) -> str:
        """The list of what was kept."""
        assert self.shelf is not None
        return self.shelf.html() if self.studio.lists else ""

    def delete(self, id: str) -> str:
        """A workspace is to go; the list without it."""
        assert self.shelf is not None
        try:
            self.studio.delete(id)
        except UserError as error:
            return self.shelf.html(say(error, PAGE)) if self.studio.lists else ""
        return self.shelf.html()

    def put_mask(self, id: str, mask: Image.Image | Upload | None, values: Mapping[str, object]) -> View:
        """A mask was put in, or taken away."""
        return self._put(id, values, lambda: self.studio.put_mask(id, mask))

    def put_depth(self, id: str, depth: Image.Image | Upload | None, values: Mapping[str, object]) -> View:
        """A depth was put in, or taken away."""
        return self._put(id, values, lambda: self.studio.put_depth(id, depth))

    def _put(self, id: str, values: Mapping[str, object], put: Callable[[], None]) -> View:
        try:
            put()
        except UserError as error:
            return View(id, page.message(say(error, PAGE), "error"), begun=self._begun(id))
        return self.marks(id, values) or View(id, state=self._state(id), begun=self._begun(id))

    def _fresh(self, id: str) -> View:
        """The page with a new picture, or none."""
        return View(id, "", page.EMPTY, empty_strip(), "", state=self._state(id), begun=self._begun(id))

    # ---- runs --------------------------------------------------------------------------------------------------------

    def animate(self, id: str, values: Mapping[str, object]) -> Iterator[View]:
        """The button under a painting."""
        return self._follow(id, lambda: self.studio.animate(id, values))

    def generate(self, id: str, values: Mapping[str, object]) -> Iterator[View]:
        """The button under a prompt."""
        return self._follow(id, lambda: self.studio.generate(id, values))

    def run(self, id: str, values: Mapping[str, object], start: Stage) -> Iterator[View]:
        """The button under a stage."""
        return self._follow(id, lambda: self.studio.run(id, values, start))

    def choose(self, id: str, names: Sequence[str], values: Mapping[str, object]) -> Iterator[View]:
        """The button under the regions that are offered: go on with those of these names."""
        if not names:
            problem = page.message("choose at least one of the regions", "error")
            return iter([View(id, problem, begun=self._begun(id))])
        return self._follow(id, lambda: self.studio.choose(id, names, values))

    def marks(self, id: str, values: Mapping[str, object]) -> View | None:
        """What no longer fits the settings, marked; None when nothing has changed about that."""
        session = self.studio.sessions.get(id)
        if session is None or not session.task.over or not session.shown:
            return None
        stale = self.studio.out_of_date(id, values)
        if stale == session.stale:
            return None
        session.stale = stale
        figures = strip(session.shown, stale)
        return View(id, strip=figures, state=self._state(id), begun=True)

    def settle(self, id: str) -> View:
        """A run is over, and the page shows `id`: where that is another picture, what the run said last may have come
        after it, by another way.
        """
        if self._begun(id):
            return View(id, left=True)
        return View(id, state=self._state(id))

    def _follow(self, id: str, begin: Callable[[], tuple[str, Task]]) -> Iterator[View]:
        before = id
        try:
            id, task = begin()
        except UserError as error:
            yield View(id, page.message(say(error, PAGE), "error"), begun=self._begun(id))
            return
        session = self.studio.sessions[id]
        try:
            started = time.perf_counter()
            player = page.EMPTY if id != before else None
            figures = empty_strip() if id != before else None
            shown = task.reached
            yield self._progress(id, shown, player, figures)
            while not task.wait(POLL):
                if task.reached != shown and not session.left:
                    shown = task.reached
                    yield self._progress(id, shown)
            end = self._end(id, session, task, time.perf_counter() - started)
            yield View(id, left=True) if session.left else end
        finally:
            task.cancel()  # the visitor has left, or it is over and this does nothing

    def _progress(
        self,
        id: str,
        reached: tuple[str, int, int],
        player: str | None = None,
        figures: Mapping[Stage, str] | None = None,
    ) -> View:
        state = self._state(id, reached)
        seen = self.studio.show_glimpse(id) if reached[0] == Stage.TWIN.value else None
        picture = "" if seen is None else self.address(seen)
        return View(id, page.progress(reached, picture), player, figures, "", running=True, state=state, begun=True)

    def _end(self, id: str, session: Session, task: Task, seconds: float) -> View:
        try:
            folder = self.studio.workspace(id)
            self._remember(folder, session, task)
            figures, state = strip(session.shown), self._state(id)
            if task.finished:
                player, notes = self._player(task.stages, seconds), page.messages(task.stages.notes)
                return View(id, notes, player, figures, "", state=state, begun=True)
            if task.candidates and task.stages.twin is not None:
                drawn = draw_candidates(task.stages.twin.art.rgb, task.candidates, folder / VIEW)
                names = tuple(candidate.name for candidate in task.candidates)
                choices = page.choices(names, [self.address(path) for path in drawn])
                return View(
                    id, page.message(task.refusal), None, figures, choices, names=names, state=state, begun=True
                )
            problem = page.message(task.refusal, "error")
            if task.cancelled:
                problem = page.message("stopped; what was finished is kept")
            return View(id, problem, strip=figures, state=state, begun=True)
        except UserError as error:
            return View(id, page.message(say(error, PAGE), "error"), state=self._state(id), begun=True)
        finally:
            task.forget()

    def _remember(self, folder: Path, session: Session, task: Task) -> None:
        """Keep what the page shows of a run's results."""
        result = task.stages
        drawn = draw_stages(result, folder / VIEW)
        session.stale = ()
        session.shown = shown_of(result, drawn, self.address)
        if result.twin is not None and not session.picture:
            natural = folder / "natural.png"
            session.still = keep_still(
                result.twin.art, folder / VIEW, folder / "art.png", natural if natural.exists() else None
            )
        if task.finished:
            fps = Workspace.open(folder).load_recipe().loop.fps
            session.loop = loop_of(result, fps, self.address)

    def _player(self, stages: Cinemagraph, seconds: float) -> str:
        loop = stages.loop
        if loop is None:
            return page.EMPTY
        return page.player(loop.path, loop.poster, self.address, f"{loop.frames} frames, made in {seconds:.1f} s")

    def _state(self, id: str, running: tuple[str, int, int] | None = None) -> str:
        session = self.studio.sessions.get(id)
        stale = () if session is None else session.stale
        return state_text(id, session, self.address, stale, running)

    def _begun(self, id: str) -> bool:
        session = self.studio.sessions.get(id)
        return session is not None and session.begun


def strip(shown: Mapping[Stage, Shown], stale: Sequence[Stage] = ()) -> dict[Stage, str]:
    """Each stage's figure, with what no longer fits the settings marked."""
    return {
        stage: page.figure(title, shown[stage].pictures, shown[stage].seconds, stage in stale, shown[stage].about)
        for stage, title in STRIP.items()
    }


def empty_strip() -> dict[Stage, str]:
    """The figures before anything has run."""
    return strip({stage: Shown() for stage in STRIP})
