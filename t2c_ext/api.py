"""The Python interface: what the commands do, on pictures and arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from t2c_ext.batch.outcome import Outcome
from t2c_ext.batch.rows import rows_from
from t2c_ext.batch.start import BatchRequest, start
from t2c_ext.batch.sweep import checked
from t2c_ext.errors import UserError
from t2c_ext.jobs import Mask, PathLike, make_job
from t2c_ext.pipeline import Cinemagraph, run_job
from t2c_ext.progress import CancelCallback, ProgressCallback, Reporter
from t2c_ext.recipe import Recipe

if TYPE_CHECKING:
    from PIL.Image import Image


def animate(
    picture: PathLike | Image | np.ndarray,
    output: PathLike | None = None,
    *,
    mask: Mask | Mapping[str, Mask] | None = None,
    flow: PathLike | np.ndarray | None = None,
    depth: PathLike | np.ndarray | None = None,
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
        depth: of what a camera passes: a picture (8 or 16 bits, bright is near), an `.npy`, or an array [h, w].
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
    chosen = _base(recipe).with_values(settings)
    job = make_job(chosen, picture=picture, natural=natural, masks=mask, flow=flow, depth=depth, output=output)
    return run_job(job, workspace, Reporter(**_given(progress=progress, cancelled=cancelled)))


def generate(
    prompt: str,
    output: PathLike | None = None,
    *,
    model: PathLike = "",
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
        model: a checkpoint file, a folder in diffusers' layout, or a repository of the hub (SD1, SD2, SDXL); where
            neither this nor the recipe names one, the built-in miniature model draws.
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
    given = {**settings, "prompt": prompt} | ({"model": os.fspath(model)} if os.fspath(model) else {})
    chosen = _base(recipe).with_values(given).with_some_model(given)
    job = make_job(chosen, masks=mask, output=output)
    return run_job(job, workspace, Reporter(**_given(progress=progress, cancelled=cancelled)))


def batch(
    rows: Iterable[Mapping[str, Any] | PathLike],
    output: PathLike,
    *,
    sweep: Mapping[str, Sequence[object]] | None = None,
    workers: int | None = None,
    workspaces: PathLike | None = None,
    ray: str = "",
    recipe: Recipe | None = None,
    cancelled: Callable[[], bool] | None = None,
    **settings: object,
) -> Iterator[Outcome]:
    """Many cinemagraphs, some at a time, on this machine or on Ray; what an earlier run finished is not made again.

    Args:
        rows: each a mapping (`picture` or `prompt`; and as you like `name`, `mask`, `natural`, `flow`, `depth`,
            `arrows`, any setting), or a text (a prompt), or a path (a picture).
        output: a folder, or an address such as "s3://bucket/loops", that gets the loops, `batch.jsonl` with what became
            of each row, and `index.html` with all loops.
        sweep: values of settings; each row is made once for each combination, such as {"speed": [0.5, 1]}.
        workers: rows at a time; None: as many as cores and memory allow.
        workspaces: a folder where each row's workspace stays, below its name.
        ray: "auto" or an address: run on that cluster of Ray.
        recipe: settings to start from.
        cancelled: once it returns True, what is in hand is finished, and nothing more begun.
        settings: any setting of the table by its name; a row's own take precedence.

    Returns:
        An iterator of outcomes, each when it has come, those of earlier runs first. A row that fails has its error in
        its outcome and stops no other. Closing the iterator stops the batch.

    Raises:
        UserError: nothing can be begun as asked.
    """
    base = _base(recipe).with_values(settings)
    request = BatchRequest(
        os.fspath(output),
        sweep=checked(sweep or {}),
        workers=workers,
        workspaces=None if workspaces is None else Path(workspaces),
        ray=ray,
        **_given(stopping=cancelled),
    )
    return start(rows_from(rows, base), request)


def _given(**values: Any) -> Mapping[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


__all__ = ["Cinemagraph", "Outcome", "UserError", "animate", "batch", "generate", "run_job"]


def _base(recipe: object) -> Recipe:
    """The settings to start from; UserError where they are no recipe, such as the text of one."""
    if recipe is None:
        return Recipe()
    if not isinstance(recipe, Recipe):
        raise UserError(f"recipe is of type {type(recipe).__name__}; give a Recipe, as recipe_from_json reads it")
    return recipe
