"""The settings as axes of the host's X/Y/Z plot, and its grid as a loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from t2c_ext.settings import Setting
from t2c_ext.webui.options import panel_rows

if TYPE_CHECKING:
    from t2c_ext.webui.plot import Cell

CHOSEN = "_cinemagraph_axes"
"""The attribute of the processing object that holds the values of its cell in the plot."""

CELL = "_cinemagraph_cell"
"""The attribute of what the host has made that holds the `Cell` of its first picture."""

Place = tuple[int, int, int]
"""Of a cell: in X, Y and Z, from 0."""


def chosen(processing: Any) -> Mapping[str, object]:
    """The settings that a plot has chosen for these pictures, by name."""
    found: Mapping[str, object] = getattr(processing, CHOSEN, {})
    return found


def add_axes() -> None:
    """Add an axis for each of the panel's settings, where the host has the plot, and have its grid move."""
    from modules import scripts

    plots = [data.module for data in scripts.scripts_data if data.module.__name__ == "xyz_grid.py"]
    for plot in plots:
        have = {option.label for option in plot.axis_options}
        plot.axis_options += [
            axis for row in panel_rows() if (axis := axis_of(plot, row)) is not None and axis.label not in have
        ]
        animate_grids(plot)


def axis_of(plot: Any, row: Setting) -> Any:
    """An axis of the plot, or None for text that has no use there."""
    if row.name in ("hints", "grid"):
        return None
    choices = row.choices or (("True", "False") if row.type is bool else ())
    kind = str if row.type is bool else row.type

    def apply(processing: Any, value: object, values: object) -> None:
        setattr(processing, CHOSEN, {**chosen(processing), row.name: value})

    more = {"choices": lambda: list(choices)} if choices else {}
    return plot.AxisOption(f"[Cinemagraph] {row.label}", kind, apply, **more)


def animate_grids(plot: Any) -> None:
    """Have a plot write its grid as a loop, too, where its cells ask for it.

    Args:
        plot: the module of the host's script.
    """
    if plot.draw_xyz_grid.__module__ != __name__:
        plot.draw_xyz_grid = _animated(plot.draw_xyz_grid)


def _animated(draw: Callable[..., Any]) -> Callable[..., Any]:
    def drawn(processing: Any, *arguments: Any, **named: Any) -> Any:
        cells: dict[Place, Cell] = {}
        sample = named["cell"]

        def kept(*values_and_place: Any) -> Any:
            found = sample(*values_and_place)
            cell = getattr(found, CELL, None)
            if cell is not None:
                x, y, z = values_and_place[3:]
                cells[x, y, z] = cell
            return found

        processed = draw(processing, *arguments, **{**named, "cell": kept})
        if cells:
            from t2c_ext.webui.plot import finish_grid

            counts = len(named["xs"]), len(named["ys"]), len(named["zs"])
            margin = named["margin_size"] if named["draw_legend"] else 0
            finish_grid(processing, processed, cells, counts, margin)
        return processed

    return drawn
