"""Workspaces that are kept: which there are, and that deleting takes only what is ours."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from t2c_ext.errors import UserError
from t2c_ext.recipe import Recipe
from t2c_ext.shelf import delete, entries, make_room
from t2c_ext.types import Picture, Plan, Twin
from t2c_ext.ui.shelved import Shelf
from t2c_ext.workspace import Workspace

IDS = ["0" * 16, "1" * 32, "2" * 32]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three workspaces, the last the newest, and things that are none."""
    for age, id in enumerate(reversed(IDS)):
        workspace = Workspace.create(tmp_path / id)
        with workspace.locked():
            workspace.save_plan(Plan())
            workspace.save_twin(Twin(Picture(np.zeros((8, 8, 3), np.float32))))
        (tmp_path / id / "view").mkdir()
        (tmp_path / id / "view" / "art.png").write_bytes(b"x" * 1000)
        os.utime(tmp_path / id / "workspace.json", (10_000 - age, 10_000 - age))
    (tmp_path / "example").mkdir()
    (tmp_path / "4").write_text("a file")
    return tmp_path


def _there(folder: Path) -> list[str]:
    return sorted(id for id in IDS if (folder / id).exists())


def test_the_newest_stands_first(folder: Path) -> None:
    found = entries(folder)
    assert [entry.id for entry in found] == IDS[::-1] and all(entry.size > 1000 for entry in found)
    assert entries(folder / "nowhere") == []


def test_one_is_deleted(folder: Path) -> None:
    delete(folder, IDS[1])
    assert _there(folder) == [IDS[0], IDS[2]]


def test_what_somebody_put_in_stays(folder: Path) -> None:
    (folder / IDS[1] / "mine.txt").write_text("mine")
    (folder / IDS[1] / "regions").mkdir()
    (folder / IDS[1] / "regions" / "mine.png").write_text("mine")
    delete(folder, IDS[1])
    left = sorted(path.name for path in (folder / IDS[1]).rglob("*") if path.is_file())
    assert left == ["mine.png", "mine.txt"]
    assert [entry.id for entry in entries(folder)] == [IDS[2], IDS[0]]


@pytest.mark.parametrize("id", ["..", "../x", "example", "4", "f" * 32, ""])
def test_nothing_else_is_deleted(folder: Path, id: str) -> None:
    before = sorted(folder.rglob("*"))
    with pytest.raises(UserError):
        delete(folder, id)
    assert sorted(folder.rglob("*")) == before


def test_one_in_use_is_not_deleted(folder: Path) -> None:
    with Workspace.open(folder / IDS[0]).locked(), pytest.raises(UserError, match="in use"):
        delete(folder, IDS[0])
    assert _there(folder) == IDS


def test_the_oldest_make_room(folder: Path) -> None:
    total = sum(entry.size for entry in entries(folder))
    assert make_room(folder, total) == make_room(folder, 0) == []
    assert make_room(folder, total - 1) == [IDS[0]] and _there(folder) == IDS[1:]
    assert make_room(folder, 1) == [IDS[1], IDS[2]] and _there(folder) == []


def test_what_is_open_or_young_or_changed_by_hand_stays(folder: Path) -> None:
    (folder / IDS[1] / "art.png").write_bytes(b"repainted")
    assert make_room(folder, 1, held=[IDS[0]], since=9_999.5) == []
    assert make_room(folder, 1, held=[IDS[0]]) == [IDS[2]] and _there(folder) == IDS[:2]
    (folder / IDS[0] / "mine.txt").write_text("mine")
    assert make_room(folder, 1) == []


def test_one_without_a_picture_is_neither_shown_nor_counted(folder: Path) -> None:
    for id in IDS:
        workspace = Workspace.open(folder / id)
        with workspace.locked():
            workspace.save_recipe(Recipe())
    assert "3 of 3 cinemagraphs" in Shelf(folder).html()
    (folder / IDS[0] / "art.png").unlink()
    shown = Shelf(folder).html()
    assert "2 of 2 cinemagraphs" in shown and shown.count("data-t2c-open") == 2
