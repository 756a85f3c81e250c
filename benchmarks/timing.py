"""From a picture, a mask and a flow to an MP4: cold (a fresh process, imports included) and warm.

python benchmarks/timing.py [--frames 60] [--side 512] [--runs 5]
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from tables import machine, publish


def once(folder: Path, side: int, frames: int, runs: int) -> list[float]:
    """Seconds of each of `runs` successive calls of `animate` in this process."""
    from ways import make_input

    from t2c_ext import animate

    given, result = make_input(side, side), []
    for _ in range(runs):
        start = time.perf_counter()
        animate(given.picture, folder / "loop.mp4", mask=given.mask, flow=given.flow, frames=frames)
        result.append(time.perf_counter() - start)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds from picture, mask and flow to an MP4, cold and warm.")
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--side", type=int, default=512)
    parser.add_argument("--runs", type=int, default=5, help="warm runs, of which the best counts")
    parser.add_argument("--here", action="store_true", help="run here and print the seconds of each run")
    parser.add_argument("--readme", action="store_true", help="put the result into benchmarks/README.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if options.here:
            print(*once(Path(folder), options.side, options.frames, options.runs))
            return
    command = [sys.executable, __file__, "--here", "--side", str(options.side), "--frames", str(options.frames)]
    start = time.perf_counter()
    subprocess.run([*command, "--runs", "1"], check=True, capture_output=True)
    cold = time.perf_counter() - start
    done = subprocess.run([*command, "--runs", str(options.runs + 1)], check=True, capture_output=True, text=True)
    warm = sorted(float(word) for word in done.stdout.split()[1:])
    text = (
        f"{options.frames} frames of {options.side} x {options.side}: cold (process start to file) {cold:.2f} s; "
        f"warm: best {warm[0]:.2f} s, median {warm[len(warm) // 2]:.2f} s, of {len(warm)}."
    )
    print(machine(), text, sep="\n")
    if options.readme:
        publish("timing", text)


if __name__ == "__main__":
    main()
