"""`t2c animate`: a picture, or every picture in a folder."""

from __future__ import annotations

import argparse
import os
from contextlib import ExitStack
from pathlib import Path

from t2c_ext.cli.batch import absolute, made
from t2c_ext.cli.offering import offering
from t2c_ext.cli.options import (
    Commands,
    a_path,
    add_mask,
    add_settings,
    masks,
    output_for,
    recipe_of,
    reporter_on,
)
from t2c_ext.console import say, tell
from t2c_ext.errors import UserError
from t2c_ext.recipe import Recipe, read_recipe


def register(commands: Commands) -> None:
    """Add the command."""
    animate = commands.add_parser("animate", help="animate a picture, or every picture in a folder")
    animate.add_argument("image", type=a_path, metavar="IMAGE_OR_FOLDER")
    add_mask(animate)
    animate.add_argument(
        "--natural", type=a_path, metavar="PNG", help="a natural-looking twin of the picture, made elsewhere"
    )
    animate.add_argument("--flow", type=a_path, metavar="FILE", help="use this flow (.npz, .npy, .flo, .pt)")
    animate.add_argument(
        "--depth", type=a_path, metavar="FILE", help="depth of what a camera passes: a picture (bright is near) or .npy"
    )
    animate.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="OUT.mp4, .webm, .gif, .webp, .apng, or DIR/ for PNG frames; default: in the current folder",
    )
    animate.add_argument("--workspace", type=a_path, metavar="DIR", help="keep each stage's result here, and resume")
    animate.add_argument("--recipe", type=a_path, metavar="JSON", help="settings to start from")
    add_settings(animate)
    animate.set_defaults(command=_animate)


def _animate(options: argparse.Namespace) -> int:
    base = Recipe() if options.recipe is None else read_recipe(options.recipe)
    recipe = recipe_of(options, base)
    image: Path = options.image
    if not image.is_dir():
        output = output_for(image.stem, options.output, recipe, options.format is not None)
        tell(_animate_one(image, output, options.workspace, recipe, options))
        say(output)
        return 0
    return _animate_all(image, recipe, options)


def _animate_all(given: Path, recipe: Recipe, options: argparse.Namespace) -> int:
    """Each picture of a folder, as a batch; one that fails is named, and does not stop the others."""
    from t2c_ext.batch.rows import read_list
    from t2c_ext.batch.start import BatchRequest, start

    if options.natural is not None:
        raise UserError("--natural is the twin of one picture; give a list of rows with: t2c batch")
    folder = _folder_for(given, options.output)
    flow, depth = (None if file is None else str(file.resolve()) for file in (options.flow, options.depth))
    rows = read_list(given, recipe, absolute(masks(options.mask)), flow, depth)
    return made(
        lambda stopping, telling: start(
            rows, BatchRequest(str(folder), given, workspaces=options.workspace, stopping=stopping), telling
        ),
        str(folder),
    )


def _folder_for(given: Path, output: str | None) -> Path:
    """Where the loops of a folder's pictures go: any folder but that one, whose pictures they would mix with."""
    from t2c_ext.media.ownership import same_place

    if output is None:
        name = f"{given.resolve().name or 'pictures'}-loops"
        return given.with_name(name) if given.name not in ("", "..") else Path(name)
    folder = Path(output)
    if folder.suffix and not folder.is_dir() and not output.endswith(("/", os.sep)):
        raise UserError(f"{given} is a folder, so {folder} must be one too: end it with /")
    if same_place(folder, given):
        raise UserError(f"{folder} is the folder of the pictures; name another one for the loops")
    return folder


def _animate_one(
    image: Path, output: Path, workspace: Path | None, recipe: Recipe, options: argparse.Namespace
) -> tuple[str, ...]:
    """Its notes."""
    from t2c_ext.api import animate

    with ExitStack() as stack:
        stack.enter_context(offering(output))
        reporter = reporter_on(stack)
        result = animate(
            image,
            output,
            mask=masks(options.mask),
            flow=options.flow,
            depth=options.depth,
            natural=options.natural,
            workspace=workspace,
            recipe=recipe,
            progress=reporter.progress,
        )
    return result.notes
