"""The only files that the app gives out: what it made for a visitor, what the visitor put in, and its own scripts."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

from t2c_ext.ui.asgi import NO_SNIFFING, Message, Send, answer, header
from t2c_ext.ui.kinds import made_type, picture_type

GIVEN = {
    ".png": ("image/png",),
    ".apng": ("image/png",),
    ".gif": ("image/gif",),
    ".webp": ("image/webp",),
    ".mp4": ("video/mp4",),
    ".webm": ("video/webm",),
}
"""What a file of a workspace must hold to be given out, by its ending."""

SCRIPTS = {".js": "text/javascript", ".mjs": "text/javascript", ".css": "text/css"}

CHUNK = 256_000

BROKEN_OFF = 600.0
"""Seconds without another byte, after which an upload is taken to have broken off."""

_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


@dataclass(frozen=True)
class Found:
    """A file to give out.

    Attributes:
        path: where it lies.
        kind: its media type.
        shown: a browser may show it in a tab of its own; else it saves it.
    """

    path: Path
    kind: str
    shown: bool


@dataclass(frozen=True)
class Files:
    """Finds files by what a request names.

    Attributes:
        workspaces: the folder in which they lie.
        uploads: the folder into which Gradio puts what visitors send.
        scripts: the folder of the page's scripts.
    """

    workspaces: Path
    uploads: Path
    scripts: Path

    def made(self, id: str, rest: str) -> Found | None:
        """A picture or loop of a workspace; None where there is none of that name."""
        path = _below(self.workspaces, f"{id}/{rest}")
        if path is None or made_type(path) not in GIVEN.get(path.suffix, ()):
            return None
        return Found(path, made_type(path), shown=True)

    def script(self, rest: str) -> Found | None:
        """A script of the page."""
        path = _below(self.scripts, rest)
        return None if path is None or path.suffix not in SCRIPTS else Found(path, SCRIPTS[path.suffix], shown=True)

    def upload(self, name: str) -> Found | None:
        """What a visitor has put in, where it is a picture."""
        path = self.upload_path(name)
        kind = "" if path is None else picture_type(path)
        return Found(path, kind, shown=False) if path is not None and kind else None

    def held(self) -> int:
        """Bytes of all that lies among the uploads, what has broken off too."""
        total = 0
        for path in self.uploads.rglob("*"):
            with suppress(OSError):
                total += path.stat().st_size if path.is_file() else 0
        return total

    def sweep(self, now: float) -> None:
        """Delete what uploads that broke off have left, some time after their last byte.

        Args:
            now: the time in seconds since 1970.
        """
        for path in self.uploads.glob("tmp*"):
            with suppress(OSError):
                if path.is_file() and path.stat().st_mtime < now - BROKEN_OFF:
                    path.unlink()

    def upload_path(self, name: str) -> Path | None:
        """The file of a name as Gradio gives it, which is a whole path; None where it is no file in their folder."""
        if "\0" in name:
            return None
        path = Path(os.path.abspath(name))  # a matter of letters: a path on another machine is not looked at
        if not os.path.isabs(name) or not path.is_relative_to(self.uploads):
            return None
        return _plain(path)


def _below(folder: Path, name: str) -> Path | None:
    """The file of that name in a folder; None for a link, a way out, or a name that the app does not give."""
    parts = name.split("/")
    if not all(_PART.fullmatch(part) for part in parts):
        return None
    return _plain(folder.joinpath(*parts))


def _plain(path: Path) -> Path | None:
    """The path, where it is a file with no link on the way to it."""
    try:
        return path if path.resolve(strict=True) == path and path.is_file() else None
    except (OSError, RuntimeError):
        return None


async def give(found: Found, scope: Message, send: Send) -> None:
    """Send a file, or the part of it that is asked for."""
    try:
        opened = found.path.open("rb")
    except OSError:
        await answer(send, 404, "there is no such file")
        return
    with opened:
        size = os.fstat(opened.fileno()).st_size
        part = _part(header(scope, "range"), size)
        if part is None:
            await answer(send, 416, "", [(b"content-range", f"bytes */{size}".encode())])
            return
        start, stop, status = part
        headers = [*_headers(found), (b"content-length", str(stop - start).encode())]
        if status == 206:
            headers.append((b"content-range", f"bytes {start}-{stop - 1}/{size}".encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b""})
            return
        await _stream(opened, start, stop, send)


async def _stream(opened: BinaryIO, start: int, stop: int, send: Send) -> None:
    opened.seek(start)
    while start < stop:
        data = await asyncio.to_thread(opened.read, min(CHUNK, stop - start))
        if not data:
            break  # it has been cut short since; the server notices that the answer is
        start += len(data)
        await send({"type": "http.response.body", "body": data, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


def _part(asked: str, size: int) -> tuple[int, int, int] | None:
    """(first byte, one after the last, status) of what is asked for; None where the file has no such part."""
    found = _RANGE.fullmatch(asked.strip())
    if found is None or not any(found.groups()) or max(map(len, found.groups())) > 18:
        return 0, size, 200
    first, last = found.groups()
    if not first:
        return (max(0, size - int(last)), size, 206) if int(last) and size else None
    start, stop = int(first), min(size, int(last) + 1) if last else size
    return (start, stop, 206) if start < stop else None


def _headers(found: Found) -> list[tuple[bytes, bytes]]:
    """A browser takes it for what it is, runs nothing in it, and shows no upload as a page of this site."""
    how = "inline" if found.shown else "attachment"
    disposition = f"{how}; filename*=utf-8''{quote(found.path.name, safe='')}"
    kind = f"{found.kind}; charset=utf-8" if found.kind.startswith("text/") else found.kind
    return [
        (b"content-type", kind.encode()),
        (b"content-disposition", disposition.encode()),
        (b"content-security-policy", b"default-src 'none'; img-src 'self'; media-src 'self'; sandbox"),
        (b"accept-ranges", b"bytes"),
        (b"cache-control", b"private, no-cache" if found.kind in SCRIPTS.values() else b"private, max-age=3600"),
        NO_SNIFFING,
    ]
