"""What the panel under txt2img and img2img asks for; the same dict in the panel, the API, XYZ plots and infotext."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from t2c_ext.errors import UserError
from t2c_ext.recipe import Recipe
from t2c_ext.settings import Setting, rows_of, setting, table
from t2c_ext.types import Stage


@dataclass(frozen=True)
class PanelSettings:
    """What only the WebUI asks for."""

    enabled: bool = setting(False, "Enabled", "Make a cinemagraph of each picture.")
    twin: bool = setting(
        True, "Twin", "Sample a natural-looking twin along with each picture, in which the region is found."
    )
    twin_prompt: str = setting("", "Twin prompt", "Empty: the prompt's nouns, and natural terms.")
    show_twin: bool = setting(
        False, "Show the twin", "Put the twin into the gallery, after the picture.", advanced=True
    )


OF_THE_TWIN = ("twin", "feature_share", "attention_share", "injection")
"""Settings of the twin stage that hold in the WebUI too; the rest it has by itself."""

OF_THE_HOST = ("prompt", "seed", "phrases", "angle", "hints")
"""Settings that the WebUI has by itself, or that a panel has no room for."""


def panel_rows() -> list[Setting]:
    """The rows of the panel, in the order of its widgets."""
    shared = (
        row
        for row in table()
        if row.name in OF_THE_TWIN or (row.stage is not Stage.TWIN and row.name not in OF_THE_HOST)
    )
    return [*rows_of(Stage.TWIN, PanelSettings), *shared]


@dataclass(frozen=True)
class Options:
    """A panel's values.

    Attributes:
        panel: what only the WebUI asks for.
        recipe: the rest.
        mask: what moves, as base64 (from the API only), or "".
    """

    panel: PanelSettings
    recipe: Recipe
    mask: str = ""

    def infotext(self) -> dict[str, str]:
        """What differs from the defaults, as the host's generation parameters."""
        values = {item.name: getattr(self.panel, item.name) for item in fields(PanelSettings)} | self.recipe.values()
        rows = [row for row in panel_rows() if values[row.name] != row.default]
        return {row.infotext: str(values[row.name]) for row in rows}


def read_options(arguments: Sequence[Any]) -> Options:
    """The values that a script is given: the panel's one by one, or one dict (from the API) with some of them.

    Raises:
        UserError: a name is unknown, or a value is of the wrong type or out of range.
    """
    rows = panel_rows()
    if arguments and isinstance(arguments[0], Mapping):
        given = dict(arguments[0])
    else:
        given = {row.name: value for row, value in zip(rows, arguments, strict=False) if value is not None}
    mask = given.pop("mask", "")
    if not isinstance(mask, str):
        raise UserError("Cinemagraph: mask must be a picture as base64")
    own = {row.name: row for row in rows_of(Stage.TWIN, PanelSettings)}
    mine = {name: own[name].check(given.pop(name)) for name in list(given) if name in own}
    try:
        return Options(PanelSettings(**mine), Recipe().with_values(given), mask)  # type: ignore[arg-type]
    except UserError as error:
        raise UserError(f"Cinemagraph: {error}") from None
