"""Every file of a workspace, damaged in every way: made again with a note, or one line that names it."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.export import ExportOptions, export_loop
from t2c_ext.jobs import make_job, open_job
from t2c_ext.pipeline import Pipeline
from t2c_ext.recipe import Recipe
from t2c_ext.twin.source import GivenTwin
from t2c_ext.types import Attention, Picture, Twin
from t2c_ext.workspace import Workspace

SIDE = 32


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished workspace with every kind of file."""
    folder = tmp_path_factory.mktemp("whole") / "kept"
    still = np.random.default_rng(0).random((SIDE, SIDE, 3)).astype(np.float32)
    mask, sky = np.zeros((2, SIDE, SIDE), np.float32)
    mask[SIDE // 2 :], sky[:10] = 1, 1
    hints = '{"version": 1, "pins": [[0.5, 0.9]]}'
    values = {"motion": "river flowing left", "frames": 2, "format": "gif", "hints": hints, "segmenter": "clusters"}
    flow = np.full((SIDE, SIDE, 2), 0.25, np.float32)
    job = make_job(
        Recipe().with_values(values), picture=still, natural=1 - still, masks={"river": mask, "clouds": sky}, flow=flow
    )
    workspace = Workspace.create(folder)
    Pipeline(job, workspace).run()
    maps = Attention((4, 4), np.full((16, 16), 1 / 16, np.float32), {"river": np.ones((4, 4), np.float32)})
    assert isinstance(job.source, GivenTwin)
    made = workspace.records
    twin = Twin(Picture(job.source.twin.art.rgb), job.source.twin.natural, maps)
    workspace.save_twin(twin, next(iter(made[stage].key for stage in made if stage.value == "twin")))
    Pipeline(open_job(workspace), workspace).run()
    return folder


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _nested(path: Path) -> None:
    path.write_text('{"a": ' * 100_000)


def _huge_array(path: Path) -> None:
    """An array whose head promises 400 GB."""
    head = b"{'descr': '<f4', 'fortran_order': False, 'shape': (100000, 1000000), }"
    body = b"\x93NUMPY\x01\x00" + len(head + b"\n").to_bytes(2, "little") + head + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("flow.npy", body)


def _of_nothing(path: Path) -> None:
    np.savez(path.with_suffix(".npz"), flow=np.full((SIDE, SIDE, 2), np.nan, np.float32))
    if path.suffix != ".npz":
        path.with_suffix(".npz").replace(path)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "cut": _cut,
    "a folder": _folder,
    "of another kind": lambda path: path.write_bytes(b"%PDF-1.7 \x00\xff\xfe\x00 nothing of ours"),
    "not UTF-8": lambda path: path.write_bytes(b'{"a": "\xe9\xff"}'),
    "a list": lambda path: path.write_text("[1, 2, 3]"),
    "an empty object": lambda path: path.write_text("{}"),
    "wrong types": lambda path: path.write_text('{"regions": 3, "motions": {}, "settings": [], "version": "x"}'),
    "not numbers": lambda path: path.write_text('{"version": 1, "settings": {"speed": NaN}}'),
    "nested": _nested,
    "of NaN": _of_nothing,
    "huge": _huge_array,
    "another picture": lambda path: Image.new("RGB", (7, 90), "white").save(path, "PNG"),
}

FILES = (
    "workspace.json", "recipe.json", "hints.json", "plan.json", "art.png", "natural.png", "attention.npz", "mask.png",
    "regions/regions.json", "regions/river.png", "flow.npz", "loop.gif", "loop.png", "report.json",
    "input/art.png", "input/natural.png", "input/regions.json", "input/river.png", "input/flow.npz",
)  # fmt: skip
"""Every kind of file of a workspace."""


@pytest.mark.thorough
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_mended_or_named(tmp_path: Path, whole: Path, name: str, damage: str) -> None:
    folder = tmp_path / "kept"
    shutil.copytree(whole, folder)
    DAMAGES[damage](folder / name)
    try:
        workspace = Workspace.open(folder)
        Pipeline(open_job(workspace), workspace).run()
    except UserError as error:
        assert "\n" not in str(error) and len(str(error)) < 400 + len(str(folder))
        assert any(part in str(error) for part in (Path(name).name, str(folder), "hints", "mask", "twin", "regions"))
    else:
        with Image.open(folder / "loop.gif") as loop:
            assert loop.size == (SIDE, SIDE)
    for read in (_exported, _read_all) if damage in ("empty", "cut") else (_read_all,):  # an export renders anew
        try:
            read(folder, tmp_path)
        except UserError as error:
            assert "\n" not in str(error)


def _exported(folder: Path, target: Path) -> None:
    export_loop(Workspace.open(folder), ExportOptions("webp"), target)


def _read_all(folder: Path, _: Path) -> None:
    workspace = Workspace.open(folder)
    for read in (workspace.load_recipe, workspace.load_inputs, workspace.load_plan, workspace.load_twin):
        read()
    workspace.load_regions((SIDE, SIDE))
    workspace.load_flow((SIDE, SIDE))


REMADE = ("art.png", "natural.png", "mask.png", "regions/river.png", "flow.npz", "loop.gif", "workspace.json")


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        (name, damage)
        for name in REMADE
        for damage in ("empty", "cut", "a folder", "of another kind")
        if (name, damage) != ("workspace.json", "a folder")  # nothing can be written in its place: it is named
    ],
)
def test_what_can_be_made_again_is_made_again(tmp_path: Path, whole: Path, name: str, damage: str) -> None:
    folder = tmp_path / "kept"
    shutil.copytree(whole, folder)
    before = (folder / name).read_bytes()
    DAMAGES[damage](folder / name)
    workspace = Workspace.open(folder)
    result = Pipeline(open_job(workspace), workspace).run()
    assert [note for note in result.notes if name in note], "it is said"
    if name != "workspace.json":
        assert (folder / name).read_bytes() == before


@pytest.mark.parametrize("name", ["plan.json", "recipe.json", "hints.json"])
def test_a_document_with_a_mistake_is_its_writers_to_mend(tmp_path: Path, whole: Path, name: str) -> None:
    folder = tmp_path / "kept"
    shutil.copytree(whole, folder)
    text = (folder / name).read_text().rstrip()[:-1] + "\n,"
    (folder / name).write_text(text)
    with pytest.raises(UserError, match=r"not valid JSON|not JSON"):
        workspace = Workspace.open(folder)
        Pipeline(open_job(workspace), workspace).run()
    assert (folder / name).read_text() == text


def test_every_file_of_a_workspace_is_among_those_that_were_damaged(whole: Path) -> None:
    there = {path.relative_to(whole).as_posix() for path in whole.rglob("*") if path.is_file()}
    alike = {"attention.png", "workspace.lock", "regions/clouds.png", "input/clouds.png"}
    assert there - alike == set(FILES)


def test_a_record_of_strange_shapes_counts_as_damaged(tmp_path: Path, whole: Path) -> None:
    rows = ([], {"key": 3}, {"key": "", "files": {"a": 1}}, {"x": 1}, {"key": "", "files": []}, "twin")
    for stages in ([], *({"twin": row} for row in rows)):
        folder = tmp_path / "kept"
        shutil.copytree(whole, folder)
        (folder / "workspace.json").write_text(json.dumps({"version": 2, "stages": stages}))
        workspace = Workspace.open(folder)
        assert Pipeline(open_job(workspace), workspace).run().loop is not None
        assert [remark for remark in workspace.remarks if "workspace.json was damaged" in remark]
        shutil.rmtree(folder)
