"""The Python interface: what the commands do, on pictures and arrays."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.media.pictures import read_picture, take_mask, to_picture
from t2c_ext.motion.field import moving_by_flow, read_flow
from t2c_ext.motion.hints import parse_hints
from t2c_ext.pipeline import Cinemagraph, Job, Pipeline
from t2c_ext.progress import CancelCallback, ProgressCallback, Reporter
from t2c_ext.prompt.parse import parse
from t2c_ext.recipe import Recipe
from t2c_ext.twin.choose import choose_source
from t2c_ext.types import Picture, Region, Regions
from t2c_ext.workspace import Workspace

if TYPE_CHECKING:
    from PIL.Image import Image

PathLike = str | os.PathLike[str]
Mask = Union[PathLike, "Image", np.ndarray]


def animate(
    picture: PathLike | Image | np.ndarray,
    output: PathLike | None = None,
    *,
    mask: Mask | Mapping[str, Mask] | None = None,
    flow: PathLike | np.ndarray | None = None,
    natural: PathLike | Image | np.ndarray | None = None,
    workspace: PathLike | None = None,
    recipe: Recipe | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelCallback | None = None,
    **settings: object,
) -> Cinemagraph:
    """Animate a picture; with `model=...` a natural-looking twin of it is made first, in which the region is found.

    Args:
        picture: a file, a PIL picture, or an array [H, W, 3 or 4] (uint8, or float 0..1).
        output: the file to write (its ending picks the format), or None to render nothing to disk; the frames then
            come from `result.rendering.frames()`.
        mask: what moves, white moves: a file, a PIL picture, or an array [h, w] (bool, uint8, or float 0..1); or
            several by name, such as {"river": ..., "clouds": ...}, to which the motion words are bound.
        flow: a flow file, or an array [h, w, 2] or [2, h, w] in pixels per frame of its own size. Without a mask and
            without words that name what moves, it moves wherever the flow is not zero.
        natural: a natural-looking twin of the picture that was made elsewhere, of its size.
        workspace: a folder that keeps each stage's result, so that a later run resumes.
        recipe: settings to start from.
        progress, cancelled: see `t2c_ext.progress`.
        settings: any setting of the table by its name, such as `motion="river flowing left"` or `frames=90`.

    Returns:
        The results of the stages; `result.loop.path` is what was written.

    Raises:
        UserError: something is wrong with what was given; one line that says what.
        Cancelled: `cancelled` returned True.
    """
    chosen = (recipe or Recipe()).with_values(settings)
    art = _picture(picture)
    twin = None if natural is None else _picture(natural)
    regions = read_regions(mask)
    field = None if flow is None else read_flow(Path(flow) if isinstance(flow, (str, os.PathLike)) else flow)
    if field is not None and regions is None and not _says_what_moves(chosen):
        moving, notes = moving_by_flow(field, *art.size)
        regions = Regions((Region("", moving, source="flow"),), notes)
    job = Job(
        chosen,
        choose_source(chosen.twin, chosen.prompt.seed, art, twin),
        regions,
        field,
        None if output is None else Path(output),
        art if chosen.twin.model else None,
        sources=files_among(picture, mask, flow, natural),
    )
    return run_job(job, workspace, Reporter(**_given(progress=progress, cancelled=cancelled)))


def generate(
    prompt: str,
    output: PathLike | None = None,
    *,
    model: PathLike,
    mask: Mask | Mapping[str, Mask] | None = None,
    workspace: PathLike | None = None,
    recipe: Recipe | None = None,
    progress: ProgressCallback | None = None,
    cancelled: CancelCallback | None = None,
    **settings: object,
) -> Cinemagraph:
    """The whole way from text to a loop: two pictures, region, motion, loop.

    Args:
        prompt: what the picture shows and how it moves, in the WebUI's prompt syntax.
        output: the file to write (its ending picks the format), or None to render nothing to disk.
        model: a checkpoint file, a folder in diffusers' layout, or a repository of the hub (SD1, SD2, SDXL).
        mask: what moves, as in `animate`; None: found by the words.
        workspace: a folder that keeps each stage's result, so that a later run resumes.
        recipe: settings to start from.
        progress, cancelled: see `t2c_ext.progress`.
        settings: any setting of the table by its name, such as `steps=30` or `seed=7`.

    Returns:
        The results of the stages; `result.twin` holds the pictures.

    Raises:
        UserError: something is wrong with what was given; one line that says what.
        Cancelled: `cancelled` returned True.
    """
    chosen = (recipe or Recipe()).with_values({**settings, "prompt": prompt, "model": os.fspath(model)})
    source = choose_source(chosen.twin, chosen.prompt.seed)
    place = None if output is None else Path(output)
    job = Job(chosen, source, read_regions(mask), output=place, sources=files_among(mask))
    return run_job(job, workspace, Reporter(**_given(progress=progress, cancelled=cancelled)))


def run_job(job: Job, workspace: PathLike | None, reporter: Reporter) -> Cinemagraph:
    """Run all stages of a job, keeping its inputs in the workspace when there is one."""
    if workspace is None:
        return Pipeline(job, reporter=reporter).run()
    job.check(Path(workspace))
    folder = Workspace.create(Path(workspace))
    folder.save_inputs(job.regions, job.flow, job.painting)
    regions, flow = folder.load_inputs()
    return Pipeline(replace(job, regions=regions, flow=flow), folder, reporter).run()


def _picture(given: PathLike | Image | np.ndarray) -> Picture:
    return read_picture(Path(given)) if isinstance(given, (str, os.PathLike)) else to_picture(given)


def files_among(*given: object) -> tuple[Path, ...]:
    """The files among what was given for pictures, masks and flows, one or several by name."""
    flat = (part for value in given for part in (value.values() if isinstance(value, Mapping) else (value,)))
    return tuple(Path(part) for part in flat if isinstance(part, (str, os.PathLike)))


def read_regions(given: Mask | Mapping[str, Mask] | None) -> Regions | None:
    """The masks that the user gave, one or several by name."""
    if given is None:
        return None
    named = given if isinstance(given, Mapping) else {"": given}
    if not named:
        raise UserError("there is no mask in the masks")
    files = {name: Path(mask) if isinstance(mask, (str, os.PathLike)) else mask for name, mask in named.items()}
    taken = {name: take_mask(mask) for name, mask in files.items()}
    return Regions(
        tuple(Region(name, mask, source="mask") for name, (mask, _) in taken.items()),
        tuple(note for _, notes in taken.values() for note in notes),
    )


def _says_what_moves(recipe: Recipe) -> bool:
    """Whether words or painted regions do, so that a flow need not."""
    painted = parse_hints(recipe.motion.hints).painted
    return bool(recipe.region.region.strip() or painted or parse(recipe.prompt).regions)


def _given(**values: Any) -> Mapping[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


__all__ = ["Cinemagraph", "UserError", "animate", "generate", "run_job"]
