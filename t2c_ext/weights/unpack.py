"""Archives from elsewhere, unpacked so that nothing lands outside the folder, links nowhere and fills no disk."""

from __future__ import annotations

import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError

EXPANSION = 4
"""Unpacked files may be this many times as large as the archive; weights hardly shrink."""

ALWAYS_FINE = 64 << 20
"""Bytes that any archive may unpack to."""

LONGEST_NOTE = 1 << 20
"""Bytes of a long name or of a header with further notes."""

_NOTES = (
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
)

MOST_MEMBERS = 10_000
CHUNK = 1 << 20

_DAMAGE = (
    *(tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, RuntimeError, ValueError, LookupError, OverflowError, MemoryError, struct.error),
)
"""What the libraries raise on damaged, encrypted or unknown parts (OSError apart)."""

if TYPE_CHECKING:
    from typing_extensions import Self

Told = Callable[[int, int], None]


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    is_file: bool
    is_folder: bool
    open: Callable[[], IO[bytes]]


def unpack(
    archive: Path, folder: Path, *, keep: Callable[[PurePosixPath], bool] | None = None, told: Told | None = None
) -> list[Path]:
    """Unpack a tar (also compressed) or zip archive.

    Args:
        archive: the archive.
        folder: what its names are relative to.
        keep: which files to unpack; all when None.
        told: progress in bytes.

    Returns:
        The files, in the archive's order; each is whole.

    Raises:
        UserError: the archive is damaged, a name leads outside the folder, a kept member is a link or a device, two
            have one name, or together they are far larger than the archive. Nothing is written then.
    """
    with _members(archive) as members:
        chosen = _chosen(archive, members(), keep)
        total, done = sum(member.size for member in chosen.values()), 0
        written: list[Path] = []
        for path, member in chosen.items():
            with replacing(folder / path) as temporary, temporary.open("wb") as file:
                for chunk in _read(archive, member):
                    file.write(chunk)
                    done += len(chunk)
                    if told is not None:
                        told(done, total)
            written.append(folder / path)
    return written


def safe_path(name: str) -> PurePosixPath | None:
    """A name from elsewhere as a path that stays in its folder on every platform, or None where it would not."""
    path = PurePosixPath(name)
    if not path.parts or path.is_absolute() or ".." in path.parts or any(sign in name for sign in '\\:\0*?"<>|'):
        return None
    return path


def _chosen(
    archive: Path, members: Iterator[_Member], keep: Callable[[PurePosixPath], bool] | None
) -> dict[PurePosixPath, _Member]:
    limit = max(ALWAYS_FINE, EXPANSION * archive.stat().st_size)
    chosen: dict[PurePosixPath, _Member] = {}
    names: set[str] = set()
    total = 0
    for number, member in enumerate(members):
        total += member.size
        if number >= MOST_MEMBERS or total > limit:
            raise UserError(f"{archive} would unpack to far more than its own size and was left alone")
        path = safe_path(member.name)
        if path is None:
            if member.is_folder and PurePosixPath(member.name) == PurePosixPath("."):
                continue
            raise UserError(f"{archive} holds the unsafe name {member.name[:80]!r} and was left alone")
        if member.is_folder or (keep is not None and not keep(path)):
            continue
        if not member.is_file:
            raise UserError(f"{archive} holds a link or a device ({member.name[:80]}) and was left alone")
        if str(path).lower() in names:
            raise UserError(f"{archive} holds {path} twice and was left alone")
        names.add(str(path).lower())
        chosen[path] = member
    return chosen


def _read(archive: Path, member: _Member) -> Iterator[bytes]:
    """The member's bytes; as many as its header says, or an error."""
    left = member.size
    try:
        with member.open() as source:
            while chunk := source.read(CHUNK):
                left -= len(chunk)
                if left < 0:
                    break
                yield chunk
    except (*_DAMAGE, OSError) as error:
        raise UserError(f"{archive} is damaged ({_line(error)}); download it again") from None
    if left:
        raise UserError(f"{archive} is damaged or not what it says; download it again")


def _line(error: Exception) -> str:
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return "".join(sign if sign.isprintable() else "?" for sign in line)[:120]


class _Entry(tarfile.TarInfo):
    """A header of a tar; one that says a name or a note of megabytes is not read, as it would all be held in memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        """The header in a block; raises ReadError as described."""
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in _NOTES and entry.size > LONGEST_NOTE:
            raise tarfile.ReadError("a name in it has megabytes")
        return entry


@contextmanager
def _members(archive: Path) -> Iterator[Callable[[], Iterator[_Member]]]:
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as opened:
                yield lambda: _zip_members(opened)
        else:
            with tarfile.open(archive, tarinfo=_Entry) as tar:
                yield lambda: _tar_members(tar)
    except UserError:
        raise
    except _DAMAGE as error:
        raise UserError(f"{archive} is no archive, or damaged ({_line(error)}); download it again") from None
    except OSError as error:
        raise UserError(f"cannot read {archive}: {error.strerror or error}") from None


def _zip_members(archive: zipfile.ZipFile) -> Iterator[_Member]:
    for entry in archive.infolist():
        kind = (entry.external_attr >> 16) & 0o170000
        is_file = kind in (0, 0o100000) and not entry.is_dir()

        def reader(entry: zipfile.ZipInfo = entry) -> IO[bytes]:
            return archive.open(entry)

        yield _Member(entry.filename, entry.file_size, is_file, entry.is_dir(), reader)


def _tar_members(archive: tarfile.TarFile) -> Iterator[_Member]:
    for entry in archive:

        def reader(entry: tarfile.TarInfo = entry) -> IO[bytes]:
            source = archive.extractfile(entry)
            if source is None:
                raise tarfile.TarError(f"{entry.name} is no file")
            return source

        yield _Member(entry.name, entry.size, entry.isreg() and not entry.issparse(), entry.isdir(), reader)
