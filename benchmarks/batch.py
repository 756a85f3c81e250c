"""Batches: what kills cost, how rows scale, what Ray adds to a row, and how long ten thousand rows take to go on.

python benchmarks/batch.py kills|drivers|scaling|many [--pictures 200] [--prompts 20] [--kills 10] [--seed 1]

`kills` and `drivers` start a cluster of Ray on loopback (a head and three nodes as separate processes) and end in an
error unless every row is done once, no stage was made twice, nothing is half, and the loops are bit-equal to those of a
run without Ray. Linux only.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from batch_runs import ROOT, WORDS, begin, finish, kill, loops, make_model, make_pictures, manifest, wait_for
from PIL import Image
from ray_cluster import Cluster, _descendants
from tables import machine, publish
from test_batch_ray import check_run, write_rows
from test_batch_run import Played, done

from t2c_ext.batch.gallery.page import write_gallery
from t2c_ext.batch.manifest import read_manifest
from t2c_ext.batch.outcome import DONE, FAILED, Outcome
from t2c_ext.batch.plan import fingerprint, make_plan
from t2c_ext.batch.rows import read_list
from t2c_ext.batch.run import Setup, run
from t2c_ext.recipe import Recipe


def rows_in(folder: Path, options: argparse.Namespace) -> Path:
    """The list: pictures, and prompts for a tiny model."""
    pictures, mask = make_pictures(folder, options.pictures)
    return write_rows(folder / "rows.jsonl", pictures, mask, make_model(folder), options.prompts)


def calm_run(rows: Path, out: Path) -> dict[str, bytes]:
    """The loops of a run on this machine that nothing disturbs."""
    code, _, err = finish(begin(rows, "-o", out, *WORDS), 3000)
    assert code == 0, err
    return loops(out)


def kills(folder: Path, options: argparse.Namespace) -> list[list[str]]:
    """Kill workers and whole nodes during a run."""
    rows, chance = rows_in(folder, options), random.Random(options.seed)
    count, out = options.pictures + options.prompts, folder / "out"
    cluster = Cluster(nodes=3)
    struck: list[str] = []
    begun = time.monotonic()
    try:
        process = begin(rows, "-o", out, "--ray", cluster.address, *WORDS)
        points = sorted(chance.sample(range(3, count - 10), options.kills))
        for number, point in enumerate(points):
            wait_for(lambda point=point: len(manifest(out)) >= point or process.poll() is not None, 3000)
            if number % 3 == 2:
                node = cluster.kill_a_node(chance)
                struck.append("node")
                time.sleep(chance.uniform(0, 5))
                cluster.add(node)
            else:
                wait_for(lambda: bool(cluster.kill_a_worker(chance)))
                struck.append("worker")
        code, _, err = finish(process, 3000)
        assert code == 0, err
    finally:
        cluster.close()
    took = time.monotonic() - begun
    again = check_run(out, count, kills=options.kills)["begun again"]
    same = loops(out) == calm_run(rows, folder / "calm")
    assert same, "the loops differ from those of a run on one machine"
    return [
        ["rows (pictures + prompts)", f"{options.pictures} + {options.prompts}"],
        ["killed (kill -9)", f"{struck.count('worker')} worker processes, {struck.count('node')} whole nodes"],
        ["rows done, each once", str(count)],
        ["stages made twice", "0"],
        ["stages begun again, as a kill hit them", str(again)],
        ["half-written files", "0"],
        ["loops and stills bit-equal to a run on one machine", f"all {2 * count}"],
        ["minutes", f"{took / 60:.1f}"],
    ]


def drivers(folder: Path, options: argparse.Namespace) -> list[list[str]]:
    """Kill the one who runs the batch, and start it again."""
    rows, chance = rows_in(folder, options), random.Random(options.seed)
    count, out, times = options.pictures + options.prompts, folder / "out", 5
    cluster = Cluster(nodes=3)
    try:
        for number in range(times):
            process = begin(rows, "-o", out, "--ray", cluster.address, *WORDS)
            point = (number + 1) * count // (times + 2) + chance.randint(0, 3)
            wait_for(lambda point=point: len(manifest(out)) >= point, 3000)
            kill(process)
        code, _, err = finish(begin(rows, "-o", out, "--ray", cluster.address, *WORDS), 3000)
        assert code == 0, err
    finally:
        cluster.close()
    again = check_run(out, count, kills=times)["begun again"]
    stages = sum(sum(line["made"].values()) for line in manifest(out))
    assert loops(out) == calm_run(rows, folder / "calm")
    return [
        ["rows (pictures + prompts)", f"{options.pictures} + {options.prompts}"],
        ["killed (kill -9)", f"the batch itself, {times} times"],
        ["rows done, each once", str(count)],
        ["stages made", f"{stages} of {5 * count}"],
        ["stages made twice", "0"],
        ["stages begun again, as a kill hit them", str(again)],
        ["loops and stills bit-equal to a run on one machine", f"all {2 * count}"],
    ]


@contextmanager
def watched(root: int) -> Iterator[list[float]]:
    """The largest sum of the resident megabytes of each worker process below a process, while the context is open."""
    most, stop = [0.0], threading.Event()

    def look() -> None:
        while not stop.wait(0.2):
            for pid in _descendants([root]):
                with suppress(OSError, ValueError):
                    command = Path(f"/proc/{pid}/cmdline").read_bytes()
                    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
                    if b"t2c_ext.batch.worker" in command:
                        most[0] = max(most[0], int(status.partition("VmRSS:")[2].split()[0]) / 1024)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    yield most
    stop.set()
    thread.join()


@dataclass(frozen=True)
class Timed:
    """A run: rows a minute and the median seconds from one row's end to the next, CPU seconds a row, MB a worker."""

    rate: float
    step: float
    cpu: float
    megabytes: float


def timed(process: subprocess.Popen[str], is_row: Callable[[str], bool]) -> Timed:
    """Watch a run that says a line for each row."""
    before, ends = os.times(), []
    with watched(process.pid) as most:
        assert process.stdout is not None
        for line in process.stdout:
            if is_row(line):
                ends.append(time.monotonic())
        process.wait()
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    steps = [later - earlier for earlier, later in pairwise(ends)]
    return Timed(60 * len(steps) / (ends[-1] - ends[0]), statistics.median(steps), used / len(ends), most[0])


def run_batch(rows: Path, out: Path, *more: object) -> Timed:
    return timed(begin(rows, "-o", out, *more, "--json"), lambda line: json.loads(line)["event"] == "row")


def run_without(rows: Path, out: Path, mask: Path, frames: int, processes: int = 1) -> Timed:
    """The same rows one after the other in so many plain processes, which is what they cost at the least."""
    code = (
        "import os, sys, cv2; from pathlib import Path; from t2c_ext import animate; cv2.setNumThreads(1)\n"
        "rows, out, mask, frames = map(Path, sys.argv[1:5])\n"
        "count, own, children = int(sys.argv[5]), 0, []\n"
        "for other in range(1, count):\n"
        "    child = os.fork()\n"
        "    if child == 0:\n"
        "        own, children = other, []\n"
        "        break\n"
        "    children.append(child)\n"
        "for row in sorted(rows.iterdir())[own::count]:\n"
        "    animate(row, out / f'{row.stem}.mp4', mask=mask, motion='river flowing left', frames=int(str(frames)),\n"
        "            workspace=out / 'kept' / row.stem)\n"
        "    print(row, flush=True)\n"
        "for child in children:\n"
        "    os.waitpid(child, 0)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", code, *map(str, (rows, out, mask, frames, processes))]
    return timed(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment), bool)


def scaling(folder: Path, options: argparse.Namespace) -> list[list[str]]:
    """One plain process, two, one worker, two; then rows that take almost nothing, on a worker and on a node of Ray."""
    large, mask = make_pictures(folder / "large", options.pictures, side=512)
    small, little = make_pictures(folder / "small", 3 * options.pictures)
    words, found = ("--motion", "river flowing left", "--frames", 30), dict[str, list[Timed]]()
    cluster = Cluster(nodes=1)
    try:
        for turn in range(options.turns):
            place = folder / str(turn)
            ways: dict[str, Callable[[Path], Timed]] = {
                "one process, no batch": lambda out: run_without(large, out, mask, 30),
                "two processes, no batch": lambda out: run_without(large, out, mask, 30, processes=2),
                "1 worker": lambda out: run_batch(large, out, "--mask", mask, *words, "--workers", 1),
                "2 workers": lambda out: run_batch(large, out, "--mask", mask, *words, "--workers", 2),
                "64 pixels, 1 worker": lambda out: run_batch(small, out, "--mask", little, *WORDS, "--workers", 1),
                "64 pixels, Ray, 1 processor": lambda out: run_batch(
                    small, out, "--mask", little, *WORDS, "--ray", cluster.address
                ),
            }
            for number, (name, way) in enumerate(ways.items()):
                found.setdefault(name, []).append(way(place / str(number)))
    finally:
        cluster.close()

    def median(name: str, what: str) -> float:
        return statistics.median(getattr(row, what) for row in found[name])

    result = [["way", "rows a minute", "CPU seconds a row", "MB a worker"]]
    for name, rows in found.items():
        cells = [name, f"{median(name, 'rate'):.1f}"]
        cells.append("" if "Ray" in name else f"{median(name, 'cpu'):.2f}")
        most = max(row.megabytes for row in rows)
        result.append([*cells, f"{most:.0f}" if most else ""])
    for name, plain in (("1 worker", "one process, no batch"), ("2 workers", "two processes, no batch")):
        share = median(name, "rate") / median(plain, "rate")
        result.append([f"{name}: of the rate of as many plain processes", f"{share:.2f}", "", ""])
    cost = 1000 * (median("64 pixels, Ray, 1 processor", "step") - median("64 pixels, 1 worker", "step"))
    result.append(["Ray, milliseconds a row beside 1 worker", f"{cost:+.0f}", "", ""])
    return result


def many(folder: Path, options: argparse.Namespace) -> list[list[str]]:
    """Ten thousand rows that are done: how long a run takes that finds nothing to do, and the page.

    Seconds are the processor's, so that a machine that others use too says the same; the browser's are by the clock.
    """
    count, out = 10_000, folder / "out"
    out.mkdir(parents=True)
    picture = folder / "p.png"
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(picture)
    place = folder / "rows.jsonl"
    words = "a wide river flowing left past a village of low houses, ukiyo-e, evening light"
    place.write_text(
        "\n".join(
            json.dumps({"picture": "p.png", "prompt": words, "seed": n, "name": f"r{n:05d}"}) for n in range(count)
        )
    )
    (source,) = make_pictures(folder / "one", 1)[0].iterdir()
    code, _, err = finish(
        begin(source.parent, "-o", folder / "loop", "--mask", folder / "one/mask.png", *WORDS[:-1], "mp4")
    )
    assert code == 0, err
    loop = (folder / "loop/p000.mp4").read_bytes()
    status = picture.stat()
    inputs = {str(picture): {"bytes": status.st_size, "time": status.st_mtime_ns, "digest": "0" * 64}}
    with (out / "batch.jsonl").open("w", encoding="utf-8") as file:
        for number, row in enumerate(read_list(place, Recipe())):
            name, failed = f"r{number:05d}", number % 100 == 99
            (out / f"{name}.mp4").write_bytes(loop)
            outcome = Outcome(
                name, FAILED if failed else DONE, fingerprint(row), "o", "" if failed else f"{name}.mp4",
                bytes=len(loop),
                seconds={"prompt": 0.01, "twin": 0.1, "region": 0.4, "motion": 0.5, "loop": 2.0}, size=(64, 64),
                made={"prompt": 1, "twin": 1, "region": 1, "motion": 1, "loop": 1}, notes=("found by clusters",),
                error="I could not find the river; paint a mask" if failed else "", kind="not found" if failed else "",
                inputs=inputs, label=f"rows.jsonl, line {number + 1}", prompt=words, picture=str(picture),
                settings={"seed": number, "speed": 2.0}, where={"machine": "node-17", "process": "4711"},
            )  # fmt: skip
            file.write(json.dumps(outcome.to_document()) + "\n")
    begun = time.process_time()
    rows = read_list(place, Recipe())
    read = time.process_time()
    outcomes, _ = read_manifest(out / "batch.jsonl")
    plan = make_plan(rows, outcomes, lambda row: (out / row.file).stat().st_size == row.bytes)
    scanned = time.process_time()
    assert len(plan.finished) == 9_900 and len(plan.todo) == 100
    page = write_gallery(out, outcomes)
    written = time.process_time()
    ran = time.process_time()
    one_after_the_other = list(
        run(Setup(rows[:1000], str(folder / "played"), lambda planned, token: Played([done] * 1000)))
    )
    ran = (time.process_time() - ran) / len(one_after_the_other)
    opened, loaded, jumped, cells = page_times(page)
    return [
        ["list read", f"{read - begun:.2f} s"],
        ["manifest read and compared with list and files", f"{scanned - read:.2f} s"],
        ["**time to go on, of at most 5 s**", f"**{scanned - begun:.2f} s**"],
        ["page written", f"{written - scanned:.2f} s, {page.stat().st_size / 1e6:.1f} MB"],
        ["**page opens (first cells drawn), of at most 2 s**", f"**{opened:.2f} s**"],
        ["first loop plays", f"{loaded:.2f} s"],
        ["scrolled to the end, cells drawn", f"{1000 * jumped:.0f} ms"],
        ["elements of rows in the page", str(cells)],
        ["what a row costs the one who runs the batch, with its line on the disk", f"{1000 * ran:.1f} ms"],
    ]


def page_times(page: Path) -> tuple[float, float, float, int]:
    """Seconds until the first cells are drawn, until a loop plays, and after a jump to the end; cells in the page."""
    from browser.chromium import headless

    with headless() as browser:
        tab = browser.new_page(viewport={"width": 1280, "height": 900})
        begun = time.perf_counter()
        tab.goto(page.as_uri(), wait_until="commit")
        tab.wait_for_selector(".cell")
        opened = time.perf_counter() - begun
        wait_for(lambda: tab.evaluate("[...document.querySelectorAll('video')].some((one) => one.currentTime > 0)"))
        loaded = time.perf_counter() - begun
        begun = time.perf_counter()
        tab.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        wait_for(
            lambda: tab.evaluate(
                "[...document.querySelectorAll('.told b')].some((one) => one.textContent === 'r09999')"
            )
        )
        jumped = time.perf_counter() - begun
        cells = tab.locator(".cell").count()
    return opened, loaded, jumped, cells


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["kills", "drivers", "scaling", "many"])
    parser.add_argument("--pictures", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--turns", type=int, default=3, help="of scaling: how often each way is run, in turn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--readme", action="store_true", help="put the table into README.md")
    options = parser.parse_args()
    what = {"kills": kills, "drivers": drivers, "scaling": scaling, "many": many}[options.what]
    with tempfile.TemporaryDirectory(prefix="t2c-batch-") as folder:
        lines = what(Path(folder), options)
    head = ["", *[""] * (len(lines[0]) - 1)] if options.what != "scaling" else lines.pop(0)
    table = "\n".join("| " + " | ".join(line) + " |" for line in (head, ["---"] * len(head), *lines))
    print(f"{machine()}\n\n{table}")
    if options.readme:
        publish(f"batch-{options.what}", table)


if __name__ == "__main__":
    main()
