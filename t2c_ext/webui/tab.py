"""The Cinemagraph tab, and the buttons under the galleries that send a picture there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.errors import UserError
from t2c_ext.webui.gallery import UnderGallery
from t2c_ext.wording import PAGE, say

if TYPE_CHECKING:
    from t2c_ext.ui.fields import Fields
    from t2c_ext.ui.layout import Page
    from t2c_ext.ui.studio import Studio

LABEL, NAME = "Cinemagraph", "cinemagraph"

DESTINATIONS = ("txt2img", "img2img", "inpaint", "extras")
"""The host's tabs that the tab's picture can be sent to."""

WITH_PARAMETERS = ("txt2img", "img2img")
"""Those that take the prompt and the settings too."""

PNG_INFO, PNG_INFO_IMAGE, PNG_INFO_TEXT = "extras_tab", "pnginfo_image", "pnginfo_generation_info"
"""The ids of the last of the buttons on the page that reads a picture's parameters, of the picture, and of the text."""


@dataclass
class CinemagraphTab:
    """What the host's callbacks put into its page.

    Attributes:
        under: what stands under the galleries seen so far, by the name of their tab.
        info: the button on the page that reads a picture's parameters, the picture, and the text, by their ids.
    """

    under: dict[str, UnderGallery] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)

    def register(self) -> None:
        """Ask the host to call."""
        from modules import script_callbacks

        script_callbacks.on_after_component(self.after_component, name=NAME)
        script_callbacks.on_ui_tabs(self.build, name=NAME)

    def after_component(self, component: Any, **named: Any) -> None:
        """Put the loops under the galleries of txt2img and img2img, and a button beside the host's own."""
        identity = getattr(component, "elem_id", None) or ""
        if identity in (PNG_INFO_IMAGE, PNG_INFO_TEXT):
            self.info[identity] = component
        elif identity == PNG_INFO and len(self.info) == 2:
            import gradio as gr

            self.info[identity] = gr.Button(f"Send to {LABEL}", elem_id=f"{NAME}_tab")
        for tab in ("txt2img", "img2img"):
            if identity == f"{tab}_gallery":
                self.under[tab] = UnderGallery(tab, _queued())
                self.under[tab].add_loops(component)
            elif tab not in self.under:
                continue
            elif identity == f"{tab}_send_to_extras":
                self.under[tab].add_button()
            elif identity == f"generation_info_{tab}":
                self.under[tab].connect(component)

    def build(self) -> list[tuple[Any, str, str]]:
        """The tab, as the host wants it: blocks, label, id."""
        import gradio as gr

        from t2c_ext.ui.blocks import cinemagraph_page
        from t2c_ext.ui.handlers import Handlers
        from t2c_ext.ui.page import addresses
        from t2c_ext.webui.kept import cinemagraphs_folder

        studio = host_studio(cinemagraphs_folder())
        handlers = Handlers(studio, addresses("file="))
        sending: list[Sending] = []
        with gr.Blocks(analytics_enabled=False) as blocks:
            page = cinemagraph_page(
                handlers,
                "",
                _queued(),
                lambda id, fields, widgets: sending.append(send_row(studio, id, fields, widgets)),
            )
        for component in blocks.blocks.values():
            component.do_not_save_to_config = True  # each cinemagraph begins afresh
        self._bind(page, sending[0])
        return [(blocks, LABEL, NAME)]

    def _bind(self, page: Page, sending: Sending) -> None:
        """The host's own way of sending a picture and its parameters: from a gallery here, and from here to others."""
        from modules import infotext_utils

        from t2c_ext.webui.panel import pasted_in_the_tab

        fields = [(widget, pasted_in_the_tab(name)) for name, widget in page.settings.items()]
        infotext_utils.add_paste_fields(NAME, page.picture, fields)
        bind = infotext_utils.ParamBinding
        bindings = [
            bind(
                paste_button=under.relay,
                tabname=NAME,
                source_text_component=under.text,
                source_image_component=under.gallery,
            )
            for under in self.under.values()
        ]
        if PNG_INFO in self.info:
            text, image = self.info[PNG_INFO_TEXT], self.info[PNG_INFO_IMAGE]
            button = self.info[PNG_INFO]
            bindings.append(
                bind(paste_button=button, tabname=NAME, source_text_component=text, source_image_component=image)
            )
        bindings += [
            bind(
                paste_button=button,
                tabname=tab,
                source_image_component=sending.picture,
                source_text_component=sending.text if tab in WITH_PARAMETERS else None,
            )
            for tab, button in sending.go.items()
        ]
        for binding in bindings:
            infotext_utils.register_paste_params_button(binding)


def _queued() -> bool:
    """Whether the host has Gradio's queue."""
    from modules import shared

    return not getattr(shared.cmd_opts, "no_gradio_queue", False)


def host_studio(folder: Path) -> Studio:
    """The tab's studio: its runs are jobs of the host, in whose progress bar they show and whose buttons stop them.

    Args:
        folder: where the workspaces lie.
    """
    from t2c_ext.ui.studio import Studio
    from t2c_ext.webui.host_twin import glimpse, picture_source, sampled_values, sampling_rows
    from t2c_ext.webui.loops import as_a_job, host_reporter
    from t2c_ext.webui.preferences import keep_bytes

    return Studio(
        folder,
        guard=as_a_job,
        watch=host_reporter,
        maker=picture_source,
        sampling_rows=sampling_rows(),
        sampled=sampled_values,
        lists=True,
        downloads=downloads_models(),
        keep_bytes=keep_bytes,
        glimpse=glimpse,
    )


def downloads_models() -> bool:
    """Whether the tab may have models downloaded: extensions may be installed, or nobody else reaches it.

    The host counts every --server-name as one that others reach, 127.0.0.1 too.
    """
    from modules import shared

    from t2c_ext.ui.hosts import only_here

    given = shared.cmd_opts
    if not getattr(given, "disable_extension_access", False):
        return True
    open_to_others = any(getattr(given, name, None) for name in ("share", "listen", "ngrok"))
    return not open_to_others and only_here(getattr(given, "server_name", None) or "")


@dataclass(frozen=True)
class Sending:
    """What the host needs to send the tab's picture.

    Attributes:
        picture: the component that holds it while it is sent.
        text: the component that holds its parameters.
        go: the buttons, out of sight, that the host listens to, by the tab's name.
    """

    picture: Any
    text: Any
    go: dict[str, Any]


def send_row(studio: Studio, id: Any, fields: Fields, widgets: Sequence[Any]) -> Sending:
    """The buttons that send the picture on the canvas to another tab, with its prompt and all settings.

    The host sends what components of its own page hold: a button in view first puts picture and parameters there, then
    presses the one that the host listens to.

    Args:
        studio: has the picture.
        id: the component with the id of the visitor's workspace.
        fields: of the page.
        widgets: of the settings, in their order.
    """
    import gradio as gr

    from t2c_ext.ui.layout import HIDDEN, PREFIX
    from t2c_ext.ui.scripts import script_option
    from t2c_ext.webui.host_twin import fitting_txt2img, parameters_of

    def take(id: str, *values: Any) -> Any:
        try:
            still = studio.still(id)
            return studio.picture(id), parameters_of(
                studio.asked(id, fields.values(values)), still.infotext, still.size
            )
        except UserError as error:
            raise gr.Error(say(error, PAGE)) from None

    def take_for_txt2img(id: str, *values: Any) -> Any:
        picture, parameters = take(id, *values)
        return picture, fitting_txt2img(parameters)

    with gr.Row(elem_id=f"{PREFIX}_send"):
        look: dict[str, Any] = {"size": "sm", "min_width": 120}  # four in a row, or two and two
        shown = {tab: gr.Button(f"Send to {tab}", elem_id=f"{PREFIX}_to_{tab}", **look) for tab in DESTINATIONS}
    go = {tab: gr.Button(tab, elem_id=f"{PREFIX}_go_{tab}", elem_classes=[HIDDEN]) for tab in DESTINATIONS}
    picture = gr.Image(type="pil", image_mode="RGBA", elem_id=f"{PREFIX}_sent", elem_classes=[HIDDEN])
    text = gr.Textbox(label="Parameters", elem_id=f"{PREFIX}_sent_text", elem_classes=[HIDDEN])
    for tab, button in shown.items():
        press = f"() => {{ gradioApp().querySelector('#{PREFIX}_go_{tab}').click(); return []; }}"
        taken = take_for_txt2img if tab == "txt2img" else take
        button.click(taken, [id, *widgets], [picture, text]).success(None, None, None, **script_option(press))
    return Sending(picture, text, go)
