"""What the app lets through to Gradio, and what it gives out; without Gradio and without a server."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import sys
import zlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from asgi import Answer, request
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from t2c_ext.ui import guard, limits, visitors
from t2c_ext.ui.calls import named_files
from t2c_ext.ui.files import Files
from t2c_ext.ui.guard import NO_PICTURE, Guard
from t2c_ext.ui.hosts import Hosts
from t2c_ext.ui.limits import Intake, Throttle
from t2c_ext.ui.login import Login
from t2c_ext.ui.visitors import Visitors

HOST = "127.0.0.1:7860"
ID = "0123456789abcdef" * 2


class Clock:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


class Gradio:
    """Answers everything, remembers what it was asked, and keeps an upload as it comes."""

    def __init__(self, uploads: Path) -> None:
        self.uploads = uploads
        self.asked: list[str] = []
        self.name = "first/picture.png"

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", scope["method"] == "POST"
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        self.asked.append(scope["path"])
        answer = b"gradio"
        if scope["path"].endswith("/upload"):
            path = self.uploads / self.name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(body)
            answer = json.dumps([str(path)]).encode()
        headers = [(b"access-control-allow-origin", b"*"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


class App:
    """A guard before a Gradio that answers everything."""

    def __init__(self, folder: Path, hosts: Hosts | None = None, login: Login | None = None) -> None:
        self.work, self.uploads, self.scripts = (folder / name for name in ("work", "uploads", "scripts"))
        for path in (self.work, self.uploads, self.scripts):
            path.mkdir()
        (self.scripts / "main.mjs").write_text("1")
        self.gradio, self.clock, self.freed = Gradio(self.uploads), Clock(), list[str]()
        self.known: list[str] = [ID]
        self.guard = Guard(
            self.gradio,
            hosts or Hosts.of("127.0.0.1"),
            Files(self.work, self.uploads, self.scripts),
            cookie="t2c_7860",
            largest_upload=1_000_000,
            login=login,
            visitors=Visitors(self.freed.append, self.clock),
            workspaces=lambda: self.known,
        )

    def ask(
        self,
        target: str,
        method: str = "GET",
        cookie: str = "",
        body: Iterable[bytes] | bytes = b"",
        pause: float = 0,
        **headers: str,
    ) -> Answer:
        given = {"host": HOST, "cookie": cookie} | {name.replace("_", "-"): value for name, value in headers.items()}
        parts = [body] if isinstance(body, bytes) else list(body)
        return asyncio.run(request(self.guard, method, target, given, parts, pause))

    def visit(self) -> str:
        """Open the page; the cookie."""
        return self.ask("/").headers["set-cookie"].partition(";")[0]

    def upload(self, cookie: str, data: bytes, name: str = "first/picture.png") -> str:
        self.gradio.name = name
        return str(json.loads(self.ask("/upload", "POST", cookie, data).body)[0])

    def make(self, name: str, data: bytes, id: str = ID) -> Path:
        path = self.work / id / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path


@pytest.fixture
def app(tmp_path: Path) -> App:
    return App(tmp_path)


def picture(kind: str = "PNG") -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (16, 16), (10, 120, 200)).save(written, kind)
    return written.getvalue()


# ---- who asks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("listens", "host", "good"),
    [
        ("127.0.0.1", "127.0.0.1:7860", True),
        ("127.0.0.1", "localhost:1", True),
        ("127.0.0.1", "LOCALHOST.", True),
        ("127.0.0.1", "[::1]:7860", True),
        ("127.0.0.1", "evil.example:7860", False),
        ("127.0.0.1", "127.0.0.1.evil.example", False),
        ("127.0.0.1", "192.168.1.5:7860", False),
        ("127.0.0.1", "", False),
        ("127.0.0.1", "evil.example@127.0.0.1", False),
        ("127.0.0.1", "[::1", False),
        ("127.0.0.1", "127.0.0.1:port", False),
        ("0.0.0.0", "192.168.1.5:7860", True),
        ("0.0.0.0", "evil.example", False),
        ("192.168.1.5", "192.168.1.5", True),
        ("192.168.1.5", "192.168.1.6", False),
    ],
)
def test_the_app_answers_only_under_its_own_names(tmp_path: Path, listens: str, host: str, good: bool) -> None:
    app = App(tmp_path, Hosts.of(listens))
    assert app.ask("/", host=host).status == (200 if good else 403)
    assert bool(app.gradio.asked) == good


@pytest.mark.parametrize(
    ("headers", "good"),
    [
        ({"origin": "http://127.0.0.1:7860"}, True),
        ({"origin": "http://127.0.0.1:3000"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "null"}, False),
        ({"origin": "https://cinema.example"}, True),
        ({"sec_fetch_site": "same-origin"}, True),
        ({"sec_fetch_site": "none"}, True),
        ({"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({}, True),
    ],
)
def test_another_site_s_page_may_ask_nothing(tmp_path: Path, headers: dict[str, str], good: bool) -> None:
    app = App(tmp_path, Hosts.of("127.0.0.1", ["Cinema.example"]))
    cookie = app.visit()
    for method, target in (("POST", "/queue/join"), ("GET", "/queue/data"), ("OPTIONS", "/queue/join")):
        answer = app.ask(target, method, cookie, b"{}", **headers)
        assert answer.status == (403 if not good else 405 if method == "OPTIONS" else 200)
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_link_to_the_page_may_be_followed(app: App) -> None:
    assert app.ask("/", sec_fetch_site="cross-site", sec_fetch_mode="navigate").status == 200
    assert app.ask("/", sec_fetch_site="cross-site", sec_fetch_mode="no-cors").status == 403
    assert app.ask("/", host="localhost", x_forwarded_host="evil.example").status == 200


def test_who_has_not_opened_the_page_is_given_nothing(app: App) -> None:
    app.make("loop.png", picture())
    for target in ("/queue/data", f"/t2c/made/{ID}/loop.png", "/t2c/scripts/main.mjs", "/file=/x", "/t2c/here"):
        assert app.ask(target).status == 403
        assert app.ask(target, cookie="t2c_7860=" + "0" * 32).status == 403
    for target in ("/upload", "/queue/join", "/run/predict"):
        assert app.ask(target, "POST", body=b"{}").status == 403
    assert not app.gradio.asked


def test_a_page_keeps_its_cookie_which_no_script_reads(app: App) -> None:
    first = app.ask("/")
    assert "HttpOnly" in first.headers["set-cookie"] and "SameSite=Lax" in first.headers["set-cookie"]
    assert "set-cookie" not in app.ask("/", cookie=first.headers["set-cookie"].partition(";")[0]).headers
    assert "frame-ancestors 'self'" in first.headers["content-security-policy"]
    assert first.headers["x-content-type-options"] == "nosniff"


# ---- what is asked ---------------------------------------------------------------------------------------------------

CLOSED = """
    /config /config/ /info/ /api/info /docs /openapi.json /monitoring /monitoring/summary /monitoring/key /dev/reload
    /proxy=https://evil.example/ /gradio_api/proxy=http://127.0.0.1:22/ /component_server /stream/a /call/predict
    /gradio_api/call/predict/1 /queue/push /startup-events /run/predict /runs /run-history/records /token /user
    /custom_component/1/client/component/index.js /vibe-code/ /process_recording /mcp/sse /deep_link /logout /t2c
    /t2c/ /t2c/other/x /heartbeat/ /heartbeat/a/b /file /file= /gradio_api /anything
"""


@pytest.mark.parametrize("target", CLOSED.split())
def test_what_the_page_does_not_need_is_closed(app: App, target: str) -> None:
    cookie = app.visit()
    app.gradio.asked.clear()
    assert app.ask(target, cookie=cookie).status == 404
    if target != "/run/predict":
        assert app.ask(target, "POST", cookie).status == 404
    assert app.ask(target, "DELETE", cookie).status == 405
    assert not app.gradio.asked


@pytest.mark.parametrize(
    "target",
    [
        "/assets/../../secret",
        "/static/..",
        "/assets/..\\x",
        "/assets/%2e%2e/x",
        "/assets//x",
        "/assets/C:x",
        "/static/a\0",
    ],
)
def test_a_way_out_of_gradio_s_own_folders_is_closed(app: App, target: str) -> None:
    assert app.ask(target).status == 404 and not app.gradio.asked


def test_the_page_s_own_ways_are_open(app: App) -> None:
    cookie = app.visit()
    for target in ("/theme.css", "/assets/index-1.js", "/queue/data?session_hash=abc", "/gradio_api/heartbeat/abc"):
        assert app.ask(target, cookie=cookie).status == 200
    for target in ("/gradio_api/queue/join", "/run/predict", "/reset", "/gradio_api/cancel"):
        assert app.ask(target, "POST", cookie, b"{}").status == 200
    assert app.ask("/t2c/here", cookie=cookie).status == 204
    assert json.loads(app.ask("/info", cookie=cookie).body) == {"named_endpoints": {}, "unnamed_endpoints": {}}


def test_what_gradio_tells_a_page_is_told_to_no_other_visitor(app: App) -> None:
    first, second = app.visit(), app.visit()
    assert app.ask("/heartbeat/abc", cookie=first).status == 200
    assert app.ask("/queue/data?session_hash=abc", cookie=second).status == 404
    assert app.ask("/gradio_api/heartbeat/abc", cookie=second).status == 404
    assert app.ask("/queue/data?session_hash=abc", cookie=first).status == 200
    assert app.ask("/queue/data?" + "session_hash=abc&" * 100, cookie=first).status == 404


# ---- files -----------------------------------------------------------------------------------------------------------


def test_a_loop_is_given_to_the_visitor_who_saw_it_first(app: App) -> None:
    data = picture("GIF")
    app.make("loop.gif", data)
    first, second = app.visit(), app.visit()
    given = app.ask(f"/t2c/made/{ID}/loop.gif?v=1", cookie=first)
    assert (given.status, given.body, given.headers["content-type"]) == (200, data, "image/gif")
    assert given.headers["content-security-policy"].endswith("sandbox")
    assert app.ask(f"/t2c/made/{ID}/loop.gif", cookie=second).status == 404


@pytest.mark.parametrize(
    ("asked", "part"),
    [("bytes=0-3", (0, 4)), ("bytes=5-", (5, None)), ("bytes=-4", (-4, None)), ("bytes=2-99999999", (2, None))],
)
def test_a_part_of_a_file_is_given(app: App, asked: str, part: tuple[int, int | None]) -> None:
    data = picture("GIF")
    app.make("loop.gif", data)
    given = app.ask(f"/t2c/made/{ID}/loop.gif", cookie=app.visit(), range=asked)
    assert given.status == 206 and given.body == data[slice(*part)]
    first = part[0] % len(data)
    assert given.headers["content-range"] == f"bytes {first}-{first + len(given.body) - 1}/{len(data)}"


def test_a_part_that_is_not_there_is_refused_and_nonsense_gives_the_whole(app: App) -> None:
    app.make("loop.gif", picture("GIF"))
    cookie = app.visit()
    ask = {name: app.ask(f"/t2c/made/{ID}/loop.gif", cookie=cookie, range=name).status for name in ("bytes=9999-", "x")}
    assert ask == {"bytes=9999-": 416, "x": 200}
    assert app.ask(f"/t2c/made/{ID}/loop.gif", "HEAD", cookie).body == b""


def test_only_what_the_app_wrote_is_given_out(app: App) -> None:
    secret = app.work.parent / "secret.png"
    secret.write_bytes(picture())
    app.make("notes.txt", b"private")
    app.make("page.png", b"<html><script>alert(1)</script>")
    app.make("words.svg", b"<svg/>")
    app.make("loop.mp4", picture())
    app.make("art.png", picture(), "someone-elses")
    (app.work / "family.png").write_bytes(picture())
    cookie = app.visit()
    inside = ("notes.txt", "page.png", "words.svg", "loop.mp4", "../family.png", "..", "", "view", "/etc/passwd")
    names = [f"{ID}/{name}" for name in inside] + ["someone-elses/art.png", "family.png", "../secret.png"]
    if sys.platform != "win32":
        app.make("real.png", picture())
        (app.work / ID / "link.png").symlink_to(secret)
        (app.work / ID / "out").symlink_to(app.work.parent)
        names += [f"{ID}/link.png", f"{ID}/out/secret.png"]
        assert app.ask(f"/t2c/made/{ID}/real.png", cookie=cookie).status == 200
    for name in names:
        assert app.ask(f"/t2c/made/{name}", cookie=cookie).status == 404, name
        assert app.ask(f"/file={app.work / name}", cookie=cookie).status == 404, name


@given(st.text(min_size=1, max_size=40))
def test_no_name_leads_out_of_a_folder(name: str) -> None:
    here = Path(__file__).resolve().parent / "nowhere"
    files = Files(here / "work", here / "uploads", here / "scripts")
    assert files.made(ID, name) is None and files.script(name) is None and files.upload(name) is None


# ---- uploads ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM"])
def test_a_picture_that_was_put_in_is_given_back_as_an_attachment(app: App, kind: str) -> None:
    cookie = app.visit()
    path = app.upload(cookie, picture(kind), "first/picture.html")
    given = app.ask(f"/file={path}", cookie=cookie)
    assert given.status == 200 and given.body == picture(kind)
    assert given.headers["content-type"].startswith("image/")
    assert given.headers["content-disposition"].startswith("attachment")
    assert given.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "data",
    [
        b"<html><script>alert(1)</script></html>",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"%!PS\n(secret) run",
        b"%PDF-1.7",
        b"PK\3\4",
        b"",
        b"GIF",
    ],
)
def test_what_is_no_picture_is_not_kept(app: App, data: bytes) -> None:
    cookie = app.visit()
    path = Path(app.upload(cookie, data, "first/innocent.png"))
    assert path.read_bytes() == NO_PICTURE
    assert app.ask(f"/file={path}", cookie=cookie).status == 404


def test_one_visitor_s_upload_is_not_another_s(app: App) -> None:
    first, second = app.visit(), app.visit()
    path = app.upload(first, picture())
    assert app.ask(f"/gradio_api/file={path}", cookie=first).status == 200
    assert app.ask(f"/gradio_api/file={path}", cookie=second).status == 404
    body = {"data": [{"path": path}], "session_hash": "abc"}
    assert app.ask("/queue/join", "POST", first, json.dumps(body).encode()).status == 200
    assert app.ask("/queue/join", "POST", second, json.dumps(body).encode()).status == 403


def test_a_request_names_only_what_its_visitor_put_in(app: App) -> None:
    cookie, secret = app.visit(), app.work.parent / "secret.png"
    secret.write_bytes(picture())
    own = app.upload(cookie, picture())

    def asked(data: object) -> int:
        return app.ask("/queue/join", "POST", cookie, json.dumps({"data": data}).encode()).status

    assert asked([{"path": own, "url": f"http://{HOST}/gradio_api/file={own}"}, "words", None]) == 200
    for name in (str(secret), "secret.png", "/etc/passwd", "http://evil.example/x.png", "//server/share/x", "\\\\s\\x"):
        assert asked([{"path": name}]) == 403, name
        assert asked({"deep": [[{"value": {"url": name}}]]}) == 403, name
    assert app.ask("/queue/join", "POST", cookie, b"no json").status == 400
    assert app.ask("/queue/join", "POST", cookie, b"[" * 200_000).status == 400


def test_names_are_found_however_they_are_written() -> None:
    assert named_files(b'{"data": [{"\\u0070ath": "a", "x": {"url": "b"}}], "path": 3}') == ["a", "b"]


def test_uploads_have_their_share_and_the_oldest_goes(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    size = len(picture("BMP"))
    monkeypatch.setattr(visitors, "SHARE_OF_UPLOADS", 2 * size)
    cookie = app.visit()
    paths = [Path(app.upload(cookie, picture("BMP"), f"{number}/p.bmp")) for number in range(3)]
    assert [path.exists() for path in paths] == [False, True, True]
    broken_off = app.uploads / "tmp1"
    broken_off.write_bytes(b"x" * size)
    monkeypatch.setattr(guard, "ALL_UPLOADS", 3 * size)
    assert app.ask("/upload", "POST", app.visit(), picture()).status == 503
    app.guard.files.sweep(broken_off.stat().st_mtime + 1)
    assert broken_off.exists()
    app.guard.files.sweep(broken_off.stat().st_mtime + 601)
    assert not broken_off.exists() and paths[2].exists()
    assert app.ask("/upload", "POST", app.visit(), picture()).status == 200


def test_what_a_visitor_who_has_left_put_in_is_freed(app: App) -> None:
    first, second = app.visit(), app.visit()
    alone = Path(app.upload(first, picture(), "a/p.png"))
    both = [app.upload(cookie, picture("GIF"), "b/p.gif") for cookie in (first, second)]
    app.make("loop.png", picture())
    app.known = [ID, "nobodys"]
    app.ask(f"/t2c/made/{ID}/loop.png", cookie=first)
    app.guard.visitors.sweep(app.known)
    app.clock.seconds += visitors.LEFT_AFTER / 2
    app.ask("/t2c/here", cookie=second)
    app.clock.seconds += visitors.LEFT_AFTER / 2 + 1
    app.guard.visitors.sweep(app.known)
    assert not alone.exists() and Path(both[0]).exists()
    assert sorted(app.freed) == sorted([ID, "nobodys"])
    app.clock.seconds += visitors.LEFT_AFTER
    app.guard.visitors.sweep([])
    assert not Path(both[1]).exists()


def test_one_visitor_s_oldest_workspace_makes_room(app: App) -> None:
    visitor = app.guard.visitors.enter()
    for number in range(visitors.MOST_WORKSPACES + 2):
        assert app.guard.visitors.claim_workspace(visitor, str(number))
    assert app.freed == ["0", "1"]


def test_a_flood_of_visitors_is_forgotten(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "MOST_VISITORS", 200)
    known = app.visit()
    app.ask("/t2c/made/x/x", cookie=known)
    kept = app.guard.visitors.find(known.partition("=")[2])
    assert kept is not None and app.guard.visitors.claim_workspace(kept, ID)
    for _ in range(500):
        app.clock.seconds += 1
        app.visit()
    assert len(app.guard.visitors._all) <= 200 and app.ask("/t2c/here", cookie=known).status == 204


# ---- how much --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("declared", ["1000001", "99999999999999999999", "-1", "many", "1e3"])
def test_a_body_that_says_it_is_too_large_is_not_read(app: App, declared: str) -> None:
    assert app.ask("/upload", "POST", app.visit(), content_length=declared).status == 413
    assert app.gradio.asked == ["/"]


def test_a_body_in_parts_is_counted(app: App) -> None:
    cookie = app.visit()
    assert app.ask("/upload", "POST", cookie, [b"x" * 300_000] * 4).status == 413
    assert app.guard.intake is not None and app.guard.intake.take("anyone", 1), "and nothing of it is still held"


def test_a_body_that_trickles_is_given_up(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PATIENCE", 0.2)
    assert app.ask("/upload", "POST", app.visit(), [b"x"] * 50, pause=0.02).status == 408


def test_who_sends_nothing_more_is_not_waited_for(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SILENCE", 0.05)
    sent = list[Any]()

    async def receive() -> Any:
        if sent:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": b"x" * 400_000, "more_body": True}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", HOST.encode()), (b"cookie", app.visit().encode())]
    scope = {"type": "http", "method": "POST", "path": "/upload", "query_string": b"", "headers": headers}
    asyncio.run(asyncio.wait_for(app.guard(scope, receive, send), 20))
    assert sent[0]["status"] == 413 and sent[-1] == {"type": "http.response.body", "body": b""}


@pytest.mark.parametrize("ends", [True, False], ids=["which it does", "which it never does"])
def test_a_refused_body_is_answered_before_it_ends(app: App, monkeypatch: pytest.MonkeyPatch, ends: bool) -> None:
    monkeypatch.setattr(limits, "LINGER", 3600.0 if ends else 0.05)
    cookie, sent, received = app.visit(), list[Any](), list[int]()

    async def receive() -> Any:
        received.append(len(sent))
        if len(received) == 50 and not ends:
            await asyncio.sleep(3600)
        return {"type": "http.request", "body": b"x" * 100_000, "more_body": len(received) < 100}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", HOST.encode()), (b"cookie", cookie.encode())]
    scope = {"type": "http", "method": "POST", "path": "/upload", "query_string": b"", "headers": headers}
    asyncio.run(app.guard(scope, receive, send))
    assert [message["type"] for message in sent] == ["http.response.start", *["http.response.body"] * 2]
    assert sent[0]["status"] == 413 and b"larger" in sent[1]["body"] and sent[1]["more_body"]
    assert sent[2] == {"type": "http.response.body", "body": b""}, "with which the connection is closed"
    assert received == [0] * 11 + [2] * (89 if ends else 39)


def test_one_visitor_s_bodies_leave_room_for_others() -> None:
    intake = Intake(total=100, share=60)
    assert intake.take("a", 60) and not intake.take("a", 1) and intake.take("b", 40) and not intake.take("c", 1)
    intake.give_back("a", 60)
    assert intake.take("c", 60)


# ---- passwords -------------------------------------------------------------------------------------------------------


def enter(app: App, user: str, password: str, cookie: str = "") -> Answer:
    return app.ask("/login", "POST", cookie, f"user={user}&password={password}".encode())


def test_without_a_password_only_the_form_is_given(tmp_path: Path) -> None:
    app = App(tmp_path, login=Login([("anna", "river"), ("ben", "fällt")]))
    assert b'type="password"' in app.ask("/").body and not app.gradio.asked
    for target in ("/queue/data", "/config", f"/t2c/made/{ID}/x.png", "/t2c/scripts/main.mjs"):
        assert app.ask(target).status == 403
    assert enter(app, "anna", "lake").status == 401 and enter(app, "ben", "river").status == 401
    inside = enter(app, "ben", "f%C3%A4llt")
    assert inside.status == 303 and inside.headers["location"] == "./"
    cookie = inside.headers["set-cookie"].partition(";")[0]
    assert app.ask("/", cookie=cookie).body == b"gradio" and app.ask("/t2c/here", cookie=cookie).status == 204
    assert enter(app, "anna", "river", cookie).headers["set-cookie"].partition(";")[0] != cookie


def test_passwords_cannot_be_tried_without_end(tmp_path: Path) -> None:
    app = App(tmp_path, login=Login([("anna", "river")], Throttle(most=3)))
    assert [enter(app, "anna", str(number)).status for number in range(5)] == [401] * 3 + [429] * 2
    assert enter(app, "anna", "river").status == 429


@pytest.mark.parametrize("form", [b"x" * 5000, b"a&" * 500, b"\xff=%ff", b"user=anna", b"user=anna&password=", b""])
def test_a_form_that_is_none_is_refused(tmp_path: Path, form: bytes) -> None:
    app = App(tmp_path, login=Login([("anna", "river")]))
    assert app.ask("/login", "POST", body=form).status in (401, 413)


def test_tries_are_forgotten_after_a_while() -> None:
    clock = Clock()
    throttle = Throttle(most=2, total=3, seconds=60, now=clock)
    for address in ("a", "a", "b"):
        throttle.count(address)
    assert not throttle.allows("a") and not throttle.allows("c")
    clock.seconds += 61
    assert throttle.allows("a") and throttle.allows("c")


def test_where_no_password_is_asked_for_there_is_no_form(app: App) -> None:
    assert enter(app, "anna", "river").status == 404


# ---- web sockets -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers", "good"),
    [
        ("/queue/join", {}, True),
        ("/queue/join", {"origin": "http://evil.example"}, False),
        ("/queue/join", {"host": "evil.example"}, False),
        ("/queue/join", {"cookie": ""}, False),
        ("/other", {}, False),
    ],
)
def test_a_web_socket_is_for_the_page_only(app: App, path: str, headers: dict[str, str], good: bool) -> None:
    reached: list[str] = []

    async def accepting(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        await send({"type": "websocket.accept"})

    cookie = app.visit()
    app.guard.app = accepting
    given = {"host": HOST, "cookie": cookie, "origin": f"http://{HOST}"} | headers
    scope = {"type": "websocket", "path": path, "headers": [(n.encode(), v.encode()) for n, v in given.items()]}
    sent: list[str] = []

    async def receive() -> Any:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    asyncio.run(app.guard(scope, receive, send))
    assert sent == ["websocket.accept" if good else "websocket.close"] and bool(reached) == good


def test_a_small_file_of_a_huge_picture_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    from t2c_ext.errors import UserError
    from t2c_ext.ui.studio import Studio
    from t2c_ext.ui.uploads import taken_in

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 6000, 5000, 8, 2, 0, 0, 0))
    file = tmp_path / "picture.png"
    studio = Studio(tmp_path / "work", most_pixels=24_000_000)
    file.write_bytes(head + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    given = SimpleNamespace(path=str(file))
    with pytest.raises(UserError, match="6000x5000, but at most 24 megapixels"):
        studio.register("", partial(taken_in, given, "picture"))
    for data in (b"", NO_PICTURE, b"%!PS-Adobe"):
        file.write_bytes(data)
        with pytest.raises(UserError, match="the picture"):
            studio.register("", partial(taken_in, given, "picture"))
    assert not studio.sessions


def test_pictures_masks_and_sessions_have_limits_for_all_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from t2c_ext.errors import UserError
    from t2c_ext.ui import studio as rooms

    studio = rooms.Studio(tmp_path)
    white = Image.new("L", (40, 30), 255)
    ids = [studio.register("", Image.new("RGB", (40, 30), (number, 0, 0))) for number in range(2)]
    monkeypatch.setattr(rooms, "MOST_MASKED", 40 * 30)
    studio.put_mask(ids[0], white)
    studio.put_mask(ids[0], white)
    with pytest.raises(UserError, match="too many masks"):
        studio.put_mask(ids[1], white)
    studio.forget(ids[0])
    studio.put_mask(ids[1], white)
    assert ids[0] not in studio.sessions and not (tmp_path / ids[0]).exists() and (tmp_path / ids[1]).exists()
    monkeypatch.setattr(rooms, "MOST_SESSIONS", 1)
    with pytest.raises(UserError, match="too many pictures"):
        studio.register("", Image.new("RGB", (40, 30), (9, 9, 9)))
