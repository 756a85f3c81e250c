"""`t2c models`: what is here, and what can be fetched."""

from __future__ import annotations

import argparse

from t2c_ext.cli.options import Commands
from t2c_ext.errors import UserError


def register(commands: Commands) -> None:
    """Add the command."""
    models = commands.add_parser("models", help="list or download the models that improve results")
    models.add_argument("action", choices=("list", "download"), help="show which are here, or fetch those that lack")
    models.add_argument("name", nargs="*", help="only these")
    models.set_defaults(command=_models)


def _models(options: argparse.Namespace) -> int:
    from t2c_ext.prompt.taggers import language_models
    from t2c_ext.weights.language import download

    models = [model for model in language_models() if not options.name or model.name in options.name]
    unknown = sorted(set(options.name) - {model.name for model in models})
    if unknown:
        raise UserError(f"there is no model called {unknown[0]!r}; see t2c models list")
    for model in models:
        if options.action == "download" and not model.installed:
            download(model.name, model.library)
            print(f"{model.name}: downloaded")
        else:
            print(f"{model.name}: {'here' if model.installed else 'missing'} ({model.purpose})")
    return 0
