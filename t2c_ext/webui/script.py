"""The panel under txt2img and img2img."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import scripts

from t2c_ext.errors import UserError
from t2c_ext.ui.widgets import widgets
from t2c_ext.webui.options import panel_rows, read_options
from t2c_ext.webui.run import Run

RUN = "_cinemagraph_run"
"""The attribute of the processing object that holds its `Run`."""


class CinemagraphScript(scripts.Script):
    """Always visible, collapsed; does nothing until it is enabled."""

    def title(self) -> str:
        """Its name in the API's `alwayson_scripts`."""
        return "Cinemagraph"

    def show(self, is_img2img: bool) -> Any:
        """In both tabs."""
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """The widgets, in the order of `panel_rows`."""
        prefix = self.elem_id("cinemagraph")
        with gr.Accordion("Cinemagraph", open=False, elem_id=prefix):
            made = widgets(panel_rows(), prefix)
        self.infotext_fields = [(made[row.name], row.infotext) for row in panel_rows()]
        self.paste_field_names = [row.infotext for row in panel_rows()]
        return list(made.values())

    def process(self, p: Any, *arguments: Any) -> None:
        """Before the sampling of all batches."""
        leave(p)
        try:
            options = read_options(arguments)
        except UserError as error:
            p.comment(str(error))
            return
        if not options.panel.enabled:
            return
        run = Run(options)
        setattr(p, RUN, run)
        if options.recipe.twin.twin:
            try:
                run.pair(p)
            except UserError as error:
                p.comment(f"Cinemagraph: {error}")
        p.extra_generation_params.update(options.infotext())

    def postprocess_batch_list(self, p: Any, pp: Any, *arguments: Any, **named: Any) -> None:
        """The twins leave the batch."""
        run = getattr(p, RUN, None)
        if run is not None and run.before is not None:
            pp.images = run.take_twins(pp.images)

    def postprocess_image_after_composite(self, p: Any, pp: Any, *arguments: Any) -> None:
        """A picture is finished."""
        run = getattr(p, RUN, None)
        if run is not None:
            run.add(p, pp.image)

    def postprocess(self, p: Any, processed: Any, *arguments: Any) -> None:
        """All pictures are made: now their loops."""
        run = getattr(p, RUN, None)
        if run is None:
            return
        leave(p)
        for name in ("all_prompts", "all_negative_prompts", "all_seeds", "all_subseeds"):
            setattr(processed, name, getattr(p, name))
        for shot, infotext in zip(run.shots, processed.infotexts[processed.index_of_first_image :], strict=False):
            shot.infotext = infotext
        notes: list[str] = []
        paths = run.make_loops(p, notes.append)
        processed.comments += "".join(f"{note}\n" for note in dict.fromkeys(notes))
        if paths:
            processed.extra_generation_params["Cinemagraph files"] = paths


def leave(processing: Any) -> None:
    """Undo everything that was done to a processing object."""
    run = getattr(processing, RUN, None)
    if run is not None:
        run.release(processing)
        delattr(processing, RUN)
