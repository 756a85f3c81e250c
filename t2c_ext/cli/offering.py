"""Where nothing was found surely: what may be chosen from, drawn beside the output."""

from __future__ import annotations

import filecmp
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from t2c_ext.errors import UserError
from t2c_ext.naming import clipped

if TYPE_CHECKING:
    from t2c_ext.region.find import RegionNotFound


@contextmanager
def offering(output: Path) -> Iterator[None]:
    """Inside the context, a question which region is meant comes with pictures: masks, and all of them in one.

    They lie in a new folder beside the output, or in one that an earlier run has left with the very same files; where
    none can be written, the question is asked without.

    Args:
        output: the file or folder that was to be written.
    """
    try:
        yield
    except UserError as error:
        from t2c_ext.region.find import RegionNotFound
        from t2c_ext.results import OVERVIEW

        if not isinstance(error, RegionNotFound) or error.shown or error.picture is None or not error.candidates:
            raise
        folder = None
        with suppress(UserError, OSError):
            folder = _draw(output, error)
        raise (error if folder is None else error.shown_in(folder / OVERVIEW)) from None


def _draw(output: Path, question: RegionNotFound) -> Path:
    """The folder with the offers."""
    from t2c_ext.atomic import replacing_folder
    from t2c_ext.results import write_offers

    assert question.picture is not None
    stem = f"{clipped(output.stem or output.name)}-offers"
    with TemporaryDirectory() as made:
        write_offers(Path(made), question.picture, question.candidates)
        for number in count(1):
            folder = output.with_name(stem if number == 1 else f"{stem}-{number}")
            if _are_alike(folder, Path(made)):
                return folder
            if not os.path.lexists(folder):
                break
        with replacing_folder(folder) as temporary:
            shutil.copytree(made, temporary, dirs_exist_ok=True)
    return folder


def _are_alike(folder: Path, other: Path) -> bool:
    """Whether both hold the same files, byte for byte."""
    if not folder.is_dir() or folder.is_symlink():
        return False
    names = sorted(os.listdir(other))
    return sorted(os.listdir(folder)) == names and not any(filecmp.cmpfiles(folder, other, names, shallow=False)[1:])
