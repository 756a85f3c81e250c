"""What is here, and what could be."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from t2c_ext.weights import language
from t2c_ext.weights.catalogue import Model, catalogue
from t2c_ext.weights.find import find_model
from t2c_ext.weights.places import Places


@dataclass(frozen=True)
class Row:
    """One model of the list.

    Attributes:
        model: its row in the catalogue.
        here: whether it can be used.
        path: where it lies; None for one that is missing, and for a language model.
    """

    model: Model
    here: bool
    path: Path | None = None

    def line(self) -> str:
        """One line for the user: name, here or missing, purpose, size, licence, place or source."""
        model = self.model
        size = f"{model.megabytes:.0f} MB" if model.megabytes else "size unknown"
        licence = model.licence or "licence: see its page"
        where = str(self.path) if self.path else "" if self.here else model.source
        facts = [model.purpose, size, licence, where, model.notes]
        return f"{model.name}: {'here' if self.here else 'missing'} ({'; '.join(fact for fact in facts if fact)})"


def list_models(places: Places | None = None) -> list[Row]:
    """Every model of the catalogue, in its order."""
    rows = []
    for model in catalogue():
        if model.library:
            rows.append(Row(model, language.is_installed(model.name, model.library)))
        else:
            path = find_model(model.name, places)
            rows.append(Row(model, path is not None, path))
    return rows
