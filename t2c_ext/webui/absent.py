"""What stands in the panel's place where a package that the extension needs is missing or broken."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def script_without(error: ImportError) -> Any:
    """A script for the host that makes no cinemagraphs, and says why.

    Args:
        error: what importing the extension raised.
    """
    from modules import scripts

    reason = (
        f"Cinemagraph does not work yet: {error}. Its installer runs when the WebUI starts; start it again with a "
        "network, and read what the console says."
    )
    print(f"Text2Cinemagraph: {reason}")

    class Absent(scripts.Script):  # type: ignore[misc]
        """Always visible; does nothing but say so."""

        def title(self) -> str:
            """Its name in the API's `alwayson_scripts`."""
            return "Cinemagraph"

        def show(self, is_img2img: bool) -> Any:
            """In both tabs."""
            return scripts.AlwaysVisible

        def ui(self, is_img2img: bool) -> list[Any]:
            """The sentence."""
            import gradio as gr
            from modules.ui_components import InputAccordion

            with InputAccordion(False, label="Cinemagraph", elem_id=self.elem_id("cinemagraph")) as enabled:
                gr.Markdown(reason)
            return [enabled]

        def process(self, p: Any, *arguments: Any) -> None:
            """The pictures come without loops; whoever asked for some is told."""
            first = arguments[0] if arguments else False
            if first.get("enabled") if isinstance(first, Mapping) else first:
                p.comment(reason)
                p.extra_generation_params["Cinemagraph error"] = reason

    return Absent
