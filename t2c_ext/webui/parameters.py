"""The generation parameters that the host writes below a picture: what of ours goes into them."""

from __future__ import annotations

import json
import re
from typing import Any

from t2c_ext.console import log

OURS = "Cinemagraph "
"""What the names of our parameters begin with."""

ERROR, NOTES = f"{OURS}error", f"{OURS}notes"
"""Why no loops are made; sentences about those that are, or are not."""

FILE, FILES = f"{OURS}file", f"{OURS}files"
"""The name of a picture's loop; the paths of all loops, for an API's client."""

GRID = f"{OURS}grid"
"""The path of the loop that a plot's whole grid is, for an API's client."""

IDS = f"{OURS}ids"
"""For each picture the id of its workspace, or ""."""

_FILE = re.compile(rf'{FILE}: ("(?:\\.|[^"\\])*")')


def renew(processing: Any) -> None:
    """Give a processing object parameters of its own, without what earlier pictures have left in them.

    The cells of an X/Y/Z plot share one dict.
    """
    given: dict[str, Any] = processing.extra_generation_params
    processing.extra_generation_params = {name: value for name, value in given.items() if not name.startswith(OURS)}


def refuse(processing: Any, sentence: str) -> None:
    """Say in the console, below the gallery and in the parameters why no loops are made."""
    log(sentence)
    processing.comment(sentence)
    processing.extra_generation_params[ERROR] = sentence


def written(value: object) -> str:
    """A value as the host's parser reads it back; it drops an empty one without quotes."""
    return str(value) or '""'


def extended(infotext: str, name: str, text: str) -> str:
    """Generation parameters with one more at their end."""
    return f"{infotext}, {name}: {json.dumps(text, ensure_ascii=False)}"


def file_in(infotext: str) -> str:
    """The name of the loop that generation parameters tell of; "" where they tell of none."""
    found = _FILE.search(infotext)
    return str(json.loads(found[1])) if found else ""
