"""The canvas in a real browser, on a page of its own that plays Python's side."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from browser.canvas_page import Canvas
from browser.chromium import CHROMIUM, headless

ROOT = Path(__file__).resolve().parent.parent.parent


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".mjs": "text/javascript", ".js": "text/javascript"}
    made: Path

    def translate_path(self, path: str) -> str:
        name = path.partition("?")[0]
        return str(self.made / name[6:]) if name.startswith("/made/") else super().translate_path(path)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the server gives out below /made/."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="session")
def server(made: Path) -> Iterator[str]:
    handler = type("Handler", (_Handler,), {"made": made})
    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(ROOT)))
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_port}"
    http.shutdown()
    http.server_close()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; the environment's T2C_CHROMIUM says where it is."""
    pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium is here; T2C_CHROMIUM says where one is")
    with headless() as browser:
        yield browser


@pytest.fixture
def tab(chromium: Any) -> Iterator[Callable[..., Canvas]]:
    """Opens a window of a browser of its own; at the end none of them may have met an error."""
    opened: list[tuple[Any, Canvas]] = []

    def open_tab(width: int = 1280, height: int = 900, **more: Any) -> Canvas:
        context = chromium.new_context(viewport={"width": width, "height": height}, **more)
        canvas = Canvas(context.new_page())
        opened.append((context, canvas))
        return canvas

    yield open_tab
    errors = [error for _, canvas in opened for error in canvas.errors]
    for context, _ in opened:
        context.close()
    assert errors == []


@pytest.fixture
def canvas(tab: Callable[..., Canvas], server: str) -> Canvas:
    """The canvas with a picture of 512 x 384."""
    return tab().open(server)
