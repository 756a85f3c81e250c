"""What the extension adds to the host when it is loaded."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from t2c_ext.webui.preferences import MODELS_PATH, add_preferences
from t2c_ext.webui.tab import CinemagraphTab
from t2c_ext.weights.places import VARIABLE


def register() -> None:
    """Add the API's routes, a page of settings and the plot's axes; look for models where the host keeps them."""
    from modules import script_callbacks

    from t2c_ext.webui.axes import add_axes

    _point_to_models()
    script_callbacks.on_ui_settings(add_preferences, name="cinemagraph")
    script_callbacks.on_before_ui(add_axes, name="cinemagraph")
    script_callbacks.on_app_started(_add_routes, name="cinemagraph")
    CinemagraphTab().register()


def _point_to_models() -> None:
    """The folder of --t2c-models-path, and the host's own, come first when models are looked for."""
    from modules import paths, shared

    named = getattr(shared.cmd_opts, "t2c_models_path", None) or shared.opts.data.get(MODELS_PATH)
    own = Path(paths.models_path) / "t2c"
    given = os.environ.get(VARIABLE, "")
    folders = [str(folder) for folder in (named, own) if folder]
    os.environ[VARIABLE] = os.pathsep.join(dict.fromkeys([*folders, *filter(None, given.split(os.pathsep))]))


def _add_routes(demo: Any, app: Any) -> None:
    from modules import shared

    from t2c_ext.service import Service
    from t2c_ext.webui.api import add_routes
    from t2c_ext.webui.kept import cinemagraphs_folder
    from t2c_ext.webui.loops import as_a_job, host_reporter

    if not getattr(shared.cmd_opts, "api", False) and not getattr(shared.cmd_opts, "nowebui", False):
        return
    add_routes(app, Service(cinemagraphs_folder(), host_reporter, as_a_job), shared.cmd_opts.api_auth)
