"""What the panel under txt2img and img2img asks for; the same dict in the panel, the API, XYZ plots and infotext."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

from t2c_ext import __version__
from t2c_ext.errors import UserError
from t2c_ext.motion.hints import parse_hints
from t2c_ext.recipe import VERSION_KEY, Recipe
from t2c_ext.settings import Setting, rows_of, setting, table
from t2c_ext.types import Regions, Stage
from t2c_ext.webui.parameters import written
from t2c_ext.wording import PAGE, REQUEST, Face, say


@dataclass(frozen=True)
class PanelSettings:
    """What only the WebUI asks for."""

    enabled: bool = setting(False, "Enabled", "Make a cinemagraph of each picture.")
    moves: str = setting(
        "given",
        "Moves",
        "In img2img: the picture that is given, or the one that is made from it.",
        choices=("given", "result"),
    )
    show_twin: bool = setting(
        False, "Show the twin", "Put the twins into the gallery, at its end, and into live previews."
    )
    grid: bool = setting(
        False,
        "Moving grid",
        "In an X/Y/Z plot: write the whole grid as a loop, too; every cell goes round once in it, all in step.",
    )


SENDS = ("files", "video", "still", "both")
"""Ways of sending a loop to an API's client: where its files are, or its video, its still or both as base64 too."""

VIDEOS, STILLS = ("video", "both"), ("still", "both")

EVERYDAY = ("enabled", "moves", "region", "motion", "twin", "natural_prompt", "frames", "fps", "speed", "format")
"""Settings that the panel always shows; the rest is under "More"."""

OF_THE_TWIN = ("twin", "feature_share", "attention_share", "injection")
"""Settings of the twin stage that hold in the WebUI too; the rest it has by itself."""

OF_THE_HOST = ("prompt", "seed")
"""Settings of other stages that the WebUI has by itself."""

OF_IMG2IMG = ("moves",)
"""Settings that have a meaning only where a picture is given."""

WITHOUT_ROOM = ("phrases", "angle")
"""Settings that only a request can change, since a panel has no room for them."""


def panel_rows(is_img2img: bool = True) -> list[Setting]:
    """The rows of the panel, in the order of its widgets.

    Args:
        is_img2img: of the panel in img2img, which has all of them; the one in txt2img lacks some.
    """
    shared = (
        row
        for row in table()
        if row.name in OF_THE_TWIN or (row.stage is not Stage.TWIN and row.name not in OF_THE_HOST + WITHOUT_ROOM)
    )
    rows = [*rows_of(Stage.TWIN, PanelSettings), *shared]
    return [row for row in rows if is_img2img or row.name not in OF_IMG2IMG]


@dataclass(frozen=True)
class Options:
    """A panel's values.

    Attributes:
        panel: what only the WebUI asks for.
        recipe: the rest.
        mask: what moves (from the API only), or None.
        send: one of `SENDS` (from the API only).
        by_request: whether they come from the API, whose sentences name fields in place of widgets.
    """

    panel: PanelSettings
    recipe: Recipe
    mask: Regions | None = field(default=None, compare=False)
    send: str = "files"
    by_request: bool = field(default=False, compare=False)

    @property
    def face(self) -> Face:
        """The words of whoever asked."""
        return face_of(self.by_request)

    def infotext(self) -> dict[str, str]:
        """What differs from the defaults, as the host's generation parameters; no painted masks, no places."""
        values = {item.name: getattr(self.panel, item.name) for item in fields(PanelSettings)}
        values |= self.recipe.shareable().values()
        rows = [row for row in panel_rows() if values[row.name] != row.default]
        return {row.infotext: written(values[row.name]) for row in rows} | {VERSION_KEY: __version__}


def read_options(
    arguments: Sequence[Any],
    chosen: Mapping[str, object] | None = None,
    defaults: Mapping[str, object] | None = None,
    is_img2img: bool = True,
) -> Options:
    """The values that a script is given: the panel's one by one, or one dict (from the API) with some of them.

    Args:
        arguments: of the script.
        chosen: values that take their place (those of a cell of an X/Y/Z plot).
        defaults: values of what a dict leaves out, where the user's defaults are not the table's.
        is_img2img: whose panel's values they are, where they come one by one.

    Raises:
        UserError: a name is unknown, a value is of the wrong type or out of range, the hints are no such document, or
            the mask is no picture or empty.
    """
    from t2c_ext.service import read_masks, refuse_places

    rows = panel_rows(is_img2img)
    by_request = bool(arguments) and isinstance(arguments[0], Mapping)
    if by_request:
        given = dict(defaults or {}) | dict(arguments[0])
    else:
        given = {row.name: value for row, value in zip(rows, arguments, strict=False) if value is not None}
    given |= dict(chosen or {})
    mask = given.pop("mask", None)
    if not isinstance(mask, str | None):
        raise UserError("Cinemagraph: mask must be a picture as base64")
    send = given.pop("send", "files")
    if send not in SENDS:
        raise UserError(f"Cinemagraph: send is {send!r}, but must be one of: {', '.join(SENDS)}")
    own = {row.name: row for row in rows_of(Stage.TWIN, PanelSettings)}
    try:
        mine = {name: own[name].check(given.pop(name)) for name in list(given) if name in own}
        refuse_places(given)
        refuse_the_hosts(given)
        recipe = Recipe().with_values(given)
        parse_hints(recipe.motion.hints)
        regions = read_masks(mask or None)
    except UserError as error:
        raise UserError(f"Cinemagraph: {say(error, face_of(by_request))}") from None
    return Options(PanelSettings(**mine), recipe, regions, send, by_request)  # type: ignore[arg-type]


def face_of(by_request: bool) -> Face:
    """The words of a request, or of the panel."""
    return REQUEST if by_request else PAGE


def refuse_the_hosts(given: Mapping[str, object]) -> None:
    """UserError where a setting has no effect here, since the WebUI makes the pictures by its own."""
    has_effect = {row.name for row in panel_rows()} | set(WITHOUT_ROOM)
    for row in table():
        if row.name in given and row.name not in has_effect:
            raise UserError("is for the WebUI itself to say, and has no effect here", setting=row.name)
