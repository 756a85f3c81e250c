"""An accordion whose box is a value."""

from __future__ import annotations

from typing import Any

import gradio as gr

from gradio.events import Dependency

class InputAccordion(gr.Checkbox):
    """A hidden box and an accordion, as the host makes them."""

    def __init__(self, value: bool, *, label: str, elem_id: str) -> None:
        super().__init__(value, label=label, elem_id=f"{elem_id}-checkbox", visible=False)
        self.accordion = gr.Accordion(label, open=value, elem_id=elem_id)

    def __enter__(self) -> Any:
        self.accordion.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.accordion.__exit__(*error)

    def get_block_name(self) -> str:
        return "checkbox"
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component