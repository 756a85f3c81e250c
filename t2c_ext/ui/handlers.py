"""What the page's buttons do, without Gradio: each gives the parts of the page that change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.pipeline import Cinemagraph
from t2c_ext.types import Stage
from t2c_ext.ui import page
from t2c_ext.ui.pictures import draw_candidates, draw_stages
from t2c_ext.ui.studio import Shown, Studio, Task, for_a_page

POLL = 0.25
"""Seconds between two looks at a run."""

STRIP = {Stage.TWIN: "Picture", Stage.REGION: "Region", Stage.MOTION: "Motion", Stage.LOOP: "Loop"}
"""The stages that the page shows, by their names on it."""

PICTURES = {Stage.TWIN: ("art", "natural"), Stage.REGION: ("mask",), Stage.MOTION: ("flow",), Stage.LOOP: ("loop",)}
"""What shows a stage's result."""

NAMES = {"art": "Picture", "natural": "Twin", "mask": "Region", "flow": "Flow", "loop": "Loop"}


@dataclass(frozen=True)
class View:
    """What changes on the page; None leaves a part as it is.

    Attributes:
        id: of the visitor's workspace.
        status: progress, a sentence, or notes (HTML).
        player: the loop (HTML).
        strip: each stage's figure (HTML).
        choices: the regions to choose from (HTML), "" for none.
        names: their names.
        running: a run is in hand.
    """

    id: str
    status: str
    player: str | None = None
    strip: Mapping[Stage, str] | None = None
    choices: str | None = None
    names: tuple[str, ...] = ()
    running: bool = False


@dataclass(frozen=True)
class Handlers:
    """The page's answers.

    Attributes:
        studio: makes the cinemagraphs.
        address: of a file on the page's server.
    """

    studio: Studio
    address: page.Address

    def animate(
        self, id: str, picture: Image.Image | None, mask: Image.Image | None, values: Mapping[str, object]
    ) -> Iterator[View]:
        """The button under a painting."""
        return self._follow(id, lambda: self.studio.animate(id, picture, mask, values))

    def generate(self, id: str, mask: Image.Image | None, values: Mapping[str, object]) -> Iterator[View]:
        """The button under a prompt."""
        return self._follow(id, lambda: self.studio.generate(id, mask, values))

    def run(self, id: str, mask: Image.Image | None, values: Mapping[str, object], start: Stage) -> Iterator[View]:
        """The button under a stage."""
        return self._follow(id, lambda: self.studio.run(id, mask, values, start))

    def choose(self, id: str, names: Sequence[str], values: Mapping[str, object]) -> Iterator[View]:
        """The button under the regions that are offered: go on with those of these names."""
        if not names:
            return iter([View(id, page.message("choose at least one of the regions", "error"))])
        return self._follow(id, lambda: self.studio.choose(id, names, values))

    def marks(self, id: str, values: Mapping[str, object]) -> dict[Stage, str] | None:
        """The strip, with what no longer fits the settings marked; None when there is nothing to mark."""
        session = self.studio.sessions.get(id)
        if session is None or not session.task.over or not session.shown:
            return None
        return strip(session.shown, self.studio.out_of_date(id, values))

    def _follow(self, id: str, begin: Callable[[], tuple[str, Task]]) -> Iterator[View]:
        before = id
        try:
            id, task = begin()
        except UserError as error:
            yield View(id, page.message(for_a_page(str(error)), "error"))
            return
        try:
            started = time.perf_counter()
            player = page.EMPTY if id != before else None
            figures = empty_strip() if id != before else None
            yield View(id, page.progress(task.reached), player=player, strip=figures, choices="", running=True)
            shown = task.reached
            while not task.wait(POLL):
                if task.reached != shown:
                    shown = task.reached
                    yield View(id, page.progress(shown), running=True)
            yield self._end(id, task, time.perf_counter() - started)
        finally:
            task.cancel()  # the visitor has left, or it is over and this does nothing

    def _end(self, id: str, task: Task, seconds: float) -> View:
        try:
            folder = self.studio.workspace(id)
            draw_stages(task.stages, folder / "view")
            shown = self.studio.sessions[id].shown = self._shown(folder, task.stages)
            figures = strip(shown)
            if task.finished:
                return self._finished(id, task.stages, figures, seconds)
            if task.candidates and task.stages.twin is not None:
                drawn = draw_candidates(task.stages.twin.art.rgb, task.candidates, folder / "view")
                names = tuple(candidate.name for candidate in task.candidates)
                choices = page.choices(names, [self.address(path) for path in drawn])
                return View(id, page.message(task.refusal), strip=figures, choices=choices, names=names)
            if task.cancelled:
                return View(id, page.message("stopped; what was finished is kept"), strip=figures)
            return View(id, page.message(task.refusal, "error"), strip=figures)
        except UserError as error:
            return View(id, page.message(for_a_page(str(error)), "error"))
        finally:
            task.forget()

    def _finished(self, id: str, stages: Cinemagraph, figures: Mapping[Stage, str], seconds: float) -> View:
        loop = stages.loop
        if loop is None:
            return View(id, page.message("no loop was made", "error"), strip=figures)
        about = f"{loop.frames} frames, made in {seconds:.1f} s"
        playing = page.player(loop.path, loop.poster, self.address, about)
        return View(id, page.messages(stages.notes), player=playing, strip=figures, choices="")

    def _shown(self, folder: Path, stages: Cinemagraph) -> dict[Stage, Shown]:
        """What the strip shows of the stages that have run."""
        natural = None if stages.twin is None else stages.twin.natural
        there = {"art": stages.twin, "natural": natural, "mask": stages.regions, "flow": stages.flow}
        paths = {name: folder / "view" / f"{name}.png" for name, result in there.items() if result is not None}
        if stages.loop is not None:
            paths["loop"] = stages.loop.poster or stages.loop.path
        return {
            stage: Shown(
                {NAMES[name]: self.address(paths[name]) for name in PICTURES[stage] if name in paths},
                stages.seconds.get(stage.value),
            )
            for stage in STRIP
        }


def strip(shown: Mapping[Stage, Shown], stale: Sequence[Stage] = ()) -> dict[Stage, str]:
    """Each stage's figure, with what no longer fits the settings marked."""
    return {
        stage: page.figure(title, shown[stage].pictures, shown[stage].seconds, stage in stale)
        for stage, title in STRIP.items()
    }


def empty_strip() -> dict[Stage, str]:
    """The figures before anything has run."""
    return strip({stage: Shown() for stage in STRIP})
