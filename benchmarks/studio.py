"""How soon the studio shows motion after the mouse is released, and how long the server takes to answer the canvas.

python benchmarks/studio.py [--runs 9] [--only browser|server]

The first drives the app in Chromium and needs playwright and Gradio; see tests/browser/studio_app.py.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

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


MOVING = """() => performance.getEntriesByName('t2c:drift').slice(0, 2).map(
    (entry) => entry.startTime - performance.getEntriesByName('t2c:release').at(-1).startTime)"""
"""Milliseconds from the release to the first moving particles, and to the first that follow the solved field."""


def moving(page: Any, picture: Path, runs: int) -> np.ndarray:
    """float64 [runs, 2]: milliseconds to the particles of the drawing alone, and to those of the solved field."""
    page.put_in(picture)
    page.tool("brush")
    for height in (0.5, 0.6, 0.7):
        page.drag((0.1, height), (0.9, height))
    page.tool("arrow")
    taken = []
    for number in range(runs):
        page.drag((0.25, 0.55 + 0.01 * number), (0.5, 0.6))
        page.tab.wait_for_function("() => performance.getEntriesByName('t2c:drift').length >= 2", timeout=30_000)
        taken.append(page.tab.evaluate(MOVING))
        page.document()
    return np.array(taken)


def in_the_browser(runs: int) -> str:
    """The table of what a visitor sees."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
    from browser.chromium import headless
    from browser.studio_app import StudioPage, served

    rows = [
        "| picture | first particles, ms | at most | solved field, ms | at most |",
        "|---|---|---|---|---|",
    ]
    with tempfile.TemporaryDirectory() as place, headless() as browser, served(Path(place) / "app") as address:
        for side in SIDES:
            picture = Path(place) / f"{side}.png"
            Image.fromarray(square(example().picture, side)).save(picture)
            page = StudioPage(browser.new_page(viewport={"width": 1440, "height": 1000}))
            page.open(address)
            taken = moving(page, picture, runs)
            page.tab.close()  # its particles would go on beside the next page's
            (first, solved), (slowest, last) = np.median(taken, axis=0), taken.max(axis=0)
            rows.append(f"| {side} x {side} | {first:.0f} | {slowest:.0f} | {solved:.0f} | {last:.0f} |")
    return "\n".join(rows)


def on_the_server(runs: int) -> str:
    """The table of the server's answers."""
    rows = ["| request | picture | first answer, s | median of the next, s |", "|---|---|---|---|"]
    with tempfile.TemporaryDirectory() as folder:
        for side in SIDES:
            seconds(Path(folder), side, "solve", 2)  # compiles and loads what a running server has
            for what in REQUESTS:
                first, others = seconds(Path(folder), side, what, runs)
                rows.append(f"| {what} | {side} x {side} | {first:.2f} | {others:.2f} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(
        description="How soon the studio shows motion, and how quickly the server answers."
    )
    parser.add_argument("--runs", type=int, default=9)
    parser.add_argument("--only", choices=("browser", "server"))
    parser.add_argument("--readme", action="store_true", help="put the result into benchmarks/README.md")
    options = parser.parse_args()
    tables = {"studio-browser": in_the_browser, "studio": on_the_server}
    if options.only is not None:
        del tables["studio" if options.only == "browser" else "studio-browser"]
    print(machine())
    for name, table in tables.items():
        text = table(options.runs)
        print(text)
        if options.readme:
            publish(name, text)


if __name__ == "__main__":
    main()
