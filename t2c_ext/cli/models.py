"""`t2c models`: what is here, what can be fetched, whether it is whole, other forms of checkpoints."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from t2c_ext.cli.options import Commands, a_folder, a_path, add_models_path, reporter_on
from t2c_ext.console import complain, say
from t2c_ext.errors import UserError
from t2c_ext.twin.miniature import NAME


def register(commands: Commands) -> None:
    """Add the command and its actions."""
    models = commands.add_parser("models", help="list, download, verify, convert and export models")
    actions = models.add_subparsers(title="actions", metavar="ACTION", required=True)

    listing = actions.add_parser("list", help="which are here, which are missing")
    listing.set_defaults(command=_list)
    fetching = actions.add_parser("download", help="fetch models that are missing")
    fetching.add_argument("name", nargs="+", help="names from the list")
    fetching.set_defaults(command=_download)
    verifying = actions.add_parser("verify", help="compare models with their checksums")
    verifying.add_argument("name", nargs="*", help="only these; default: all that are here")
    verifying.set_defaults(command=_verify)
    for action in (listing, fetching, verifying):
        add_models_path(action)

    converting = actions.add_parser("convert", help="write a pickled checkpoint as safetensors")
    converting.add_argument("file", type=a_path, metavar="FILE")
    converting.add_argument("output", nargs="?", type=a_path, metavar="OUT", help="default: beside it, .safetensors")
    converting.set_defaults(command=_convert)

    about = "write the built-in model as a checkpoint of AUTOMATIC1111's WebUI, in which this extension is installed"
    exporting = actions.add_parser("export", help=about)
    exporting.add_argument("name", choices=[NAME], help="the built-in model")
    exporting.add_argument("folder", type=a_folder, metavar="FOLDER", help="the WebUI's models/Stable-diffusion")
    exporting.set_defaults(command=_export)


def _list(options: argparse.Namespace) -> int:
    from t2c_ext.weights.listing import list_models

    for row in list_models():
        say(row.line())
    return 0


def _download(options: argparse.Namespace) -> int:
    from t2c_ext.weights.download import download_models

    with ExitStack() as stack:
        found = download_models(options.name, reporter=reporter_on(stack))
    for name, path in found.items():
        say(f"{name}: {path or 'installed'}")
    return 0


def _verify(options: argparse.Namespace) -> int:
    from t2c_ext.weights.verify import State, verify_models

    with ExitStack() as stack:
        verdicts = verify_models(options.name, reporter=reporter_on(stack))
    for verdict in verdicts:
        say(verdict.line())
    if not verdicts:
        complain("no models are here")
    return 1 if any(verdict.state in (State.DAMAGED, State.MISSING) for verdict in verdicts) else 0


def _convert(options: argparse.Namespace) -> int:
    from t2c_ext.weights.convert import convert_file

    if not options.file.is_file():
        raise UserError(f"{options.file} is no file")
    say(convert_file(options.file, options.output))
    return 0


def _export(options: argparse.Namespace) -> int:
    from t2c_ext.twin.miniature.checkpoint import export_checkpoint

    say(export_checkpoint(options.folder))
    return 0
