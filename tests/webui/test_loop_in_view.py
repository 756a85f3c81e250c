"""The loop is seen where it was made, and goes to the tab and back whole; clicks are counted on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser.studio_app import StudioPage

from webui.browser import PATIENCE, put_in_img2img
from webui.requests import PROMPT, SIDE, frames_of, strokes
from webui.server import Server

IN_VIEW = """selector => { const box = document.querySelector(selector)?.getBoundingClientRect();
    return box !== undefined && box.height > 0 && box.top >= 0 && box.bottom <= innerHeight; }"""
PLAYS = "selector => (document.querySelector(selector)?.currentTime ?? 0) > 0"


class Clicks:
    """Clicks on a page, counted."""

    def __init__(self, page: Any) -> None:
        self.page, self.count = page, 0

    def on(self, selector: str) -> None:
        """Click on the first of these."""
        self.page.locator(selector).first.click()
        self.count += 1


def _panel(tab: str) -> str:
    return f"#script_{tab}_cinemagraph_cinemagraph"


def _set_up(page: Any, tab: str, folder: Path) -> None:
    """A small picture and few frames, by the page's own fields."""
    if tab == "img2img":
        strokes().save(folder / "given.png")
        put_in_img2img(page, folder / "given.png")
    page.fill(f"#{tab}_prompt textarea", PROMPT)
    for name, value in (("width", SIDE), ("height", SIDE), ("steps", 3)):
        page.fill(f"#{tab}_{name} input[type=number]", str(value))


def _send_to_txt2img(page: Any, studio: StudioPage) -> None:
    """What img2img made goes to txt2img without its strength, which would turn hires fix on there; and back."""
    studio.press("t2c_to_txt2img")
    page.wait_for_function("value => document.querySelector('#txt2img_prompt textarea').value === value", arg=PROMPT)
    width = "value => document.querySelector('#txt2img_width input[type=number]').value === value"
    page.wait_for_function(width, arg=str(SIDE))
    assert not page.is_checked("#txt2img_hr-visible-checkbox")
    page.click("#tabs > .tab-nav button:has-text('Cinemagraph')")


def _run_on(page: Any, studio: StudioPage) -> None:
    """Fewer frames, from the loop's stage on."""
    before = studio.state["loop"]["url"]
    page.fill("#t2c_frames input[type=number]", "6")
    page.press("#t2c_frames input[type=number]", "Tab")
    page.locator(".t2c-step[data-stage=loop] button", has_text="Run from here").click()
    studio.wait(f"s.loop && !s.running && s.loop.url !== {json.dumps(before)}", 120)
    assert studio.state["loop"]["frames"] == 6


def _repaint(studio: StudioPage, clicks: Clicks) -> None:
    """One stroke more that moves, from the still upper edge, and on from there."""
    before = studio.state["loop"]["url"]
    clicks.on("button[data-tool=brush]")
    studio.drag((0.2, 0.1), (0.6, 0.8))
    assert studio.document()["regions"], "the stroke is in the drawing"
    clicks.on("button#t2c_animate, #t2c_animate button")
    studio.wait(f"s.loop && !s.running && s.loop.url !== {json.dumps(before)}")
    assert studio.state["loop"]["frames"] == 6 and not studio.state["stages"]["loop"]["stale"]


def _export(page: Any, clicks: Clicks, folder: Path) -> Path:
    """The loop as another format, saved by the page."""
    clicks.on(".t2c-export summary")
    page.select_option(".t2c-export select >> nth=0", "gif")
    clicks.on(".t2c-export button:has-text('Export')")
    page.wait_for_selector(".t2c-result a")
    with page.expect_download() as download:
        clicks.on(".t2c-result a")
    path = folder / str(download.value.suggested_filename)
    download.value.save_as(path)
    return path


@pytest.fixture
def tab(request: pytest.FixtureRequest) -> Iterator[str]:
    yield str(request.param)


@pytest.mark.parametrize("tab", ["txt2img", "img2img"], indirect=True)
def test_a_loop_plays_under_the_gallery_and_goes_to_the_tab_whole(
    server: Server, page: Any, tmp_path: Path, tab: str
) -> None:
    _set_up(page, tab, tmp_path)
    clicks, loops = Clicks(page), f"#{tab}_cinemagraph_loops"
    clicks.on(f"{_panel(tab)} > .label-wrap > span:first-child")
    page.fill(f"{_panel(tab)}_frames input[type=number]", "8")
    page.press(f"{_panel(tab)}_frames input[type=number]", "Tab")
    clicks.on(f"#{tab}_generate")
    page.wait_for_selector(f"{loops} video, {loops} .t2c-choose", timeout=2 * PATIENCE)
    if page.locator(f"{loops} video").count() == 0:  # a model of random weights draws no river
        page.wait_for_function(IN_VIEW, arg=f"{loops} .t2c-choose")
        clicks.on(f"{loops} .t2c-choose")
        page.wait_for_selector(f"{loops} video", timeout=PATIENCE)
    page.wait_for_function(PLAYS, arg=f"{loops} video")
    page.wait_for_function(IN_VIEW, arg=f"{loops} video")
    assert clicks.count <= 3
    page.locator(loops).first.screenshot(path=str(tmp_path / f"{tab}.png"))
    name = page.inner_text(f"{loops} .t2c-saved b")
    (saved,) = (server.data / "outputs").rglob(name)
    assert saved.is_file() and page.locator(f"{loops} a[download='{name}']").count() == 1
    assert page.locator(f"{loops} .t2c-card-small img").count() == 2
    address = page.locator(f"{loops} a[download='{name}']").get_attribute("href")
    answer = page.request.get(f"{server.url}/{address}")
    assert answer.body() == saved.read_bytes(), "whoever sits elsewhere gets the file, too"

    studio = StudioPage(page)
    clicks.on(f"{loops} [data-t2c-open]")
    page.wait_for_selector("#tab_cinemagraph .t2c-board")
    studio.wait("s.loop && s.stages.region.regions.length > 0")
    for selector in ("#t2c_animate", ".t2c-loop .t2c-screen"):
        page.wait_for_function(IN_VIEW, arg=selector, timeout=10_000)
    assert page.input_value("#t2c_prompt textarea") == PROMPT
    assert page.input_value("#t2c_frames input[type=number]") == "8"
    assert not any(stage["stale"] for stage in studio.state["stages"].values())
    _run_on(page, studio)
    in_the_tab = Clicks(page)
    _repaint(studio, in_the_tab)
    exported = _export(page, in_the_tab, tmp_path)
    assert exported.suffix == ".gif" and len(frames_of(exported)) == 6 and in_the_tab.count == 5

    studio.press(f"t2c_to_{tab}")
    page.wait_for_function(
        "([box, value]) => document.querySelector(box)?.value === value",
        arg=[f"{_panel(tab)}_frames input[type=number]", "6"],
    )
    assert page.locator(f"#tab_{tab}").is_visible() and page.input_value(f"#{tab}_prompt textarea") == PROMPT
    assert page.is_checked(f"{_panel(tab)}-visible-checkbox")

    page.click("#tabs > .tab-nav button:has-text('Cinemagraph')")
    if tab == "img2img":
        _send_to_txt2img(page, studio)
    page.locator("#t2c_sides button", has_text="Recent").click()
    one = f"[data-t2c-delete='{studio.state['id']}']"
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator(one).click()
    page.wait_for_selector(one, state="detached")
    assert saved.is_file() and not (server.data / "outputs" / "cinemagraphs" / studio.state["id"]).exists()


def test_png_info_sends_picture_and_settings_to_the_tab(server: Server, page: Any, tmp_path: Path) -> None:
    from PIL.PngImagePlugin import PngInfo

    text, ours = PngInfo(), "Cinemagraph enabled: True, Cinemagraph frames: 12, Cinemagraph version: 0.1.0"
    text.add_text("parameters", f"{PROMPT}\nSteps: 3, Sampler: Euler, Seed: 5, Size: 256x256, {ours}")
    strokes().save(tmp_path / "still.png", pnginfo=text)
    page.click("#tabs > .tab-nav button:has-text('PNG Info')")
    page.set_input_files("#pnginfo_image input[type=file]", str(tmp_path / "still.png"))
    page.wait_for_function("() => gradioApp().querySelector('#tab_pnginfo').innerText.includes('Cinemagraph frames')")
    page.click("#cinemagraph_tab")
    page.wait_for_selector("#tab_cinemagraph #t2c_picture img[src]")
    page.wait_for_function(IN_VIEW, arg="#t2c_picture", timeout=10_000)
    page.wait_for_function("() => document.querySelector('#t2c_frames input[type=number]').value === '12'")
    assert page.input_value("#t2c_prompt textarea") == PROMPT
    assert StudioPage(page).state["picture"]["width"] == SIDE


def test_the_models_are_listed_with_what_they_bring(page: Any) -> None:
    page.click("#tabs > .tab-nav button:has-text('Cinemagraph')")
    page.locator("#t2c_sides button", has_text="Models").click()
    page.wait_for_selector("[data-t2c-name=oneformer-ade]")
    assert "MB" in page.inner_text("[data-t2c-name=oneformer-ade]")


def test_animate_and_the_result_are_both_in_view(page: Any) -> None:
    page.click("#tabs > .tab-nav button:has-text('Cinemagraph')")
    page.wait_for_selector(".t2c-board")
    StudioPage(page).press("t2c_example")
    StudioPage(page).wait("s.picture")
    page.evaluate("() => scrollTo(0, 0)")
    for selector in ("#t2c_animate", ".t2c-loop .t2c-screen"):
        page.wait_for_function(IN_VIEW, arg=selector, timeout=10_000)
