"""The WebUI's page in a headless Chromium."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.chromium import CHROMIUM, headless

from webui.server import Server

PATIENCE = 120_000  # milliseconds


ENDED = "() => !document.querySelector('button#t2c_generate, #t2c_generate button').disabled"
"""Whether the tab's run is over."""

GIVEN = "#img2img_image input[type=file], #img2img_img2img_tab .forge-file-upload"
"""Takes the picture of img2img; Forge has a canvas of its own."""


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
    opened.goto(server.url)
    opened.wait_for_selector("#txt2img_prompt textarea")
    opened.wait_for_function("() => window.opts && Object.keys(opts).length > 10")
    yield opened
    opened.screenshot(path=str(pictures / "page.png"))
    context.close()
