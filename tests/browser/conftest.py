"""The canvas in a real browser, on a page of its own that plays Python's side."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


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


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A browser; the environment's T2C_CHROMIUM says where it is."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = os.environ.get("T2C_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("no Chromium is here; T2C_CHROMIUM says where one is")
    with playwright.sync_playwright() as driver:
        options = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
        browser = driver.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


class Canvas:
    """A page with the canvas, and hands to draw with."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def open(self, server: str, width: int = 512, height: int = 384, motion: str = "") -> Canvas:
        self.page.goto(f"{server}/tests/browser/harness.html")
        self.page.wait_for_selector(".t2c-board")
        self.page.wait_for_function("window.fake !== undefined")
        self.page.evaluate("motion => fake.set('t2c_motion', motion)", motion)
        self.show(width, height)
        return self

    def show(self, width: int = 512, height: int = 384, key: str = "first") -> None:
        self.page.evaluate("([w, h, key]) => fake.picture(w, h, key)", [width, height, key])
        self.page.wait_for_selector(f".t2c-frame[data-picture={key}]")
        self.page.wait_for_function("document.querySelector('.t2c-world').getBoundingClientRect().width > 50")
        self.settled()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Window pixels of a point of the picture, as the browser lays it out."""
        box = self.page.evaluate(
            "(({left, top, width, height}) => [left, top, width, height])"
            "(document.querySelector('.t2c-picture').getBoundingClientRect())"
        )
        return box[0] + x * box[2], box[1] + y * box[3]

    def drag(self, *points: tuple[float, float]) -> None:
        mouse = self.page.mouse
        mouse.move(*self.at(*points[0]))
        mouse.down()
        for point in points[1:]:
            mouse.move(*self.at(*point), steps=6)
        mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def tool(self, name: str) -> None:
        self.page.click(f"[data-tool={name}]")

    def key(self, *keys: str) -> None:
        self.page.focus(".t2c-board")
        for one in keys:
            self.page.keyboard.press(one)

    def settled(self) -> None:
        """Wait until the document is written and nothing is asked any more."""
        quiet = (
            "(() => {const now = [fake.asked.length, document.querySelector('#t2c_document textarea').value,"
            "document.querySelector('#t2c_answer textarea').value, document.querySelector('#t2c_motion textarea').value].join();"
            "if (now !== window.before) { window.before = now; window.since = performance.now(); }"
            "return performance.now() - window.since > 360 && document.querySelector('.t2c-frame').dataset.written !== 'no' && !document.querySelector('.t2c-frame[data-words]')})()"
        )
        self.page.wait_for_function(quiet, timeout=15000)

    def text(self) -> str:
        """The document as it is written, or ""."""
        return str(self.page.evaluate("document.querySelector('#t2c_document textarea').value"))

    def document(self) -> dict[str, Any]:
        self.settled()
        return dict(self.page.evaluate("JSON.parse(document.querySelector('#t2c_document textarea').value || '{}')"))

    def motion(self) -> str:
        self.settled()
        return str(self.page.evaluate("document.querySelector('#t2c_motion textarea').value"))

    def type_motion(self, text: str) -> None:
        self.page.fill("#t2c_motion textarea", text)
        self.settled()

    def names(self) -> list[str]:
        return list(self.page.evaluate("[...document.querySelectorAll('.t2c-region .t2c-name')].map(one => one.value)"))

    def share(self, region: int = 0) -> float:
        """How much of the picture a region of the written document covers."""
        script = (
            "async (index) => {const {decodeMask} = await import('/javascript/studio/png.mjs');"
            "const doc = JSON.parse(document.querySelector('#t2c_document textarea').value);"
            "const mask = await decodeMask(doc.regions[index].mask);"
            "return mask.data.reduce((sum, value) => sum + value, 0) / 255 / mask.data.length}"
        )
        self.settled()
        return float(self.page.evaluate(script, region))


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
