"""The loops under a gallery, as HTML: each playing, with what it was made from. Every text is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from pathlib import Path

from t2c_ext.shelf import VIEW
from t2c_ext.ui import page
from t2c_ext.ui.page import Address
from t2c_ext.webui.kept import Kept

SMALL = {"regions": "What moves", "flow": "How it moves"}
"""The small pictures beside a loop, and what they show."""

OPEN = "Open in the Cinemagraph tab"


def cards(rows: Mapping[str, tuple[Path, Kept]], address: Address, running: Mapping[str, tuple[str, int, int]]) -> str:
    """All loops of a generation.

    Args:
        rows: the workspace, and what the page shows of it, by id.
        address: of a file on the page's server.
        running: (stage, done, total) of those that are at work, by id.
    """
    shown = [_grid(Path(kept.grid), address) for _, kept in rows.values() if kept.grid and Path(kept.grid).exists()]
    shown += [
        f'<article class="t2c-card" data-t2c-id="{id}">{_inside(id, folder, kept, address, running.get(id))}</article>'
        for id, (folder, kept) in rows.items()
    ]
    return f'<div class="t2c"><div class="t2c-cards">{"".join(shown)}</div></div>' if shown else ""


def _grid(loop: Path, address: Address) -> str:
    """The loop that a plot's whole grid is."""
    saved = f'<p class="t2c-saved">The whole grid, saved as <b>{escape(loop.name)}</b></p>'
    if loop.is_dir():
        return f'<article class="t2c-card t2c-whole-grid">{saved}</article>'
    link = f'<a href="{address(loop)}" download="{escape(loop.name)}">Download</a>'
    shown = page.moving(loop, address, "controls", _still(loop.with_suffix(".png")))
    screen = f'<div class="t2c-card-screen">{shown}</div>'
    about = f'<div class="t2c-card-about">{saved}{_row(link)}</div>'
    return f'<article class="t2c-card t2c-whole-grid"><div class="t2c-card-loop">{screen}{about}</div></article>'


def _inside(id: str, folder: Path, kept: Kept, address: Address, reached: tuple[str, int, int] | None) -> str:
    if reached is not None:
        return page.progress(reached)
    loop = Path(kept.saved) if kept.saved else None
    if loop is not None and loop.exists():
        return _finished(id, folder, kept, loop, address)
    gone = [] if loop is None else [f"{loop.name} is not there any more"]
    said = page.messages([*kept.notes, *gone])
    return f"{said}{_choice(id, folder, kept, address)}{_row(_opener(id))}"


def _finished(id: str, folder: Path, kept: Kept, loop: Path, address: Address) -> str:
    still = _still(Path(kept.still)) if kept.still else None
    if loop.is_dir():
        first = next(iter(sorted(loop.glob("*.png"))), None)
        shown = "" if first is None else f'<img src="{address(first)}" alt="the first frame">'
        links, what = "", f"{kept.frames} frames in the folder"
    else:
        shown = page.moving(loop, address, "controls", still)
        links = f'<a href="{address(loop)}" download="{escape(loop.name)}">Download</a>'
        what = f"{kept.frames} frames, {page.size_of(loop)}"
    if still is not None:
        links += f'<a href="{address(still)}" download="{escape(still.name)}">Download the still</a>'
    small = "".join(
        f'<a href="{address(path)}" target="_blank" rel="noopener" title="{label}: open large">'
        f'<img src="{address(path)}" alt="{label}"><span>{label}</span></a>'
        for name, label in SMALL.items()
        if (path := folder / VIEW / kept.pictures.get(name, "")).is_file()
    )
    saved = f'<p class="t2c-saved">Saved as <b>{escape(loop.name)}</b> <small>({what})</small></p>'
    about = f'{saved}{_row(_opener(id) + links)}<div class="t2c-card-small">{small}</div>'
    screen = f'<div class="t2c-card-screen">{shown}</div><div class="t2c-card-about">{about}</div>'
    return f'<div class="t2c-card-loop">{screen}</div>{page.messages(kept.notes)}'


def _still(path: Path) -> Path | None:
    return path if path.exists() else None


def _choice(id: str, folder: Path, kept: Kept, address: Address) -> str:
    """The regions to choose from: a click on one goes on with it."""
    buttons = []
    for name in kept.candidates:
        picture = folder / VIEW / kept.pictures.get(name, "")
        shown = f'<img src="{address(picture)}" alt="">' if picture.is_file() else ""
        buttons.append(
            f'<button type="button" class="t2c-choose" data-t2c-choose="{escape(name)}" title="Move this region">'
            f"{shown}<span>{escape(name)}</span></button>"
        )
    return f'<div class="t2c-choices" role="group" aria-label="Regions">{"".join(buttons)}</div>' if buttons else ""


def _opener(id: str) -> str:
    return f'<button type="button" class="t2c-open-tab" data-t2c-open="{id}">{OPEN}</button>'


def _row(inside: str) -> str:
    return f'<div class="t2c-links">{inside}</div>'
