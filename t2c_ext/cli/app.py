"""`t2c app`: the page in a browser, without the WebUI."""

from __future__ import annotations

import argparse
import signal

from t2c_ext.app import LOOPBACK
from t2c_ext.cli.options import Commands, a_path, add_models_path
from t2c_ext.errors import UserError


def register(commands: Commands) -> None:
    """Add the command."""
    app = commands.add_parser("app", help="paint what moves and watch it loop, in a browser")
    app.add_argument("--model", default="", metavar="CHECKPOINT", help="makes pictures from text (SD1, SD2, SDXL)")
    app.add_argument("--folder", type=a_path, metavar="DIR", help="keep the workspaces here (default: nowhere)")
    app.add_argument(
        "--host", default=LOOPBACK, metavar="ADDRESS", help=f"listen at this address (default: {LOOPBACK})"
    )
    app.add_argument("--port", type=int, metavar="N", help="default: the first free one from 7860 on")
    app.add_argument("--share", action="store_true", help="also give out a public address, through Gradio's servers")
    app.add_argument(
        "--auth", action="append", default=[], metavar="USER:PASSWORD", help="let in only this user; may be repeated"
    )
    app.add_argument("--browser", action="store_true", help="open a browser")
    add_models_path(app)
    app.set_defaults(command=_app)


def _app(options: argparse.Namespace) -> int:
    from t2c_ext.app import serve

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the temporary folder goes then, too
    serve(
        options.folder,
        model=options.model,
        host=options.host,
        port=options.port,
        share=options.share,
        auth=[_pair(text) for text in options.auth],
        browser=options.browser,
    )
    return 0


def _pair(text: str) -> tuple[str, str]:
    """User and password; UserError when it is no such pair."""
    user, colon, password = text.partition(":")
    if not (user and colon and password):
        raise UserError("--auth must be USER:PASSWORD")
    return user, password
