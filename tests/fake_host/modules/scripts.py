"""The base of scripts, and those that are loaded."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

AlwaysVisible = object()


class Script:
    """What a script derives from."""

    def elem_id(self, name: str) -> str:
        return f"script_txt2img_{name}"


class AxisOption:
    """An axis of the X/Y/Z plot."""

    def __init__(self, label: str, type: type, apply: Any, choices: Any = None) -> None:
        self.label, self.type, self.apply, self.choices = label, type, apply, choices


class PlotScript(Script):
    """The script that draws the plot."""

    def run(self, processing: Any, **named: Any) -> Any:
        return plot.draw_xyz_grid(processing, **named)


def draw_xyz_grid(processing: Any, **named: Any) -> Any:
    """Makes the cells of a plot and draws its grid; here, of a single cell."""
    return named["cell"](0, 0, 0, 0, 0, 0)


plot = SimpleNamespace(
    __name__="xyz_grid.py",
    AxisOption=AxisOption,
    Script=PlotScript,
    axis_options=[],
    draw_xyz_grid=draw_xyz_grid,
)
scripts_data = [SimpleNamespace(module=plot)]
