"""A Chromium without a screen: which one, and how it is begun."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
"""The shell, which draws no windows around its pages, takes half the time of a whole browser."""

CHROMIUM = os.environ.get("T2C_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
"""The one that T2C_CHROMIUM names, or the system's; None where there is none."""

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]


@contextmanager
def headless() -> Iterator[Any]:
    """Playwright's browser, inside the context."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()
