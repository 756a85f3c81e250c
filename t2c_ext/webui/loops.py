"""From the pictures that the host has made to their loops, saved where the host saves pictures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from PIL import Image

from t2c_ext.errors import Cancelled, UserError, Way
from t2c_ext.jobs import Job, make_job, regions_of
from t2c_ext.media.pictures import to_bytes, to_picture
from t2c_ext.motion.text_context import TextEncoder
from t2c_ext.pipeline import Cinemagraph, run_job
from t2c_ext.progress import Reporter
from t2c_ext.recipe import VERSION_KEY, Recipe
from t2c_ext.region.find import RegionNotFound
from t2c_ext.region.segmenters.choose import comes_with_the_package
from t2c_ext.service import FOLDER
from t2c_ext.settings import table
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import Attention, Regions, Stage, Twin
from t2c_ext.webui.host import chosen_model, host_of, in_turn
from t2c_ext.webui.kept import Kept, draw_choice, draw_result, naming_of, new_workspace, remember, workspace_of
from t2c_ext.webui.saving import keep, unfinished
from t2c_ext.wording import PAGE, REQUEST, say
from t2c_ext.workspace import Workspace

_OURS = re.compile(r', (Cinemagraph [\w \-/]+): (?:"(?:\\.|[^\\"])*"|[^,\n]*)')

SOLVER = "solver"
"""What makes motion without weights."""

BETTER_REGION = (
    "the region was found by what comes with the package; a segmentation model (such as oneformer-ade, from the list "
    '"Models" of the Cinemagraph tab) finds it more surely, and a mask exactly'
)
BETTER_MOTION = (
    "no words say where it moves; say it (Motion), or add the paper's network (motion-pretrained, from the list "
    '"Models" of the Cinemagraph tab)'
)


@dataclass
class Shot:
    """One picture that is to move.

    Attributes:
        art: the host's finished picture (a PIL picture).
        prompt: its prompt.
        seed: its seed.
        number: of the picture, from 0.
        infotext: its generation parameters.
        natural: its twin (a PIL picture), or None.
        attention: what the model looked at, or None.
        given: it is a picture that the user gave, not one that was made.
        loop: its file, once it is made.
        frames: how many it has.
        id: of its workspace, "" where none is kept.
        candidates: names of the regions to choose from, where what moves was not found.
    """

    art: Any
    prompt: str
    seed: int
    number: int = 0
    infotext: str = ""
    natural: Any = None
    attention: Attention | None = None
    given: bool = False
    loop: Path | None = None
    frames: int = 0
    id: str = ""
    candidates: tuple[str, ...] = ()


def job_of(shot: Shot, recipe: Recipe, regions: Regions | None = None, encoder: TextEncoder | None = None) -> Job:
    """Every stage after the sampling.

    Args:
        shot: the pictures.
        recipe: the settings; prompt and seed are the shot's.
        regions: the mask that the user gave, or None.
        encoder: the host's text encoder, or None to load one where it is needed.
    """
    settings = recipe.with_values({"prompt": shot.prompt, "seed": shot.seed % 2**32})
    art = replace(to_picture(shot.art), infotext=without_ours(shot.infotext))
    natural = None if shot.natural is None else to_picture(shot.natural.resize(shot.art.size))
    job = make_job(settings, masks=regions, source=GivenTwin(Twin(art, natural, shot.attention)))
    return replace(job, painting=art if shot.given else None, encoder=encoder)


def host_reporter(place: int = 1, count: int = 1) -> Reporter:
    """Progress in the host's progress bar; its Skip and Interrupt buttons cancel.

    Args:
        place: of the loop in hand, from 1.
        count: of loops.
    """
    from modules.shared import state

    which = f" {place} of {count}" if count > 1 else ""
    bar = Bar()

    def progress(stage: str, done: int, total: int) -> None:
        state.textinfo = f"Cinemagraph{which}: {stage}" + (f" {done}/{total}" if total > 1 else "")
        if stage != Stage.TWIN.value:  # the host's sampler counts its own steps
            state.sampling_step, state.sampling_steps = bar.reach(stage, done, total), Bar.LENGTH

    return Reporter(progress, lambda: bool(state.interrupted or state.skipped))


@dataclass
class Bar:
    """One bar for all stages of a loop, which never runs backwards."""

    LENGTH: ClassVar[int] = 1000
    ENDS: ClassVar[dict[str, int]] = {"prompt": 20, "twin": 50, "region": 200, "motion": 400, "loop": 1000}
    """Where each stage's part of the bar ends."""

    reached: int = 0

    def reach(self, stage: str, done: int, total: int) -> int:
        """How far the bar is, of `LENGTH`."""
        ends = [0, *self.ENDS.values()]
        place = list(self.ENDS).index(stage) if stage in self.ENDS else 0
        part = min(1.0, done / max(total, 1)) * (ends[place + 1] - ends[place])
        self.reached = max(self.reached, ends[place] + int(part))
        return self.reached


def expect_jobs(count: int) -> None:
    """The host's progress bar has that many jobs more to do."""
    from modules.shared import state

    state.job_count = max(state.job_count, 0) + count


def as_a_job(work: Callable[[], None]) -> None:
    """Run work in its turn, as a job of the host's progress bar."""

    def counted() -> None:
        expect_jobs(1)
        with host_state():
            work()

    in_turn(counted)


@contextmanager
def loop_jobs(count: int) -> Iterator[Any]:
    """The host's state while that many loops are made, each of them a job.

    Where nothing else is left to do, its bar begins anew with the loops alone. So its Interrupt button, which lets the
    job in hand be finished where there are several, stops the only one at once.
    """
    with host_state() as state:
        begun = getattr(state, "time_start", None)
        if state.job_no >= state.job_count:
            state.job_no = state.job_count = 0
            state.time_start = time.time()
        expect_jobs(count)
        try:
            yield state
        finally:
            state.time_start = begun


def told_to_stop() -> bool:
    """Whether the host is to stop after what is in hand."""
    from modules.shared import state

    return bool(getattr(state, "stopping_generation", False))


@contextmanager
def host_state() -> Iterator[Any]:
    """The host's state, whose text and steps are its own again afterwards."""
    from modules.shared import state

    steps = state.sampling_step, state.sampling_steps
    try:
        yield state
    finally:
        state.textinfo = None
        state.sampling_step, state.sampling_steps = steps


def painted_mask(processing: Any) -> Regions | None:
    """What the user painted in the inpainting tab, white where it moves; None without."""
    mask = getattr(processing, "image_mask", None)
    if mask is None:
        return None
    from modules.processing import create_binary_mask
    from PIL import ImageOps

    mask = create_binary_mask(mask, round=False)
    if getattr(processing, "inpainting_mask_invert", 0):
        mask = ImageOps.invert(mask)
    return regions_of(mask)


def without_ours(infotext: str) -> str:
    """Generation parameters without the settings of a recipe, which the loop adds itself; the panel's own stay."""
    known = {row.infotext for row in table()} | {VERSION_KEY}
    return _OURS.sub(lambda found: "" if found[1] in known else found[0], infotext)


def what_would_be_better(made: Cinemagraph, recipe: Recipe) -> tuple[str, ...]:
    """Sentences about the stages that went without a model's weights or without words."""
    notes = []
    regions = made.regions.regions if made.regions else ()
    if any(comes_with_the_package(region.source) for region in regions):
        notes.append(BETTER_REGION)
    stated = made.plan is not None and bool(made.plan.motions)
    if made.flow is not None and made.flow.source == SOLVER and not stated and not recipe.motion.hints:
        notes.append(BETTER_MOTION)
    return tuple(notes)


def save_loop(  # noqa: PLR0917
    processing: Any,
    shot: Shot,
    recipe: Recipe,
    regions: Regions | None,
    reporter: Reporter,
    asks: bool = False,
) -> tuple[Path | None, tuple[str, ...]]:
    """Make a picture's loop, and save it through the host's naming patterns, its still beside it.

    All results are kept in a workspace, from which the tab, and whoever chooses a region, go on.

    Args:
        processing: the host's processing object.
        shot: the picture; its loop, its workspace and what can be chosen are noted in it.
        recipe: the settings.
        regions: the mask that the user gave, or None.
        reporter: progress and cancellation.
        asks: whether regions can be chosen from where the notes are shown.

    Returns:
        The loop's path, or None when it could not be made, and sentences for the user.
    """
    folder = new_workspace()

    def make() -> Finished:
        job = job_of(shot, recipe, regions, host_of(processing).text_encoder())
        return finish(processing, shot, job, folder, reporter)

    finished = attempted(make, folder, asks)
    shot.id = folder.name if workspace_of(folder.name) else ""
    shot.loop, shot.frames = finished.loop, finished.kept.frames
    shot.candidates = tuple(finished.kept.candidates)
    if shot.id:
        kept = replace(finished.kept, folder=processing.outpath_samples, naming=naming_of(processing))
        with suppress(UserError):  # the loop is there, and so are its stages
            remember(folder, kept)
    return finished.loop, finished.kept.notes


@dataclass(frozen=True)
class Finished:
    """What became of a loop.

    Attributes:
        loop: its file, or None.
        kept: what the page shows of it.
    """

    loop: Path | None
    kept: Kept


def attempted(make: Callable[[], Finished], folder: Path, asks: bool) -> Finished:
    """What a run makes; every way of failing ends as a sentence, for the pictures are to be delivered all the same.

    Args:
        make: makes it.
        folder: of its workspace.
        asks: as `save_loop`.
    """
    from modules import errors

    face, kept = PAGE if asks else REQUEST, Kept()
    try:
        return make()
    except Cancelled:
        note = "the loop was stopped"
    except RegionNotFound as error:
        said = question(error) if asks and error.candidates else say(error.shown_in(None), face)
        note = f"no loop was made: {said}"
        kept = choice_of(error, folder)
    except UserError as error:
        note = f"no loop was made: {say(error, face)}"
    except Exception as error:  # nothing of it may reach the host
        errors.report("Cinemagraph: a loop failed", exc_info=True)
        note = f"no loop was made: {type(error).__name__}: {error} (the console says more)"
    return Finished(None, replace(kept, notes=(note,)))


def finish(processing: Any, shot: Shot, job: Job, folder: Path, reporter: Reporter) -> Finished:
    """Run a job in its workspace, and put the loop and its still where the host puts pictures; both or neither.

    Raises:
        UserError: it cannot be made.
        Cancelled: the user stopped it.
    """
    recipe = job.recipe
    with unfinished(processing) as place:
        output = place / ("loop" if recipe.loop.format == FOLDER else f"loop.{recipe.loop.format}")
        made = run_job(replace(job, output=output), folder, reporter)
        if made.loop is None or made.twin is None:
            raise RuntimeError("the stages ended without a loop")
        path = keep(processing, shot, made.loop, made.twin.art)
    notes = (*made.notes, *what_would_be_better(made, recipe))
    still = path.with_suffix(".png") if path.suffix else None
    kept = Kept(str(path.resolve()), "" if still is None else str(still.resolve()), made.loop.frames, notes)
    return Finished(path, replace(kept, pictures=draw_result(made, folder)))


def go_on(folder: Path, kept: Kept, region: str, reporter: Reporter) -> Finished:
    """Go on from what a picture's workspace holds, with the region that was chosen; its seed and its twin stay.

    Args:
        folder: of the workspace.
        kept: what is remembered of it.
        region: one of those that were offered.
        reporter: progress and cancellation.
    """

    def make() -> Finished:
        workspace = Workspace.open(folder)
        recipe, twin = workspace.load_recipe().with_values({"region": region}), workspace.load_twin()
        given = workspace.load_inputs()
        encoder = host_of(SimpleNamespace(sd_model=chosen_model())).text_encoder()
        job = Job(recipe, GivenTwin(twin), given.regions, painting=given.painting, keep_twin=True, encoder=encoder)
        art = Image.fromarray(to_bytes(twin.art.rgb))
        shot = Shot(art, recipe.prompt.prompt, recipe.prompt.seed, infotext=twin.art.infotext)
        return finish(SimpleNamespace(**{**kept.naming, "outpath_samples": kept.folder}), shot, job, folder, reporter)

    return attempted(make, folder, asks=True)


def choice_of(error: RegionNotFound, folder: Path) -> Kept:
    """The regions to choose from, drawn over the picture; none where its workspace does not have it."""
    if not error.candidates or not folder.is_dir():
        return Kept()
    try:
        picture = Workspace.open(folder).load_twin().art.rgb
        pictures = draw_choice(picture, error.candidates, folder)
    except UserError:
        return Kept()
    return Kept(pictures=pictures, candidates=tuple(region.name for region in error.candidates))


def question(error: RegionNotFound) -> str:
    """What was not found, and that one of the regions below it may be chosen."""
    named = "" if error.words else f"{PAGE.way(Way('name it', 'motion'))}, "
    return (
        f"{error.problem}; {named}click one of the regions to move it, or open the picture in the Cinemagraph tab and "
        "paint it"
    )
