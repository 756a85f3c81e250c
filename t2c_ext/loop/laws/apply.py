"""Frames with what sways, flickers and ripples in them, on top of whatever renderer made them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np

from t2c_ext.extents import bands, extent_of, to_bytes
from t2c_ext.lexicon import load_lexicon
from t2c_ext.loop.inflow import continue_outward
from t2c_ext.loop.laws.base import Law, Motions, Place, Term
from t2c_ext.loop.laws.camera import NO_DEPTH, Camera, make_camera
from t2c_ext.loop.laws.fall import fall
from t2c_ext.loop.laws.flicker import flicker
from t2c_ext.loop.laws.ripple import ripple
from t2c_ext.loop.laws.sway import sway
from t2c_ext.loop.laws.waves import ROOM, waves
from t2c_ext.loop.render import Rendering
from t2c_ext.settings import LoopSettings
from t2c_ext.types import ByteArray, FloatArray, MotionKind, RegionLaw

LAWS: dict[MotionKind, Law] = {
    MotionKind.SWAY: sway,
    MotionKind.FLICKER: flicker,
    MotionKind.RIPPLE: ripple,
    MotionKind.FALL: fall,
    MotionKind.WAVES: waves,
}
"""The law of each kind of motion that does not flow."""


@dataclass(frozen=True)
class _Mover:
    """One region, ready to be drawn.

    Attributes:
        place: the region.
        motions: what its law makes of it.
        source: uint8 [h, w, 3], the still, of what covers its surroundings continued from inside.
    """

    place: Place
    motions: Motions
    source: ByteArray


def with_laws(
    rendering: Rendering,
    picture: FloatArray | ByteArray,
    laws: Sequence[RegionLaw],
    settings: LoopSettings,
    seed: int,
) -> Rendering:
    """The frames of a rendering with the regions of `laws` drawn into them; outside of these they are as they were.

    Args:
        rendering: what flows; its frames may be the still.
        picture: float32 [H, W, 3], 0..1, or uint8.
        laws: the regions, each by its law; a later one lies in front, and a camera looks at all of it.
        settings: frames, their rate, and how strongly all moves.
        seed: of all that is random.
    """
    if not laws or rendering.count == 1 or settings.strength == 0:
        return rendering
    numbered = [(law, seed + number) for number, law in enumerate(laws)]
    movers = [_mover(law, picture, settings, own) for law, own in numbered if not law.kind.is_camera]
    cameras = [_camera(law, picture, settings) for law in laws if law.kind.is_camera]
    unknown = any(law.kind.is_camera and law.depth is None for law in laws)

    def source() -> Iterator[tuple[ByteArray, float]]:
        for number, (frame, holes) in enumerate(rendering.source()):
            drawn = frame if frame.flags.writeable else frame.copy()
            for mover in movers:
                _draw(mover, number / rendering.count, drawn)
            for camera in cameras:
                drawn = camera.see(drawn, number / rendering.count)
            yield drawn, holes

    return replace(rendering, source=source, notes=(*rendering.notes, *([NO_DEPTH] if unknown else [])))


def _levels(part: FloatArray | ByteArray) -> ByteArray:
    return np.array(part, np.uint8) if part.dtype == np.uint8 else to_bytes(np.asarray(part, np.float32))


def _camera(law: RegionLaw, picture: FloatArray | ByteArray, settings: LoopSettings) -> Camera:
    return make_camera(law, _levels(picture), settings.strength, settings.frames / settings.fps)


def _mover(law: RegionLaw, picture: FloatArray | ByteArray, settings: LoopSettings, seed: int) -> _Mover:
    window = extent_of(law.mask)
    if law.kind is MotionKind.WAVES:  # what lies beside them says whether they come to a shore
        window = window.grown(round(ROOM * window.scale))
    mask = np.ascontiguousarray(window.of(law.mask))
    part = picture[window.top : window.bottom, window.left : window.right]
    still = _levels(part)
    place = Place(
        still, mask, window, settings.frames / settings.fps, law.speed, law.strength * settings.strength, law.root, seed
    )
    thing = load_lexicon().find(law.name)
    place = replace(place, thing="" if thing is None else thing.name, angle=law.angle)
    motions = LAWS[law.kind](place)
    return _Mover(place, motions, _continued(place) if motions.covers else still)


def _continued(place: Place) -> ByteArray:
    """The still with what lies outside of the region repainted from inside."""
    solid = place.mask >= 0.5
    core = solid if solid.any() else place.mask > 0
    # repainted colours are the still's own, so that bytes lose nothing
    return np.asarray(continue_outward(place.picture, core))  # type: ignore[arg-type]


def _draw(mover: _Mover, time: float, frame: ByteArray) -> None:
    """Draw a region into a frame, uint8 [H, W, 3], at a time in 0..1 of the loop."""
    place, motions = mover.place, mover.motions
    tables = [term.oscillation.table(time) for term in (*motions.shift, *motions.gain)]
    out = place.window.of(frame)
    specks = None if motions.specks is None else motions.specks.alpha(time, place.mask.shape)
    lapping = None if motions.lap is None else motions.lap.edge.oscillation.table(time)
    for rows in bands(place.mask.shape):
        mask = place.mask[rows]
        if not mask.any():
            continue
        shown = _moved(mover.source, motions.shift, tables, rows) if motions.shift else out[rows]
        colours = shown.astype(np.float32)
        for term, table in zip(motions.gain, tables[len(motions.shift) :], strict=True):
            colours *= (1 + term.at(table, rows))[..., None]
        if specks is not None and motions.specks is not None:
            colour = np.array(motions.specks.colour, np.float32)
            colours += (specks[rows] * mask)[..., None] * (colour - colours)
        if motions.lap is not None and lapping is not None:
            motions.lap.over(colours, lapping, rows)
        if motions.shift:
            before = out[rows].astype(np.float32)
            colours = before + mask[..., None] * (colours - before)
        out[rows] = np.where(mask[..., None] > 0, np.rint(np.clip(colours, 0, 255)), out[rows])


def _moved(source: ByteArray, terms: Sequence[Term], tables: Sequence[FloatArray], rows: slice) -> ByteArray:
    """Rows of the source, each pixel from where the terms say."""
    height, width = source.shape[:2]
    start, end, _ = rows.indices(height)
    across = np.broadcast_to(np.arange(width, dtype=np.float32), (end - start, width)).copy()
    down = np.broadcast_to(np.arange(start, end, dtype=np.float32)[:, None], (end - start, width)).copy()
    for term, table in zip(terms, tables[: len(terms)], strict=True):
        value = term.at(table, rows)
        across += np.float32(term.along[0]) * value
        down += np.float32(term.along[1]) * value
    return np.asarray(cv2.remap(source, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))
