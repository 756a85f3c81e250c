"""Runs tries in a process of its own, which is ended and replaced when it hangs or takes too much memory."""

from __future__ import annotations

import multiprocessing
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import psutil

SECONDS = 10.0
"""That a try may work or wait for something; what it waits for the processor does not count."""

MEMORY = 4_000_000_000
"""Bytes that the process may hold."""

OUTCOMES = ("done", "refused", "untidy", "traceback", "hang", "memory", "crash")
"""The first two are right."""

WALL = 30
"""So many times as long at the most by the clock: a process that waits for a disk neither works nor sleeps."""

_LOOK = 0.05
_WARM_UP = 240.0
_CACHES = 8
"""Tries of a door that are put in first, uncounted: they load libraries and fill caches."""


@dataclass
class Tally:
    """What became of a door's tries, and where the failures lie."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Tries that were neither done nor refused."""
        return sum(self.counts[name] for name in OUTCOMES[2:])


def fuzz(doors: Sequence[str], tries: int, seed: int, keep: Path) -> Tally:
    """Put in that many inputs, each of its own seed.

    Args:
        doors: their names, in turn.
        tries: how many, over all doors.
        seed: the first try's; the same seed makes the same inputs.
        keep: the folder where the inputs of failures are left.
    """
    tally, first = Tally(), seed * 1_000_000
    at = first
    while at < first + tries:
        at = _in_a_process(doors, range(at, first + tries), keep, tally)
    return tally


def _in_a_process(doors: Sequence[str], seeds: range, keep: Path, tally: Tally) -> int:
    """Tries until all are made or one ends the process; the seed to go on from."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    process = context.Process(target=_work, args=(there, doors, seeds, str(folder)), daemon=True)
    process.start()
    there.close()
    watched = psutil.Process(process.pid)
    try:
        _wait(here, watched, _WARM_UP)
        for seed in seeds:
            outcome, why = _wait(here, watched, SECONDS)
            tally.counts[outcome] += 1
            if outcome not in OUTCOMES[:2]:
                kept = keep / f"{doors[seed % len(doors)]}-{seed}"
                shutil.copytree(folder / str(seed), kept, dirs_exist_ok=True, ignore_dangling_symlinks=True)
                kept.joinpath("why.txt").write_text(why, encoding="utf-8", errors="backslashreplace")
                tally.failures.append(f"{kept}: {(why.strip().splitlines() or [outcome])[-1][:200]}")
            if outcome in ("hang", "memory", "crash"):
                return seed + 1
        return seeds.stop
    finally:
        process.kill()
        process.join()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(pipe: Connection, process: psutil.Process, seconds: float) -> tuple[str, str]:
    """The outcome that the process tells, or what became of it."""
    try:
        begun, waited, last = _worked(process), 0.0, time.monotonic()
        end = last + WALL * seconds
        while _worked(process) - begun + waited < seconds and time.monotonic() < end:
            if pipe.poll(_LOOK):
                return pipe.recv()
            now = time.monotonic()
            if process.status() == psutil.STATUS_SLEEPING:
                waited += now - last
            last = now
            if process.memory_info().rss > MEMORY:
                return "memory", f"more than {MEMORY / 1e9:g} GB"
    except (EOFError, OSError, psutil.Error):
        return "crash", "the process ended"
    return "hang", f"more than {seconds:g} s"


def _worked(process: psutil.Process) -> float:
    """Seconds that a process has had of the processors."""
    times = process.cpu_times()
    return float(times.user + times.system)


def _work(pipe: Connection, doors: Sequence[str], seeds: range, folder: str) -> None:
    """The process: tells once that it is ready, then each try's outcome."""
    from tests.fuzz.doors import DOORS

    warnings.simplefilter("ignore")
    sys.stderr = open(Path(folder) / "stderr.txt", "w", encoding="utf-8", errors="replace")  # noqa: SIM115
    for number in range(_CACHES * len(doors)):
        _attempt(DOORS[doors[number % len(doors)]], -1 - number, Path(folder))
    pipe.send(("ready", ""))
    for seed in seeds:
        pipe.send(_attempt(DOORS[doors[seed % len(doors)]], seed, Path(folder)))


def _attempt(door: object, seed: int, folder: Path) -> tuple[str, str]:
    from t2c_ext.errors import UserError
    from tests.fuzz.doors import Untidy

    place = folder / str(seed)
    place.mkdir()
    try:
        door(random.Random(seed), place)  # type: ignore[operator]
    except UserError as error:
        tidy = str(error).strip() and len(str(error).splitlines()) == 1
        outcome = ("refused", "") if tidy else ("untidy", repr(str(error)))
        if tidy:
            shutil.rmtree(place, ignore_errors=True)
        return outcome
    except Untidy as error:
        return "untidy", str(error)
    except BaseException:
        return "traceback", traceback.format_exc()
    shutil.rmtree(place, ignore_errors=True)
    return "done", ""
