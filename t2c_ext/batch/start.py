"""A batch from what a user names: a list and a folder, on this machine or on Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from t2c_ext.batch.local import LocalPool
from t2c_ext.batch.machine import crew_for
from t2c_ext.batch.outcome import Outcome
from t2c_ext.batch.plan import Planned
from t2c_ext.batch.pool import Pool
from t2c_ext.batch.rows import Broken, Row, is_address
from t2c_ext.batch.run import Listener, Setup, run
from t2c_ext.batch.sweep import multiplied
from t2c_ext.errors import UserError, Way
from t2c_ext.media.ownership import same_place
from t2c_ext.settings import Value


def _never() -> bool:
    return False


@dataclass(frozen=True)
class BatchRequest:
    """How a batch is made, apart from its rows.

    Attributes:
        out: the folder or address that gets the loops.
        source: the list or folder that the rows are from, or None for rows of Python's.
        sweep: the values of settings that each row is multiplied by.
        workers: how many at a time; None: as many as this machine, or the cluster, holds.
        workspaces: a folder where each row's workspace stays, below its name; None: only until the row is done.
        ray: "" for this machine, "auto" or an address for a cluster of Ray.
        cpus: of a cluster, for each row.
        gpus: of a cluster, for each worker that runs networks; None: one where the cluster has some.
        gigabytes: of a cluster's memory, for each row; 0: not asked for.
        stopping: whether the user has asked to stop.
    """

    out: str
    source: Path | None = None
    sweep: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    workers: int | None = None
    workspaces: Path | None = None
    ray: str = ""
    cpus: float = 1.0
    gpus: float | None = None
    gigabytes: float = 0.0
    stopping: Callable[[], bool] = _never


def start(rows: Sequence[Row | Broken], request: BatchRequest, listener: Listener | None = None) -> Iterator[Outcome]:
    """Make what is not finished; give each outcome when it has come, and those of earlier runs first.

    Raises:
        UserError: nothing can be begun as asked; one line that says why.
    """
    if request.source is not None and not is_address(request.out) and same_place(Path(request.out), request.source):
        raise UserError(f"{request.out} is where the rows are from; name another folder for the loops")
    if request.workspaces is not None and is_address(request.out):
        raise UserError(
            "workspaces stay on disks that workers see, and not behind an address",
            ways=[Way("leave it out", "workspace")],
        )
    setup = Setup(
        multiplied(rows, request.sweep),
        request.out,
        lambda planned, token: _pool(planned, request, token),
        "" if request.source is None else str(request.source.resolve()),
        None if request.workspaces is None else request.workspaces.resolve(),
        bool(request.ray),
        request.stopping,
    )
    return run(setup, listener)


def _pool(planned: Sequence[Planned], request: BatchRequest, token: str) -> Pool:
    if not request.ray:
        return LocalPool(crew_for(planned, request.workers))
    from t2c_ext.batch.cluster import RayPool, connect

    return RayPool(connect(request.ray), planned, request.workers, request.cpus, request.gpus, request.gigabytes, token)
