"""The Cinemagraph tab in a headless browser: from text to a playing loop, the canvas, and sending the picture on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from browser.studio_app import StudioPage
from PIL import Image

from t2c_ext.evaluate.motion import MotionMeter
from t2c_ext.media.frames import read_video
from t2c_ext.media.pictures import read_mask
from webui.browser import ARRIVED, ENDED, PATIENCE
from webui.requests import PROMPT, SIDE, moves
from webui.server import Server

PLAYING = """() => [...document.querySelectorAll('#t2c_player video')].some((video) => video.currentTime > 0)
    || document.querySelector('.t2c-player-root canvas') !== null"""


@pytest.fixture
def studio(page: Any) -> StudioPage:
    """The tab, in front."""
    page.locator("#tabs > .tab-nav > button", has_text="Cinemagraph").click()
    page.wait_for_selector(".t2c-board")
    return StudioPage(page)


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with a texture that can be followed."""
    noise = np.random.default_rng(5).random((384, 512, 3), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    smooth = (smooth - smooth.mean()) / smooth.std() * 0.15 + (0.35, 0.5, 0.6)
    path = tmp_path_factory.mktemp("pictures") / "water.png"
    Image.fromarray(np.uint8(255 * np.clip(smooth, 0, 1))).save(path)
    return path


def _workspace(server: Server, studio: StudioPage) -> Path:
    return server.data / "outputs" / "cinemagraphs" / str(studio.state["id"])


def _run_to_its_end(page: Any, button: str) -> None:
    """Press a button, and wait until the run that it begins has ended."""
    page.click(f"button#{button}, #{button} button")
    page.wait_for_function("() => document.querySelector('.t2c-progress') !== null")
    page.wait_for_function(ENDED, timeout=2 * PATIENCE)


def test_from_text_to_a_playing_loop(server: Server, page: Any, studio: StudioPage) -> None:
    page.locator("#t2c_sides button", has_text="From text").click()
    page.fill("#t2c_prompt textarea", PROMPT)
    page.locator("#t2c_settings_twin > .label-wrap").click()
    for name, value in (("width", SIDE), ("height", SIDE), ("steps", 4), ("seed", 3)):
        page.fill(f"#t2c_{name} input[type=number]", str(value))
        page.press(f"#t2c_{name} input[type=number]", "Tab")
    page.fill("#t2c_frames input[type=number]", "8")
    page.press("#t2c_frames input[type=number]", "Tab")
    _run_to_its_end(page, "t2c_generate")
    if not (_workspace(server, studio) / "loop.mp4").exists():  # a model of random weights draws no river
        page.locator("#t2c_names input[type=checkbox]").first.check()
        _run_to_its_end(page, "t2c_use")
    work = _workspace(server, studio)
    assert (work / "natural.png").exists() and (work / "attention.npz").exists(), "the twin was made"
    assert moves(work / "loop.mp4", mask=work / "mask.png")
    page.wait_for_function(PLAYING)
    page.locator("#t2c_settings_twin > .label-wrap").click()
    page.locator("#t2c_steps input[type=number]").wait_for(state="hidden")
    page.locator(".t2c-step[data-stage=twin] .t2c-thumb").first.click()
    page.locator("dialog").get_by_text("Its settings").click()
    page.locator("#t2c_steps input[type=number]").wait_for()
    with Image.open(work / "art.png") as art:
        assert art.size == (SIDE, SIDE) and "Seed: 3" in art.info["parameters"]


def test_a_drawn_arrow_is_the_way_that_the_loop_goes(
    server: Server, page: Any, studio: StudioPage, water: Path
) -> None:
    studio.put_in(water)
    studio.tool("brush")
    page.locator(".t2c-board").focus()
    page.keyboard.press("i")  # nothing is painted, inverted: all of it
    studio.tool("arrow")
    studio.drag((0.5, 0.5), (0.42, 0.25))
    studio.document()
    studio.animate()
    work = _workspace(server, studio)
    meter = MotionMeter(read_mask(work / "mask.png") >= 0.99)
    for frame in read_video(work / "loop.mp4"):
        meter.add(frame)
    drawn = np.rad2deg(np.arctan2(0.25 * 384, -0.08 * 512))
    angle = meter.result().angle
    assert angle is not None and abs((angle - drawn + 180) % 360 - 180) < 10


@pytest.mark.parametrize("button", ["interrupt", "skip"])
def test_a_run_shows_in_the_host_s_progress_and_its_buttons_stop_it(
    server: Server, page: Any, studio: StudioPage, water: Path, button: str
) -> None:
    studio.put_in(water)
    studio.tool("brush")
    page.locator(".t2c-board").focus()
    page.keyboard.press("i")  # nothing is painted, inverted: all of it
    studio.document()
    page.fill("#t2c_frames input[type=number]", "1000")
    page.press("#t2c_frames input[type=number]", "Tab")
    studio.press("t2c_animate")
    studio.until(lambda: "loop" in str(server.get("/sdapi/v1/progress")["textinfo"]), 60)
    bar = server.get("/sdapi/v1/progress")
    assert bar["state"]["job"] == "cinemagraph" and bar["state"]["job_count"] == 1 and 0.4 < bar["progress"] < 1
    assert bar["textinfo"].startswith("Cinemagraph: loop ") and bar["textinfo"].endswith("/1000")
    server.post(f"/sdapi/v1/{button}")
    page.wait_for_function("() => document.querySelector('#t2c_status')?.innerText.includes('Stopped')", timeout=30_000)
    assert not (_workspace(server, studio) / "loop.mp4").exists()


@pytest.mark.parametrize("tab", ["img2img", "inpaint", "extras"])
def test_the_picture_is_sent_to_another_tab(page: Any, studio: StudioPage, water: Path, tab: str) -> None:
    studio.put_in(water)
    studio.press(f"t2c_to_{tab}")
    page.wait_for_selector(ARRIVED[tab])
    assert page.locator("#tab_extras" if tab == "extras" else "#tab_img2img").is_visible()
