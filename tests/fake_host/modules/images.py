"""Saving by the user's pattern: here a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import PngImagePlugin


def save_image(  # noqa: PLR0917
    image: Any, path: str, basename: str, seed: int, prompt: str, extension: str, *, info: str, suffix: str, p: Any
) -> tuple[str, None]:
    file = Path(path) / f"{len(list(Path(path).iterdir())):05}{suffix}.{extension}"
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", info)
    image.save(file, pnginfo=text)
    return str(file), None
