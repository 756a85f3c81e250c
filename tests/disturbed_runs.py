"""Runs that are killed, starved of disk or met by another one; a script, since each begins as a fork of a warm process.

    python disturbed_runs.py kill|back|full|two FOLDER SEED COUNT

It prints, as JSON, one sentence for each run that did not end as it should.
"""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.jobs import Job, make_job
from t2c_ext.pipeline import run_job
from t2c_ext.progress import Reporter
from t2c_ext.recipe import Recipe

SIDE = 48
CHANGES = ("open", "os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree")
WRITES = ("open", "os.rename", "os.mkdir")

Event = Callable[[str, tuple[Any, ...]], None]
_HEARS: list[Event] = []


def _hook(name: str, arguments: tuple[Any, ...]) -> None:
    for hear in _HEARS:
        hear(name, arguments)


def job(output: Path, speed: float = 1.0) -> Job:
    """A river in a grainy picture, its mask of greys that 8 bits do not hold exactly, painted hints, and a twin."""
    rng = np.random.default_rng(3)
    still = rng.random((SIDE, SIDE, 3)).astype(np.float32)
    mask = np.clip(np.linspace(-0.4, 1.7, SIDE, dtype=np.float32)[:, None] + 0.1 * rng.random((SIDE, SIDE)), 0, 1)
    hints = {"version": 1, "arrows": [{"from": [0.2, 0.8], "to": [0.5, 0.8]}]}
    recipe = Recipe().with_values(
        {"motion": "river flowing left", "frames": 3, "speed": speed, "hints": json.dumps(hints)}
    )
    other = np.zeros((SIDE, SIDE), np.float32)
    other[:10, :20] = 0.7
    masks = {"river": mask.astype(np.float32), "clouds": other}
    return make_job(recipe, picture=still, natural=1 - still, masks=masks, output=output)


def run(folder: Path, reporter: Reporter | None = None, speed: float = 1.0) -> None:
    """Run in `folder/kept`, and write `folder/out.apng`."""
    run_job(job(folder / "out.apng", speed), folder / "kept", reporter)


def contents(folder: Path) -> dict[str, object]:
    """Every file by its name; of the two that tell times, all but these."""
    found: dict[str, object] = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.name in ("workspace.json", "report.json"):
            found[name] = _without_times(json.loads(path.read_text(encoding="utf-8")))
        elif path.name != "workspace.lock":
            found[name] = path.read_bytes()
    return found


def _without_times(document: Any) -> Any:
    if isinstance(document, dict):
        return {name: _without_times(value) for name, value in document.items() if name != "seconds"}
    return document


def differences(folder: Path, calm: dict[str, object]) -> list[str]:
    """The names of files that are not as an undisturbed run leaves them."""
    now = contents(folder)
    return [name for name in sorted({*now, *calm}) if now.get(name) != calm.get(name)]


def inside(folder: Path, name: str, arguments: tuple[Any, ...], names: tuple[str, ...]) -> bool:
    """Whether an event changes something in the folder."""
    if name not in names or not arguments or not isinstance(arguments[0], (str, bytes, os.PathLike)):
        return False
    if name == "open" and not (isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)):
        return False
    return os.fsdecode(arguments[0]).startswith(str(folder)) and not os.fsdecode(arguments[0]).endswith(".lock")


def count_events(folder: Path, names: tuple[str, ...], speed: float = 1.0) -> int:
    """How often a whole run changes something."""
    count = [0]

    def hear(name: str, arguments: tuple[Any, ...]) -> None:
        count[0] += inside(folder, name, arguments, names)

    _HEARS.append(hear)
    run(folder, speed=speed)
    _HEARS.clear()
    return count[0]


def killed_at(folder: Path, at: int, half: bool, speed: float = 1.0) -> None:
    """Begin a run in a child that ends, without any clean-up, before its change number `at`; `half`: amid a write."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    left = [at]

    def hear(name: str, arguments: tuple[Any, ...]) -> None:
        if not inside(folder, name, arguments, CHANGES):
            return
        left[0] -= 1
        if left[0] == 0:
            _HEARS.clear()
            if half and name == "open":
                Path(os.fsdecode(arguments[0])).write_bytes(b"half")
            os._exit(9)

    _HEARS.append(hear)
    run(folder, speed=speed)
    os._exit(0)


def kill(folder: Path, seed: int, count: int) -> list[str]:
    """Kill runs at random changes, some twice, and let them go on; every other one has an earlier result."""
    run(folder / "calm", speed=2.0)
    shutil.copytree(folder / "calm", folder / "earlier")
    run(folder / "calm")
    calm, chance, wrong = contents(folder / "calm"), random.Random(seed), []
    total = count_events(folder / "counted", CHANGES)
    for number in range(count):
        place = folder / f"run-{number}"
        if number % 2:
            shutil.copytree(folder / "earlier", place)
        points = [chance.randint(1, total) for _ in range(chance.choice((1, 1, 2)))]
        for at in points:
            killed_at(place, at, chance.random() < 0.5)
        run(place)
        different = differences(place, calm)
        if different:
            wrong.append(f"killed at {points} of {total}: {different}")
    return wrong


def back(folder: Path, seed: int, count: int) -> list[str]:
    """Kill runs with a new setting over a finished result, and run with the old one: it is as it was before."""
    run(folder / "calm")
    calm, chance, wrong = contents(folder / "calm"), random.Random(seed), []
    shutil.copytree(folder / "calm", folder / "counted")
    total = count_events(folder / "counted", CHANGES, speed=2.0)
    for number in range(count):
        place, at = folder / f"run-{number}", chance.randint(1, total)
        shutil.copytree(folder / "calm", place)
        killed_at(place, at, chance.random() < 0.5, speed=2.0)
        run(place)
        different = differences(place, calm)
        if different:
            wrong.append(f"killed at {at} of {total}: {different}")
    return wrong


def full(folder: Path, seed: int, count: int) -> list[str]:
    """Have the disk be full at random writes: one line is said, and the next run ends as if nothing had been."""
    run(folder / "calm")
    calm, chance, wrong = contents(folder / "calm"), random.Random(seed), []
    total = count_events(folder / "counted", WRITES)
    for number in range(count):
        place, left = folder / f"run-{number}", [chance.randint(1, total)]
        at = left[0]

        def hear(name: str, arguments: tuple[Any, ...], place: Path = place, left: list[int] = left) -> None:
            if inside(place, name, arguments, WRITES):
                left[0] -= 1
                if left[0] <= 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        _HEARS.append(hear)
        try:
            run(place)
            wrong.append(f"full at {at} of {total}: nothing was said")
        except UserError as error:
            if "\n" in str(error) or ("full" not in str(error) and "space" not in str(error)):
                wrong.append(f"full at {at} of {total}: {error}")
        except OSError as error:
            wrong.append(f"full at {at} of {total}: {type(error).__name__} {error}")
        _HEARS.clear()
        run(place)
        different = differences(place, calm)
        if different:
            wrong.append(f"full at {at} of {total}: {different}")
    return wrong


def two(folder: Path, seed: int, count: int) -> list[str]:
    """A second run in a workspace is refused at once, and the lock goes with whoever held it, even if killed.

    At once: within two seconds, and sooner than a run takes here and now.
    """
    run(folder / "warm")
    begun = time.monotonic()
    run(folder / "calm")
    whole = time.monotonic() - begun
    calm, wrong, place = contents(folder / "calm"), [], folder / "both"
    reading, writing = os.pipe()
    child = os.fork()
    if not child:

        def hold(stage: str, done: int, total: int) -> None:
            if stage == "loop":
                os.write(writing, b"x")
                time.sleep(60)

        run(place, Reporter(hold))
        os._exit(0)
    os.read(reading, 1)
    begun = time.monotonic()
    try:
        run(place)
        wrong.append("two runs wrote in one workspace")
    except UserError as error:
        if "in use by another run" not in str(error) or time.monotonic() - begun > min(2, whole):
            wrong.append(f"after {time.monotonic() - begun:.1f} s: {error}")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    run(place)
    return wrong + [f"after both: {name}" for name in differences(place, calm)]


if __name__ == "__main__":
    cv2.setNumThreads(0)
    sys.addaudithook(_hook)
    what = {"kill": kill, "back": back, "full": full, "two": two}[sys.argv[1]]
    print(json.dumps(what(Path(sys.argv[2]).resolve(), int(sys.argv[3]), int(sys.argv[4]))))
