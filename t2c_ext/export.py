"""A finished workspace's loop in another format, size or quality; the workspace's own loop stays as it is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.loop.choose import make_rendering
from t2c_ext.loop.structure import usual_structure
from t2c_ext.media.videos import ENCODERS, Written, write_video
from t2c_ext.motion.field import resize_flow
from t2c_ext.motion.hints import parse_hints
from t2c_ext.motion.holds import without_frozen
from t2c_ext.motion.laws import split_laws
from t2c_ext.pipeline import texts
from t2c_ext.progress import Reporter
from t2c_ext.settings import Setting, table
from t2c_ext.types import FloatArray, Stage
from t2c_ext.workspace import Workspace

SHORTEST = 16
"""The least that a side may be, in pixels."""


@dataclass(frozen=True)
class ExportOptions:
    """What to write.

    Attributes:
        format: "mp4", "webm", "gif", "webp" or "apng".
        quality: 1 to 100.
        side: the long side in pixels; 0, or more than it is: as it is.
        max_megabytes: the largest file in 10^6 bytes, or 0.
    """

    format: str = "mp4"
    quality: int = 80
    side: int = 0
    max_megabytes: float = 0.0

    def checked(self) -> ExportOptions:
        """The same with its values checked by the table of settings.

        Raises:
            UserError: one is out of range.
        """
        rows: dict[str, Setting] = {row.name: row for row in table()}
        if self.format not in ENCODERS:
            raise UserError(f"is {self.format!r}, but must be one of: {', '.join(ENCODERS)}", setting="format")
        if isinstance(self.side, bool) or not isinstance(self.side, int) or (self.side and self.side < SHORTEST):
            raise UserError(f"side is {self.side!r}, but must be 0 or at least {SHORTEST} pixels")
        quality, limit = rows["quality"].check(self.quality), rows["max_megabytes"].check(self.max_megabytes)
        return replace(self, quality=int(quality), max_megabytes=float(limit))


def export_loop(
    workspace: Workspace, options: ExportOptions, folder: Path, reporter: Reporter | None = None
) -> Written:
    """Render the workspace's loop anew, and write it.

    A smaller picture is the mean of the areas of the large one, and so is the mask; the flow is scaled along.

    Args:
        workspace: a finished one.
        options: what to write.
        folder: where to; the file is called cinemagraph-<width>x<height>.<format>.
        reporter: progress and cancellation.

    Raises:
        UserError: there is no finished loop, an option is out of range, or the limit cannot be kept.
        Cancelled: the user stopped.
    """
    options = options.checked()
    if not workspace.is_finished(Stage.LOOP):
        raise UserError("there is no finished loop to export; run it first")
    recipe, twin = workspace.load_recipe(), workspace.load_twin()
    hints = parse_hints(recipe.motion.hints)
    regions = workspace.load_regions(twin.art.size)
    free = without_frozen(regions, hints, *twin.art.size)
    mask = free.mask
    size = reduced(twin.art.size, options.side)
    art = replace(
        twin.art,
        rgb=averaged(twin.art.rgb, size),
        alpha=None if twin.art.alpha is None else averaged(twin.art.alpha, size),
    )
    mask, flow = averaged(mask, size), resize_flow(workspace.load_flow().field, *size)
    laws = (
        ()
        if workspace.load_inputs().flow is not None
        else split_laws(free, workspace.load_plan(), hints, recipe.motion)[1]
    )
    settings = replace(recipe.loop, format=options.format, quality=options.quality, max_megabytes=options.max_megabytes)
    device = recipe.twin.device
    rendering = make_rendering(
        art.rgb,
        mask,
        flow,
        settings,
        seed=recipe.prompt.seed,
        structure=averaged(usual_structure(regions), size),
        laws=tuple(replace(law, mask=averaged(law.mask, size)) for law in laws),
        reporter=reporter,
        device=device,
    )
    return write_video(
        folder / f"cinemagraph-{size[1]}x{size[0]}.{options.format}",
        rendering.frames,
        size=size,
        count=rendering.count,
        fps=settings.fps,
        quality=options.quality,
        max_megabytes=options.max_megabytes,
        alpha=art.alpha,
        mask=None if settings.renderer == "paper" else mask,
        text=texts(replace(recipe, loop=settings), art.infotext),
        reporter=reporter,
    )


def reduced(size: tuple[int, int], side: int) -> tuple[int, int]:
    """(height, width) with a long side of at most `side`, 0: as it is; even, so that every format can hold it."""
    height, width = size
    if side <= 0 or side >= max(size):
        return size
    share = side / max(size)
    return max(2, 2 * round(height * share / 2)), max(2, 2 * round(width * share / 2))


def averaged(values: FloatArray, size: tuple[int, int]) -> FloatArray:
    """An array [H, W] or [H, W, C] at a smaller size (height, width): the means of areas."""
    if values.shape[:2] == size:
        return values
    return np.asarray(cv2.resize(values, (size[1], size[0]), interpolation=cv2.INTER_AREA), np.float32)
