"""What is said, and to whom: results go to standard output, all else to standard error, each in one line.

Neither stream can be counted on: a service has none, a console may lack the letters, a pipe may be closed, a disk full.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TextIO


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


def say(result: object, stream: TextIO | None = None) -> None:
    """A result, on a line of its own, at once; raises OSError where it cannot be handed over.

    Args:
        result: the line.
        stream: standard output as it was, where something else stands in its place meanwhile.
    """
    print(result, file=stream, flush=True)


def log(sentence: str) -> None:
    """A sentence in the console of a host, which may have none, or one that lacks the letters."""
    with suppress(OSError, ValueError):
        encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
        print(sentence.encode(encoding, "backslashreplace").decode(encoding))


def tell(notes: Sequence[str], about: str = "") -> None:
    """Sentences for the user, whether at a terminal or in a log; `about` names one of several pictures."""
    for note in notes:
        complain(f"note: {about}: {note}" if about else f"note: {note}")


def complain(text: str) -> None:
    """One line to standard error; where that cannot be written to, nobody is there to read it."""
    with suppress(OSError, ValueError):
        print(one_line(text), file=sys.stderr, flush=True)


def one_line(text: str) -> str:
    """A text whose line breaks and other control characters are escaped; terminals act on some of them."""
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def why(error: Exception) -> str:
    """What an error says to the user."""
    if isinstance(error, MemoryError):
        return "there is not enough memory for this; make the picture smaller"
    if isinstance(error, OSError):
        what = error.strerror or str(error) or type(error).__name__
        return f"{error.filename}: {what}" if error.filename else what
    return str(error)


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
