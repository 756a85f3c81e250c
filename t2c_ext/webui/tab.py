"""The Cinemagraph tab, and the buttons under the galleries that send a picture there."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError

if TYPE_CHECKING:
    from t2c_ext.ui.studio import Studio

LABEL, NAME = "Cinemagraph", "cinemagraph"

DESTINATIONS = ("img2img", "inpaint", "extras")
"""The host's tabs that the tab's picture can be sent to."""


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

        studio = host_studio(Path(paths.data_path).resolve() / "outputs" / "cinemagraphs")
        handlers = Handlers(studio, addresses("file="))
        sending: list[Sending] = []
        with gr.Blocks(analytics_enabled=False) as blocks:
            queued = not getattr(shared.cmd_opts, "no_gradio_queue", False)
            page = cinemagraph_page(handlers, "", queued, lambda id: sending.append(send_row(studio, id)))
        self._bind(page.picture, sending[0])
        return [(blocks, LABEL, NAME)]

    def _bind(self, picture: Any, sending: Sending) -> None:
        """The host's own way of sending a picture: from a gallery here, and from here to another tab."""
        from modules import infotext_utils

        infotext_utils.add_paste_fields(NAME, picture, None)
        bindings = [
            (button, NAME, self.galleries[tab]) for tab, button in self.buttons.items() if tab in self.galleries
        ]
        bindings += [(button, tab, sending.picture) for tab, button in sending.go.items()]
        for button, tab, source in bindings:
            infotext_utils.register_paste_params_button(
                infotext_utils.ParamBinding(paste_button=button, tabname=tab, source_image_component=source)
            )


def host_studio(folder: Path) -> Studio:
    """The tab's studio: its runs are jobs of the host, in whose progress bar they show and whose buttons stop them.

    Args:
        folder: where the workspaces lie.
    """
    from t2c_ext.ui.studio import Studio
    from t2c_ext.webui.host_twin import glimpse, picture_source, sampling_rows
    from t2c_ext.webui.loops import as_a_job, host_reporter

    return Studio(
        folder,
        guard=as_a_job,
        watch=host_reporter,
        maker=picture_source,
        sampling_rows=sampling_rows(),
        glimpse=glimpse,
    )


@dataclass(frozen=True)
class Sending:
    """What the host needs to send the tab's picture.

    Attributes:
        picture: the component that holds it while it is sent.
        go: the buttons, out of sight, that the host listens to, by the tab's name.
    """

    picture: Any
    go: dict[str, Any]


def send_row(studio: Studio, id: Any) -> Sending:
    """The buttons that send the picture on the canvas to another tab.

    The host sends what a component of its own page holds: a button in view first puts the picture there, then presses
    the one that the host listens to.

    Args:
        studio: has the picture.
        id: the component with the id of the visitor's workspace.
    """
    import gradio as gr

    from t2c_ext.ui.layout import HIDDEN, PREFIX
    from t2c_ext.ui.scripts import script_option

    def take(id: str) -> Any:
        try:
            return studio.picture(id)
        except UserError as error:
            raise gr.Error(str(error)) from None

    with gr.Row(elem_id=f"{PREFIX}_send"):
        shown = {tab: gr.Button(f"Send to {tab}", elem_id=f"{PREFIX}_to_{tab}", size="sm") for tab in DESTINATIONS}
    go = {tab: gr.Button(tab, elem_id=f"{PREFIX}_go_{tab}", elem_classes=[HIDDEN]) for tab in DESTINATIONS}
    picture = gr.Image(type="pil", image_mode="RGBA", elem_id=f"{PREFIX}_sent", elem_classes=[HIDDEN])
    for tab, button in shown.items():
        press = f"() => {{ gradioApp().querySelector('#{PREFIX}_go_{tab}').click(); return []; }}"
        button.click(take, [id], picture).success(None, None, None, **script_option(press))
    return Sending(picture, go)
