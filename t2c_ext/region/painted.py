"""Regions that the user painted in the picture: their soft edges stay as they were painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.progress import Reporter
from t2c_ext.region.find import NO_WORD, RegionNotFound, find_regions, fit_mask, mean_one_thing
from t2c_ext.region.matte import feathered, refine_matte
from t2c_ext.region.segmenters.base import Segmenter
from t2c_ext.settings import RegionSettings
from t2c_ext.types import FloatArray, Region, RegionHint, Regions, scale_of

BY_HAND = "painted"
"""Source of a region that the user painted."""

KEPT = 0.5
"""Paint that holds this share of a mask file has begun from it."""


def painted_regions(
    picture: FloatArray,
    painted: Sequence[RegionHint],
    settings: RegionSettings,
    *,
    besides: Sequence[str] = (),
    reporter: Reporter | None = None,
    segmenter: Segmenter | None = None,
    device: str = "auto",
) -> Regions:
    """The painted regions, and those that `settings.region` or `besides` names, which are found.

    Args:
        picture: float32 [H, W, 3], 0..1.
        painted: each with a mask of the picture's shape, of any size.
        settings: `matte` "on" moves the edges to the picture's; otherwise they stay, and only a hard edge is feathered.
        besides: names that may mean the same thing as a painted region; such are not looked for.
        reporter, segmenter, device: as for `find_regions`.

    Returns:
        Regions of the picture's size; what was painted has precedence over what was found, and where a soft edge meets
        what was found, the two leave no gap.

    Raises:
        UserError: a mask has clearly another shape than the picture, or is too faint.
    """
    rows = [Region(hint.name, painted_mask(picture, hint, settings), 1.0, BY_HAND) for hint in painted]
    others = sought_beside(painted, settings, besides)
    if not others:
        return Regions(tuple(rows))
    asked = replace(settings, region=", ".join(others))
    try:
        found = find_regions(picture, (), asked, reporter=reporter, segmenter=segmenter, device=device)
    except RegionNotFound:
        note = f"I could not find the {' or '.join(others)}, so it stays still; paint it to move it"
        return Regions(tuple(rows), (note,))
    return Regions(tuple(row for row in _meeting(rows, found.regions) if row.mask.any()), found.notes)


def sought_beside(painted: Sequence[RegionHint], settings: RegionSettings, besides: Sequence[str]) -> list[str]:
    """The names of the regions that `painted_regions` looks for."""
    names = {hint.name.lower() for hint in painted}
    others = [word.strip() for word in settings.region.split(",") if word.strip().lower() not in (*names, "")]
    return list(dict.fromkeys((*others, *unpainted_names(besides, tuple(names)))))


def _meeting(painted: Sequence[Region], found: Sequence[Region]) -> list[Region]:
    """Painted over found: the stronger one has what paint over a ground covers, a + b (1 - a)."""
    over = np.stack([row.mask for row in painted])
    under = np.stack([row.mask for row in found]) * (1 - over.max(axis=0))
    masks = np.concatenate([over, under])
    stronger = masks.argmax(axis=0)[None]
    np.put_along_axis(masks, stronger, (over.max(axis=0) + under.max(axis=0))[None], axis=0)
    return [replace(row, mask=mask) for row, mask in zip((*painted, *found), masks, strict=True)]


def unpainted_names(besides: Sequence[str], painted: Sequence[str]) -> list[str]:
    """The names among `besides` that mean other things than the painted regions."""
    return [
        name
        for name in besides
        if not any(name.lower() == other.lower() or mean_one_thing(name, other) for other in painted)
    ]


def beside_mask_file(painted: Regions, given: Regions) -> Regions:
    """Painted regions that take the place of a mask file, with a note where they have not begun from it."""
    height, width = painted.mask.shape
    try:
        masks = [fit_mask(row.mask, height, width) for row in given.regions]
        file = np.max(masks, axis=0)
        kept = float(np.minimum(file, painted.mask).sum()) >= KEPT * float(file.sum())
    except UserError:  # it does not fit the picture, and is not needed
        kept = False
    note = "the mask file is not used: the painted regions take its place"
    return painted if kept else replace(painted, notes=(*painted.notes, note))


def painted_mask(picture: FloatArray, hint: RegionHint, settings: RegionSettings) -> FloatArray:
    """float32 [H, W], 0..1: one painted region, as it will move; raises as `painted_regions`."""
    if hint.mask is None:
        raise UserError(f"the region {hint.name or NO_WORD} has no mask")
    height, width = picture.shape[:2]
    try:
        mask = fit_mask(hint.mask.mask, height, width)
    except UserError as error:
        raise UserError(f"{hint.name}: {error}") from None
    if settings.matte == "on":
        return refine_matte(picture, mask, settings)
    if np.isin(mask, (0, 1)).all():
        return feathered(mask >= 0.5, settings.feather * scale_of(height, width))
    return mask
