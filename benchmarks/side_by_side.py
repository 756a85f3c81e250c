"""A page that shows, picture by picture, loops as they were and as they are next to each other.

    python benchmarks/side_by_side.py PICTURES... -o FOLDER [--only NAME ...] [--references FOLDER]
                                      [--before FOLDER] [--after FOLDER]

PICTURES are folders as for `quality.py`. Of each picture are made: the loop with everything travelling once through it
(structure 0, cycles 1), the loop at the defaults, a contact sheet of both, and a slice through time of both: the line
through the middle of what moves that motion runs along, over three turns of the loop. Travelling shapes are oblique
strokes there, what stays is level. Of `--references`, a video with the picture's name stands beside them. The page,
FOLDER/index.html, needs no server and no network.

With `--before` and `--after`, folders of loops that exist (NAME.mp4, of another version, say), nothing is animated: the
page shows these.
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
from t2c_ext.media.frames import read_video
from t2c_ext.types import unit_vector

WAYS = {"before": {"structure": 0.0, "cycles": 1}, "after": {}}
SHEET = 4
"""Frames on a contact sheet."""

TURNS = 3
"""Turns of the loop on a slice."""

STYLE = (
    "body{font:15px sans-serif;margin:2em;background:#181818;color:#ddd}figure{display:inline-block;margin:0 1em 1em 0}"
    "video,img{display:block;max-height:360px}img.wide{max-height:none;max-width:100%}"
)


def make(sample: Sample, folder: Path, way: str, given: Path | None = None) -> str:
    """Write one way's loop, sheet and slice; returns what was measured, in words.

    Args:
        sample: the picture.
        folder: the page's.
        way: "before" or "after".
        given: a folder with its loop, which then is not made.
    """
    path = folder / f"{sample.name}-{way}.mp4"
    if given is None:
        made = animate(sample.picture, path, mask=sample.mask, motion=sample.motion, speed=sample.speed, **WAYS[way])
        assert made.rendering is not None and made.regions is not None
        where, source = inside(made.regions.mask), made.rendering.frames()
    else:
        shutil.copyfile(given / f"{sample.name}.mp4", path)
        where, source = inside(sample.mask), read_video(path)
    frames = list(source)
    still, where = fitted(sample.picture, frames[0].shape), fitted(where.astype(np.uint8), frames[0].shape) > 0
    meter = StructureMeter(still, where)
    for frame in frames:
        meter.add(frame)
    shown = frames[:: max(1, len(frames) // SHEET)][:SHEET]
    write(folder / f"{sample.name}-{way}-sheet.jpg", np.hstack(shown))
    across, down = unit_vector(sample.angle)
    write(folder / f"{sample.name}-{way}-slice.png", slice_of(frames, where, abs(down) > abs(across)))
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


def fitted(picture: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """A picture or a mask of another size."""
    if picture.shape[:2] == shape[:2]:
        return picture
    return np.asarray(cv2.resize(picture, (shape[1], shape[0]), interpolation=cv2.INTER_AREA))


def figures(sample: Sample, folder: Path, references: Path | None, given: dict[str, Path | None]) -> Iterator[str]:
    """The page's parts about one picture; `given` has the folders of loops that exist, by the way."""
    yield f"<h2>{html.escape(sample.name)}: {html.escape(sample.motion)}</h2>"
    measured = {way: make(sample, folder, way, given[way]) for way in WAYS}
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
    parser.add_argument(
        "--before", type=Path, help="loops as they were, by the pictures' names, instead of making them"
    )
    parser.add_argument("--after", type=Path, help="loops as they are, likewise")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    parts = []
    for place in sorted(place for folder in options.pictures for place in folder.iterdir() if place.is_dir()):
        if options.only and not any(part in place.name for part in options.only):
            continue
        given = {"before": options.before, "after": options.after}
        if any(loops is not None and not (loops / f"{place.name}.mp4").exists() for loops in given.values()):
            continue
        for sample in read_sample(place, 512)[:1]:
            try:
                parts += figures(sample, options.output, options.references, given)
                print(sample.name, flush=True)
            except UserError as error:
                print(f"{sample.name}: {error}", flush=True)
    head = f'<!doctype html><meta charset="utf-8"><title>Side by side</title><style>{STYLE}</style>'
    (options.output / "index.html").write_text(head + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
