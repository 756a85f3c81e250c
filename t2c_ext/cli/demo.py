"""`t2c demo`: the bundled example, and a sentence's whole way."""

from __future__ import annotations

import argparse
from contextlib import ExitStack
from pathlib import Path

from t2c_ext.cli.options import Commands, a_path, reporter_on
from t2c_ext.console import say, tell


def register(commands: Commands) -> None:
    """Add the command."""
    demo = commands.add_parser(
        "demo", help="animate the bundled example and, with .[diffusion], a sentence; no weights needed"
    )
    demo.add_argument("-o", "--output", type=a_path, default=Path("t2c-demo"), metavar="DIR", help="default: t2c-demo")
    demo.set_defaults(command=_demo)


def _demo(options: argparse.Namespace) -> int:
    from t2c_ext.demo import run_demo

    with ExitStack() as stack:
        made = run_demo(options.output, reporter_on(stack))
    tell(made.notes)
    for path in made.written:
        say(path)
    return 0
