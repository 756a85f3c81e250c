"""Runs that are stopped anywhere, a second one beside the first, a full disk: nothing is lost, all end the same."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t2c_ext import animate
from t2c_ext.errors import UserError
from t2c_ext.jobs import open_job
from t2c_ext.pipeline import Pipeline
from t2c_ext.records import Record, Records
from t2c_ext.types import Stage
from t2c_ext.workspace import Workspace

SCRIPT = Path(__file__).with_name("disturbed_runs.py")
RUNS = int(os.environ.get("T2C_DISTURBED_RUNS", "30"))
"""Kills; more of them take a third of a second each."""

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="each run is a fork of a warm process")


def _disturbed(how: str, folder: Path, seed: int, count: int) -> list[str]:
    root = str(Path(__file__).resolve().parent.parent)
    paths = os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, str(SCRIPT), how, str(folder), str(seed), str(count)],
        env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, list)
    return [str(row) for row in found]


@pytest.mark.thorough
@forks
def test_a_run_that_was_killed_anywhere_ends_in_the_same_files(tmp_path: Path) -> None:
    assert _disturbed("kill", tmp_path, 14, RUNS) == []


@pytest.mark.thorough
@forks
def test_who_goes_back_to_the_old_settings_after_a_kill_has_the_old_files(tmp_path: Path) -> None:
    assert _disturbed("back", tmp_path, 41, RUNS // 2) == []


@pytest.mark.thorough
@forks
def test_a_full_disk_is_told_in_one_line_and_leaves_nothing_half(tmp_path: Path) -> None:
    assert _disturbed("full", tmp_path, 5, 10) == []


@forks
def test_a_second_run_in_a_workspace_is_refused_at_once(tmp_path: Path) -> None:
    assert _disturbed("two", tmp_path, 0, 1) == []


# --- hand edits and the record ----------------------------------------------------------------------------------------

SIDE = 32


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    folder = tmp_path / "kept"
    _animate(folder)
    return folder


def _animate(folder: Path, **settings: object) -> tuple[str, ...]:
    mask = np.zeros((SIDE, SIDE), np.float32)
    mask[SIDE // 2 :] = 1
    still = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    values = {"motion": "river flowing left", "frames": 2, "format": "gif", **settings}
    return animate(still, mask={"river": mask}, workspace=folder, **values).notes


def test_what_was_changed_by_hand_is_put_aside_before_it_is_made_anew(kept: Path) -> None:
    flow = (kept / "flow.npz").read_bytes()
    np.savez(kept / "flow.npz", flow=np.ones((SIDE, SIDE, 2), np.float32))
    changed = (kept / "flow.npz").read_bytes()
    _animate(kept)
    assert (kept / "flow.npz").read_bytes() == changed, "until then it is the user's"
    notes = _animate(kept, speed=2.0)
    assert (kept / "replaced" / "flow.npz").read_bytes() == changed
    assert [note for note in notes if "replaced/flow.npz" in note]
    _animate(kept, speed=1.0)
    assert (kept / "flow.npz").read_bytes() == flow and len(list((kept / "replaced").iterdir())) == 1


def test_hints_that_were_drawn_by_hand_are_not_lost_to_a_run_without_any(kept: Path) -> None:
    text = '{"version": 1,\n "pins": [[0.5, 0.9]]}'
    (kept / "hints.json").write_text(text)
    _animate(kept)
    assert not (kept / "hints.json").exists() and (kept / "replaced" / "hints.json").read_text() == text


def test_hints_that_say_the_same_stay_as_they_were_written(kept: Path) -> None:
    (kept / "hints.json").write_bytes('{"version": 1, "pins": [[0.5, 0.9]]}'.encode("utf-16"))
    workspace = Workspace.open(kept)
    Pipeline(open_job(workspace), workspace).run()
    assert (kept / "hints.json").read_bytes().startswith(b"\xff\xfe") and not (kept / "replaced").exists()
    assert json.loads(workspace.load_recipe().motion.hints)["pins"] == [[0.5, 0.9]]


def test_another_loop_in_the_place_of_the_workspaces_is_not_given_back(kept: Path) -> None:
    own = (kept / "loop.gif").read_bytes()
    (kept / "loop.gif").write_bytes(b"GIF89a of somebody else")
    _animate(kept)
    assert (kept / "loop.gif").read_bytes() == own
    assert (kept / "replaced" / "loop.gif").read_bytes() == b"GIF89a of somebody else"


def test_loops_in_other_formats_stay(kept: Path) -> None:
    own = (kept / "loop.gif").read_bytes()
    _animate(kept, format="webp")
    assert (kept / "loop.gif").read_bytes() == own and (kept / "loop.webp").exists()
    _animate(kept)
    assert (kept / "loop.gif").read_bytes() == own and not (kept / "replaced").exists()


def test_the_lock_does_not_stand_in_the_way(tmp_path: Path, kept: Path) -> None:
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "workspace.lock").touch()
    Workspace.create(tmp_path / "new")
    workspace = Workspace.open(kept)
    with workspace.locked(), workspace.locked():
        assert Workspace.open(kept).load_plan().regions == ("river",), "reading needs no lock"
        with pytest.raises(UserError, match="in use by another run"), Workspace.open(kept).locked():
            pass
    with Workspace.open(kept).locked():
        pass


def test_a_workspace_of_the_first_version_is_run_anew_and_loses_nothing(kept: Path) -> None:
    mask = (kept / "mask.png").read_bytes()
    (kept / "workspace.json").write_text('{"version": 1, "stages": {"region": {"fingerprint": "a"}}}')
    (kept / "mask.png").write_bytes(mask + b"painted")
    workspace = Workspace.open(kept)
    Pipeline(open_job(workspace), workspace).run()
    assert (kept / "replaced" / "mask.png").read_bytes() == mask + b"painted"
    assert all(Workspace.open(kept).is_finished(stage) for stage in Stage)


@pytest.mark.parametrize(
    "name", ["../outside.txt", "/outside.txt", "a/../../outside.txt", "C:outside.txt", "a\\..\\..\\b"]
)
def test_a_record_names_no_file_outside(tmp_path: Path, name: str) -> None:
    folder, outside = tmp_path / "kept", tmp_path / "outside.txt"
    Workspace.create(folder)
    outside.write_text("mine")
    row = {"key": "", "files": {}, "before": {name: "0"}, "draft": ".loop-00000000"}
    (folder / "workspace.json").write_text(json.dumps({"version": 2, "stages": {"loop": row}}))
    with pytest.raises(UserError, match="damaged"):
        Workspace.open(folder)
    assert outside.read_text() == "mine"


def test_drafts_are_read_until_they_are_in_place(tmp_path: Path) -> None:
    records = Records(tmp_path)
    records.write({})
    with records.draft("twin") as draft:
        (draft / "art.png").write_bytes(b"new")
        (tmp_path / "art.png").write_bytes(b"old")
        row = Record("key", files={"art.png": "0"}, draft=draft.name)
        records.write({"twin": row})
        assert Workspace.open(tmp_path).place("art.png").read_bytes() == b"new"
    with Workspace.open(tmp_path).locked():
        assert (tmp_path / "art.png").read_bytes() == b"new" and not list(tmp_path.glob(".twin-*"))


def _changed(kept: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads((kept / name).read_text())
    change(document)
    (kept / name).write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("stage", "row"),
    [
        ("motion", {"facts": [1]}),
        ("motion", {"facts": {"source": {}}}),
        ("loop", {"facts": {"frames": "many", "holes": "some"}}),
        ("loop", {"notes": "a sentence"}),
        ("twin", {"files": ["art.png"]}),
        ("twin", {"seconds": "long"}),
    ],
)
def test_a_record_of_other_types_costs_nothing_but_the_work(kept: Path, stage: str, row: dict[str, Any]) -> None:
    loop = (kept / "loop.gif").read_bytes()
    _changed(kept, "workspace.json", lambda document: document["stages"][stage].update(row))
    workspace = Workspace.open(kept)
    Pipeline(open_job(workspace), workspace).run()
    assert (kept / "loop.gif").read_bytes() == loop


@pytest.mark.parametrize("row", [{"speed": -1e300}, {"speed": 1e300}, {"angle": True}, {"angle": "left"}])
def test_a_plan_with_numbers_that_are_none_is_refused_by_name(kept: Path, row: dict[str, Any]) -> None:
    _changed(kept, "plan.json", lambda document: document["motions"][0].update(row))
    workspace = Workspace.open(kept)
    with pytest.raises(UserError, match=r"plan\.json is damaged: "):
        Pipeline(open_job(workspace), workspace).run()


def test_hints_that_cannot_be_read_are_named_by_their_file(kept: Path) -> None:
    (kept / "hints.json").write_text("{")
    with pytest.raises(UserError, match=r"hints\.json: is not valid JSON"):
        Workspace.open(kept).load_recipe()


def test_a_mask_that_was_given_and_is_gone_is_said(kept: Path) -> None:
    (kept / "input" / "regions.json").unlink()
    workspace = Workspace.open(kept)
    assert open_job(workspace).regions is None
    gone = "input/regions.json, which was given, is not there any more; the run goes without it"
    assert workspace.remarks == (gone,)


@pytest.mark.parametrize("name", ["recipe.json", "input/regions.json", "hints.json"])
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_in_a_workspace_does_not_hold_the_run_up(kept: Path, name: str) -> None:
    (kept / name).unlink(missing_ok=True)
    os.mkfifo(kept / name)
    with pytest.raises(UserError, match="is a pipe"):
        open_job(Workspace.open(kept))
