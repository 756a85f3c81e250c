"""The panel under txt2img and img2img."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from modules import scripts

from t2c_ext.console import log
from t2c_ext.errors import UserError
from t2c_ext.webui import parameters
from t2c_ext.webui.axes import chosen
from t2c_ext.webui.options import STILLS, VIDEOS, panel_rows, read_options
from t2c_ext.webui.panel import build_panel, pasted
from t2c_ext.webui.preferences import defaults
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
        made = build_panel(self.elem_id("cinemagraph"), defaults())
        self.infotext_fields = [(made[row.name], pasted(row)) for row in panel_rows()]
        self.paste_field_names = [row.infotext for row in panel_rows()]
        return list(made.values())

    def process(self, p: Any, *arguments: Any) -> None:
        """Before the sampling of all batches."""
        leave(p)
        parameters.renew(p)
        try:
            options = read_options(arguments, chosen(p), defaults())
        except UserError as error:
            parameters.refuse(p, str(error))
            return
        if not options.panel.enabled:
            return
        setattr(p, RUN, Run(options))
        p.extra_generation_params.update(options.infotext())

    def process_batch(self, p: Any, *arguments: Any, **named: Any) -> None:
        """Before the sampling of a batch."""
        run = getattr(p, RUN, None)
        if run is not None:
            run.follow(p)

    def postprocess_image_after_composite(self, p: Any, pp: Any, *arguments: Any) -> None:
        """A picture is finished."""
        run = getattr(p, RUN, None)
        if run is not None:
            run.add(p, pp.image)

    def postprocess(self, p: Any, processed: Any, *arguments: Any) -> None:
        """All pictures are made: now their loops."""
        run: Run | None = getattr(p, RUN, None)
        if run is None:
            return
        leave(p)
        infotexts = processed.infotexts[processed.index_of_first_image :]
        for shot in run.shots:
            shot.infotext = infotexts[shot.number] if shot.number < len(infotexts) else processed.info
        paths = run.make_loops(p)
        tell_of_loops(run, processed)
        if run.options.panel.show_twin:
            show_twins(run, processed)
        processed.comments += "".join(f"Cinemagraph: {note}\n" for note in run.notes)
        # a dict of its own: the processing object's is written into the next pictures' parameters
        processed.extra_generation_params = {**processed.extra_generation_params, **answers(run, paths)}


def leave(processing: Any) -> None:
    """Undo everything that was done to a processing object."""
    run = getattr(processing, RUN, None)
    if run is not None:
        run.release()
        delattr(processing, RUN)


def tell_of_loops(run: Run, processed: Any) -> None:
    """Say in the console and in each picture's parameters what became of its loop.

    A plot keeps nothing else of the cells after its first.
    """
    for note in run.notes:
        log(f"Cinemagraph: {note}")
    shots = {shot.number: shot for shot in run.shots}
    for place, infotext in enumerate(processed.infotexts):
        shot = shots.get(max(place - processed.index_of_first_image, 0))  # a grid stands for its first picture
        if shot is not None:
            named = (parameters.FILE, shot.loop.name) if shot.loop else (parameters.NOTES, "; ".join(run.notes))
            processed.infotexts[place] = parameters.extended(infotext, *named)


def show_twins(run: Run, processed: Any) -> None:
    """Put the twins at the end of the gallery."""
    for shot in run.shots:
        if shot.natural is not None:
            processed.images.append(shot.natural)
            processed.infotexts.append(shot.infotext)


def answers(run: Run, paths: list[str]) -> dict[str, Any]:
    """What an API's client finds in `info`: the loops, and sentences."""
    found: dict[str, Any] = {parameters.NOTES: list(run.notes)} if run.notes else {}
    if paths:
        found[parameters.FILES] = paths
    loops = [Path(path) for path in paths]
    if run.options.send in VIDEOS:
        found["Cinemagraph videos"] = encoded_files(loops)
    if run.options.send in STILLS:
        found["Cinemagraph stills"] = encoded_files([loop.with_suffix(".png") for loop in loops])
    return found


def encoded_files(files: Iterable[Path]) -> list[str]:
    """The files that are there as base64; a folder of frames is none."""
    return [base64.b64encode(file.read_bytes()).decode("ascii") for file in files if file.is_file()]
