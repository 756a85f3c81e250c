"""Files and folders that are whole or not there, and what killed runs leave."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from t2c_ext import atomic, temporaries
from t2c_ext.atomic import replacing, replacing_folder, write_text
from t2c_ext.errors import UserError
from t2c_ext.temporaries import sweep, temporary_name

Patch = pytest.MonkeyPatch


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert list(path.parent.iterdir()) == [path]


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write") as caught:
        write_text(tmp_path / "file" / "inner.txt", "text")
    assert "\n" not in str(caught.value)


def _fill(folder: Path, names: str) -> None:
    with replacing_folder(folder) as temporary:
        for name in names:
            (temporary / name).write_text(names)


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "frames"
    _fill(folder, "abc")
    _fill(folder, "de")
    assert {file.name: file.read_text() for file in folder.iterdir()} == {"d": "de", "e": "de"}
    with pytest.raises(ZeroDivisionError), replacing_folder(folder) as temporary:
        (temporary / "half").touch()
        raise ZeroDivisionError
    assert [path.name for path in folder.parent.iterdir()] == ["frames"] and len(list(folder.iterdir())) == 2


def test_a_folder_that_cannot_take_its_name_leaves_the_old_one(tmp_path: Path, monkeypatch: Patch) -> None:
    folder = tmp_path / "frames"
    _fill(folder, "abc")
    rename = Path.rename

    def fails(self: Path, target: Path) -> Path:
        if target == folder and "-aside" not in self.name:
            raise OSError(errno.EIO, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fails)
    with pytest.raises(UserError, match="Input/output"):
        _fill(folder, "de")
    assert [path.name for path in tmp_path.iterdir()] == ["frames"] and len(list(folder.iterdir())) == 3


def _full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _full_without_a_reason(*_: object, **__: object) -> None:
    raise OSError("encoder error -2 when writing image file")  # what Pillow says


FAILURES: dict[str, Callable[[Patch], None]] = {
    "at the first byte": lambda patch: patch.setattr(Path, "touch", _full),
    "in a folder": lambda patch: patch.setattr(Path, "mkdir", _full),
    "while writing": lambda patch: patch.setattr(Path, "write_text", _full),
    "without a reason": lambda patch: patch.setattr(Path, "write_text", _full_without_a_reason),
    "when the disk is to hold it": lambda patch: patch.setattr(os, "fsync", _full),
    "when it gets its name": lambda patch: patch.setattr(os, "replace", _full),
}


@pytest.mark.parametrize("when", FAILURES)
def test_a_full_disk_is_named_and_leaves_nothing_half(tmp_path: Path, monkeypatch: Patch, when: str) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    monkeypatch.setattr(atomic, "_is_full", lambda folder: True)
    with monkeypatch.context() as patch:
        FAILURES[when](patch)
        with pytest.raises(UserError, match="the disk is full"):
            write_text(path, "new")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_disk_that_cannot_write_through_is_no_failure(tmp_path: Path, monkeypatch: Patch) -> None:
    def unable(descriptor: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", unable)
    write_text(tmp_path / "file.txt", "text")
    assert (tmp_path / "file.txt").read_text() == "text"


# ---- what killed runs leave -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gone() -> int:
    """The number of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def _name_of(process: int, monkeypatch: Patch, path: Path, aside: bool = False) -> Path:
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: process)
        return path.with_name(temporary_name(path, aside))


@pytest.mark.parametrize("name", ["loop.mp4", "frames", "12:30 – 日本.webp", ".hidden", "a" * 200 + ".mp4"])
def test_the_next_run_in_a_folder_sweeps_what_a_killed_one_left(
    tmp_path: Path, monkeypatch: Patch, gone: int, name: str
) -> None:
    left, folder = (_name_of(gone, monkeypatch, tmp_path / name) for _ in range(2))
    left.write_bytes(b"half")
    folder.mkdir()
    (folder / "frame_0000.png").write_bytes(b"half")
    write_text(tmp_path / "other.txt", "text")
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]


def test_what_is_not_surely_of_a_killed_run_stays(tmp_path: Path, monkeypatch: Patch, gone: int) -> None:
    kept = [_name_of(os.getpid(), monkeypatch, tmp_path / "running.mp4")]
    ours = _name_of(gone, monkeypatch, tmp_path / "loop.mp4").name
    with monkeypatch.context() as patch:
        patch.setattr(temporaries, "_machine", lambda: "01234567")
        kept.append(_name_of(gone, monkeypatch, tmp_path / "of another machine.mp4"))
    kept += [tmp_path / name for name in (ours[1:], f"{ours}.txt.gz", ours.replace("-t2c", "-"), ".loop-1a2b3c4d.mp4")]
    for path in kept:
        path.write_bytes(b"someone's")
    sweep(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted(kept)


def test_what_was_put_aside_and_not_replaced_comes_back(tmp_path: Path, monkeypatch: Patch, gone: int) -> None:
    folder = tmp_path / "frames"
    _fill(folder, "abc")
    folder.rename(_name_of(gone, monkeypatch, folder, aside=True))
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["frames"] and len(list(folder.iterdir())) == 3
    aside = _name_of(gone, monkeypatch, folder, aside=True)
    aside.mkdir()
    (aside / "old").touch()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["frames"] and len(list(folder.iterdir())) == 3


def test_names_that_a_disk_takes_have_temporary_ones(tmp_path: Path) -> None:
    for name in ("a" * 251 + ".txt", "川" * 83 + ".txt"):
        write_text(tmp_path / name, "text")
        assert (tmp_path / name).read_text() == "text"


def test_a_process_is_known_to_run_or_not(gone: int) -> None:
    assert temporaries._runs(os.getpid()) and not temporaries._runs(gone)
    assert not temporaries._runs(2**31 - 2)


def test_a_file_is_as_readable_as_any_other_however_it_was_written(tmp_path: Path) -> None:
    """The writer of safetensors puts a file in place that only its owner may read."""
    plain = tmp_path / "plain"
    plain.touch()
    with replacing(tmp_path / "made") as temporary:
        temporary.unlink()
        temporary.touch(mode=0o600)
    assert (tmp_path / "made").stat().st_mode == plain.stat().st_mode
