"""The still beside a loop."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from t2c_ext.atomic import replacing
from t2c_ext.errors import UserError
from t2c_ext.media.metadata import read_text
from t2c_ext.media.ownership import same_place
from t2c_ext.media.pictures import write_picture
from t2c_ext.media.text import RECIPE
from t2c_ext.types import Picture


def poster_path(video: Path, sources: Iterable[Path] = ()) -> Path:
    """The loop's name with `.png`, or with `-poster.png` (`-poster-2.png` ...) where another's picture has it.

    A still is replaced only with its own loop: it has to be asked for before the loop is written.

    Args:
        video: the loop, which may be there already, from an earlier run.
        sources: files that the run reads.
    """
    sources = tuple(sources)
    before = _recipe_of(video)
    return next(path for path in _names(video) if _is_free(path, before, sources))


def write_poster(poster: Path, still: Picture, text: Mapping[str, str]) -> Path:
    """Write the still, with the text; return its path."""
    write_picture(poster, still.levels, still.alpha, text)
    return poster


@contextmanager
def poster_beside(poster: Path | None, still: Picture, text: Mapping[str, str]) -> Iterator[None]:
    """Write the still first, and give it its name when the block, which writes the loop, has ended well.

    So a loop is never left with the still of the one before it. `poster` is None for loops that have none.

    Raises:
        UserError: it cannot be written.
    """
    if poster is None:
        yield
        return
    with replacing(poster) as temporary:
        write_picture(temporary, still.levels, still.alpha, text)
        yield


def _names(video: Path) -> Iterator[Path]:
    yield video.with_suffix(".png")
    yield video.with_name(f"{video.stem}-poster.png")
    yield from (video.with_name(f"{video.stem}-poster-{number}.png") for number in count(2))


def _is_free(poster: Path, before: str | None, sources: tuple[Path, ...]) -> bool:
    if any(same_place(poster, source) for source in sources):
        return False
    if not poster.exists() and not poster.is_symlink():
        return True
    return before is not None and not poster.is_symlink() and _recipe_of(poster) == before


def _recipe_of(path: Path) -> str | None:
    """The recipe in a loop or a still of ours; None in anything else."""
    try:
        return read_text(path).get(RECIPE) if path.is_file() else None
    except (UserError, OSError):
        return None
