"""The Cinemagraph tab, and the buttons under the galleries that send a picture there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2c_ext.webui.host import on_gpu_thread

LABEL, NAME = "Cinemagraph", "cinemagraph"


@dataclass
class CinemagraphTab:
    """What the host's callbacks put into its page.

    Attributes:
        galleries: the galleries seen so far, by the name of their tab.
        buttons: the buttons below them.
    """

    galleries: dict[str, Any] = field(default_factory=dict)
    buttons: dict[str, Any] = field(default_factory=dict)

    def register(self) -> None:
        """Ask the host to call."""
        from modules import script_callbacks

        script_callbacks.on_after_component(self.after_component, name=NAME)
        script_callbacks.on_ui_tabs(self.build, name=NAME)

    def after_component(self, component: Any, **named: Any) -> None:
        """Remember the galleries of txt2img and img2img, and put a button after their last one."""
        import gradio as gr

        identity = getattr(component, "elem_id", None) or ""
        for tab in ("txt2img", "img2img"):
            if identity == f"{tab}_gallery":
                self.galleries[tab] = component
            elif identity == f"{tab}_send_to_extras":
                self.buttons[tab] = gr.Button(LABEL, elem_id=f"{tab}_send_to_{NAME}", size="sm")

    def build(self) -> list[tuple[Any, str, str]]:
        """The tab, as the host wants it: blocks, label, id."""
        import gradio as gr
        from modules import paths, shared

        from t2c_ext.ui.blocks import cinemagraph_page
        from t2c_ext.ui.handlers import Handlers
        from t2c_ext.ui.page import addresses
        from t2c_ext.ui.studio import Studio
        from t2c_ext.webui.host_twin import HostTwin, sampling_rows

        folder = Path(paths.data_path).resolve() / "outputs" / "cinemagraphs"
        studio = Studio(folder, guard=in_turn, maker=HostTwin, sampling_rows=sampling_rows())
        handlers = Handlers(studio, addresses("file="))
        with gr.Blocks(analytics_enabled=False) as blocks:
            picture = cinemagraph_page(handlers, "", not getattr(shared.cmd_opts, "no_gradio_queue", False))
        self._bind(picture)
        return [(blocks, LABEL, NAME)]

    def _bind(self, picture: Any) -> None:
        """The host's own way of sending a picture from a gallery."""
        from modules import infotext_utils

        infotext_utils.add_paste_fields(NAME, picture, None)
        for tab, button in self.buttons.items():
            if tab in self.galleries:
                infotext_utils.register_paste_params_button(
                    infotext_utils.ParamBinding(
                        paste_button=button, tabname=NAME, source_image_component=self.galleries[tab]
                    )
                )


def in_turn(work: Callable[[], None]) -> None:
    """Run work while the host makes no picture, where the host wants work on the GPU to run; raises what it raises."""
    from modules import shared
    from modules.call_queue import queue_lock

    with queue_lock:
        shared.state.begin(job=NAME)
        try:
            on_gpu_thread(work)
        finally:
            shared.state.end()
