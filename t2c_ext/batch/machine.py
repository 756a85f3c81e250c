"""How many workers this machine holds."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from t2c_ext.batch.plan import Planned
from t2c_ext.errors import UserError
from t2c_ext.loop.budget import available
from t2c_ext.motion.choose import DIRECTION_WEIGHTS, TEXT_WEIGHTS
from t2c_ext.region.segmenters.choose import choose_segmenter
from t2c_ext.twin import miniature
from t2c_ext.weights.find import find_model
from t2c_ext.weights.places import expanded

FOR_A_PICTURE = 900_000_000
"""Bytes of a worker that moves pictures of up to two megapixels (0.3 GB at 512 pixels; see benchmarks/README.md)."""

FOR_A_MODEL = 3.0
"""Bytes of a worker that samples on cores, for each byte of its checkpoint: float32 of what lies there as float16."""

UNKNOWN_MODEL = 4_000_000_000
"""Bytes of a checkpoint that is not here yet, such as one of the hub."""

SHARE = 0.8
"""Of the memory that is available, so that the rest of the machine goes on."""


@dataclass(frozen=True)
class Crew:
    """The workers of a machine.

    Attributes:
        cores: how many compute with cores only.
        gpus: the GPUs that have a worker each, as CUDA_VISIBLE_DEVICES names them.
        threads: threads of each worker that computes with cores.
    """

    cores: int
    gpus: tuple[str, ...] = ()
    threads: int = 1


def crew_for(planned: Iterable[Planned], workers: int | None = None) -> Crew:
    """The workers for some rows: by cores and memory, and one for each GPU where networks run.

    Args:
        planned: the rows.
        workers: how many compute with cores; None: as many as the machine holds.
    """
    rows, cores = list(planned), cores_here()
    networked = [row for row in rows if needs_networks(row)]
    gpus = _gpus() if networked else ()
    if workers is None:
        need = FOR_A_PICTURE
        if networked and not gpus:
            need += max((_model_bytes(name) for name in {row.row.recipe.twin.model for row in networked}), default=0)
        workers = max(1, min(cores, int(SHARE * memory_here() / need)))
    workers = max(1, min(workers, len(rows) or 1))
    return Crew(workers, gpus[: len(networked)], max(1, cores // workers))


def needs_networks(planned: Planned) -> bool:
    """Whether a row runs networks that a GPU makes faster: its model, its segmenter, its motion or its renderer."""
    recipe = planned.row.recipe
    if recipe.twin.device == "cpu":
        return False
    motion = recipe.motion.motion_model
    if recipe.twin.model or recipe.loop.renderer != "warp" or motion not in ("auto", "solver"):
        return True
    return (motion == "auto" and _motion_is_here()) or _has_networks(recipe.region.segmenter)


@cache
def _motion_is_here() -> bool:
    return any(find_model(name) is not None for name in (DIRECTION_WEIGHTS, TEXT_WEIGHTS))


@cache
def _has_networks(segmenter: str) -> bool:
    try:
        return bool(choose_segmenter(segmenter).networks)
    except UserError:
        return False  # the row says so itself


def cores_here() -> int:
    """Processors that this process may use, also where a container has a share of them."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        allowed = min(allowed, max(1, int(int(quota) / int(period))))
    except (OSError, ValueError):
        pass  # no container, or one without a limit
    return max(1, allowed)


def memory_here() -> int:
    """Bytes that this process may still use, 0 or more, also where a container has a share of them."""
    free = available()
    try:
        most, used = (
            int(Path(f"/sys/fs/cgroup/memory.{name}").read_text(encoding="ascii")) for name in ("max", "current")
        )
        free = min(free, most - used)
    except (OSError, ValueError):
        pass  # no container, or one without a limit
    return max(free, 0)


def _gpus() -> tuple[str, ...]:
    try:
        import torch
    except ImportError:
        return ()
    if torch.cuda.is_available():
        named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
        return tuple(named or map(str, range(torch.cuda.device_count())))
    return ("mps",) if torch.backends.mps.is_available() else ()


def _model_bytes(name: str) -> int:
    """What a worker takes that has this model on its cores."""
    if not name:
        return 0
    path = miniature.model_file() if name.strip() == miniature.NAME else expanded(name)
    files = [path] if path.is_file() else [*path.rglob("*")] if path.is_dir() else []
    known = sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".json")
    return int(FOR_A_MODEL * (known or UNKNOWN_MODEL))
