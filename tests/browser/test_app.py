"""The app in a real browser: draw on the canvas with the mouse, run, and measure the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
pytest.importorskip("gradio", reason="Gradio is not installed")

from browser.chromium import CHROMIUM, headless
from browser.studio_app import StudioPage, served
from t2c_ext.evaluate.motion import MotionMeter
from t2c_ext.example import example_file
from t2c_ext.media.frames import read_video
from t2c_ext.media.pictures import read_mask
from t2c_ext.region.segmenters.choose import comes_with_the_package

pytestmark = pytest.mark.thorough

if CHROMIUM is None:
    pytest.skip("Chromium is not installed", allow_module_level=True)

WIDTH, HEIGHT = 512, 384
SHORT = 16
"""Frames of a loop of which the tests say nothing that depends on its length; the first one makes the usual number."""

Place = tuple[float, float]
Paint = Callable[[StudioPage], None]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("app") / "work"


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with served(folder) as where:
        yield where


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with headless() as running:
        yield running


@pytest.fixture
def studio(browser: Any, address: str) -> Iterator[StudioPage]:
    tab = browser.new_page(viewport={"width": 1400, "height": 1000})
    errors: list[str] = []
    tab.on("pageerror", lambda error: errors.append(str(error)))
    page = StudioPage(tab)
    page.open(address)
    yield page
    tab.close()
    assert not errors, "nothing is thrown in the page"


@pytest.fixture(scope="module")
def water(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture with a texture that can be followed."""
    noise = np.random.default_rng(5).random((HEIGHT, WIDTH, 3), np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 2.0)
    smooth = (smooth - smooth.mean()) / smooth.std() * 0.15 + (0.35, 0.5, 0.6)
    path = tmp_path_factory.mktemp("pictures") / "water.png"
    Image.fromarray(np.uint8(255 * np.clip(smooth, 0, 1))).save(path)
    return path


def loop_folder(folder: Path, state: dict[str, Any]) -> Path:
    return folder / str(state["id"])


def measured_angle(work: Path) -> float:
    """The direction of the loop's motion inside its mask, degrees, as `t2c evaluate` measures it."""
    meter = MotionMeter(read_mask(work / "mask.png") >= 0.99)
    for frame in read_video(work / "loop.mp4"):
        meter.add(frame)
    angle = meter.result().angle
    assert angle is not None
    return angle


def paint_the_middle(studio: StudioPage) -> None:
    """Wide strokes over the middle of the picture."""
    studio.tool("brush")
    for _ in range(6):
        studio.tab.keyboard.press("]")
    for y in (0.35, 0.5, 0.65):
        studio.drag((0.2, y), (0.8, y))


def paint_everything(studio: StudioPage) -> None:
    """All of the picture: nothing painted, inverted."""
    studio.tool("brush")
    studio.tab.locator(".t2c-board").focus()
    studio.tab.keyboard.press("i")


def test_the_example_is_a_click_away(studio: StudioPage, folder: Path) -> None:
    studio.press("t2c_example")
    studio.wait("s.picture !== null && s.hints !== null")
    studio.tab.wait_for_function("() => document.querySelectorAll('.t2c-region').length === 3")
    assert {region["name"] for region in studio.document()["regions"]} == {"clouds", "river", "waterfall"}
    state = studio.animate()
    assert [len(row["pictures"]) for row in state["stages"].values()] == [1, 2, 1, 1]
    assert (loop_folder(folder, state) / "loop.mp4").stat().st_size == state["loop"]["bytes"]
    assert studio.tab.locator(".t2c-player-root video, .t2c-player-root canvas").count() > 0
    setting = studio.tab.locator("#t2c_settings_loop input").first
    assert not setting.is_visible()
    studio.tab.locator(".t2c-step[data-stage=loop] .t2c-thumb").first.click()
    studio.tab.locator("dialog").get_by_text("Its settings").click()
    setting.wait_for()
    assert not studio.tab.locator("dialog").count()


@pytest.mark.parametrize(
    ("paint", "start", "end"),
    [(paint_the_middle, (0.45, 0.5), (0.75, 0.5)), (paint_everything, (0.5, 0.5), (0.42, 0.25))],
    ids=["along painted water", "across the whole picture"],
)
def test_a_drawn_arrow_is_the_way_the_loop_goes(  # noqa: PLR0917
    studio: StudioPage, folder: Path, water: Path, paint: Paint, start: Place, end: Place
) -> None:
    studio.put_in(water)
    paint(studio)
    studio.tool("arrow")
    studio.drag(start, end)
    document = studio.document()
    assert len(document["arrows"]) == 1 and document["regions"][0]["mask"]
    dx, dy = (end[0] - start[0]) * WIDTH, (end[1] - start[1]) * HEIGHT
    drawn = np.rad2deg(np.arctan2(-dy, dx)) % 360
    state = studio.animate(frames=SHORT)
    off = (measured_angle(loop_folder(folder, state)) - drawn + 180) % 360 - 180
    print(f"drawn {drawn:.1f}, the loop is off by {off:.1f} degrees")
    assert abs(off) < 10, f"drawn {drawn:.1f}, off by {off:.1f}"


def test_undo_gives_back_the_exact_document(studio: StudioPage, water: Path) -> None:
    studio.put_in(water)
    paint_the_middle(studio)
    before = studio.document()
    studio.tool("arrow")
    studio.drag((0.4, 0.5), (0.6, 0.5))
    assert studio.document() != before
    studio.tab.locator(".t2c-board").focus()
    studio.tab.keyboard.press("Control+z")
    studio.until(lambda: studio.document() == before)


def test_a_stroke_adds_to_what_a_run_found(studio: StudioPage, folder: Path) -> None:
    with example_file("art.png") as painting:
        studio.put_in(painting)
    studio.words("clouds drifting right")
    state = studio.animate(frames=SHORT)
    (source,) = [row["source"] for row in state["stages"]["region"]["regions"]]
    assert comes_with_the_package(source)
    studio.tab.wait_for_selector(f".t2c-region .t2c-whence:has-text('Found: {source}')")
    assert not studio.document(), "what was found is not in the document"
    before = read_mask(loop_folder(folder, state) / "mask.png")
    studio.tool("brush")
    studio.drag((0.2, 0.95), (0.3, 0.95))
    assert len(studio.document()["regions"]) == 1
    state = studio.animate(frames=SHORT)
    after = read_mask(loop_folder(folder, state) / "mask.png")
    assert [row["source"] for row in state["stages"]["region"]["regions"]] == ["painted"]
    assert np.array_equal(np.maximum(before, after), after) and after.sum() > before.sum()
    assert np.array_equal(before[: len(before) // 2], after[: len(before) // 2]), "to the last grey"
    studio.tab.locator(".t2c-board").focus()
    studio.tab.keyboard.press("Control+z")
    studio.until(lambda: not studio.document())
    assert studio.tab.locator(".t2c-whence").first.is_visible()


def test_a_mask_file_is_seen_and_taken_from(studio: StudioPage, folder: Path, water: Path, tmp_path: Path) -> None:
    levels = np.zeros((HEIGHT, WIDTH), np.uint8)
    levels[HEIGHT // 2 :] = 255
    Image.fromarray(levels).save(tmp_path / "mask.png")
    studio.put_in(water)
    studio.words("river flowing left")
    studio.tab.locator("#t2c_mask_file button, #t2c_mask_file .label-wrap").first.click()
    studio.tab.locator("#t2c_mask input[type=file]").first.set_input_files(str(tmp_path / "mask.png"))
    studio.tab.wait_for_selector(".t2c-region .t2c-whence:has-text('Found: mask file')")
    studio.tool("erase")
    studio.drag((0.5, 0.7), (0.55, 0.7))
    assert [region["name"] for region in studio.document()["regions"]] == ["river"]
    state = studio.animate(frames=SHORT)
    mask = read_mask(loop_folder(folder, state) / "mask.png")
    assert mask[round(0.7 * HEIGHT), WIDTH // 2] == 0 and mask[-5:].min() == 1 and mask[: HEIGHT // 3].max() == 0
    assert state["stages"]["region"]["notes"] == []


def test_words_and_regions_stay_in_step(studio: StudioPage) -> None:
    studio.press("t2c_example")
    studio.tab.wait_for_function("() => document.querySelectorAll('.t2c-region').length === 3")
    words = studio.tab.locator("#t2c_motion textarea, #t2c_motion input").first
    words.fill("river flowing right, waterfall falling down, clouds drifting right")
    studio.until(lambda: studio.angles() == {"clouds": 0, "river": 0, "waterfall": 270})


def test_the_words_of_the_example_go_with_it(studio: StudioPage, water: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    with Image.open(water) as picture:
        picture.rotate(180).save(other)
    studio.press("t2c_example")
    studio.tab.wait_for_function("() => document.querySelectorAll('.t2c-region').length === 3")
    studio.put_in(water)
    studio.until(lambda: studio.box("t2c_motion") == studio.box("t2c_prompt") == "" and studio.angles() == {})
    studio.tab.wait_for_function("() => document.querySelectorAll('.t2c-region').length === 0")
    studio.words("water flowing left")
    studio.put_in(other)
    studio.tab.wait_for_timeout(1000)
    assert studio.box("t2c_motion") == "water flowing left"


def test_two_tabs_do_not_disturb_each_other(browser: Any, address: str, water: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    with Image.open(water) as picture:
        picture.rotate(180).save(other)
    pages = []
    for picture_file in (water, other):
        page = StudioPage(browser.new_page(viewport={"width": 1400, "height": 1000}))
        page.open(address)
        page.put_in(picture_file)
        pages.append(page)
    paint_the_middle(pages[0])
    first, second = (page.state for page in pages)
    assert first["id"] != second["id"] and first["picture"]["key"] != second["picture"]["key"]
    assert pages[0].document()["regions"] and not pages[1].document()
    for page in pages:
        page.tab.close()


def test_a_reload_begins_afresh_and_the_drawing_comes_back_with_the_picture(
    studio: StudioPage, address: str, water: Path
) -> None:
    kept = studio.tab.get_by_text("What you drew on an earlier picture is kept")
    assert kept.count() == 1 and not kept.is_visible()
    studio.put_in(water)
    paint_the_middle(studio)
    before = studio.document()
    studio.open(address)
    assert studio.state["picture"] is None
    kept.wait_for()
    studio.put_in(water)
    studio.until(lambda: studio.document().get("regions") == before["regions"])


def begin_a_long_loop(studio: StudioPage, water: Path) -> None:
    studio.put_in(water)
    paint_the_middle(studio)
    studio.document()
    studio.frames(600)
    studio.press("t2c_animate")
    studio.wait("s.running && s.running.stage === 'loop'")


def test_a_run_is_cancelled(studio: StudioPage, water: Path) -> None:
    begin_a_long_loop(studio, water)
    studio.press("t2c_cancel")
    studio.wait("!s.running")
    assert studio.state["loop"] is None
    assert "Stopped" in studio.tab.locator("#t2c_status").first.inner_text()


def test_a_file_that_is_no_picture_is_refused_with_a_sentence(studio: StudioPage, water: Path, tmp_path: Path) -> None:
    studio.put_in(water)
    wrong = tmp_path / "words.png"
    wrong.write_text("no picture", encoding="utf-8")
    studio.tab.locator("#t2c_picture input[type=file]").first.set_input_files(str(wrong))
    studio.wait("s.picture === null")
    status = studio.tab.locator("#t2c_status").first
    studio.until(lambda: "is no picture" in status.inner_text())


def test_a_picture_that_is_taken_away_in_a_run_does_not_come_back(studio: StudioPage, water: Path) -> None:
    begin_a_long_loop(studio, water)
    studio.tab.locator("#t2c_picture button[aria-label*=lear], #t2c_picture button[aria-label*=emove]").first.click()
    studio.wait("s.picture === null")
    for _ in range(15):
        studio.tab.wait_for_timeout(200)
        assert studio.state["picture"] is None and studio.state["running"] is None
    assert studio.tab.locator("button#t2c_animate, #t2c_animate button").first.is_enabled()


def test_what_is_put_in_goes_with_the_app(studio: StudioPage, folder: Path, water: Path) -> None:
    studio.put_in(water)
    kept = [path for path in folder.iterdir() if path.name.startswith(".app-t2c")]
    assert len(kept) == 1, "uploads lie in a folder that the app takes away when it ends"


def test_the_page_names_no_place_of_the_machine(studio: StudioPage, folder: Path) -> None:
    studio.press("t2c_example")
    studio.wait("s.picture !== null && s.hints !== null")
    studio.animate(frames=SHORT)
    assert str(folder) not in studio.box("t2c_state")
    with studio.tab.expect_download() as saved:
        studio.tab.evaluate(
            "() => { const link = document.createElement('a'); const box = document.querySelector("
            "'#t2c_state textarea, #t2c_state input'); link.href = JSON.parse(box.value).loop.url;"
            " link.download = 'loop.mp4'; document.body.append(link); link.click(); }"
        )
    assert Path(saved.value.path()).read_bytes()[4:8] == b"ftyp"


def test_a_run_moves_neither_player_nor_strip(browser: Any, address: str) -> None:
    tab = browser.new_page(viewport={"width": 1280, "height": 900})
    page = StudioPage(tab)
    page.open(address)
    page.press("t2c_example")
    page.wait("s.picture !== null && s.hints !== null")
    place = "document.querySelector('.t2c-strip-root').getBoundingClientRect().top + window.scrollY"
    tab.wait_for_selector(".t2c-waiting:visible")
    tab.evaluate("place => { window.places = []; setInterval(() => window.places.push(eval(place)), 20); }", place)
    page.animate(frames=SHORT)
    page.wait("s.loop !== null && s.running === null")
    places = tab.evaluate("window.places")
    assert len(places) > 5 and max(places) - min(places) <= 1
    tab.close()


def test_in_a_narrow_window_a_run_and_what_is_opened_come_into_view(browser: Any, address: str) -> None:
    tab = browser.new_page(viewport={"width": 420, "height": 844})
    page = StudioPage(tab)
    page.open(address)
    page.press("t2c_example")
    page.wait("s.picture !== null && s.hints !== null")
    tab.locator("button#t2c_animate, #t2c_animate button").first.scroll_into_view_if_needed()
    page.animate(frames=SHORT)
    in_view = """selector => { const { top } = document.querySelector(selector).getBoundingClientRect();
        return top > -1 && top < window.innerHeight; }"""  # it stops at parts of a pixel
    tab.wait_for_function(in_view, arg="#t2c_status")
    tab.reload()
    tab.wait_for_selector(".t2c-board")
    page.side("Recent")
    entry = tab.locator("[data-t2c-open]").first
    entry.scroll_into_view_if_needed()
    assert not tab.evaluate(in_view, ".t2c-player-root"), "it lies below the list"
    entry.click()
    page.wait("s.loop !== null")
    tab.wait_for_function(in_view, arg=".t2c-player-root")
    tab.close()


def test_nothing_lies_over_the_bar_of_buttons(browser: Any, address: str) -> None:
    """It stays at the window's lower edge while the settings pass behind it: their titles may not take its clicks."""
    tab = browser.new_page(viewport={"width": 1280, "height": 640})
    page = StudioPage(tab)
    page.open(address)
    page.side("From text")
    tab.get_by_text("How the picture is made").click()
    tab.get_by_text("Sampler", exact=True).first.wait_for()
    over = """() => {
        const bar = document.querySelector('#t2c_bar'), found = [];
        for (let y = 0; y < document.documentElement.scrollHeight - window.innerHeight; y += 12) {
            window.scrollTo(0, y);
            const { left, right, top, bottom } = bar.getBoundingClientRect();
            for (let x = left + 12; x < right - 12; x += 24) {
                const at = document.elementFromPoint(x, (top + bottom) / 2);
                if (at && !bar.contains(at)) found.push([y, Math.round(x), at.outerHTML.slice(0, 80)]);
            }
        }
        return found;
    }"""
    assert tab.evaluate("document.querySelector('#t2c_bar').getBoundingClientRect().bottom <= window.innerHeight")
    assert tab.evaluate(over) == []
    tab.close()
