"""The workers of a Ray cluster.

Ray places, retries and restarts; what is said to it here: rows of pictures are tasks, rows that run networks go to
actors that keep their model, each names its row in the dashboard, and no more are handed over than are soon begun. Ray
takes a row up again whose worker or node dies, and it goes on from its last finished stage where the batch's folder is
shared.
"""

from __future__ import annotations

import logging
import os
import platform
import signal
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import t2c_ext
from t2c_ext.batch.failures import FULL, PROGRAM
from t2c_ext.batch.machine import needs_networks
from t2c_ext.batch.order import NETWORKS, Order, order_from
from t2c_ext.batch.plan import Planned
from t2c_ext.batch.pool import Died, Event, Over, Progress
from t2c_ext.errors import UserError, Way
from t2c_ext.keeper import Keeper
from t2c_ext.weights.places import VARIABLE

RETRIES = 20
"""How often Ray takes up a row whose worker or node dies; one that kills every worker it is given to fails then."""

AHEAD = 2
"""Rows that are handed over for each that can run, so that a worker that gets free has the next one at once."""

WAITING = 16
"""Rows that wait as well, for machines that the cluster may add because of them."""

IN_TIME = 60.0
"""Seconds that a node has to say whether it can work."""

REACHED = 5.0
"""Seconds until an address that does not answer is none."""

NODE = 8
"""Letters of a node's name that outcomes tell."""

LOOK = 5.0
"""Seconds between two looks at how large the cluster is."""

INSTALL = 'pip install "text2cinemagraph-webui[ray]"'


def connect(address: str) -> Any:
    """Ray, connected to a cluster.

    Args:
        address: "auto" for that of this machine or job, "host:port", or "ray://host:port".

    Raises:
        UserError: Ray is not installed, there is no cluster, or it is of another version of Ray or Python.
    """
    try:
        import ray
    except ImportError:
        raise UserError(f"a cluster needs Ray, which is not installed: {INSTALL}") from None
    if ray.is_initialized():
        return ray
    _check_reached(address)
    try:
        # its own warnings about nodes and workers that die are for its log: the rows' outcomes tell of them
        with _sigterm_kept():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, configure_logging=True)
    except ConnectionError:
        raise UserError(
            f"there is no Ray cluster at {address}; start one with: ray start --head, and name its address"
        ) from None
    except Exception as error:  # Ray raises plain RuntimeErrors, and grpc its own
        raise UserError(f"cannot join the Ray cluster at {address}: {_why_not(str(error), ray.__version__)}") from None
    return ray


@contextmanager
def _sigterm_kept() -> Iterator[None]:
    """Give a request to end back to who listened for it: Ray takes it for good, and ends the process without clean-up.

    The handler is set again even if Python still tells of the old one: what Ray sets below Python goes with it.
    """
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if before is not None and threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _why_not(said: str, version: str) -> str:
    if "ersion mismatch" in said:
        theirs = " ".join(said.partition("started with:")[2].split())
        theirs = theirs.partition("This process")[0].strip() or "another version"
        here = f"Ray: {version} Python: {platform.python_version()}"
        return f"it runs {theirs}, and here is {here}; both must be the same"
    return " ".join(said.split())[:200]


def _check_reached(address: str) -> None:
    """Refuse an address at which nobody listens; Ray itself would try for long."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto" or not host:
        return
    if not port.isdecimal():
        raise UserError(f"{address} is no address of a Ray cluster; give auto, HOST:PORT, or ray://HOST:PORT")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACHED).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"there is no Ray cluster at {address}: {reason}") from None


# --- on the cluster's machines ----------------------------------------------------------------------------------------


@cache
def _keeper() -> Keeper:
    """What this worker process has loaded; Ray gives it task after task."""
    return Keeper()


def make_row(
    document: Mapping[str, Any],
    sent: Mapping[str, bytes],
    environment: Mapping[str, str],
    queue: Any,
    keeper: Keeper | None = None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Make an order on whatever machine Ray has chosen; what came of it.

    Args:
        document: the order's.
        sent: the content of files that workers do not see.
        environment: variables that hold for all workers.
        queue: an actor that is sent the progress, or None.
        keeper: an actor's own; None: the process's.
    """
    os.environ.update(environment)
    import ray

    context = ray.get_runtime_context()
    node = context.get_node_id()[:NODE]
    if not ray.get_gpu_ids():
        os.environ["CUDA_VISIBLE_DEVICES"] = ""
    from t2c_ext.batch.make import make

    order = order_from(document)
    worker = f"{node} {os.getpid()}"

    def tell(stage: str, done: int, total: int) -> None:
        if queue is not None:
            queue.put_nowait.remote((worker, order.name, stage, done, total))

    made = make(order, keeper or _keeper(), tell, sent)
    if "where" in made.document:
        made.document["where"]["node"] = node
    return made.document, dict(made.contents)


class Maker:
    """An actor that keeps its model from row to row."""

    def __init__(self) -> None:
        """Nothing is loaded yet."""
        self._keeper = Keeper()

    def make(
        self, document: Mapping[str, Any], sent: Mapping[str, bytes], environment: Mapping[str, str], queue: Any
    ) -> tuple[dict[str, Any], dict[str, bytes]]:
        """See `make_row`."""
        return make_row(document, sent, environment, queue, self._keeper)


def look_round(token: str) -> tuple[str, bool]:
    """On a node: the version of this program there, and whether it sees the batch's folder."""
    return t2c_ext.__version__, bool(token) and Path(token).is_file()


# --- on the machine that runs the batch -------------------------------------------------------------------------------


class RayPool:
    """Tasks and actors of a cluster."""

    tries = 3
    elsewhere = True
    networked = True

    def __init__(  # noqa: PLR0917
        self,
        ray: Any,
        planned: Sequence[Planned],
        workers: int | None = None,
        cpus: float = 1.0,
        gpus: float | None = None,
        gigabytes: float = 0.0,
        token: str = "",
    ) -> None:
        """Look at the cluster; nothing runs yet.

        Args:
            ray: from `connect`.
            planned: the rows that are to be made.
            workers: rows at a time; None: as many as the cluster holds.
            cpus: processors for each row.
            gpus: GPUs for each actor; None: one, where the cluster has some.
            gigabytes: memory that each row asks for; 0: none.
            token: a file below the batch's folder that nodes look for; "" where the folder is behind an address.

        Raises:
            UserError: a node cannot work, or there are no resources for a single row.
        """
        self._ray, self._workers, self._cpus = ray, workers, cpus
        has_gpus = self._resources().get("GPU", 0) > 0
        self._gpus = (1.0 if has_gpus else 0.0) if gpus is None else gpus
        self._memory = {"memory": int(gigabytes * 1e9)} if gigabytes else {}
        self._left = sum(needs_networks(row) for row in planned)
        self._resources_seen, self._looked = self._resources(), time.monotonic()
        self._check_resources()
        shared = self._check_nodes(token) if token else True
        self.splits = bool(self._gpus) and shared
        self._refs: dict[Any, tuple[Order, Any]] = {}
        self._actors: dict[Any, int] = {}
        self._full, self._turn = set[str](), 0
        self._queue = _Queue(ray)
        self._environment = {VARIABLE: os.environ[VARIABLE]} if VARIABLE in os.environ else {}
        options = {"num_cpus": cpus, "max_retries": RETRIES, **self._memory}
        self._task = ray.remote(**options)(make_row)
        # with a GPU an actor takes no processor from the loops, which would wait for it and it for them
        own = {"num_gpus": self._gpus, "num_cpus": 0} if self._gpus else {"num_cpus": cpus}
        again = {"max_restarts": -1, "max_task_retries": RETRIES}
        self._maker = ray.remote(**own, **again, **self._memory)(Maker)

    def room(self, kind: str) -> bool:
        """Whether another row would soon be begun."""
        if kind == NETWORKS:
            return min(self._actors.values(), default=AHEAD) < AHEAD or len(self._actors) < self._most_actors()
        in_hand = sum(actor is None for _, actor in self._refs.values())
        return in_hand < (self._workers or AHEAD * self._slots() + WAITING)

    def submit(self, order: Order, sent: Mapping[str, bytes]) -> None:
        """Hand it over."""
        name = f"row {order.name}"
        given = (order.to_document(), dict(sent), self._environment, self._queue.actor)
        if order.kind != NETWORKS:
            self._refs[self._task.options(name=name, **self._where()).remote(*given)] = (order, None)
            return
        actor = min(self._actors, key=lambda one: self._actors[one], default=None)
        if actor is None or (self._actors[actor] and len(self._actors) < self._most_actors()):
            actor = self._maker.options(**self._where()).remote()
            self._actors[actor] = 0
        self._actors[actor] += 1
        self._refs[actor.make.options(name=name).remote(*given)] = (order, actor)

    def events(self, seconds: float) -> list[Event]:
        """What has come, and what the workers do."""
        found: list[Event] = list(self._queue.received())
        ready, _ = self._ray.wait(list(self._refs), num_returns=1, timeout=seconds)
        if ready:
            ready, _ = self._ray.wait(list(self._refs), num_returns=len(self._refs), timeout=0)
        return found + [self._event(ref) for ref in ready]

    def stop(self) -> None:
        """End at once."""
        for ref, (_, actor) in self._refs.items():
            if actor is None:
                self._ray.cancel(ref, force=True)
        self.close()

    def close(self) -> None:
        """Let the actors go, and leave the cluster."""
        for actor in self._actors:
            self._ray.kill(actor)
        self._actors.clear()
        self._refs.clear()
        self._queue.close()
        self._ray.shutdown()

    def _event(self, ref: Any) -> Event:
        order, actor = self._refs.pop(ref)
        event = self._came(ref, order)
        if actor is not None:
            self._actors[actor] -= 1
            self._left -= isinstance(event, Over)
            if not self._actors[actor] and self._left < len(self._actors) * AHEAD:
                self._actors.pop(actor)
                self._ray.kill(actor)  # what it held is for those that wait
            elif isinstance(event, Died):
                self._actors.pop(actor, None)
        return event

    def _came(self, ref: Any, order: Order) -> Event:
        errors = self._ray.exceptions
        try:
            document, contents = self._ray.get(ref)
            if document.get("kind") == FULL:
                self._full.add(document["where"].get("node", ""))
            return Over(order.name, document, contents)
        except errors.RayTaskError as error:  # what no worker foresees, such as a package that a node lacks
            line = f"on a machine of the cluster: {_last_line(error)}"
            failed = {"name": order.name, "state": "failed", "error": line, "kind": PROGRAM, "label": order.label}
            return Over(order.name, failed | {"fingerprint": order.fingerprint, "origin": order.origin})
        except errors.RayError as error:
            return Died(order.name, f"on the cluster: {type(error).__name__}: {_first_line(error)}")

    def _where(self) -> dict[str, Any]:
        """Nothing, or once a machine's disk is full: one of the others, in turn."""
        if not self._full:
            return {}
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        alive = [node for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= self._cpus]
        sound = [node["NodeID"] for node in alive if node["NodeID"][:NODE] not in self._full]
        self._turn += 1
        if not sound:
            return {}
        return {"scheduling_strategy": NodeAffinitySchedulingStrategy(sound[self._turn % len(sound)], soft=True)}

    def _most_actors(self) -> int:
        whole = self._resources_now()
        most = whole.get("GPU", 0) / self._gpus if self._gpus else whole.get("CPU", 0) / max(self._cpus, 1e-3)
        return max(1, min(int(most), self._workers or int(most), max(self._left, 1)))

    def _slots(self) -> int:
        """Rows that the cluster can make at a time."""
        whole = self._resources_now()
        slots = whole.get("CPU", 0) / max(self._cpus, 1e-3)
        if self._memory:
            slots = min(slots, whole.get("memory", 0) / self._memory["memory"])
        return max(1, int(slots))

    def _resources_now(self) -> dict[str, float]:
        """The cluster's, looked at now and then: nodes come and go."""
        if time.monotonic() - self._looked > LOOK:
            self._resources_seen, self._looked = self._resources(), time.monotonic()
        return self._resources_seen

    def _resources(self) -> dict[str, float]:
        return dict(self._ray.cluster_resources())

    def _check_resources(self) -> None:
        """Refuse what no machine can hold, unless there are only machines to come: its tasks would wait for ever."""
        nodes = [node["Resources"] for node in self._ray.nodes() if node["Alive"]]
        if not any(node.get("CPU", 0) for node in nodes):
            return
        wanted = {"CPU": self._cpus, **self._memory}
        if not any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in nodes):
            most = max((node.get("CPU", 0) for node in nodes), default=0)
            raise UserError(
                f"no machine of the Ray cluster can hold a row: each asks for {self._cpus:g} processors"
                + (f" and {self._memory['memory'] / 1e9:g} GB" if self._memory else "")
                + f", and the largest has {most:g}",
                ways=[
                    Way("ask for fewer processors", "cpus"),
                    Way("for less memory", "gigabytes"),
                    Way("add machines"),
                ],
            )
        if self._gpus and self._left and not any(node.get("GPU", 0) >= self._gpus for node in nodes):
            raise UserError(
                f"no machine of the Ray cluster has {self._gpus:g} GPUs",
                ways=[Way("ask for less", "gpus", "0 for none")],
            )

    def _check_nodes(self, token: str) -> bool:
        """Ask every node: it must have this program in this version; whether all of them see the batch's folder."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        look = self._ray.remote(num_cpus=0, max_retries=1)(look_round)
        asked = {}
        for node in self._ray.nodes():
            if node["Alive"] and node["Resources"].get("CPU", 0) >= self._cpus:
                strategy = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                asked[look.options(scheduling_strategy=strategy).remote(token)] = node["NodeManagerAddress"]
        ready, _ = self._ray.wait(list(asked), num_returns=len(asked), timeout=IN_TIME)
        seen = []
        for ref in ready:
            try:
                version, sees = self._ray.get(ref)
            except self._ray.exceptions.RayTaskError as error:
                raise UserError(
                    f"the machine {asked[ref]} of the Ray cluster cannot work: {_last_line(error)}; "
                    "install this program there, in the same version"
                ) from None
            except self._ray.exceptions.RayError:
                continue  # it has died meanwhile, which others are there for
            if version != t2c_ext.__version__:
                raise UserError(
                    f"the machine {asked[ref]} of the Ray cluster has version {version} of this program, and here is "
                    f"{t2c_ext.__version__}; install the same one"
                )
            seen.append(sees)
        return bool(seen) and all(seen)  # what is not known to be shared is made on one machine from end to end


class _Queue:
    """Progress on its way from the workers: an actor on this machine, so that it goes with nobody else."""

    def __init__(self, ray: Any) -> None:
        from ray.util.queue import Queue
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self._error = ray.exceptions.RayError
        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        self._queue = Queue(actor_options={"num_cpus": 0, "scheduling_strategy": here})
        self.actor = self._queue.actor

    def received(self) -> Iterator[Progress]:
        """What has been sent since the last call."""
        try:
            count = self._queue.size()
            said = self._queue.get_nowait_batch(count) if count else []
        except self._error:
            said = []  # only the progress is lost
        for worker, row, stage, done, total in said:
            yield Progress(worker, row, stage, done, total)

    def close(self) -> None:
        with suppress(self._error):  # it is gone already
            self._queue.shutdown(force=True)


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__


def _first_line(error: Exception) -> str:
    return next((line.strip()[:160] for line in str(error).splitlines() if line.strip()), "")
