"""One file over HTTP: resumed where it stopped, compared with its checksum, renamed when it is whole."""

from __future__ import annotations

import hashlib
import shutil
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import Message
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from t2c_ext.errors import UserError

CHUNK = 1 << 20
"""Bytes read at a time."""

ATTEMPTS = 4
"""How often a broken connection is taken up again."""

PATIENCE = 30.0
"""Seconds without a byte after which a connection counts as broken."""

MOST_BYTES = 16 << 30
"""No file of a model is larger: a server that sends more is not believed."""

Told = Callable[[int, int], None]
"""Called with the bytes that are here and the bytes in all (0 when unknown); may raise Cancelled."""


class Unreachable(Exception):
    """The file could not be had; the message says why in a few words."""


@dataclass(frozen=True)
class Remote:
    """A file to fetch.

    Attributes:
        url: its address.
        size: bytes, or 0 when unknown; more than these, or than `MOST_BYTES`, are not taken.
        sha256: its checksum or the checksum's first digits; "" when unknown, and then it is not resumed.
        headers: sent to the address's own host, and to no other that it leads to.
    """

    url: str
    size: int = 0
    sha256: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


def fetch(remote: Remote, target: Path, told: Told) -> str:
    """Download a file; what is there already of it is not fetched again.

    Args:
        remote: what to fetch.
        target: its place; written only when the file is whole. What has arrived until then lies beside it (".part").
        told: progress.

    Returns:
        The file's sha256.

    Raises:
        Unreachable: no connection, or the server refuses.
        UserError: the disk is full, or the file is not the one that was meant, or larger.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if not remote.sha256:
            part.unlink(missing_ok=True)
        _check_room(part, remote.size)
        _fetch_all(remote, part, told)
        digest = sha256_of(part)
        if not digest.startswith(remote.sha256):
            part.unlink()
            raise UserError(f"{remote.url} is not the file that was meant: its checksum is {digest}; try again")
        part.replace(target)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror or error}") from None
    return digest


def sha256_of(path: Path, told: Told | None = None) -> str:
    """The sha256 of a file, in hexadecimal digits."""
    digest, done, size = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if told is not None:
                told(done, size)
    return digest.hexdigest()


def _check_room(part: Path, size: int) -> None:
    here = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if size - here > free:
        raise UserError(f"{part.parent} has {free / 1e6:.0f} MB free, but the file needs {(size - here) / 1e6:.0f} MB")
    if size > MOST_BYTES:
        raise UserError(f"{part.stem} has {size / 1e9:.0f} GB, which no file of a model has; it was not fetched")


def _fetch_all(remote: Remote, part: Path, told: Told) -> None:
    """Fetch until the file is whole; a connection that breaks is taken up again, with a pause."""
    for attempt in range(ATTEMPTS):
        try:
            return _fetch_rest(remote, part, told)
        except (HTTPException, OSError) as error:
            refused = isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429
            if refused or attempt + 1 == ATTEMPTS:
                raise Unreachable(_reason(error)) from None
        time.sleep(0.5 * 2**attempt)
    raise AssertionError("the last attempt returns or raises")


def _fetch_rest(remote: Remote, part: Path, told: Told) -> None:
    here = part.stat().st_size if part.exists() else 0
    if here and here == remote.size:
        return
    request = urllib.request.Request(remote.url, headers={"User-Agent": "text2cinemagraph"})
    for name, value in remote.headers.items():
        request.add_unredirected_header(name, value)
    if here:
        request.add_header("Range", f"bytes={here}-")
    try:
        with _open(request) as answer:
            if answer.status != 206 or not _starts_at(answer.headers, here):
                here = 0
            _copy(answer, part, here, remote.size, told)
    except urllib.error.HTTPError as error:
        if error.code != 416:
            raise
        part.unlink()  # more is here than there: begin again
        raise HTTPException("the file has changed") from None


def _open(request: urllib.request.Request) -> Any:
    if urlsplit(request.full_url).scheme not in ("http", "https"):
        raise HTTPException("not a web address")
    context = None
    with suppress(ImportError):
        import certifi

        context = ssl.create_default_context(cafile=certifi.where())
    opener = urllib.request.build_opener(_WebOnly(), urllib.request.HTTPSHandler(context=context))
    return opener.open(request, timeout=PATIENCE)


class _WebOnly(urllib.request.HTTPRedirectHandler):
    """Follows an address only to another of the web, and never from https to http."""

    def redirect_request(  # noqa: PLR0917 - the library's own signature
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> urllib.request.Request | None:
        """The request for the next address; raises HTTPError where it is not followed."""
        before, after = urlsplit(req.full_url).scheme, urlsplit(newurl).scheme
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise urllib.error.HTTPError(req.full_url, 403, f"it leads to {after}:", headers, fp)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _starts_at(headers: Message, start: int) -> bool:
    return start > 0 and headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _copy(answer: Any, part: Path, here: int, size: int, told: Told) -> None:
    """Append what arrives to the part, after its first `here` bytes."""
    length = int(answer.headers.get("Content-Length") or 0)
    total = size or (here + length if length else 0)
    most = size or MOST_BYTES
    if here + length > most:
        raise UserError(_too_large(part, most))
    with part.open("ab" if here else "wb") as file:
        while chunk := answer.read(CHUNK):
            if here + len(chunk) > most:
                raise UserError(_too_large(part, most))
            _write(file, chunk, part)
            here += len(chunk)
            told(here, total)
    if total and here != total:
        raise HTTPException(f"{here} of {total} bytes arrived")


def _too_large(part: Path, most: int) -> str:
    return f"the server sends more than the {most / 1e6:.1f} MB that {part.stem} has; it was not taken"


def _write(file: IO[bytes], chunk: bytes, part: Path) -> None:
    try:
        file.write(chunk)
    except OSError as error:
        raise UserError(f"cannot write {part}: {error.strerror or error}") from None


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        if error.code == 403 and str(error.reason).startswith("it leads to"):
            return f"not a web address: {error.reason}"
        said = {
            401: "it asks for a login",
            403: "it is not open to everyone",
            404: "it is not there",
            429: "it is busy",
        }
        return f"the server refused ({error.code}: {said.get(error.code, error.reason)})"
    if isinstance(error, urllib.error.URLError):
        return f"no connection ({getattr(error.reason, 'strerror', None) or error.reason})"
    return f"the connection broke ({error or type(error).__name__})"
