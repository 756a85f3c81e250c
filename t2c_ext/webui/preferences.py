"""The extension's page in the host's settings."""

from __future__ import annotations

from typing import Any

from t2c_ext.settings import Setting, Value
from t2c_ext.webui.options import panel_rows

SECTION = ("t2c", "Cinemagraph")
CATEGORY = "postprocessing"
"""The host's category under which the page stands."""

MODELS_PATH, FOLDER, KEEP = "t2c_models_path", "t2c_folder", "t2c_keep_gigabytes"

USUAL_KEEP = 10
"""Gigabytes of workspaces that are kept."""

OF_THE_USER = ("format", "frames", "fps", "speed", "quality")
"""Settings whose default is the user's."""


def option_of(row: Setting) -> str:
    """The name of the host's option that holds a setting's default."""
    return f"t2c_{row.name}"


def rows_of_the_user() -> list[Setting]:
    """The settings whose default is the user's."""
    return [row for row in panel_rows() if row.name in OF_THE_USER]


def defaults() -> dict[str, Value]:
    """The user's defaults, by the settings' names; what is out of range counts as unset."""
    from modules import shared

    found: dict[str, Value] = {}
    for row in rows_of_the_user():
        value = shared.opts.data.get(option_of(row), row.default)
        try:
            found[row.name] = row.check(value)
        except ValueError:
            found[row.name] = row.default
    return found


def loops_folder(beside: str) -> str:
    """Where loops go.

    Args:
        beside: the folder of the pictures, where the user names none.
    """
    from modules import shared

    return str(shared.opts.data.get(FOLDER) or "").strip() or beside


def keep_bytes() -> int:
    """How much of the workspaces is kept, in bytes; 0: all."""
    from modules import shared

    try:
        return int(max(0.0, float(shared.opts.data.get(KEEP, USUAL_KEEP))) * 1e9)
    except (TypeError, ValueError):
        return int(USUAL_KEEP * 1e9)


def add_preferences() -> None:
    """Add the page; places on this machine can be neither read nor written through the host's API."""
    import gradio as gr
    from modules import shared

    places = {
        MODELS_PATH: shared.OptionInfo(
            "",
            "Folder with segmentation and motion models",
            component_args=shared.hide_dirs,
            restrict_api=True,
        ).needs_restart(),
        FOLDER: shared.OptionInfo(
            "",
            "Folder for loops (empty: beside the pictures)",
            component_args=shared.hide_dirs,
            restrict_api=True,
        ),
    }
    room = {"minimum": 0, "maximum": 200, "step": 1}
    kept = "Workspaces that are kept, in GB; the oldest go first, never one that is open or changed by hand (0: all)"
    places[KEEP] = shared.OptionInfo(USUAL_KEEP, kept, gr.Slider, room)
    values = {option_of(row): _option(shared, gr, row) for row in rows_of_the_user()}
    for name, option in (places | values).items():
        option.section, option.category_id = SECTION, CATEGORY
        shared.opts.add_option(name, option)


def _option(shared: Any, gr: Any, row: Setting) -> Any:
    label = f"Default: {row.label}"
    if row.choices:
        found = shared.OptionInfo(row.default, label, gr.Radio, {"choices": list(row.choices)})
    else:
        bounds = {"minimum": row.minimum, "maximum": row.maximum, "step": row.step}
        found = shared.OptionInfo(row.default, label, gr.Slider, bounds)
    return found.needs_reload_ui()
