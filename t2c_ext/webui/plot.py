"""The host's X/Y/Z plot as one loop: the still grid that it draws, with every cell's loop in its cell's place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.media.mosaic import Tile, write_mosaic
from t2c_ext.media.pictures import to_picture
from t2c_ext.progress import Reporter
from t2c_ext.service import FOLDER
from t2c_ext.types import Loop
from t2c_ext.webui import parameters
from t2c_ext.webui.axes import Place
from t2c_ext.webui.kept import recall, remember, workspace_of
from t2c_ext.webui.loops import Shot, host_reporter, loop_jobs
from t2c_ext.webui.saving import keep, unfinished

if TYPE_CHECKING:
    from t2c_ext.settings import LoopSettings


@dataclass(frozen=True)
class Cell:
    """The loop of a cell's first picture.

    Attributes:
        loop: its file, or its folder of frames.
        frames: how many it has.
        id: of its workspace.
        settings: what the panel asked of it.
    """

    loop: Path
    frames: int
    id: str
    settings: LoopSettings


@dataclass(frozen=True)
class Lattice:
    """One level of a grid as the host draws it: what is beside the cells lies left of them and above.

    Attributes:
        size: (width, height) of the whole.
        cell: (width, height) of the largest; the others lie in the middle of their places.
        columns, rows: how many there are.
        margin: pixels between two of them.
    """

    size: tuple[int, int]
    cell: tuple[int, int]
    columns: int
    rows: int
    margin: int = 0

    def corner(self, column: int, row: int, size: tuple[int, int]) -> tuple[int, int]:
        """(left, top) of a picture of that size in its place."""
        counts, places = (self.columns, self.rows), (column, row)
        left, top = (
            whole - count * cell - (count - 1) * self.margin + place * (cell + self.margin) + (cell - own) // 2
            for whole, count, cell, place, own in zip(self.size, counts, self.cell, places, size, strict=True)
        )
        return left, top


def tiles_of(images: Sequence[Any], cells: Mapping[Place, Cell], counts: Place, margin: int) -> list[Tile]:
    """Where the loops lie in the whole grid.

    Args:
        images: the plot's PIL pictures: the whole grid, the grid of each Z, then the cells, X fastest.
        cells: those that have loops.
        counts: of X, Y and Z.
        margin: pixels between the cells of a Z.
    """
    columns, rows, layers = counts
    whole, grids, pictures = images[0], images[1 : 1 + layers], images[1 + layers :]
    above = Lattice(whole.size, _largest(grids), layers, 1)

    def tiles() -> Iterator[Tile]:
        for (x, y, z), cell in cells.items():
            first = z * columns * rows
            own, grid = pictures[first + y * columns + x].size, grids[z]
            inner = Lattice(grid.size, _largest(pictures[first : first + columns * rows]), columns, rows, margin)
            (left, top), (far, deep) = above.corner(z, 0, grid.size), inner.corner(x, y, own)
            yield Tile(cell.loop, cell.frames, left + far, top + deep, own)

    return list(tiles())


def _largest(pictures: Sequence[Any]) -> tuple[int, int]:
    return max(picture.size[0] for picture in pictures), max(picture.size[1] for picture in pictures)


def finish_grid(processing: Any, processed: Any, cells: Mapping[Place, Cell], counts: Place, margin: int) -> None:
    """Write a plot's loop, and tell of it under the gallery; a failure is told there, for the pictures are made.

    Args:
        processing: the host's processing object.
        processed: what the plot has made; only its words are changed.
        cells: those that have loops, at least one.
        counts: of X, Y and Z.
        margin: pixels between the cells of a Z.
    """
    from modules import errors

    first = next(iter(cells.values()))
    try:
        tiles = tiles_of(processed.images, cells, counts, margin)
        with loop_jobs(1) as state:
            path = write_grid(processing, processed, tiles, first.settings, host_reporter())
            state.nextjob()
        folder = workspace_of(first.id)
        kept = None if folder is None else recall(folder)
        if folder is not None and kept is not None:
            remember(folder, replace(kept, grid=str(path)))
        told = {**processed.extra_generation_params, parameters.GRID: str(path)}
        processed.extra_generation_params = told
        note = f"the moving grid is saved as {path.name}"
    except Cancelled:
        note = "the moving grid was stopped"
    except UserError as error:
        note = f"there is no moving grid: {error}"
    except Exception as error:  # nothing of it may reach the host
        errors.report("Cinemagraph: a grid's loop failed", exc_info=True)
        note = f"there is no moving grid: {type(error).__name__}: {error} (the console says more)"
    processed.comments += f"Cinemagraph: {note}\n"


def write_grid(
    processing: Any, processed: Any, tiles: Sequence[Tile], settings: LoopSettings, reporter: Reporter
) -> Path:
    """Write the whole grid as a loop, where the host puts grids; the loop's place.

    Args:
        processing: the host's processing object.
        processed: what it has made; its first picture is the whole grid.
        tiles: the loops in it.
        settings: of the cells' loops.
        reporter: progress and cancellation.

    Raises:
        UserError: it cannot be written.
        Cancelled: the user stopped it.
    """
    still = processed.images[0].convert("RGB")
    at = copy(processing)
    at.outpath_samples = processing.outpath_grids
    with unfinished(at) as place:
        output = place / ("grid" if settings.format == FOLDER else f"grid.{settings.format}")
        written = write_mosaic(
            output, np.asarray(still), tiles, fps=settings.fps, quality=settings.quality, reporter=reporter
        )
        shot = Shot(still, processed.prompt, int(processed.seed))
        count = max(tile.frames for tile in tiles)
        return keep(at, shot, Loop(written.path, None, count), to_picture(still)).resolve()
