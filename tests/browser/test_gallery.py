"""The page of a batch in a real browser, opened from the disk: strangers' prompts, ten thousand rows, a phone."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from t2c_ext import animate
from t2c_ext.batch.gallery.page import write_gallery
from t2c_ext.batch.outcome import DONE, FAILED, Outcome

pytestmark = pytest.mark.thorough

EVIL = "</script><script>window.hit = 1</script><img src=x onerror='window.hit = 2'>\u2028{{ 7 * 7 }}"


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loop, and its still beside it."""
    place = tmp_path_factory.mktemp("loop") / "river.mp4"
    still = np.random.default_rng(1).integers(0, 255, (64, 96, 3), np.uint8)
    mask = np.zeros((64, 96), np.uint8)
    mask[32:] = 255
    animate(still, place, mask=mask, motion="river flowing left", frames=6)
    return place


@pytest.fixture
def folder(tmp_path: Path, loop: Path) -> Path:
    for name in ("river.mp4", "a #1?.mp4"):
        (tmp_path / name).write_bytes(loop.read_bytes())
    return tmp_path


def opened(tab: Callable[..., Any], page: Path, **more: Any) -> tuple[Any, list[str]]:
    canvas = tab(**more)
    wrong: list[str] = []
    canvas.page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    canvas.page.goto(page.as_uri())
    canvas.page.wait_for_selector(".cell")
    return canvas.page, wrong


def wait_until(page: Any, met: str) -> None:
    """Wait for an expression to hold; the page's policy lets no text be run, so it is asked from outside."""
    end = time.monotonic() + 30
    while not page.evaluate(met):
        assert time.monotonic() < end, met
        page.wait_for_timeout(50)


def names(page: Any) -> list[str]:
    return list(page.evaluate("[...document.querySelectorAll('#rows > .cell b')].map((one) => one.textContent)"))


def test_strangers_words_are_shown_and_do_nothing(tab: Callable[..., Any], folder: Path) -> None:
    rows = [
        Outcome("river", DONE, file="river.mp4", prompt=EVIL, notes=(EVIL,), settings={"motion": EVIL}, size=(96, 64)),
        Outcome(EVIL, FAILED, error=EVIL, kind=EVIL),
        Outcome("a #1?", DONE, file="a #1?.mp4"),
    ]
    page, wrong = opened(tab, write_gallery(folder, rows, EVIL))
    assert page.title().startswith("</script><script>")
    assert names(page) == ["river", EVIL, "a #1?"]
    wait_until(page, "[...document.querySelectorAll('video')].filter((one) => one.currentTime > 0).length === 2")
    page.click(".cell:nth-of-type(1)")
    page.wait_for_selector("dialog[open]")
    assert page.inner_text("#one-body").count("onerror='window.hit = 2'>") == 3, "prompt, note and setting"
    assert page.evaluate("window.hit") is None and wrong == []


def test_a_filter_and_a_sweep_side_by_side(tab: Callable[..., Any], folder: Path) -> None:
    rows = [
        Outcome(
            f"r{speed}-{seed}", DONE, file="river.mp4", swept={"speed": speed, "seed": seed}, label="row 1", group=1
        )
        for speed in (1, 2)
        for seed in (7, 8)
    ]
    rows.append(Outcome("lost", FAILED, error="I could not find the river", kind="not found"))
    page, wrong = opened(tab, write_gallery(folder, rows))
    assert page.inner_text("#count") == "4 loops, 1 failed"
    page.fill("#words", "find river")
    assert names(page) == ["lost"] and page.inner_text("#count") == "1 of 4 loops, 1 failed"
    page.fill("#words", "")
    page.select_option("#which", "swept")
    assert names(page) == ["r1-7", "r1-8", "r2-7", "r2-8"]
    page.click(".cell >> nth=0")
    heads = page.evaluate("[...document.querySelectorAll('.sweep th')].map((one) => one.textContent)")
    assert heads == ["", "speed 1", "speed 2", "seed 7", "seed 8"]
    page.click(".sweep .cell:not(.here) >> nth=0")
    assert page.inner_text("#one-name") == "r2-7"
    page.keyboard.press("ArrowRight")
    assert page.inner_text("#one-name") == "r2-8"
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog:not([open])", state="attached")
    assert wrong == []


def test_ten_thousand_rows_are_no_more_than_those_in_view(tab: Callable[..., Any], folder: Path) -> None:
    rows = [Outcome(f"r{number:05d}", DONE, file="river.mp4", prompt="a river") for number in range(10_000)]
    page, _ = opened(tab, write_gallery(folder, rows))
    assert 0 < page.locator(".cell").count() < 60
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    wait_until(page, "[...document.querySelectorAll('.told b')].some((one) => one.textContent === 'r09999')")
    assert page.locator(".cell").count() < 60
    page.fill("#words", "r04711")
    assert names(page) == ["r04711"]


def test_a_phone_shows_two_in_a_line_and_nothing_beside_the_page(tab: Callable[..., Any], folder: Path) -> None:
    rows = [Outcome(f"r{number}", DONE, file="river.mp4", prompt="a river " * 30) for number in range(9)]
    page, _ = opened(tab, write_gallery(folder, rows, "t" * 80), width=360, height=700)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    lefts = page.evaluate("[...document.querySelectorAll('.cell')].map((one) => one.getBoundingClientRect().left)")
    assert len(set(lefts)) == 2
    page.click(".cell >> nth=0")
    box = page.locator("dialog").bounding_box()
    assert box["x"] >= 0 and box["x"] + box["width"] <= 360
