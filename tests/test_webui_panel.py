"""The panel's widgets and the settings page, with what Gradio 3.41 and 4.40 both have."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("ui", "webui")

BOTH_HAVE = {
    "Accordion": "elem_classes elem_id label open render visible",
    "Blocks": "analytics_enabled css elem_classes elem_id mode render theme title visible",
    "Button": "elem_classes elem_id icon interactive link min_width render scale size value variant visible",
    "Checkbox": "container elem_classes elem_id every info interactive label min_width render scale show_label value "
    "visible",
    "CheckboxGroup": "choices container elem_classes elem_id every info interactive label min_width render scale "
    "show_label type value visible",
    "Column": "elem_classes elem_id min_width render scale variant visible",
    "Dropdown": "allow_custom_value choices container elem_classes elem_id every info interactive label max_choices "
    "min_width multiselect render scale show_label type value visible",
    "File": "container elem_classes elem_id every file_count file_types height interactive label min_width render "
    "scale show_label type value visible",
    "Group": "elem_classes elem_id render visible",
    "HTML": "elem_classes elem_id every label render show_label value visible",
    "Image": "container elem_classes elem_id every height image_mode interactive label min_width mirror_webcam "
    "render scale show_download_button show_label show_share_button streaming type value visible width",
    "Markdown": "elem_classes elem_id latex_delimiters render rtl value visible",
    "Number": "container elem_classes elem_id every info interactive label maximum min_width minimum precision "
    "render scale show_label step value visible",
    "Radio": "choices container elem_classes elem_id every info interactive label min_width render scale "
    "show_label type value visible",
    "Row": "elem_classes elem_id equal_height render variant visible",
    "Slider": "container elem_classes elem_id every info interactive label maximum min_width minimum randomize "
    "render scale show_label step value visible",
    "State": "render value",
    "Tab": "elem_classes elem_id id label render visible",
    "Tabs": "elem_classes elem_id render selected visible",
    "Textbox": "autofocus container elem_classes elem_id every info interactive label lines max_lines min_width "
    "placeholder render rtl scale show_copy_button show_label text_align type value visible",
}
"""The arguments of each component that Gradio 3.41.2 and 4.40.0 both take."""

OF_EVERY_BLOCK = {"elem_classes", "elem_id", "visible", "render"}
NOT_COMPONENTS = {"update", "Warning", "Info", "Error", "Request", "SelectData", "themes", "processing_utils"}


def _calls(text: str) -> Iterator[tuple[str, set[str]]]:
    """Every `gr.Something(...)` of a module, with the names of its arguments."""
    for node in ast.walk(ast.parse(text)):
        function = node.func if isinstance(node, ast.Call) else None
        if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name) and function.value.id == "gr":
            assert isinstance(node, ast.Call)
            yield function.attr, {keyword.arg for keyword in node.keywords if keyword.arg}


@pytest.mark.parametrize("path", [path for room in ROOMS for path in sorted((ROOT / "t2c_ext" / room).glob("*.py"))])
def test_only_what_both_gradios_have_is_used(path: Path) -> None:
    for name, arguments in _calls(path.read_text(encoding="utf-8")):
        if name in NOT_COMPONENTS:
            continue
        assert name in BOTH_HAVE, f"gr.{name} is not known to be in Gradio 3.41 and 4.40"
        known = set(BOTH_HAVE[name].split())
        assert arguments <= known, f"gr.{name}: {sorted(arguments - known)}"


def test_the_table_holds_for_the_gradio_that_is_here() -> None:
    gradio = pytest.importorskip("gradio")
    import inspect

    if not gradio.__version__.startswith(("3.41", "4.40")):
        pytest.skip(f"Gradio {gradio.__version__} is neither of the hosts'")
    for name, words in BOTH_HAVE.items():
        parameters = inspect.signature(getattr(gradio, name).__init__).parameters
        found = set(parameters) | (OF_EVERY_BLOCK if "kwargs" in parameters else set())
        assert set(words.split()) <= found, f"gr.{name}: {sorted(set(words.split()) - found)}"


def test_the_style_touches_only_what_is_ours() -> None:
    from t2c_ext.ui.style import CSS

    files = [path.read_text(encoding="utf-8") for path in [*ROOT.glob("style.css"), *ROOT.glob("javascript/**/*.css")]]
    for text in (CSS, *files):
        for selector in _selectors(text):
            assert selector.startswith((".t2c", "#t2c", ":root.t2c")) or "t2c" in selector.split()[0], selector


def _selectors(css: str) -> Iterator[str]:
    """Every selector of a style sheet, without the frames of animations."""
    import re

    plain = re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)
    plain = re.sub(r"@keyframes\s+[\w-]+\s*\{(?:[^{}]*\{[^{}]*\})*[^{}]*\}", "", plain)
    plain = re.sub(r"@(?:media|supports|container)[^{]*\{", "", plain)
    for block in re.findall(r"([^{}]+)\{[^{}]*\}", plain):
        yield from (part.strip() for part in _split(block) if part.strip())


def _split(block: str) -> list[str]:
    """At the commas that stand outside parentheses."""
    import re

    return re.split(r",(?![^()]*\))", block)


@pytest.fixture
def host(small_host: Any) -> Any:
    """The small host, with its options."""
    return small_host


def test_the_panel_s_ids_are_unique_and_its_order_is_the_script_s(host: Any) -> None:
    gradio = pytest.importorskip("gradio")
    from t2c_ext.webui.options import EVERYDAY, panel_rows
    from t2c_ext.webui.panel import build_panel

    with gradio.Blocks() as blocks:
        made = build_panel("script_txt2img_cinemagraph", {"frames": 12, "format": "gif"})
    assert list(made) == [row.name for row in panel_rows()] and set(EVERYDAY) <= set(made)
    ids = [block.elem_id for block in blocks.blocks.values() if getattr(block, "elem_id", None)]
    assert len(set(ids)) == len(ids) and all(name.startswith("script_txt2img_cinemagraph") for name in ids)
    assert made["frames"].value == 12 and made["format"].value == "gif" and made["speed"].value == 1
    assert made["frames"].do_not_save_to_config and not hasattr(made["speed"], "do_not_save_to_config")


def test_the_user_s_defaults_are_checked(host: Any) -> None:
    from t2c_ext.webui.preferences import defaults, loops_folder

    assert defaults()["frames"] == 60 and loops_folder("beside") == "beside"
    host.opts.data = {"t2c_frames": 24, "t2c_fps": -3, "t2c_format": "exe", "t2c_folder": " elsewhere "}
    assert (defaults()["frames"], defaults()["fps"], defaults()["format"]) == (24, 30, "mp4")
    assert loops_folder("beside") == "elsewhere"
    host.opts.data = {}


def test_places_are_kept_from_the_host_s_api(host: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("gradio")
    from t2c_ext.webui.preferences import add_preferences, option_of, rows_of_the_user

    added: dict[str, Any] = {}

    class Option(SimpleNamespace):
        def __init__(self, default: Any, label: str, *more: Any, restrict_api: bool = False, **named: Any) -> None:
            super().__init__(default=default, label=label, restrict_api=restrict_api)

        def needs_restart(self) -> Any:
            return self

        needs_reload_ui = needs_restart

    monkeypatch.setattr(host, "OptionInfo", Option, raising=False)
    monkeypatch.setattr(host, "hide_dirs", {}, raising=False)
    monkeypatch.setattr(host.opts, "add_option", added.__setitem__, raising=False)
    add_preferences()
    assert set(added) == {
        "t2c_models_path",
        "t2c_folder",
        "t2c_keep_gigabytes",
        *(option_of(row) for row in rows_of_the_user()),
    }
    assert added["t2c_folder"].restrict_api and added["t2c_models_path"].restrict_api
    assert all(option.section == ("t2c", "Cinemagraph") for option in added.values())
