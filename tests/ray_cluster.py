"""A Ray cluster on loopback: a head and nodes as separate processes, which may be killed."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from batch_runs import ROOT, wait_for

STORE = 80_000_000
"""Bytes of each node's object store."""


class Cluster:
    """A head without processors, and nodes with one each.

    Attributes:
        address: of the head.
        nodes: the processes of the nodes, by their number.
    """

    def __init__(self, nodes: int) -> None:
        # sockets lie in it, whose paths are short
        self.folder = Path(tempfile.mkdtemp(prefix="t2c-ray-", dir="/tmp"))
        self.nodes: dict[int, subprocess.Popen[bytes]] = {}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        head = ("--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false", f"--temp-dir={self.folder}")
        try:
            self._head = self._start("head", *head)
            for number in range(nodes):
                self.add(number)
        except BaseException:
            self.close()
            raise

    def add(self, number: int) -> None:
        """Start a node, in place of one that was killed."""
        self.nodes[number] = self._start(f"node-{number}", f"--address={self.address}", "--num-cpus=1")

    def workers(self, busy: bool = True) -> list[int]:
        """The worker processes of all nodes: those at work, or all."""
        found = []
        for pid in _descendants([node.pid for node in self.nodes.values()]):
            title = _title(pid)
            idle = title.startswith(("ray::Runtime", "ray::Dashboard", *(["ray::IDLE"] if busy else [])))
            if title.startswith("ray::") and not idle:
                found.append(pid)
        return found

    def kill_a_worker(self, chance: random.Random) -> str:
        """`kill -9` of a worker that is at work; what it did, or "" where none does."""
        workers = self.workers()
        if not workers:
            return ""
        pid = chance.choice(workers)
        title = _title(pid)
        os.kill(pid, signal.SIGKILL)
        return title

    def kill_a_node(self, chance: random.Random) -> int:
        """`kill -9` of everything of a node, at once; its number."""
        number = chance.choice(sorted(self.nodes))
        _end(self.nodes.pop(number))
        return number

    def close(self) -> None:
        """End everything that was started here."""
        for process in (*self.nodes.values(), *filter(None, [getattr(self, "_head", None)])):
            _end(process)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, name: str, *more: str) -> subprocess.Popen[bytes]:
        log = self.folder / f"{name}-{time.monotonic_ns()}.log"
        ray = Path(sys.executable).with_name("ray")
        command = [str(ray), "start", "--block", f"--object-store-memory={STORE}", "--disable-usage-stats", *more]
        paths = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "RAY_DISABLE_IMPORT_WARNING": "1"}
        with log.open("wb") as said:
            process = subprocess.Popen(
                command, stdout=said, stderr=said, env=environment, start_new_session=True, cwd=self.folder
            )
        wait_for(lambda: b"Ray runtime started" in log.read_bytes() or process.poll() is not None)
        assert process.poll() is None, log.read_text(encoding="utf-8")[-800:]
        return process


def _end(process: subprocess.Popen[Any]) -> None:
    for pid in (*_descendants([process.pid]), process.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def _descendants(roots: list[int]) -> list[int]:
    """The processes below these, from /proc."""
    parents: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        if entry.isdecimal():
            try:
                fields = Path(f"/proc/{entry}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2]
            except OSError:
                continue
            parents.setdefault(int(fields.split()[1]), []).append(int(entry))
    found, waiting = list[int](), list(roots)
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def _title(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""
