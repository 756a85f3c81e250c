"""`t2c run`: what is out of date in a workspace."""

from __future__ import annotations

import argparse
from contextlib import ExitStack

from t2c_ext.cli.options import Commands, a_path, add_mask, add_settings, masks, recipe_of, reporter_on
from t2c_ext.console import say, tell
from t2c_ext.types import Stage


def register(commands: Commands) -> None:
    """Add the command."""
    run = commands.add_parser("run", help="run a workspace's stages that are out of date")
    run.add_argument("workspace", type=a_path, metavar="WORKSPACE")
    run.add_argument("--from", dest="start", choices=[stage.value for stage in Stage], help="run again from here")
    add_mask(run)
    run.add_argument("-o", "--output", metavar="OUT", help="also write the loop here")
    add_settings(run)
    run.set_defaults(command=_run)


def _run(options: argparse.Namespace) -> int:
    from t2c_ext.jobs import open_job
    from t2c_ext.pipeline import Pipeline
    from t2c_ext.workspace import Workspace

    workspace = Workspace.open(options.workspace)
    recipe = recipe_of(options, workspace.load_recipe())
    job = open_job(workspace, recipe, masks=masks(options.mask), output=options.output)
    start = None if options.start is None else Stage(options.start)
    with ExitStack() as stack:
        result = Pipeline(job, workspace, reporter_on(stack)).run(start=start)
    tell(result.notes)
    if result.loop is not None:
        say(result.loop.path)
    return 0
