"""The recent cinemagraphs, from which one is opened again or deleted."""

from __future__ import annotations

import base64
import io
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

from PIL import Image

from t2c_ext.errors import UserError
from t2c_ext.media.pictures import read_picture, to_bytes
from t2c_ext.region.overlay import fitted
from t2c_ext.shelf import Entry, entries
from t2c_ext.ui.page import message
from t2c_ext.ui.recent import Recent
from t2c_ext.workspace import Workspace

MOST = 24
"""Cinemagraphs that are shown."""

THUMB = 192
"""The long side, in pixels, of their pictures."""

TITLE = 60
"""Letters of their words."""

NONE = "Nothing has been made here yet. What you make stands here, also after a reload."


@dataclass(frozen=True)
class Shelved:
    """What is shown of a cinemagraph.

    Attributes:
        title: its words.
        picture: its picture, an address that holds it.
    """

    title: str
    picture: str


@dataclass
class Shelf:
    """Shows what lies in a folder of workspaces.

    Attributes:
        folder: the folder.
    """

    folder: Path
    _known: Recent[Shelved] = field(default_factory=lambda: Recent(4 * MOST))

    def html(self, problem: str = "") -> str:
        """The list, the newest first.

        Args:
            problem: a sentence that stands before it, or "".
        """
        found = entries(self.folder)
        looked_at = [(entry, self._row(entry)) for entry in found[:MOST]]
        shown = [(entry, row) for entry, row in looked_at if row is not None]
        said = message(problem, "error") if problem else ""
        if not shown:
            return f'{said}<p class="t2c-hint">{NONE}</p>'
        items = "".join(_item(entry, row) for entry, row in shown)
        more = f'<p class="t2c-hint">{_total(found, len(shown), len(looked_at) - len(shown))}</p>'
        return f'{said}<ul class="t2c-shelf">{items}</ul>{more}'

    def _row(self, entry: Entry) -> Shelved | None:
        try:
            return self._known.get((entry.id, entry.changed), lambda: _read(entry.folder))
        except (UserError, OSError):
            return None  # it has no picture yet, or is damaged


def _read(folder: Path) -> Shelved:
    workspace = Workspace.open(folder)
    recipe = workspace.load_recipe()
    words = recipe.prompt.motion or recipe.prompt.prompt or recipe.region.region
    small = fitted(read_picture(workspace.place("art.png")).rgb, THUMB)
    file = io.BytesIO()
    Image.fromarray(to_bytes(small)).save(file, "JPEG", quality=80)
    picture = f"data:image/jpeg;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
    return Shelved(words if len(words) <= TITLE else f"{words[:TITLE]}…", picture)


def _item(entry: Entry, row: Shelved) -> str:
    title = escape(row.title or "without words")
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.changed))
    return (
        f'<li><button type="button" class="t2c-shelved" data-t2c-open="{entry.id}" title="Open it again">'
        f'<img src="{row.picture}" alt=""><span>{title}</span><small>{when}, {entry.size / 1e6:.0f} MB</small></button>'
        f'<button type="button" class="t2c-bin" data-t2c-delete="{entry.id}" title="Delete it" '
        f'aria-label="Delete {title}">×</button></li>'
    )


def _total(found: Sequence[Entry], shown: int, without: int) -> str:
    """How much there is in all.

    Args:
        found: all workspaces.
        shown: how many of them are.
        without: how many have no picture (yet), and so nothing that could be shown; they are not counted.
    """
    size = sum(entry.size for entry in found) / 1e6
    return f"{shown} of {len(found) - without} cinemagraphs; all together have {size:.0f} MB."
