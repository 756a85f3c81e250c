"""One family of regions on the reduced grid: from its guide to its field.

Two projections (see `projection`). The first, with tight walls, learns where a flow that is driven by the words would
have to go; narrow channels take their direction from it, open water keeps that of the words. (A third, closed all
round, tells what would only turn round in there.) The second bends that guide along the walls that it grazes; walls
that it meets head-on let it through, else a lake would stand still.

Arrows come last: the field around each is turned and scaled until it is the arrow's, and right under it is the arrow's
own.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from t2c_ext.curves import smoothstep
from t2c_ext.motion.binding import Drive
from t2c_ext.motion.grid import Grid, blur, width_of
from t2c_ext.motion.guide import Guide, arrow_distance, arrow_velocity, make_guide
from t2c_ext.motion.projection import Projection, wall_vectors
from t2c_ext.types import Hints

Array = NDArray[np.float64]

# None of these is fitted: they were set by looking at fields and loops of painted rivers, lakes and falls. "Twice" says
# what the formula makes of twice the value.

_NARROW, _WIDE = 0.15, 0.35
"""Widths, in short sides, up to which an area is a channel and from which it is open. Twice: what is up to 0.3 wide
follows its banks alone, and words turn only what is wider than 0.7."""

_REACH_OPEN, _REACH_CHANNEL = 0.12, 1.0
"""How far, in sides of the grid, a bank is felt in open water and in a channel. Twice: open water bends with its shore
up to a quarter of the side away."""

_TIGHT = 5.0
"""Resistance of walls, in sides of the grid, where it is sought what passes through: large enough that little seeps
through them. Twice: about half of that seeps."""

_WORDS_IN_CHANNEL = 0.1
"""The part of the guide's own direction that stays in a channel; where little passes, it decides which of its two ways
the channel flows. Twice: bends are cut by twice as much."""

_FULL_CHANNEL, _FULL_POOL = 0.3, 0.1
"""Share of the guide that has to pass for water to flow at the guide's speed, in channels and where it falls. Twice:
channels of which less than 0.6 passes are slowed, in proportion."""

_CLOSED = 0.4
"""Share of a full channel's up to which what passes only seeps through the walls, so that it is no channel. Twice: side
arms that let pass up to 0.8 of it count as closed."""

_FALLS = 0.4
"""How far falling water takes its direction from its edges, where a channel does fully. Twice: it leans with the edges
of a jagged mask twice as far."""

_SLOWEST, _FASTEST, _EVENNESS = 0.4, 2.0, 0.7
"""Bounds of a place's speed, as multiples of its guide's, and the power that such multiples are taken to. Twice the
power: differences grow where they shrink now, up to the bounds."""

_PIN_STIFFNESS = 50.0
"""By how much more than elsewhere the field resists at a pin. Twice: the water around it makes a slightly wider way;
at the pin itself it stands still in any case (`holds`)."""

_MAX_TURN, _TURNS, _NEAR_ENOUGH = 30.0, 3, 0.05
"""Degrees by which a guide is turned at the most, so that a region's mean direction is the words', in how many rounds,
and the error in degrees that ends them. Twice the rounds: little, for a round that does not help ends them, too."""

_OPENED, _OPENING = 0.15, 0.35
"""Share of open water from which on the words' direction is asked of a region's mean, and over how much more of it that
grows to fully. Twice: only a region that is all open is held to it fully."""

_ARROW_REACH, _ARROW_ROUNDS, _ELSEWHERE = 0.08, 8, 0.02
"""Sigma, in short sides, of the area around an arrow that turns with it; in how many rounds; and the weight of what
stays as it is. Twice the sigma: four times the area turns. Twice the last: a round changes a little less."""

_OBLIQUE, _ACROSS = 0.75, 0.9
"""Squared sines of the angle between arrow and bank, 60 and 72 degrees: up to here oblique, from here on across. There
is no twice, for a sine is at most 1."""


@dataclass(frozen=True)
class _Drawn:
    """The arrows of a family on its grid.

    Attributes:
        velocities: float64 [arrows, 2], pixels of the picture per frame.
        distances: of each, float64 [h, w], pixels of the picture.
        cores: of each, float64 [h, w], the weights of the cells right under it.
        nearest: float64 [arrows, h, w], sums to 1: which is nearest; mixed only where two are equally near.
    """

    velocities: Array
    distances: list[Array]
    cores: list[Array]
    nearest: Array

    def spread(self, values: Array) -> Array:
        """float64 [h, w, C]: the values [arrows, C] of each cell's nearest arrow."""
        return np.tensordot(self.nearest, values, axes=(0, 0))


def solve_family(grid: Grid, drives: tuple[Drive, ...], hints: Hints, perspective: float, walls: float) -> Array:
    """The field float64 [h, w, 2] of a family, in pixels of the picture per frame, before it is brought to speed."""
    guide = make_guide(grid, drives, hints, perspective)
    drawn = _drawn(grid, drives)
    confined = _confined(grid, drives)
    if drawn is not None:
        confined *= 1 - _crossed(grid, drives, guide.field, drawn)
    stiffness = 1 + _PIN_STIFFNESS * guide.still
    walled = _mixed(grid, [float(drive.walled) for drive in drives])
    falls = _mixed(grid, [float(drive.falls) for drive in drives])
    sides = 1 - falls
    full = _FULL_CHANNEL + (_FULL_POOL - _FULL_CHANNEL) * falls
    through = None
    if (confined > 0.01).any() and (guide.keep < 0.99).any() and walls > 0:
        through = _through(grid, guide, sides, stiffness, full)
    bent = _bend(guide, through, confined)
    reach = np.maximum(confined, guide.keep)
    length = grid.side * (_REACH_OPEN + (_REACH_CHANNEL - _REACH_OPEN) * reach)
    resistance = _strictness(grid, sides, bent, guide, walls) * walled * length
    second = Projection(grid.coverage, sides, resistance, length, stiffness)
    wanted = [_share_open(grid, number, drive, confined) for number, drive in enumerate(drives)]
    field = _aimed(grid, drives, wanted, guide.keep, bent, second)
    return field if drawn is None else _honour_arrows(grid, drawn, field, guide)


def _drawn(grid: Grid, drives: tuple[Drive, ...]) -> _Drawn | None:
    arrows = [arrow for drive in drives for arrow in drive.arrows]
    if not arrows:
        return None
    distances = [arrow_distance(grid, arrow) for arrow in arrows]
    step = min(grid.size) / grid.side
    near = np.stack([1 / (distance**2 + step**2) ** 2 for distance in distances])
    velocities = np.array([arrow_velocity(arrow, *grid.size) for arrow in arrows])
    return _Drawn(velocities, distances, [_core(grid, distance) for distance in distances], near / near.sum(axis=0))


def _mixed(grid: Grid, values: list[float]) -> Array:
    return np.tensordot(np.array(values), grid.shares, axes=1)


def _aimed(  # noqa: PLR0917
    grid: Grid, drives: tuple[Drive, ...], wanted: list[float], keep: Array, guide: Array, projection: Projection
) -> Array:
    """The projected guide, after turning it so far that walls do not turn the mean direction of open regions.

    A turn that makes it worse is undone: where a bank stands in the way, the bank decides.
    """
    turns = np.zeros(len(drives))
    best, least = guide, np.inf
    for _ in range(_TURNS + 1):
        turned = _turned(guide, _mixed(grid, list(turns)) * (1 - keep))
        field = _even(projection.apply(turned), turned, keep)
        errors = np.array([_error(grid, n, drive, field) * wanted[n] for n, drive in enumerate(drives)])
        largest = float(np.abs(errors).max())
        if largest >= least:
            break
        best, least = field, largest
        if largest < _NEAR_ENOUGH:
            break
        turns = np.clip(turns + errors, -_MAX_TURN, _MAX_TURN)
    return best


def _turned(field: Array, degrees: Array) -> Array:
    """The field, turned counter-clockwise (as seen) by `degrees` [h, w]."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    x, y = field[..., 0], field[..., 1]
    return np.stack([cosine * x + sine * y, cosine * y - sine * x], axis=-1)


def _confined(grid: Grid, drives: tuple[Drive, ...]) -> Array:
    """float64 [h, w]: 1 in channels and where water falls, 0 in the open and in the air."""
    smooth = smoothstep((_WIDE - width_of(grid.coverage) / grid.side) / (_WIDE - _NARROW))
    falls = _mixed(grid, [float(drive.falls) for drive in drives])
    walled = _mixed(grid, [float(drive.walled) for drive in drives])
    return np.asarray(walled * np.maximum(smooth * (1 - falls), _FALLS * falls))


def _crossed(grid: Grid, drives: tuple[Drive, ...], guide: Array, drawn: _Drawn) -> Array:
    """float64 [h, w]: 1 where an arrow across a channel leads across it, so that it does not turn what the arrow moves.

    The banks around a place say which way is across: the axis of their normals, as in a structure tensor. An arrow
    along a channel follows all of its bends, also those that its own direction would cross.
    """
    normal = wall_vectors(blur(grid.coverage, 2.0), np.ones(grid.coverage.shape))
    length = np.maximum(np.linalg.norm(normal, axis=-1), 1e-9)
    xx, xy, yy = (
        blur(normal[..., i] * normal[..., j] / length, _NARROW * grid.side) for i, j in ((0, 0), (0, 1), (1, 1))
    )
    direction = guide / np.maximum(np.linalg.norm(guide, axis=-1), 1e-12)[..., None]
    x, y = direction[..., 0], direction[..., 1]
    across = _steep((xx * x * x + 2 * xy * x * y + yy * y * y) / np.maximum(xx + yy, 1e-9))
    own = [float((core * across).sum() / max(float(core.sum()), 1e-12)) for core in drawn.cores]
    share = _mixed(grid, [float(bool(drive.arrows)) for drive in drives])
    return share * across * drawn.spread(np.array(own)[:, None])[..., 0]


def _steep(head_on: Array) -> Array:
    """0 where an arrow runs along a bank or obliquely to it, 1 where it crosses it; `head_on` is a squared sine."""
    return smoothstep((head_on - _OBLIQUE) / (_ACROSS - _OBLIQUE))


def _tight(coverage: Array, side: float, sides: Array, stiffness: Array) -> Projection:
    resistance = np.full(coverage.shape, _TIGHT * side)
    length = np.full(coverage.shape, 4.0 * max(coverage.shape))
    return Projection(coverage, sides, resistance, length, stiffness)


def _through(grid: Grid, guide: Guide, sides: Array, stiffness: Array, full: Array) -> Array:
    """What tight walls let pass, float64 [h, w, 2], at the guide's speed; slower where less than `full` of it passes.

    Less is a bay or closed water, not a channel. A guide that is faster where it is near would turn closed water round,
    backward where it is far, so there it drives without what its differences in speed turn round.
    """
    speed = np.maximum(np.linalg.norm(guide.field, axis=-1), 1e-12)
    tight = _tight(grid.coverage, grid.side, sides, stiffness)
    net = tight.apply(guide.field - _turning(grid, guide, stiffness))
    passing = np.where(grid.coverage > 0.5, np.linalg.norm(net, axis=-1) / speed, 0)
    # the slow outer bank of a bend belongs to the channel
    across = 2 * int(0.5 * _NARROW * grid.side) + 1
    near = cv2.dilate(passing, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (across, across)))
    channel = smoothstep((near / full - _CLOSED) / (1 - _CLOSED))[..., None]
    return channel * _sped(tight.apply(guide.field), speed, full) + (1 - channel) * _sped(net, speed, full)


def _sped(field: Array, speed: Array, full: Array) -> Array:
    """The field at this speed, slower where its own is less than the share `full` of it."""
    return field / np.maximum(np.linalg.norm(field, axis=-1) / speed, full)[..., None]


def _turning(grid: Grid, guide: Guide, stiffness: Array) -> Array:
    """What the guide's differences in speed turn round in the area, were nothing to pass through, float64 [h, w, 2].

    What differences in direction turn round, such as arrows in a ring, is meant, and is not among it.
    """
    speed = np.linalg.norm(guide.field, axis=-1)
    mean = float((grid.coverage * speed).sum() / max(float(grid.coverage.sum()), 1e-12))
    even = guide.field * (mean / np.maximum(speed, 1e-12) * (1 - guide.still))[..., None]
    ring = ((1, 1), (1, 1))
    closed = np.pad(grid.coverage, ring)
    projection = _tight(closed, grid.side, np.zeros(closed.shape), np.pad(stiffness, ring, "edge"))
    return projection.apply(np.pad(guide.field - even, (*ring, (0, 0))))[1:-1, 1:-1]


def _bend(guide: Guide, through: Array | None, confined: Array) -> Array:
    """The guide, turned into the channels' directions; its lengths stay. `through`: what passes through there."""
    if through is None:
        return guide.field
    speed = np.linalg.norm(guide.field, axis=-1)
    mixed = confined[..., None] * through + (1 - (1 - _WORDS_IN_CHANNEL) * confined)[..., None] * guide.field
    length = np.linalg.norm(mixed, axis=-1)
    turned = mixed * (speed / np.maximum(length, 1e-12))[..., None]
    turned = np.where((length > 1e-6 * speed)[..., None], turned, guide.field)
    return guide.keep[..., None] * guide.field + (1 - guide.keep)[..., None] * turned


def _strictness(grid: Grid, sides: Array, bent: Array, guide: Guide, walls: float) -> Array:
    """How strict walls are at each cell: fully to what grazes them, less to what meets them head-on.

    At swirls and pins they are strict. So they are at an arrow that goes along a bank or obliquely to it, but one that
    goes across would only dam the water up: the field would stand still under it and could not be brought to speed.
    """
    normal = wall_vectors(blur(grid.coverage, 2.0), sides)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1), 1e-9)[..., None]
    direction = bent / np.maximum(np.linalg.norm(bent, axis=-1), 1e-12)[..., None]
    head_on = (normal * direction).sum(axis=-1) ** 2
    firm = np.maximum(guide.fixed, guide.drawn * (1 - _steep(head_on)))
    grazing = firm + (1 - guide.keep) * (1 - head_on) ** 4
    return np.asarray(10 * walls / (1.02 - walls) * grazing)


def _even(field: Array, guide: Array, keep: Array) -> Array:
    """Keep speeds within reach of the guide's, so that nothing stagnates or bolts."""
    speed, wanted = np.linalg.norm(field, axis=-1), np.linalg.norm(guide, axis=-1)
    ratio = speed / np.maximum(wanted, 1e-12)
    even = np.clip(np.maximum(ratio, 1e-6) ** _EVENNESS, _SLOWEST, _FASTEST) / np.maximum(ratio, 1e-6)
    factor = keep + (1 - keep) * np.minimum(even, 50.0)
    return np.where((wanted > 0)[..., None], field * factor[..., None], field)


def _share_open(grid: Grid, number: int, drive: Drive, confined: Array) -> float:
    """0..1: how far the region's mean direction has to be that of the words; channels follow their banks instead."""
    if drive.arrows or drive.angle is None:
        return 0.0
    if drive.falls:
        return 1.0
    weight = grid.coverage * grid.shares[number]
    opened = float((weight * (1 - confined)).sum()) / max(float(weight.sum()), 1e-12)
    return float(smoothstep((opened - _OPENED) / _OPENING))


def _error(grid: Grid, number: int, drive: Drive, field: Array) -> float:
    """Degrees from the mean direction of the region's field to the wanted one, -180..180."""
    if drive.angle is None:
        return 0.0
    weight = grid.coverage * grid.shares[number]
    mean = (weight[..., None] * field).sum(axis=(0, 1))
    if not mean.any():
        return 0.0
    angle = float(np.rad2deg(np.arctan2(-mean[1], mean[0])))
    return (drive.angle - angle + 180.0) % 360.0 - 180.0


def _honour_arrows(grid: Grid, drawn: _Drawn, field: Array, guide: Guide) -> Array:
    """Turn and scale the field around each arrow until it is the arrow's there; right under it, it is the arrow's own.

    Scaling makes no place faster than twice its guide: where an arrow meets what holds still it would never end.
    """
    reach = _ARROW_REACH * min(grid.size)
    weights = [np.exp(-0.5 * (distance / reach) ** 2) for distance in drawn.distances]
    total = np.sum(weights, axis=0) + _ELSEWHERE
    complex_field = field[..., 0] + 1j * field[..., 1]
    fastest = np.maximum(abs(complex_field), _FASTEST * np.linalg.norm(guide.field, axis=-1))
    for _ in range(_ARROW_ROUNDS):
        change = np.zeros(grid.coverage.shape, complex)
        for (dx, dy), weight, core in zip(drawn.velocities, weights, drawn.cores, strict=True):
            present = complex((core * complex_field).sum() / max(float(core.sum()), 1e-12))
            if abs(present) > 1e-9:
                ratio = complex(dx, dy) / present
                change += weight * (np.log(np.clip(abs(ratio), 0.1, 10)) + 1j * np.angle(ratio))
        complex_field = complex_field * np.exp(change / total)
        complex_field *= np.minimum(1, fastest / np.maximum(abs(complex_field), 1e-12))
    around = np.stack([complex_field.real, complex_field.imag], axis=-1)
    return around + guide.drawn[..., None] * (drawn.spread(drawn.velocities) - around)


def _core(grid: Grid, distance: Array) -> Array:
    """Weights of the moving cells right under an arrow; of the nearest ones when it lies beside them."""
    active = grid.coverage > 0.3 if (grid.coverage > 0.3).any() else grid.coverage > 0
    step = min(grid.size) / grid.side
    nearest = float(distance[active].min())
    return np.asarray(active * np.exp(-0.5 * (np.maximum(distance - nearest, 0) / (1.0 * step)) ** 2))
