"""Batches on this machine, for real: what they make, keep, resume, tell and refuse."""

from __future__ import annotations

import errno
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from batch_runs import WORDS, begin, finish, kill, loops, make_pictures, manifest, wait_for
from PIL import Image

from t2c_ext import animate, stages
from t2c_ext.api import batch
from t2c_ext.batch.failures import FULL, NOT_FOUND, summary
from t2c_ext.batch.machine import crew_for, memory_here
from t2c_ext.batch.make import make
from t2c_ext.batch.manifest import Manifest, read_manifest
from t2c_ext.batch.order import Order
from t2c_ext.batch.outcome import DONE, FAILED, Outcome, from_document
from t2c_ext.batch.plan import make_plan
from t2c_ext.batch.pool import Died, Event, Over
from t2c_ext.batch.rows import rows_from
from t2c_ext.batch.run import Setup, run
from t2c_ext.batch.storage import Storage
from t2c_ext.errors import UserError
from t2c_ext.example import example
from t2c_ext.keeper import Keeper
from t2c_ext.recipe import Recipe

MOVES = {"motion": "river flowing left", "frames": 4, "format": "gif"}

posix = pytest.mark.skipif(os.name == "nt", reason="signals as POSIX has them")


def order_for(picture: Path, out: Path, **more: Any) -> Order:
    values = Recipe().with_values(MOVES | more.pop("values", {})).values()
    return Order(picture.stem, picture.stem, "f", "o", picture.name, values, str(out), str(picture), **more)


def unseen(stage: str, done: int, total: int) -> None:
    """Nobody looks."""


@pytest.mark.thorough
@posix
def test_a_killed_batch_goes_on_and_ends_as_if_nothing_had_been(tmp_path: Path) -> None:
    pictures, mask = make_pictures(tmp_path, 5)
    out = tmp_path / "out"
    given = (pictures, "-o", out, "--mask", mask, *WORDS, "--workers", 1)
    first = begin(*given)
    wait_for(lambda: len(manifest(out)) >= 2)
    kill(first)
    before = manifest(out)
    with (out / "batch.jsonl").open("ab") as file:
        file.write(b'{"name": "p004", "sta')  # the line that it was writing
    second = begin(*given, "--json")
    wait_for(lambda: len(manifest_lines(out)) > len(before))
    worker = int(manifest_lines(out)[-1]["where"]["process"])
    os.kill(worker, signal.SIGKILL)  # another one takes its place, and the row up again
    code, said, err = finish(second)
    assert code == 0, err
    events = [json.loads(line) for line in said.splitlines()]
    assert events[0] == {"event": "begin", "rows": 5, "finished": len(before)}
    assert events[-1]["done"] == 5 - len(before) and events[-1]["failed"] == 0
    outcomes, damaged = read_manifest(out / "batch.jsonl")
    assert damaged == 1 and sorted(row.name for row in outcomes) == [f"p00{number}" for number in range(5)]
    calm = {}
    for picture in sorted(pictures.iterdir()):
        result = animate(picture, tmp_path / "calm" / f"{picture.stem}.gif", mask=mask, **MOVES)
        assert result.loop is not None and result.loop.poster is not None
        calm |= {path.name: path.read_bytes() for path in (result.loop.path, result.loop.poster)}
    assert loops(out) == calm
    page = (out / "index.html").read_text(encoding="utf-8")
    assert all(f'"p00{number}.gif"' in page for number in range(5))


def manifest_lines(out: Path) -> list[dict[str, Any]]:
    lines = (out / "batch.jsonl").read_text(encoding="utf-8").split("\n")[:-1]
    return [json.loads(line) for line in lines if "sta\n" not in line and line.endswith("}")]


@pytest.mark.thorough
@posix
@pytest.mark.usefixtures("signals_heard")
def test_the_first_interrupt_lets_what_is_in_hand_be_finished(tmp_path: Path) -> None:
    pictures, mask = make_pictures(tmp_path, 12)
    process = begin(pictures, "-o", tmp_path / "out", "--mask", mask, *WORDS, "--workers", 1)
    wait_for(lambda: len(manifest(tmp_path / "out")) >= 1)
    os.killpg(process.pid, signal.SIGINT)
    code, said, err = finish(process)
    assert code == 130 and "finishing what is in hand" in err and err.strip().endswith("t2c: stopped")
    made = manifest(tmp_path / "out")
    assert 1 <= len(made) < 12 and len(said.splitlines()) == len(made)
    assert not (tmp_path / "out" / "unfinished").exists(), "nothing is half"


@pytest.mark.thorough
def test_a_row_that_fails_stops_no_other_and_is_tried_again_by_the_next_run(tmp_path: Path) -> None:
    pictures, mask = make_pictures(tmp_path, 2)
    (pictures / "p000.png").write_bytes(b"no picture")
    rows = [{"picture": path, "mask": mask} for path in sorted(pictures.iterdir())]
    rows += [{"picture": pictures / "gone.png"}, {"picture": pictures / "p001.png", "name": "../p001", "mask": mask}]
    out = tmp_path / "out"
    made = list(batch(rows, out, workers=1, **MOVES))
    assert sorted((row.name, row.state) for row in made) == [
        ("p000", FAILED), ("p001", DONE), ("p001-2", DONE), ("row 3", FAILED),
    ]  # fmt: skip
    told = {row.label: row.error for row in made if not row.is_done}
    assert "p000.png" in told["row 1"] and "there is no such file" in told["row 3"]
    assert all("\n" not in error for error in told.values())
    make_pictures(tmp_path / "other", 1)[0].joinpath("p000.png").replace(pictures / "p000.png")
    again = {row.name: row for row in batch(rows, out, workers=1, **MOVES)}
    assert again["p000"].is_done and again["p001"].ended == next(row.ended for row in made if row.name == "p001")


def test_a_batch_has_its_folder_for_itself(tmp_path: Path) -> None:
    pictures, _ = make_pictures(tmp_path, 1)
    setup = Setup(rows_from([{"picture": pictures / "p000.png"}], Recipe()), str(tmp_path / "out"), _Nobody)
    first = run(setup)
    with pytest.raises(AssertionError, match="no row"):
        next(first)
    held = run(Setup([], str(tmp_path / "out"), _Nobody))
    with pytest.raises(StopIteration):
        next(held)
    lock = run(setup)
    from filelock import FileLock

    with FileLock(str(tmp_path / "out" / "batch.lock")), pytest.raises(UserError, match="in use by another batch"):
        next(lock)


def _Nobody(planned: object, token: str) -> Any:  # noqa: N802
    raise AssertionError("no row was to be made")


def test_pictures_of_one_worker_share_a_segmenter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = []
    real = stages.open_segmenter
    monkeypatch.setattr(stages, "open_segmenter", lambda *given: opened.append(given) or real(*given))
    keeper = Keeper()
    picture = Image.fromarray(np.ascontiguousarray(example().picture)).resize((192, 128))
    for number in range(3):
        picture.save(tmp_path / f"{number}.png")
        order = order_for(tmp_path / f"{number}.png", tmp_path / "out", values={"motion": "sky drifting left"})
        document = make(order, keeper, unseen).document
        assert document["state"] == DONE, document
    assert len(opened) == 1


# --- one row, in this process -----------------------------------------------------------------------------------------


def test_a_full_disk_is_one_line_of_its_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, mask = make_pictures(tmp_path, 1)

    def full(file: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("t2c_ext.atomic._write_through", full)
    order = order_for(pictures / "p000.png", tmp_path / "out", masks=str(mask))
    document = make(order, Keeper(), unseen).document
    assert (document["state"], document["kind"]) == (FAILED, FULL) and "the disk is full" in document["error"]


def test_a_row_whose_output_is_a_strangers_is_refused(tmp_path: Path) -> None:
    pictures, mask = make_pictures(tmp_path, 1)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "p000.gif").write_bytes(b"a film")
    order = order_for(pictures / "p000.png", tmp_path / "out", masks=str(mask))
    document = make(order, Keeper(), unseen).document
    assert document["state"] == FAILED and "no loop of this program" in document["error"]
    assert (tmp_path / "out" / "p000.gif").read_bytes() == b"a film"


def test_what_is_unforeseen_is_told_in_a_line_and_kept_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, _ = make_pictures(tmp_path, 1)

    def broken(*given: object, **more: object) -> None:
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr("t2c_ext.batch.make.make_job", broken)
    document = make(order_for(pictures / "p000.png", tmp_path / "out"), Keeper(), unseen).document
    assert document["error"] == "ZeroDivisionError: by nothing"
    assert "Traceback" in (tmp_path / "out" / document["details"]).read_text(encoding="utf-8")


def test_a_worker_that_does_not_see_the_folder_sends_the_loop_and_is_sent_the_files(tmp_path: Path) -> None:
    pictures, mask = make_pictures(tmp_path, 1)
    picture = pictures / "p000.png"
    order = order_for(picture, tmp_path / "elsewhere", masks=str(mask), token="seen-not")
    shared = make(order_for(picture, tmp_path / "out", masks=str(mask)), Keeper(), unseen)
    sent = {str(path): path.read_bytes() for path in (picture, mask)}
    picture.unlink()
    missing = make(order, Keeper(), unseen)
    assert missing.document["unseen"] == [str(picture)]
    made = make(order, Keeper(), unseen, sent)
    assert made.document["state"] == DONE and not (tmp_path / "elsewhere").exists()
    assert made.contents == {name: (tmp_path / "out" / name).read_bytes() for name in ("p000.gif", "p000.png")}
    assert shared.contents == {}


def test_a_storage_gets_loops_and_finished_stages_and_gives_them_to_whoever_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    pictures, mask = make_pictures(tmp_path, 1)
    address = f"file://{tmp_path}/storage"
    order = order_for(pictures / "p000.png", tmp_path, masks=str(mask))
    order = Order(**order.to_document() | {"out": address})
    real = stages.make_frames
    monkeypatch.setattr("t2c_ext.pipeline.make_frames", _dies)
    monkeypatch.setenv("TMPDIR", str(tmp_path / "one"))
    (tmp_path / "one").mkdir()
    monkeypatch.setattr("tempfile.tempdir", None)
    assert make(order, Keeper(), unseen).document["state"] == FAILED
    assert (tmp_path / "storage/unfinished/p000/workspace/flow.npz").exists()
    # another machine, with nothing on its own disk
    monkeypatch.setattr("t2c_ext.pipeline.make_frames", real)
    (tmp_path / "two").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "two"))
    monkeypatch.setattr("tempfile.tempdir", None)
    document = make(order, Keeper(), unseen).document
    assert document["state"] == DONE, document
    assert document["made"] == {"prompt": 1, "twin": 1, "region": 1, "motion": 1, "loop": 1}
    assert "begun" not in document, "what the first machine had begun of the loop is gone with it"
    assert (tmp_path / "storage/p000.gif").stat().st_size == document["bytes"]
    assert make(order, Keeper(), unseen).document == document, "an outcome that was not told any more is told again"


def _dies(*given: object, **more: object) -> None:
    raise RuntimeError("the worker is gone")


def test_a_batch_into_a_storage_has_its_manifest_and_page_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "here"))
    monkeypatch.setattr("tempfile.tempdir", None)
    pictures, mask = make_pictures(tmp_path, 1)
    rows = [{"picture": pictures / "p000.png", "mask": mask}]
    address = f"file://{tmp_path}/storage"
    (first,) = batch(rows, address, workers=1, **MOVES)
    assert first.is_done, first.error
    names = {path.name for path in (tmp_path / "storage").iterdir()}
    assert {"p000.gif", "p000.png", "batch.jsonl", "index.html"} <= names
    (second,) = batch(rows, address, workers=1, **MOVES)
    assert second == first
    left = [path for path in (tmp_path / "here").rglob("*") if path.is_file()]
    assert left == [], "nothing of it stays on this machine"
    names = {path.name for path in (tmp_path / "storage").rglob("*")}
    assert not any(name.startswith(".") or name == "p000.gif.part" for name in names)


def test_lines_that_were_not_sent_yet_are_not_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("fsspec", reason="fsspec is not installed")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    storage = Storage(f"file://{tmp_path}/storage")
    first = Manifest.of_storage(storage)
    first.append(Outcome("a", DONE))
    assert [row.name for row in first.settled(now=True)] == ["a"]
    first.append(Outcome("b", DONE))
    assert first.settled() == [], "it is sent now and then"
    again = Manifest.of_storage(storage)
    assert [row.name for row in read_manifest(again.path)[0]] == ["a", "b"]


# --- who runs it ------------------------------------------------------------------------------------------------------


class Played:
    """A pool whose workers do as they are told: a list of what becomes of each order."""

    splits, networked, tries, elsewhere = True, True, 3, True

    def __init__(self, acts: list[Any]) -> None:
        self.acts, self.orders, self._events = acts, list[Order](), list[Event]()

    def room(self, kind: str) -> bool:
        return not self._events

    def submit(self, order: Order, sent: Any) -> None:
        self.orders.append(order)
        self._events.append(self.acts.pop(0)(order))

    def events(self, seconds: float) -> list[Event]:
        found, self._events = self._events, []
        return found

    def stop(self) -> None:
        self._events = []

    def close(self) -> None:
        self._events = []


def died(order: Order) -> Event:
    return Died(order.name, "by signal 9")


def done(order: Order) -> Event:
    return Over(order.name, {"name": order.name, "state": DONE, "fingerprint": order.fingerprint, "file": "x.gif"})


def full(order: Order) -> Event:
    return Over(order.name, {"name": order.name, "state": FAILED, "error": "the disk is full", "kind": FULL})


def part(order: Order) -> Event:
    return Over(order.name, {"part": order.until, "name": order.name})


def played(tmp_path: Path, acts: list[Any], **row: Any) -> tuple[list[Outcome], list[Order]]:
    pool = Played(acts)
    rows = rows_from([{"picture": __file__, "name": "a"} | row], Recipe())
    return list(run(Setup(rows, str(tmp_path / "out"), lambda planned, token: pool))), pool.orders


def test_a_row_that_fells_its_workers_fails_in_the_end(tmp_path: Path) -> None:
    (outcome,), orders = played(tmp_path, [died, died, died])
    assert outcome.error == "its worker ended 3 times, by signal 9" and len(orders) == 3
    (outcome,), _ = played(tmp_path, [died, died, done])
    assert outcome.is_done


def test_a_full_disk_sends_a_row_to_another_machine(tmp_path: Path) -> None:
    (outcome,), orders = played(tmp_path, [full, done])
    assert outcome.notes == ("it was made elsewhere, since on a machine: the disk is full",)
    assert outcome.is_done and [order.attempt for order in orders] == [1, 2]
    (outcome,), _ = played(tmp_path / "other", [full, full, full])
    assert outcome.kind == FULL


def test_networks_and_loops_go_to_workers_of_their_own(tmp_path: Path) -> None:
    (outcome,), orders = played(tmp_path, [part, done], prompt="a river", model="a")
    assert outcome.is_done
    assert [(order.kind, order.until) for order in orders] == [("networks", "motion"), ("cores", "loop")]
    _, orders = played(tmp_path / "painted", [done], prompt="a river", model="a", renderer="network")
    assert [(order.kind, order.until) for order in orders] == [("networks", "loop")]


def test_workers_are_as_many_as_memory_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2c_ext.batch.machine.cores_here", lambda: 8)
    planned = make_plan(rows_from([{"picture": __file__}] * 20, Recipe()), [], lambda row: True).todo
    for free, expected in ((100e9, 8), (4e9, 3), (0.1e9, 1)):
        monkeypatch.setattr("t2c_ext.batch.machine.memory_here", lambda free=free: int(free))
        crew = crew_for(planned)
        assert crew.cores == expected and crew.threads == 8 // expected
    assert crew_for(planned[:2], 5).cores == 2


def test_a_machine_without_free_memory_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2c_ext.batch.machine.available", lambda: 0)
    assert memory_here() == 0


def test_failures_are_grouped_by_kind() -> None:
    rows = [
        Outcome(f"r{number}", FAILED, error=f"cannot read /a/{number}.png: it is damaged", label=f"list, line {number}")
        for number in range(5)
    ]
    rows.append(
        Outcome("x", FAILED, error="I could not find the river; paint a mask", kind=NOT_FOUND, label="list, line 9")
    )
    assert summary(rows) == [
        "5 failed: cannot read ...: it is damaged: list, line 0, list, line 1, list, line 2 and 2 more",
        "1 failed: I could not find the river; paint a mask: list, line 9",
    ]


def test_a_manifest_forgets_nothing_but_a_half_line(tmp_path: Path) -> None:
    manifest_ = Manifest(tmp_path)
    manifest_.append(Outcome("a", DONE))
    with manifest_.path.open("ab") as file:
        file.write(b'{"name": "b", "state"')
    Manifest(tmp_path).append(Outcome("c", DONE))
    outcomes, damaged = read_manifest(manifest_.path)
    assert [row.name for row in outcomes] == ["a", "c"] and damaged == 1
    for line in (
        "[]",
        "3",
        '{"name": 3, "state": "done"}',
        '{"name": "a"}',
        '{"name": "a", "state": "done", "size": 3}',
    ):
        with pytest.raises((TypeError, ValueError, KeyError, AttributeError)):
            from_document(json.loads(line))
