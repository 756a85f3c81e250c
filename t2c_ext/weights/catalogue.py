"""The models that this package can use, read from one table: catalogue.toml."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.tables import packaged_table


@dataclass(frozen=True)
class Model:
    """One row of the catalogue. An empty value is one that could not be verified.

    Attributes:
        name: what `t2c models` calls it, and the folder that a download makes.
        purpose: what it is for, a few words.
        licence: of the weights.
        megabytes: of the download; 0 when unknown.
        folders: the folders, below one that is searched, in which it may lie.
        needs: the files that make it whole; "a | b" means that either does, the first preferred.
        single: it is one file, the first of `needs`, not a folder.
        hub: the hub's "owner/name", or "".
        revision: the hub's commit; "" stands for the newest.
        drive: Google Drive's id of an archive that holds it, or "".
        archive: the archive's name, where the source is one.
        url: its address, where it is neither on the hub nor on Google Drive.
        library: "nltk" or "spacy" for a language model, which that library fetches and finds.
        sha256: checksum by file name, where its maker published it.
        notes: what the user should know before a download.
    """

    name: str
    purpose: str
    licence: str = ""
    megabytes: float = 0.0
    folders: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    single: bool = False
    hub: str = ""
    revision: str = ""
    drive: str = ""
    archive: str = ""
    url: str = ""
    library: str = ""
    sha256: dict[str, str] = field(default_factory=dict)
    notes: str = ""

    @property
    def source(self) -> str:
        """Where it comes from, as an address that a person can open."""
        if self.hub:
            return f"https://huggingface.co/{self.hub}"
        if self.drive:
            return f"https://drive.google.com/uc?id={self.drive}"
        return self.url or {"nltk": "https://www.nltk.org/data.html", "spacy": "https://spacy.io/models"}[self.library]


@lru_cache(maxsize=1)
def catalogue() -> tuple[Model, ...]:
    """Every model, in the order of the table."""
    return tuple(_model(row) for row in packaged_table("t2c_ext.weights", "catalogue.toml")["model"])


def model_named(name: str) -> Model:
    """The model of that name.

    Raises:
        UserError: the catalogue has none.
    """
    for model in catalogue():
        if model.name == name:
            return model
    raise UserError(f"there is no model called {name!r}; there are {', '.join(model.name for model in catalogue())}")


def _model(row: dict[str, Any]) -> Model:
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in row.items()}
    values.setdefault("folders", (values["name"],))
    return Model(**values)
