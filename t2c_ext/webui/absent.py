"""What stands in the panel's place where a package that the extension needs is missing or broken."""

from __future__ import annotations

import importlib
import importlib.util
import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from t2c_ext.console import log
from t2c_ext.webui import parameters

OURS = Path(__file__).resolve().parent.parent

INSTALL = "Its installer runs when the WebUI starts; start it again with a network, and read what the console says."

_IMPORT = re.compile(r"\s*(?:from|import)\s+(\w+)")


PACKAGES = ("av", "cv2", "filelock", "jinja2", "numba", "scipy", "skimage", "sklearn", "tifffile", "tqdm")
"""What the installer adds (`install.py`); a start of the WebUI only looks whether it is there."""


def refuse_missing() -> None:
    """Raise ModuleNotFoundError for a package that is not installed; none is loaded."""
    for name in PACKAGES:
        if importlib.util.find_spec(name) is None:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def why_not() -> str:
    """Why no loop can be made: a package is missing or broken; "" where all can be loaded."""
    for name in PACKAGES:
        try:
            importlib.import_module(name)
        except Exception as error:  # a package that was built for another one raises nearly anything
            return not_working(error, name)
    return ""


def script_without(error: Exception) -> Any:
    """A script for the host that makes no cinemagraphs, and says why.

    Args:
        error: what importing the extension raised.
    """
    from modules import scripts

    reason = not_working(error, failed_package(error))
    log(f"Text2Cinemagraph: {reason}")

    class Absent(scripts.Script):  # type: ignore[misc]
        """Always visible; does nothing but say so."""

        def title(self) -> str:
            """Its name in the API's `alwayson_scripts`."""
            return "Cinemagraph"

        def show(self, is_img2img: bool) -> Any:
            """In both tabs."""
            return scripts.AlwaysVisible

        def ui(self, is_img2img: bool) -> list[Any]:
            """The sentence."""
            import gradio as gr
            from modules.ui_components import InputAccordion

            with InputAccordion(False, label="Cinemagraph", elem_id=self.elem_id("cinemagraph")) as enabled:
                gr.Markdown(reason)
            return [enabled]

        def process(self, p: Any, *arguments: Any) -> None:
            """The pictures come without loops; whoever asked for some is told."""
            parameters.renew(p)
            first = arguments[0] if arguments else False
            if first.get("enabled") if isinstance(first, Mapping) else first:
                parameters.refuse(p, reason)

    return Absent


def not_working(error: Exception, package: str) -> str:
    """Sentences about what loading a package ("" where ours is at fault) raised, and what to do."""
    return f"Cinemagraph does not work yet: {_what_failed(error, package)}"


def _what_failed(error: Exception, package: str) -> str:
    if isinstance(error, ModuleNotFoundError):
        return f"{error}. {INSTALL}"
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    if not package:
        traceback.print_exception(error)
        return f"{said}. The console says more."
    return f"the package {package} is broken ({said}). Install it anew with the WebUI's Python."


def failed_package(error: Exception) -> str:
    """The package whose import by one of our modules raised an error, or "" where ours is at fault."""
    lines = [
        frame.line or "" for frame in traceback.extract_tb(error.__traceback__) if OURS in Path(frame.filename).parents
    ]
    found = _IMPORT.match(lines[-1]) if lines else None
    package = found[1] if found else ""
    return "" if package == OURS.name else package
