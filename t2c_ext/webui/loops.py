"""From the pictures that the host has made to their loops, saved where the host saves pictures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.jobs import make_job, regions_of
from t2c_ext.media.pictures import to_picture
from t2c_ext.motion.text_context import TextEncoder
from t2c_ext.pipeline import Cinemagraph, run_job
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.region.segmenters.choose import comes_with_the_package
from t2c_ext.service import FOLDER
from t2c_ext.settings import table
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import Attention, Regions, Stage, Twin
from t2c_ext.webui.host import host_of, in_turn
from t2c_ext.webui.saving import keep, unfinished

_OURS = re.compile(r', (Cinemagraph [\w \-/]+): (?:"(?:\\.|[^\\"])*"|[^,\n]*)')

SOLVER = "solver"
"""What makes motion without weights."""

BETTER_REGION = (
    "the region was found by what comes with the package; a segmentation model (such as oneformer-ade, in "
    "models/t2c) finds it more surely, and a mask exactly"
)
BETTER_MOTION = (
    "no words say where it moves, so the direction is a guess from the picture; say it (--motion), or add the paper's "
    "network (motion-pretrained, in models/t2c)"
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
        loop: its file, once it is made.
    """

    art: Any
    prompt: str
    seed: int
    number: int = 0
    infotext: str = ""
    natural: Any = None
    attention: Attention | None = None
    loop: Path | None = None


def make_loop(  # noqa: PLR0917
    shot: Shot,
    recipe: Recipe,
    output: Path,
    reporter: Reporter,
    regions: Regions | None = None,
    encoder: TextEncoder | None = None,
) -> Cinemagraph:
    """Run every stage after the sampling.

    Args:
        shot: the pictures.
        recipe: the settings; prompt and seed are the shot's.
        output: the file to write.
        reporter: progress and cancellation.
        regions: the mask that the user gave, or None.
        encoder: the host's text encoder, or None to load one where it is needed.

    Raises:
        UserError: the loop cannot be made; the sentence says why.
        Cancelled: the user stopped it.
    """
    settings = recipe.with_values({"prompt": shot.prompt, "seed": shot.seed % 2**32})
    art = replace(to_picture(shot.art), infotext=without_ours(shot.infotext))
    natural = None if shot.natural is None else to_picture(shot.natural.resize(shot.art.size))
    source = GivenTwin(Twin(art, natural, shot.attention))
    job = make_job(settings, masks=regions, output=output, source=source)
    return run_job(replace(job, encoder=encoder), reporter=reporter)


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
    known = {row.infotext for row in table()}
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


def save_loop(
    processing: Any, shot: Shot, recipe: Recipe, regions: Regions | None, reporter: Reporter
) -> tuple[Path | None, tuple[str, ...]]:
    """Save a picture's loop through the host's naming patterns, its still beside it; nothing before both are whole.

    Returns:
        The loop's path, or None when it could not be made, and sentences for the user.
    """
    from modules import errors

    try:
        with unfinished(processing) as folder:
            output = folder / ("loop" if recipe.loop.format == FOLDER else f"loop.{recipe.loop.format}")
            made = make_loop(shot, recipe, output, reporter, regions, host_of(processing).text_encoder())
            if made.loop is None or made.twin is None:
                raise RuntimeError("the stages ended without a loop")
            path = shot.loop = keep(processing, shot, made.loop, made.twin.art)
        return path, (*made.notes, *what_would_be_better(made, recipe))
    except Cancelled:
        note = "the loop was stopped"
    except UserError as error:
        note = f"no loop was made: {error}"
    except Exception as error:  # the pictures are to be delivered all the same
        errors.report("Cinemagraph: a loop failed", exc_info=True)
        note = f"no loop was made: {type(error).__name__}: {error} (the console says more)"
    return None, (note,)
