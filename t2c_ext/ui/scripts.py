"""The page's scripts and their style: where they lie, and how a page starts them where no host does."""

from __future__ import annotations

import json
from pathlib import Path

import t2c_ext
from t2c_ext.errors import UserError
from t2c_ext.ui.page import Address

MAIN = "cinemagraph.js"


def scripts_folder() -> Path:
    """The folder of the scripts: `javascript` in a checkout, and within the package where it is installed.

    Raises:
        UserError: the installation lacks it.
    """
    package = Path(t2c_ext.__file__).resolve().parent
    for folder in (package / "javascript", package.parent / "javascript"):
        if (folder / MAIN).is_file():
            return folder
    raise UserError("the page's scripts are missing; install the package again")


def style_sheet() -> str:
    """The style of what the scripts build; UserError where it is missing."""
    folder = scripts_folder()
    for path in (folder / "style.css", folder.parent / "style.css"):
        if path.is_file():
            return path.read_text(encoding="utf-8")
    raise UserError("the page's style is missing; install the package again")


def starter(address: Address, alive: str) -> str:
    """A JavaScript function that loads the scripts into the page, once.

    Args:
        address: of a file on the page's server.
        alive: where the page says, each minute, that it is still open.
    """
    where, told = json.dumps(address(scripts_folder() / MAIN)), json.dumps(alive)
    return (
        "() => { if (window.t2c) { window.t2c.mount(); return []; } "
        f"setInterval(() => fetch({told}).catch(() => 0), 60000); "
        f"const script = document.createElement('script'); script.src = {where}; document.head.append(script); "
        "return []; }"
    )


def script_option(script: str) -> dict[str, str]:
    """The option of a listener that makes it run a JavaScript function, by the name that the Gradio here has for it."""
    import gradio as gr

    return {"_js" if gr.__version__.startswith("3.") else "js": script}
