"""The parser of all commands, and their exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from t2c_ext import __version__
from t2c_ext.cli import animate, app, demo, evaluate, generate, models, parse, run
from t2c_ext.errors import Cancelled, UserError
from t2c_ext.weights.places import VARIABLE


class _Parser(argparse.ArgumentParser):
    """Errors are one line, as everywhere else."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (see {self.prog} --help)\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code (0 done, 1 refused, 130 stopped)."""
    parser = build_parser()
    options = parser.parse_args(arguments)
    if getattr(options, "t2c_models_path", None) is not None:
        os.environ[VARIABLE] = str(options.t2c_models_path)
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


def build_parser() -> argparse.ArgumentParser:
    """The parser; each command puts the function that runs it under `command`."""
    parser = _Parser(prog="t2c", description="Turn a prompt or a painting into a seamless loop.")
    parser.add_argument("--version", action="version", version=f"t2c {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)
    for module in (demo, animate, generate, run, app, parse, evaluate, models):
        module.register(commands)
    return parser
