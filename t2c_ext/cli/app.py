"""`t2c app`: the page in a browser, without the WebUI."""

from __future__ import annotations

import argparse
import os
import sys

from t2c_ext.app import LOOPBACK, Door
from t2c_ext.cli.options import Commands, a_folder, a_path, add_models_path
from t2c_ext.ui.users import VARIABLE, from_file, from_variable, pair


def register(commands: Commands) -> None:
    """Add the command."""
    app = commands.add_parser("app", help="paint what moves and watch it loop, in a browser")
    app.add_argument(
        "--model",
        default="",
        metavar="CHECKPOINT",
        help="makes pictures from text (SD1, SD2, SDXL; default: the built-in miniature model)",
    )
    app.add_argument("--folder", type=a_folder, metavar="DIR", help="keep the workspaces here (default: nowhere)")
    app.add_argument(
        "--keep",
        type=float,
        default=0.0,
        metavar="GB",
        help="of --folder: the oldest workspaces go where there is more, never one that is open or changed by hand "
        "(default: all stay)",
    )
    app.add_argument(
        "--host", default=LOOPBACK, metavar="ADDRESS", help=f"listen at this address (default: {LOOPBACK})"
    )
    app.add_argument("--port", type=int, metavar="N", help="default: the first free one from 7860 on")
    app.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="NAME",
        help="answer under this name too, such as that of a proxy before the app; may be repeated",
    )
    app.add_argument("--share", action="store_true", help="also give out a public address, through Gradio's servers")
    app.add_argument(
        "--auth-file", type=a_path, metavar="FILE", help="let in only the users in it, a line USER:PASSWORD for each"
    )
    app.add_argument(
        "--auth",
        action="append",
        default=[],
        metavar="USER:PASSWORD",
        help=f"the same for one user; others on this machine can see it, unlike --auth-file and {VARIABLE}",
    )
    app.add_argument("--browser", action="store_true", help="open a browser")
    add_models_path(app)
    app.set_defaults(command=_app)


def _app(options: argparse.Namespace) -> int:
    from t2c_ext.app import serve

    door = Door(options.host, options.port, options.allow_host, options.share, _users(options), browser=options.browser)
    serve(options.folder, model=options.model, door=door, keep=options.keep)
    return 0


def _users(options: argparse.Namespace) -> list[tuple[str, str]]:
    """All who may come in; UserError where one has no password."""
    users = from_variable(os.environ.get(VARIABLE, ""))
    if options.auth_file is not None:
        users += from_file(options.auth_file)
    given = [pair(text, "--auth") for text in options.auth]
    if given:
        print(
            f"t2c: the password after --auth can be read in the list of processes; use --auth-file or {VARIABLE}",
            file=sys.stderr,
        )
    return users + given
