"""The settings as axes of the host's X/Y/Z plot."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from t2c_ext.settings import Setting
from t2c_ext.webui.options import panel_rows

CHOSEN = "_cinemagraph_axes"
"""The attribute of the processing object that holds the values of its cell in the plot."""


def chosen(processing: Any) -> Mapping[str, object]:
    """The settings that a plot has chosen for these pictures, by name."""
    found: Mapping[str, object] = getattr(processing, CHOSEN, {})
    return found


def add_axes() -> None:
    """Add an axis for each of the panel's settings, where the host has the plot."""
    from modules import scripts

    plots = [data.module for data in scripts.scripts_data if data.module.__name__ == "xyz_grid.py"]
    for plot in plots:
        have = {option.label for option in plot.axis_options}
        plot.axis_options += [
            axis for row in panel_rows() if (axis := axis_of(plot, row)) is not None and axis.label not in have
        ]


def axis_of(plot: Any, row: Setting) -> Any:
    """An axis of the plot, or None for text that has no use there."""
    if row.name == "hints":
        return None
    choices = row.choices or (("True", "False") if row.type is bool else ())
    kind = str if row.type is bool else row.type

    def apply(processing: Any, value: object, values: object) -> None:
        setattr(processing, CHOSEN, {**chosen(processing), row.name: value})

    more = {"choices": lambda: list(choices)} if choices else {}
    return plot.AxisOption(f"[Cinemagraph] {row.label}", kind, apply, **more)
