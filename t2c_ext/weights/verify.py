"""Are the models that are here still what they were?"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from t2c_ext.progress import Reporter
from t2c_ext.weights import language
from t2c_ext.weights.catalogue import Model, catalogue, model_named
from t2c_ext.weights.checksums import read_checksums
from t2c_ext.weights.fetch import sha256_of
from t2c_ext.weights.find import find_model
from t2c_ext.weights.places import Places

_DIGEST = re.compile(r"[0-9a-f]{64}")


class State(str, Enum):
    """What `verify` says of a model."""

    WHOLE = "whole"
    READABLE = "readable"
    DAMAGED = "damaged"
    MISSING = "missing"


@dataclass(frozen=True)
class Verdict:
    """One model, verified.

    Attributes:
        name: its name.
        state: whole (every checksum agrees), readable (no checksum is known for some file, but its structure is
            sound), damaged or missing.
        detail: which file, and why.
    """

    name: str
    state: State
    detail: str = ""

    def line(self) -> str:
        """One line for the user."""
        return f"{self.name}: {self.state.value}" + (f" ({self.detail})" if self.detail else "")


def verify_models(
    names: Sequence[str] = (), places: Places | None = None, reporter: Reporter | None = None
) -> list[Verdict]:
    """Compare models with their checksums.

    Args:
        names: names of the catalogue; every model that is here when empty.
        places: where models lie.
        reporter: progress in bytes, with the model's name as the stage, and cancellation.

    Returns:
        One verdict for each.

    Raises:
        UserError: a name is not in the catalogue.
    """
    places, reporter = places or Places(), reporter or Reporter()
    models = [model_named(name) for name in names] or list(catalogue())
    verdicts = [_verify(model, places, reporter) for model in models]
    return [row for row in verdicts if names or row.state is not State.MISSING]


def _verify(model: Model, places: Places, reporter: Reporter) -> Verdict:
    if model.library:
        here = language.is_installed(model.name, model.library)
        return Verdict(model.name, State.READABLE if here else State.MISSING)
    found = find_model(model.name, places)
    if found is None:
        return Verdict(model.name, State.MISSING)
    folder = found.parent if model.single else found
    known = read_checksums(folder)
    files = [found] if model.single else _files(model, folder, known)
    unknown: list[str] = []
    for path in files:
        name = path.relative_to(folder).as_posix()
        expected = model.sha256.get(name) or known.get(name) or _cached_digest(path)
        fault = _fault(path) if not expected else _difference(path, expected, model, reporter)
        if fault:
            return Verdict(model.name, State.DAMAGED, f"{path}: {fault}; delete it and download it again")
        if not expected:
            unknown.append(name)
    if unknown:
        return Verdict(model.name, State.READABLE, f"no checksum is known for {', '.join(unknown)}")
    return Verdict(model.name, State.WHOLE, str(found))


def _files(model: Model, folder: Path, known: dict[str, str]) -> list[Path]:
    """What is needed of the folder, and what was downloaded into it."""
    names = [next(name for name in need.split(" | ") if (folder / name).is_file()) for need in model.needs]
    return [folder / name for name in dict.fromkeys((*names, *(name for name in known if (folder / name).is_file())))]


def _difference(path: Path, expected: str, model: Model, reporter: Reporter) -> str:
    digest = sha256_of(path, lambda here, total: reporter.step(model.name, here, total))
    return "" if digest.startswith(expected) else "its checksum differs"


def _cached_digest(path: Path) -> str:
    """The sha256 that the hub's cache names its large files by, or ""."""
    name = path.resolve().name
    return name if _DIGEST.fullmatch(name) else ""


def _fault(path: Path) -> str:
    """What is wrong with a file's structure, or ""; for files without a known checksum."""
    try:
        if path.suffix == ".safetensors":
            return _safetensors_fault(path)
        if path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                broken = archive.testzip()
            return f"{broken} is damaged" if broken else ""
        elif path.suffix in (".pth", ".bin", ".ckpt", ".pt"):
            return "it is truncated, or older than the checkpoints that torch writes now"
    except (OSError, ValueError, zipfile.BadZipFile) as error:
        return str(error).splitlines()[0]
    return ""


def _safetensors_fault(path: Path) -> str:
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        size = path.stat().st_size
        if 8 + length > size:
            return "it is truncated"
        header = json.loads(file.read(length))
    end = max((row["data_offsets"][1] for name, row in header.items() if name != "__metadata__"), default=0)
    return "" if 8 + length + end == size else "it is truncated"
