"""What the panel costs in a real WebUI: the processor's time for a request with it, over that for the same without.

python benchmarks/panel.py --webui-dir DIR [--webui-python PYTHON] [--runs 3] [--steps 10] [--side 256] [--readme]

The WebUI runs on the CPU with a small random checkpoint; the loop has few frames, since its time is not the panel's.
Seconds are those of all processors that the server's process took, which a busy machine changes little; Linux counts
them in /proc. "without a loop" is a request whose mask fits nothing, so that only the sampling is left.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from PIL import Image
from tables import show
from webui.requests import encoded, panel, twinned, txt2img
from webui.server import Host, Server, running

FRAMES = 8


def rows(side: int) -> dict[str, Mapping[str, Any]]:
    """The requests, by what they ask for."""
    nothing = encoded(Image.new("L", (4 * side, side), 255))
    return {
        "the panel off": {"Cinemagraph": {"args": [{"enabled": False}]}},
        "a mask, without a loop": panel(mask=nothing),
        "a mask and its loop": panel(frames=FRAMES),
        "a twin and its loop": twinned(frames=FRAMES),
    }


def used(process: int) -> float:
    """Seconds of processors that a process has taken, its threads and the system's work for it included."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime and stime of proc(5)


def seconds(server: Server, request: Mapping[str, Any], runs: int) -> float:
    """The median that a request takes."""
    taken = []
    for _ in range(runs):
        start = used(server.process.pid)
        server.post("/sdapi/v1/txt2img", request)
        taken.append(used(server.process.pid) - start)
    return statistics.median(taken)


def main() -> None:
    """Measure, and print the table or put it into the README."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--webui-dir", type=Path, required=True)
    parser.add_argument("--webui-python", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--readme", action="store_true", help="replace the table in benchmarks/README.md")
    given = parser.parse_args()
    plain = txt2img(steps=given.steps, width=given.side, height=given.side)
    lines = ["| request | seconds of processors | over the same without the panel |", "|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        host = Host(given.webui_dir.resolve(), given.webui_python, Path(folder) / "models")
        with running(host, Path(folder) / "data") as server:
            for scripts in ({}, panel(frames=FRAMES), twinned(frames=FRAMES)):  # what is loaded late is loaded
                server.post("/sdapi/v1/txt2img", plain | {"alwayson_scripts": scripts})
            bare = seconds(server, plain, given.runs)
            lines.append(f"| without the panel | {bare:.2f} | 1.00 |")
            for name, scripts in rows(given.side).items():
                taken = seconds(server, plain | {"alwayson_scripts": scripts}, given.runs)
                lines.append(f"| {name} | {taken:.2f} | {taken / bare:.2f} |")
    show("panel", lines, in_readme=given.readme)


if __name__ == "__main__":
    main()
