"""What the commands share: options made from the one table of settings, progress bars, notes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from t2c_ext.documents import read_text
from t2c_ext.errors import UserError
from t2c_ext.naming import clipped, free_name, named
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe
from t2c_ext.settings import Setting, table
from t2c_ext.types import Stage

Commands = Any
"""What `ArgumentParser.add_subparsers` returns; argparse gives its type no public name."""


def a_path(text: str) -> Path:
    """A path of the command line; an empty one, as an unset variable of a script gives, would mean the folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def a_folder(text: str) -> Path:
    """A path of the command line that is a folder, or nothing yet."""
    path = a_path(text)
    if path.exists() and not path.is_dir():
        raise argparse.ArgumentTypeError(f"{path} is a file; name a folder")
    return path


def add_models_path(parser: argparse.ArgumentParser) -> None:
    """The option that names a folder with models."""
    parser.add_argument("--t2c-models-path", type=a_folder, metavar="DIR", help="look for models here first")


def add_mask(parser: argparse.ArgumentParser) -> None:
    """The option that says what moves."""
    parser.add_argument(
        "--mask",
        action="append",
        metavar="[NAME=]PNG",
        help="what moves: white moves; give it once for each named region",
    )


def masks(given: Sequence[str] | None) -> Path | dict[str, Path] | None:
    """One mask file, or several by name."""
    if not given:
        return None
    if len(given) == 1 and ("=" not in given[0] or Path(given[0]).exists()):
        return Path(given[0])
    pairs = [text.partition("=") for text in given]
    if not all(name.strip() and file for name, _, file in pairs):
        raise UserError("several masks need names, such as --mask river=river.png --mask clouds=clouds.png")
    names = [name.strip().casefold() for name, _, _ in pairs]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"--mask {twice}= is given twice; join both masks in one picture, or name them apart")
    return {name: Path(file) for name, _, file in pairs}


def add_settings(parser: argparse.ArgumentParser) -> None:
    """One option for each setting, by stage, and the models' folder."""
    add_models_path(parser)
    groups = {stage: parser.add_argument_group(f"{stage.value} settings") for stage in Stage}
    for row in table():
        shown = "" if row.default == "" else f" (default: {row.default})"
        help_ = (row.help + shown).replace("%", "%%")
        kinds: dict[type, Callable[[str], object]] = {int: row.check, float: row.check, str: str}
        if row.type is bool:
            groups[row.stage].add_argument(
                row.flag, dest=row.name, action=argparse.BooleanOptionalAction, default=None, help=help_
            )
        else:
            groups[row.stage].add_argument(
                row.flag,
                dest=row.name,
                type=_as_argument(kinds[row.type]),
                choices=row.choices or None,
                default=None,
                metavar=None if row.choices else _metavar(row),
                help=help_,
            )


def _as_argument(convert: Callable[[str], object]) -> Callable[[str], object]:
    def converted(text: str) -> object:
        try:
            return convert(text)
        except UserError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return converted


def _metavar(row: Setting) -> str:
    return {int: "N", float: "X", str: "JSON" if row.name == "hints" else "TEXT"}[row.type]


def recipe_of(options: argparse.Namespace, base: Recipe) -> Recipe:
    """`base` with the settings that were given as options."""
    given = {row.name: getattr(options, row.name) for row in table() if getattr(options, row.name) is not None}
    if "hints" in given and not str(given["hints"]).lstrip().startswith("{") and given["hints"]:
        given["hints"] = read_text(Path(str(given["hints"])))
    return base.with_values(given)


def reporter_on(stack: ExitStack) -> Reporter:
    """A progress bar per stage on a terminal; nothing in a pipe."""
    if not sys.stderr.isatty():
        return Reporter()
    from tqdm import tqdm

    bars: dict[str, tqdm] = {}  # type: ignore[type-arg]

    def progress(stage: str, done: int, total: int) -> None:
        if stage not in bars or bars[stage].n > done:
            bars[stage] = stack.enter_context(tqdm(desc=f"{stage:>8}", total=total, leave=True))
        bars[stage].total = total
        bars[stage].update(done - bars[stage].n)

    return Reporter(progress)


def output_for(stem: str, output: str | None, recipe: Recipe, format_given: bool) -> Path:
    """Where one picture's loop goes: as asked, or a free name where the user is."""
    if output is None:
        return free_name(stem, recipe)
    path = Path(output)
    if format_given and recipe.loop.format != "png" and (path.is_dir() or output.endswith(("/", "\\"))):
        return named(path, clipped(stem), recipe)
    return path
