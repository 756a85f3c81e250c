"""The WebUI's page in a headless Chromium."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.chromium import CHROMIUM, headless

from webui.server import Server

PATIENCE = 120_000  # milliseconds

LOADS = 5
"""So often is a page loaded that lost its canvases."""

LOST = "ForgeCanvas is not defined"
"""Forge's own error: the page began before the script of its canvases had come, and builds none of them any more."""

BUILT = "() => document.querySelector('.forge-container:not([style])') === null"
"""Whether all canvases, where the host has some, are built."""

ENDED = "() => !document.querySelector('button#t2c_generate, #t2c_generate button').disabled"
"""Whether the tab's run is over."""

GIVEN = ":is(#img2img_image input[type=file]:not(.forge-file-upload), .forge-container[style] > .forge-file-upload)"
"""Takes the picture of img2img; Forge has a canvas of its own, which listens only once its script has sized it."""

PICTURE = ":is(img[src]:not([src='']), canvas:not(.forge-drawing-canvas))"
"""Shows a picture; Forge's canvas has an empty image, and a layer to draw on, from the start."""

ARRIVED = {
    "img2img": f"#img2img_image {PICTURE}",
    "inpaint": f"#img2maskimg {PICTURE}",
    "extras": "#extras_image img",
}
"""Where a picture is that has arrived in one of the host's tabs."""


def put_in_img2img(page: Any, picture: Path) -> None:
    """Go to img2img and give it a picture, as a visitor does, and wait until it has arrived."""
    page.click("#tabs > .tab-nav button:has-text('img2img')")
    page.set_input_files(f"#img2img_img2img_tab {GIVEN}", str(picture))
    page.wait_for_selector(ARRIVED["img2img"])


def chromium() -> Iterator[Any]:
    """Chromium: the one that T2C_CHROMIUM names, or the system's."""
    pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium; name one by T2C_CHROMIUM")
    with headless() as running:
        yield running


def opened_page(server: Server, browser: Any, pictures: Path) -> Iterator[Any]:
    """The WebUI's page, once its scripts run; nothing is loaded from elsewhere."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000})
    context.route(
        lambda address: not address.startswith(server.url) and address.startswith("http"), lambda route: route.abort()
    )
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    _load(opened, server.url)
    yield opened
    opened.screenshot(path=str(pictures / "page.png"))
    context.close()


def _load(page: Any, url: str) -> None:
    """Load the page until it is whole, again where its canvases were lost, as a visitor would."""
    lost: list[str] = []
    page.on("console", lambda message: lost.append(message.text) if LOST in message.text else None)
    for _ in range(LOADS):
        lost.clear()
        page.goto(url)
        page.wait_for_selector("#txt2img_prompt textarea")
        page.wait_for_function("() => window.opts && Object.keys(opts).length > 10")
        end = time.monotonic() + PATIENCE / 1000
        while not lost and time.monotonic() < end:
            if page.evaluate(BUILT):
                return
            page.wait_for_timeout(100)
    pytest.fail(f"the host's page was not whole after {LOADS} loads: {lost}")
