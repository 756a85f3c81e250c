"""While the user draws: the motion stage's field, and a small loop, from the hints and words as they stand."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.loop.choose import make_rendering
from t2c_ext.loop.structure import usual_structure
from t2c_ext.media.pictures import read_picture
from t2c_ext.media.videos import write_video
from t2c_ext.motion.choose import MotionModel, choose_model, make_flow
from t2c_ext.motion.field import resize_flow
from t2c_ext.motion.hints import parse_hints
from t2c_ext.motion.holds import without_frozen
from t2c_ext.motion.laws import split_laws
from t2c_ext.prompt.parse import parse
from t2c_ext.prompt.syntax import plain
from t2c_ext.recipe import Recipe
from t2c_ext.region.find import NO_WORD
from t2c_ext.region.overlay import fitted
from t2c_ext.region.painted import painted_regions, unpainted_names
from t2c_ext.results import MASK
from t2c_ext.settings import PromptSettings
from t2c_ext.types import FloatArray, Flow, Hints, Picture, Plan, RegionLaw, Regions, Stage
from t2c_ext.ui.recent import Recent
from t2c_ext.ui.session import Session, Still
from t2c_ext.workspace import Workspace

WORKING = 512
"""The long side, in pixels, that the field is solved at while one draws."""

SENT = 192
"""The long side of the field that is sent."""

PREVIEW = 256
"""The long side of the small loop."""

PREVIEW_FPS = 15.0
PREVIEW_FRAMES = 30


class NoRegion(UserError):
    """Nothing says yet what moves."""


@dataclass(frozen=True)
class Working:
    """A picture to work with while one draws.

    Attributes:
        picture: of at most `WORKING` pixels a side.
        seen: what the motion is found in, likewise: the natural twin where there is one; float32 [h, w, 3].
    """

    picture: Picture
    seen: FloatArray


@dataclass(frozen=True)
class Solved:
    """A field while one draws.

    Attributes:
        working: what it belongs to.
        moving: float32 [h, w], what moves.
        flow: the field, in pixels per frame of the working picture.
        structure: float32 [h, w], how far the large shapes of what moves there usually stay.
        laws: the regions that move by another law than flow.
    """

    working: Working
    moving: FloatArray
    flow: Flow
    structure: FloatArray
    laws: tuple[RegionLaw, ...]


@dataclass
class Live:
    """Solves and previews, and keeps what does not change between two strokes."""

    _pictures: Recent[Working] = field(default_factory=lambda: Recent(8))
    _plans: Recent[Plan] = field(default_factory=lambda: Recent(64))
    _found: Recent[Regions] = field(default_factory=lambda: Recent(8))

    def plan(self, settings: PromptSettings) -> Plan:
        """What the words mean."""
        return self._plans.get(settings, lambda: parse(settings))

    def solve(self, session: Session, folder: Path, recipe: Recipe, side: int = WORKING) -> Solved:
        """The motion stage's field of the picture on the canvas.

        Args:
            session: the visitor's.
            folder: of the workspace.
            recipe: words, hints and settings as they stand.
            side: the longest side, in pixels, to solve at.

        Raises:
            NoRegion: nothing is painted, no mask was given, and the region stage has not run.
            UserError: there is no picture, or the hints cannot be used.
        """
        if session.still is None:
            raise UserError("there is no picture yet")
        working = self._working(session.still, side)
        plan, hints = self.plan(recipe.prompt), parse_hints(recipe.motion.hints)
        regions = self._regions(session, folder, recipe, working.seen, plan, hints)
        if session.beside.mask is None:
            hints = _of_what_is_there(hints, regions)
        settings = recipe.motion
        notes: tuple[str, ...] = ()
        if choose_model(settings, plan, hints).model is not MotionModel.SOLVER:
            notes = ("Shown is the solver's motion; the run uses the network.",)
        settings = replace(settings, motion_model="solver")
        words = plain(plan.art_prompt).text
        free = without_frozen(regions, hints, *working.picture.size)
        flowing, _ = split_laws(regions, plan, hints, settings)
        _, laws = split_laws(free, plan, hints, settings)
        if flowing.regions:
            flow = make_flow(working.seen, flowing, plan, hints, settings, prompt=words)
        else:
            flow = Flow(np.zeros((*working.picture.size, 2), np.float32), "nothing flows")
        notes += flow.notes
        return Solved(working, free.mask, replace(flow, notes=notes), usual_structure(regions), laws)

    def preview(self, session: Session, folder: Path, recipe: Recipe, path: Path) -> dict[str, Any]:
        """Write a small loop of the picture on the canvas; raises as `solve`.

        Returns:
            "fps", "frames", "width" and "height" of what was written.
        """
        solved = self.solve(session, folder, recipe, PREVIEW)
        picture = solved.working.picture
        settings = replace(recipe.loop, frames=PREVIEW_FRAMES, renderer="warp")
        flow = solved.flow.field * np.float32(recipe.loop.fps / PREVIEW_FPS)
        rendering = make_rendering(
            picture.rgb,
            solved.moving,
            flow,
            replace(settings, fps=PREVIEW_FPS),
            seed=recipe.prompt.seed,
            structure=solved.structure,
            laws=solved.laws,
        )
        write_video(
            path,
            rendering.frames,
            size=picture.size,
            count=rendering.count,
            fps=PREVIEW_FPS,
            quality=70,
            alpha=picture.alpha,
            mask=solved.moving,
            owned=True,
        )
        height, width = picture.size
        return {"fps": PREVIEW_FPS, "frames": rendering.count, "width": width, "height": height}

    def _working(self, still: Still, side: int) -> Working:
        def read() -> Working:
            art = _small(still.read(), side)
            if still.natural is None:
                return Working(art, art.rgb)
            return Working(art, _small(read_picture(still.natural), side).rgb)

        return self._pictures.get((still.path, still.key, side), read)

    def _regions(  # noqa: PLR0917
        self, session: Session, folder: Path, recipe: Recipe, seen: FloatArray, plan: Plan, hints: Hints
    ) -> Regions:
        """What moves: what is painted, else the mask that was given, else what the region stage found."""
        asked = {word.strip().lower() for word in recipe.region.region.split(",") if word.strip()}
        if hints.painted:
            painted = painted_regions(seen, hints.painted, replace(recipe.region, region=""))
            names = {row.name.lower() for row in painted.regions}
            if session.beside.mask is None:
                asked |= {name.lower() for name in unpainted_names(hints.besides, tuple(names))}
            found = self._from_stage(session, folder, seen) if asked - names else None
            besides = () if found is None else tuple(row for row in found.regions if row.name.lower() in asked - names)
            return Regions((*painted.regions, *besides))
        size = (seen.shape[1], seen.shape[0])
        if session.beside.mask is not None:
            name = plan.regions[0] if plan.regions else NO_WORD
            rows = session.beside.mask.regions
            return Regions(tuple(replace(row, name=row.name or name, mask=_resized(row.mask, size)) for row in rows))
        found = self._from_stage(session, folder, seen)
        if found is None:
            raise NoRegion("paint what moves first")
        return found

    def _from_stage(self, session: Session, folder: Path, seen: FloatArray) -> Regions | None:
        """What the region stage found, at the size of `seen`; None where it has not run, or is at it."""
        if session.still is None or not session.begun:
            return None
        workspace = Workspace.open(folder)
        painted = workspace.place(MASK)
        if not workspace.is_finished(Stage.REGION):
            return None
        size, full = (seen.shape[1], seen.shape[0]), session.still.size

        def read() -> Regions:
            regions = workspace.load_regions(full)
            return Regions(tuple(replace(row, mask=_resized(row.mask, size)) for row in regions.regions))

        return self._found.get((folder, workspace.records[Stage.REGION].key, painted.stat().st_mtime_ns, size), read)


def _of_what_is_there(hints: Hints, regions: Regions) -> Hints:
    """The hints without those of regions that a run will look for; until then they are no mistake."""
    awaited = {name.lower() for name in unpainted_names(hints.besides, [row.name for row in regions.regions])}
    return replace(
        hints,
        regions=tuple(row for row in hints.regions if row.name.lower() not in awaited),
        arrows=tuple(arrow for arrow in hints.arrows if (arrow.region or "").lower() not in awaited),
    )


def sent(flow: FloatArray, moving: FloatArray, full: tuple[int, int], longest: int = SENT) -> dict[str, Any]:
    """A field as the page's script reads it.

    Args:
        flow: float32 [h, w, 2], pixels per frame of its own size.
        moving: float32 [h, w], what moves.
        full: (height, width) of the picture that the page shows; `unit` is in its pixels.
        longest: the long side of what is sent.
    """
    height, width = flow.shape[:2]
    share = min(1.0, longest / max(height, width))
    size = (max(1, round(width * share)), max(1, round(height * share)))
    inside = (moving > 0).astype(np.float32)
    part = cv2.resize(inside, size, interpolation=cv2.INTER_AREA)
    field_ = cv2.resize(flow * inside[..., None], size, interpolation=cv2.INTER_AREA)
    # the mean over what moves, not over the stillness beside it
    field_ = field_ / np.maximum(part, 1e-6)[..., None] * (full[1] / width, full[0] / height)
    unit = float(np.abs(field_).max()) / 32767 or 1.0
    counts = np.rint(field_ / unit).astype("<i2")
    mask = np.rint(255 * cv2.resize(moving, size, interpolation=cv2.INTER_AREA)).astype(np.uint8)
    return {"width": size[0], "height": size[1], "flow": _text(counts), "unit": unit, "mask": _text(mask)}


def small_field(flow: FloatArray, moving: FloatArray, full: tuple[int, int], longest: int) -> dict[str, Any]:
    """The same for a field of any size beside a mask of the picture's."""
    return sent(resize_flow(flow, *moving.shape), moving, full, longest)


def _text(values: np.ndarray) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")


def _small(picture: Picture, side: int) -> Picture:
    alpha = None if picture.alpha is None else fitted(picture.alpha, side)
    return Picture(fitted(picture.rgb, side), alpha, picture.infotext)


def _resized(mask: FloatArray, size: tuple[int, int]) -> FloatArray:
    if (mask.shape[1], mask.shape[0]) == size:
        return mask
    method = cv2.INTER_AREA if mask.shape[1] > size[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(mask, size, interpolation=method), np.float32)
