"""The workers of this machine: processes that load models once and take row after row."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from t2c_ext.batch.machine import Crew
from t2c_ext.batch.order import CORES, NETWORKS, Order
from t2c_ext.batch.pool import Died, Event, Over, Progress

THREADS = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""What libraries read how many threads they may use from."""

_MPS = "mps"

Line = tuple["_Process", "dict[str, Any] | None"]
"""What a worker said, or None when it has ended."""


class LocalPool:
    """Worker processes; each is begun when there is a row for it, and another one in its place when it dies."""

    splits = True
    tries = 3
    elsewhere = False

    def __init__(self, crew: Crew) -> None:
        """Keep how many there may be; nothing runs yet."""
        self._crew = crew
        self._lines: queue.SimpleQueue[Line] = queue.SimpleQueue()
        self._processes: list[_Process] = []

    @property
    def networked(self) -> bool:
        """Whether there are GPUs."""
        return bool(self._crew.gpus)

    def room(self, kind: str) -> bool:
        """Whether a worker of this kind is idle or may be begun."""
        return self._idle(kind) is not None or self._busy(kind) < self._most(kind)

    def submit(self, order: Order, sent: Mapping[str, bytes]) -> None:
        """Give it to an idle worker, or to a new one."""
        del sent  # every worker sees this machine's files
        process = self._idle(order.kind)
        if process is None:
            process = _Process(order.kind, self._environment(order.kind), self._number(order.kind), self._lines)
            self._processes.append(process)
        process.take(order)

    def events(self, seconds: float) -> list[Event]:
        """What the workers have said."""
        found, end = list[Event](), time.monotonic() + seconds
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, end - time.monotonic()) if not found else 0)
            except queue.Empty:
                return found
            event = self._event(*line)
            if event is not None:
                found.append(event)

    def stop(self) -> None:
        """Kill them; their workspaces hold what is finished."""
        for process in self._processes:
            process.kill()
        self._processes.clear()

    def close(self) -> None:
        """Let them end."""
        for process in self._processes:
            process.close()
        self._processes.clear()

    def _event(self, process: _Process, document: Mapping[str, Any] | None) -> Event | None:
        if document is None:
            row = process.order.name if process.order is not None else ""
            if process in self._processes:
                self._processes.remove(process)
            return Died(row, process.last_words()) if row else None
        row = str(document["row"])
        if "progress" in document:
            stage, done, total = document["progress"]
            return Progress(process.name, row, stage, done, total)
        process.order = None
        return Over(row, document["over"])

    def _most(self, kind: str) -> int:
        return len(self._crew.gpus) if kind == NETWORKS else self._crew.cores

    def _busy(self, kind: str) -> int:
        return sum(process.kind == kind and process.order is not None for process in self._processes)

    def _idle(self, kind: str) -> _Process | None:
        return next((one for one in self._processes if one.kind == kind and one.order is None), None)

    def _number(self, kind: str) -> int:
        taken = {process.number for process in self._processes if process.kind == kind}
        return next(number for number in range(self._most(kind)) if number not in taken)

    def _environment(self, kind: str) -> dict[str, str]:
        threads = {name: str(self._crew.threads) for name in THREADS if name not in os.environ}
        if kind == CORES:
            # the GPUs are for the workers that have one each
            return threads | ({"CUDA_VISIBLE_DEVICES": ""} if self._crew.gpus else {})
        gpu = self._crew.gpus[self._number(kind)]
        return {} if gpu == _MPS else {"CUDA_VISIBLE_DEVICES": gpu}


class _Process:
    """One worker process.

    Attributes:
        order: what it has in hand, or None.
        name: how progress names it.
    """

    def __init__(self, kind: str, environment: Mapping[str, str], number: int, lines: queue.SimpleQueue[Line]) -> None:
        self.kind, self.number = kind, number
        self.order: Order | None = None
        self.name = f"{'gpu' if kind == NETWORKS else 'worker'} {number + 1}"
        self._said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115, as long as the process
        package = str(Path(__file__).resolve().parent.parent.parent)
        paths = os.pathsep.join(filter(None, (package, os.environ.get("PYTHONPATH", ""))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "t2c_ext.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            env={**os.environ, **environment, "PYTHONPATH": paths},
            # an interrupt at the terminal is for whoever runs the batch, who lets rows come to their end
            start_new_session=os.name != "nt",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        threading.Thread(target=self._listen, args=(lines,), name=self.name, daemon=True).start()

    def take(self, order: Order) -> None:
        """Give it an order; where it is gone already, its listener says so."""
        self.order = order
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(order.to_document()).encode() + b"\n")
            self._process.stdin.flush()
        except OSError:
            pass  # the listener notices that it is gone

    def last_words(self) -> str:
        """Why it ended, as far as that is known."""
        code = self._process.wait()
        self._said.seek(0)
        lines = [line.strip() for line in self._said.read().decode("utf-8", "replace").splitlines() if line.strip()]
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        if code == -9:
            how += ", as the system does where memory runs out"
        return how + (f": {lines[-1][:160]}" if lines and code > 0 else "")

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        """Tell it that there is nothing more."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            self.kill()

    def _listen(self, lines: queue.SimpleQueue[Line]) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as said:
            for line in said:
                try:
                    document = json.loads(line)
                except ValueError:
                    continue  # it was killed in the middle of a line
                lines.put((self, document))
        lines.put((self, None))
