"""What the panel keeps of each picture that is to move: its workspace, and beside it what the page shows of it."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from t2c_ext.atomic import write_text
from t2c_ext.documents import read_document
from t2c_ext.errors import UserError
from t2c_ext.pipeline import Cinemagraph
from t2c_ext.shelf import ID, VIEW, YOUNG, make_room
from t2c_ext.types import FloatArray, Region
from t2c_ext.ui.pictures import draw_candidates, draw_small
from t2c_ext.webui.preferences import keep_bytes

ABOUT = "panel.json"
"""The file, in the folder of what only a page shows, in which it is kept."""


@dataclass(frozen=True)
class Kept:
    """What the page shows of a picture's cinemagraph.

    Attributes:
        saved: the loop's file among the pictures; "" where none was made.
        still: the still beside it, or "".
        frames: of the loop.
        notes: sentences about it.
        pictures: files in the folder, by what they show.
        candidates: names of the regions to choose from, where what moves was not found.
        folder: where the host puts pictures of its kind.
        naming: what the host's names of files are made from.
        grid: the file of the loop that a plot's whole grid is, whose first moving cell this is; else "".
    """

    saved: str = ""
    still: str = ""
    frames: int = 0
    notes: tuple[str, ...] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)
    candidates: tuple[str, ...] = ()
    folder: str = ""
    naming: Mapping[str, Any] = field(default_factory=dict)
    grid: str = ""


def cinemagraphs_folder() -> Path:
    """Where the workspaces of the tab, the panel and the routes lie."""
    from modules import paths

    return Path(paths.data_path).resolve() / "outputs" / "cinemagraphs"


def new_workspace() -> Path:
    """The folder of a workspace that is not there yet."""
    return cinemagraphs_folder() / secrets.token_hex(16)


def workspace_of(id: object) -> Path | None:
    """The folder of a workspace that is there; None where there is none of that id."""
    if not isinstance(id, str) or not ID.fullmatch(id):
        return None
    folder = cinemagraphs_folder() / id
    return folder if folder.is_dir() else None


def naming_of(processing: Any) -> dict[str, Any]:
    """What the host's patterns for names read of a processing object: its plain values."""
    plain = {name: value for name, value in vars(processing).items() if isinstance(value, (str, int, float, bool))}
    return {name: value for name, value in plain.items() if not isinstance(value, float) or math.isfinite(value)}


def remember(folder: Path, kept: Kept) -> None:
    """Keep it beside the workspace."""
    (folder / VIEW).mkdir(parents=True, exist_ok=True)
    write_text(folder / VIEW / ABOUT, json.dumps(asdict(kept), ensure_ascii=False, allow_nan=False))


def recall(folder: Path) -> Kept | None:
    """What was kept; None where that is gone or damaged."""
    try:
        values = read_document(folder / VIEW / ABOUT, ABOUT)
        return Kept(
            saved=str(values.get("saved", "")),
            still=str(values.get("still", "")),
            frames=int(values.get("frames", 0)),
            notes=tuple(map(str, values.get("notes", ()))),
            pictures={str(name): str(file) for name, file in dict(values.get("pictures", {})).items()},
            candidates=tuple(map(str, values.get("candidates", ()))),
            folder=str(values.get("folder", "")),
            naming=dict(values.get("naming", {})),
            grid=str(values.get("grid", "")),
        )
    except (UserError, TypeError, ValueError):
        return None


def tidy(held: Collection[str]) -> None:
    """Delete the oldest workspaces where there are more than the user keeps.

    Args:
        held: ids of those that were made just now.
    """
    make_room(cinemagraphs_folder(), keep_bytes(), held, time.time() - YOUNG)


def draw_result(result: Cinemagraph, folder: Path) -> dict[str, str]:
    """Draw what moves and how, small; the files' names by what they show."""
    return {name: path.name for name, path in draw_small(result, folder / VIEW).items()}


def draw_choice(picture: FloatArray, candidates: Sequence[Region], folder: Path) -> dict[str, str]:
    """Draw the regions to choose from; the files' names by the regions'."""
    drawn = draw_candidates(picture, candidates, folder / VIEW)
    return {region.name: path.name for region, path in zip(candidates, drawn, strict=True)}
