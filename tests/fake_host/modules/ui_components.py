"""An accordion whose box is a value."""

from __future__ import annotations

from typing import Any

import gradio as gr


class InputAccordion:
    """A hidden box and an accordion; the host's own is a component, and Gradio writes files beside those it meets."""

    def __init__(self, value: bool, *, label: str, elem_id: str) -> None:
        self.value = value
        self.box = gr.Checkbox(value, label=label, elem_id=f"{elem_id}-checkbox", visible=False)
        self.accordion = gr.Accordion(label, open=value, elem_id=elem_id)

    def __enter__(self) -> Any:
        self.accordion.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.accordion.__exit__(*error)
