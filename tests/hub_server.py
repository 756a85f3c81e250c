"""A web server on this machine that answers as the Hugging Face hub and its storage do."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c" * 40


@dataclass
class Hub:
    """What the server holds and what it was asked.

    Attributes:
        files: by "owner/name/file".
        gated: repositories that want a login.
        breaks: how many more answers break off halfway.
        fails: how many more answers are errors 503.
        commit: the newest.
        stubborn: it gives the newest whatever is asked for.
        endless: the storage never ends an answer, nor says how long it is.
        leads_to: where it sends whoever asks for a file, in place of the storage.
        ranges: whether the storage can begin in the middle.
        asked: (host, path, headers) of each request.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    gated: tuple[str, ...] = ()
    breaks: int = 0
    fails: int = 0
    commit: str = COMMIT
    stubborn: bool = False
    endless: bool = False
    leads_to: str = ""
    ranges: bool = True
    asked: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sent(self, ending: str) -> list[dict[str, str]]:
        """The headers of the requests for files of that ending in the storage."""
        return [headers for _, path, headers in self.asked if path.startswith("/storage/") and path.endswith(ending)]


@contextmanager
def serving() -> Iterator[Hub]:
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub))
    hub.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.split("?")[0]
            hub.asked.append((self.headers["Host"], path, {key.lower(): value for key, value in self.headers.items()}))
            if path.startswith("/api/models/"):
                self._list(path.removeprefix("/api/models/"))
            elif "/resolve/" in path:
                repository, _, rest = path.strip("/").partition("/resolve/")
                name = rest.split("/", 1)[1]
                storage = f"http://localhost:{hub.port}/storage/{repository}/{name}"
                self._answer(302, b"", Location=hub.leads_to or storage)
            else:
                self._store(path.removeprefix("/storage/"))

        def _list(self, path: str) -> None:
            repository, _, revision = path.partition("/revision/")
            rows = {name: data for name, data in hub.files.items() if name.startswith(repository + "/")}
            if repository in hub.gated or not rows:
                code = "GatedRepo" if repository in hub.gated else "RepoNotFound"
                self._answer(403 if repository in hub.gated else 401, b"{}", **{"X-Error-Code": code})
                return
            siblings = [_sibling(name.removeprefix(repository + "/"), data) for name, data in rows.items()]
            commit = revision if len(revision) == 40 and not hub.stubborn else hub.commit
            document = {"id": repository, "modelId": repository, "sha": commit, "siblings": siblings, "tags": []}
            self._answer(200, json.dumps(document).encode(), **{"Content-Type": "application/json"})

        def _store(self, name: str) -> None:
            if name not in hub.files:
                self._answer(404, b"")
                return
            if hub.fails:
                hub.fails -= 1
                self._answer(503, b"")
                return
            if hub.endless:
                self.send_response(200)
                self.end_headers()
                with suppress(OSError):  # until the other side has had enough
                    while True:
                        self.wfile.write(bytes(1 << 16))
            data, wanted = hub.files[name], self.headers.get("Range")
            start = int(wanted.removeprefix("bytes=").split("-")[0]) if wanted and hub.ranges else 0
            if start >= len(data) > 0:
                self._answer(416, b"")
            elif start:
                self._answer(206, data[start:], **{"Content-Range": f"bytes {start}-{len(data) - 1}/{len(data)}"})
            else:
                self._answer(200, data)

        def _answer(self, code: int, body: bytes, **headers: str) -> None:
            self.send_response(code)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if hub.breaks and self.path.startswith("/storage/") and len(body) > 1000:
                hub.breaks -= 1
                body = body[: len(body) // 2]
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


def _sibling(name: str, data: bytes) -> dict[str, object]:
    row: dict[str, object] = {"rfilename": name, "size": len(data), "blobId": "b" * 40}
    if not name.endswith((".json", ".txt", ".md")):
        row["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data), "pointerSize": 134}
    return row
