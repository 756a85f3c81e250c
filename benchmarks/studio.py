"""Seconds that the server takes to answer the canvas, 512 x 512 and 1024 x 1024; the browser's own come on top.

python benchmarks/studio.py [--runs 9]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from PIL import Image
from tables import machine, publish

from t2c_ext.example import example
from t2c_ext.media.pictures import to_bytes
from t2c_ext.motion.hints import to_document
from t2c_ext.types import Arrow, Hints, Painted, RegionHint
from t2c_ext.ui.channel import Channel
from t2c_ext.ui.page import addresses
from t2c_ext.ui.studio import Studio

SIDES = (512, 1024)
REQUESTS = ("solve", "describe", "segment", "preview")


def square(levels: np.ndarray, side: int) -> np.ndarray:
    return np.asarray(Image.fromarray(levels).resize((side, side), Image.Resampling.LANCZOS))


def drawing(side: int, number: int) -> dict[str, object]:
    """Three painted regions and an arrow that is another each time."""
    masks = example().masks.items()
    regions = tuple(RegionHint(name, mask=Painted(square(to_bytes(mask), side))) for name, mask in masks)
    return to_document(Hints(arrows=(Arrow((0.5, 0.8), (0.4, 0.8 + 0.01 * number)),), regions=regions))


def seconds(folder: Path, side: int, what: str, runs: int) -> tuple[float, float]:
    """(the first, the median of the others) of the answers to one request."""
    studio = Studio(folder)
    channel, id = (
        Channel(studio, addresses("file=")),
        studio.register("", Image.fromarray(square(example().picture, side))),
    )
    words = {"motion": "river flowing left, clouds drifting right", "prompt": example().prompt}
    regions = [{"name": "river", "angle": 10, "kind": "translate", "speed": 1}, {"name": "clouds", "angle": 0}]
    taken = []
    for number in range(runs):
        request = {"n": number, "what": what, **words}
        if what in ("solve", "preview"):
            request["hints"] = drawing(side, number)
        if what == "describe":
            request["regions"] = [regions[0] | {"angle": 10 + number}, regions[1]]
        text = json.dumps(request)
        start = time.perf_counter()
        reply = json.loads(channel.answer(id, text, {}))
        taken.append(time.perf_counter() - start)
        if not reply["ok"]:
            raise SystemExit(reply["error"])
    return taken[0], float(np.median(taken[1:]))


def main() -> None:
    parser = argparse.ArgumentParser(description="Seconds that the server takes to answer the canvas.")
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--readme", action="store_true", help="put the result into benchmarks/README.md")
    options = parser.parse_args()
    rows = ["| request | picture | first answer, s | median of the next, s |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for side in SIDES:
            seconds(Path(folder), side, "solve", 2)  # compiles and loads what a running server has
            for what in REQUESTS:
                first, others = seconds(Path(folder), side, what, options.runs)
                rows.append(f"| {what} | {side} x {side} | {first:.2f} | {others:.2f} |")
    text = "\n".join(rows)
    print(machine(), text, sep="\n")
    if options.readme:
        publish("studio", text)


if __name__ == "__main__":
    main()
