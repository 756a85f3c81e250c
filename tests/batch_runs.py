"""What tests of batches share: small pictures, a tiny model, runs in processes of their own, and what they left."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
WORDS = ("--motion", "river flowing left", "--frames", "4", "--format", "gif")


def make_pictures(folder: Path, count: int, side: int = 64) -> tuple[Path, Path]:
    """A folder of grainy pictures, and a mask beside it."""
    pictures = folder / "pictures"
    pictures.mkdir(parents=True)
    rng = np.random.default_rng(5)
    for number in range(count):
        Image.fromarray(rng.integers(0, 255, (side, side, 3), np.uint8)).save(pictures / f"p{number:03d}.png")
    mask = np.zeros((side, side), np.uint8)
    mask[side // 2 :] = 255
    Image.fromarray(mask).save(folder / "mask.png")
    return pictures, folder / "mask.png"


def make_model(folder: Path) -> Path:
    """A tiny model with random weights, in diffusers' layout."""
    from tiny_pipelines import save_folder, tiny_components

    return save_folder(tiny_components("SD1"), folder / "tiny")


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "t2c_ext", "batch", *map(str, arguments)]


def begin(*arguments: object, **more: Any) -> subprocess.Popen[str]:
    """A batch in a process, and a group, of its own."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
        "OMP_NUM_THREADS": "1",
    }
    return subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
        **more,
    )


def finish(process: subprocess.Popen[str], seconds: float = 240) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=seconds)
    return process.returncode, out, err


def manifest(out: Path) -> list[dict[str, Any]]:
    """The whole lines of a manifest."""
    path = out / "batch.jsonl"
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [json.loads(line) for line in lines]


def wait_for(met: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.02)


def kill(process: subprocess.Popen[str]) -> None:
    """End the one who runs a batch, as a crash does: it alone, and without any clean-up."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


def loops(out: Path) -> dict[str, bytes]:
    """The loops and stills of a batch, by name; nothing else than the batch's own files may be beside them."""
    own = {"batch.jsonl", "batch.lock", "index.html"}
    found = {path.name: path.read_bytes() for path in out.iterdir() if path.is_file() and path.name not in own}
    folders = [path.name for path in out.iterdir() if path.is_dir()]
    assert folders in ([], ["unfinished"]) and not any(name.startswith(".") for name in found), (folders, list(found))
    return found
