"""Stands before all that the app serves: who may ask, what may be asked, and how much may be sent.

Gradio's own routes differ from release to release, and give out, fetch and take in more than a page needs. So those
that the page needs are let through and all others are closed; files are given out here, to whom they belong.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from urllib.parse import parse_qs, unquote

from t2c_ext.documents import LARGEST_TEXT
from t2c_ext.ui.asgi import NO_SNIFFING, Application, Header, Message, Receive, Send, answer, client, header
from t2c_ext.ui.calls import named_files
from t2c_ext.ui.files import Files, Found, give
from t2c_ext.ui.hosts import Hosts, from_elsewhere
from t2c_ext.ui.kinds import picture_type
from t2c_ext.ui.limits import Intake, with_limited_body
from t2c_ext.ui.login import HEADERS, LARGEST, Login, page
from t2c_ext.ui.visitors import Visitor, Visitors

NO_PICTURE = b"this was no picture"
"""Takes the place of what is none."""

OWN = "t2c"
"""The first part of the addresses of our own."""

SWEEP = 60.0
"""Seconds between two looks for visitors who have left."""

ALL_UPLOADS = 2_000_000_000
"""Bytes of all visitors' uploads; beyond, nothing is taken in."""

PAGE_POLICY = b"base-uri 'self'; form-action 'self'; frame-ancestors 'self'; object-src 'none'"

_HEADERS: tuple[Header, ...] = (
    NO_SNIFFING,
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"SAMEORIGIN"),
)

_STATIC = re.compile(
    r"/(assets/.+|static/.+|svelte/.+|theme\.css|favicon\.ico|manifest\.json|robots\.txt|pwa_icon(/\d+)?)"
)
"""What Gradio's page is made of; nothing of a visitor's."""

_PREFIX = re.compile(r"^/gradio_api(?=/)")
_FILE = re.compile(r"/file[=/](?P<name>.+)", re.DOTALL)
_FILE_IN_ADDRESS = re.compile(r"^(/gradio_api)?/file=")
_HEARTBEAT = re.compile(r"/heartbeat/(?P<channel>[A-Za-z0-9_-]{1,64})")

_READS = ("/queue/data", "/queue/status", "/upload_progress", "/login_check", "/app_id")
_CALLS = ("/queue/join", "/run/predict", "/api/predict")
_NOTICES = ("/reset", "/cancel")
_UPLOAD = "/upload"
_INFO = "/info"

_NO_API = '{"named_endpoints": {}, "unnamed_endpoints": {}}'
"""What a page is told of the API, which is not for others; the page of Gradio 3 does not start without an answer."""

_UNKNOWN = "open the page first; the app knows nobody by this cookie"


@dataclass
class Guard:
    """An ASGI application that lets through to Gradio's what its page needs.

    Attributes:
        app: Gradio's.
        hosts: where the app may be reached.
        files: gives out files.
        cookie: its name; one for each port, for a browser sends it to all of them.
        largest_upload: bytes of a picture that is put in.
        largest_call: bytes of a request to run something.
        names_files: whether such a request names files; with Gradio 3 it holds them.
        login: who may come in; None for everybody.
        visitors: who is there.
        workspaces: all that there are.
        title: of the page that asks for a name and a password.
        intake: the bytes of requests that are held at a time; None: as many as four of the largest.
    """

    app: Application
    hosts: Hosts
    files: Files
    cookie: str
    largest_upload: int
    largest_call: int = LARGEST_TEXT
    names_files: bool = True
    login: Login | None = None
    visitors: Visitors = field(default_factory=Visitors)
    workspaces: Callable[[], list[str]] = list
    title: str = "Cinemagraph"
    intake: Intake | None = None

    def __post_init__(self) -> None:
        largest = max(self.largest_upload, self.largest_call)
        self.intake = self.intake or Intake(4 * largest, largest + LARGEST_TEXT)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Handle one connection."""
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._socket(scope, receive, send)
        else:
            await self._lifespan(scope, receive, send)

    async def _lifespan(self, scope: Message, receive: Receive, send: Send) -> None:
        sweeping = asyncio.create_task(self._sweeping())
        try:
            await self.app(scope, receive, send)
        finally:
            sweeping.cancel()

    async def _sweeping(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            self.visitors.sweep(self.workspaces())
            await asyncio.to_thread(self.files.sweep, time.time())

    # ---- who asks ----------------------------------------------------------------------------------------------------

    def _stranger(self, scope: Message) -> str:
        """Why a request is refused at once, "" where it is not."""
        if not self.hosts.allows(header(scope, "host")):
            return "the app is not known by this name; t2c app --allow-host NAME makes it so"
        return "another site's page may not ask this" if from_elsewhere(scope, self.hosts) else ""

    def _without_other_names(self, scope: Message) -> Message:
        """The request without the names that a proxy is said to have been asked by, where they are none of ours."""
        kept = [
            (name, value)
            for name, value in scope["headers"]
            if name.lower() != b"forwarded"
            and (name.lower() != b"x-forwarded-host" or self.hosts.allows(value.decode("latin-1")))
        ]
        return {**scope, "headers": kept}

    def _visitor(self, scope: Message) -> Visitor | None:
        try:
            sent = SimpleCookie(header(scope, "cookie")).get(self.cookie)
        except CookieError:
            return None
        return None if sent is None else self.visitors.find(sent.value)

    def _outside(self, visitor: Visitor | None) -> bool:
        """Whether a visitor has yet to give a password."""
        return self.login is not None and (visitor is None or not visitor.admitted)

    # ---- what is asked -----------------------------------------------------------------------------------------------

    async def _request(self, scope: Message, receive: Receive, send: Send) -> None:
        scope, send = self._without_other_names(scope), _guarded(send)
        refusal = self._stranger(scope)
        if refusal:
            await answer(send, 403, refusal)
            return
        method, path = scope["method"], _PREFIX.sub("", scope["path"])
        if method not in ("GET", "HEAD", "POST"):
            await answer(send, 405, "only GET, HEAD and POST are answered")
            return
        visitor = self._visitor(scope)
        if path == "/login":
            await self._log_in(scope, receive, send)
        elif path == "/" and method != "POST":
            await self._page(visitor, scope, receive, send)
        elif _STATIC.fullmatch(path) and method != "POST":
            await self._static(path, scope, receive, send)
        elif visitor is None or self._outside(visitor):
            await answer(send, 403, _UNKNOWN)
        else:
            visitor.connections += 1
            try:
                await self._known(visitor, path, scope, receive, send)
            finally:
                visitor.connections -= 1

    async def _page(self, visitor: Visitor | None, scope: Message, receive: Receive, send: Send) -> None:
        if self._outside(visitor):
            await answer(send, 200, page(self.title), HEADERS)
            return
        new = () if visitor is not None else (self._cookie_of(self.visitors.enter()),)
        await self.app(scope, receive, _adding(send, ((b"content-security-policy", PAGE_POLICY), *new)))

    async def _static(self, path: str, scope: Message, receive: Receive, send: Send) -> None:
        if _leads_out(path):
            await answer(send, 404, "there is no such file")
        else:
            await self.app(scope, receive, send)

    async def _log_in(self, scope: Message, receive: Receive, send: Send) -> None:
        if self.login is None or scope["method"] != "POST":
            await answer(send, 404, "there is nothing here")
            return
        if not self.login.tries.allows(client(scope)):
            await answer(send, 429, page(self.title, "Too many tries; wait a minute."), HEADERS)
            return
        form = bytearray()

        async def read(_: Message, receive: Receive, send: Send) -> None:
            more = True
            while more:
                message = await receive()
                form.extend(message.get("body", b""))
                more = message["type"] == "http.request" and message.get("more_body", False)
            await self._decide(bytes(form), scope, send)

        await with_limited_body(read, scope, receive, send, LARGEST, self._room, client(scope))

    async def _decide(self, form: bytes, scope: Message, send: Send) -> None:
        assert self.login is not None
        if not self.login.admits(form):
            self.login.tries.count(client(scope))
            await answer(send, 401, page(self.title, "This user and password are not known."), HEADERS)
            return
        visitor = self.visitors.enter(
            admitted=True
        )  # a name of its own: one known before may have been given by another
        await answer(send, 303, "", [(b"location", b"./"), self._cookie_of(visitor)])

    def _cookie_of(self, visitor: Visitor) -> Header:
        return b"set-cookie", f"{self.cookie}={visitor.cookie}; Path=/; HttpOnly; SameSite=Lax".encode()

    @property
    def _room(self) -> Intake:
        assert self.intake is not None
        return self.intake

    # ---- what a visitor may ask --------------------------------------------------------------------------------------

    async def _known(self, visitor: Visitor, path: str, scope: Message, receive: Receive, send: Send) -> None:
        if path.startswith(f"/{OWN}/"):
            await self._own(visitor, path, scope, send)
            return
        file = _FILE.fullmatch(path)
        if file is not None:
            await self._upload_again(visitor, file["name"], scope, send)
            return
        if path == _INFO and scope["method"] == "GET":
            await answer(send, 200, _NO_API, [(b"content-type", b"application/json")])
        elif not self._open(visitor, path, scope):
            await answer(send, 404, "there is nothing here")
        elif path == _UPLOAD:
            await self._take_in(visitor, scope, receive, send)
        elif path in _CALLS:
            app = self._reading(visitor) if self.names_files else self.app
            await with_limited_body(app, scope, receive, send, self.largest_call, self._room, visitor.cookie)
        elif scope["method"] == "POST":
            await with_limited_body(self.app, scope, receive, send, LARGEST, self._room, visitor.cookie)
        else:
            await self.app(scope, receive, send)

    def _reading(self, visitor: Visitor) -> Application:
        """Gradio's application for a request whose files must be the visitor's uploads."""

        async def reading(scope: Message, receive: Receive, send: Send) -> None:
            body = bytearray()
            message: Message = {"more_body": True}
            while message.get("more_body", False):
                message = await receive()
                if message["type"] != "http.request":
                    return
                body += message.get("body", b"")
            try:
                names = await asyncio.to_thread(named_files, bytes(body))
            except ValueError:
                await answer(send, 400, "the request is not JSON")
                return
            if not all(self._put_in(visitor, name) for name in names):
                await answer(send, 403, "the request names a file that this visitor has not put in")
                return
            whole = [{"type": "http.request", "body": bytes(body), "more_body": False}]

            async def again() -> Message:
                return whole.pop() if whole else await receive()

            await self.app(scope, again, send)

        return reading

    def _put_in(self, visitor: Visitor, name: str) -> bool:
        """Whether a name or address in a request is that of a file that the page has from here."""
        local = name.removeprefix("http://").removeprefix("https://")
        if local != name:
            host, _, rest = local.partition("/")
            if not self.hosts.allows(host):
                return False
            name = unquote(_FILE_IN_ADDRESS.sub("", f"/{rest}"))
        path = self.files.upload_path(name)
        return path is not None and self.visitors.owns_upload(visitor, path)

    def _open(self, visitor: Visitor, path: str, scope: Message) -> bool:
        """Whether Gradio may answer it."""
        if scope["method"] == "POST":
            return path in (*_CALLS, *_NOTICES, _UPLOAD)
        heartbeat = _HEARTBEAT.fullmatch(path)
        if heartbeat is None and path not in _READS:
            return False
        try:
            asked = parse_qs(scope["query_string"].decode("latin-1"), max_num_fields=16).get("session_hash", [])
        except ValueError:  # more fields than a page sends
            return False
        channels = [heartbeat["channel"]] if heartbeat is not None else asked
        return all(len(name) <= 64 and self.visitors.claim_channel(visitor, name) for name in channels)

    async def _own(self, visitor: Visitor, path: str, scope: Message, send: Send) -> None:
        kind, _, rest = path.removeprefix(f"/{OWN}/").partition("/")
        found: Found | None = None
        if kind == "here":
            await answer(send, 204)
            return
        if kind == "scripts":
            found = self.files.script(rest)
        elif kind == "made":
            id, _, name = rest.partition("/")
            if id in self.workspaces() and self.visitors.claim_workspace(visitor, id):
                found = self.files.made(id, name)
        await _given(found, scope, send)

    async def _upload_again(self, visitor: Visitor, name: str, scope: Message, send: Send) -> None:
        found = self.files.upload(name)
        if found is not None and not self.visitors.owns_upload(visitor, found.path):
            found = None
        await _given(found, scope, send)

    async def _take_in(self, visitor: Visitor, scope: Message, receive: Receive, send: Send) -> None:
        """Have Gradio keep an upload; what is no picture is written over before its name is given out."""
        if await asyncio.to_thread(self.files.held) >= ALL_UPLOADS:
            await answer(send, 503, "the app holds as many pictures as it can; try again later")
            return

        async def keep_uploads(scope: Message, receive: Receive, send: Send) -> None:
            held: list[Message] = []

            async def hold(message: Message) -> None:
                held.append(message)

            await self.app(scope, receive, hold)
            body = b"".join(message.get("body", b"") for message in held if message["type"] == "http.response.body")
            for name in _names(body):
                path = self.files.upload_path(name)
                if path is not None:
                    self._keep(visitor, path)
            for message in held:
                await send(message)

        await with_limited_body(keep_uploads, scope, receive, send, self.largest_upload, self._room, visitor.cookie)

    def _keep(self, visitor: Visitor, path: Path) -> None:
        if not picture_type(path):
            path.write_bytes(NO_PICTURE)
        self.visitors.uploaded(visitor, path, path.stat().st_size)

    # ---- web sockets (Gradio 3) --------------------------------------------------------------------------------------

    async def _socket(self, scope: Message, receive: Receive, send: Send) -> None:
        visitor = self._visitor(scope)
        refused = self._stranger(scope) or visitor is None or self._outside(visitor)
        if refused or scope["path"] != "/queue/join" or visitor is None:
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        visitor.connections += 1
        try:
            await self.app(scope, receive, send)
        finally:
            visitor.connections -= 1


async def _given(found: Found | None, scope: Message, send: Send) -> None:
    if found is None or scope["method"] == "POST":
        await answer(send, 404, "there is no such file")
    else:
        await give(found, scope, send)


def _names(body: bytes) -> list[str]:
    """The files of Gradio's answer to an upload."""
    try:
        names = json.loads(body)
    except ValueError:
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _leads_out(path: str) -> bool:
    """Whether a path may name something outside of the folder that it begins with, whoever reads it."""
    return "\\" in path or "%" in path or "\0" in path or ":" in path or "//" in path or ".." in path.split("/")


def _guarded(send: Send) -> Send:
    """Sends answers with what keeps other sites out, and without what lets them in."""

    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [
                (name, value)
                for name, value in message.get("headers", ())
                if not name.lower().startswith(b"access-control-") and name.lower() != b"server"
            ]
            known = {name.lower() for name, _ in kept}
            message = {**message, "headers": [*kept, *(row for row in _HEADERS if row[0] not in known)]}
        await send(message)

    return guarded


def _adding(send: Send, headers: tuple[Header, ...]) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*message.get("headers", ()), *headers]}
        await send(message)

    return adding
