"""From the pictures that the host has made to their loops, saved where the host saves pictures."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.media.pictures import to_picture
from t2c_ext.pipeline import Cinemagraph, Job, Pipeline
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import Attention, Regions, Twin


@dataclass
class Shot:
    """One picture that is to move.

    Attributes:
        art: the host's finished picture (a PIL picture).
        prompt: its prompt.
        seed: its seed.
        infotext: its generation parameters.
        natural: its twin (a PIL picture), or None.
        attention: what the model looked at, or None.
    """

    art: Any
    prompt: str
    seed: int
    infotext: str = ""
    natural: Any = None
    attention: Attention | None = None


def make_loop(
    shot: Shot, recipe: Recipe, output: Path, reporter: Reporter, regions: Regions | None = None
) -> Cinemagraph:
    """Run every stage after the sampling.

    Args:
        shot: the pictures.
        recipe: the settings; prompt and seed are the shot's.
        output: the file to write.
        reporter: progress and cancellation.
        regions: the mask that the user gave, or None.

    Raises:
        UserError: the loop cannot be made; the sentence says why.
        Cancelled: the user stopped it.
    """
    settings = recipe.with_values({"prompt": shot.prompt, "seed": shot.seed % 2**32})
    art = replace(to_picture(shot.art), infotext=shot.infotext)
    natural = None if shot.natural is None else to_picture(shot.natural.resize(shot.art.size))
    job = Job(settings, GivenTwin(Twin(art, natural, shot.attention)), regions, output=output)
    return Pipeline(job, reporter=reporter).run()


def host_reporter() -> Reporter:
    """Progress in the host's progress bar; its Skip and Interrupt buttons cancel."""
    from modules.shared import state

    def progress(stage: str, done: int, total: int) -> None:
        state.textinfo = f"Cinemagraph: {stage}"
        state.sampling_step, state.sampling_steps = done, total

    return Reporter(progress, lambda: bool(state.interrupted or state.skipped))


def save_loop(
    processing: Any, shot: Shot, recipe: Recipe, regions: Regions | None = None
) -> tuple[Path | None, tuple[str, ...]]:
    """Save a picture's loop through the host's naming patterns, its poster beside it.

    Returns:
        The loop's path, or None when it could not be made, and sentences for the user.
    """
    from modules import images

    kind = recipe.loop.format
    folder = processing.outpath_samples
    saved, _ = images.save_image(
        shot.art,
        folder,
        "",
        shot.seed,
        shot.prompt,
        "png",
        info=shot.infotext,
        p=processing,
        suffix="-cinemagraph",
    )
    poster = Path(saved)
    output = poster.with_suffix("") if kind == "png" else poster.with_suffix(f".{kind}")
    try:
        result = make_loop(shot, recipe, output, host_reporter(), regions)
    except Cancelled:
        poster.unlink(missing_ok=True)
        return None, ("Cinemagraph: stopped",)
    except UserError as error:
        poster.unlink(missing_ok=True)
        return None, (f"Cinemagraph: {error}",)
    return output, tuple(f"Cinemagraph: {note}" for note in result.notes)
