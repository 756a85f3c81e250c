"""`t2c parse`: what the words say about motion."""

from __future__ import annotations

import argparse
import json

from t2c_ext.cli.options import Commands
from t2c_ext.console import say, tell


def register(commands: Commands) -> None:
    """Add the command."""
    parse = commands.add_parser("parse", help="show what the words say about motion")
    parse.add_argument("prompt", metavar="PROMPT")
    parse.add_argument("--json", action="store_true", help="print JSON")
    parse.set_defaults(command=_parse)


def _parse(options: argparse.Namespace) -> int:
    from t2c_ext.prompt.parse import parse
    from t2c_ext.results import plan_to_document
    from t2c_ext.settings import PromptSettings

    plan = parse(PromptSettings(prompt=options.prompt))
    if options.json:
        document = plan_to_document(plan)
        for internal in ("notes", "nouns", "styles"):
            del document[internal]
        document["motions"] += document.pop("laws")
        say(json.dumps(document, ensure_ascii=False))
        return 0
    say(f"picture: {plan.art_prompt}\ntwin:    {plan.natural_prompt}\nmoves:   {', '.join(plan.regions) or '-'}")
    for motion in (*plan.motions, *plan.laws):
        way = motion.kind.value if motion.angle is None else f"{motion.angle:g} degrees"
        say(f"         {motion.region}: {way}, speed {motion.speed:g}")
    tell(plan.notes)
    return 0
