"""The settings as axes of the host's X/Y/Z plot, and its grid as a loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from t2c_ext.settings import Setting
from t2c_ext.webui.batch import replace_method
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
    """Add an axis for each of the panel's settings, where the host has the plot."""
    for plot in _plots():
        have = {option.label for option in plot.axis_options}
        plot.axis_options += [
            axis for row in panel_rows() if (axis := axis_of(plot, row)) is not None and axis.label not in have
        ]


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


def animate_grid(processing: Any) -> None:
    """Have the plot that is about to make these pictures write its grid as a loop, too, where its cells ask for it.

    Nothing is left of it once the plot begins to draw, or the host is done with the pictures without that.

    Args:
        processing: the host's processing object, before any processing; nothing happens where no plot is chosen.
    """
    plot = _chosen_plot(processing)
    if plot is None:
        return

    hooks = ExitStack()

    def wrap_draw(draw: Callable[..., Any]) -> Callable[..., Any]:
        def draw_once(drawn_for: Any, *arguments: Any, **named: Any) -> Any:
            if drawn_for is not processing:
                return draw(drawn_for, *arguments, **named)
            hooks.close()  # before the first cell, which gets a copy of `processing`
            return _draw_animated(draw, processing, arguments, named)

        return draw_once

    def wrap_close(close: Callable[[], None]) -> Callable[[], None]:
        def close_undrawn() -> None:
            hooks.close()
            close()

        return close_undrawn

    hooks.callback(replace_method(plot, "draw_xyz_grid", wrap_draw))
    hooks.callback(replace_method(processing, "close", wrap_close))


def _plots() -> list[Any]:
    """The modules of the host's plot: one, or none."""
    from modules import scripts

    return [data.module for data in scripts.scripts_data if data.module.__name__ == "xyz_grid.py"]


def _chosen_plot(processing: Any) -> Any:
    """The module of the plot where it is the script that is chosen for these pictures, else None."""
    runner, arguments = processing.scripts, processing.script_args
    number = arguments[0] if arguments else 0  # of the script in the host's list, in which 0 is none
    if not isinstance(number, int) or not 1 <= number <= len(runner.selectable_scripts):
        return None
    script = runner.selectable_scripts[number - 1]
    return next((plot for plot in _plots() if isinstance(script, plot.Script)), None)


def _draw_animated(draw: Callable[..., Any], processing: Any, arguments: Sequence[Any], named: dict[str, Any]) -> Any:
    """Draw a plot's grid, and then its loop."""
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
