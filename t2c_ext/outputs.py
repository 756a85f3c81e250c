"""Where a loop may go: the door that every command passes before it begins, and the copy out of a workspace."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from t2c_ext.atomic import replacing, replacing_folder
from t2c_ext.errors import UserError
from t2c_ext.media.ownership import lies_in, refuse_file, refuse_folder, resolved, same_place, shown
from t2c_ext.media.videos import ENCODERS, format_of

RESERVED = frozenset({
    "art", "natural", "mask", "attention", "flow", "plan", "hints", "recipe", "workspace", "report", "loop", "input",
    "regions", "segmentation", "view", "replaced", "offers",
})  # fmt: skip
"""Names in a workspace that stand for something."""


def check_output(output: Path, sources: Iterable[Path] = (), workspace: Path | None = None) -> None:
    """Refuse, before any work, an output that would cost the user something or cannot be written.

    Args:
        output: a file, whose ending picks the format, or a folder of frames.
        sources: files and folders that are read.
        workspace: the folder of the run's workspace, there or not.

    Raises:
        UserError: one line that says what lies there, and what to do.
    """
    kind, place = format_of(output), resolved(output)
    if output.name.startswith(".") and output.name[1:].lower() in ENCODERS:
        raise UserError(f"{shown(output)} has an ending but no name; name the file, such as loop{output.name}")
    if workspace is not None:
        if is_workspaces_own(output, workspace):
            return
        if same_place(place, workspace) or lies_in(workspace, place):
            raise UserError(f"{shown(output)} holds the workspace {workspace}; name another place")
    for folder in (place, *place.parents):
        if is_workspace(folder) or (workspace is not None and same_place(folder, workspace)):
            _refuse_inside(output, place, folder)
    if kind == "png":
        refuse_folder(place, sources)
    else:
        refuse_file(place, sources)
    _refuse_unwritable(output, place)


def is_workspaces_own(output: Path, workspace: Path) -> bool:
    """Whether an output is the loop that the workspace keeps anyway."""
    return output.name == own_name(format_of(output)) and same_place(resolved(output).parent, workspace)


def own_name(kind: str) -> str:
    """The name of a workspace's loop in a format."""
    return "loop" if kind == "png" else f"loop.{kind}"


def is_workspace(folder: Path) -> bool:
    """Whether a folder is a workspace, sound or damaged."""
    try:
        with (folder / "workspace.json").open("rb") as file:
            return b'"stages"' in file.read(4096) and (folder / "recipe.json").exists()
    except (OSError, ValueError):
        return False


def copy_loop(source: Path, output: Path, sources: Iterable[Path] = (), workspace: Path | None = None) -> None:
    """Copy a workspace's loop, a file or a folder of frames, whole or not at all.

    Raises:
        UserError: as `check_output`, or the copy failed.
    """
    check_output(output, sources, workspace)
    place = resolved(output)
    if source.is_dir():
        with replacing_folder(place) as temporary:
            for file in source.iterdir():
                shutil.copyfile(file, temporary / file.name)
        return
    with replacing(place) as temporary:
        shutil.copyfile(source, temporary)


def _refuse_inside(output: Path, place: Path, workspace: Path) -> None:
    """Files that a workspace does not know may lie in it, but not where it would read or delete them."""
    first = place.relative_to(workspace).parts[:1] if place.is_relative_to(workspace) else ()
    if not first or Path(first[0]).stem.casefold() in RESERVED:
        raise UserError(
            f"{shown(output)} is {'a workspace' if not first else 'what the workspace keeps for itself'}; "
            "name a place outside it"
        )


def _refuse_unwritable(output: Path, place: Path) -> None:
    folder = next(parent for parent in place.parents if parent.exists())
    if not folder.is_dir():
        raise UserError(f"cannot write {shown(output)}: {folder} is a file")
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write {shown(output)}: {shown(folder)} may not be written to")
