"""Is a model here, and where?"""

from __future__ import annotations

from pathlib import Path

from t2c_ext.errors import DOWNLOAD, UserError, Way
from t2c_ext.weights.catalogue import Model, model_named
from t2c_ext.weights.places import Places, hub_snapshots


def find_model(name: str, places: Places | None = None) -> Path | None:
    """The model's file or folder; nothing is downloaded.

    Args:
        name: a name of the catalogue.
        places: where to look; the environment variable, the user's own folder and the hub's cache when None.

    Returns:
        The file of a model that is one file (safetensors before the pickle), else the folder that holds its files;
        None when no place holds all that it needs.

    Raises:
        UserError: the catalogue has no such model.
    """
    model = model_named(name)
    for folder in (places or Places()).folders():
        for inner in model.folders:
            found = _whole(model, folder / inner)
            if found is not None:
                return found
    if model.hub:
        for snapshot in hub_snapshots(model.hub, model.revision):
            found = _whole(model, snapshot)
            if found is not None:
                return found
    return None


def require_model(name: str, places: Places | None = None) -> Path:
    """As `find_model`, or an error that says how to get it.

    Raises:
        UserError: the model is not here.
    """
    found = find_model(name, places)
    if found is None:
        raise UserError(f"the model {name} is not here", ways=[Way(f"get {name}", DOWNLOAD, name)])
    return found


def missing_files(model: Model, folder: Path) -> list[str]:
    """What the model needs that the folder lacks; the first name where several would do."""
    return [need.split(" | ")[0] for need in model.needs if _first(folder, need) is None]


def _whole(model: Model, folder: Path) -> Path | None:
    if not model.needs or not folder.is_dir() or missing_files(model, folder):
        return None
    return _first(folder, model.needs[0]) if model.single else folder


def _first(folder: Path, need: str) -> Path | None:
    """The first of the alternatives "a | b" that is a file with something in it."""
    for name in need.split(" | "):
        path = folder / name
        if path.is_file() and path.stat().st_size:
            return path
    return None
