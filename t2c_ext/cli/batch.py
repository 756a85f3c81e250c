"""`t2c batch`: a list of prompts or pictures, on this machine or on many."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from t2c_ext.cli.options import Commands, a_path, add_mask, add_settings, masks, recipe_of
from t2c_ext.console import complain
from t2c_ext.errors import Cancelled
from t2c_ext.recipe import Recipe, read_recipe

if TYPE_CHECKING:
    from t2c_ext.batch.outcome import Outcome
    from t2c_ext.batch.rows import Masks
    from t2c_ext.batch.telling import Bar, Events


def register(commands: Commands) -> None:
    """Add the command."""
    batch = commands.add_parser("batch", help="make a cinemagraph of each row of a list, on one machine or many")
    batch.add_argument(
        "list", type=a_path, metavar="LIST", help="a .jsonl, .csv or .txt file (a prompt in each line), or a folder"
    )
    batch.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="a folder for the loops, or an address (s3://bucket/loops)"
    )
    batch.add_argument(
        "--sweep",
        action="extend",
        nargs="+",
        default=[],
        metavar="SETTING=VALUES",
        help="make each row once for each value, such as speed=0.5,1,2 seed=1..4",
    )
    add_mask(batch)
    batch.add_argument("--flow", type=a_path, metavar="FILE", help="the flow of rows that name none")
    batch.add_argument(
        "--depth", type=a_path, metavar="FILE", help="the depth, of what a camera passes, of rows that name none"
    )
    batch.add_argument(
        "--workspace", type=a_path, metavar="DIR", help="keep each row's workspace in a folder of its name here"
    )
    batch.add_argument("--recipe", type=a_path, metavar="JSON", help="settings to start from")
    batch.add_argument(
        "--workers", type=_a_number, metavar="N", help="rows at a time (default: as cores and memory allow)"
    )
    batch.add_argument("--json", action="store_true", help="say what happens as a line of JSON for each event")
    cluster = batch.add_argument_group("on a cluster")
    cluster.add_argument("--ray", default="", metavar="ADDRESS", help="run on Ray: auto, or the cluster's address")
    cluster.add_argument("--cpus", type=float, default=1.0, metavar="X", help="processors for each row (default: 1)")
    cluster.add_argument(
        "--gpus", type=float, metavar="X", help="GPUs for each worker with a model (default: 1, where there are some)"
    )
    cluster.add_argument("--gigabytes", type=float, default=0.0, metavar="X", help="memory that each row asks for")
    add_settings(batch)
    batch.set_defaults(command=_batch)


def _a_number(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of workers; give 1 or more")
    return int(text)


def _batch(options: argparse.Namespace) -> int:
    from t2c_ext.batch.rows import read_list
    from t2c_ext.batch.start import BatchRequest, start
    from t2c_ext.batch.sweep import parse_sweep

    base = Recipe() if options.recipe is None else read_recipe(options.recipe)
    recipe, sweep = recipe_of(options, base), parse_sweep(options.sweep)
    flow, depth = (None if given is None else str(given.resolve()) for given in (options.flow, options.depth))
    rows = read_list(options.list, recipe, absolute(masks(options.mask)), flow, depth)
    request = {
        "sweep": sweep,
        "workers": options.workers,
        "workspaces": options.workspace,
        "ray": options.ray,
        "cpus": options.cpus,
        "gpus": options.gpus,
        "gigabytes": options.gigabytes,
    }
    return made(
        lambda stopping, telling: start(
            rows, BatchRequest(options.output, options.list, stopping=stopping, **request), telling
        ),
        options.output,
        options.json,
    )


def made(begin: Callable[[Callable[[], bool], Bar | Events], Iterator[Outcome]], out: str, events: bool = False) -> int:
    """Run a batch, tell of it, and say at the end what failed; the exit code.

    Args:
        begin: is given what tells that the user wants to stop, and who is told how it goes.
        out: the folder or address of the loops.
        events: for machines, in place of a bar.

    Raises:
        Cancelled: the user stopped it; what was in hand is finished.
    """
    from t2c_ext.batch.failures import summary
    from t2c_ext.batch.telling import Bar, Events

    failed: list[Outcome] = []
    telling = Events() if events else Bar(out)
    # results go where the streams lead that they had at first: Ray prints warnings to standard output
    with redirect_stdout(sys.stderr), stopping_gently() as stopping:
        try:
            for outcome in begin(stopping, telling):
                if not outcome.is_done:
                    failed.append(outcome)
        finally:
            telling.close()
        for line in summary(failed):
            complain(f"t2c: {line}")
        if stopping():
            raise Cancelled("stopped by the user")
    return 1 if failed else 0


def absolute(given: Path | dict[str, Path] | None) -> Masks:
    """Masks by their absolute paths, which hold for every worker."""
    if isinstance(given, dict):
        return {name: str(path.resolve()) for name, path in given.items()}
    return None if given is None else str(given.resolve())


@contextmanager
def stopping_gently() -> Iterator[Callable[[], bool]]:
    """Inside the context the first interrupt only asks to stop, which is what it gives tells; the second one stops."""
    asked = threading.Event()

    def interrupt(number: int, frame: FrameType | None) -> None:
        if asked.is_set():
            raise KeyboardInterrupt
        asked.set()
        complain("t2c: finishing what is in hand; interrupt again to stop at once")

    try:
        before = signal.signal(signal.SIGINT, interrupt)
    except ValueError:  # not the main thread
        yield asked.is_set
        return
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, before)
