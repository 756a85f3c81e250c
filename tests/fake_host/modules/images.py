"""Saving by the user's pattern, with a text beside it where the user wants one."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from PIL import PngImagePlugin

from modules import script_callbacks
from modules.shared import opts


def save_image(  # noqa: PLR0917
    image: Any, path: str, basename: str, seed: int, prompt: str, extension: str, *, info: str, suffix: str, p: Any
) -> tuple[str, str | None]:
    pattern = opts.samples_filename_pattern or _number(Path(path))
    name = pattern.replace("[seed]", str(seed)) + suffix
    params = SimpleNamespace(image=image, p=p, filename=str(Path(path) / f"{name}.{extension}"), pnginfo={})
    script_callbacks.before_image_saved_callback(params)
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", info)
    image.save(_free(Path(params.filename)), pnginfo=text)
    if not opts.save_txt:
        return params.filename, None
    beside = Path(params.filename).with_suffix(".txt")
    beside.write_text(info)
    return params.filename, str(beside)


def _number(folder: Path) -> str:
    """The one after the largest that a name in the folder begins with."""
    taken = [int(file.name[:5]) for file in folder.iterdir() if file.name[:5].isdigit()]
    return f"{max(taken, default=-1) + 1:05}"


def _free(file: Path) -> Path:
    """Where it goes; the host says nothing of the number that it adds."""
    found, number = file, 0
    while found.exists() and opts.save_images_replace_action != "Replace":
        number += 1
        found = file.with_name(f"{file.stem}-{number}{file.suffix}")
    return found
