"""Every row of the quality table on a folder of sample pictures, before and after the codec.

    python benchmarks/quality.py PICTURES [-o FOLDER] [--only NAME ...]

PICTURES has a folder for each picture, with art.png or photo.jpg, mask.png or attention_mask.png, motion.json
({"motion": words, "angle": degrees, "speed": factor}) and, for some, flow_reference.npz: these run a second time with
that flow. Pictures are brought to a short side of 512 (--side 0 keeps them). Each runs through the whole pipeline with
its mask and words; the raw frames and the decoded MP4 are measured by `t2c_ext.evaluate`, with the mask that the
region stage made of it. Tables are printed as markdown; -o keeps the loops, the fields and all measures as JSON.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import cv2
import numpy as np
from tables import publish

from t2c_ext import animate
from t2c_ext.errors import UserError
from t2c_ext.evaluate import Report, evaluate
from t2c_ext.evaluate.fit import fit_flow
from t2c_ext.evaluate.masks import inside
from t2c_ext.evaluate.static import GreyMeter
from t2c_ext.media.frames import read_video
from t2c_ext.media.pictures import read_mask, read_picture
from t2c_ext.motion.field import read_flow

FAST_FRAMES, FAST_SPEED = 120, 2.0


@dataclass(frozen=True)
class Sample:
    """One sample picture: uint8 [H, W, 3], mask float32 [H, W], the words and what they mean."""

    name: str
    picture: np.ndarray
    mask: np.ndarray
    motion: str
    angle: float
    speed: float
    flow: np.ndarray | None = None


@dataclass
class Result:
    """What was measured of one sample."""

    name: str
    raw: Report
    encoded: Report
    fast_holes: float
    fast_grey: float
    same_again: bool
    seconds: float
    notes: tuple[str, ...]


def first_of(folder: Path, *names: str) -> Path | None:
    """The first of these files that is there."""
    return next((folder / name for name in names if (folder / name).exists()), None)


def read_sample(folder: Path, side: int) -> list[Sample]:
    """The sample, and once more with its reference flow where it has one."""
    art, mask_file = first_of(folder, "art.png", "photo.jpg"), first_of(folder, "mask.png", "attention_mask.png")
    if art is None or mask_file is None:
        return []
    rgb = read_picture(art).rgb
    mask = read_mask(mask_file, rgb.shape[:2])
    scale = side / min(rgb.shape[:2]) if side else 1.0
    if scale < 1:
        size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
        rgb, mask = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (rgb, mask))
    words = json.loads((folder / "motion.json").read_text(encoding="utf-8"))
    picture = np.rint(rgb * 255).astype(np.uint8)
    plain = Sample(folder.name, picture, mask, words["motion"], words["angle"], words["speed"])
    reference = folder / "flow_reference.npz"
    if not reference.exists():
        return [plain]
    flow = fit_flow(read_flow(reference), picture.shape[:2])
    with_flow = Sample(f"{folder.name}, reference flow", picture, mask, plain.motion, plain.angle, plain.speed, flow)
    return [plain, with_flow]


def run(sample: Sample, folder: Path) -> Result:
    """Animate the sample, measure the raw frames and the file, and the fast long loop."""
    settings = {"motion": sample.motion, "speed": sample.speed}
    path = folder / f"{sample.name.replace(', ', '-').replace(' ', '-')}.mp4"
    start = time.perf_counter()
    made = animate(sample.picture, path, mask=sample.mask, flow=sample.flow, **settings)
    seconds = time.perf_counter() - start
    assert made.rendering is not None and made.regions is not None and made.flow is not None
    given = {
        "still": sample.picture,
        "mask": made.regions.mask,
        "angle": None if sample.flow is not None else sample.angle,
        "predicted_flow": made.flow.field,
    }
    digest = hashlib.sha256()
    raw = evaluate(_hashed(made.rendering.frames, digest), **given, holes=made.rendering.holes)
    again = animate(sample.picture, mask=sample.mask, flow=sample.flow, **settings)
    second = hashlib.sha256()
    assert again.rendering is not None
    for frame in again.rendering.frames():
        second.update(frame.tobytes())
    encoded = evaluate(lambda: read_video(path), **given, encoded=True, file_bytes=path.stat().st_size)
    np.savez_compressed(path.with_suffix(".npz"), flow=made.flow.field)
    holes, grey = fast_loop(sample)
    return Result(
        sample.name, raw, encoded, holes, grey, digest.digest() == second.digest(), seconds, tuple(made.notes)
    )


def fast_loop(sample: Sample) -> tuple[float, float]:
    """Holes and grey pixels of 120 frames at speed 2."""
    flow = None if sample.flow is None else sample.flow * FAST_SPEED
    speed = sample.speed * FAST_SPEED
    made = animate(sample.picture, mask=sample.mask, flow=flow, motion=sample.motion, frames=FAST_FRAMES, speed=speed)
    assert made.rendering is not None and made.regions is not None
    grey = GreyMeter(sample.picture, inside(made.regions.mask))
    for frame in made.rendering.frames():
        grey.add(frame)
    return made.rendering.holes, grey.result()


def _hashed(frames: Callable[[], Iterator[np.ndarray]], digest: hashlib._Hash) -> Iterator[np.ndarray]:
    for frame in frames():
        digest.update(frame.tobytes())
        yield frame


@dataclass(frozen=True)
class Column:
    """One measure of the tables: its heading, how it is written, where it comes from, which end is worse."""

    heading: str
    form: str
    value: Callable[[Result], float | bool | None]
    worse: Callable[[float], float] = float


def _apart(value: float) -> float:
    return abs(value - 1)


def _low(value: float) -> float:
    return -value


CLOSING = (
    Column("seam raw", "{:.2f}", lambda r: r.raw.seam_ratio, _apart),
    Column("seam MP4", "{:.2f}", lambda r: r.encoded.seam_ratio),
    Column("last repeats", "{}", lambda r: bool(r.raw.last_repeats or r.encoded.last_repeats)),
    Column("outside exact", "{}", lambda r: r.raw.outside_exact, _low),
    Column("PSNR outside MP4", "{:.1f}", lambda r: r.encoded.outside_psnr, _low),
    Column("changed outside MP4", "{:.3%}", lambda r: r.encoded.outside_changed),
    Column("holes, fast", "{:.3%}", lambda r: r.fast_holes),
    Column("grey, fast", "{:.3%}", lambda r: r.fast_grey),
    Column("same again", "{}", lambda r: r.same_again, _low),
    Column("MB", "{:.2f}", lambda r: r.encoded.megabytes_60),
)
LOOKS = (
    Column("sharpness low raw", "{:.2f}", lambda r: r.raw.sharpness_lowest, _low),
    Column("high raw", "{:.2f}", lambda r: r.raw.sharpness_highest),
    Column("breathing raw", "{:.2f}", lambda r: r.raw.breathing),
    Column("coherence raw", "{:.2f}", lambda r: r.raw.coherence),
    Column("drift", "{:.2f}", lambda r: r.raw.drift),
    Column("kept", "{:.2f}", lambda r: r.raw.kept, _low),
    Column("sharpness low MP4", "{:.2f}", lambda r: r.encoded.sharpness_lowest, _low),
    Column("high MP4", "{:.2f}", lambda r: r.encoded.sharpness_highest),
    Column("breathing MP4", "{:.2f}", lambda r: r.encoded.breathing),
    Column("coherence MP4", "{:.2f}", lambda r: r.encoded.coherence),
)
MOVING = (
    Column("words to field", "{:.1f}", lambda r: r.raw.flow_angle_error),
    Column("field to video", "{:.1f}", lambda r: r.raw.video_flow_error),
    Column("words to video", "{:.1f}", lambda r: r.raw.video_angle_error),
    Column("travel of field, px", "{:.0f}", lambda r: r.raw.flow_travel, _low),
    Column("travel of video, px", "{:.0f}", lambda r: r.raw.travel, _low),
    Column("seconds", "{:.2f}", lambda r: r.seconds),
)


def write(column: Column, value: float | bool | None) -> str:
    """A value as it stands in the table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return column.form.format(value)


def table(results: list[Result], columns: tuple[Column, ...]) -> str:
    """A markdown table with a row for each picture, the median and the worst."""
    lines = ["| picture | " + " | ".join(column.heading for column in columns) + " |"]
    lines.append("|---" * (len(columns) + 1) + "|")
    for result in results:
        cells = [write(column, column.value(result)) for column in columns]
        lines.append(f"| {result.name} | " + " | ".join(cells) + " |")
    worst, median = [], []
    for column in columns:
        values = [value for result in results if (value := column.value(result)) is not None]
        worst.append(write(column, max(values, key=column.worse)) if values else "")
        counted = [value for value in values if not isinstance(value, bool)]
        median.append(column.form.format(statistics.median(counted)) if counted else "")
    lines.append("| **median** | " + " | ".join(median) + " |")
    lines.append("| **worst** | " + " | ".join(worst) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description="Every row of the quality table on a folder of sample pictures.")
    parser.add_argument("pictures", type=Path, help="a folder with one folder for each picture")
    parser.add_argument("-o", "--output", type=Path, help="keep loops, fields and measures here")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only pictures whose name contains one of these")
    parser.add_argument("--side", type=int, default=512, help="bring the short side down to this; 0: leave it")
    parser.add_argument("--readme", action="store_true", help="put the tables into benchmarks/README.md")
    options = parser.parse_args()
    results: list[Result] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.output or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        for place in sorted(options.pictures.iterdir()):
            if options.only and not any(part in place.name for part in options.only):
                continue
            for sample in read_sample(place, options.side):
                try:
                    results.append(run(sample, folder))
                except UserError as error:
                    print(f"{sample.name}: {error}", flush=True)
        if options.output:
            text = json.dumps([asdict(result) for result in results], indent=1)
            (folder / "quality.json").write_text(text, encoding="utf-8")
    if not results:
        raise SystemExit("no sample could be measured")
    parts = (("Closing and stillness", CLOSING), ("Looks", LOOKS), ("Motion", MOVING))
    text = "\n\n".join(f"### {heading}\n\n{table(results, columns)}" for heading, columns in parts)
    print(text)
    if options.readme:
        publish("quality", text)


if __name__ == "__main__":
    main()
