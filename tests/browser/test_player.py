"""The loop playing, scrubbed, compared, exported; the strip of stages."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from browser.canvas_page import Canvas

pytestmark = pytest.mark.thorough

FRAMES, FPS, WIDTH, HEIGHT = 12, 10, 96, 64
FAST = 60
"""Frames per second of the WebM, whose times are whole milliseconds."""


def bar(frame: int) -> np.ndarray:
    """A picture in which a white bar stands at the frame's own place."""
    picture = np.full((HEIGHT, WIDTH, 3), 30, np.uint8)
    picture[:, frame * 8 : frame * 8 + 8] = 230
    return picture


@pytest.fixture(scope="session")
def loops(made: Path) -> dict[str, str]:
    """The same loop as WebP, GIF, MP4 and WebM, and its still."""
    pictures = [Image.fromarray(bar(frame)) for frame in range(FRAMES)]
    more: dict[str, Any] = {"save_all": True, "append_images": pictures[1:], "duration": 1000 // FPS, "loop": 0}
    pictures[0].save(made / "loop.webp", lossless=True, **more)
    pictures[0].save(made / "loop.gif", **more)
    Image.new("RGB", (WIDTH, HEIGHT), (0, 200, 0)).save(made / "still.png")
    av = pytest.importorskip("av")
    with av.open(str(made / "loop.mp4"), "w") as file:
        stream = file.add_stream("libx264", rate=FPS, options={"crf": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in range(FRAMES):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(bar(frame), format="rgb24")))
        file.mux(stream.encode())
    with av.open(str(made / "loop.webm"), "w") as file:
        stream = file.add_stream("libvpx-vp9", rate=FAST)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in range(FRAMES):
            file.mux(stream.encode(av.VideoFrame.from_ndarray(bar(frame), format="rgb24")))
        file.mux(stream.encode())
    return {kind: f"/made/loop.{kind}" for kind in ("webp", "gif", "mp4", "webm")}


def state(url: str) -> dict[str, Any]:
    flow = np.zeros((8, 12, 2), "<i2")
    flow[4:, :, 0] = 100
    mask = np.zeros((8, 12), np.uint8)
    mask[4:] = 255
    sent = {"width": 12, "height": 8, "unit": 0.01, "flow": base64.b64encode(flow.tobytes()).decode(),
            "mask": base64.b64encode(mask.tobytes()).decode()}  # fmt: skip
    fps = FAST if url.endswith(".webm") else FPS
    size = {"frames": FRAMES, "fps": fps, "width": WIDTH, "height": HEIGHT, "bytes": 1}
    return {"url": url, "poster": "/made/still.png", "flow": sent} | size


@pytest.fixture
def player(canvas: Canvas, loops: dict[str, str]) -> Callable[[str], Canvas]:
    def show(kind: str) -> Canvas:
        canvas.page.evaluate("loop => fake.show({loop})", state(loops[kind]))
        canvas.page.wait_for_selector(".t2c-frame-now", timeout=90000)
        return canvas

    return show


SCRUB = """(frame) => {
    const scrub = document.querySelector('.t2c-scrub');
    scrub.value = frame;
    scrub.dispatchEvent(new Event('input'));
}"""

OVER = """(() => {
    const {width, height} = document.querySelector('.t2c-over');
    const pixels = document.querySelector('.t2c-over').getContext('2d').getImageData(0, 0, width, height).data;
    const halves = [0, 0];
    for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 20) halves[i < pixels.length / 2 ? 0 : 1]++;
    return halves;
})()"""
"""How many pixels of the upper and the lower half are laid over."""

CLIPBOARD = "navigator.clipboard.read().then(([item]) => item.getType('text/html')).then((blob) => blob.text())"

BRIGHT = """(() => {
    const canvas = document.querySelector('.t2c-frame-now');
    const row = canvas.getContext('2d').getImageData(0, canvas.height / 2, canvas.width, 1).data;
    const lit = [...Array(canvas.width).keys()].filter((x) => row[4 * x] > 130);
    return (lit.reduce((sum, x) => sum + x, 0) / lit.length + 0.5) / 8 - 0.5;
})()"""


@pytest.mark.parametrize("kind", ["webp", "gif", "mp4", "webm"])
def test_every_frame_is_there_and_goes_round(player: Callable[[str], Canvas], kind: str) -> None:
    page = player(kind).page
    page.click(".t2c-loop [title=Pause]")
    for frame in range(FRAMES):
        page.evaluate(SCRUB, frame)
        assert page.evaluate(BRIGHT) == pytest.approx(frame, abs=0.1)
    page.click(".t2c-loop [title='One frame on']")
    assert page.evaluate(BRIGHT) == pytest.approx(0, abs=0.1)
    page.focus(".t2c-screen")
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(BRIGHT) == pytest.approx(FRAMES - 1, abs=0.1)


def test_no_control_stands_alone_in_a_row(player: Callable[[str], Canvas]) -> None:
    page = player("mp4").page
    for word, width in product(("Save", "Enregistrer"), (320, 420, 560, 660, 700, 900)):
        page.evaluate("word => { document.querySelector('.t2c-save').lastChild.data = word; }", word)
        page.evaluate("width => { document.querySelector('.t2c-loop').style.width = `${width}px`; }", width)
        controls = "[document.querySelector('.t2c-loop'), ...document.querySelector('.t2c-controls').children]"
        whole, *boxes = page.evaluate(f"{controls}.map((row) => row.getBoundingClientRect().toJSON())")
        rows = Counter(round((box["top"] + box["bottom"]) / 2 / 8) for box in boxes)
        assert len(rows) == (1 if width > 680 else 2) and min(rows.values()) >= 3, (word, width)
        assert max(box["right"] for box in boxes) <= whole["right"], (word, width)


LATE = """(share) => {
    const Real = VideoFrame;
    let [asked, before] = [0, null];
    window.VideoFrame = function (video) {
        const now = new Real(video);
        if (before === null || ++asked % share === 0) { before?.close(); before = now.clone(); return now; }
        now.close();
        return before.clone();
    };
}"""
"""A browser that shows the frame before for a while: all but one time in so many."""


def test_a_frame_that_comes_late_is_waited_for(canvas: Canvas, loops: dict[str, str]) -> None:
    page = canvas.page
    page.evaluate(LATE, 3)
    page.evaluate("loop => fake.show({loop})", state(loops["mp4"]))
    page.wait_for_selector(".t2c-frame-now", timeout=90000)
    page.click(".t2c-loop [title=Pause]")
    for frame in range(FRAMES):
        page.evaluate(SCRUB, frame)
        assert page.evaluate(BRIGHT) == pytest.approx(frame, abs=0.1)


def test_a_frame_that_never_comes_leaves_the_loop_to_the_browser(canvas: Canvas, loops: dict[str, str]) -> None:
    page = canvas.page
    page.evaluate(LATE, float("inf"))
    page.evaluate("loop => fake.show({loop})", state(loops["mp4"]))
    page.wait_for_function(
        "document.querySelector('.t2c-loop .t2c-hint').textContent.includes('frame 2 of the video did not come')",
        timeout=90000,
    )
    assert page.is_visible(".t2c-native video")


SHOWN = """[...document.querySelectorAll('.t2c-native > *')].map((one) =>
    one.poster || one.style.backgroundImage.slice(5, -2))"""
"""What stands where the loop will play."""


@pytest.mark.parametrize("kind", ["mp4", "webp"])
def test_the_still_is_seen_until_the_loop_is_there(canvas: Canvas, loops: dict[str, str], kind: str) -> None:
    """On a slow connection, or a busy machine; a moving picture may be transparent, so it does not stay."""
    page = canvas.page
    held: list[Any] = []
    held_back = True

    def hold(route: Any) -> None:
        if held_back:
            held.append(route)
        else:
            route.continue_()

    page.route(f"**/loop.{kind}", hold)
    page.evaluate("loop => void fake.show({loop})", state(loops[kind]))
    page.wait_for_function(f"{SHOWN}[0]?.endsWith('/made/still.png')", timeout=90000)
    held_back = False
    for route in held:
        route.continue_()
    page.wait_for_selector(".t2c-frame-now", timeout=90000)
    assert page.evaluate(SHOWN) == []


def test_a_picture_that_the_browser_plays_has_no_still_under_it(canvas: Canvas, loops: dict[str, str]) -> None:
    """It may be transparent."""
    page = canvas.page
    page.evaluate("loop => fake.show({loop})", state(loops["webp"]) | {"frames": 1_000_000})
    page.wait_for_function(f"{SHOWN}[0] === ''", timeout=90000)
    assert page.is_visible(".t2c-native img")


def test_it_plays_at_its_pace_without_a_gap(player: Callable[[str], Canvas]) -> None:
    page = player("webp").page
    page.select_option(".t2c-controls select", "2")
    seen = page.evaluate("""new Promise((done) => {
        const seen = []; const start = performance.now();
        const look = (now) => {
            const at = Number(document.querySelector('.t2c-scrub').value);
            if (seen.length === 0 || seen.at(-1)[0] !== at) seen.push([at, now]);
            if (now - start < 1500) requestAnimationFrame(look); else done(seen);
        };
        requestAnimationFrame(look);
    })""")
    turns = sum(1 for before, after in pairwise(seen) if after[0] < before[0])
    assert turns >= 2
    advanced = sum((after[0] - before[0]) % FRAMES for before, after in pairwise(seen))
    seconds = (seen[-1][1] - seen[0][1]) / 1000
    assert advanced / seconds == pytest.approx(2 * FPS, rel=0.1)


def test_the_browser_s_own_player_is_followed(canvas: Canvas, loops: dict[str, str]) -> None:
    page = canvas.page
    large = state(loops["mp4"]) | {"width": 6000, "height": 4000}  # more than is kept in memory
    page.evaluate("loop => fake.show({loop})", large)
    page.wait_for_function("document.querySelector('.t2c-loop .t2c-hint').textContent.includes('own player')")
    page.locator(".t2c-controls").scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.t2c-count').textContent === '7/12'")
    page.evaluate(SCRUB, 2)
    page.click(".t2c-loop [title=Play]")
    page.wait_for_function("document.querySelector('.t2c-scrub').value === '5'")
    page.click(".t2c-loop [title=Pause]")
    shown, at = page.evaluate(
        "[+document.querySelector('.t2c-scrub').value, document.querySelector('video').currentTime]"
    )
    assert shown == int(at * FPS) % FRAMES, "at the very end of the file the first frame comes next"
    page.click(".t2c-loop [title='One frame on']")
    assert page.inner_text(".t2c-count") == f"{(shown + 1) % FRAMES + 1}/{FRAMES}"


def test_the_picture_keeps_the_loop_s_place_and_an_old_loop_is_marked(canvas: Canvas, loops: dict[str, str]) -> None:
    page = canvas.page
    height = "document.querySelector('.t2c-player-root').offsetHeight"
    picture = {"url": "/made/still.png", "width": WIDTH, "height": HEIGHT, "key": "1"}
    page.evaluate("picture => fake.show({picture, loop: null})", picture)
    page.wait_for_function("!document.querySelector('.t2c-waiting').hidden")
    before = page.evaluate(height)
    assert page.locator(".t2c-loop [title=Pause]").is_disabled()
    page.evaluate("loop => fake.show({loop})", state(loops["mp4"]))
    page.wait_for_function("document.querySelector('.t2c-waiting').hidden")
    assert page.evaluate(height) == pytest.approx(before, abs=1)
    mark = page.locator(".t2c-screen .t2c-step-mark")
    made = {"title": "Loop", "pictures": [{"name": "Loop", "url": "/made/still.png"}], "seconds": 1, "stale": False}
    page.evaluate("loop => fake.show({stages: {loop}})", made)
    assert mark.is_hidden()
    page.evaluate("loop => fake.show({stages: {loop}})", made | {"pictures": []})
    assert mark.inner_text() == "out of date"


def test_compare_and_overlays(player: Callable[[str], Canvas]) -> None:
    page = player("webp").page
    page.click("[title='Compare with the still']")
    page.focus(".t2c-divider")
    for _ in range(5):
        page.keyboard.press("ArrowLeft")
    assert page.get_attribute(".t2c-divider", "aria-valuenow") == "40"
    box = page.locator(".t2c-screen").bounding_box()
    shot = page.locator(".t2c-screen").screenshot()
    pixels = np.asarray(Image.open(BytesIO(shot)).convert("RGB")).astype(int)
    middle = pixels[pixels.shape[0] // 4]
    # the picture lies in the middle of the screen
    width = min(box["width"], box["height"] * WIDTH / HEIGHT)
    left = (box["width"] - width) / 2
    green = [
        middle[int(left + share * width)] for share in (0.02, 0.3) if left + share * width < 0.4 * box["width"] - 20
    ]
    assert green and all(g > 150 and r < 60 for r, g, b in green)
    assert page.evaluate(OVER) == [0, 0]
    for button in ("Show what moves", "Show the motion"):
        page.click(f"[title='{button}']")
        top, low = page.evaluate(OVER)
        assert low > 1000 and top < 0.2 * low
        page.click(f"[title='{button}']")
    assert page.evaluate(OVER) == [0, 0]


def test_export_shows_what_it_weighs_before_it_is_saved(player: Callable[[str], Canvas]) -> None:
    page = player("webp").page
    page.click(".t2c-export summary")
    page.select_option(".t2c-export select >> nth=0", "gif")
    page.fill(".t2c-number", "1.5")
    page.click(".t2c-export button:has-text('Export')")
    page.wait_for_selector(".t2c-result a")
    assert page.inner_text(".t2c-result span") == "cinemagraph.gif, 1.2 MB"
    assert page.get_attribute(".t2c-result a", "download") == "cinemagraph.gif"
    request = page.evaluate("fake.asked.find((one) => one.what === 'export')")
    assert {key: request[key] for key in ("format", "quality", "side", "max_megabytes")} == {
        "format": "gif", "quality": 80, "side": 0, "max_megabytes": 1.5,
    }  # fmt: skip
    page.select_option(".t2c-export select >> nth=0", "webm")
    assert page.locator(".t2c-result a").count() == 0
    page.evaluate("fake.refusals.export = {ok: false, error: 'WebM cannot be made that small'}")
    page.click(".t2c-export button:has-text('Export')")
    page.wait_for_function("document.querySelector('.t2c-result').textContent === 'WebM cannot be made that small.'")


def test_copy_puts_the_gif_itself_on_the_clipboard(player: Callable[[str], Canvas], loops: dict[str, str]) -> None:
    canvas = player("webp")
    page = canvas.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate(
        "url => { fake.answers.export = () => ({ url, bytes: 2000, name: 'cinemagraph.gif' }); }", loops["gif"]
    )
    page.click(".t2c-export summary")
    page.click("text=Copy as GIF")
    page.wait_for_function("document.querySelector('.t2c-result').textContent.includes('on the clipboard')")
    html = page.evaluate(CLIPBOARD)
    assert "data:image/gif;base64,R0lGOD" in html


def test_a_loop_too_large_for_memory_is_left_to_the_browser(canvas: Canvas, loops: dict[str, str]) -> None:
    page = canvas.page
    loop = state(loops["mp4"]) | {"frames": 10_000, "width": 960, "height": 640}
    page.evaluate("loop => fake.show({loop})", loop)
    page.wait_for_function("document.querySelector('.t2c-loop .t2c-hint').textContent.includes('own player')")
    assert page.evaluate("document.querySelector('.t2c-native video').loop")
    assert not page.is_visible(".t2c-frame-now")
    page.click(".t2c-loop [title=Pause]")
    assert page.evaluate("document.querySelector('.t2c-native video').paused")


def test_the_strip_shows_stages_and_forwards_run_from_here(canvas: Canvas) -> None:
    page = canvas.page
    stage = {
        "title": "What moves",
        "pictures": [{"name": name, "url": "/made/still.png"} for name in ("river", "mask")],
        "seconds": 83.4, "stale": True, "about": "found by <b>colour</b>.", "notes": ["A note."],
    }  # fmt: skip
    page.evaluate("stage => fake.show({stages: {region: stage}})", stage)
    card = page.locator(".t2c-step[data-stage=region]")
    card.locator("img").first.wait_for()
    assert card.locator(".t2c-step-about").inner_text().split("\n")[0].startswith("What moves")
    assert "1 min 23 s" in card.inner_text() and "out of date" in card.inner_text()
    assert [image.evaluate("it => it.style.objectPosition") for image in card.locator("img").all()] == [
        "0% 50%",
        "100% 50%",
    ]
    assert page.locator(".t2c-step.t2c-unmade").count() == 3
    page.evaluate("document.querySelector('#t2c_run_region').onclick = () => { fake.ran = true; }")
    card.locator(".t2c-again").click()
    assert page.evaluate("fake.ran") is True
    page.evaluate("fake.show({running: {stage: 'region', done: 1, total: 4}})")
    page.wait_for_selector(".t2c-step.t2c-running")
    assert card.locator(".t2c-again").is_disabled()
    card.locator(".t2c-thumb").first.click()
    dialog = page.locator("dialog")
    assert "Found by <b>colour</b>." in dialog.inner_text() and "A note." in dialog.inner_text()
    dialog.locator("text=mask").click()
    assert dialog.locator("img").get_attribute("alt") == "mask"
    assert dialog.get_by_text("Run from here").is_disabled() and not dialog.get_by_text("Its settings").count()
    page.mouse.click(5, 5)
    page.wait_for_selector("dialog", state="detached")
    page.evaluate("fake.ran = false; fake.show({running: null})")
    page.wait_for_selector(".t2c-step.t2c-running", state="detached")
    card.locator(".t2c-thumb").first.click()
    dialog.get_by_text("Run from here").click()
    page.wait_for_function("fake.ran")
    assert not dialog.count()
