"""The parser of all commands, and their exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from t2c_ext import __version__, console
from t2c_ext.cli import animate, app, batch, demo, evaluate, generate, models, parse, run
from t2c_ext.cli.signals import Terminated, ending_cleanly
from t2c_ext.errors import Cancelled, UserError
from t2c_ext.weights.places import VARIABLE
from t2c_ext.wording import COMMAND_LINE, say

if TYPE_CHECKING:
    from _typeshed import SupportsWrite


class _Parser(argparse.ArgumentParser):
    """Errors are one line, as everywhere else."""

    def error(self, message: str) -> NoReturn:
        console.complain(f"{self.prog}: {message} (see {self.prog} --help)")
        raise SystemExit(2)

    def _print_message(self, message: str, file: SupportsWrite[str] | None = None) -> None:
        if message:  # argparse's own would pass over a text that cannot be written
            (file or sys.stderr).write(message)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code (0 done, 1 refused, 130 stopped, 128 and more ended by a signal)."""
    console.prepare()
    try:
        with ending_cleanly():
            return _run(arguments)
    except UserError as error:
        console.complain(f"t2c: {say(error, COMMAND_LINE)}")
    except Terminated as end:
        console.complain("t2c: stopped")
        return 128 + end.signal
    except (Cancelled, KeyboardInterrupt):
        console.complain("t2c: stopped")
        return 130
    except BrokenPipeError:
        pass  # whoever read the results has left
    except (OSError, MemoryError) as error:
        console.complain(f"t2c: {console.why(error)}")
    return 1


def _run(arguments: Sequence[str] | None) -> int:
    try:
        options = build_parser().parse_args(arguments)
        if getattr(options, "t2c_models_path", None) is not None:
            os.environ[VARIABLE] = str(options.t2c_models_path)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    finally:
        console.flush()


def build_parser() -> argparse.ArgumentParser:
    """The parser; each command puts the function that runs it under `command`."""
    parser = _Parser(prog="t2c", description="Turn a prompt or a painting into a seamless loop.")
    parser.add_argument("--version", action="version", version=f"t2c {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND", parser_class=_Parser)
    for module in (demo, animate, generate, batch, run, app, parse, evaluate, models):
        module.register(commands)
    return parser
