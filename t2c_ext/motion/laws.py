"""Which regions flow, and which move by another law: the user's word, the prompt's, the setting, the lexicon's."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from t2c_ext.lexicon import Thing, load_lexicon
from t2c_ext.motion.binding import motion_of
from t2c_ext.settings import MotionSettings
from t2c_ext.types import CAMERA, FloatArray, Hints, Motion, MotionKind, Plan, RegionHint, RegionLaw, Regions

_NAMED = {"flow": MotionKind.TRANSLATE}

TOWARD_VIEWER = 270.0
"""Degrees of the way to whoever looks over open water."""

STRAIGHT = 20.0
"""Degrees off that way that still lead there."""

_CAMERAS = ("parallax", "push")
"""Names of what the camera does, whatever moves before it."""


def split_laws(
    regions: Regions, plan: Plan, hints: Hints, settings: MotionSettings
) -> tuple[Regions, tuple[RegionLaw, ...]]:
    """The regions that flow, and those that move by another law.

    A region's law is what the user said of it by name or drew, else what the words say ("swaying trees", "the clouds
    drift left"), else the setting, else the usual one of such a thing. Arrows make a region flow. What falls as specks
    does so in whatever direction the words say.

    Args:
        regions: what moves.
        plan: what the words state.
        hints: what the user drew.
        settings: the law of all, and the speed.
    """
    flowing, others = [], []
    only = len(regions.regions) == 1
    for region in regions.regions:
        flow = motion_of(region.name, plan.motions, only)
        said = motion_of(region.name, plan.laws, only and not plan.motions, least=2) or flow
        thing = load_lexicon().find(region.name)
        if thing is None and said is not None:
            thing = load_lexicon().find(said.region)
        hint = next((row for row in hints.regions if row.name.lower() == region.name.lower()), None)
        kind = _stated(region.name, hint, hints, only) or _usual(thing, said, settings)
        if kind.flows:
            flowing.append(region)
            continue
        speed = settings.speed * (1.0 if hint is None else hint.speed) * (1.0 if said is None else said.speed)
        speed *= thing.speed if thing is not None and thing.kind is kind else 1.0
        if speed > 0:
            root = "within" if thing is None else thing.root
            others.append(
                RegionLaw(region.name, kind, region.mask, speed, _strength(said), root, _way(thing, said or flow, hint))
            )
    return replace(regions, regions=tuple(flowing)), tuple(others)


def camera_law(
    plan: Plan, settings: MotionSettings, size: tuple[int, int], depth: FloatArray | None
) -> RegionLaw | None:
    """What the camera does before a picture of `size` (height, width), by the words or the setting; None: it stands."""
    said = next((law for law in plan.laws if law.kind.is_camera), None)
    if said is None and settings.law not in _CAMERAS:
        return None
    kind = MotionKind(settings.law) if said is None else said.kind
    speed = settings.speed * (1.0 if said is None else said.speed)
    whole = np.broadcast_to(np.float32(1), size)
    return RegionLaw(CAMERA, kind, whole, speed, _strength(said), depth=depth) if speed > 0 else None


def with_camera(laws: tuple[RegionLaw, ...], camera: RegionLaw) -> tuple[RegionLaw, ...]:
    """The laws and the camera; where a mask is its region, it looks through that."""
    own = [law for law in laws if law.name == CAMERA]
    if own:
        camera = replace(camera, mask=own[0].mask)
    return (*(law for law in laws if law.name != CAMERA), camera)


def moves_alone(plan: Plan, settings: MotionSettings) -> bool:
    """Whether nothing that is named moves, but the camera does."""
    return tuple(plan.regions) == (CAMERA,) or (not plan.regions and settings.law in _CAMERAS)


def _stated(name: str, hint: RegionHint | None, hints: Hints, only: bool) -> MotionKind | None:
    """The law that the user said or drew for a region; None: its own."""
    if hint is not None and hint.kind is not None and hint.kind is not MotionKind.TRANSLATE:
        return hint.kind
    directed = hint is not None and hint.angle is not None
    drawn = any(arrow.region.lower() == name.lower() if arrow.region else only for arrow in hints.arrows)
    return MotionKind.TRANSLATE if directed or drawn else None


def _usual(thing: Thing | None, said: Motion | None, settings: MotionSettings) -> MotionKind:
    """The law that the words state, else the setting's, else the thing's own."""
    if said is not None and not said.kind.flows:
        return said.kind
    if settings.law not in ("auto", *_CAMERAS):
        return _NAMED.get(settings.law) or MotionKind(settings.law)
    if said is not None and not (thing is not None and _goes_its_way(thing, said)):
        return said.kind
    return MotionKind.TRANSLATE if thing is None else thing.kind


def _goes_its_way(thing: Thing, said: Motion) -> bool:
    """Whether a direction only says where a thing goes, and not that it flows there.

    Snow falls in any; waves roll toward the viewer, which is down the picture, while a sea sent elsewhere flows.
    """
    if thing.kind is MotionKind.FALL:
        return said.kind.flows
    if thing.kind is not MotionKind.WAVES or said.kind is not MotionKind.TRANSLATE or said.angle is None:
        return False
    return abs((said.angle - TOWARD_VIEWER + 180) % 360 - 180) <= STRAIGHT


def _way(thing: Thing | None, flow: Motion | None, hint: RegionHint | None) -> float | None:
    """The direction that the user or the words say, else the thing's own, in degrees."""
    said = hint.angle if hint is not None and hint.angle is not None else None if flow is None else flow.angle
    return said if said is not None else None if thing is None else thing.angle


def _strength(said: Motion | None) -> float:
    """What is moved gently is moved less far too."""
    return 1.0 if said is None else min(max(said.speed, 0.5), 1.5)
