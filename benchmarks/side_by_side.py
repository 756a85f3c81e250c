"""A page that shows, picture by picture, loops as they were and as they are next to each other.

    python benchmarks/side_by_side.py PICTURES... -o FOLDER [--only NAME ...] [--references FOLDER]

PICTURES are folders as for `quality.py`. Of each picture are made: the loop with everything travelling once through it
(structure 0, cycles 1), the loop at the defaults, a contact sheet of both, and a slice through time of both: the line
through the middle of what moves that motion runs along, over three turns of the loop. Travelling shapes are oblique
strokes there, what stays is level. Of `--references`, a video with the picture's name stands beside them. The page,
FOLDER/index.html, needs no server and no network.
"""

from __future__ import annotations

import argparse
import html
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cv2
import numpy as np
from quality import Sample, read_sample

from t2c_ext import animate
from t2c_ext.errors import UserError
from t2c_ext.evaluate.masks import inside
from t2c_ext.evaluate.structure import StructureMeter

WAYS = {"before": {"structure": 0.0, "cycles": 1}, "after": {}}
SHEET = 4
"""Frames on a contact sheet."""

TURNS = 3
"""Turns of the loop on a slice."""

STYLE = (
    "body{font:15px sans-serif;margin:2em;background:#181818;color:#ddd}figure{display:inline-block;margin:0 1em 1em 0}"
    "video,img{display:block;max-height:360px}img.wide{max-height:none;max-width:100%}"
)


def make(sample: Sample, folder: Path, way: str) -> str:
    """Write one way's loop, sheet and slice; returns what was measured, in words."""
    path = folder / f"{sample.name}-{way}.mp4"
    made = animate(sample.picture, path, mask=sample.mask, motion=sample.motion, speed=sample.speed, **WAYS[way])
    assert made.rendering is not None and made.regions is not None and made.flow is not None
    where = inside(made.regions.mask)
    meter, frames = StructureMeter(sample.picture, where), []
    for frame in made.rendering.frames():
        meter.add(frame)
        frames.append(frame)
    shown = frames[:: max(1, len(frames) // SHEET)][:SHEET]
    write(folder / f"{sample.name}-{way}-sheet.jpg", np.hstack(shown))
    mean = made.flow.field[where].mean(axis=0)
    write(folder / f"{sample.name}-{way}-slice.png", slice_of(frames, where, abs(mean[1]) > abs(mean[0])))
    found = meter.result()
    if found.drift is None or found.kept is None:
        return ""
    return f"drift {found.drift:.2f}, kept {found.kept:.2f}"


def slice_of(frames: list[np.ndarray], where: np.ndarray, upright: bool) -> np.ndarray:
    """uint8 [length, time, 3]: the middle column or row of what moves, frame after frame."""
    rows, columns = np.nonzero(where)
    line = int(np.median(columns if upright else rows))
    lines = [frame[:, line] if upright else frame[line] for frame in frames]
    return np.stack(lines * TURNS, axis=1)


def write(path: Path, picture: np.ndarray) -> None:
    """Write an RGB picture; the ending says how."""
    cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))


def figures(sample: Sample, folder: Path, references: Path | None) -> Iterator[str]:
    """The page's parts about one picture."""
    yield f"<h2>{html.escape(sample.name)}: {html.escape(sample.motion)}</h2>"
    measured = {way: make(sample, folder, way) for way in WAYS}
    for way, words in measured.items():
        yield video(f"{sample.name}-{way}.mp4", f"{way}: {words}")
    if references is not None:
        for file in sorted(references.glob(f"{sample.name}*.mp4")):
            shutil.copyfile(file, folder / f"{sample.name}-reference.mp4")
            yield video(f"{sample.name}-reference.mp4", "reference")
            break
    for part, kind in (("sheet.jpg", ' class="wide"'), ("slice.png", "")):
        for way in WAYS:
            yield f'<figure><img{kind} src="{sample.name}-{way}-{part}"><figcaption>{way}</figcaption></figure>'


def video(name: str, caption: str) -> str:
    """A video that plays by itself, over and over."""
    return f'<figure><video src="{name}" autoplay loop muted></video><figcaption>{caption}</figcaption></figure>'


def main() -> None:
    parser = argparse.ArgumentParser(description="Loops as they were and as they are, side by side on a page.")
    parser.add_argument("pictures", type=Path, nargs="+", help="folders with one folder for each picture")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the folder of the page")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only pictures whose name contains one of these")
    parser.add_argument("--references", type=Path, help="videos to show beside, by the pictures' names")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    parts = []
    for place in sorted(place for folder in options.pictures for place in folder.iterdir() if place.is_dir()):
        if options.only and not any(part in place.name for part in options.only):
            continue
        for sample in read_sample(place, 512)[:1]:
            try:
                parts += figures(sample, options.output, options.references)
                print(sample.name, flush=True)
            except UserError as error:
                print(f"{sample.name}: {error}", flush=True)
    head = f'<!doctype html><meta charset="utf-8"><title>Side by side</title><style>{STYLE}</style>'
    (options.output / "index.html").write_text(head + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
