"""The panel under txt2img and img2img."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modules import scripts

from t2c_ext.console import log
from t2c_ext.errors import UserError
from t2c_ext.webui import parameters
from t2c_ext.webui.absent import why_not
from t2c_ext.webui.axes import CELL, animate_grid, chosen
from t2c_ext.webui.options import STILLS, VIDEOS, panel_rows, read_options
from t2c_ext.webui.panel import build_panel, pasted
from t2c_ext.webui.preferences import defaults

if TYPE_CHECKING:
    from t2c_ext.webui.loops import Shot
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
        made = build_panel(self.elem_id("cinemagraph"), defaults(), is_img2img)
        self.infotext_fields = [(made[row.name], pasted(row)) for row in panel_rows(is_img2img)]
        self.paste_field_names = [row.infotext for row in panel_rows(is_img2img)]
        return list(made.values())

    def setup(self, p: Any, *arguments: Any) -> None:
        """Before any processing, and before a script that is chosen (such as the X/Y/Z plot) runs."""
        try:
            options = read_options(arguments, {}, defaults(), bool(getattr(self, "is_img2img", False)))
        except UserError:
            return  # each picture will say it
        if options.panel.grid:
            animate_grid(p)

    def process(self, p: Any, *arguments: Any) -> None:
        """Before the sampling of all batches."""
        leave(p)
        parameters.renew(p)
        try:
            options = read_options(arguments, chosen(p), defaults(), bool(getattr(self, "is_img2img", False)))
        except UserError as error:
            parameters.refuse(p, str(error))
            return
        if not options.panel.enabled:
            return
        broken = why_not()
        if broken:
            parameters.refuse(p, broken)
            return
        from t2c_ext.webui.run import Run

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
        extras = add_to_gallery(run, processed)
        processed.comments += "".join(f"Cinemagraph: {sentence}\n" for sentence in comments(run))
        # a dict of its own: the processing object's is written into the next pictures' parameters
        processed.extra_generation_params = {**processed.extra_generation_params, **answers(run, paths, extras)}
        tell_the_plot(run, processed)


def leave(processing: Any) -> None:
    """Undo everything that was done to a processing object."""
    run = getattr(processing, RUN, None)
    if run is not None:
        run.release()
        delattr(processing, RUN)


def comments(run: Run) -> list[str]:
    """What stands below the gallery; what the loops' own places say stands there."""
    saved = [f"saved as {shot.loop.name}" for shot in run.shots if shot.loop is not None]
    return [*saved, *(note for note in run.notes if run.options.by_request or note not in run.told_of_loops)]


def tell_of_loops(run: Run, processed: Any) -> None:
    """Say in the console and in each picture's parameters what became of its loop.

    A plot keeps nothing else of the cells after its first.
    """
    for note in run.notes:
        log(f"Cinemagraph: {note}")
    shots = run.shot_of
    for place, infotext in enumerate(processed.infotexts):
        shot = shots.get(max(place - processed.index_of_first_image, 0))  # a grid stands for its first picture
        if shot is not None:
            named = (parameters.FILE, shot.loop.name) if shot.loop else (parameters.NOTES, "; ".join(run.notes))
            processed.infotexts[place] = parameters.extended(infotext, *named)


def tell_the_plot(run: Run, processed: Any) -> None:
    """Leave the first picture's loop to an X/Y/Z plot, in whose grid it is to move."""
    shot = run.shot_of.get(0)
    if run.options.panel.grid and shot is not None and shot.loop is not None:
        from t2c_ext.webui.plot import Cell

        setattr(processed, CELL, Cell(shot.loop, shot.frames, shot.id, run.options.recipe.loop))


def add_to_gallery(run: Run, processed: Any) -> list[Shot]:
    """Put the twins at the end of the gallery where asked, and on the page what of the loops it can play.

    Returns:
        Whose picture each of them is, in their order.
    """
    twins = [(shot, shot.natural) for shot in run.shots if shot.natural is not None and run.options.panel.show_twin]
    loops = [] if run.options.by_request else [(shot, playing(shot)) for shot in run.shots if is_played(shot.loop)]
    for shot, picture in (*twins, *loops):
        processed.images.append(picture)
        processed.infotexts.append(shot.infotext)
    return [shot for shot, _ in (*twins, *loops)]


def is_played(loop: Path | None) -> bool:
    """Whether the host's gallery plays a loop, which it takes for a picture."""
    return loop is not None and loop.suffix in (".gif", ".webp")


def playing(shot: Shot) -> Any:
    """A picture that the host's gallery shows by the loop's file."""
    picture = shot.art.copy()
    picture.already_saved_as = str(shot.loop)
    return picture


def answers(run: Run, paths: list[str], extras: Sequence[Shot] = ()) -> dict[str, Any]:
    """What an API's client finds in `info`: the loops, and sentences.

    Args:
        run: the generation.
        paths: of the loops.
        extras: whose pictures stand at the end of the gallery.
    """
    found: dict[str, Any] = {parameters.NOTES: list(run.notes)} if run.notes else {}
    if any(shot.id for shot in run.shots):
        of = [*(run.shot_of.get(number) for number in range(run.pictures)), *extras]
        found[parameters.IDS] = ["" if shot is None else shot.id for shot in of]
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
