"""Named pipes in the place of files: whoever opens one waits until somebody writes into it, which may be never."""

from __future__ import annotations

from pathlib import Path

from t2c_ext.errors import UserError

_OF_THE_SHELL = "/dev"
"""Where the pipes lie by which a shell hands on what a command prints (`--recipe <(command)`, `/dev/stdin`)."""


def refuse_pipe(path: Path) -> None:
    """UserError where a path leads to a named pipe; those of the shell are read like files."""
    if path.is_fifo() and not path.is_relative_to(_OF_THE_SHELL):
        raise UserError(f"cannot read {path}: it is a pipe, which may never end; give a file")
