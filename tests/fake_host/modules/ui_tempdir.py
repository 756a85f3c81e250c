"""The files that the page may be given."""

from __future__ import annotations

from typing import Any

registered: list[str] = []


def register_tmp_file(demo: Any, filename: str) -> None:
    registered.append(filename)
