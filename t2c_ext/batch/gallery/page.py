"""Writes `index.html`: one static page with everything in it but the loops themselves, so that it opens from a disk.

Prompts and names are a stranger's text: they reach the page as data (JSON in an element that runs nothing), the
template escapes whatever else it is given, and the page's own policy lets no other script run than its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from t2c_ext.atomic import write_text
from t2c_ext.batch.outcome import Outcome

PAGE = "index.html"


def write_gallery(folder: Path, outcomes: Iterable[Outcome], title: str = "") -> Path:
    """Write the page of some outcomes beside their loops, in place of an earlier one.

    Args:
        folder: the batch's.
        outcomes: of its rows, in the order in which they are shown.
        title: of the page; "": the folder's name.

    Raises:
        UserError: it cannot be written.
    """
    write_text(folder / PAGE, render(outcomes, title or folder.name or "Cinemagraphs"))
    return folder / PAGE


def render(outcomes: Iterable[Outcome], title: str) -> str:
    """The page's text."""
    from jinja2 import Environment, FunctionLoader
    from markupsafe import Markup

    parts = resources.files("t2c_ext.batch.gallery")
    script, style = (parts.joinpath(name).read_text(encoding="utf-8") for name in ("gallery.mjs", "gallery.css"))
    environment = Environment(
        loader=FunctionLoader(lambda name: parts.joinpath(name).read_text(encoding="utf-8")), autoescape=True
    )
    environment.policies["json.dumps_kwargs"] = {"sort_keys": False, "separators": (",", ":")}
    # the policy names the very bytes of both, so they stand in the template without any space around them
    return environment.get_template("gallery.html").render(
        title=title,
        rows=[_row(outcome) for outcome in outcomes],
        script=Markup(script),
        style=Markup(style),
        script_digest=_digest(script),
        style_digest=_digest(style),
    )


def _row(outcome: Outcome) -> dict[str, Any]:
    """What the page knows of a row, without what is empty."""
    values: dict[str, Any] = {
        "name": outcome.name,
        "done": outcome.is_done,
        "file": outcome.file,
        "poster": outcome.poster,
        "size": list(outcome.size) if any(outcome.size) else [],
        "label": outcome.label,
        "prompt": outcome.prompt,
        "motion": outcome.motion,
        "picture": Path(outcome.picture).name,
        "notes": list(outcome.notes),
        "error": outcome.error,
        "kind": outcome.kind,
        "seconds": dict(outcome.seconds),
        "settings": dict(outcome.settings),
        "swept": dict(outcome.swept),
        "group": f"{outcome.group} {outcome.label}" if outcome.swept else "",
        "where": " ".join(outcome.where.get(part, "") for part in ("machine", "node", "gpu")).strip(),
        "ended": outcome.ended,
    }
    return {name: value for name, value in values.items() if value not in ("", [], {})}


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
