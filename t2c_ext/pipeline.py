"""The five stages in order, with progress, cancellation, and resumption from a workspace."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

import numpy as np

from t2c_ext import __version__
from t2c_ext.errors import UserError, Way
from t2c_ext.jobs import Job, PathLike
from t2c_ext.keeper import Keeper
from t2c_ext.loop.budget import check_masks, check_memory
from t2c_ext.loop.render import Rendering
from t2c_ext.loop.structure import usual_structure
from t2c_ext.media.posters import poster_beside, poster_path
from t2c_ext.media.videos import format_of
from t2c_ext.motion.hints import parse_hints
from t2c_ext.motion.holds import without_frozen
from t2c_ext.motion.laws import camera_law, moves_alone, split_laws, with_camera
from t2c_ext.outputs import check_output, copy_loop, is_workspaces_own, own_name
from t2c_ext.progress import Reporter
from t2c_ext.recipe import VERSION_KEY, Recipe
from t2c_ext.records import Record
from t2c_ext.region.find import RegionNotFound
from t2c_ext.settings import LoopSettings
from t2c_ext.stages import (
    GivenFlowInput,
    LoopInput,
    MotionInput,
    StageInput,
    TwinInput,
    loop_input,
    make_frames,
    make_motion,
    make_plan,
    make_regions,
    make_twin,
    motion_input,
    prompt_input,
    region_input,
    write_loop,
)
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import CAMERA, FloatArray, Flow, Hints, Loop, Plan, Region, RegionLaw, Regions, Stage, Twin
from t2c_ext.workspace import Workspace

POSTER = "loop.png"
"""The still beside a workspace's loop."""

T = TypeVar("T", Plan, Twin, Regions, Flow, Loop)


def _nobody(stage: Stage) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Watch:
    """Who is told of the stages that are made, and not of those that a workspace has.

    Attributes:
        begun: called before a stage is made.
        made: called when its result is kept.
    """

    begun: Callable[[Stage], None] = _nobody
    made: Callable[[Stage], None] = _nobody


@dataclass
class Cinemagraph:
    """The result of each stage that has run.

    `moving` is the regions' union without what the hints freeze, and `laws` those that move by another law than flow.
    """

    plan: Plan | None = None
    twin: Twin | None = None
    regions: Regions | None = None
    moving: FloatArray | None = None
    flow: Flow | None = None
    laws: tuple[RegionLaw, ...] = ()
    rendering: Rendering | None = None
    loop: Loop | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What the stages and their workspace have to say, each sentence once."""
        parts = (self.plan, self.twin, self.regions, self.flow, self.loop)
        said = [note for part in parts if part is not None for note in part.notes]
        return tuple(dict.fromkeys([*said, *self.remarks]))


def run_job(job: Job, workspace: PathLike | None = None, reporter: Reporter | None = None) -> Cinemagraph:
    """Run all stages of a job; with a workspace, only those that are out of date.

    Raises:
        UserError: the job cannot be done as asked, or the workspace is in use.
        Cancelled: the user stopped it.
    """
    if workspace is None:
        return Pipeline(job, reporter=reporter).run()
    job.check(Path(workspace))
    return Pipeline(job, Workspace.create(Path(workspace)), reporter).run()


class Pipeline:
    """Runs a job's stages; with a workspace, only those that are out of date."""

    def __init__(
        self,
        job: Job,
        workspace: Workspace | None = None,
        reporter: Reporter | None = None,
        *,
        keeper: Keeper | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Keep the job; nothing runs yet.

        Args:
            job: what is to be made.
            workspace: keeps each stage's result, or None.
            reporter: progress and cancellation.
            keeper: keeps segmenters and networks for the next job.
            watch: is told of the stages that are made.
        """
        self.job = job
        self.workspace = workspace
        self.reporter = reporter or Reporter()
        self.keeper = keeper
        self.watch = watch or Watch()
        self.result = Cinemagraph()
        self.hints = Hints()

    def run(self, until: Stage = Stage.LOOP, start: Stage | None = None) -> Cinemagraph:
        """Run every stage up to `until`, and return all results.

        Args:
            until: the last stage.
            start: this stage and those after it run again, though nothing has changed.

        Raises:
            UserError: the job cannot be done as asked, or another run has the workspace; finished stages stay in it.
            Cancelled: the user stopped it; likewise.
        """
        self.hints = parse_hints(self.job.recipe.motion.hints)
        self.job.check(None if self.workspace is None else self.workspace.root)
        with nullcontext() if self.workspace is None else self.workspace.locked():
            if self.workspace is not None:
                self._begin(self.workspace, start)
            self._run(until)
            if self.workspace is not None:
                self.result.remarks += self.workspace.remarks
                self.workspace.save_report(self._report())
        return self.result

    def _begin(self, workspace: Workspace, start: Stage | None) -> None:
        """Keep what the run begins with, and go on from what was kept."""
        workspace.save_recipe(self.job.recipe)
        workspace.save_inputs(self.job.given)
        if start is not None:
            workspace.forget_from(start)

    def _run(self, until: Stage) -> None:
        steps: dict[Stage, Callable[[], None]] = {
            Stage.PROMPT: self._prompt,
            Stage.TWIN: self._twin,
            Stage.REGION: self._region,
            Stage.MOTION: self._motion,
            Stage.LOOP: self._loop,
        }
        for stage, step in steps.items():
            self.reporter.check()
            if stage is Stage.TWIN and until is not Stage.TWIN:
                self._check_that_something_moves()
            step()
            if stage is until:
                break

    def _stage(
        self,
        stage: Stage,
        given: StageInput,
        make: Callable[[], T],
        load: Callable[[Workspace], T],
        save: Callable[[Workspace, T, str, float], None],
    ) -> T:
        """The stage's result: the workspace's where it was made from just this, else a new one.

        What is passed on is always what the workspace gives back, so that a run that resumes gets the same.
        """
        workspace, key = self.workspace, ""
        if workspace is not None:
            key = given.key
            kept = self._kept(stage, key, workspace, load)
            if kept is not None:
                return kept
        self.watch.begun(stage)
        start = time.perf_counter()
        result = make()
        seconds = self.result.seconds[stage.value] = round(time.perf_counter() - start, 3)
        if workspace is not None:
            save(workspace, result, key, seconds)
        self.watch.made(stage)
        return result if workspace is None else load(workspace)

    def _kept(self, stage: Stage, key: str, workspace: Workspace, load: Callable[[Workspace], T]) -> T | None:
        """The workspace's result of this key; None where there is none, or where it is damaged and has to be made."""
        if not workspace.is_current(stage, key):
            return None
        damaged = workspace.damaged(stage)
        if damaged:
            self.result.remarks += (f"{damaged[0]} was damaged, so the {stage.value} stage was run again",)
            return None
        result = load(workspace)
        self.reporter.step(stage.value, 1, 1)
        self.result.seconds[stage.value] = workspace.records[stage].seconds
        return result

    def _prompt(self) -> None:
        given = prompt_input(self.job.recipe.prompt)
        self.result.plan = self._stage(
            Stage.PROMPT, given, lambda: make_plan(given), Workspace.load_plan, Workspace.save_plan
        )

    def _check_that_something_moves(self) -> None:
        """Refuse before minutes of sampling what would be refused after it, when nothing keeps the pictures."""
        job = self.job
        kept = self.workspace is not None or isinstance(job.source, GivenTwin)
        plan = _made(self.result.plan)
        named = plan.regions or job.recipe.region.region.strip() or moves_alone(plan, job.recipe.motion)
        if not (kept or named or job.regions or self.hints.painted):
            raise UserError(
                "nothing in the prompt can move",
                ways=[
                    Way("name it", "motion"),
                    Way("paint a mask", "mask"),
                    Way("keep the pictures and choose afterwards", "workspace"),
                ],
            )

    def _twin(self) -> None:
        plan, source, workspace = _made(self.result.plan), self.job.source, self.workspace
        if self.job.keep_twin and workspace is not None and Stage.TWIN in workspace.records:
            self.reporter.step(Stage.TWIN.value, 1, 1)
            self.result.seconds[Stage.TWIN.value] = workspace.records[Stage.TWIN].seconds
            self.result.twin = workspace.load_twin()
            return
        self.result.twin = self._stage(
            Stage.TWIN,
            TwinInput(source.key(plan)),
            lambda: make_twin(source, plan, self.reporter),
            Workspace.load_twin,
            Workspace.save_twin,
        )

    def _region(self) -> None:
        plan, twin, recipe = _made(self.result.plan), _made(self.result.twin), self.job.recipe
        masked = self.job.regions
        if masked is not None and not self.hints.painted:
            masks = [row.mask for row in masked.regions]
            check_masks(masks, twin.art.size, self._loop_settings(), recipe.twin.device)
        if masked is None and not recipe.region.region.strip() and moves_alone(plan, recipe.motion):
            masked = Regions((Region(CAMERA, np.ones(twin.art.size, np.float32), source=CAMERA),))
        given = region_input(plan, twin, recipe.region, self.hints, masked, recipe.prompt.seed)
        try:
            self.result.regions = self._stage(
                Stage.REGION,
                given,
                lambda: make_regions(given, self.reporter, recipe.twin.device, self.keeper),
                lambda workspace: workspace.load_regions(twin.art.size),
                Workspace.save_regions,
            )
        except RegionNotFound as question:
            if self.workspace is None or not question.candidates:
                raise
            raise question.shown_in(self.workspace.save_offers(twin.art.rgb, question.candidates)) from None
        if self.workspace is not None:
            self.workspace.forget_offers()

    def _motion(self) -> None:
        plan, twin, regions = _made(self.result.plan), _made(self.result.twin), _made(self.result.regions)
        settings, encoder, device = self.job.recipe.motion, self.job.encoder, self.job.recipe.twin.device
        camera = camera_law(plan, settings, twin.art.size, self.job.depth)
        free = without_frozen(regions, self.hints, *twin.art.size)
        moving = self.result.moving = free.mask
        alone = all(region.name == CAMERA for region in free.regions)
        worked_on = np.zeros(moving.shape, np.bool_) if alone else moving > 0
        check_memory(worked_on, self._loop_settings(), device=device, camera=camera is not None)
        if self.job.flow is None:
            flowing, _ = split_laws(regions, plan, self.hints, settings)
            _, self.result.laws = split_laws(free, plan, self.hints, settings)
            given: MotionInput | GivenFlowInput = motion_input(plan, twin, flowing, self.hints, settings, encoder)
        else:
            given = GivenFlowInput(self.job.flow, moving, settings.speed)
        if camera is not None:
            self.result.laws = with_camera(self.result.laws, camera)
        self.result.flow = self._stage(
            Stage.MOTION,
            given,
            lambda: make_motion(given, self.reporter, device, encoder, self.keeper),
            lambda workspace: workspace.load_flow(twin.art.size),
            Workspace.save_flow,
        )

    def _loop(self) -> None:
        art, moving, flow = _made(self.result.twin).art, self.result.moving, _made(self.result.flow)
        if moving is None:
            raise RuntimeError("the stages have to run in their order")
        output, settings = self.job.output, self._loop_settings()
        structure, seed = usual_structure(_made(self.result.regions)), self.job.recipe.prompt.seed
        laws = self.result.laws
        given = loop_input(art, moving, flow.field, structure, settings, settings.format, seed, laws)
        if self.workspace is not None:
            self._loop_kept(given, self.workspace)
            return
        self.result.rendering = frames = self._frames(given)
        if output is not None:
            check_output(output, self.job.sources)
            poster = poster_path(output, self.job.sources) if output.suffix else None
            self.result.loop = self._written(given, frames, output, poster, owned=False)

    def _loop_settings(self) -> LoopSettings:
        """Those of the recipe, with the format that is written."""
        settings, output = self.job.recipe.loop, self.job.output
        return settings if output is None else replace(settings, format=format_of(output))

    def _frames(self, given: LoopInput) -> Rendering:
        return make_frames(given, self.reporter, self.job.recipe.twin.device, self.keeper)

    def _written(self, given: LoopInput, frames: Rendering, path: Path, poster: Path | None, owned: bool) -> Loop:
        start = time.perf_counter()
        loop = write_loop(given, frames, path, poster, self._texts(given), self.reporter, owned)
        self.result.seconds[Stage.LOOP.value] = round(time.perf_counter() - start, 3)
        return loop

    def _loop_kept(self, given: LoopInput, workspace: Workspace) -> None:
        """The workspace's own loop, made where it is out of date, and copied to where it was asked for."""
        name, key = own_name(given.settings.format), given.key
        if workspace.is_current(Stage.LOOP, key) and workspace.is_untouched(Stage.LOOP):
            self.reporter.step(Stage.LOOP.value, 1, 1)
            self.result.seconds[Stage.LOOP.value] = workspace.records[Stage.LOOP].seconds
            self.result.rendering = Rendering(given.settings.frames, lambda: self._frames(given).source())
        else:
            self.watch.begun(Stage.LOOP)
            self.result.rendering = frames = self._frames(given)
            with workspace.drafting(Stage.LOOP) as draft:
                poster = None if name == own_name("png") else draft.folder / POSTER
                loop = self._written(given, frames, draft.folder / name, poster, owned=True)
                facts = {"frames": loop.frames, "holes": loop.holes}
                draft.record = Record(key, seconds=loop.seconds, notes=loop.notes, facts=facts)
            self.watch.made(Stage.LOOP)
        self.result.loop = self._copied(given, _loop_of(workspace, name), workspace)

    def _copied(self, given: LoopInput, loop: Loop, workspace: Workspace) -> Loop:
        output = self.job.output
        if output is None or is_workspaces_own(output, workspace.root):
            return loop
        poster = poster_path(output, self.job.sources) if output.suffix else None
        with poster_beside(poster, given.art, self._texts(given)):
            copy_loop(loop.path, output, self.job.sources, workspace.root)
        return replace(loop, path=output, poster=poster)

    def _texts(self, given: LoopInput) -> dict[str, str]:
        """What travels in a loop and its still: the format is the one that was written, whatever the recipe says."""
        recipe = self.job.recipe
        loop = replace(recipe.loop, format=given.settings.format)
        return texts(replace(recipe, loop=loop), given.art.infotext)

    def _report(self) -> dict[str, object]:
        loop, flow = self.result.loop, self.result.flow
        return {
            "seconds": self.result.seconds,
            "notes": list(self.result.notes),
            "regions": [
                {"name": region.name, "score": round(region.score, 3), "source": region.source}
                for region in (self.result.regions.regions if self.result.regions else ())
            ],
            "flow": None if flow is None else flow.source,
            "loop": None if loop is None else {"file": loop.path.name, "frames": loop.frames, "holes": loop.holes},
        }


def kept_results(workspace: Workspace) -> Cinemagraph:
    """The results that a workspace holds, up to the first stage that is out of date or has none; nothing is run.

    Raises:
        UserError: a file of it cannot be read.
    """
    result = Cinemagraph(seconds={stage.value: record.seconds for stage, record in workspace.records.items()})
    if workspace.is_finished(Stage.PROMPT):
        result.plan = workspace.load_plan()
    if not workspace.is_finished(Stage.TWIN):
        return result
    result.twin = workspace.load_twin()
    size = result.twin.art.size
    if not workspace.is_finished(Stage.REGION):
        return result
    result.regions = workspace.load_regions(size)
    hints = parse_hints(workspace.load_recipe().motion.hints)
    result.moving = without_frozen(result.regions, hints, *size).mask
    if workspace.is_finished(Stage.MOTION):
        result.flow = workspace.load_flow(size)
        names = workspace.records[Stage.LOOP].files if workspace.is_finished(Stage.LOOP) else ()
        files = [name for name in names if name != POSTER and "/" not in name]
        if files:
            result.loop = _loop_of(workspace, files[0])
    return result


def texts(recipe: Recipe, infotext: str) -> dict[str, str]:
    """What travels in a file: the recipe as it may be passed on, and the generation parameters with it added.

    Args:
        recipe: that the file is made by.
        infotext: the generation parameters of its picture, or "".
    """
    recipe = recipe.shareable()
    said = [part for part in (infotext, recipe.to_infotext(infotext)) if part]
    parameters = {"parameters": ", ".join([*said, f"{VERSION_KEY}: {__version__}"])} if said else {}
    return {"recipe": recipe.to_json(indent=None)} | parameters


def _made(result: T | None) -> T:
    if result is None:
        raise RuntimeError("the stages have to run in their order")
    return result


def _loop_of(workspace: Workspace, name: str) -> Loop:
    """The loop that a workspace holds, in one format."""
    record, poster = workspace.records[Stage.LOOP], workspace.root / POSTER
    frames, holes = (record.facts.get(name, 0) for name in ("frames", "holes"))
    frames, holes = (0 if isinstance(fact, str) else fact for fact in (frames, holes))  # changed by hand
    kept = poster if POSTER in record.files else None
    return Loop(workspace.root / name, kept, int(frames), float(holes), record.seconds, record.notes)
