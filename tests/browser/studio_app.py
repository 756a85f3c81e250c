"""The standalone app in a process of its own, and its page in a real browser, for tests."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
"""Seconds that are waited for what comes within one or two on a quiet machine."""

PYTHON = os.environ.get("T2C_APP_PYTHON", sys.executable)
"""The interpreter that serves the app; another one tries another Gradio."""


@contextmanager
def served(
    folder: Path, python: str = PYTHON, home: Path = ROOT, environment: dict[str, str] | None = None
) -> Iterator[str]:
    """Inside the context the app is served; its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [python, "-m", "t2c_ext", "app", "--port", str(port), "--folder", str(folder)]
    log = folder.with_suffix(".log")
    with log.open("w", encoding="utf-8") as written:
        process = subprocess.Popen(command, cwd=home, env=environment, stdout=written, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}/"
    try:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if process.poll() is not None:
                raise RuntimeError(f"the app ended: {log.read_text(encoding='utf-8')}")
            try:
                urllib.request.urlopen(address, timeout=30).close()
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError(f"the app did not answer: {log.read_text(encoding='utf-8')}")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


class StudioPage:
    """The studio's page in a browser's tab."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab
        tab.set_default_timeout(PATIENCE * 1000)

    def open(self, address: str) -> None:
        """Go there and wait until the canvas is built."""
        self.tab.goto(address)
        self.tab.wait_for_selector(".t2c-board")

    def box(self, id: str) -> str:
        """What stands in one of the page's text boxes."""
        found = self.tab.evaluate("id => document.querySelector(`#${id} textarea, #${id} input`)?.value ?? ''", id)
        return str(found)

    @property
    def state(self) -> dict[str, Any]:
        """The page's state."""
        text = self.box("t2c_state")
        return dict(json.loads(text)) if text else {}

    def wait(self, what: str, seconds: float = PATIENCE) -> None:
        """Wait until a JavaScript expression of the state `s` is true."""
        self.tab.wait_for_function(
            "what => { const box = document.querySelector('#t2c_state textarea, #t2c_state input');"
            " if (!box || !box.value) return false; const s = JSON.parse(box.value); return Boolean(eval(what)); }",
            arg=what,
            timeout=seconds * 1000,
        )

    def side(self, name: str) -> None:
        """Go to one of the page's sides; where the window is narrow, newer Gradios have the last ones in a menu."""
        menu = self.tab.locator("#t2c_sides .overflow-menu > button")
        hidden = menu.count() and menu.is_visible()
        if hidden:
            menu.click()
        within = "#t2c_sides .overflow-dropdown button" if hidden else "#t2c_sides button:visible:not([tabindex='-1'])"
        self.tab.locator(within, has_text=name).click()

    def press(self, id: str) -> None:
        """Press one of the page's buttons."""
        self.tab.locator(f"button#{id}, #{id} button").first.click()

    def put_in(self, picture: Path) -> None:
        """Put a picture in, as a visitor does."""
        before = (self.state.get("picture") or {}).get("key")
        self.tab.locator("#t2c_picture input[type=file]").first.set_input_files(str(picture))
        self.wait(f"s.picture && s.picture.key !== {json.dumps(before)}")
        self.tab.wait_for_function("() => document.querySelector('.t2c-picture')?.naturalWidth > 0")

    def words(self, text: str) -> None:
        """Write how it moves, and wait until the list of regions has heard of it."""
        self.tab.locator("#t2c_motion textarea, #t2c_motion input").first.fill(text)
        self.tab.wait_for_selector(".t2c-frame[data-words=typed]")
        self.tab.wait_for_selector(".t2c-frame:not([data-words])")

    def tool(self, name: str) -> None:
        """Take a tool of the canvas in hand."""
        self.tab.locator(f"button[data-tool={name}]").click()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """The place in the window of a place in the picture, 0..1."""
        self.tab.locator(".t2c-board").scroll_into_view_if_needed()
        box = self.tab.locator("img.t2c-picture").bounding_box()
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def drag(self, *places: tuple[float, float]) -> None:
        """Press at the first place of the picture, go through the others, and release."""
        mouse = self.tab.mouse
        mouse.move(*self.at(*places[0]))
        mouse.down()
        for place in places[1:]:
            mouse.move(*self.at(*place), steps=12)
        mouse.up()

    def document(self) -> dict[str, Any]:
        """What is drawn, once it is written."""
        self.tab.wait_for_selector(".t2c-frame[data-written=yes]")
        text = self.box("t2c_document")
        return dict(json.loads(text)) if text else {}

    def angles(self) -> dict[str, float | None]:
        """The direction of each region that is drawn."""
        return {region["name"]: region["angle"] for region in self.document().get("regions", [])}

    def until(self, true: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Wait until something is true; fail where it does not become so."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"not so after {seconds:g} s: {self.angles()}"
            self.tab.wait_for_timeout(100)

    def frames(self, count: int) -> None:
        """How many frames the loop shall have."""
        number = self.tab.locator("#t2c_frames input[type=number]").first
        number.fill(str(count))
        number.press("Tab")

    def animate(self, seconds: float = PATIENCE, frames: int | None = None) -> dict[str, Any]:
        """Press Animate, and wait for the loop; the state. Without a number of frames, as many as are set."""
        if frames is not None:
            self.frames(frames)
        before = (self.state.get("loop") or {}).get("url")
        self.press("t2c_animate")
        self.wait(f"s.loop && !s.running && s.loop.url !== {json.dumps(before)}", seconds)
        return self.state
