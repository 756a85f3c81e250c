"""Puts tables into README.md, each between its own pair of markers, with the command that made it."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

README = Path(__file__).resolve().parent / "README.md"


def machine() -> str:
    """The machine in a few words."""
    return f"{os.cpu_count()} CPU cores, {platform.system()} {platform.machine()}, Python {platform.python_version()}"


def command() -> str:
    """The command that runs, without the option that writes the README; of paths only the last name, in capitals."""
    arguments = [argument for argument in sys.argv[1:] if argument != "--readme"]
    arguments = [Path(argument).name.upper() if os.sep in argument else argument for argument in arguments]
    return " ".join(["python", f"benchmarks/{Path(sys.argv[0]).name}", *arguments])


def publish(name: str, text: str) -> None:
    """Replace what stands between `<!-- name -->` and `<!-- /name -->`."""
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, rest = README.read_text(encoding="utf-8").split(start)
    after = rest.split(end)[1]
    body = f"\n`{command()}` ({machine()})\n\n{text.strip()}\n"
    README.write_text(before + start + body + end + after, encoding="utf-8", newline="\n")


def show(name: str, lines: list[str], in_readme: bool) -> None:
    """Print a table, or put it into the README."""
    if in_readme:
        publish(name, "\n".join(lines))
    else:
        print(machine(), "", *lines, sep="\n")
