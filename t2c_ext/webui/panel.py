"""The panel's widgets: the everyday ones in view, the rest under "More"."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from t2c_ext.settings import Setting, Value
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

ROWS = (("region", "motion"), ("twin", "natural_prompt"), ("frames", "fps"), ("speed", "format"))
"""The everyday widgets, side by side."""

WORDS = {
    "region": "river, clouds (or from the prompt)",
    "motion": "flowing left (or from the prompt)",
    "natural_prompt": "from the prompt",
    "speed": "1: a pixel per frame at 512.",
    "format": "Of the loop's file.",
}
"""Short words for what stands side by side, where the prompt is the picture's."""


def build_panel(prefix: str, defaults: Mapping[str, Value]) -> dict[str, Any]:
    """Put the panel into the Gradio blocks that are open.

    Args:
        prefix: of the elements' ids.
        defaults: the user's, by the settings' names.

    Returns:
        The components by the settings' names, in the order of `panel_rows`.
    """
    import gradio as gr
    from modules.ui_components import InputAccordion

    from t2c_ext.ui.widgets import widget

    rows = {row.name: replace(row, default=defaults.get(row.name, row.default)) for row in panel_rows()}
    rows |= {name: replace(rows[name], help=words) for name, words in WORDS.items()}
    made: dict[str, Any] = {}
    with InputAccordion(False, label="Cinemagraph", elem_id=prefix) as enabled, gr.Column(elem_classes=["t2c"]):
        made["enabled"] = enabled
        for pair in ROWS:
            with gr.Row():
                made |= {name: widget(rows[name], prefix) for name in pair}
        with gr.Accordion("More", open=False, elem_id=f"{prefix}_more"):
            for stage, heading in HEADINGS.items():
                group = [row for row in rows.values() if row.stage is stage and row.name not in EVERYDAY]
                with gr.Accordion(heading, open=False, elem_id=f"{prefix}_{stage.value}_group"):
                    made |= {row.name: widget(row, prefix) for row in group}
    for name in defaults:  # their starting value is the settings page's, not what ui-config.json once saw
        made[name].do_not_save_to_config = True
    return {name: made[name] for name in rows}


def pasted(row: Setting) -> Callable[[Mapping[str, Any]], Any]:
    """From generation parameters to a widget's value: of a cinemagraph's, what they leave out is the default."""

    def value(parameters: Mapping[str, Any]) -> Any:
        ours = "Cinemagraph enabled" in parameters
        return parameters.get(row.infotext, str(row.default)) if ours else None

    return value
