"""The standalone app: the Cinemagraph page without the WebUI."""

from __future__ import annotations

import inspect
import json
import os
import secrets
import shutil
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from t2c_ext.errors import UserError
from t2c_ext.temporaries import sweep, temporary_name
from t2c_ext.twin import miniature
from t2c_ext.ui.hosts import Hosts, only_here
from t2c_ext.ui.listening import listen

if TYPE_CHECKING:
    from t2c_ext.ui.guard import Guard
    from t2c_ext.ui.page import Address
    from t2c_ext.ui.studio import Studio

TITLE = "Cinemagraph"

NO_MODEL = (
    'To make pictures from text, install the packages that draw (pip install "text2cinemagraph-webui[diffusion]"); '
    "then a small model that is built in draws, or your own: t2c app --model CHECKPOINT."
)

BUILT_IN = "A small built-in model draws it; for real pictures start the app with t2c app --model CHECKPOINT."

STICKING = ".gradio-container { overflow: clip !important; }"
"""Gradio's page hides what goes beyond it in a way that lets no bar stay at the window's edge; the WebUIs' do not."""

LOOPBACK = "127.0.0.1"

MOST_CONNECTIONS = 400
"""Of all visitors at once; a page holds two or three."""

FAREWELL = 2
"""Seconds that answers in hand are waited for at the end."""


@dataclass(frozen=True)
class Door:
    """How the app is reached.

    Attributes:
        host: the address to listen at.
        port: the port; None: the first free one from 7860 on.
        names: further names of the app, such as that of a proxy before it.
        share: also give out a public address, through Gradio's servers.
        users: pairs of user and password; none: open to whoever reaches the address.
        browser: open a browser.
    """

    host: str = LOOPBACK
    port: int | None = None
    names: Sequence[str] = ()
    share: bool = False
    users: Sequence[tuple[str, str]] = ()
    browser: bool = False

    @property
    def hosts(self) -> Hosts:
        """The names under which it may be asked."""
        return Hosts.of(self.host, self.names)

    @property
    def alone(self) -> bool:
        """Whether only this machine reaches it."""
        return not self.share and not self.names and only_here(self.host)


def serve(folder: Path | None = None, *, model: str = "", door: Door | None = None, keep: float = 0.0) -> None:
    """Serve the app until it is stopped.

    Args:
        folder: where the workspaces lie; None: a temporary folder that goes when the app ends.
        model: a checkpoint file, a folder in diffusers' layout or a repository, for pictures from text; "": the
            built-in miniature model, where its packages are installed.
        door: how it is reached; None: by this machine alone.
        keep: gigabytes of workspaces that are kept in `folder`, the oldest going first; 0: all.

    Raises:
        UserError: Gradio is not installed, there is no such address here, or the port is taken.
    """
    door = door or Door()
    with ExitStack() as stack:
        listening = stack.enter_context(listen(door.host, door.port))
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
        try:
            import gradio as gr
        except ImportError:
            raise UserError('the app needs Gradio: pip install "text2cinemagraph-webui[app]"') from None
        temporary = folder is None
        if folder is None:
            folder = _temporary(stack, None)
        folder.mkdir(parents=True, exist_ok=True)
        folder = folder.resolve()
        uploads = _temporary(stack, folder)
        # Gradio would put them into the machine's temporary folder, and leave them there
        os.environ["GRADIO_TEMP_DIR"] = str(uploads)
        stack.callback(setattr, tempfile, "tempdir", tempfile.tempdir)
        tempfile.tempdir = str(uploads)

        from t2c_ext.ui.scripts import scripts_folder
        from t2c_ext.ui.studio import SHARED_AREA, Studio

        name = model or (miniature.NAME if miniature.can_draw() else "")
        studio = Studio(folder, name, keeps=not temporary, lists=door.alone and not door.users)
        studio.downloads, studio.keep_bytes = studio.lists, lambda: int(max(0.0, keep) * 1e9)
        if not door.alone:
            studio.most_pixels = SHARED_AREA
        stack.callback(studio.close)
        address = app_addresses(folder, scripts_folder())
        number, port = listening.getsockname()[:2]
        guard = guarded(gr, build(studio, address), studio, uploads, door, port)
        guard.hosts.names.add(number.lower())
        _run(guard, listening, door)


def _temporary(stack: ExitStack, within: Path | None) -> Path:
    """A folder of this user alone that goes with the stack; what killed runs left beside it goes now."""
    parent = (within or Path(tempfile.gettempdir())).resolve()
    sweep(parent)
    folder = parent / temporary_name(Path("app"))
    folder.mkdir(mode=0o700)
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _from_text(studio: Studio) -> str:
    """What the "From text" side says about what makes pictures."""
    if studio.defaults:
        return BUILT_IN
    return "" if studio.makes_pictures else NO_MODEL


def app_addresses(workspaces: Path, scripts: Path) -> Address:
    """Of the files that the app gives out."""
    from t2c_ext.ui.guard import OWN
    from t2c_ext.ui.page import addresses_within

    return addresses_within({f"{OWN}/made/": workspaces, f"{OWN}/scripts/": scripts})


def build(studio: Studio, address: Address) -> Any:
    """The app's Gradio blocks, with their queue.

    Args:
        studio: makes the cinemagraphs.
        address: of a file on the page's server.
    """
    import gradio as gr

    from t2c_ext.ui.blocks import cinemagraph_page
    from t2c_ext.ui.guard import OWN
    from t2c_ext.ui.handlers import Handlers
    from t2c_ext.ui.languages import languages
    from t2c_ext.ui.scripts import script_option, starter, style_sheet

    handlers = Handlers(studio, address)
    with gr.Blocks(title=TITLE, analytics_enabled=False) as demo:
        gr.HTML(f"<style>{style_sheet()}{STICKING}</style>", elem_id="t2c_studio_style")
        words = escape(json.dumps(languages(), ensure_ascii=False))
        gr.HTML(f'<div hidden class="t2c-languages" data-words="{words}"></div>', elem_id="t2c_languages")
        cinemagraph_page(handlers, _from_text(studio))
        demo.load(None, None, None, **script_option(starter(address, f"{OWN}/here")))
    workers = "default_concurrency_limit"
    if workers not in inspect.signature(demo.queue).parameters:
        workers = "concurrency_count"
    demo.queue(**{workers: 8}, api_open=False)
    return demo


def guarded(gr: Any, demo: Any, studio: Studio, uploads: Path, door: Door, port: int) -> Guard:  # noqa: PLR0917
    """The whole application: Gradio's, with the guard before it.

    Args:
        gr: Gradio.
        demo: its blocks.
        studio: makes the cinemagraphs.
        uploads: the folder into which Gradio puts what visitors send.
        door: how the app is reached.
        port: where it listens.
    """
    from t2c_ext.documents import LARGEST_TEXT
    from t2c_ext.service import LARGEST_UPLOAD
    from t2c_ext.ui.files import Files
    from t2c_ext.ui.guard import Guard
    from t2c_ext.ui.login import Login
    from t2c_ext.ui.scripts import scripts_folder
    from t2c_ext.ui.studio import EXAMPLE
    from t2c_ext.ui.visitors import Visitors

    in_the_request = gr.__version__.startswith("3.")
    return Guard(
        _mounted(gr, demo, uploads, studio.folder / EXAMPLE),
        door.hosts,
        Files(studio.folder, uploads, scripts_folder().resolve()),
        cookie=f"t2c_{port}",
        largest_upload=LARGEST_UPLOAD,
        # as base64, and with the settings beside it
        largest_call=2 * LARGEST_UPLOAD if in_the_request else LARGEST_TEXT,
        names_files=not in_the_request,
        login=Login(door.users) if door.users else None,
        visitors=Visitors(free=studio.forget),
        workspaces=lambda: list(studio.sessions),
        title=TITLE,
    )


def _mounted(gr: Any, demo: Any, uploads: Path, example: Path) -> Any:
    """Gradio's application."""
    from starlette.applications import Starlette

    from t2c_ext.service import LARGEST_UPLOAD

    options: dict[str, Any] = {
        "allowed_paths": [str(example)],
        "max_file_size": LARGEST_UPLOAD,
        "show_error": False,
        "footer_links": ["gradio", "settings"],
        "run_history": False,
        "enable_monitoring": False,
        "ssr_mode": False,
        "mcp_server": False,
        "pwa": False,
    }
    known = inspect.signature(gr.mount_gradio_app).parameters
    parent = Starlette()
    demo.show_api = False
    with _working_in(uploads):  # Gradio before 5 takes and gives out every file of the working directory
        gr.mount_gradio_app(parent, demo, "/", **{name: value for name, value in options.items() if name in known})
    demo.has_launched = True  # else it takes any file of the machine for one that a visitor has put in
    if hasattr(demo, "_queue") and hasattr(demo._queue, "set_url"):
        _ask_within(demo._queue, parent)
    return parent


def _ask_within(queue: Any, app: Any) -> None:
    """Have Gradio 3's queue, which asks its own server over the network, ask the application itself."""
    import httpx

    start = queue.start

    async def started(*given: Any) -> None:
        await start(*given)
        queue.queue_client = httpx.AsyncClient(transport=httpx.ASGITransport(app=app, raise_app_exceptions=False))

    queue.start = started
    queue.set_url("http://within/")


@contextmanager
def _working_in(folder: Path) -> Iterator[None]:
    """Inside the context, `folder` is the working directory."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def _run(guard: Guard, listening: socket.socket, door: Door) -> None:
    """Serve until a signal comes."""
    import uvicorn

    from t2c_ext.documents import LARGEST_TEXT

    config = uvicorn.Config(
        guard,
        http="h11",
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=FAREWELL,
        ws_max_size=LARGEST_TEXT,
    )
    server = uvicorn.Server(config)
    threading.Thread(target=_announce, args=(server, guard, listening, door), daemon=True).start()
    with _ended_by_hanging_up(server):
        server.run(sockets=[listening])


@contextmanager
def _ended_by_hanging_up(server: Any) -> Iterator[None]:
    """Inside the context the server ends in order when its terminal closes, as it does by itself on other signals."""
    numbers = [getattr(signal, name) for name in ("SIGHUP", "SIGBREAK") if hasattr(signal, name)]
    numbers = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    caught: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        caught.append(number)
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    for number in caught[:1]:
        signal.raise_signal(number)  # heard by whoever listened before


def _announce(server: Any, guard: Guard, listening: socket.socket, door: Door) -> None:
    """Say where the app is, once it answers."""
    waiting = threading.Event()
    while not server.started:
        if server.should_exit or waiting.wait(0.05):
            return
    port = listening.getsockname()[1]
    address = f"http://{_shown(door.host)}:{port}"
    if door.share:
        address = _public_address(door, port, guard.hosts.given.add) or address
    print(f"Text2Cinemagraph: {address}", flush=True)
    if door.browser:
        webbrowser.open(address)


def _shown(host: str) -> str:
    """A host in an address; all of the machine's are shown by one that works."""
    if host in ("0.0.0.0", "::", ""):
        return LOOPBACK
    return f"[{host}]" if ":" in host else host


def _public_address(door: Door, port: int, allow: Callable[[str], None]) -> str:
    """A public address that leads here, through Gradio's servers; "" where none is to be had."""
    from gradio import networking

    given: dict[str, Any] = {"local_host": _shown(door.host), "local_port": port}
    given |= {"share_token": secrets.token_urlsafe(32)}
    given |= {"share_server_address": None, "share_server_tls_certificate": None}
    known = inspect.signature(networking.setup_tunnel).parameters
    try:
        address = networking.setup_tunnel(**{name: value for name, value in given.items() if name in known})
    except Exception as error:  # whatever the network and a foreign program raise
        reason = " ".join(str(error).split())[:120]
        print(f"t2c: no public address could be had ({reason}); the app goes on without", file=sys.stderr, flush=True)
        return ""
    allow((urlsplit(address).hostname or "").lower())
    return urlsplit(address)._replace(scheme="https").geturl()
