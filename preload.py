"""Options of the WebUI's command line; read by the WebUI before anything else is loaded."""

from __future__ import annotations

from argparse import ArgumentParser


def preload(parser: ArgumentParser) -> None:
    """Add the extension's options."""
    parser.add_argument(
        "--t2c-models-path",
        default=None,
        metavar="DIR",
        help="Text2Cinemagraph: folder with its segmentation and motion models",
    )
