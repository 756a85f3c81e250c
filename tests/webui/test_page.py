"""The page in a headless browser: the panel by clicks, and its settings back from PNG Info."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from webui.browser import PATIENCE
from webui.requests import PROMPT, SIDE, ask, moves, panel, txt2img
from webui.server import Server

PANEL = "script_txt2img_cinemagraph_cinemagraph"


def _panel(page: Any, name: str) -> Any:
    return page.locator(f"#{PANEL}_{name}")


def _set_up(page: Any) -> None:
    """A small picture, by the page's own fields."""
    page.fill("#txt2img_prompt textarea", PROMPT)
    page.fill("#txt2img_width input[type=number]", str(SIDE))
    page.fill("#txt2img_height input[type=number]", str(SIDE))
    page.fill("#txt2img_steps input[type=number]", "4")


def _generate(page: Any) -> None:
    """Press Generate, and wait for the end: a preview alone is not yet the picture."""
    page.click("#txt2img_generate")
    finished = "() => gradioApp().querySelector('#html_info_txt2img').innerText.length > 0"
    page.wait_for_function(finished, timeout=PATIENCE)


def test_a_tick_and_generate_give_a_picture_and_a_loop(server: Server, page: Any) -> None:
    _set_up(page)
    page.click(f"#{PANEL} > .label-wrap > span:first-child")
    _panel(page, "region").locator("textarea").fill("river")
    _panel(page, "frames").locator("input[type=number]").fill("8")
    before = set((server.data / "outputs").rglob("*.mp4"))
    _generate(page)
    page.wait_for_selector("#txt2img_cinemagraph_loops [data-t2c-id]")  # it comes after the picture
    made = set((server.data / "outputs").rglob("*.mp4")) - before
    log = page.inner_text("#txt2img_results")
    assert ("Saved as" if made else "No loop was made") in log
    assert "--" not in log.replace("---", "")
    for path in made:
        assert moves(path)


def test_png_info_sends_every_setting_back(server: Server, page: Any) -> None:
    values = {
        "frames": 12,
        "fps": 24,
        "speed": 1.5,
        "motion": 'river flowing "left", fast',
        "format": "gif",
        "twin": False,
    }
    values |= {"texture": False, "perspective": 0.25, "region": "river", "show_twin": True}
    (loop,) = ask(server, txt2img(alwayson_scripts=panel(**values))).loops
    page.click("#tabs > .tab-nav button:has-text('PNG Info')")
    page.set_input_files("#pnginfo_image input[type=file]", str(loop.with_suffix(".png")))
    page.wait_for_function("() => gradioApp().querySelector('#tab_pnginfo').innerText.includes('Cinemagraph frames')")
    page.click("#tab_pnginfo button:has-text('Send to txt2img')")
    page.wait_for_function(f"() => gradioApp().querySelector('#{PANEL}_frames input[type=number]').value == '12'")
    assert page.is_checked(f"#{PANEL}-visible-checkbox")
    for name in ("fps", "speed", "perspective"):
        assert float(_panel(page, name).locator("input[type=number]").input_value()) == values[name]
    for name in ("motion", "region"):
        assert _panel(page, name).locator("textarea").input_value() == values[name]
    for name in ("twin", "texture", "show_twin"):
        assert _panel(page, name).locator("input[type=checkbox]").is_checked() == values[name]
    assert _panel(page, "format").locator("input").input_value() == "gif"


def test_the_everyday_fields_are_in_view_and_the_rest_is_not(page: Any, tmp_path: Path) -> None:
    page.click(f"#{PANEL} > .label-wrap > span:first-child")
    page.wait_for_timeout(500)
    for name in ("region", "motion", "twin", "natural_prompt", "frames", "fps", "speed", "format"):
        assert _panel(page, name).is_visible(), name
    for name in ("walls", "blend", "injection"):
        assert not _panel(page, name).is_visible(), name
    page.locator(f"#{PANEL}").screenshot(path=str(tmp_path / "panel.png"))


def test_ids_are_unique(page: Any) -> None:
    # Gradio 3 repeats an HTML component's id on what is inside it
    own = "element => !element.parentElement?.closest(`#${CSS.escape(element.id)}`)"
    every = "[...gradioApp().querySelectorAll('[id]')].filter(element => element.id)"
    ids = page.evaluate(f"() => {every}.filter({own}).map(element => element.id)")
    ours = [name for name in ids if "cinemagraph" in name or name.startswith("t2c")]
    assert ours and len(set(ours)) == len(ours), sorted({name for name in ours if ours.count(name) > 1})


def test_the_settings_page_has_ours(page: Any) -> None:
    page.click("#tabs > .tab-nav button:has-text('Settings')")
    page.click("#settings button:has-text('Cinemagraph')")
    for name in ("t2c_folder", "t2c_models_path", "t2c_format", "t2c_frames", "t2c_fps", "t2c_speed", "t2c_quality"):
        assert page.locator(f"#setting_{name}").is_visible(), name


def test_a_gallery_s_picture_is_sent_to_the_tab(server: Server, page: Any) -> None:
    _set_up(page)
    _generate(page)
    page.click("#txt2img_send_to_cinemagraph")
    page.wait_for_selector("#tab_cinemagraph #t2c_picture img[src]")
    assert page.locator("#tab_cinemagraph").is_visible()
