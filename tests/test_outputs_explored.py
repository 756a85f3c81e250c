"""Whatever lies in a folder and wherever a loop is to go: nothing of the user's is lost."""

from __future__ import annotations

import contextlib
import io
import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from t2c_ext.cli import main
from t2c_ext.media.ownership import is_our_file, is_our_folder

pytestmark = [pytest.mark.thorough, pytest.mark.skipif(os.name == "nt", reason="links need rights there")]

SIDE = 16
NAMES = ("a.mp4", "a.png", "pond.webp", "docs", "ws", "frames", "b.gif")
KINDS = ("foreign", "picture", "loop", "frames", "thesis", "empty", "link", "workspace", "hard link")
ELSEWHERE = (".", "..", "../here", "river.png", "new", "ws/natural.mp4", "ws/input")
LINE = ("--mask", "mask.png", "--motion", "river flowing left", "--frames", "1")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One of each thing that may lie there."""
    folder = tmp_path_factory.mktemp("made")
    levels = np.random.default_rng(4).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    Image.fromarray(levels).save(folder / "river.png")
    Image.fromarray(levels).save(folder / "pond.webp", lossless=True)
    Image.fromarray(np.full((SIDE, SIDE), 255, np.uint8)).save(folder / "mask.png")
    before = Path.cwd()
    os.chdir(folder)
    try:
        for output in ("loop.mp4", "loop.gif", "frames"):
            assert main(["animate", "river.png", *LINE, "-o", output]) == 0
        assert main(["animate", "river.png", *LINE, "--workspace", "ws"]) == 0
        yield folder
    finally:
        os.chdir(before)


def _lay(made: Path, name: str, kind: str) -> None:
    """Put a thing of a kind under a name, where the last one is not there already."""
    path = Path(name)
    if kind in ("loop", "picture"):
        source = made / ("loop.gif" if name.endswith(".gif") else "loop.png" if name.endswith(".png") else "loop.mp4")
        shutil.copy(source if kind == "loop" else made / "pond.webp", path)
    elif kind in ("frames", "workspace"):
        shutil.copytree(made / ("frames" if kind == "frames" else "ws"), path)
    elif kind in ("thesis", "empty"):
        path.mkdir()
        if kind == "thesis":
            (path / "thesis.txt").write_text("years of work")
    elif kind == "link":
        path.symlink_to(NAMES[len(name) % len(NAMES)])
    elif kind == "hard link":
        os.link("river.png", path)
    else:
        path.write_bytes(b"someone's")


def _state(root: Path) -> dict[Path, object]:
    """What is the user's: links by where they lead, files by their bytes, without loops of ours and workspaces."""
    found: dict[Path, object] = {}
    for path in root.rglob("*"):
        inside = [parent for parent in path.parents if parent == root or root in parent.parents]
        if path.is_symlink():
            found[path] = os.readlink(path)
        elif path.is_dir():
            found[path] = None
        elif not (_may_go(path) or any(_is_replaced(folder, path.name) for folder in inside)):
            found[path] = path.read_bytes()
    return found


def _is_kept(path: Path, value: object) -> bool:
    if isinstance(value, str):
        return path.is_symlink() and os.readlink(path) == value
    return value is None or (path.is_file() and path.read_bytes() == value)


def _is_replaced(folder: Path, name: str) -> bool:
    """Whether what is in a folder may be: frames of ours, and what a workspace makes."""
    workspace = (folder / "workspace.json").exists() and name not in ("art.png", "mask.png")
    return workspace or is_our_folder(folder)


def _may_go(path: Path) -> bool:
    """Whether a file is a loop of ours, or the still beside one."""
    if path.suffix == ".png":
        return is_our_file(path) and any(is_our_file(path.with_suffix(kind)) for kind in (".mp4", ".gif"))
    return is_our_file(path)


def _draw(chance: random.Random) -> tuple[dict[str, str], list[tuple[str, ...]]]:
    """What lies there, and commands: picture, output, workspace and format."""
    things = {name: chance.choice(KINDS) for name in chance.sample(NAMES, 4)}
    pictures = (*["river.png"] * 6, *things, "docs/frame_0000.png")
    places = (*[*things] * 4, f"{chance.choice(NAMES)}/{chance.choice(NAMES)}", *ELSEWHERE)
    choices = (pictures, places, (*[""] * 6, *things, "new"), ("", "", "gif", "png"))
    commands = [tuple(chance.choice(options) for options in choices) for _ in range(5)]
    return things, commands


@pytest.mark.parametrize("seed", range(30))
def test_nothing_of_the_users_is_lost(made: Path, tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    things, commands = _draw(random.Random(seed))
    root = tmp_path_factory.mktemp("explored")
    here = root / "here"
    here.mkdir()
    os.chdir(here)
    (root / "thesis.txt").write_text("years of work")
    for name in ("river.png", "mask.png"):
        shutil.copy(made / name, name)
    for name, kind in things.items():
        _lay(made, name, kind)
    for picture, output, workspace, kind in commands:
        before, read = _state(root), Path(picture).read_bytes() if Path(picture).is_file() else None
        arguments = ["animate", picture, *LINE, "-o", output]
        arguments += ["--workspace", workspace] if workspace else []
        arguments += ["--format", kind] if kind else []
        with contextlib.redirect_stderr(io.StringIO()) as said, contextlib.redirect_stdout(io.StringIO()):
            code = main(arguments)
        refusals = [line for line in said.getvalue().splitlines() if not line.startswith("note: ")]
        assert code in (0, 1) and all(line.startswith("t2c: ") for line in refusals) and bool(code) == bool(refusals)
        assert read is None or Path(picture).read_bytes() == read, arguments
        assert not [path for path, value in before.items() if not _is_kept(path, value)], arguments
        assert not [path for path in root.rglob(".*") if "-t2c" in path.name], arguments
