"""Archives from elsewhere: what is unpacked, and what is left alone."""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from t2c_ext.errors import UserError
from t2c_ext.weights.unpack import safe_path, unpack

FILES = {"checkpoints/motion/latest_net_G.pth": b"weights" * 1000, "checkpoints/README": b"", "a.txt": b"a"}


def write_tar(path: Path, files: dict[str, bytes], mode: str = "w") -> None:
    with tarfile.open(path, mode) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def write_zip(path: Path, files: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


WRITERS: dict[str, Callable[[Path, dict[str, bytes]], None]] = {
    "tar": write_tar,
    "tar.gz": lambda path, files: write_tar(path, files, "w:gz"),
    "tar.xz": lambda path, files: write_tar(path, files, "w:xz"),
    "zip": write_zip,
}


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", WRITERS)
def test_files_arrive_whole_under_any_name(kind: str, tmp_path: Path) -> None:
    archive = tmp_path / "download"  # content decides, not the ending
    WRITERS[kind](archive, FILES)
    progress: list[tuple[int, int]] = []
    written = unpack(archive, tmp_path / "out", told=lambda here, total: progress.append((here, total)))
    assert everything(tmp_path / "out") == FILES
    assert written == [tmp_path / "out" / name for name in FILES]
    assert progress[-1] == (7001, 7001)


@pytest.mark.parametrize("kind", WRITERS)
def test_only_what_is_kept_is_unpacked(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "a", FILES)
    unpack(tmp_path / "a", tmp_path / "out", keep=lambda path: path.name == "a.txt")
    assert everything(tmp_path / "out") == {"a.txt": b"a"}


def test_folders_and_the_dot_are_no_files(tmp_path: Path) -> None:
    inner = tmp_path / "in" / "deep"
    inner.mkdir(parents=True)
    (inner / "file").write_bytes(b"x")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(tmp_path / "in", arcname=".")
    unpack(tmp_path / "a.tar", tmp_path / "out")
    assert everything(tmp_path / "out") == {"deep/file": b"x"}


ESCAPES = ("../out.txt", "/etc/passwd", "a/../../b", "C:\\b", "C:b", "a\\..\\b", "..", "a/..", "a:stream", "what?")


@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("write", [write_tar, write_zip])
def test_a_name_that_leads_elsewhere_stops_everything(
    name: str, write: Callable[[Path, dict[str, bytes]], None], tmp_path: Path
) -> None:
    archive = tmp_path / "inner" / "evil"
    archive.parent.mkdir()
    write(archive, {"good.txt": b"good", name: b"evil"})
    with pytest.raises(UserError, match="unsafe name"):
        unpack(archive, tmp_path / "inner" / "out")
    assert set(everything(tmp_path)) == {"inner/evil"}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE])
def test_links_and_devices_in_a_tar_stop_everything(kind: bytes, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "evil.tar", "w") as archive:
        entry = tarfile.TarInfo("weights.pth")
        entry.type, entry.linkname = kind, str(tmp_path / "outside")
        archive.addfile(entry)
        through = tarfile.TarInfo("weights.pth/inner")
        through.size = 4
        archive.addfile(through, io.BytesIO(b"evil"))
    with pytest.raises(UserError, match="link or a device"):
        unpack(tmp_path / "evil.tar", tmp_path / "out")
    assert set(everything(tmp_path)) == {"evil.tar"}
    assert unpack(tmp_path / "evil.tar", tmp_path / "out", keep=lambda path: path.name == "other") == []


def test_a_link_in_a_zip_stops_everything(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "evil.zip", "w") as archive:
        entry = zipfile.ZipInfo("weights.pth")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UserError, match="link or a device"):
        unpack(tmp_path / "evil.zip", tmp_path / "out")


@pytest.mark.parametrize("kind", ["tar.gz", "tar.xz", "zip"])
def test_a_bomb_is_left_alone(kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2c_ext.weights.unpack.ALWAYS_FINE", 1 << 20)
    WRITERS[kind](tmp_path / "bomb", {f"part{number}": bytes(1 << 19) for number in range(8)})
    assert (tmp_path / "bomb").stat().st_size < 1 << 16
    with pytest.raises(UserError, match="far more than its own size"):
        unpack(tmp_path / "bomb", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_zip_that_lies_about_a_size_is_stopped_at_that_size(tmp_path: Path) -> None:
    write_zip(tmp_path / "lie.zip", {"weights": bytes(200_000)})
    raw = (tmp_path / "lie.zip").read_bytes()
    lie = raw.replace(struct.pack("<I", 200_000), struct.pack("<I", 10))
    assert lie != raw
    (tmp_path / "lie.zip").write_bytes(lie)
    with pytest.raises(UserError, match="damaged"):
        unpack(tmp_path / "lie.zip", tmp_path / "out")
    assert everything(tmp_path / "out") == {}


def test_too_many_members_are_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("t2c_ext.weights.unpack.MOST_MEMBERS", 5)
    write_tar(tmp_path / "many.tar", {str(number): b"" for number in range(6)})
    with pytest.raises(UserError, match="far more"):
        unpack(tmp_path / "many.tar", tmp_path / "out")


def test_two_members_of_one_name_are_left_alone(tmp_path: Path) -> None:
    write_tar(tmp_path / "twice.tar", {"a/File": b"1", "a/file": b"2"})
    with pytest.raises(UserError, match="twice"):
        unpack(tmp_path / "twice.tar", tmp_path / "out")


@pytest.mark.parametrize("kind", WRITERS)
def test_a_truncated_archive_leaves_no_part_of_a_file(kind: str, tmp_path: Path) -> None:
    WRITERS[kind](tmp_path / "a", {"weights": os.urandom(100_000)})
    raw = (tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(UserError, match="damaged"):
        unpack(tmp_path / "a", tmp_path / "out")
    assert everything(tmp_path / "out") == {}


@pytest.mark.parametrize("content", [b"", b"<html>quota</html>"])
def test_what_is_no_archive_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(content)
    with pytest.raises(UserError, match="no archive"):
        unpack(tmp_path / "a", tmp_path / "out")


@given(st.text(st.characters(codec="utf-8"), max_size=30) | st.from_regex(r"(\.\./|/|a/|\\|C:){1,4}b?", fullmatch=True))
def test_a_safe_name_stays_in_its_folder(name: str) -> None:
    path = safe_path(name)
    if path is not None:
        assert path == PurePosixPath(name)
        root = Path("/srv/models")
        inside = Path(os.path.normpath(root / path))
        assert inside != root
        assert root in inside.parents


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_a_name_of_many_megabytes_is_not_read(kind: bytes, packed: bool, tmp_path: Path) -> None:
    import gzip
    import tracemalloc

    header = tarfile.TarInfo("x")
    header.type, header.size = kind, 64 << 20
    content = header.tobuf(tarfile.GNU_FORMAT) + bytes(64 << 20) + tarfile.TarInfo("y").tobuf() + bytes(1024)
    path = tmp_path / "checkpoints.tar"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    del content
    tracemalloc.start()
    with pytest.raises(UserError, match="is no archive, or damaged"):
        unpack(path, tmp_path / "out")
    assert tracemalloc.get_traced_memory()[1] < 16 << 20
    tracemalloc.stop()
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no sparse files")
def test_a_sparse_member_is_left_alone(tmp_path: Path) -> None:
    import subprocess

    (tmp_path / "hole").touch()
    os.truncate(tmp_path / "hole", 1 << 30)
    made = subprocess.run(["tar", "-S", "-cf", "a.tar", "hole"], cwd=tmp_path, check=False, capture_output=True)
    if made.returncode:
        pytest.skip("no GNU tar")
    with pytest.raises(UserError, match="left alone"):
        unpack(tmp_path / "a.tar", tmp_path / "out")
    assert not (tmp_path / "out").exists()
