"""A widget for each row of the table of settings; the same for Gradio 3 and later."""

from __future__ import annotations

from typing import Any

import gradio as gr

from t2c_ext.settings import Setting


def widget(row: Setting, prefix: str, example: str = "") -> Any:
    """The component that sets a setting.

    Args:
        row: the setting.
        prefix: put before its name to make the element's id.
        example: stands in an empty field for text.
    """
    common: dict[str, Any] = {"label": row.label, "elem_id": f"{prefix}_{row.name}"}
    if row.type is bool:
        return gr.Checkbox(value=row.default, info=row.help, **common)
    if row.choices:
        return gr.Dropdown(choices=list(row.choices), value=row.default, info=row.help, **common)
    if row.type is str:
        lines = 4 if row.name == "hints" else 1
        return gr.Textbox(value=row.default, placeholder=example, info=row.help, lines=lines, **common)
    if row.minimum is not None and row.maximum is not None and row.maximum < 2**31:
        return gr.Slider(row.minimum, row.maximum, value=row.default, step=row.step, info=row.help, **common)
    return gr.Number(value=row.default, precision=0 if row.type is int else None, info=row.help, **common)
