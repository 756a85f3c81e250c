"""What is remembered of a visitor's cinemagraph while the page is open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.keys import key_of
from t2c_ext.media.depth import read_depth
from t2c_ext.media.pictures import read_picture, write_picture
from t2c_ext.motion.hints import parse_hints, what_moves
from t2c_ext.motion.laws import camera_law
from t2c_ext.motion.painted import LONGEST
from t2c_ext.prompt.parse import parse
from t2c_ext.recipe import Recipe
from t2c_ext.region.overlay import fitted
from t2c_ext.settings import Value, table
from t2c_ext.types import FloatArray, Picture, Stage
from t2c_ext.ui.beside import Beside
from t2c_ext.ui.task import Task

LARGEST_SHOWN = 2048
"""The long side, in pixels, of the picture that the canvas shows."""


@dataclass(frozen=True)
class Still:
    """The picture on the canvas.

    Attributes:
        key: its key.
        size: (height, width) in pixels.
        path: the picture itself.
        shown: the file that the page shows; a smaller one where it is very large.
        natural: its natural-looking twin, or None.
        notes: what the reading of its upload had to say.
    """

    key: str
    size: tuple[int, int]
    path: Path
    shown: Path
    natural: Path | None = None
    notes: tuple[str, ...] = ()

    def read(self) -> Picture:
        """The picture; UserError when its file is gone."""
        return replace(read_picture(self.path), notes=self.notes)


def keep_still(art: Picture, folder: Path, path: Path | None = None, natural: Path | None = None) -> Still:
    """Remember a picture.

    Args:
        art: the picture.
        folder: where to write what is shown.
        path: the file that holds it already, or None to write it too.
        natural: the file of its twin.
    """
    key = key_of(art.rgb, art.alpha)
    if path is None:
        path = folder / "picture.png"
        write_picture(path, art.rgb, art.alpha, {"parameters": art.infotext} if art.infotext else {})
    shown = path
    if max(art.size) > LARGEST_SHOWN:
        shown = folder / "shown.png"
        alpha = None if art.alpha is None else fitted(art.alpha, LARGEST_SHOWN)
        write_picture(shown, fitted(art.rgb, LARGEST_SHOWN), alpha)
    return Still(key, art.size, path, shown, natural, art.notes)


@dataclass(frozen=True)
class Shown:
    """What the page shows of a stage.

    Attributes:
        pictures: addresses of its pictures, by what they show; none before it has run.
        seconds: how long it took.
        about: how it was made.
        notes: what it had to say.
        regions: for the region stage, each region's name, mask (PNG, base64) and source.
    """

    pictures: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    about: str = ""
    notes: tuple[str, ...] = ()
    regions: tuple[dict[str, str], ...] = ()


@dataclass
class Session:
    """What is remembered of a workspace while its page is open.

    Attributes:
        picture: key of the picture that was put in; "" where one is made from text.
        still: the picture on the canvas; None before there is one.
        beside: what the user gave beside the picture.
        run_beside: the same of the last run.
        seen_mask: the given mask as the region stage will take it, each region's name, mask (PNG, base64) and source.
        task: the run in hand, or the last one.
        begun: it has been run.
        shown: what the page shows of its stages.
        loop: what the page shows of its loop, as the page's script reads it; None before there is one.
        stale: the stages that were marked as out of date when the page last looked.
        chosen: the regions that were chosen among those offered, for as long as the page names none.
        sampled: the values of the maker's own settings at the last run.
        hints: a document that comes with the picture, or "".
        words: prompt and motion words that come with the picture, and go with it; by their settings' names.
        left: the page shows another picture by now, or none.
        keeps_twin: its pictures were made by what cannot make them again here, and stay as they are.
    """

    picture: str
    still: Still | None = None
    beside: Beside = field(default_factory=Beside)
    run_beside: Beside = field(default_factory=Beside)
    seen_mask: tuple[dict[str, str], ...] = ()
    task: Task = field(default_factory=Task)
    begun: bool = False
    shown: dict[Stage, Shown] = field(default_factory=dict)
    loop: dict[str, Any] | None = None
    stale: tuple[Stage, ...] = ()
    chosen: str = ""
    sampled: Mapping[str, Value] = field(default_factory=dict)
    hints: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    left: bool = False
    keeps_twin: bool = False

    def values(self, given: Mapping[str, object]) -> dict[str, object]:
        """The page's settings, with the chosen regions where they name none; what is empty is left out."""
        known = {name: value for name, value in given.items() if value is not None}
        return known if known.get("region") or not self.chosen else known | {"region": self.chosen}


def changed_stages(before: Mapping[str, Value], now: Mapping[str, object], from_text: bool = True) -> set[Stage]:
    """The stages that the settings that differ concern; what is not on the page (or empty) has not changed.

    Args:
        before, now: settings by name.
        from_text: the picture was made from its prompt.
    """
    changed = {
        row.stage
        for row in table()
        if row.name in now and row.name != "hints" and _differs(before.get(row.name), now[row.name])
    }
    if "hints" in now:
        changed |= changed_by_hints(str(before.get("hints") or ""), str(now["hints"]))
    if Stage.PROMPT in changed:
        changed.remove(Stage.PROMPT)
        changed |= changed_by_words(before, now, from_text)
    return changed


def kept_depth(depth: FloatArray) -> FloatArray:
    """A depth as it is remembered: its long side at most `LONGEST` pixels, its range 0..1 as before.

    A camera moves a few pixels: that is enough for it, and little for all visitors together.
    """
    small = fitted(depth, LONGEST)
    if small is depth or float(np.ptp(small)) < 1 / 255:  # what is left of a fine pattern is not made a landscape
        return small
    return read_depth(small)


def camera_moves(values: Mapping[str, object]) -> bool:
    """Whether a camera passes the picture by these settings, so that its depth counts; also where they cannot be used.

    Args:
        values: settings by name; what the words and the motion do not need may be missing.
    """
    rows = [row for row in table() if row.stage in (Stage.PROMPT, Stage.MOTION) and row.name not in ("seed", "hints")]
    try:
        recipe = Recipe().with_values({row.name: values[row.name] for row in rows if row.name in values})
    except UserError:  # the run says what is wrong
        return True
    return camera_law(parse(recipe.prompt), recipe.motion, (1, 1), None) is not None


def changed_by_words(before: Mapping[str, Value], now: Mapping[str, object], from_text: bool) -> set[Stage]:
    """The stages that a change of the prompt stage's settings concerns; as `changed_stages`."""
    # a host's seeds may be other than ours, and say nothing about words
    rows = [row for row in table() if row.stage is Stage.PROMPT and row.name != "seed"]
    try:
        old, new = (
            Recipe().with_values({row.name: values[row.name] for row in rows if row.name in values}).prompt
            for values in (before, {**before, **now})
        )
    except UserError:
        return {Stage.TWIN if from_text else Stage.REGION}
    was, becomes = parse(old), parse(new)
    changed = set()
    if from_text and (was.art_prompt, was.natural_prompt) != (becomes.art_prompt, becomes.natural_prompt):
        changed.add(Stage.TWIN)
    if was.regions != becomes.regions:
        changed.add(Stage.REGION)
    if (was.motions, was.laws, was.art_prompt) != (becomes.motions, becomes.laws, becomes.art_prompt):
        changed.add(Stage.MOTION)
    if "seed" in now and _differs(before.get("seed"), now["seed"]):
        changed.add(Stage.TWIN if from_text else Stage.LOOP)
    return changed


def changed_by_hints(before: str, now: str) -> set[Stage]:
    """The stages that a change from one hints document to another concerns."""
    if before == now:
        return set()
    try:
        old, new = parse_hints(before), parse_hints(now)
    except UserError:
        return {Stage.MOTION}
    changed = set()
    painted = [[(hint.name, hint.mask) for hint in hints.painted] for hints in (old, new)]
    if painted[0] != painted[1] or old.besides != new.besides:
        changed.add(Stage.REGION)
    if what_moves(old) != what_moves(new) or old.still != new.still:
        changed.add(Stage.MOTION)
    return changed


def _differs(before: object, now: object) -> bool:
    if isinstance(before, (int, float)) and isinstance(now, (int, float)):
        return not np.isclose(float(before), float(now), rtol=0, atol=1e-9)
    return before != now
