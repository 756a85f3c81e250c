"""Where a finished loop goes: beside its still, for which the host finds a name by the user's patterns."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from t2c_ext.atomic import replacing_folder
from t2c_ext.errors import UserError
from t2c_ext.media.metadata import read_text
from t2c_ext.media.ownership import is_our_file, is_our_folder
from t2c_ext.media.posters import poster_path, write_poster
from t2c_ext.media.text import PARAMETERS
from t2c_ext.temporaries import sweep, temporary_name
from t2c_ext.types import Loop, Picture
from t2c_ext.webui.preferences import loops_folder

if TYPE_CHECKING:
    from t2c_ext.webui.loops import Shot


@contextmanager
def unfinished(processing: Any) -> Iterator[Path]:
    """A folder for what is not whole yet, on the disk where loops go; gone afterwards.

    Raises:
        UserError: it cannot be made.
    """
    place = Path(loops_folder(processing.outpath_samples))
    try:
        place.mkdir(parents=True, exist_ok=True)
        sweep(place)
        folder = place / temporary_name(place / "cinemagraph")
        folder.mkdir()
    except OSError as error:
        raise UserError(f"cannot write to {place}: {error.strerror or error}") from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def keep(processing: Any, shot: Shot, loop: Loop, art: Picture) -> Path:
    """Let the host save the still, with the files that the user wants beside pictures; then put the loop beside it.

    Args:
        processing: the host's processing object.
        shot: whose loop it is.
        loop: whole, in a folder of its own on the same disk.
        art: what the still shows.

    Returns:
        The loop's place.
    """
    from modules import images

    still = loop.poster or write_poster(poster_path(loop.path), art, read_text(loop.path))
    suffix = loop.path.suffix
    with _fitting_names(processing, suffix):
        saved, _ = images.save_image(
            shot.art.copy(),  # Forge writes the parameters into the transparency of what it is given
            loops_folder(processing.outpath_samples),
            "",
            shot.seed,
            shot.prompt,
            "png",
            info=read_text(still).get(PARAMETERS, ""),
            p=processing,
            suffix="-cinemagraph",
        )
    still.replace(saved)  # it carries the recipe, and its transparency is its own
    place = beside(Path(saved), suffix)
    if place.is_dir():
        with replacing_folder(place) as temporary:
            for file in loop.path.iterdir():
                file.replace(temporary / file.name)
    else:
        loop.path.replace(place)
    return place


def beside(still: Path, suffix: str) -> Path:
    """The loop's place; a folder of frames has no suffix, and no dot in its name, which would look like one."""
    return still.with_suffix(suffix) if suffix else still.with_name(still.stem.replace(".", "_"))


def fitting(still: Path, suffix: str) -> Path:
    """The still's place where it and its loop can have the same name, and overwrite only what the user lets go."""
    named = still.with_name(beside(still, suffix).stem + still.suffix)
    found, number = named, 0
    while _is_kept(found, suffix):
        number += 1
        found = named.with_name(f"{named.stem}-{number}{named.suffix}")
    return found


def _is_kept(still: Path, suffix: str) -> bool:
    from modules import shared

    loop = beside(still, suffix)
    if getattr(shared.opts, "save_images_replace_action", "Replace") == "Replace":
        return loop.exists() and not (is_our_folder(loop) or is_our_file(loop))
    return still.exists() or loop.exists()


@contextmanager
def _fitting_names(processing: Any, suffix: str) -> Iterator[None]:
    """While it is active, the host saves this generation's pictures under names that fit their loops."""
    from modules import script_callbacks

    def rename(params: Any) -> None:
        if params.p is processing:
            params.filename = str(fitting(Path(params.filename), suffix))

    script_callbacks.on_before_image_saved(rename, name="cinemagraph")
    try:
        yield
    finally:
        script_callbacks.remove_callbacks_for_function(rename)
