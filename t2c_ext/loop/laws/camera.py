"""Parallax: a camera that goes slowly to and fro, or nearer and back, before a picture whose depth is known.

What is near moves farther on the screen than what is far; the path is closed over the loop. A frame's pixel shows the
place that the camera brings there. Behind near things that give way lies what was never seen: it is painted once, by
inpainting, from what is far around them (Shih et al. 2020, "3D Photography using Context-aware Layered Depth
Inpainting", do so with networks and layers; here there are two).

Without a depth map the picture is taken for a plain ground under a far sky.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from t2c_ext.extents import bands, whole_of
from t2c_ext.loop.inflow import nearest
from t2c_ext.types import BoolArray, ByteArray, FloatArray, MotionKind, RegionLaw

REACH = 14.0
"""Pixels at 512 that the nearest things go to each side beyond the farthest, at strength 1."""

PIVOT = 0.3
"""Nearness (0..1) of what stays where it is while the camera goes to and fro: pictures turn about their middle."""

RISE = 0.3
"""Share of the way that it also goes up and down, twice as often: a figure of eight that lies on its side."""

FAR_TOO = 0.25
"""Of what the nearest things grow while the camera comes nearer, how much the farthest do."""

STEP = 0.06
"""Nearness (0..1) by which things stand before one another; less is one surface."""

GREAT = 0.25
"""The same from which they stand far before one another."""

SLACK = 0.6
"""Pixels by which a place may be missed that a pixel shows."""

ROUNDS = 4
"""Steps of the search for that place; each leaves the slope's share of the error."""

DEEPER = 2.5
"""In multiples of the reach, how wide a rim is painted over: inpainting walks inward from both sides, and what is seen
has to come from the far one."""

PLATE = 1 << 20
"""Most pixels on which what lies behind is painted."""

SKY = 0.42
"""Height of the horizon where no depth is known, as a share from the top."""

CURVE = 1.3
"""Exponent of the nearness over the height below it."""

SECONDS = 6.0
"""Of one way to and fro; shorter loops have one."""

NO_DEPTH = (
    "No depth was given, so the camera passes a plain ground under a far sky; a depth map makes things stand out."
)


@dataclass(frozen=True)
class Camera:
    """A moving view of a picture.

    Attributes:
        kind: to and fro, or nearer and back.
        near: float32 [H, W], 0..1, nearness with hard edges.
        behind: float32 [H, W], the same without what stands before something.
        plate: uint8 [H, W, 3], the still without it.
        mask: float32 [H, W], 0..1, where it is seen so; None: everywhere.
        reach: pixels.
        turns: how often in the loop.
    """

    kind: MotionKind
    near: FloatArray
    behind: FloatArray
    plate: ByteArray
    mask: FloatArray | None
    reach: float
    turns: int

    def see(self, frame: ByteArray, time: float) -> ByteArray:
        """uint8 [H, W, 3]: the frame, which shows what is there, from where the camera is at a time in 0..1."""
        result = np.empty_like(frame)
        for rows in bands(frame.shape):
            result[rows] = self._rows(frame, 2 * np.pi * self.turns * time, rows)
        if self.mask is None:
            return result
        for rows in bands(frame.shape):
            share = self.mask[rows][..., None]
            result[rows] = np.rint(frame[rows] + share * (result[rows].astype(np.float32) - frame[rows]))
        return result

    def _rows(self, frame: ByteArray, turn: float, rows: slice) -> ByteArray:
        height, width = frame.shape[:2]
        start, end, _ = rows.indices(height)
        x = np.broadcast_to(np.arange(width, dtype=np.float32), (end - start, width))
        y = np.broadcast_to(np.arange(start, end, dtype=np.float32)[:, None], (end - start, width))
        first = self._found(x, y, turn, self.near, 1.0)
        other = self._found(x, y, turn, self.near, 0.0)
        better = (other.error <= SLACK) & ((first.error > SLACK) | (other.near > first.near))
        from_x, from_y = np.where(better, other.x, first.x), np.where(better, other.y, first.y)
        shown = cv2.remap(frame, from_x, from_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        unseen = np.minimum(first.error, other.error) > SLACK
        if unseen.any():
            back = self._found(x, y, turn, self.behind, 0.5)
            plate = cv2.remap(self.plate, back.x, back.y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
            soft = cv2.GaussianBlur(unseen.astype(np.float32), (0, 0), 0.7)[..., None]
            soft = np.maximum(soft, unseen[..., None].astype(np.float32))
            shown = np.rint(shown + soft * (plate.astype(np.float32) - shown)).astype(np.uint8)
        return np.asarray(shown, np.uint8)

    def _found(self, x: FloatArray, y: FloatArray, turn: float, near: FloatArray, guess: float) -> _Places:
        """The places of a surface that come to pixels, sought from those that would if it were `guess` near."""
        depth = np.full(x.shape, guess, np.float32)
        for _ in range(ROUNDS):
            from_x, from_y = self._from(x, y, turn, depth)
            seen = cv2.remap(near, from_x, from_y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE)
            depth = np.asarray(seen, np.float32)
        again_x, again_y = self._from(x, y, turn, depth)
        error = np.hypot(again_x - from_x, again_y - from_y)
        return _Places(from_x, from_y, depth, error)

    def _from(self, x: FloatArray, y: FloatArray, turn: float, near: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Where what comes to (x, y) lies, if it is that near."""
        height, width = self.near.shape
        if self.kind is MotionKind.PUSH:
            grown = 1 + np.float32(self.reach / max(height, width) * (1 - np.cos(turn))) * (FAR_TOO + near)
            middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
            return middle_x + (x - middle_x) / grown, middle_y + (y - middle_y) / grown
        # enlarged just so far that its border is never seen
        room_x = np.float32(1 - 2 * self.reach * (1 - PIVOT) / width)
        room_y = np.float32(1 - 2 * self.reach * RISE * (1 - PIVOT) / height)
        room = min(room_x, room_y)
        away_x = np.float32(self.reach * np.sin(turn)) * (near - np.float32(PIVOT))
        away_y = np.float32(self.reach * RISE * np.sin(2 * turn)) * (near - np.float32(PIVOT))
        middle_x, middle_y = (width - 1) / 2, (height - 1) / 2
        return (
            np.asarray(middle_x + (x - middle_x) * room - away_x, np.float32),
            np.asarray(middle_y + (y - middle_y) * room - away_y, np.float32),
        )


@dataclass(frozen=True)
class _Places:
    """Where pixels come from: x, y, how near that is, and by how many pixels it is missed; float32 [h, w] each."""

    x: FloatArray
    y: FloatArray
    near: FloatArray
    error: FloatArray


def make_camera(law: RegionLaw, still: ByteArray, strength: float, seconds: float) -> Camera:
    """The camera of a law.

    Args:
        law: `depth` float32 [h, w] of any size, 0..1, 1 is near; None: `plain_ground`.
        still: uint8 [H, W, 3].
        strength: a factor of the reach.
        seconds: of the loop.
    """
    size = still.shape[:2]
    scale, reach = whole_of(size).scale, REACH * whole_of(size).scale * strength * law.strength
    near = plain_ground(size) if law.depth is None else fitted(law.depth, size)
    before = standing_before(near, reach + 4)
    behind = _filled_depth(near, before)
    plate = painted_behind(still, standing_before(near, DEEPER * reach + 4), scale) if before.any() else still
    mask = None if bool((law.mask >= 1).all()) else law.mask
    turns = max(1, round(law.speed * seconds / SECONDS))
    return Camera(law.kind, near, behind, plate, mask, reach, turns)


def plain_ground(size: tuple[int, ...]) -> FloatArray:
    """float32 [H, W]: the nearness of a plain below a far sky."""
    below = np.clip((np.linspace(0, 1, size[0], dtype=np.float32) - SKY) / (1 - SKY), 0, 1) ** np.float32(CURVE)
    return np.broadcast_to(below[:, None], (size[0], size[1])).astype(np.float32)


def fitted(depth: FloatArray, size: tuple[int, ...]) -> FloatArray:
    """float32 [H, W], 0..1: a depth map of any size and range, with edges of one pixel, one pixel wider."""
    near = np.asarray(cv2.resize(depth, (size[1], size[0]), interpolation=cv2.INTER_LINEAR), np.float32)
    low, high = (float(value) for value in np.percentile(near, (0.5, 99.5)))
    near = np.clip((near - low) / max(high - low, 1e-6), 0, 1).astype(np.float32)
    # what lies on a soft edge belongs to one of its sides
    radius = max(2, round(2 * whole_of(size).scale))
    around = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    most, least = cv2.dilate(near, around), cv2.erode(near, around)
    sided = np.where(most - near <= near - least, most, least)
    near = np.where(most - least > STEP, sided, near).astype(np.float32)
    # the mixed pixels of a thing's edge go with it
    return np.asarray(cv2.dilate(near, np.ones((3, 3), np.uint8)), np.float32)


def standing_before(near: FloatArray, reach: float) -> BoolArray:
    """bool [H, W]: the rims, `reach` wide, of things that stand before others.

    Where a rim meets that of something far nearer, it stays: there it is what is seen behind that.
    """
    step = near - cv2.erode(near, np.ones((3, 3), np.uint8))
    great, small = _rim(near, step, reach, GREAT, np.inf), _rim(near, step, reach, STEP, GREAT)
    if great.any() and small.any():
        wide = 2 * int(np.ceil(2 * reach)) + 1
        small &= cv2.dilate(great.astype(np.uint8), np.ones((wide, wide), np.uint8)) == 0
    return great | small


def _rim(near: FloatArray, step: FloatArray, reach: float, least: float, most: float) -> BoolArray:
    """bool [H, W]: what lies on the near side of edges of this height, no farther than `reach` from them."""
    edge = (step > least) & (step <= most)
    if not edge.any():
        return edge
    away, row, column = nearest(edge)
    level = near[row, column] - step[row, column] / 2
    return np.asarray((away <= reach) & (near > level), np.bool_)


def _filled_depth(near: FloatArray, before: BoolArray) -> FloatArray:
    """float32 [H, W]: of what stands before something, the nearness of what lies beside it and is farther."""
    if not before.any() or before.all():
        return near
    outer = (cv2.dilate(before.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0) & ~before
    level = cv2.erode(near, np.ones((5, 5), np.uint8))
    far = outer & (near <= level + STEP)
    if not far.any():
        return near
    _, row, column = nearest(far)
    return np.where(before, np.minimum(near, near[row, column]), near).astype(np.float32)


def painted_behind(still: ByteArray, before: BoolArray, scale: float) -> ByteArray:
    """uint8 [H, W, 3]: the still with the rims of near things painted over from what lies behind them."""
    height, width = before.shape
    wide = cv2.dilate(before.astype(np.uint8), np.ones((3, 3), np.uint8))
    share = min(1.0, (PLATE / (height * width)) ** 0.5)
    small = (max(1, round(width * share)), max(1, round(height * share)))
    picture = cv2.resize(still, small, interpolation=cv2.INTER_AREA)
    hidden = cv2.resize(wide, small, interpolation=cv2.INTER_NEAREST)
    radius = max(3.0, 4 * scale * share)
    painted = cv2.resize(cv2.inpaint(picture, hidden, radius, cv2.INPAINT_TELEA), (width, height))
    return np.where((wide > 0)[..., None], painted, still).astype(np.uint8)
