"""The names of loops that the user has not named."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path

from t2c_ext.recipe import Recipe

LONGEST_STEM = 180
"""Bytes of a stem, at most: file systems take names of 255, and endings, numbers and temporary marks come to it."""


def clipped(stem: str) -> str:
    """A stem that leaves room for what is put behind it."""
    while len(os.fsencode(stem)) > LONGEST_STEM:
        stem = stem[: max(1, len(stem) - max(1, (len(os.fsencode(stem)) - LONGEST_STEM) // 4))]
    return stem


def named(folder: Path, stem: str, recipe: Recipe) -> Path:
    """The loop's file in the recipe's format; a folder of frames has no dot in its name, which would look like one."""
    kind = recipe.loop.format
    return folder / (stem.replace(".", "_") if kind == "png" else f"{stem}.{kind}")


def free_name(stem: str, recipe: Recipe) -> Path:
    """A name where the user is that nothing has yet."""
    tails = chain(("-loop",), (f"-loop-{number}" for number in count(2)))
    names = (named(Path(), clipped(stem) + tail, recipe) for tail in tails)
    return next(name for name in names if not os.path.lexists(name))


def pictures_in(folder: Path) -> list[Path]:
    """The pictures of a folder, by name; hidden files, AppleDouble's `._x` among them, are none."""
    from t2c_ext.media.formats import ENDINGS

    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()
    )


def names_of(pictures: Iterable[Path]) -> dict[Path, str]:
    """A name for each picture's loop: its stem, and where several have one, the ending with it.

    Names that differ only in case or in how accents are composed count as the same, as they do on many disks.
    """
    pictures = list(pictures)
    shared = Counter(folded(clipped(path.stem)) for path in pictures)
    names = {path: clipped(path.stem) for path in pictures if shared[folded(clipped(path.stem))] == 1}
    taken = {folded(name) for name in names.values()}
    for path in pictures:
        if path not in names:
            names[path] = next(name for name in _candidates(path) if folded(name) not in taken)
            taken.add(folded(names[path]))
    return names


def _candidates(path: Path) -> Iterator[str]:
    stem = f"{clipped(path.stem)}-{path.suffix[1:].lower()}"
    yield stem
    yield from (f"{stem}-{number}" for number in count(2))


def folded(name: str) -> str:
    """A name as disks compare it that tell neither case nor the composition of accents apart."""
    return unicodedata.normalize("NFC", name).casefold()
