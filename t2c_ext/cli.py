"""`t2c`, the command line. Options for settings are made from the one table."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NoReturn

from t2c_ext import __version__
from t2c_ext.errors import Cancelled, UserError
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe, recipe_from_json
from t2c_ext.settings import Setting, table
from t2c_ext.types import Stage

PICTURES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif"}


class _Parser(argparse.ArgumentParser):
    """Errors are one line, as everywhere else."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code (0 done, 1 refused, 130 stopped)."""
    parser = _build_parser()
    options = parser.parse_args(arguments)
    try:
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except UserError as error:
        print(f"t2c: {error}", file=sys.stderr)
        return 1
    except (Cancelled, KeyboardInterrupt):
        print("t2c: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1


def _build_parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="t2c", description="Turn a prompt or a painting into a seamless loop.")
    parser.add_argument("--version", action="version", version=f"t2c {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)

    demo = commands.add_parser("demo", help="animate the bundled example; no weights needed")
    demo.add_argument("-o", "--output", type=Path, default=Path("t2c-demo"), metavar="DIR", help="default: t2c-demo")
    demo.set_defaults(command=_demo)

    animate = commands.add_parser("animate", help="animate a picture, or every picture in a folder")
    animate.add_argument("image", type=Path, metavar="IMAGE_OR_FOLDER")
    animate.add_argument(
        "--mask",
        action="append",
        metavar="[NAME=]PNG",
        help="what moves: white moves; give it once for each named region",
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
    _add_settings(animate)
    animate.set_defaults(command=_animate)

    run = commands.add_parser("run", help="run a workspace's stages that are out of date")
    run.add_argument("workspace", type=Path, metavar="WORKSPACE")
    run.add_argument("--from", dest="start", choices=[stage.value for stage in Stage], help="run again from here")
    run.add_argument("-o", "--output", metavar="OUT", help="also write the loop here")
    _add_settings(run)
    run.set_defaults(command=_run)

    parse = commands.add_parser("parse", help="show what the words say about motion")
    parse.add_argument("prompt", metavar="PROMPT")
    parse.add_argument("--json", action="store_true", help="print JSON")
    parse.set_defaults(command=_parse)

    _add_evaluate(commands.add_parser("evaluate", help="measure a loop's quality"))
    _add_models(commands.add_parser("models", help="list or download the models that improve results"))
    return parser


def _add_evaluate(evaluate: argparse.ArgumentParser) -> None:
    evaluate.add_argument("video", type=Path, metavar="VIDEO", help="a video, or a folder of PNG frames")
    evaluate.add_argument("--image", type=Path, metavar="STILL", help="the still that was animated")
    evaluate.add_argument("--mask", type=Path, metavar="MASK", help="what was to move")
    evaluate.add_argument("--angle", type=float, metavar="DEG", help="the direction that was asked for")
    evaluate.add_argument("--flow", type=Path, metavar="FILE", help="the flow that was used")
    evaluate.add_argument("--truth-flow", type=Path, metavar="FILE", help="the true flow, to compare with")
    evaluate.add_argument("--truth-mask", type=Path, metavar="FILE", help="the true mask, to compare with")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(command=_evaluate)


def _add_models(models: argparse.ArgumentParser) -> None:
    models.add_argument("action", choices=("list", "download"), help="show which are here, or fetch those that lack")
    models.add_argument("name", nargs="*", help="only these")
    models.set_defaults(command=_models)


def _add_settings(parser: argparse.ArgumentParser) -> None:
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


def _recipe(options: argparse.Namespace, base: Recipe) -> Recipe:
    given = {row.name: getattr(options, row.name) for row in table() if getattr(options, row.name) is not None}
    if "hints" in given and not str(given["hints"]).lstrip().startswith("{") and given["hints"]:
        given["hints"] = _read_text(Path(str(given["hints"])))
    return base.with_values(given)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _reporter(stack: ExitStack) -> Reporter:
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


def _tell(notes: Sequence[str]) -> None:
    if sys.stderr.isatty():
        for note in notes:
            print(f"note: {note}", file=sys.stderr)


def _animate(options: argparse.Namespace) -> int:
    base = Recipe() if options.recipe is None else recipe_from_json(_read_text(options.recipe))
    recipe = _recipe(options, base)
    image: Path = options.image
    if not image.is_dir():
        output = _output_for(image, options.output, recipe, options.format is not None)
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
            _animate_one(picture, _named(folder, picture.stem, recipe), workspace, recipe, options)
        except UserError as error:
            failed += 1
            print(f"t2c: {picture}: {error}", file=sys.stderr)
    return 1 if failed else 0


def _animate_one(
    image: Path, output: Path, workspace: Path | None, recipe: Recipe, options: argparse.Namespace
) -> None:
    from t2c_ext.api import animate

    with ExitStack() as stack:
        reporter = _reporter(stack)
        result = animate(
            image,
            output,
            mask=_masks(options.mask),
            flow=options.flow,
            workspace=workspace,
            recipe=recipe,
            progress=reporter.progress,
        )
    _tell(result.notes)
    print(output)


def _masks(given: Sequence[str] | None) -> Path | dict[str, Path] | None:
    """One mask file, or several by name."""
    if not given:
        return None
    if len(given) == 1 and ("=" not in given[0] or Path(given[0]).exists()):
        return Path(given[0])
    pairs = [text.partition("=") for text in given]
    if not all(name and file for name, _, file in pairs):
        raise UserError("several masks need names, such as --mask river=river.png --mask clouds=clouds.png")
    return {name: Path(file) for name, _, file in pairs}


def _named(folder: Path, stem: str, recipe: Recipe) -> Path:
    return folder / (stem if recipe.loop.format == "png" else f"{stem}.{recipe.loop.format}")


def _output_for(image: Path, output: str | None, recipe: Recipe, format_given: bool) -> Path:
    """Where one picture's loop goes: as asked, or a free name where the user is."""
    if output is None:
        first = _named(Path(), f"{image.stem}-loop", recipe)
        numbered = (first.with_stem(f"{first.stem}-{number}") for number in range(2, 10_000))
        return first if not first.exists() else next(path for path in numbered if not path.exists())
    path = Path(output)
    if format_given and recipe.loop.format != "png" and (path.is_dir() or output.endswith(("/", "\\"))):
        return _named(path, image.stem, recipe)
    return path


def _run(options: argparse.Namespace) -> int:
    from t2c_ext.pipeline import Pipeline, open_job
    from t2c_ext.workspace import Workspace

    workspace = Workspace.open(options.workspace)
    output = None if options.output is None else Path(options.output)
    job = open_job(workspace, _recipe(options, workspace.load_recipe()), output)
    if options.start is not None:
        workspace.forget_from(Stage(options.start))
    with ExitStack() as stack:
        result = Pipeline(job, workspace, _reporter(stack)).run()
    _tell(result.notes)
    if result.loop is not None:
        print(result.loop.path)
    return 0


def _demo(options: argparse.Namespace) -> int:
    from t2c_ext.demo import run_demo

    with ExitStack() as stack:
        written = run_demo(options.output, _reporter(stack))
    for path in written:
        print(path)
    return 0


def _parse(options: argparse.Namespace) -> int:
    from t2c_ext.prompt.parse import parse
    from t2c_ext.settings import PromptSettings
    from t2c_ext.workspace import plan_to_document

    plan = parse(PromptSettings(prompt=options.prompt))
    if options.json:
        document = plan_to_document(plan)
        del document["notes"]
        print(json.dumps(document, ensure_ascii=False))
        return 0
    print(f"picture: {plan.art_prompt}\ntwin:    {plan.natural_prompt}\nmoves:   {', '.join(plan.regions) or '-'}")
    for motion in plan.motions:
        way = motion.kind.value if motion.angle is None else f"{motion.angle:g} degrees"
        print(f"         {motion.region}: {way}, speed {motion.speed:g}")
    _tell(plan.notes)
    return 0


def _evaluate(options: argparse.Namespace) -> int:
    from t2c_ext.evaluate import evaluate_file

    report = evaluate_file(
        options.video,
        image=options.image,
        mask=options.mask,
        angle=options.angle,
        flow=options.flow,
        truth_flow=options.truth_flow,
        truth_mask=options.truth_mask,
    )
    print(report.to_json() if options.json else report.to_text())
    return 0


def _models(options: argparse.Namespace) -> int:
    from t2c_ext.prompt.taggers import language_models
    from t2c_ext.weights.language import download

    models = [model for model in language_models() if not options.name or model.name in options.name]
    unknown = sorted(set(options.name) - {model.name for model in models})
    if unknown:
        raise UserError(f"there is no model called {unknown[0]!r}; see t2c models list")
    for model in models:
        if options.action == "download" and not model.installed:
            download(model.name, model.library)
            print(f"{model.name}: downloaded")
        else:
            print(f"{model.name}: {'here' if model.installed else 'missing'} ({model.purpose})")
    return 0
