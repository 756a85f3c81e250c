"""Limits, refusals and failures of writing and reading: one clear line, and nothing half-written."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from video_loops import NAMES, loop, write

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.media.frames import read_video
from t2c_ext.media.metadata import read_text
from t2c_ext.media.videos import format_of, write_video
from t2c_ext.progress import Reporter


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp"])
def test_size_limit(tmp_path: Path, name: str) -> None:
    frames = loop(96, 96, 8)
    free = write(tmp_path / name, frames, quality=90)
    limit = free.bytes * 0.7 / 1e6
    tight = write(tmp_path / name, frames, quality=90, max_megabytes=limit)
    assert limit * 1e6 * 0.4 < tight.bytes <= limit * 1e6
    assert any("quality" in note for note in tight.notes)
    generous = write(tmp_path / name, frames, quality=90, max_megabytes=free.bytes * 1.01 / 1e6)
    assert (generous.bytes, generous.notes) == (free.bytes, ())


@pytest.mark.parametrize("name", NAMES)
def test_a_limit_that_cannot_be_kept_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as error:
        write(tmp_path / name, loop(), max_megabytes=0.0001)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def failing(kind: type[Exception], after: int = 3) -> Callable[[], Iterator[np.ndarray]]:
    def frames() -> Iterator[np.ndarray]:
        yield from loop()[:after]
        raise kind("stop")

    return frames


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [RuntimeError, Cancelled, UserError])
@pytest.mark.parametrize("there", [False, True])
def test_failure_leaves_what_was_there(tmp_path: Path, name: str, kind: type[Exception], there: bool) -> None:
    path = tmp_path / name
    before = {}
    if there:
        write(path, loop(count=2))
        before = {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()}
    with pytest.raises(kind):
        write_video(path, failing(kind), size=(48, 64), count=8, fps=25)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("name", NAMES)
def test_cancelling_leaves_nothing(tmp_path: Path, name: str) -> None:
    seen: list[tuple[str, int, int]] = []
    reporter = Reporter(lambda *step: seen.append(step), lambda: len(seen) > 3)
    with pytest.raises(Cancelled):
        write(tmp_path / name, loop(), reporter=reporter)
    assert list(tmp_path.iterdir()) == []
    seen.clear()
    write(tmp_path / name, loop(count=2), reporter=Reporter(lambda *step: seen.append(step)))
    assert seen == [("loop", 0, 2), ("loop", 1, 2), ("loop", 2, 2)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("given", "promised"), [(3, 4), (4, 3), (0, 2)])
def test_another_number_of_frames_is_refused(tmp_path: Path, name: str, given: int, promised: int) -> None:
    with pytest.raises(UserError, match="frames"):
        write_video(tmp_path / name, lambda: iter(loop()[:given]), size=(48, 64), count=promised, fps=25)
    assert list(tmp_path.iterdir()) == []


def test_frames_of_another_size_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="frame 0"):
        write(tmp_path / "a.mp4", loop(), size=(32, 32))
    assert list(tmp_path.iterdir()) == []


def test_endings() -> None:
    assert [format_of(Path(name)) for name in NAMES] == ["mp4", "webm", "gif", "webp", "apng", "png"]
    assert format_of(Path("A.MP4")) == "mp4"
    for name in ("a.avi", "a.png", "a.mp4x"):
        with pytest.raises(UserError) as error:
            format_of(Path(name))
        assert ".webm" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_unwritable_places(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "file" / name, loop(count=2))
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.name == "nt" or getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write anywhere")
def test_folders_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UserError, match="cannot write"):
        write(tmp_path / "a.mp4", loop(count=2))


def test_a_folder_that_holds_other_things_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    write(folder, loop(count=4))
    write(folder, loop(count=2))
    assert sorted(file.name for file in folder.iterdir()) == ["frame_0000.png", "frame_0001.png"]
    (folder / "diary.txt").write_text("mine")
    with pytest.raises(UserError, match="other things"):
        write(folder, loop(count=2))
    assert (folder / "diary.txt").read_text() == "mine"
    (tmp_path / "b.mp4").mkdir()
    with pytest.raises(UserError, match="folder"):
        write(tmp_path / "b.mp4", loop(count=2))


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp", "a.apng", "a.xyz"])
@pytest.mark.parametrize("content", [b"", b"no video at all"])
def test_unreadable_videos_are_refused_in_one_line(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    for read in (lambda path: list(read_video(path)), read_text):
        with pytest.raises(UserError) as error:
            read(tmp_path / name)
        assert "\n" not in str(error.value) and name in str(error.value)
    with pytest.raises(UserError, match="cannot find"):
        list(read_video(tmp_path / "nowhere.mp4"))
    (tmp_path / "nothing").mkdir()
    with pytest.raises(UserError, match="no frames"):
        list(read_video(tmp_path / "nothing"))
