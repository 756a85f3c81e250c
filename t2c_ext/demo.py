"""`t2c demo`: the bundled example, from its prompt to a loop."""

from __future__ import annotations

from pathlib import Path

from t2c_ext.errors import UserError
from t2c_ext.progress import Reporter


def run_demo(folder: Path, reporter: Reporter) -> tuple[Path, ...]:
    """Animate the bundled example into `folder`.

    Returns:
        What was written: the loop, its poster and the workspace with every stage's result.

    Raises:
        UserError: the folder cannot be written to.
    """
    from t2c_ext.api import animate
    from t2c_ext.example import example

    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; name a folder")
    given = example()
    output = folder / "cinemagraph.mp4"
    workspace = folder / "workspace"
    result = animate(
        given.picture,
        output,
        mask=given.masks,
        workspace=workspace,
        progress=reporter.progress,
        cancelled=reporter.cancelled,
        prompt=given.prompt,
        motion=given.motion,
    )
    written = [output, workspace]
    if result.loop is not None and result.loop.poster is not None:
        written.insert(1, result.loop.poster)
    return tuple(written)
