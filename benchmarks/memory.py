"""The most memory that `t2c animate` takes, against the picture's size and the share of it that moves.

python benchmarks/memory.py [--megapixels 2 8 20 80] [--moving 5 50 words] [--formats mp4] [--frames 8]

Each row is a process of its own. The picture is the bundled example, enlarged; what moves is an ellipse, given as a
mask, or ("words") found by the words. POSIX only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tables import machine, publish

from t2c_ext.example import example

WORDS = "words"
_UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes in which the system counts a process's largest resident set."""


@dataclass(frozen=True)
class Case:
    """One run: megapixels, what moves (a share in percent, or `WORDS`), and the format."""

    megapixels: float
    moving: str
    format: str


@dataclass(frozen=True)
class Outcome:
    """What came of it: MB at the most, seconds, and the error's line, or ""."""

    megabytes: float
    seconds: float
    error: str


def make_files(folder: Path, case: Case) -> tuple[Path, Path | None]:
    """The picture and, unless the words find it, the mask."""
    levels = example().picture
    scale = (case.megapixels * 1e6 / (levels.shape[0] * levels.shape[1])) ** 0.5
    size = (int(levels.shape[1] * scale), int(levels.shape[0] * scale))
    picture = folder / f"{case.megapixels:g}.png"
    if not picture.exists():
        Image.fromarray(cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR)).save(picture, compress_level=1)
    if case.moving == WORDS:
        return picture, None
    axes = [round(side * (float(case.moving) / 100 / np.pi) ** 0.5) for side in size]
    canvas = np.zeros(size[::-1], np.uint8)
    cv2.ellipse(canvas, (size[0] // 2, size[1] // 2), (axes[0], axes[1]), 0, 0, 360, 255, -1)
    mask = folder / f"{case.megapixels:g}-{case.moving}.png"
    Image.fromarray(canvas).save(mask, compress_level=1)
    return picture, mask


def measure(folder: Path, case: Case, frames: int) -> Outcome:
    """Run it, and ask the system for the most memory that it held."""
    picture, mask = make_files(folder, case)
    output = folder / f"loop.{case.format}"
    command = [sys.executable, "-m", "t2c_ext", "animate", str(picture), "--frames", str(frames), "-o", str(output)]
    command += ["--motion", example().motion] if mask is None else ["--mask", str(mask)]
    start = time.perf_counter()
    with (folder / "errors").open("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        errors.seek(0)
        lines = errors.read().strip().splitlines()
    error = "" if process.returncode == 0 else (lines[-1] if lines else f"exit {process.returncode}")
    return Outcome(usage.ru_maxrss * _UNIT / 1e6, seconds, error)


def table(cases: list[Case], frames: int) -> str:
    """The table in Markdown."""
    lines = ["| megapixels | moves | format | MB at the most | seconds | |", "|---|---|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for case in cases:
            found = measure(Path(folder), case, frames)
            moving = case.moving if case.moving == WORDS else f"{case.moving} %"
            row = f"| {case.megapixels:g} | {moving} | {case.format} | {found.megabytes:.0f} | {found.seconds:.1f} | "
            lines.append(f"{row}{found.error.replace(folder + os.sep, '')} |")
            print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="The most memory that t2c animate takes.")
    parser.add_argument("--megapixels", type=float, nargs="+", default=[2, 8, 20, 80])
    parser.add_argument("--moving", nargs="+", default=["5", "50", WORDS], help='percent, or "words"')
    parser.add_argument("--formats", nargs="+", default=["mp4"])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    cases = [
        Case(size, share, kind) for size in options.megapixels for share in options.moving for kind in options.formats
    ]
    text = table(cases, options.frames)
    print(machine(), text, sep="\n\n")
    if options.readme:
        publish("memory", text)


if __name__ == "__main__":
    main()
