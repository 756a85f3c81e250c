"""What may import what: the rules of docs/architecture.md, read from the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = "t2c_ext"

FLOORS = (
    ("errors", "compass", "console", "jit", "temporaries", "keys", "keeper", "tables", "curves", "markup"),
    ("pipes",),
    ("types", "progress", "atomic", "documents", "arrays"),
    ("extents",),
    ("settings", "lexicon", "media", "weights", "example"),
    ("prompt", "twin", "region", "motion", "loop", "wording"),
    ("recipe", "evaluate", "outputs"),
    ("results", "records", "naming"),
    ("workspace", "stages"),
    ("jobs", "shelf"),
    ("pipeline", "worker"),
    ("batch",),
    ("api", "service", "export"),
    ("demo", "ui"),
    ("app", "webui"),
    ("cli",),
    ("__main__",),
)
"""The rooms from the ground up: each imports only from floors below its own."""

OWNERS = {
    "gradio": ("ui", "webui", "app"),
    "modules": ("webui",),
    "modules_forge": ("webui",),
    "backend": ("webui",),
    "fastapi": ("webui",),
    "starlette": ("webui", "app"),
    "diffusers": ("twin",),
    "nltk": ("prompt", "weights"),
    "spacy": ("prompt", "weights"),
    "ray": ("batch",),
    "fsspec": ("batch",),
    "jinja2": ("batch",),
}
"""Packages that only some rooms may import."""

DOORS = (
    "cli",
    "api",
    "service",
    "export",
    "jobs",
    "stages",
    "pipeline",
    "workspace",
    "evaluate",
    "recipe",
    "demo",
    "app",
    "batch",
)
"""Rooms that are imported before it is known whether a network runs."""

HEAVY = ("torch", "diffusers", "transformers", "gradio", "nltk", "spacy", "modules", "ray", "fsspec", "jinja2")
"""Packages that a door loads only inside of functions: slow to import, or not installed."""


@dataclass(frozen=True)
class Import:
    """One import statement's module; `late` inside of a function."""

    module: str
    name: str
    late: bool


@cache
def imports() -> dict[str, tuple[Import, ...]]:
    """The imports of each of our modules, without those for type checkers only."""
    found = {}
    for file in sorted((ROOT / PACKAGE).rglob("*.py")):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        found[module] = tuple(_imports_in(ast.parse(file.read_text(encoding="utf-8")), late=False))
    return found


def _imports_in(node: ast.AST, late: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        if isinstance(child, ast.Import):
            yield from (Import(alias.name, "", late) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, f"imports are absolute here: {ast.unparse(child)}"
            yield from (Import(str(child.module), alias.name, late) for alias in child.names)
        yield from _imports_in(child, late or isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)))


def room(module: str) -> str:
    """The room that a module stands in: `t2c_ext.loop.blend` in `loop`; "" for the package itself."""
    return module.split(".")[1] if "." in module else ""


def floor(name: str) -> int:
    """The floor of a room, from 0 on."""
    for number, rooms in enumerate(FLOORS):
        if name in rooms:
            return number
    pytest.fail(f"{name} is a new room: say on which floor of FLOORS it stands, and in docs/architecture.md what it is")


def test_no_import_runs_upward_or_sideways() -> None:
    """Stages stand on one floor: none knows another."""
    wrong = [
        f"{module} imports {row.module}"
        for module, rows in imports().items()
        for row in rows
        if row.module.startswith(f"{PACKAGE}.") and room(module) not in ("", room(row.module))
        if floor(room(row.module)) >= floor(room(module))
    ]
    assert wrong == []


def test_every_room_of_the_floors_is_there() -> None:
    rooms = {room(module) for module in imports()} - {""}
    assert rooms == {name for row in FLOORS for name in row}


@pytest.mark.parametrize("package", OWNERS)
def test_only_its_rooms_import_a_package(package: str) -> None:
    wrong = [
        f"{module} imports {row.module}"
        for module, rows in imports().items()
        for row in rows
        if row.module.partition(".")[0] == package and room(module) not in OWNERS[package]
    ]
    assert wrong == []


def test_a_door_loads_nothing_heavy() -> None:
    wrong = []
    for door in (module for module in imports() if room(module) in DOORS):
        for module in _loaded_with(door):
            wrong += [f"{door} loads {module}, which loads {row.module}" for row in _heavy_at_once(module)]
    assert wrong == []


def test_the_webui_s_start_loads_nothing_that_makes_cinemagraphs() -> None:
    slow = ("scipy", "numba", "skimage", "av", "torch", "diffusers", "transformers")
    loaded = _loaded_with("t2c_ext.webui.register") | _loaded_with("t2c_ext.webui.script")
    assert [f"{one} loads {row.module}" for one in loaded for row in imports()[one] if _is_one(row, slow)] == []
    page = _loaded_with("t2c_ext.ui.blocks")
    assert [f"{one} loads {row.module}" for one in page for row in imports()[one] if _is_one(row, slow[:3])] == []


def _is_one(row: Import, packages: tuple[str, ...]) -> bool:
    return not row.late and row.module.partition(".")[0] in packages


def _heavy_at_once(module: str) -> list[Import]:
    return [row for row in imports()[module] if not row.late and row.module.partition(".")[0] in HEAVY]


def _loaded_with(module: str) -> set[str]:
    """The modules that are loaded when this one is."""
    seen, waiting = set(), [module]
    while waiting:
        one = waiting.pop()
        if one in seen or one not in imports():
            continue
        seen.add(one)
        waiting += [part for row in imports()[one] if not row.late for part in (row.module, f"{row.module}.{row.name}")]
    return seen


SAME_NAME = {
    "__init__": "what Python asks of a package",
    "choose": "makes what a stage's settings name: the twin's source, the segmenter, the flow, the frames",
    "paper": "does in a stage what the paper's code does",
    "load": "opens a network",
    "find": "from a name to where it is: a thing in a picture, a model on the disk",
    "base": "the interface of the modules beside it",
    "source": "what gives twins, and diffusers as one",
    "session": "hooks on a UNet for one run: the twin's, and the grounding's",
    "render": "a way from a still and a field to frames: our own, and the paper's network",
    "laws": "motions that do not flow: in words, and by region",
    "camera": "the camera's motion: in words, and over a depth map",
    "painted": "regions that the user painted, found and moving",
    "masks": "a mask in a file, and how well one agrees with another",
    "structure": "that large shapes stay: how it is done, and how it is measured",
}
"""Names that several files of the rooms below the faces may have, each for one thing."""

FACES = ("cli", "app", "ui", "webui", "batch")
"""They name a module after what it is the face of."""


def test_two_files_have_one_name_only_where_they_are_one_thing() -> None:
    rooms: dict[str, list[str]] = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        place = path.relative_to(ROOT / PACKAGE)
        if place.parts[0] not in FACES:
            rooms.setdefault(path.stem, []).append(str(place))
    twice = {name: places for name, places in rooms.items() if len(places) > 1}
    assert {name: places for name, places in twice.items() if name not in SAME_NAME} == {}
    assert set(SAME_NAME) <= set(twice), "a name that recurs no more"
