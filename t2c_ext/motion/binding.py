"""Which motion belongs to which region: drawn arrows, then the user's angle, the words, the lexicon, the picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from t2c_ext.compass import direction_words
from t2c_ext.lexicon import Thing, load_lexicon
from t2c_ext.motion.axis import shape_axis, texture_axis
from t2c_ext.settings import MotionSettings
from t2c_ext.types import (
    WHATEVER_MOVES,
    Arrow,
    FloatArray,
    Hints,
    Motion,
    MotionKind,
    Plan,
    Region,
    RegionHint,
    Regions,
    angle_of,
)

_CLEAR_TEXTURE = 0.35
"""Coherence (`Axis`) from which on strokes have a direction that may be followed."""

_LONG_SHAPE = 0.6
"""Coherence of a mask's long axis from which on a region with banks runs along it: 0.6 is twice as long as wide."""

_NEAR_AXIS = 35.0
"""Degrees that the strokes may lie away from a thing's usual direction; further away they are taken for those of
something else, and the usual direction stays."""

_LEVEL = 5.0
"""Degrees from horizontal up to which an axis says nothing about near and far."""

_WIDER = 1.5
"""Ratio of heights from which a region widens."""

_FALLING = "falling water"
_OPEN_AIR = ("sky", "pale vapour", "falling specks", "fire", "glow")


@dataclass(frozen=True)
class Drive:
    """What moves one region.

    Attributes:
        region: the region.
        angle: degrees; None for a swirl.
        kind: translation or swirl.
        speed: the region's own factor.
        ground: near parts move faster than far ones.
        walled: its edges are banks, along which it runs; otherwise something merely stands before it (clouds), or it
            falls straight, whatever the outline of what it falls over, unless arrows say otherwise.
        falls: it pours down.
        family: regions of one family flow into one another; a region without a known thing is its own family.
        arrows: the arrows that belong to it; they replace angle, kind and speed.
        notes: sentences for the user.
    """

    region: Region
    angle: float | None
    kind: MotionKind
    speed: float
    ground: bool
    walled: bool
    falls: bool
    family: str
    arrows: tuple[Arrow, ...] = ()
    notes: tuple[str, ...] = ()


def bind(
    picture: FloatArray, regions: Regions, plan: Plan, hints: Hints, settings: MotionSettings
) -> tuple[tuple[Drive, ...], tuple[str, ...]]:
    """The drive of each region, and notes about hints and motions that belong to none.

    An arrow belongs to the region it names, else to the one whose mask is strongest under it. A motion of the words
    belongs to the region of the same word, else of the same thing, else of the same family; a single motion belongs to
    a single region whatever they are called.
    """
    owners, notes = _owners(regions, hints)
    drives = []
    for number, region in enumerate(regions.regions):
        arrows = tuple(arrow for arrow, owner in zip(hints.arrows, owners, strict=True) if owner == number)
        motion = motion_of(region.name, plan.motions, len(regions.regions) == 1)
        hint = _hint_for(region, hints.regions)
        drives.append(_drive(picture, region, motion, hint, arrows, settings))
    names = {region.name.lower() for region in regions.regions}
    for hint in hints.regions:
        if hint.name.lower() not in names:
            notes.append(f"The hint for {hint.name!r} was left out: no region has this name.")
    return tuple(drives), tuple(notes)


def _owners(regions: Regions, hints: Hints) -> tuple[list[int | None], list[str]]:
    owners: list[int | None] = []
    notes = []
    names = [region.name.lower() for region in regions.regions]
    for number, arrow in enumerate(hints.arrows, start=1):
        if arrow.region is not None and arrow.region.lower() in names:
            owners.append(names.index(arrow.region.lower()))
            continue
        weights = [_under(arrow, region.mask) for region in regions.regions]
        if max(weights) > 0:
            owners.append(int(np.argmax(weights)))
        else:
            owners.append(None)
            notes.append(f"Arrow {number} was left out: it lies outside of everything that moves.")
    return owners, notes


def _under(arrow: Arrow, mask: FloatArray) -> float:
    """Sum of the mask along the arrow."""
    return float(mask[arrow.pixels(*mask.shape)].sum())


def _hint_for(region: Region, hints: tuple[RegionHint, ...]) -> RegionHint | None:
    return next((hint for hint in hints if hint.name.lower() == region.name.lower()), None)


def _closeness(word: str, region: str) -> int:
    """3 the same word, 2 the same thing, 1 the same family, 0 strangers."""
    if word.strip().lower() == region.strip().lower():
        return 3
    lexicon = load_lexicon()
    first, second = lexicon.find(word), lexicon.find(region)
    if first is None or second is None:
        return 0
    return 2 if first.name == second.name else int(first.family == second.family)


def motion_of(region: str, motions: Sequence[Motion], only: bool, least: int = 1) -> Motion | None:
    """The motion that the words state of a region, else of whatever moves.

    Args:
        region: its name.
        motions: of the words.
        only: there is no other region, and it takes the first motion.
        least: how close its name must be: 3 the same word, 2 the same thing, 1 the same family.
    """
    if not motions:
        return None
    degrees = [_closeness(motion.region, region) for motion in motions]
    best = max(degrees)
    if best >= least:
        return motions[degrees.index(best)]
    return next((motion for motion in motions if motion.region == WHATEVER_MOVES), motions[0] if only else None)


def _drive(  # noqa: PLR0917
    picture: FloatArray,
    region: Region,
    motion: Motion | None,
    hint: RegionHint | None,
    arrows: tuple[Arrow, ...],
    settings: MotionSettings,
) -> Drive:
    thing = load_lexicon().find(region.name)
    if thing is None and motion is not None:
        thing = load_lexicon().find(motion.region)
    drive = Drive(
        region=region,
        angle=None if thing is None else thing.angle,
        kind=MotionKind.TRANSLATE if thing is None else thing.kind,
        speed=1.0 if thing is None else thing.speed,
        ground=thing is not None and thing.ground,
        walled=thing is None or thing.appearance not in (*_OPEN_AIR, *(() if arrows else (_FALLING,))),
        falls=thing is not None and thing.appearance == _FALLING,
        family=region.name if thing is None else thing.family,
        arrows=arrows,
    )
    if not drive.kind.flows:  # the user has chosen that it flows all the same
        drive = replace(drive, kind=MotionKind.TRANSLATE)
    if motion is not None:
        drive = replace(drive, angle=motion.angle, kind=motion.kind, speed=drive.speed * motion.speed)
    if hint is not None:
        drive = replace(drive, speed=drive.speed * hint.speed)
        if hint.angle is not None:
            return replace(drive, angle=hint.angle, kind=MotionKind.TRANSLATE)
        if hint.kind is not None and hint.kind.flows and hint.kind is not MotionKind.TRANSLATE:
            return replace(drive, angle=None, kind=hint.kind)
    if motion is not None or arrows or drive.kind is not MotionKind.TRANSLATE:
        return drive if drive.kind is MotionKind.TRANSLATE else replace(drive, angle=None)
    return _from_picture(picture, drive, thing, settings)


def _from_picture(picture: FloatArray, drive: Drive, thing: Thing | None, settings: MotionSettings) -> Drive:
    """The direction that nobody stated: the lexicon's, turned to the texture's axis, or an axis with a usual sign."""
    unsaid = f"{drive.region.name}: no direction was given" if drive.region.name else "No direction was given"
    axis = texture_axis(picture, drive.region.mask) if settings.texture else None
    clear = axis is not None and axis.coherence >= _CLEAR_TEXTURE
    if thing is not None and thing.angle is not None:
        if axis is not None and clear:
            angle = _signed(axis.angle, thing.angle)
            if abs((angle - thing.angle + 180) % 360 - 180) <= _NEAR_AXIS:
                text = f"{unsaid}, so it goes {direction_words(angle)}, along its texture."
                return replace(drive, angle=angle, notes=(text,))
        return replace(drive, notes=(f"{unsaid}, so it goes {direction_words(thing.angle)}.",))
    shape = shape_axis(drive.region.mask)
    if axis is not None and clear:
        angle, why = _signed(axis.angle, _usual(axis.angle, drive)), ", along its texture"
    elif drive.walled and shape.coherence >= _LONG_SHAPE:
        angle, why = _signed(shape.angle, _usual(shape.angle, drive)), ", along its shape"
    else:
        angle, why = 0.0, ""
    text = f"{unsaid}, so it goes {direction_words(angle)}{why}; say or draw another."
    return replace(drive, angle=angle, notes=(text,))


def _signed(axis: float, towards: float) -> float:
    """Of the two directions of an axis, the one nearer to `towards`."""
    return axis if np.cos(np.deg2rad(axis - towards)) >= 0 else (axis + 180.0) % 360.0


def _usual(axis: float, drive: Drive) -> float:
    """A direction that the way along an axis is near to.

    What lies on the ground comes toward the viewer: down the picture, which is also downhill; along a level axis it
    goes where its bed widens, which is nearer. Of other things steep axes go down, and others to the right.
    """
    if drive.ground and _LEVEL < axis < 180.0 - _LEVEL:
        return 270.0
    if drive.ground and drive.walled:
        return _widening(drive.region.mask)
    return 270.0 if 45.0 < axis < 135.0 else 0.0


def _widening(mask: FloatArray) -> float:
    """0 or 180: the side to which a region is clearly higher; to the right where neither is."""
    heights = mask.sum(axis=0)
    columns = np.flatnonzero(heights > 0)
    ends = np.array_split(heights[columns], 3)
    left, right = float(ends[0].mean()), float(ends[-1].mean())
    return 180.0 if left > _WIDER * right else 0.0


def arrow_angle(arrow: Arrow, height: int, width: int) -> float:
    """The direction of an arrow in degrees."""
    return angle_of((arrow.end[0] - arrow.start[0]) * width, (arrow.end[1] - arrow.start[1]) * height)
