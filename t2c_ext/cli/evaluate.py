"""`t2c evaluate`: the measures of a loop."""

from __future__ import annotations

import argparse

from t2c_ext.cli.options import Commands, a_path
from t2c_ext.console import say


def register(commands: Commands) -> None:
    """Add the command."""
    evaluate = commands.add_parser("evaluate", help="measure a loop's quality")
    evaluate.add_argument("video", type=a_path, metavar="VIDEO", help="a video, or a folder of PNG frames")
    evaluate.add_argument("--image", type=a_path, metavar="STILL", help="the still that was animated")
    evaluate.add_argument("--mask", type=a_path, metavar="MASK", help="what was to move")
    evaluate.add_argument("--angle", type=float, metavar="DEG", help="the direction that was asked for")
    evaluate.add_argument("--flow", type=a_path, metavar="FILE", help="the flow that was used")
    evaluate.add_argument("--truth-flow", type=a_path, metavar="FILE", help="the true flow, to compare with")
    evaluate.add_argument("--truth-mask", type=a_path, metavar="FILE", help="the true mask, to compare with")
    evaluate.add_argument("--json", action="store_true", help="print JSON")
    evaluate.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from t2c_ext.evaluate import evaluate_file

    report = evaluate_file(
        options.video,
        image=options.image,
        mask=options.mask,
        angle=options.angle,
        flow=options.flow,
        truth_flow=options.truth_flow,
        truth_mask=options.truth_mask,
    )
    say(report.to_json() if options.json else report.to_text())
    return 0
