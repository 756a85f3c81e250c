"""The rows of a batch: one cinemagraph each, from a list in a file, a folder of pictures, or Python's own values.

A list is JSON Lines, CSV (also TSV) or plain text with one prompt in a line. Files that it names are sought beside it.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from t2c_ext.documents import parse_document, read_text
from t2c_ext.errors import RUN, UserError, Way
from t2c_ext.motion.hints import parse_hints
from t2c_ext.naming import clipped, names_of, pictures_in
from t2c_ext.outputs import is_workspace
from t2c_ext.recipe import Recipe
from t2c_ext.settings import Value, table

FILES = ("picture", "natural", "mask", "flow", "depth")
"""What a row names as files, apart from the settings; `mask` may be several by name."""

NAME, ARROWS = "name", "arrows"

MASK_OF = "mask."
"""How a CSV's column begins that has the mask of a region, such as "mask.river"."""

LONGEST_NAME = 60
"""Letters of a name that is made from a prompt."""

LONGEST_LIST = 1_000_000_000
"""Bytes of a list."""

KINDS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "csv", ".txt": "text"}

Masks = str | Mapping[str, str] | None


@dataclass(frozen=True)
class Row:
    """One cinemagraph that is asked for.

    Attributes:
        label: how messages name it, such as "prompts.csv, line 3".
        wanted: the name that its files should have.
        recipe: all settings.
        picture: the file or address of the picture that moves, or None to make it.
        natural: of its natural-looking twin, or None.
        masks: of what moves, one or several by name, or None.
        flow: of a flow, or None.
        depth: of what a camera passes, or None.
        group: rows of one group were one row before a sweep multiplied it.
        swept: the settings that the sweep gave it.
    """

    label: str
    wanted: str
    recipe: Recipe
    picture: str | None = None
    natural: str | None = None
    masks: Masks = None
    flow: str | None = None
    depth: str | None = None
    group: int = 0
    swept: Mapping[str, Value] = field(default_factory=dict)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file or address that it names."""
        return files_of(self.picture, self.natural, self.masks, self.flow, self.depth)


def files_of(
    picture: str | None, natural: str | None, masks: Masks, flow: str | None, depth: str | None
) -> tuple[str, ...]:
    """Every file or address among what a row names."""
    several = masks.values() if isinstance(masks, Mapping) else (masks,)
    return tuple(name for name in (picture, natural, *several, flow, depth) if name is not None)


@dataclass(frozen=True)
class Broken:
    """A row that cannot be made.

    Attributes:
        label: as a row's.
        wanted: the name that it would have had.
        reason: one line that says what is wrong with it.
    """

    label: str
    wanted: str
    reason: str


def read_list(
    place: Path, base: Recipe, masks: Masks = None, flow: str | None = None, depth: str | None = None
) -> list[Row | Broken]:
    """The rows of a list or of a folder of pictures.

    Args:
        place: a `.jsonl`, `.csv`, `.tsv` or `.txt` file, or a folder.
        base: the settings of whatever a row does not name.
        masks: what moves in rows that name no mask.
        flow: the flow of rows that name none.
        depth: likewise.

    Raises:
        UserError: it cannot be read, is of no such kind, or has no rows.
    """
    reader = _Reader(base, place.parent, masks, flow, depth)
    if place.is_dir():
        rows = _of_folder(place, reader)
    else:
        kind = KINDS.get(place.suffix.lower())
        if kind is None:
            raise UserError(
                f"{place} is no list: give a .jsonl, .csv or .txt file, or a folder of pictures"
                + ("" if place.exists() else "; and there is no such file")
            )
        text = read_text(place, LONGEST_LIST)
        rows = list({"jsonl": _of_lines, "csv": _of_table, "text": _of_prompts}[kind](place, text, reader))
    if not rows:
        raise UserError(f"{place} holds no {'pictures' if place.is_dir() else 'rows'}")
    return rows


def rows_from(values: Iterable[Mapping[str, Any] | str | os.PathLike[str]], base: Recipe) -> list[Row | Broken]:
    """The rows of Python's values: mappings as a line of JSON has them, texts (prompts) and paths (pictures).

    Args:
        values: of each row.
        base: the settings of whatever a row does not name.
    """
    reader = _Reader(base, Path())
    return [reader.row(_as_mapping(value), f"row {number}") for number, value in enumerate(values, 1)]


def _as_mapping(value: Mapping[str, Any] | str | os.PathLike[str]) -> dict[str, Any]:
    if isinstance(value, str):
        return {"prompt": value}
    if isinstance(value, os.PathLike):
        return {"picture": value}
    return dict(value)


def _of_folder(folder: Path, reader: _Reader) -> list[Row | Broken]:
    if is_workspace(folder):
        raise UserError(
            f"{folder} is a workspace, not a folder of pictures", ways=[Way("run it by itself", RUN, str(folder))]
        )
    pictures = pictures_in(folder)
    if not pictures:
        raise UserError(f"{folder} holds no pictures")
    names = names_of(pictures)
    return [reader.row({"picture": path.resolve(), NAME: names[path]}, str(path)) for path in pictures]


def _of_lines(place: Path, text: str, reader: _Reader) -> Iterator[Row | Broken]:
    for number, line in enumerate(text.split("\n"), 1):
        label = f"{place.name}, line {number}"
        if line.strip():
            try:
                document = parse_document(line, "the row")
            except UserError as error:
                yield Broken(label, f"line-{number}", str(error).replace(" (line 1)", ""))
            else:
                yield reader.row(document, label)


def _of_prompts(place: Path, text: str, reader: _Reader) -> Iterator[Row | Broken]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield reader.row({"prompt": line.strip()}, f"{place.name}, line {number}")


def _of_table(place: Path, text: str, reader: _Reader) -> Iterator[Row | Broken]:
    header, *_ = text.split("\n", 1)
    divider = "\t" if place.suffix.lower() == ".tsv" else max(",;\t", key=header.count)
    lines = csv.reader(io.StringIO(text), delimiter=divider)
    try:
        names = [name.strip() for name in next(lines, [])]
        _check_header(place, names)
        for cells in lines:
            if any(cell.strip() for cell in cells):
                yield _of_cells(names, cells, f"{place.name}, line {lines.line_num}", reader)
    except csv.Error as error:
        raise UserError(f"{place}, line {lines.line_num}: it is no CSV: {error}") from None


def _check_header(place: Path, names: Sequence[str]) -> None:
    """Refuse a table whose columns nobody knows: no row of it could be meant."""
    known = {*FILES, "image", NAME, ARROWS, *(row.name for row in table())}
    unknown = next((name for name in names if name not in known and not name.startswith(MASK_OF)), None)
    if unknown is not None:
        raise UserError(f"{place}, line 1: there is no setting called {unknown!r}; the first line names the columns")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{place}, line 1: the column {twice!r} is there twice")


def _of_cells(names: Sequence[str], cells: Sequence[str], label: str, reader: _Reader) -> Row | Broken:
    if len(cells) > len(names) and any(cell.strip() for cell in cells[len(names) :]):
        return Broken(label, _slug(label), f"it has {len(cells)} cells, but there are {len(names)} columns")
    given: dict[str, Any] = {
        name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip() and name
    }
    masks = {name.removeprefix(MASK_OF): given.pop(name) for name in list(given) if name.startswith(MASK_OF)}
    if masks and "mask" in given:
        return Broken(label, _slug(label), f'it has a mask and masks by name; name them all, such as "{MASK_OF}river"')
    return reader.row(given | ({"mask": masks} if masks else {}), label)


@dataclass(frozen=True)
class _Reader:
    """Makes rows of what a list says of them.

    Attributes:
        base: the settings of whatever a row does not name.
        folder: where the files lie that rows name.
        masks, flow, depth: of rows that name none.
    """

    base: Recipe
    folder: Path
    masks: Masks = None
    flow: str | None = None
    depth: str | None = None

    def row(self, given: Mapping[str, Any], label: str) -> Row | Broken:
        """The row, or why it cannot be made."""
        try:
            return self._row(dict(given), label)
        except UserError as error:
            return Broken(label, _wanted(given, label), str(error))

    def _row(self, given: dict[str, Any], label: str) -> Row:
        wanted = _wanted(given, label)
        given.pop(NAME, None)
        if "image" in given:
            given.setdefault("picture", given.pop("image"))
        picture, natural, flow, depth = (
            self._file(given.pop(name, None), name) for name in ("picture", "natural", "flow", "depth")
        )
        masks = self._masks(given.pop("mask", None))
        for name in (ARROWS, "hints"):
            if name in given:
                given["hints"] = self._hints(given.pop(name))
        recipe = self.base.with_values(given) if given else self.base
        if picture is None and not recipe.prompt.prompt.strip():
            raise UserError("it names neither a picture nor a prompt")
        if picture is None:
            recipe = recipe.with_some_model(given)
        parse_hints(recipe.motion.hints)
        return Row(label, wanted, recipe, picture, natural, masks or self.masks, flow or self.flow, depth or self.depth)

    def _masks(self, given: Any) -> Masks:
        if isinstance(given, Mapping):
            named = {str(name): self._file(value, "mask") for name, value in given.items()}
            found = {name: file for name, file in named.items() if file is not None}
            if not found:
                raise UserError("there is no mask in its masks")
            return found
        return self._file(given, "mask")

    def _file(self, given: Any, what: str) -> str | None:
        """The absolute path of a file that is there, or an address as it is."""
        if given is None or given == "":
            return None
        if not isinstance(given, (str, os.PathLike)):
            raise UserError(f"its {what} is of type {type(given).__name__}; name a file")
        name = os.fspath(given)
        if is_address(name):
            return name
        path = Path(os.path.abspath(self.folder / name))
        try:
            there = path.is_file() or (what == "mask" and path.exists())
        except (OSError, ValueError):
            there = False
        if not there:
            raise UserError(f"cannot read its {what} {name}: there is no such file")
        return str(path)

    def _hints(self, given: Any) -> str:
        """The document itself; a name of a file gives what is in it."""
        if not isinstance(given, str):
            raise UserError("its arrows must be a text: the name of a file, or the document itself")
        return read_text(self.folder / given) if given.strip() and not given.lstrip().startswith("{") else given


def is_address(name: str) -> bool:
    """Whether a name is an address of a storage, such as "s3://bucket/picture.png"."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+(::|://)", name) is not None


def _wanted(given: Mapping[str, Any], label: str) -> str:
    """The row's own name, else its picture's, else one of the prompt's first words."""
    name, picture = given.get(NAME), given.get("picture", given.get("image"))
    if isinstance(name, (str, int)) and not isinstance(name, bool) and str(name).strip():
        return _slug(str(name), plain=False)
    if isinstance(picture, (str, os.PathLike)) and os.fspath(picture):
        return _slug(Path(os.fspath(picture)).stem, plain=False)
    words = "-".join(re.findall(r"\w+", str(given.get("prompt", "")).lower()))[:LONGEST_NAME].strip("-")
    return words or _slug(label)


def _slug(text: str, plain: bool = True) -> str:
    """A text as a file's name: no separators, no controls, nothing that a system keeps for itself."""
    kept = re.sub(r"[^\w.-]+" if plain else r'[\x00-\x1f/\\:*?"<>|]+', "-", text).strip(" .-")
    return clipped(kept) or "cinemagraph"
