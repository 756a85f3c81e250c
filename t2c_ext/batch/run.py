"""A batch from its rows to their outcomes, whoever makes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from t2c_ext.batch.failures import DIED, FULL
from t2c_ext.batch.inputs import state_of
from t2c_ext.batch.machine import needs_networks
from t2c_ext.batch.manifest import read_manifest
from t2c_ext.batch.order import CORES, NETWORKS, Order
from t2c_ext.batch.outcome import Outcome, from_document
from t2c_ext.batch.places import UNFINISHED
from t2c_ext.batch.plan import Plan, Planned, as_outcome, make_plan
from t2c_ext.batch.pool import Died, Event, Over, Pool, Progress
from t2c_ext.batch.rows import Broken, Row
from t2c_ext.batch.site import Site, opened
from t2c_ext.errors import UserError
from t2c_ext.types import Stage

LOOK = 0.25
"""Seconds between two looks at whether the user has asked to stop."""

AHEAD = 32
"""Rows, at most, whose networks have run and whose loops wait for cores."""

TRIES_ELSEWHERE = 3
"""Machines that are tried for a row that meets full disks."""


class Listener(Protocol):
    """Who is told how a batch goes."""

    def begin(self, rows: int, finished: Sequence[Outcome]) -> None:
        """Before the first row: how many there are in all, and those that were finished by earlier runs."""

    def working(self, progress: Progress) -> None:
        """A worker has come to a step."""

    def ended(self, outcome: Outcome) -> None:
        """A row has ended."""


@dataclass(frozen=True)
class Setup:
    """A batch that is to be run.

    Attributes:
        rows: of the list.
        out: the folder or address that gets the loops.
        pool: makes the workers for the rows that are to be made; is told the token's place, or "".
        source: the list's place, to tell its rows from those of another list.
        workspaces: where each row's workspace stays, or None to have it only until the row is done.
        token: whether workers are to look if they see the folder.
        stopping: whether the user has asked to stop: what is in hand is finished, and nothing more begun.
    """

    rows: Sequence[Row | Broken]
    out: str
    pool: Callable[[Sequence[Planned], str], Pool]
    source: str = ""
    workspaces: Path | None = None
    token: bool = False
    stopping: Callable[[], bool] = lambda: False


class _Silent:
    """Does nothing with what it is told."""

    def begin(self, rows: int, finished: Sequence[Outcome]) -> None:
        """Nothing."""

    def working(self, progress: Progress) -> None:
        """Nothing."""

    def ended(self, outcome: Outcome) -> None:
        """Nothing."""


def run(setup: Setup, listener: Listener | None = None) -> Iterator[Outcome]:
    """Make all rows that are not finished; give each outcome when it has come, and those of earlier runs first.

    At the end, and where the iterator is closed before, the gallery is written and the workers are gone.

    Raises:
        UserError: the folder cannot be written to, or another run has it.
    """
    listener = listener or _Silent()
    with ExitStack() as stack:
        site = stack.enter_context(opened(setup.out))
        before, _ = read_manifest(site.manifest.path)
        plan = make_plan(setup.rows, before, site.lookout(), setup.source)
        site.sweep(plan.finished)
        listener.begin(len(setup.rows), plan.finished)
        stack.callback(site.gallery, plan.places)
        yield from plan.finished
        known = {outcome.name: outcome for outcome in before}
        for outcome in plan.broken:
            if known.get(outcome.name) != outcome:
                site.manifest.append(outcome)
            listener.ended(outcome)
            yield outcome
        if plan.todo:
            yield from _Run(setup, site, plan, listener).outcomes()


@dataclass
class _Run:
    """The rows on their way."""

    setup: Setup
    site: Site
    plan: Plan
    listener: Listener
    waiting: dict[str, deque[Order]] = field(default_factory=lambda: {NETWORKS: deque(), CORES: deque()})
    later: dict[str, list[Order]] = field(default_factory=dict)
    in_hand: dict[str, Order] = field(default_factory=dict)
    sent: dict[str, bytes] = field(default_factory=dict)
    told: dict[str, str] = field(default_factory=dict)

    def outcomes(self) -> Iterator[Outcome]:
        """Each outcome when it has come."""
        with self.site.token(self.setup.token) as token:
            pool = self.setup.pool(self.plan.todo, token and str(self.site.folder / UNFINISHED / token))
            try:
                for planned in _by_model(self.plan.todo):
                    first, *rest = self._orders(planned, pool, token)
                    self.waiting[first.kind].append(first)
                    self.later[planned.name] = rest
                yield from self._work(pool)
                pool.close()
            except BaseException:
                pool.stop()
                raise
            finally:
                self.site.settle(now=True)

    def _work(self, pool: Pool) -> Iterator[Outcome]:
        while self.in_hand or (any(self.waiting.values()) and not self.setup.stopping()):
            if not self.setup.stopping():
                self._fill(pool)
            for event in pool.events(LOOK):
                outcome = self._handle(event, pool)
                if not self.setup.stopping():
                    self._fill(pool)  # before its outcome is written, so that nobody waits for that
                if outcome is not None:
                    self.site.manifest.append(outcome)
                    self.site.settle()
                    self.listener.ended(outcome)
                    yield outcome

    def _fill(self, pool: Pool) -> None:
        for kind, orders in self.waiting.items():
            while orders and pool.room(kind) and not (kind == NETWORKS and len(self.waiting[CORES]) >= AHEAD):
                order = orders.popleft()
                self.in_hand[order.name] = order
                pool.submit(order, {name: self.sent[name] for name in order.files if name in self.sent})

    def _handle(self, event: Event, pool: Pool) -> Outcome | None:
        if isinstance(event, Progress):
            self.listener.working(event)
            return None
        order = self.in_hand.pop(event.row, None)
        if order is None:
            return None  # of a row that somebody else has ended meanwhile
        if isinstance(event, Died):
            return self._died(order, event, pool)
        return self._over(order, event, pool)

    def _over(self, order: Order, event: Over, pool: Pool) -> Outcome | None:
        if "part" in event.document:
            following = self.later[order.name].pop(0)
            self.waiting[following.kind].append(following)
            return None
        if "unseen" in event.document:
            return self._unseen(order, [str(name) for name in event.document["unseen"]])
        outcome = from_document(event.document)
        if outcome.kind == FULL and pool.elsewhere and order.attempt < TRIES_ELSEWHERE:
            self.waiting[order.kind].appendleft(replace(order, attempt=order.attempt + 1))
            where = " ".join(outcome.where.get(part, "") for part in ("machine", "node")).strip()
            self.told[order.name] = f"it was made elsewhere, since on {where or 'a machine'}: {outcome.error}"
            return None
        if order.name in self.told:
            outcome = replace(outcome, notes=(*outcome.notes, self.told.pop(order.name)))
        if event.contents:
            outcome = self._received(outcome, event.contents)
        if outcome.is_done and any(not outcome.inputs.get(name) for name in order.files):
            outcome = replace(
                outcome, inputs={name: outcome.inputs.get(name) or state_of(name) for name in order.files}
            )
        for name in order.files:
            self.sent.pop(name, None)
        return outcome

    def _died(self, order: Order, event: Died, pool: Pool) -> Outcome | None:
        if order.attempt < pool.tries:
            self.waiting[order.kind].appendleft(replace(order, attempt=order.attempt + 1))
            return None
        times = f"{order.attempt} times, " if order.attempt > 1 else ""
        planned = next(row for row in self.plan.todo if row.name == order.name)
        return as_outcome(planned, error=f"its worker ended {times}{event.reason}", kind=DIED, attempts=order.attempt)

    def _unseen(self, order: Order, names: Sequence[str]) -> Outcome | None:
        """Read what a worker does not see, and send it along."""
        try:
            self.sent |= {name: Path(name).read_bytes() for name in names}
        except OSError as error:
            planned = next(row for row in self.plan.todo if row.name == order.name)
            line = f"cannot read {error.filename}: {error.strerror or error}"
            return as_outcome(planned, error=line, kind="a file is not there any more")
        self.waiting[order.kind].appendleft(order)
        return None

    def _received(self, outcome: Outcome, contents: Mapping[str, bytes]) -> Outcome:
        try:
            self.site.receive(outcome, contents)
        except UserError as error:
            kind = FULL if "disk is full" in str(error) else "it cannot be written"
            return replace(outcome, state="failed", error=str(error), kind=kind, file="", poster="")
        return outcome

    def _orders(self, planned: Planned, pool: Pool, token: str) -> list[Order]:
        """One for the whole row, or one for its networks and one for its loop."""
        row = planned.row
        whole = Order(
            planned.name,
            planned.key,
            planned.fingerprint,
            planned.origin,
            row.label,
            row.recipe.values(),
            self.site.out,
            row.picture,
            row.natural,
            row.masks,
            row.flow,
            row.depth,
            row.group,
            dict(row.swept),
            "" if self.setup.workspaces is None else str(self.setup.workspaces / planned.name),
            token,
        )
        if not (pool.networked and needs_networks(planned)):
            return [whole]
        if not pool.splits or row.recipe.loop.renderer != "warp":
            return [replace(whole, kind=NETWORKS)]
        return [replace(whole, kind=NETWORKS, until=Stage.MOTION.value), whole]


def _by_model(planned: Sequence[Planned]) -> list[Planned]:
    """Rows of one model one after the other, so that a worker loads it once; else in the list's order."""
    order: dict[str, int] = {}
    for row in planned:
        order.setdefault(row.row.recipe.twin.model, len(order))
    return sorted(planned, key=lambda row: order[row.row.recipe.twin.model])
