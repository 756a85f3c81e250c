"""Archives from Google Drive, fetched with gdown."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from t2c_ext.errors import Cancelled, UserError
from t2c_ext.weights.fetch import MOST_BYTES, Told, Unreachable


def download_from_drive(file_id: str, target: Path, told: Told) -> None:
    """Download a file of Google Drive, resuming where an earlier attempt stopped.

    Args:
        file_id: Google Drive's id of the file.
        target: its place.
        told: progress in bytes, with versions of gdown that report it.

    Raises:
        UserError: gdown is not installed, or the file is larger than any model's.
        Unreachable: no connection, or Google refuses (it allows only so many downloads of a file a day).
    """
    try:
        import gdown
    except ImportError:
        raise UserError("Google Drive needs the package gdown: pip install gdown") from None
    target.parent.mkdir(parents=True, exist_ok=True)
    options: dict[str, Any] = {"id": file_id, "output": str(target), "quiet": True, "resume": True}
    if "progress" in inspect.signature(gdown.download).parameters:
        options["progress"] = _bounded(told)
    try:
        written = gdown.download(**options)
    except (Cancelled, UserError):
        raise
    except Exception as error:  # its own errors and those of requests
        raise Unreachable(_reason(error)) from None
    if not written or not target.is_file():
        raise Unreachable("Google Drive gave no file")


def _bounded(told: Told) -> Callable[[int, int | None], None]:
    def progress(here: int, total: int | None) -> None:
        if max(here, total or 0) > MOST_BYTES:
            raise UserError(f"Google Drive sends more than {MOST_BYTES / 1e9:.0f} GB, which no model has; not taken")
        told(here, total or 0)

    return progress


def _reason(error: Exception) -> str:
    """One line; what requests says of a lost connection is long and tells the user nothing."""
    name = type(error).__name__
    if isinstance(error, OSError) and type(error).__module__.startswith("requests"):
        return f"no connection to Google Drive ({name})"
    return (str(error).strip().splitlines() or [name])[0][:160]
