"""The panel's widgets: the everyday ones in view, the rest under "More"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from t2c_ext.settings import Setting, Value, table
from t2c_ext.types import Stage
from t2c_ext.webui.options import EVERYDAY, panel_rows

HEADINGS = {
    Stage.PROMPT: "Words",
    Stage.TWIN: "Twin",
    Stage.REGION: "Region",
    Stage.MOTION: "Motion",
    Stage.LOOP: "Loop",
}
"""Of the groups under "More"."""

ROWS = (("moves",), ("region", "motion"), ("twin", "natural_prompt"), ("frames", "fps"), ("speed", "format"))
"""The everyday widgets, side by side."""

WORDS = {
    "moves": "The picture that you give, or the one that is made from it.",
    "region": "What moves. Empty: from the prompt.",
    "motion": "Where it goes. Empty: from the prompt.",
    "twin": "Find it in a natural-looking twin.",
    "natural_prompt": "Of the twin. Empty: from the prompt.",
    "speed": "1: a pixel per frame at 512.",
    "format": "Of the loop's file.",
}
"""Short words for what stands side by side, where the prompt is the picture's."""


ELSEWHERE = {"grid": Stage.LOOP}
"""Settings that stand in another stage's group than their own."""

EXAMPLES = {"region": "river, clouds", "motion": "river flowing left"}
"""What stands in an empty field."""


def build_panel(prefix: str, defaults: Mapping[str, Value], is_img2img: bool = True) -> dict[str, Any]:
    """Put the panel into the Gradio blocks that are open.

    Args:
        prefix: of the elements' ids.
        defaults: the user's, by the settings' names.
        is_img2img: whether it stands in img2img.

    Returns:
        The components by the settings' names, in the order of `panel_rows`.
    """
    import gradio as gr
    from modules.ui_components import InputAccordion

    from t2c_ext.ui.widgets import widget

    rows = {row.name: replace(row, default=defaults.get(row.name, row.default)) for row in panel_rows(is_img2img)}
    rows |= {name: replace(rows[name], help=words) for name, words in WORDS.items() if name in rows}
    made: dict[str, Any] = {}
    with InputAccordion(False, label="Cinemagraph", elem_id=prefix) as enabled, gr.Column(elem_classes=["t2c"]):
        made["enabled"] = enabled
        for pair in (tuple(name for name in pair if name in rows) for pair in ROWS):
            with gr.Row(visible=bool(pair), elem_classes=["t2c-pair"]):
                for name in pair:
                    with gr.Column(min_width=160):
                        made[name] = widget(rows[name], prefix, EXAMPLES.get(name, ""))
        with gr.Accordion("More", open=False, elem_id=f"{prefix}_more"):
            for stage, heading in HEADINGS.items():
                group = [row for row in rows.values() if _group_of(row) is stage and row.name not in EVERYDAY]
                with gr.Accordion(heading, open=False, elem_id=f"{prefix}_{stage.value}_group"):
                    made |= {row.name: widget(row, prefix) for row in group}
    for name, component in made.items():
        # the starting value of the user's defaults is the settings page's; and ui-config.json is long enough
        if name in defaults or name not in EVERYDAY:
            component.do_not_save_to_config = True
    return {name: made[name] for name in rows}


def _group_of(row: Setting) -> Stage:
    return ELSEWHERE.get(row.name, row.stage)


def pasted(row: Setting) -> Callable[[Mapping[str, Any]], Any]:
    """From generation parameters to a widget's value: of a cinemagraph's, what they leave out is the default."""

    def value(parameters: Mapping[str, Any]) -> Any:
        ours = "Cinemagraph enabled" in parameters
        return parameters.get(row.infotext, str(row.default)) if ours else None

    return value


def pasted_in_the_tab(name: str) -> str | Callable[[Mapping[str, Any]], Any]:
    """The same for a widget of the tab, by its setting's name: the WebUI's own values have the WebUI's names."""
    from t2c_ext.webui.host_twin import IN_PARAMETERS

    known = {row.name: row for row in table()}
    return IN_PARAMETERS[name] if name in IN_PARAMETERS else pasted(known[name])
