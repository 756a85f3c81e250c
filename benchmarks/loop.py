"""Time and memory of the loop stage, side by side with two other ways, each case in a process of its own.

    python benchmarks/loop.py                 # the table of benchmarks/README.md
    python benchmarks/loop.py --quick         # the first rows only
    python benchmarks/loop.py --size 1080x1920 --frames 60

The paper's way takes N integration steps for each frame, always as many; of its loops only a few frames are made
(--sample), evenly spread, and the time of the whole is projected from them (marked ~). The other two make all frames.
Memory is the process's largest resident size less what it held before the first frame; 0 where the system does not
tell (Windows).
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from tables import machine, publish
from ways import WAYS, make_input

LENGTHS = (30, 60, 120, 240)
SIZES = ((512, 512), (1024, 1024), (1080, 1920), (2160, 3840))
NAMES = {"ours": "ours", "paper": "the paper's way (torch)", "backward": "backward warp"}


def peak_megabytes() -> float:
    """The largest resident size of this process so far, MB (10^6 bytes)."""
    if platform.system() == "Windows":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if platform.system() == "Darwin" else 1024) / 1e6


def measure(way: str, height: int, width: int, count: int, sample: int) -> dict[str, float]:
    """Render one loop here: seconds to the first frame and for all, CPU seconds, MB, and whether it was projected."""
    warm = make_input(64, 64)
    for _ in WAYS[way](warm, 8, range(8)):
        pass
    given = make_input(height, width)
    wanted = range(count)
    if way == "paper" and count > sample:
        wanted = np.linspace(0, count - 1, sample).round().astype(int).tolist()
    before, start, cpu = peak_megabytes(), time.perf_counter(), time.process_time()
    made, first = 0, 0.0
    for _ in WAYS[way](given, count, wanted):
        first = first or time.perf_counter() - start
        made += 1
    factor = count / made
    return {
        "first": first,
        "seconds": (time.perf_counter() - start) * factor,
        "cpu": (time.process_time() - cpu) * factor,
        "megabytes": peak_megabytes() - before,
        "projected": float(factor > 1),
    }


def run_apart(way: str, size: tuple[int, int], count: int, *, sample: int, limit: float) -> dict[str, float] | str:
    """Measure in a fresh process; a word when it failed."""
    case = [way, str(size[0]), str(size[1]), str(count)]
    command = [sys.executable, __file__, "--case", *case, "--sample", str(sample)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return f"over {limit:.0f} s"
    if done.returncode:
        reason = done.stderr.strip().splitlines()[-1:] or [""]
        return "out of memory" if done.returncode < 0 or "Memory" in reason[0] else f"failed: {reason[0][:60]}"
    return json.loads(done.stdout)


def row(way: str, height: int, width: int, count: int, result: dict[str, float] | str) -> str:
    """One line of the table."""
    head = f"| {NAMES[way]} | {width} x {height} | {count} |"
    if isinstance(result, str):
        return f"{head} {result} | | | |"
    mark = "~" if result["projected"] else ""
    seconds = result["seconds"]
    return (
        f"{head} {mark}{seconds:.2f} | {mark}{result['cpu']:.2f} | {mark}{1000 * seconds / count:.1f} |"
        f" {result['megabytes']:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of the loop stage beside two other ways.")
    parser.add_argument("--case", nargs=4, metavar=("WAY", "H", "W", "N"), help="measure one case here; prints JSON")
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--size", nargs="+", metavar="HxW", help="only these sizes")
    parser.add_argument("--frames", nargs="+", type=int, metavar="N", help="only these lengths")
    parser.add_argument("--sample", type=int, default=4, help="frames to make of the paper's way (default: 4)")
    parser.add_argument("--limit", type=float, default=900, help="seconds for each case (default: 900)")
    parser.add_argument("--quick", action="store_true", help="512 x 512 with 30 and 60 frames")
    parser.add_argument("--readme", action="store_true", help="put the table into benchmarks/README.md")
    options = parser.parse_args()
    if options.case:
        way, height, width, count = options.case
        print(json.dumps(measure(way, int(height), int(width), int(count), options.sample)))
        return
    cases = [(SIZES[0], count) for count in LENGTHS] + [(size, 60) for size in SIZES[1:]] + [(SIZES[-1], 120)]
    if options.quick:
        cases = cases[:2]
    if options.size or options.frames:
        sizes = [tuple(int(side) for side in text.lower().split("x")) for text in options.size or ["512x512"]]
        cases = [(size, count) for size in sizes for count in options.frames or [60]]
    print(machine(), end="\n\n")
    lines = ["| way | size | frames | seconds | CPU seconds | ms per frame | MB |", "|---|---|---|---|---|---|---|"]
    print(*lines, sep="\n")
    for (height, width), count in cases:
        for way in options.ways:
            result = run_apart(way, (height, width), count, sample=options.sample, limit=options.limit)
            lines.append(row(way, height, width, count, result))
            print(lines[-1], flush=True)
    if options.readme:
        publish("loop", "\n".join(lines))


if __name__ == "__main__":
    main()
