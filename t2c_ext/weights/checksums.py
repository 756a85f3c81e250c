"""The checksums that a download leaves beside its files, so that they can be compared later."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from t2c_ext.atomic import write_text

RECORD = "t2c-checksums.json"
"""Name of the record in a model's folder."""


def read_checksums(folder: Path) -> dict[str, str]:
    """sha256 by file name, as recorded in the folder; empty without a readable record."""
    try:
        files = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        return {str(name): str(digest) for name, digest in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def write_checksums(folder: Path, files: Mapping[str, str], source: str) -> None:
    """Record the sha256 of files, by name within the folder, and where they came from; others' entries stay."""
    merged = read_checksums(folder) | dict(files)
    write_text(folder / RECORD, json.dumps({"source": source, "files": merged}, indent=1, sort_keys=True) + "\n")
