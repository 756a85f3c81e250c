"""`t2c generate`: the whole way from text; without a model the built-in one draws."""

from __future__ import annotations

import argparse
import re
from contextlib import ExitStack

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
from t2c_ext.settings import table

LONGEST_NAME = 60


def register(commands: Commands) -> None:
    """Add the command."""
    generate = commands.add_parser("generate", help="make a picture from a prompt, and animate it")
    generate.add_argument("text", metavar="PROMPT", help="what it shows, and what moves where")
    generate.add_argument(
        "-o", "--output", metavar="OUT", help="OUT.mp4, .webm, .gif, .webp, .apng, or DIR/ for PNG frames"
    )
    add_mask(generate)
    generate.add_argument("--workspace", type=a_path, metavar="DIR", help="keep each stage's result here, and resume")
    generate.add_argument("--recipe", type=a_path, metavar="JSON", help="settings to start from")
    add_settings(generate)
    generate.set_defaults(command=_generate)


def _generate(options: argparse.Namespace) -> int:
    from t2c_ext.api import generate

    base = Recipe() if options.recipe is None else read_recipe(options.recipe)
    said = {row.name for row in table() if getattr(options, row.name) is not None}
    recipe = recipe_of(options, base).with_some_model(said)
    if not options.text.strip():
        raise UserError("the prompt is empty; say what the picture shows")
    output = output_for(_stem(options.text), options.output, recipe, options.format is not None)
    with ExitStack() as stack:
        stack.enter_context(offering(output))
        result = generate(
            options.text,
            output,
            model=recipe.twin.model,
            mask=masks(options.mask),
            workspace=options.workspace,
            recipe=recipe,
            progress=reporter_on(stack).progress,
        )
    tell(result.notes)
    say(output)
    return 0


def _stem(prompt: str) -> str:
    """A file name from the prompt's first words."""
    words = re.findall(r"\w+", prompt.lower())
    return "-".join(words)[:LONGEST_NAME].strip("-") or "cinemagraph"
