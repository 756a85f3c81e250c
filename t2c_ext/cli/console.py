"""What the command line says, and to whom: results to standard output, all else to standard error, each one line.

Neither stream can be counted on: a service has none, a console may lack the letters, a pipe may be closed, a disk full.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path


def prepare() -> None:
    """Make the streams safe to write to: missing ones lead nowhere, and letters that a console lacks are escaped."""
    _occupy()
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115, as long as the process
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def say(result: object) -> None:
    """A result, on a line of its own."""
    print(result)


def tell(notes: Sequence[str]) -> None:
    """Sentences for the user, whether at a terminal or in a log."""
    for note in notes:
        complain(f"note: {note}")


def complain(text: str) -> None:
    """One line to standard error; where that cannot be written to, nobody is there to read it."""
    with suppress(OSError, ValueError):
        print(one_line(text), file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """A text whose line breaks and other control characters are escaped; terminals act on some of them."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def flush() -> None:
    """Hand over what was said; raises OSError where it cannot be, and leaves nothing for Python's own last try."""
    try:
        sys.stdout.flush()
    except OSError:
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
        raise


def _escaped(character: str) -> str:
    if 0xDC80 <= ord(character) <= 0xDCFF:
        return character  # a byte of a name that is no text; the stream's error handler writes it
    return character.encode("unicode_escape").decode("ascii")


def _occupy() -> None:
    """Fill the numbers of closed standard streams, or the next file that is opened gets what is printed to them."""
    with suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
