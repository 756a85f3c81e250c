"""A recipe is a full set of settings; it reads and writes JSON and infotext."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from t2c_ext.documents import parse_document, read_text
from t2c_ext.errors import UserError
from t2c_ext.motion.hints import parse_hints, short_text
from t2c_ext.settings import (
    LoopSettings,
    MotionSettings,
    PromptSettings,
    RegionSettings,
    Setting,
    TwinSettings,
    Value,
    table,
)
from t2c_ext.twin import miniature

VERSION = 1

VERSION_KEY = "Cinemagraph version"
"""Of the program, in generation parameters."""

_PAIR = re.compile(r'(Cinemagraph [\w \-/]+):\s*("(?:\\.|[^"\\])*"|[^,\n]*)')


_STEPS = re.compile(r"^Steps: \d", re.MULTILINE)
"""Begins the line of values in a picture's generation parameters."""

_OF_THE_SAMPLING = ("model", "negative_prompt", "width", "height", "sampler", "steps", "guidance", "clip_skip")
"""Settings of how a picture is sampled, of which that line says what they were."""

_REPOSITORY = re.compile(r"\w[\w.-]*/[\w.-]+(?<!\.safetensors)(?<!\.ckpt)", re.ASCII)
"""A model of the hub, "owner/name"."""


@dataclass(frozen=True)
class Recipe:
    """The settings of every stage."""

    prompt: PromptSettings = field(default_factory=PromptSettings)
    twin: TwinSettings = field(default_factory=TwinSettings)
    region: RegionSettings = field(default_factory=RegionSettings)
    motion: MotionSettings = field(default_factory=MotionSettings)
    loop: LoopSettings = field(default_factory=LoopSettings)

    def with_values(self, values: Mapping[str, object], rows: Iterable[Setting] = ()) -> Recipe:
        """This recipe with some settings changed, by their names in the table.

        Args:
            values: settings by name.
            rows: take the place of the table's rows of the same names (a host's samplers instead of ours).

        Raises:
            UserError: a name is unknown, or a value is of the wrong type or out of range.
        """
        known = {row.name: row for row in table()} | {row.name: row for row in rows}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise UserError(f"there is no setting called {unknown[0]!r}")
        changes: dict[str, dict[str, Value]] = {}
        for name, value in values.items():
            row = known[name]
            changes.setdefault(row.stage.value, {})[name] = row.check(value)
        groups: dict[str, Any] = {stage: replace(getattr(self, stage), **new) for stage, new in changes.items()}
        return replace(self, **groups)

    def with_some_model(self, said: Collection[str] = ()) -> Recipe:
        """This recipe, drawn by the built-in miniature model where it names no model.

        Settings that have the table's defaults then get those that suit it.

        Args:
            said: names of settings that the user gave, which stay as they are.
        """
        if self.twin.model.strip():
            return self
        defaults, values = {row.name: row.default for row in table()}, self.values()
        fitting = miniature.SETTINGS.items()
        own = {name: value for name, value in fitting if values[name] == defaults[name] and name not in said}
        return self.with_values({**own, "model": miniature.NAME})

    def values(self) -> dict[str, Value]:
        """Every setting by its name."""
        return {
            item.name: getattr(group, item.name)
            for group in (self.prompt, self.twin, self.region, self.motion, self.loop)
            for item in fields(group)
        }

    def to_json(self, indent: int | None = 2) -> str:
        """The recipe file's text.

        Args:
            indent: of each line; None: all in one line, for places where it stands among other things.
        """
        return json.dumps({"version": VERSION, "settings": self.values()}, indent=indent, ensure_ascii=False)

    def without_masks(self) -> Recipe:
        """This recipe without what was painted in its hints, for places that hold short texts.

        Raises:
            UserError: the hints are not such a document.
        """
        return replace(self, motion=replace(self.motion, hints=short_text(self.motion.hints)))

    def shareable(self) -> Recipe:
        """This recipe for files that are passed on: no painted masks, and of places on this computer the model's name.

        Raises:
            UserError: as `without_masks`.
        """
        values = self.values()
        places = {row.name: "" for row in table() if row.place and values[row.name]}
        if "model" in places:
            places["model"] = _model_name(self.twin.model)
        return self.without_masks().with_values(places)

    def to_infotext(self, beside: str = "") -> str:
        """The settings that differ from their defaults, as the WebUI's generation parameters write them.

        Painted masks are left out: they would bury everything else. So is what a picture's parameters say already.

        Args:
            beside: the generation parameters of the picture, to which they are added; "" where there are none.
        """
        values = self.without_masks().values()
        changed = [row for row in table() if values[row.name] != row.default and not _says(beside, row.name, values)]
        return ", ".join(f"{row.infotext}: {_quote(values[row.name])}" for row in changed)


def recipe_from_json(text: str) -> Recipe:
    """Read a recipe file's text; settings that it lacks keep their defaults.

    Raises:
        UserError: not JSON, not a recipe, of a newer version, or with a setting that is unknown or out of range.
    """
    document = parse_document(text, "the recipe")
    if not isinstance(document.get("settings"), dict):
        raise UserError('the recipe has no "settings"')
    version = document.get("version")
    if version != VERSION:
        raise UserError(f"the recipe is of version {version!r}, but this program reads version {VERSION}")
    return Recipe().with_values(document["settings"])


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        UserError: it cannot be read, or as `recipe_from_json`; the message names the file.
    """
    text = read_text(path)
    try:
        recipe = recipe_from_json(text)
        parse_hints(recipe.motion.hints)
    except UserError as error:
        raise error.within(path) from None
    return recipe


def recipe_from_infotext(text: str) -> Recipe:
    """The recipe in generation parameters; whatever else they hold is passed over.

    Raises:
        UserError: a setting of ours is out of range.
    """
    names = {row.infotext: row.name for row in table()}
    found = {names[key]: _unquote(value) for key, value in _PAIR.findall(text) if key in names}
    return Recipe().with_values(found)


def _says(infotext: str, name: str, values: Mapping[str, Value]) -> bool:
    """Whether a picture's generation parameters say a setting's value, or that something else made the picture."""
    if _STEPS.search(infotext) is None:
        return False
    if name == "prompt":
        return infotext.startswith(str(values[name]).strip())
    if name == "seed":
        return re.search(rf"\bSeed: {values[name]}\b", infotext) is not None
    return name in _OF_THE_SAMPLING


def _model_name(model: str) -> str:
    """A repository of the hub as it is; of a file or a folder its own name."""
    if _REPOSITORY.fullmatch(model) and not os.path.exists(model):
        return model
    return re.split(r"[/\\]", model.rstrip("/\\"))[-1]


def _quote(value: Value) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or re.search(r'[,:\n"]|^\s|\s$', text) else text


def _unquote(text: str) -> str:
    stripped = text.strip()
    if not stripped.startswith('"'):
        return stripped
    try:
        return str(json.loads(stripped))
    except ValueError:
        return stripped
