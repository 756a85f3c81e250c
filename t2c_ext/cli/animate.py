"""`t2c animate`: a picture, or every picture in a folder."""

from __future__ import annotations

import argparse
import sys
from contextlib import ExitStack
from pathlib import Path

from t2c_ext.cli.options import (
    Commands,
    add_mask,
    add_settings,
    masks,
    named,
    output_for,
    read_text,
    recipe_of,
    reporter_on,
    tell,
)
from t2c_ext.errors import UserError
from t2c_ext.recipe import Recipe, recipe_from_json

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


def register(commands: Commands) -> None:
    """Add the command."""
    animate = commands.add_parser("animate", help="animate a picture, or every picture in a folder")
    animate.add_argument("image", type=Path, metavar="IMAGE_OR_FOLDER")
    add_mask(animate)
    animate.add_argument(
        "--natural", type=Path, metavar="PNG", help="a natural-looking twin of the picture, made elsewhere"
    )
    animate.add_argument("--flow", type=Path, metavar="FILE", help="use this flow (.npz, .npy, .flo, .pt)")
    animate.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="OUT.mp4, .webm, .gif, .webp, .apng, or DIR/ for PNG frames; default: beside where you are",
    )
    animate.add_argument("--workspace", type=Path, metavar="DIR", help="keep each stage's result here, and resume")
    animate.add_argument("--recipe", type=Path, metavar="JSON", help="settings to start from")
    add_settings(animate)
    animate.set_defaults(command=_animate)


def _animate(options: argparse.Namespace) -> int:
    base = Recipe() if options.recipe is None else recipe_from_json(read_text(options.recipe))
    recipe = recipe_of(options, base)
    image: Path = options.image
    if not image.is_dir():
        output = output_for(image.stem, options.output, recipe, options.format is not None)
        _animate_one(image, output, options.workspace, recipe, options)
        return 0
    pictures = sorted(path for path in image.iterdir() if path.suffix.lower() in PICTURES)
    if not pictures:
        raise UserError(f"{image} holds no pictures")
    folder = Path(options.output) if options.output else image.with_name(f"{image.resolve().name}-loops")
    if folder.suffix and not folder.is_dir():
        raise UserError(f"{image} is a folder, so {folder} must be one too: end it with /")
    failed = 0
    for picture in pictures:
        workspace = options.workspace and options.workspace / picture.stem
        try:
            _animate_one(picture, named(folder, picture.stem, recipe), workspace, recipe, options)
        except UserError as error:
            failed += 1
            print(f"t2c: {picture}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _animate_one(
    image: Path, output: Path, workspace: Path | None, recipe: Recipe, options: argparse.Namespace
) -> None:
    from t2c_ext.api import animate

    with ExitStack() as stack:
        reporter = reporter_on(stack)
        result = animate(
            image,
            output,
            mask=masks(options.mask),
            flow=options.flow,
            natural=options.natural,
            workspace=workspace,
            recipe=recipe,
            progress=reporter.progress,
        )
    tell(result.notes)
    print(output)
