"""Makes one row in this process; whoever runs it, it comes to an outcome and raises nothing."""

from __future__ import annotations

import json
import os
import platform
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from t2c_ext.batch.failures import described
from t2c_ext.batch.inputs import Unseen, at_hand, state_of
from t2c_ext.batch.order import Order
from t2c_ext.batch.outcome import DONE, FAILED
from t2c_ext.batch.places import DETAILS, INPUTS, JOURNAL, UNFINISHED, WORKSPACE, Delivery, Place, place_of
from t2c_ext.errors import UserError
from t2c_ext.jobs import make_job
from t2c_ext.keeper import Keeper
from t2c_ext.pipeline import Cinemagraph, Pipeline, Watch
from t2c_ext.progress import Reporter
from t2c_ext.records import InUse
from t2c_ext.settings import table
from t2c_ext.types import Stage
from t2c_ext.workspace import Workspace

PATIENCE = 60.0
"""Seconds that a worker waits for one that has the row's workspace still: of a run that was just killed."""

EVERY = 0.2
"""Seconds between two reports of a stage's progress."""

Tell = Callable[[str, int, int], None]
"""Is called with (stage, done, total), not too often."""


@dataclass(frozen=True)
class Made:
    """What came of an order.

    Attributes:
        document: an outcome's, or for a part of a row {"part": ...}, or for files that are not here {"unseen": [...]}.
        contents: files that are still to be written into the batch's folder, by name.
    """

    document: dict[str, Any]
    contents: Mapping[str, bytes] = field(default_factory=dict)


def make(order: Order, keeper: Keeper, tell: Tell, sent: Mapping[str, bytes] | None = None) -> Made:
    """Make a row, or the part of it that is asked for.

    Args:
        order: the row.
        keeper: keeps segmenters and networks for the next one.
        tell: is told of its progress.
        sent: the content of files that this machine does not have.
    """
    known = _known(order)
    try:
        place = place_of(order)
        earlier = place.begin()
        if earlier is not None:
            return Made(earlier)
        result, inputs = _run(order, place, keeper, tell, sent or {})
        if order.until != Stage.LOOP.value:
            return Made({"part": order.until, "name": order.name})
        return _concluded(order, place, known, result, inputs)
    except Unseen as unseen:
        return Made({"unseen": list(unseen.names), "name": order.name})
    except Exception as error:  # a row's error, foreseen or not, stops no other row
        line, kind = described(error)
        unforeseen = not isinstance(error, (UserError, OSError, MemoryError))
        details = _details(order) if unforeseen else ""
        failed = {"state": FAILED, "error": line, "kind": kind, "details": details, "ended": _now()}
        return Made(known | failed)


def _run(
    order: Order, place: Place, keeper: Keeper, tell: Tell, sent: Mapping[str, bytes]
) -> tuple[Cinemagraph, dict[str, Any]]:
    folder = place.unfinished / INPUTS
    picture, natural, flow, depth = (
        at_hand(name, folder, sent) for name in (order.picture, order.natural, order.flow, order.depth)
    )
    if isinstance(order.masks, Mapping):
        masks: Any = {name: at_hand(file, folder, sent) for name, file in order.masks.items()}
    else:
        masks = at_hand(order.masks, folder, sent)
    inputs = {name: _state(name, sent) for name in order.files}
    job = make_job(
        order.recipe,
        picture=picture,
        natural=natural,
        masks=masks,
        flow=flow,
        depth=depth,
        output=place.output,
        keeper=keeper,
    )
    root = Path(order.workspace) if order.workspace else place.unfinished / WORKSPACE
    job.check(root)
    pipeline = Pipeline(
        job,
        Workspace.create(root),
        Reporter(_seldom(tell)),
        keeper=keeper,
        watch=Watch(*(_journal(place.unfinished / JOURNAL, state) for state in ("begun", "made"))),
    )
    return _through(pipeline, Stage(order.until), place), inputs


def _through(pipeline: Pipeline, until: Stage, place: Place) -> Cinemagraph:
    """All stages up to one; where others can only go on from what is copied, that is done after each slow one."""
    order = list(Stage)
    for stage in (Stage.TWIN, Stage.MOTION) if place.copies else ():
        if order.index(stage) < order.index(until):
            before = dict(pipeline.result.seconds)
            _patiently(pipeline, stage)
            if before != pipeline.result.seconds:
                place.checkpoint()
    result = _patiently(pipeline, until)
    if until is not Stage.LOOP:
        place.checkpoint()
    return result


def _patiently(pipeline: Pipeline, until: Stage) -> Cinemagraph:
    """Run up to a stage; a killed run's worker may have the workspace for a moment still."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return pipeline.run(until)
        except InUse:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


def _concluded(order: Order, place: Place, known: dict[str, Any], result: Cinemagraph, inputs: dict[str, Any]) -> Made:
    if result.loop is None or result.twin is None:
        raise RuntimeError("a row without a loop came to its end")
    delivery: Delivery = place.deliver(result.loop)
    height, width = result.twin.art.size
    journal = read_journal(place.unfinished / JOURNAL)
    made, begun = (Counter(line["stage"] for line in journal if line["state"] == state) for state in ("made", "begun"))
    document = known | {
        "state": DONE,
        "file": delivery.file,
        "poster": delivery.poster,
        "bytes": delivery.length,
        "size": [width, height],
        "seconds": {stage: seconds for stage, seconds in result.seconds.items() if stage in begun},
        "made": dict(made),
        "begun": {stage: times for stage, times in begun.items() if times > 1},
        "notes": list(result.notes),
        "inputs": inputs,
        "ended": _now(),
    }
    document = {name: value for name, value in document.items() if value not in ("", [], {})}
    place.conclude(document)
    return Made(document, delivery.contents)


def _known(order: Order) -> dict[str, Any]:
    """What is known of a row whatever becomes of it."""
    recipe = order.recipe.shareable()
    values = recipe.values()
    words = {"prompt": values.pop("prompt"), "motion": values.pop("motion")}
    defaults = {row.name: row.default for row in table()}
    return {
        "name": order.name,
        "fingerprint": order.fingerprint,
        "origin": order.origin,
        "label": order.label,
        **words,
        "picture": order.picture or "",
        "settings": {name: value for name, value in values.items() if value != defaults[name]},
        "swept": dict(order.swept),
        "group": order.group,
        "where": here(),
        "attempts": order.attempt,
    }


def here() -> dict[str, str]:
    """This machine and process, and the GPU that it was given."""
    gpu = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    return {"machine": platform.node(), "process": str(os.getpid())} | ({"gpu": gpu} if gpu else {})


def _state(name: str, sent: Mapping[str, bytes]) -> dict[str, Any]:
    return {} if name in sent else state_of(name)


def _seldom(tell: Tell) -> Tell:
    """Passes on the first and the last step of a stage, and others now and then."""
    last: dict[str, float] = {}

    def told(stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage not in last or now - last[stage] >= EVERY or done >= total:
            last[stage] = now
            tell(stage, done, total)

    return told


def _journal(path: Path, state: str) -> Callable[[Stage], None]:
    """Writes down that a stage begins to be made, or is made."""

    def write(stage: Stage) -> None:
        line = json.dumps({"stage": stage.value, "state": state, "time": _now(), **here()})
        with path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")

    return write


def read_journal(path: Path) -> list[dict[str, str]]:
    """The whole lines of a journal."""
    lines = []
    try:
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                document = json.loads(line)
            except ValueError:
                continue
            if isinstance(document, dict) and {"stage", "state"} <= document.keys():
                lines.append(document)
    except OSError:
        return []
    return lines


def _details(order: Order) -> str:
    """Keep the whole error; the name of the file in the batch's folder."""
    path = Path(order.out) / UNFINISHED / order.key / DETAILS
    try:
        path.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError:
        return ""
    return f"{UNFINISHED}/{order.key}/{DETAILS}"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
