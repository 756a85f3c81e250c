"""Drawing with the real mouse, keyboard, finger and pen; what comes out is the document."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from browser.canvas_page import Canvas

pytestmark = pytest.mark.thorough

Tab = Callable[..., Canvas]

DRAWN = """(() => {
    const {width, height} = document.querySelector('.t2c-drift');
    const pixels = document.querySelector('.t2c-drift').getContext('2d').getImageData(0, 0, width, height).data;
    return pixels.filter((value, index) => index % 4 === 3 && value > 40).length;
})()"""
"""How many pixels of the drift are drawn."""

COUNT_FRAMES = """(() => {
    fake.frame = 0;
    fake.marked = {};
    const tick = () => { fake.frame += 1; requestAnimationFrame(tick); };
    tick();
    const mark = performance.mark.bind(performance);
    performance.mark = (name) => {
        if (name === 't2c:release') fake.marked = {};
        fake.marked[name] ??= fake.frame;
        return mark(name);
    };
})()"""
"""Notes in which of the browser's frames something was marked first since a release."""

TENTH = 6
"""Frames of a tenth of a second, where a machine is quick enough for sixty of them a second."""

SAYS = "(expected) => document.querySelector('#t2c_document textarea').value === expected"

AGAIN = "document.querySelector('#t2c_canvas').innerHTML = '<div class=\"t2c-canvas\"></div>'"
"""Gradio draws the canvas's element again."""


def angle(arrow: dict[str, list[float]], width: int = 512, height: int = 384) -> float:
    dx, dy = (arrow["to"][0] - arrow["from"][0]) * width, (arrow["to"][1] - arrow["from"][1]) * height
    return math.degrees(math.atan2(-dy, dx)) % 360


def test_a_painted_region_and_an_arrow_make_the_document(canvas: Canvas) -> None:
    canvas.tool("brush")
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    canvas.tool("arrow")
    canvas.drag((0.7, 0.8), (0.4, 0.75))
    document = canvas.document()
    assert document["version"] == 2
    (arrow,) = document["arrows"]
    assert canvas.page.inner_text(".t2c-status").startswith(f"{angle(arrow):.0f}°, speed ")
    assert arrow["from"] == pytest.approx([0.7, 0.8], abs=0.004)
    assert arrow["to"] == pytest.approx([0.4, 0.75], abs=0.004)
    (region,) = document["regions"]
    assert region["angle"] == pytest.approx(angle(arrow), abs=1)
    # a stroke of 0.6 widths with a radius of 5 % of the height
    assert canvas.share() == pytest.approx(0.6 * 0.1 * 0.8, rel=0.25)


def test_undo_gives_back_the_exact_document_and_redo_too(canvas: Canvas) -> None:
    acts = [
        ("brush", [(0.2, 0.8), (0.8, 0.85)]), ("arrow", [(0.7, 0.8), (0.4, 0.8)]), ("erase", [(0.5, 0.7), (0.5, 0.9)]),
        ("swirl", [(0.3, 0.3), (0.4, 0.3)]), ("pin", [(0.6, 0.82), (0.6, 0.82)]), ("freeze", [(0.1, 0.1), (0.2, 0.2)]),
        ("lasso", [(0.7, 0.2), (0.9, 0.2), (0.9, 0.4), (0.7, 0.4)]),
    ]  # fmt: skip
    texts = [canvas.text()]
    for tool, points in acts:
        canvas.tool(tool)
        canvas.drag(*points)
        canvas.settled()
        texts.append(canvas.text())
    assert len(set(texts)) == len(texts)
    for expected in reversed(texts[:-1]):
        canvas.key("Control+z")
        canvas.page.wait_for_function(SAYS, arg=expected, timeout=90000)
    for expected in texts[1:]:
        canvas.key("Control+Shift+z")
        canvas.page.wait_for_function(SAYS, arg=expected, timeout=90000)


FOUND = """async ([name, source, from, to]) => {
    const { encodeMask } = await import('/javascript/studio/png.mjs');
    const data = new Uint8Array(512 * 384);
    data.fill(255, from * 384 * 512, to * 384 * 512);
    const region = { name, source, mask: await encodeMask({ width: 512, height: 384, data }) };
    fake.show({ stages: { region: { regions: [region], stale: false, pictures: [], notes: [] } } });
}"""
"""A run has found a band of the picture."""

LIT = """([x, y]) => {
    const canvas = document.querySelector('canvas.t2c-found');
    return canvas.getContext('2d').getImageData(x * canvas.width, y * canvas.height, 1, 1).data[3];
}"""


def test_what_was_found_is_lit_and_can_be_hidden_and_edited(canvas: Canvas) -> None:
    canvas.type_motion("river flowing left")
    canvas.page.evaluate(FOUND, ["river", "clusters", 0.75, 1])
    canvas.page.wait_for_selector(".t2c-whence:has-text('Found: clusters')")
    assert canvas.page.evaluate(LIT, [0.5, 0.9]) > 20 and canvas.page.evaluate(LIT, [0.5, 0.5]) == 0
    assert canvas.document() == {}
    canvas.page.click(".t2c-eye")
    assert canvas.page.evaluate(LIT, [0.5, 0.9]) == 0
    canvas.page.click(".t2c-eye")
    canvas.tool("erase")
    canvas.page.mouse.move(*canvas.at(0.5, 0.9))
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.at(0.6, 0.9))
    assert canvas.page.evaluate(LIT, [0.1, 0.9]) == 0, "it is paint while the stroke lasts"
    canvas.page.mouse.up()
    assert 0.2 < canvas.share() < 0.25
    assert not canvas.page.is_visible(".t2c-whence")
    canvas.key("Control+z")
    assert canvas.document() == {}
    assert canvas.page.evaluate(LIT, [0.5, 0.9]) > 20
    canvas.key("i")
    assert canvas.share() == pytest.approx(0.75, abs=0.01)


def test_a_click_on_what_was_found_takes_it_away(canvas: Canvas) -> None:
    canvas.type_motion("river flowing left")
    canvas.page.evaluate(FOUND, ["river", "clusters", 0.6, 1])
    canvas.page.wait_for_selector(".t2c-whence:has-text('Found: clusters')")
    canvas.tool("fill")
    canvas.page.wait_for_selector(".t2c-status:has-text('Click a region')")
    canvas.click(0.5, 0.8)
    assert canvas.document() == {} and canvas.names() == []
    assert canvas.motion() == ""


def test_another_picture_is_seen_whole(canvas: Canvas) -> None:
    canvas.page.locator(".t2c-board").focus()
    canvas.key("+", "+")
    assert canvas.page.inner_text(".t2c-percent") != "100%"
    canvas.show(400, 300, key="second")
    canvas.page.wait_for_function("() => document.querySelector('.t2c-percent').innerText === '100%'")


def test_a_region_that_flows_again_goes_where_it_went(canvas: Canvas) -> None:
    canvas.type_motion("river flowing left")
    kind = canvas.page.locator("select.t2c-kind[aria-label='How it moves']").first
    for turned, told in (("swirl_cw", False), ("translate", True)):
        kind.select_option(turned)
        canvas.settled()
        assert ("180°" in canvas.page.inner_text(".t2c-region")) == told


def test_drawing_is_exact_at_any_zoom(canvas: Canvas) -> None:
    canvas.page.mouse.move(*canvas.at(0.6, 0.7))
    canvas.page.keyboard.down("Control")
    canvas.page.mouse.wheel(0, -900)
    canvas.page.keyboard.up("Control")
    zoomed = canvas.page.inner_text(".t2c-percent")
    assert int(zoomed.rstrip("%")) > 300
    canvas.tool("arrow")
    canvas.drag((0.62, 0.72), (0.56, 0.7))
    (arrow,) = canvas.document()["arrows"]
    assert arrow["from"] == pytest.approx([0.62, 0.72], abs=0.001)
    assert arrow["to"] == pytest.approx([0.56, 0.7], abs=0.001)
    canvas.key("0")
    assert canvas.page.inner_text(".t2c-percent") == "100%"


def test_select_move_and_delete(canvas: Canvas) -> None:
    canvas.tool("arrow")
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    canvas.tool("select")
    canvas.drag((0.4, 0.3), (0.45, 0.4))
    (arrow,) = canvas.document()["arrows"]
    assert arrow["from"] == pytest.approx([0.35, 0.4], abs=0.005)
    canvas.drag((0.55, 0.4), (0.55, 0.6))
    (arrow,) = canvas.document()["arrows"]
    assert arrow["from"] == pytest.approx([0.35, 0.4], abs=0.005)
    assert arrow["to"] == pytest.approx([0.55, 0.6], abs=0.005)
    canvas.key("Delete")
    canvas.settled()
    assert canvas.text() == ""


def test_a_click_on_a_segmented_region_adds_and_removes_it(canvas: Canvas) -> None:
    canvas.tool("fill")
    canvas.page.wait_for_function("document.querySelector('.t2c-status').textContent.startsWith('Click a region')")
    canvas.page.mouse.move(*canvas.at(0.5, 0.8))
    assert canvas.page.is_visible(".t2c-lit")
    assert canvas.page.inner_text(".t2c-status").startswith("river")
    canvas.click(0.5, 0.8)
    document = canvas.document()
    assert [region["name"] for region in document["regions"]] == ["river"]
    assert canvas.share() == pytest.approx(0.4, abs=0.02)
    canvas.click(0.5, 0.2)
    assert [region["name"] for region in canvas.document()["regions"]] == ["river", "sky"]
    canvas.click(0.5, 0.8)
    assert [region["name"] for region in canvas.document()["regions"]] == ["sky"]
    assert [one["what"] for one in canvas.page.evaluate("fake.asked")].count("segment") == 1


def test_words_and_regions_stay_in_step(canvas: Canvas) -> None:
    canvas.type_motion("river flowing left, clouds drifting right fast")
    assert canvas.names() == ["river", "clouds"]
    angles = "[...document.querySelectorAll('.t2c-dial')].map(one => one.getAttribute('aria-valuenow'))"
    assert canvas.page.evaluate(angles) == ["180", "0"]
    asked = canvas.page.evaluate("fake.asked.length")
    canvas.page.wait_for_timeout(700)
    assert canvas.page.evaluate("fake.asked.length") == asked, "nothing echoes"
    canvas.page.focus(".t2c-region[data-name=river] .t2c-dial")
    for _ in range(3):
        canvas.page.keyboard.press("ArrowDown")
    assert canvas.motion() == "river flowing at 165 degrees, clouds flowing right fast"
    canvas.page.click(".t2c-region[data-name=clouds] [aria-label='Remove the region']")
    assert canvas.motion() == "river flowing at 165 degrees"
    canvas.key("Control+z")
    assert canvas.motion() == "river flowing at 165 degrees, clouds flowing right fast"
    assert canvas.names() == ["river", "clouds"]
    canvas.page.fill(".t2c-region[data-name=river] .t2c-name", "stream")
    canvas.page.keyboard.press("Enter")
    assert canvas.motion() == "stream flowing at 165 degrees, clouds flowing right fast"


@pytest.mark.parametrize("delay", [5, 300])
def test_undo_after_quick_changes_keeps_words_and_list_in_step(canvas: Canvas, delay: int) -> None:
    canvas.type_motion("river flowing left, clouds flowing right")
    canvas.page.evaluate("delay => { fake.delays.describe = delay; }", delay)
    canvas.page.focus(".t2c-region[data-name=clouds] .t2c-dial")
    for _ in range(3):
        canvas.page.keyboard.press("ArrowLeft")
        canvas.page.wait_for_timeout(60)
    canvas.page.focus(".t2c-region[data-name=river] .t2c-dial")
    canvas.page.keyboard.press("ArrowDown")
    assert canvas.motion() == "river flowing at 175 degrees, clouds flowing at 15 degrees"
    canvas.key("Control+z")
    assert canvas.motion() == "river flowing left, clouds flowing at 15 degrees", "never said until now"
    canvas.key("Control+z")
    assert canvas.motion() == "river flowing left, clouds flowing right", "a key that is held makes one step"
    canvas.page.focus(".t2c-region[data-name=clouds] .t2c-dial")
    for _ in range(3):
        canvas.page.keyboard.press("ArrowLeft")
    assert canvas.motion() == "river flowing left, clouds flowing at 15 degrees", "what was said before and undone"
    canvas.type_motion("river flowing up")
    canvas.key("Control+z")
    assert canvas.motion() == "river flowing left, clouds flowing at 15 degrees"
    assert canvas.names() == ["river", "clouds"]


def test_a_control_that_changes_nothing_makes_no_step(canvas: Canvas) -> None:
    undo = "document.querySelector('[aria-label=Undo]').title"
    canvas.type_motion("river flowing left fast")
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    again = "one => { one.dispatchEvent(new Event('input')); one.dispatchEvent(new Event('change')); }"
    for field in ("speed", "kind", "colour"):
        canvas.page.eval_on_selector(f".t2c-region .t2c-{field}", again)
    canvas.page.click(".t2c-dial", position={"x": 4, "y": 24})
    assert canvas.page.evaluate(undo) == "Undo painting river"
    canvas.tool("arrow")
    canvas.drag((0.3, 0.8), (0.41, 0.82))
    canvas.page.eval_on_selector(".t2c-speed", again)
    assert canvas.page.evaluate(undo) == "Undo an arrow"


def test_a_drawn_arrow_is_said_and_said_words_turn_the_arrow(canvas: Canvas) -> None:
    canvas.type_motion("river flowing right")
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    canvas.tool("arrow")
    canvas.drag((0.5, 0.85), (0.5, 0.75))
    assert canvas.motion() == "river flowing up"
    canvas.type_motion("river flowing left")
    (arrow,) = canvas.document()["arrows"]
    assert angle(arrow) == pytest.approx(180, abs=1)


@pytest.mark.parametrize("typed", ["while drawing", "just before"])
def test_words_that_come_while_one_draws_keep_their_regions(canvas: Canvas, typed: str) -> None:
    words = "river flowing left, clouds flowing right"
    canvas.type_motion("river flowing left")
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    canvas.settled()
    canvas.page.evaluate("fake.delays.parse = 900; fake.asked.length = 0")
    begin = canvas.at(0.3, 0.7)
    canvas.page.mouse.move(*begin)
    if typed == "just before":
        canvas.page.fill("#t2c_motion textarea", words)
        canvas.page.wait_for_function("fake.asked.some((one) => one.what === 'parse')")
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.at(0.5, 0.7), steps=4)
    if typed == "while drawing":
        canvas.page.evaluate("words => fake.set('t2c_motion', words)", words)
    canvas.page.wait_for_timeout(1800)
    assert canvas.names() == ["river"], "the gesture is still in hand"
    canvas.page.mouse.move(*canvas.at(0.7, 0.7), steps=4)
    canvas.page.mouse.up()
    canvas.page.wait_for_selector(".t2c-region[data-name=clouds]")
    assert canvas.names() == ["river", "clouds"] and canvas.motion() == words


def test_what_was_painted_without_a_name_takes_the_name_that_is_said(canvas: Canvas) -> None:
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    share = canvas.share()
    canvas.type_motion("river flowing left")
    assert canvas.names() == ["river"] and canvas.share() == share
    assert canvas.document()["regions"][0]["angle"] == 180
    canvas.type_motion("sea flowing up")
    assert canvas.names() == ["sea"] and canvas.document()["regions"][0]["angle"] == 90
    canvas.type_motion("sea flowing up, clouds flowing right")
    assert canvas.names() == ["sea", "clouds"]
    canvas.page.click("[aria-label='Add a region']")
    canvas.drag((0.2, 0.2), (0.8, 0.2))
    canvas.type_motion("sea flowing up, clouds flowing right, fog flowing left, smoke flowing up")
    assert canvas.names() == ["sea", "clouds", "area", "fog", "smoke"], "which of two, nobody knows"


def test_the_speed_of_a_region_is_the_length_of_its_arrow_within_bounds_and_can_be_typed(canvas: Canvas) -> None:
    page = canvas.page
    canvas.drag((0.1, 0.8), (0.9, 0.8))
    assert page.input_value(".t2c-number") == "1"
    canvas.tool("arrow")
    canvas.drag((0.2, 0.8), (0.28, 0.8))
    speed = 0.08 * 512 / 30 / (384 / 512)
    assert float(page.input_value(".t2c-number")) == pytest.approx(speed, abs=0.02)
    page.focus(".t2c-speed")
    page.keyboard.press("Home")
    assert canvas.document()["arrows"][0]["speed"] == pytest.approx(0.25, rel=0.02)
    page.keyboard.press("Control+z")
    canvas.drag((0.28, 0.8), (0.8, 0.8))
    assert page.input_value(".t2c-number") == "2", "a long arrow means the direction"
    page.fill(".t2c-number", "6.5")
    page.keyboard.press("Enter")
    assert canvas.document()["arrows"][0]["speed"] == pytest.approx(6.5) and page.input_value(".t2c-number") == "6.5"


def test_undo_gives_up_the_stroke_in_hand(canvas: Canvas) -> None:
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    before = canvas.document()
    canvas.page.mouse.move(*canvas.at(0.2, 0.4))
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.at(0.6, 0.4), steps=4)
    canvas.page.keyboard.press("Control+z")
    canvas.page.mouse.move(*canvas.at(0.8, 0.4), steps=4)
    canvas.page.mouse.up()
    assert canvas.document() == before
    canvas.key("a", "Enter", "ArrowRight")
    canvas.page.click("[data-tool=pin]")
    canvas.key("Enter")
    now = canvas.document()
    assert (now["arrows"], len(now["pins"])) == ([], 1), "another tool ends what the keys began"


def test_no_more_regions_can_be_painted_than_can_be_sent(canvas: Canvas) -> None:
    for number in range(17):
        canvas.page.click("[aria-label='Add a region']")
        canvas.tool("brush")
        canvas.click(0.03 + 0.05 * number, 0.5)
    assert "At most 16 regions" in canvas.page.inner_text(".t2c-toast")
    document = canvas.document()
    assert sum("mask" in region for region in document["regions"]) == 16
    canvas.key("i")
    canvas.tool("lasso")
    canvas.drag((0.2, 0.2), (0.6, 0.2), (0.6, 0.4))
    assert canvas.document() == document
    canvas.page.click(".t2c-region[data-name=area] .t2c-name")
    canvas.tool("brush")
    canvas.click(0.5, 0.8)
    assert canvas.share() > document_share(canvas, document)


def document_share(canvas: Canvas, document: dict[str, object]) -> float:
    """How much of the picture the first region of a document covers."""
    script = (
        "async (mask) => {const {decodeMask} = await import('/javascript/studio/png.mjs');"
        "const {data} = await decodeMask(mask); return data.reduce((sum, value) => sum + value, 0) / 255 / data.length}"
    )
    return float(canvas.page.evaluate(script, document["regions"][0]["mask"]))  # type: ignore[index]


def test_what_the_solver_notes_is_said_once(canvas: Canvas) -> None:
    note = "arrow 1 was left out: it lies outside of everything that moves"
    canvas.page.evaluate("note => { fake.notes = [note]; }", note)
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    canvas.page.wait_for_selector(".t2c-toast:visible")
    assert canvas.page.inner_text(".t2c-toast") == "Arrow 1 was left out: it lies outside of everything that moves."
    canvas.page.evaluate("document.querySelector('.t2c-toast').hidden = true")
    canvas.drag((0.2, 0.7), (0.8, 0.7))
    canvas.settled()
    assert not canvas.page.is_visible(".t2c-toast")


def test_the_keyboard_alone_places_and_moves_an_arrow(canvas: Canvas) -> None:
    canvas.key("a", "ArrowRight", "Enter", "Shift+ArrowLeft", "Shift+ArrowLeft", "Enter")
    (arrow,) = canvas.document()["arrows"]
    assert angle(arrow) == pytest.approx(180, abs=0.5)
    canvas.key("n", "ArrowDown", "t", "ArrowUp")
    (moved,) = canvas.document()["arrows"]
    assert canvas.page.inner_text(".t2c-status").startswith(f"{angle(moved):.0f}°, speed ")
    assert moved["from"][1] == pytest.approx(arrow["from"][1] + 0.02, abs=1e-6)
    assert moved["to"][1] == pytest.approx(arrow["to"][1], abs=1e-6)
    canvas.key("Delete")
    canvas.settled()
    assert canvas.text() == ""
    canvas.key("b", "Enter", "Shift+ArrowRight", "Enter")
    assert canvas.share() > 0.01


def test_shortcuts_act_in_the_whole_frame(canvas: Canvas) -> None:
    page, undo = canvas.page, "document.querySelector('[aria-label=Undo]').title"
    press, size = page.keyboard.press, "Number(document.querySelector('[data-option=size]').value)"
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    painted = canvas.document()
    canvas.tool("brush")
    before = page.evaluate(size)
    press("]")
    assert page.evaluate(size) > before
    page.focus("[data-option=size]")
    press("a")
    press("Control+z")
    assert page.evaluate(undo) == "Undo: nothing", "also where the control that had the focus has gone"
    press("Control+y")
    page.click("[aria-label=Undo]")
    press("Control+Shift+z")
    assert canvas.document() == painted, "also where the button is disabled now"
    page.click("[aria-label='Remove the region']")
    press("Control+z")
    assert canvas.document() == painted
    canvas.drag((0.3, 0.3), (0.5, 0.3))
    page.click("[aria-label='Zoom in']")
    press("Escape")
    assert page.locator(".t2c-chosen").count() == 0
    canvas.key("n")
    page.focus(".t2c-speed")
    press("Delete")
    assert canvas.document()["arrows"] == []


def test_shortcuts_leave_a_control_the_keys_it_needs(canvas: Canvas) -> None:
    page, press = canvas.page, canvas.page.keyboard.press
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    canvas.tool("arrow")
    canvas.drag((0.4, 0.8), (0.6, 0.8))
    before = canvas.document()
    page.fill(".t2c-name", "stream")
    page.keyboard.type("brave]")
    press("Control+z")
    assert page.get_attribute("[data-tool=arrow]", "aria-pressed") == "true"
    assert canvas.document() == before, "a text's own undo"
    page.fill(".t2c-name", "stream")
    press("Enter")
    assert canvas.document()["regions"][0]["name"] == "stream"
    press("Control+z")
    assert canvas.document() == before, "a name is entered, and the keys are the canvas's"
    page.focus(".t2c-dial")
    press("Delete")
    assert (len(canvas.document()["arrows"]), canvas.document()["regions"][0]["angle"]) == (1, None)
    page.focus(".t2c-speed")
    for key in ("Home", "ArrowRight"):
        press(key)
    assert page.input_value(".t2c-speed") == "-19"
    page.focus("[data-tool=pin]")
    for key in (" ", "b", "Enter", "ArrowUp", "0"):
        press(key)
    assert page.get_attribute("[data-tool=pin]", "aria-pressed") == "true", (
        "Enter presses the button that has the focus"
    )
    assert "pins" not in canvas.document() or canvas.document()["pins"] == []


def test_keys_are_taken_only_in_the_canvas(canvas: Canvas) -> None:
    canvas.page.evaluate("fake.heard = []; document.addEventListener('keydown', ({key}) => fake.heard.push(key))")
    canvas.page.focus("#t2c_motion textarea")
    canvas.page.keyboard.type("brave e")
    assert canvas.page.get_attribute("[data-tool=brush]", "aria-pressed") == "true"
    assert canvas.motion() == "brave e"
    canvas.key("Escape", "Control+Enter", "e")
    heard = canvas.page.evaluate("fake.heard")
    assert heard[-3:] == ["Escape", "Control", "Enter"], "what it does not use is left to the page"
    assert canvas.page.get_attribute("[data-tool=erase]", "aria-pressed") == "true"
    canvas.key("?")
    assert canvas.page.is_visible("dialog.t2c-dialog")
    canvas.page.keyboard.press("Escape")
    canvas.page.wait_for_selector("dialog", state="detached")
    assert canvas.page.evaluate("document.activeElement.className") == "t2c-board"


def test_a_finger_draws_and_two_fingers_zoom(tab: Tab, server: str) -> None:
    canvas = tab(390, 844, has_touch=True, is_mobile=True).open(server)
    session = canvas.page.context.new_cdp_session(canvas.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        places = [canvas.at(*point) for point in points]
        session.send(
            "Input.dispatchTouchEvent",
            {"type": kind, "touchPoints": [{"x": x, "y": y, "id": i} for i, (x, y) in enumerate(places)]},
        )

    canvas.page.locator("[data-tool=arrow]").tap()
    canvas.page.evaluate("document.querySelector('.t2c-board').scrollIntoView({block: 'center'})")
    touch("touchStart", (0.7, 0.8))
    touch("touchMove", (0.5, 0.8))
    touch("touchMove", (0.4, 0.8))
    touch("touchEnd")
    (arrow,) = canvas.document()["arrows"]
    assert angle(arrow) == pytest.approx(180, abs=1)
    touch("touchStart", (0.45, 0.5), (0.55, 0.5))
    places = [(0.45, 0.5), (0.55, 0.5)]
    width = canvas.page.evaluate("document.querySelector('.t2c-picture').getBoundingClientRect().width")
    for spread in (0.05, 0.1, 0.15):
        start = [canvas.at(x, y) for x, y in places]
        session.send(
            "Input.dispatchTouchEvent",
            {"type": "touchMove", "touchPoints": [
                {"x": start[0][0] - spread * 60, "y": start[0][1], "id": 0},
                {"x": start[1][0] + spread * 60, "y": start[1][1], "id": 1},
            ]},
        )  # fmt: skip
    touch("touchEnd")
    assert canvas.page.evaluate("document.querySelector('.t2c-picture').getBoundingClientRect().width") > 1.2 * width
    assert len(canvas.document()["arrows"]) == 1, "two fingers draw nothing"


def test_a_pen_presses_thin_and_thick_and_its_other_end_erases(canvas: Canvas) -> None:
    script = """([x, y, pressure, buttons, dx]) => {
        const board = document.querySelector('.t2c-board');
        const send = (kind, clientX) => board.dispatchEvent(new PointerEvent(kind, {
            pointerId: 9, pointerType: 'pen', bubbles: true, clientX, clientY: y, pressure, buttons,
            button: kind === 'pointermove' ? -1 : 0,
        }));
        send('pointerdown', x); send('pointermove', x + dx); send('pointerup', x + dx);
    }"""
    x, y = canvas.at(0.3, 0.8)
    canvas.page.evaluate(script, [x, y, 0.1, 1, 150])
    thin = canvas.share()
    canvas.key("Control+z")
    canvas.page.evaluate(script, [x, y, 1.0, 1, 150])
    thick = canvas.share()
    assert thick > 1.8 * thin
    canvas.page.evaluate(script, [x, y, 1.0, 32, 75])
    assert canvas.share() < 0.75 * thick


@pytest.mark.parametrize("side", [512, 1024])
def test_particles_move_within_six_frames_and_wait_for_no_answer(tab: Tab, server: str, side: int) -> None:
    canvas = tab().open(server, side, side, "river flowing left")
    canvas.page.evaluate(COUNT_FRAMES)
    canvas.page.evaluate("fake.delays.solve = 3000")
    canvas.tool("brush")
    for y in (0.6, 0.7, 0.8):
        canvas.drag((0.2, y), (0.8, y))
        canvas.page.wait_for_function("performance.getEntriesByName('t2c:drift').length > 0")
        marked = canvas.page.evaluate("fake.marked")
        assert marked["t2c:drift"] - marked["t2c:release"] <= TENTH
        canvas.page.evaluate("fake.delays.solve = 0")
        canvas.settled()
        canvas.page.evaluate("fake.delays.solve = 3000")
    assert canvas.page.evaluate(DRAWN) > 200, "they are really drawn"


def test_the_solvers_field_replaces_the_guess_and_only_the_latest_counts(canvas: Canvas) -> None:
    canvas.type_motion("river flowing left")
    canvas.page.evaluate("fake.delays.solve = 250; fake.asked.length = 0")
    canvas.tool("brush")
    for y in (0.6, 0.7, 0.8, 0.9):
        canvas.drag((0.2, y), (0.8, y))
    canvas.page.wait_for_selector("[data-field=solved]")
    canvas.settled()
    solves = [one for one in canvas.page.evaluate("fake.asked") if one["what"] == "solve"]
    assert 2 <= len(solves) <= 4
    assert solves[-1]["hints"] == canvas.document()


def test_a_refusal_is_said_and_what_only_lacks_paint_is_not(canvas: Canvas) -> None:
    canvas.tool("arrow")
    canvas.drag((0.2, 0.2), (0.4, 0.2))
    canvas.settled()
    assert not canvas.page.is_visible(".t2c-toast")
    canvas.page.evaluate("fake.refusals.solve = {ok: false, error: 'the motion could not be solved'}")
    canvas.tool("brush")
    canvas.drag((0.2, 0.8), (0.4, 0.8))
    canvas.page.wait_for_selector(".t2c-toast:visible")
    assert canvas.page.inner_text(".t2c-toast") == "The motion could not be solved"


def test_a_small_loop_plays_in_the_pictures_place_until_the_next_change(canvas: Canvas) -> None:
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    canvas.settled()
    canvas.page.click("[aria-label=Preview]")
    canvas.page.wait_for_selector(".t2c-previewing .t2c-preview img")
    asked = canvas.page.evaluate("fake.asked.find((one) => one.what === 'preview')")
    assert asked["hints"] == canvas.document()
    canvas.page.click("[aria-label='Stop the preview']")
    assert canvas.page.locator(".t2c-preview img").count() == 0
    canvas.page.click("[aria-label=Preview]")
    canvas.page.wait_for_selector(".t2c-preview img")
    canvas.key("Control+z")
    canvas.page.wait_for_selector(".t2c-preview img", state="detached")


def test_a_stroke_ends_the_preview_and_draws(canvas: Canvas) -> None:
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    before = canvas.share()
    button = canvas.page.locator(".t2c-top .t2c-worded")
    box, told = button.bounding_box(), "one => [one.title, one.ariaPressed, one.innerText.trim()]"
    assert button.evaluate(told) == ["Play a small loop here", "false", "Preview"]
    button.click()
    canvas.page.wait_for_selector(".t2c-previewing .t2c-preview img")
    assert button.evaluate(told) == ["Stop the preview", "true", "Stop"]
    assert button.bounding_box() == box, "the toolbar stays where it is"
    canvas.drag((0.2, 0.4), (0.8, 0.4))
    assert canvas.page.locator(".t2c-preview img").count() == 0
    assert button.evaluate(told) == ["Play a small loop here", "false", "Preview"]
    assert canvas.share() == pytest.approx(2 * before, rel=0.05)
    button.click()
    canvas.page.wait_for_selector(".t2c-preview img")
    canvas.key("a", "Enter", "Shift+ArrowRight", "Enter")
    assert canvas.page.locator(".t2c-preview img").count() == 0
    assert len(canvas.document()["arrows"]) == 1


def test_pictures_do_not_mix_and_a_reload_keeps_the_work(canvas: Canvas, server: str) -> None:
    canvas.type_motion("river flowing left")
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    first = canvas.document()
    canvas.show(400, 400, "second")
    assert (
        canvas.page.evaluate("document.querySelector('#t2c_document textarea').value") in ("", None)
        or canvas.document()["regions"] == []
    )
    assert canvas.page.get_attribute("[aria-label=Undo]", "disabled") is not None
    canvas.tool("pin")
    canvas.click(0.5, 0.5)
    second = canvas.document()
    assert second["pins"] == [pytest.approx([0.5, 0.5], abs=0.003)]
    canvas.show(key="first")
    assert canvas.document() == first
    canvas.page.reload()
    canvas.page.wait_for_selector(".t2c-board.t2c-without")
    canvas.page.wait_for_function("window.fake !== undefined")
    canvas.show(key="first")
    assert canvas.document() == first
    assert canvas.motion() == "river flowing left"
    canvas.show(400, 400, "second")
    assert canvas.document() == second


def test_two_tabs_do_not_disturb_each_other(canvas: Canvas, server: str) -> None:
    other = Canvas(canvas.page.context.new_page()).open(server)
    canvas.tool("pin")
    canvas.click(0.3, 0.3)
    other.tool("arrow")
    other.drag((0.2, 0.5), (0.6, 0.5))
    assert len(canvas.document()["pins"]) == 1
    assert canvas.document()["arrows"] == []
    assert other.document()["pins"] == []
    other.page.reload()
    other.page.wait_for_function("window.fake !== undefined")
    other.show()
    assert other.document()["pins"] == []
    assert len(other.document()["arrows"]) == 1
    assert other.errors == []


def test_a_document_of_the_pages_is_taken_and_can_be_undone(canvas: Canvas) -> None:
    canvas.tool("pin")
    canvas.click(0.3, 0.3)
    mine = canvas.document()
    canvas.page.evaluate("fake.show({hints: {version: 1, arrows: [{from: [0.1, 0.1], to: [0.4, 0.1]}]}})")
    canvas.page.wait_for_timeout(400)
    assert canvas.document()["arrows"] == [{"from": [0.1, 0.1], "to": [0.4, 0.1]}]
    assert canvas.document()["pins"] == []
    canvas.key("Control+z")
    assert canvas.document() == mine


def test_it_survives_a_page_that_draws_late_again_or_hidden(canvas: Canvas) -> None:
    page = canvas.page
    canvas.tool("pin")
    canvas.click(0.3, 0.3)
    before = canvas.document()
    page.evaluate("for (let i = 0; i < 3; i++) t2c.mount()")
    assert page.locator(".t2c-frame").count() == 1
    page.evaluate(AGAIN)
    page.wait_for_selector(".t2c-board:not(.t2c-without)")
    assert page.locator(".t2c-frame").count() == 1
    canvas.settled()
    assert canvas.document() == before
    canvas.key("Control+z")
    canvas.settled()
    assert canvas.text() == "", "its way back is still there"
    page.evaluate("document.querySelector('.t2c-studio').style.display = 'none'")
    page.evaluate(AGAIN)
    page.wait_for_timeout(400)
    page.evaluate("document.querySelector('.t2c-studio').style.display = ''")
    page.wait_for_function("document.querySelector('.t2c-world').getBoundingClientRect().width > 50")
    canvas.tool("arrow")
    canvas.drag((0.2, 0.5), (0.6, 0.5))
    assert canvas.document()["arrows"][0]["to"] == pytest.approx([0.6, 0.5], abs=0.004)


# beside ours and the page's, the two functions that the WebUI calls by the name of the tab
GLOBALS = {"t2c", "switch_to_cinemagraph", "recalculate_prompts_cinemagraph", "fake"}


def test_one_global_and_no_more(canvas: Canvas, server: str) -> None:
    page = canvas.page.context.new_page()
    page.goto(f"{server}/style.css")
    clean = set(page.evaluate("Object.getOwnPropertyNames(window)"))
    mine = set(canvas.page.evaluate("Object.getOwnPropertyNames(window)"))
    assert {name for name in mine - clean if not name.isdigit()} == GLOBALS


def test_calm_for_those_who_want_no_motion(tab: Tab, server: str) -> None:
    canvas = tab(reduced_motion="reduce").open(server, motion="river flowing left")
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    canvas.settled()
    shot = "document.querySelector('.t2c-drift').toDataURL()"
    first = canvas.page.evaluate(shot)
    canvas.page.wait_for_timeout(200)
    assert canvas.page.evaluate(shot) == first
    assert canvas.page.evaluate(DRAWN) > 200


@pytest.mark.parametrize("colour", ["#1c8fff", "#f4f4f4", "#101010"])
def test_paint_is_seen_on_a_picture_of_its_own_colour(canvas: Canvas, colour: str) -> None:
    canvas.drag((0.2, 0.5), (0.8, 0.5))
    canvas.page.fill(".t2c-colour", colour)
    for wheel in (0, -900):
        canvas.page.mouse.move(*canvas.at(0.3, 0.5))
        canvas.page.keyboard.down("Control")
        canvas.page.mouse.wheel(0, wheel)
        canvas.page.keyboard.up("Control")
        canvas.page.wait_for_timeout(100)
        lights = canvas.page.evaluate(LIGHTS, colour)
        # the outline and a stripe: both a darker and a lighter line beside the picture's own light
        assert lights["edge"] > 3 and lights["inside"] > 1.5, (wheel, lights)


LIGHTS = """(colour) => {
    const paint = document.querySelector('.t2c-paint');
    const canvas = Object.assign(document.createElement('canvas'), {width: paint.width, height: paint.height});
    const context = canvas.getContext('2d', {willReadFrequently: true});
    context.fillStyle = colour;
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.drawImage(paint, 0, 0);
    const linear = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const column = (from, to) => {
        const [top, bottom] = [Math.round(from * canvas.height), Math.round(to * canvas.height)];
        const { data } = context.getImageData(Math.round(0.5 * canvas.width), top, 1, bottom - top);
        return Array.from({length: bottom - top}, (_, y) => [0.2126, 0.7152, 0.0722].reduce(
            (sum, part, i) => sum + part * linear(data[4 * y + i] / 255), 0));
    };
    const ratio = (lights) => (Math.max(...lights) + 0.05) / (Math.min(...lights) + 0.05);
    return { edge: ratio(column(0.4, 0.5)), inside: ratio(column(0.48, 0.52)) };
}"""
"""Contrast along a line over the edge of a painted stroke, and inside of it, on a picture of one colour."""


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_nothing_overflows_or_jumps_and_texts_are_readable(tab: Tab, server: str, dark: bool) -> None:
    canvas = tab(1440, 844).open(server, motion="river flowing left, clouds drifting right")
    if dark:
        canvas.page.evaluate("document.documentElement.classList.add('dark')")
    for width in (1440, 1024, 390):
        canvas.page.set_viewport_size({"width": width, "height": 844})
        canvas.tool("pin")
        canvas.page.wait_for_timeout(200)
        assert canvas.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
        groups = canvas.page.evaluate(MIDDLES)
        assert len(groups) >= 5
        assert all(max(group) - min(group) < 1 for group in groups), groups
        box: dict[str, Any] = canvas.page.locator(".t2c-board").bounding_box()
        canvas.tool("lasso")
        canvas.drag((0.3, 0.6), (0.7, 0.6), (0.7, 0.9))
        assert canvas.page.locator(".t2c-board").bounding_box() == box, "the stage stays where it is"
        contrasts = canvas.page.evaluate(CONTRASTS)
        assert len(contrasts) > 15
        assert {text: ratio for text, ratio in contrasts.items() if ratio < 4.5} == {}


MIDDLES = """[...document.querySelectorAll('.t2c-top .t2c-group, .t2c-region-head')].map((row) => (
    [...row.children].map((one) => one.getBoundingClientRect()).filter((box) => box.height > 0)
        .map((box) => box.top + box.height / 2)))"""
"""Where the middles of the buttons of each row lie."""

CONTRASTS = """(() => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const rgba = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const over = (top, below) => below.map((value, i) => (
        i === 3 ? 255 : (top[i] * top[3] + value * (255 - top[3])) / 255));
    const linear = (value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    const light = (rgb) => [0.2126, 0.7152, 0.0722].reduce((sum, part, i) => sum + part * linear(rgb[i] / 255), 0);
    const ground = (element) => element === null
        ? [255, 255, 255, 255]
        : over(rgba(getComputedStyle(element).backgroundColor), ground(element.parentElement));
    const found = {};
    const kinds = ['button', 'span', 'p', 'output', 'h3', 'select', 'input[type=text]'];
    for (const element of document.querySelectorAll(kinds.map((kind) => `.t2c-frame ${kind}`).join())) {
        if (element.disabled || element.offsetParent === null) continue;
        const below = ground(element);
        const [a, b] = [light(over(rgba(getComputedStyle(element).color), below)), light(below)];
        const name = element.getAttribute('aria-label') ?? element.textContent;
        const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
        found[`${element.tagName} ${name}`] = Number(ratio.toFixed(2));
    }
    return found;
})()"""


def test_a_painted_region_takes_the_name_and_motion_of_one_that_was_only_said(canvas: Canvas) -> None:
    canvas.type_motion("river flowing left")
    canvas.page.click("[aria-label='Add a region']")
    canvas.tool("brush")
    canvas.drag((0.2, 0.8), (0.8, 0.8))
    assert [("mask" in row, row["name"]) for row in canvas.document()["regions"]] == [(False, "river"), (True, "area")]
    canvas.page.locator(".t2c-name").nth(1).fill("river")
    canvas.page.keyboard.press("Enter")
    (region,) = canvas.document()["regions"]
    assert region["mask"] and region["angle"] == 180 and canvas.names() == ["river"]
    canvas.key("Control+z")
    canvas.settled()
    assert canvas.names() == ["river", "area"]
