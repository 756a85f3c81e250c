"""Attacks on the app as it is served, with whichever Gradio; each says whether it was held off, and how."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import socket
import struct
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from PIL import Image

HTML = b"<!doctype html><script>document.title = 'taken'</script>"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg'><script>document.title = 'taken'</script></svg>"
POSTSCRIPT = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n(secret) show\n"

TAKEN = b'\\"picture\\": {'
"""Stands in the answer of a page that has taken a picture."""

REFUSED = (400, 401, 403, 404, 405, 408, 413, 415, 422, 429, 503)


@dataclass(frozen=True)
class Reply:
    """What the server answered; status 0 where it only closed the connection."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class Outcome:
    """Whether an attack was held off, and how in a word or two."""

    held: bool
    how: str


@dataclass
class Target:
    """An app that is served.

    Attributes:
        address: of its page.
        folder: of its workspaces.
        outside: a folder beside it, with a picture `secret.png` that nobody may see.
    """

    address: str
    folder: Path
    outside: Path
    config: dict[str, Any] = field(default_factory=dict)
    cookie: str = ""

    def __post_init__(self) -> None:
        page = self.ask("GET", "/", cookie="")
        self.cookie = page.headers["set-cookie"].partition(";")[0]
        found = re.search(r"window\.gradio_config\s*=\s*(\{.*?\});?\s*</script>", page.text, re.DOTALL)
        assert found is not None, "the page holds Gradio's configuration"
        self.config = json.loads(found[1])

    @property
    def version(self) -> str:
        return str(self.config["version"])

    @property
    def prefix(self) -> str:
        """What the routes of its Gradio begin with."""
        return "/gradio_api" if int(self.version.partition(".")[0]) >= 5 else ""

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | Iterator[bytes] | None = None,
        cookie: str | None = None,
        timeout: float = 60,
        **headers: str,
    ) -> Reply:
        """Ask once."""
        place = urlsplit(self.address)
        connection = http.client.HTTPConnection(place.hostname or "", place.port, timeout=timeout)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given["Cookie"] = self.cookie if cookie is None else cookie
        try:
            connection.putrequest(method, target, skip_host="Host" in given, skip_accept_encoding=True)
            chunked = body is not None and not isinstance(body, bytes)
            if isinstance(body, bytes) and "Content-Length" not in given:
                given["Content-Length"] = str(len(body))
            if chunked:
                given["Transfer-Encoding"] = "chunked"
            for name, value in given.items():
                connection.putheader(name, value)
            connection.endheaders()
            with suppress(BrokenPipeError, ConnectionResetError):  # an early answer
                if isinstance(body, bytes):
                    connection.send(body)
                elif body is not None:
                    for part in body:
                        connection.send(b"%x\r\n%s\r\n" % (len(part), part))
                    connection.send(b"0\r\n\r\n")
            answer = connection.getresponse()
            try:
                text = answer.read()
            except http.client.IncompleteRead as error:  # closed in the midst of it; what came is the body
                text = error.partial
            return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)
        except (http.client.RemoteDisconnected, ConnectionResetError):
            return Reply(0, {}, b"")
        finally:
            connection.close()

    def get(self, target: str, **more: Any) -> Reply:
        return self.ask("GET", target, **more)

    def visitor(self) -> str:
        """Another browser's cookie."""
        return self.ask("GET", "/", cookie="").headers["set-cookie"].partition(";")[0]

    def upload(self, data: bytes, name: str = "picture.png", cookie: str | None = None) -> tuple[Reply, str]:
        """Send a file as the page does; the path that Gradio gave it."""
        head = f'--x\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'.encode()
        reply = self.ask(
            "POST",
            f"{self.prefix}/upload",
            head + data + b"\r\n--x--\r\n",
            cookie,
            Content_Type="multipart/form-data; boundary=x",
        )
        try:
            return reply, str(json.loads(reply.body)[0])
        except (ValueError, IndexError, KeyError, TypeError):
            return reply, ""

    def component(self, element: str) -> int:
        return next(int(row["id"]) for row in self.config["components"] if row["props"].get("elem_id") == element)

    def listener(self, element: str, event: str) -> int:
        """The number of what happens at an event of an element."""
        wanted = self.component(element)
        for number, row in enumerate(self.config["dependencies"]):
            old = row.get("trigger") == event and wanted in row["targets"]  # Gradio 3
            if old or [wanted, event] in [target[:2] for target in row["targets"] if isinstance(target, list)]:
                return number
        raise LookupError(element)

    def call(self, element: str, event: str, data: list[Any], cookie: str | None = None, **more: Any) -> Reply:
        """Have something of the page run, without its queue."""
        body = {"fn_index": self.listener(element, event), "data": data, "session_hash": "attack"} | more
        return self.ask(
            "POST",
            f"{self.prefix}/run/predict",
            json.dumps(body).encode(),
            cookie,
            timeout=120,
            Content_Type="application/json",
        )

    def put_in(self, data: bytes, name: str = "picture.png", cookie: str | None = None) -> Reply:
        """Put a picture in, as the page does."""
        if self.version.startswith("3."):
            import base64

            text = "data:image/png;base64," + base64.b64encode(data).decode()
            return self.call("t2c_picture", "change", [None, text, None, None], cookie)
        _, path = self.upload(data, name, cookie)
        given = {"path": path, "meta": {"_type": "gradio.FileData"}}
        return self.call("t2c_picture", "change", [None, given, None, None], cookie)

    def memory(self) -> int:
        """The most bytes that the app's process has held, 0 where that cannot be known."""
        found = re.search(r"VmHWM:\s+(\d+) kB", self._told("status"))
        return int(found[1]) * 1024 if found else 0

    def seconds(self) -> float:
        """What the app's process has had of the processor; the time of the clock where that cannot be known."""
        fields = self._told("stat").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else time.monotonic()

    def _told(self, name: str) -> str:
        """What Linux tells of the app's process in a file below /proc, else ""."""
        wanted = f"app\0--port\0{urlsplit(self.address).port}\0".encode()
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if wanted in (process / "cmdline").read_bytes():
                    return (process / name).read_text(encoding="ascii", errors="replace")
        return ""


@dataclass(frozen=True)
class Attack:
    """One of them.

    Attributes:
        name: what is tried.
        run: tries it.
        slow: it takes more than some seconds.
    """

    name: str
    run: Callable[[Target], Outcome]
    slow: bool = False


def picture(size: tuple[int, int] = (64, 48), kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    Image.linear_gradient("L").resize(size).convert("RGB").save(written, kind)
    return written.getvalue()


def refused(*replies: Reply) -> Outcome:
    """None of them gave anything."""
    statuses = sorted({reply.status for reply in replies})
    held = all(status in REFUSED or status == 0 for status in statuses)
    return Outcome(held, "refused (" + ", ".join(str(status) if status else "closed" for status in statuses) + ")")


# ---- other sites -----------------------------------------------------------------------------------------------------


def rebound_name(target: Target) -> Outcome:
    return refused(
        *(target.get(path, Host="evil.example:7860") for path in ("/", "/config", "/theme.css", "/t2c/here"))
    )


def other_origin(target: Target) -> Outcome:
    paths = ("/", "/queue/data", f"{target.prefix}/heartbeat/a", "/t2c/here")
    replies = [target.get(path, Origin="https://evil.example", timeout=5) for path in paths]
    replies += [target.ask("POST", f"{target.prefix}/run/predict", b"{}", Origin="null")]
    replies += [target.ask("OPTIONS", f"{target.prefix}/run/predict", Origin="http://localhost:3000")]
    open_to_all = [reply for reply in replies if "access-control-allow-origin" in reply.headers]
    return Outcome(False, "CORS") if open_to_all else refused(*replies)


def embedded(target: Target) -> Outcome:
    _, path = target.upload(picture())
    replies = [
        target.get(f"{target.prefix}/file={path}", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors"),
        target.get("/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors"),
    ]
    framed = target.get("/", Sec_Fetch_Site="same-origin")
    if "frame-ancestors" not in framed.headers.get("content-security-policy", ""):
        return Outcome(False, "may be framed")
    return refused(*replies)


def foreign_socket(target: Target) -> Outcome:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec_WebSocket_Version": "13"}
    upgrade["Sec_WebSocket_Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    return refused(
        target.get("/queue/join", Origin="https://evil.example", **upgrade),
        target.get("/queue/join", cookie="", **upgrade),
        target.get("/queue/join", Host="evil.example", **upgrade),
    )


def without_cookie(target: Target) -> Outcome:
    replies = [target.get(path, cookie="") for path in ("/config", "/info", "/t2c/here", "/queue/status")]
    replies += [target.upload(picture(), cookie="")[0]]
    replies += [target.call("t2c_example", "click", [None], cookie="")]
    return refused(*replies)


def forwarded_name(target: Target) -> Outcome:
    page = target.get("/", X_Forwarded_Host="evil.example", Forwarded="host=evil.example")
    return Outcome("evil.example" not in page.text, "not taken into the page")


# ---- what is put in --------------------------------------------------------------------------------------------------


def _runs_nothing(target: Target, data: bytes, name: str) -> Outcome:
    reply, path = target.upload(data, name)
    if not path:
        return refused(reply)
    given = [target.get(f"{prefix}/file={quote(path)}") for prefix in ("", "/gradio_api")]
    if any(data in reply.body for reply in given):
        return Outcome(False, "given out")
    return Outcome(all(reply.status in REFUSED for reply in given), "not kept, refused (404)")


def uploaded_page(target: Target) -> Outcome:
    outcomes = [_runs_nothing(target, HTML, name) for name in ("page.html", "page.png", "page.PNG.htm")]
    return next((row for row in outcomes if not row.held), outcomes[0])


def uploaded_drawing(target: Target) -> Outcome:
    outcomes = [_runs_nothing(target, SVG, name) for name in ("drawing.svg", "drawing.png")]
    return next((row for row in outcomes if not row.held), outcomes[0])


def two_in_one(target: Target) -> Outcome:
    reply, path = target.upload(picture() + HTML, "both.html")
    if not path:
        return refused(reply)
    given = target.get(f"{target.prefix}/file={quote(path)}")
    if given.status in REFUSED:
        return refused(given)
    headers = given.headers
    held = headers.get("content-disposition", "").startswith("attachment") and headers["content-type"] == "image/png"
    held = held and headers["x-content-type-options"] == "nosniff" and "sandbox" in headers["content-security-policy"]
    return Outcome(held, "image/png, attachment, sandbox")


def postscript(target: Target) -> Outcome:
    reply = target.put_in(POSTSCRIPT, "painting.png")
    told = "no picture" in reply.text or "PostScript" in reply.text
    return Outcome(told and b"picture.png" not in reply.body, "a sentence: no picture")


def odd_names(target: Target) -> Outcome:
    before = set(target.outside.rglob("*"))
    names = (
        "../../../evil.png",
        "..\\..\\evil.png",
        str(target.outside / "evil.png"),
        "a/../../evil.png",
        ".",
        "..",
        "",
    )
    paths = [target.upload(picture(), name)[1] for name in (*names, "x" * 3000 + ".png", "nul.png", "a%00.png")]
    after = set(target.outside.rglob("*"))
    inside = [path for path in paths if path and not Path(path).is_relative_to(target.folder)]
    return Outcome(not inside and before == after, "kept below the upload folder, or refused")


# ---- files -----------------------------------------------------------------------------------------------------------


def not_the_app_s(target: Target) -> Outcome:
    diary = target.folder / "diary.png"
    diary.write_bytes(picture())
    (target.folder / "notes.txt").write_text("private", encoding="utf-8")
    names = [diary, target.folder / "notes.txt", "diary.png", "notes.txt", "README.md", "t2c_ext/app.py"]
    replies = [target.get(f"{prefix}/file={quote(str(name))}") for name in names for prefix in ("", "/gradio_api")]
    replies += [target.get(f"/t2c/made/{name}") for name in ("diary.png", "../diary.png", "./diary.png")]
    replies += [target.get(f"{target.prefix}/file/{quote(str(diary))}")]
    return refused(*replies)


def ways_out(target: Target) -> Outcome:
    secret = str(target.outside / "secret.png")
    up = "/".join([".."] * 12)
    names = ["/etc/passwd", secret, f"{up}/etc/passwd", quote(f"{up}{secret}", safe=""), f"{up}{secret}"]
    names += [
        "%2e%2e/%2e%2e/etc/passwd",
        "..%252f..%252fetc/passwd",
        "//etc/passwd",
        "/./etc/passwd",
        "file:///etc/passwd",
    ]
    names += [
        "..\\..\\windows\\win.ini",
        "C:/windows/win.ini",
        "\\\\127.0.0.1\\share\\x.png",
        "//127.0.0.1/share/x.png",
    ]
    names += [f"{target.folder}/../{target.outside.name}/secret.png", "/proc/self/environ", "/dev/zero", "%00", "a%0ab"]
    before = (
        "/file=",
        "/gradio_api/file=",
        "/file/",
        "/static/",
        "/assets/",
        "/t2c/made/",
        "/t2c/scripts/",
        "/svelte/",
    )
    replies = [target.get(f"{place}{quote(name, safe='/%')}") for place in before for name in names]
    return refused(*replies)


def a_link(target: Target) -> Outcome:
    if sys.platform == "win32":
        return Outcome(True, "not tried on Windows")
    id = started(target)
    view = target.folder / id / "view"
    view.mkdir(exist_ok=True)
    for link, to in ((view / "link.png", target.outside / "secret.png"), (view / "out", target.outside)):
        if not link.is_symlink():
            link.symlink_to(to)
    names = ("view/link.png", "view/out/secret.png")
    return refused(*(target.get(f"/t2c/made/{id}/{name}") for name in names))


def started(target: Target, cookie: str | None = None) -> str:
    """The example is put in; the workspace's id."""
    target.call("t2c_example", "click", [None], cookie)
    newest = max(
        (path for path in target.folder.iterdir() if re.fullmatch(r"[0-9a-f]{32}", path.name)), key=os.path.getmtime
    )
    return newest.name


# ---- other visitors --------------------------------------------------------------------------------------------------


def others_files(target: Target) -> Outcome:
    _, path = target.upload(picture(), "mine.png")
    id = started(target)
    shown = f"/t2c/made/{id}/view/picture.png"
    mine = [target.get(shown), target.get(f"{target.prefix}/file={quote(path)}")]
    if any(reply.status != 200 for reply in mine):
        return Outcome(False, f"not even the owner's ({[reply.status for reply in mine]})")
    other = target.visitor()
    replies = [target.get(shown, cookie=other), target.get(f"{target.prefix}/file={quote(path)}", cookie=other)]
    if not target.version.startswith("3."):
        given = {"path": path, "meta": {"_type": "gradio.FileData"}}
        replies += [target.call("t2c_picture", "change", [None, given, None, None], other)]
    return refused(*replies)


def others_events(target: Target) -> Outcome:
    if target.version.startswith("3."):
        return Outcome(True, "each page has a socket of its own")
    held: list[Reply] = []
    mine = threading.Thread(
        target=lambda: held.append(_first_of(target, f"{target.prefix}/heartbeat/mine", target.cookie))
    )
    mine.start()
    mine.join(5)
    other = target.visitor()
    return refused(
        target.get(f"{target.prefix}/queue/data?session_hash=mine", cookie=other, timeout=5),
        target.get(f"{target.prefix}/heartbeat/mine", cookie=other, timeout=5),
    )


def _first_of(target: Target, path: str, cookie: str) -> Reply:
    with suppress(OSError):
        return target.ask("GET", path, cookie=cookie, timeout=2)
    return Reply(200, {}, b"")


# ---- other machines, other routes ------------------------------------------------------------------------------------


@contextmanager
def canary() -> Iterator[tuple[str, list[bytes]]]:
    """An address, and what is asked there."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    asked.append(connection.recv(200))
                    connection.close()

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}", asked
        over.set()
        thread.join(2)


def asked_for_us(target: Target) -> Outcome:
    with canary() as (address, asked):
        replies = [
            target.get(f"{prefix}/{way}{quote(f'{address}/a.hf.space/x.png', safe=safe)}")
            for prefix in ("", "/gradio_api")
            for way in ("proxy=", "file=", "file/")
            for safe in ("/:", "")
        ]
        for field_ in ("path", "url", "name", "data"):
            given = {"path": None, field_: f"{address}/x.png", "is_file": True, "meta": {"_type": "gradio.FileData"}}
            replies += [target.call("t2c_picture", "change", [None, given, None, None])]
        told = [reply for reply in replies if reply.status == 200 and b"picture.png" in reply.body]
        return Outcome(not asked and not told, "nothing was asked there")


def a_file_of_the_machine(target: Target) -> Outcome:
    replies = []
    for field_ in ("path", "url", "name"):
        for name in (str(target.outside / "secret.png"), f"file://{target.outside}/secret.png"):
            given = {"path": None, field_: name, "is_file": True, "meta": {"_type": "gradio.FileData"}}
            replies += [target.call("t2c_picture", "change", [None, given, None, None])]
    return Outcome(not any(TAKEN in reply.body for reply in replies), "nothing was read")


OTHER_ROUTES = (
    "config",
    "api/info",
    "docs",
    "redoc",
    "openapi.json",
    "monitoring",
    "monitoring/summary",
    "dev/reload",
    "component_server",
    "call/predict",
    "call/animate/1",
    "queue/push",
    "startup-events",
    "runs",
    "run-history/records",
    "run-history/connect",
    "vibe-code",
    "vibe-edit",
    "undo-vibe-edit",
    "vibe-starter-queries",
    "process_recording",
    "profiling/traces",
    "custom_component/1/client/component/index.js",
    "mcp",
    "mcp/sse",
    "deep_link",
    "token",
    "user",
    "logout",
    "stream/a/b/1/playlist.m3u8",
    "login_",
)


def other_routes(target: Target) -> Outcome:
    replies = [target.get(f"{prefix}/{name}", timeout=5) for prefix in ("", "/gradio_api") for name in OTHER_ROUTES]
    replies += [target.ask("POST", f"{target.prefix}/{name}", b"{}", timeout=5) for name in OTHER_ROUTES]
    replies += [target.ask(method, "/", timeout=5) for method in ("PUT", "DELETE", "PATCH", "TRACE")]
    return refused(*replies)


def what_errors_tell(target: Target) -> Outcome:
    bodies: list[bytes] = [b"{}", b"[]", b"null", b"no json", b'{"data": null}', b'{"fn_index": 99999, "data": []}']
    bodies += [b'{"fn_index": -1, "data": [[]]}', b'{"fn_index": "x"}', b"[" * 100_000, b'{"fn_index": 0, "data": {}}']
    json_ = {"Content_Type": "application/json"}
    replies = [
        target.ask("POST", f"{target.prefix}/{way}", body, **json_)
        for way in ("run/predict", "queue/join")
        for body in bodies
    ]
    replies += [target.get("/queue/data?session_hash=" + "x" * 5000, timeout=5)]
    told = [
        reply
        for reply in replies
        if "Traceback" in reply.text or "site-packages" in reply.text or 'File "' in reply.text
    ]
    return Outcome(not told, "no path, no trace")


# ---- how much --------------------------------------------------------------------------------------------------------


def too_large(target: Target) -> Outcome:
    json_ = {"Content_Type": "application/json"}
    return refused(
        target.ask("POST", f"{target.prefix}/upload", b"", Content_Length=str(10**12)),
        target.ask("POST", f"{target.prefix}/run/predict", b"", Content_Length=str(10**12), **json_),
        target.ask("POST", "/login", b"x" * 100_000),
        target.ask("POST", f"{target.prefix}/reset", b"x" * 100_000, **json_),
    )


def too_large_in_parts(target: Target) -> Outcome:
    before = target.memory()
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="p.png"\r\n\r\n'
    parts = (head if number == 0 else b"x" * 1_000_000 for number in range(300))
    reply = target.ask(
        "POST", f"{target.prefix}/upload", parts, Content_Type="multipart/form-data; boundary=x", timeout=120
    )
    grown = (target.memory() - before) / 1e6
    told = reply.status == 413 and "larger than what may be sent" in reply.text
    return Outcome(told and grown < 300, f"refused ({reply.status or 'closed'}), {max(0, grown):.0f} MB")


def trickle(target: Target) -> Outcome:
    place = urlsplit(target.address)
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=90) as connection:
        head = f"POST {target.prefix}/upload HTTP/1.1\r\nHost: {place.netloc}\r\nCookie: {target.cookie}\r\n"
        head += "Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000000\r\n\r\n"
        part = '--x\r\nContent-Disposition: form-data; name="files"; filename="p.png"\r\n\r\n'
        connection.sendall(f"{head}{part}".encode())
        begun = time.monotonic()
        connection.settimeout(1)
        while time.monotonic() - begun < 80:
            with suppress(TimeoutError):
                answer = connection.recv(300)
                took = time.monotonic() - begun
                return Outcome(b" 408 " in answer[:20], f"given up after {took:.0f} s ({answer[9:12].decode()})")
            connection.sendall(b"x")
    return Outcome(False, "still waited for after 80 s")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def bomb(width: int, height: int, text: bytes = b"") -> bytes:
    """A small PNG that unpacks to a black picture of that size, or to a text of that many bytes."""
    rows = zlib.compressobj(9)
    packed = b"".join(rows.compress(b"\0" * (width * 3 + 1)) for _ in range(height)) + rows.flush()
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    texts = _chunk(b"zTXt", b"parameters\0\0" + zlib.compress(text, 9)) if text else b""
    return b"\x89PNG\r\n\x1a\n" + head + texts + _chunk(b"IDAT", packed) + _chunk(b"IEND", b"")


def large_picture(target: Target) -> Outcome:
    before = target.memory()
    reply = target.put_in(bomb(10_000, 10_000))
    grown = (target.memory() - before) / 1e6
    held = "megapixels" in reply.text and grown < 300
    return Outcome(held, f"a sentence, {max(0, grown):.0f} MB")


def large_text(target: Target) -> Outcome:
    before = target.memory()
    target.put_in(bomb(64, 64, b"x" * 300_000_000))
    grown = (target.memory() - before) / 1e6
    return Outcome(grown < 400, f"{max(0, grown):.0f} MB")


def long_words(target: Target) -> Outcome:
    words = "river flowing left " * 500_000
    begun = target.seconds()
    fields = target.config["dependencies"][target.listener("t2c_ask_go", "click")]["inputs"]
    values = {row["id"]: row["props"].get("value") for row in target.config["components"]}
    data = [values.get(id) for id in fields]
    data[0] = None
    data[1] = json.dumps({"n": 1, "what": "parse", "motion": words})
    reply = target.call("t2c_ask_go", "click", data)
    took = target.seconds() - begun
    return Outcome(took < 10 and ("letters" in reply.text or reply.status in REFUSED), f"a sentence after {took:.1f} s")


def many_uploads(target: Target) -> Outcome:
    uploads = next(path for path in target.folder.iterdir() if path.name.startswith(".app-t2c"))
    size, data = 30_000_000, picture()
    for number in range(14):
        target.upload(data + number.to_bytes(4, "big") * (size // 4), f"p{number}.png")
    held = sum(path.stat().st_size for path in uploads.rglob("*") if path.is_file())
    return Outcome(held < 400_000_000, f"{14 * size // 10**6} MB sent, {held / 1e6:.0f} MB kept")


ATTACKS = (
    Attack("A page under a name that was pointed here (DNS rebinding)", rebound_name),
    Attack("Another site's script: fetch, CORS, `Origin: null`, another port", other_origin),
    Attack("Another site's `<img>`, `<script>`, `<iframe>`", embedded),
    Attack("A web socket from another site", foreign_socket),
    Attack("Requests without having opened the page", without_cookie),
    Attack("`X-Forwarded-Host` of another site", forwarded_name),
    Attack("HTML put in, also as `.png`", uploaded_page),
    Attack("SVG with a script put in, also as `.png`", uploaded_drawing),
    Attack("A file that is PNG and HTML", two_in_one),
    Attack("PostScript as `.png`", postscript),
    Attack("File names with `..`, separators, 3,000 letters", odd_names),
    Attack("Files of `--folder` that the app did not write; of the working directory", not_the_app_s),
    Attack("`/etc/passwd`, `..`, `%2e%2e`, `%252f`, UNC, drives, NUL, in eight routes", ways_out),
    Attack("Links in a workspace that lead out of it", a_link),
    Attack("Another visitor's picture and loop", others_files),
    Attack("Another visitor's events and heartbeat", others_events),
    Attack("Have the server fetch an address: `proxy=`, `file=`, file data", asked_for_us),
    Attack("Have it read a file of the machine as a picture", a_file_of_the_machine),
    Attack("Gradio's other routes: API, monitoring, run history, code editing ...", other_routes),
    Attack("Requests that are wrong in ten ways: what the answers tell", what_errors_tell),
    Attack("Bodies of a terabyte, as declared", too_large),
    Attack("A body of 300 MB in parts, undeclared", too_large_in_parts),
    Attack("A body of a byte per second", trickle, slow=True),
    Attack("A PNG of 300 kB with 10,000 x 10,000 pixels", large_picture),
    Attack("A PNG with a text that unpacks to 300 MB", large_text),
    Attack("Words of 9.5 million letters", long_words),
    Attack("420 MB of pictures by one visitor", many_uploads, slow=True),
)
