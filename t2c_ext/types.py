"""What passes between the rooms. Numpy only.

Convention
    * A picture is float32 [H, W, 3], RGB, 0..1.
    * A mask is float32 [H, W] in 0..1: the share of the pixel that moves.
    * A flow is float32 [H, W, 2], (dx, dy) in pixels per frame of the picture it belongs to; x right, y down; pixel
      centres at integers. It is Eulerian: the velocity at a place, constant over time. Zero outside the mask.
    * A direction is an angle in degrees: 0 right, 90 up, 180 left, 270 down.
    * Speed 1: the median speed inside the mask is 1 pixel per frame for a picture whose short side is 512, and in
      proportion for others.
    * A loop of N frames has period N: frame t and frame t + N are the same, and frame N is not stored.
    * Coordinates of hints are 0..1 of the picture's width and height.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import reduce
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from t2c_ext.errors import UserError

FloatArray = NDArray[np.float32]
ByteArray = NDArray[np.uint8]
IntArray = NDArray[np.int32]
BoolArray = NDArray[np.bool_]

REFERENCE_SIDE = 512
"""The short side, in pixels, for which speeds and distances are stated."""


class Stage(str, Enum):
    """The five stages, in order."""

    PROMPT = "prompt"
    TWIN = "twin"
    REGION = "region"
    MOTION = "motion"
    LOOP = "loop"


class MotionKind(str, Enum):
    """How a region moves. Clockwise and counter-clockwise are as seen on the screen.

    The first four flow along a field; the others oscillate by a law of their own (`loop.laws`).
    """

    TRANSLATE = "translate"
    SWIRL = "swirl"
    SWIRL_CW = "swirl_cw"
    SWIRL_CCW = "swirl_ccw"
    SWAY = "sway"
    FLICKER = "flicker"
    RIPPLE = "ripple"
    FALL = "fall"
    WAVES = "waves"
    PARALLAX = "parallax"
    PUSH = "push"

    @property
    def flows(self) -> bool:
        """Whether it follows a flow."""
        return self in (MotionKind.TRANSLATE, MotionKind.SWIRL, MotionKind.SWIRL_CW, MotionKind.SWIRL_CCW)

    @property
    def is_camera(self) -> bool:
        """Whether not the thing moves, but who looks at it: to and fro, or nearer and back."""
        return self in (MotionKind.PARALLAX, MotionKind.PUSH)


CAMERA = "camera"
"""The region of what the camera does: all of the picture."""

WHATEVER_MOVES = ""
"""The region of a motion whose words name no thing ("flowing left"): each one that has no motion of its own."""


@dataclass(frozen=True)
class Motion:
    """One motion that the words state.

    Attributes:
        region: the word as it stands in the prompt, or `WHATEVER_MOVES`.
        angle: degrees (0 right, 90 up); a translation has one, a swirl none, what sways one where the wind blows it.
        kind: how it moves.
        speed: multiplies the speed of the whole (1 when the words say nothing about it).
    """

    region: str
    angle: float | None
    kind: MotionKind = MotionKind.TRANSLATE
    speed: float = 1.0

    def __post_init__(self) -> None:
        goes, may_go = self.kind is MotionKind.TRANSLATE, self.kind in (MotionKind.TRANSLATE, MotionKind.SWAY)
        if (goes and self.angle is None) or (not may_go and self.angle is not None):
            raise UserError("a translation needs an angle, and kinds of motion other than swaying have none")


@dataclass(frozen=True)
class Plan:
    """Result of the prompt stage.

    Attributes:
        art_prompt: the prompt without its direction phrases, WebUI syntax intact.
        natural_prompt: the prompt of the natural-looking twin.
        regions: the words that name what moves, as they stand in the prompt.
        motions: only what the words state; a lexicon's default is not a motion of the prompt.
        notes: sentences for the user (which language model was used, what was not understood).
        nouns: what can be seen, without how it is made: with these the things that move compete for places.
        styles: how it is made, from which the natural-looking twin is led away.
        laws: what the words state of what moves without flowing; no angles.
    """

    art_prompt: str = ""
    natural_prompt: str = ""
    regions: tuple[str, ...] = ()
    motions: tuple[Motion, ...] = ()
    notes: tuple[str, ...] = ()
    nouns: tuple[str, ...] = ()
    styles: tuple[str, ...] = ()
    laws: tuple[Motion, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A still picture.

    Attributes:
        rgb: float32 [H, W, 3], 0..1.
        alpha: float32 [H, W], 0..1, or None when the picture is opaque.
        infotext: the generation parameters found in the file, or "".
        notes: sentences for the user about its file, such as what is damaged in it.
    """

    rgb: FloatArray
    alpha: FloatArray | None = None
    infotext: str = ""
    notes: tuple[str, ...] = ()

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.rgb.shape[0], self.rgb.shape[1]

    @property
    def levels(self) -> ByteArray:
        """uint8 [H, W, 3]: the colours as 8 bits hold them."""
        return np.rint(np.clip(self.rgb, 0, 1) * 255).astype(np.uint8)


class CompactPicture(Picture):
    """A large picture, kept in 8 bits: a quarter of the memory. Each use of `rgb` makes the floats anew."""

    def __init__(
        self, rgb: FloatArray, alpha: FloatArray | None = None, infotext: str = "", notes: tuple[str, ...] = ()
    ) -> None:
        """As a `Picture`; colours between two levels are rounded."""
        levels = np.empty(rgb.shape, np.uint8)
        for row, colours in enumerate(rgb):  # row by row, so that nothing else is as large
            levels[row] = np.rint(np.clip(colours, 0, 1) * 255)
        values = {"_levels": levels, "alpha": alpha, "infotext": infotext, "notes": notes}
        for name, value in values.items():
            object.__setattr__(self, name, value)

    @property
    def rgb(self) -> FloatArray:  # type: ignore[override]
        """float32 [H, W, 3], 0..1, a new array."""
        return np.divide(self.levels, np.float32(255), dtype=np.float32, casting="unsafe")

    @property
    def levels(self) -> ByteArray:
        """uint8 [H, W, 3], the picture's own."""
        levels: ByteArray = self.__dict__["_levels"]
        return levels

    @property
    def size(self) -> tuple[int, int]:
        """(height, width) in pixels."""
        return self.levels.shape[0], self.levels.shape[1]


@dataclass(frozen=True)
class NounMaps:
    """Where a diffusion model sees each of some things that compete with each other.

    Attributes:
        size: (h, w) of the grid.
        things: for each thing float32 [h, w], 0..1: zero where it is least to be seen, one where most.
        background: float32 [h, w], 0..1, likewise of what is none of them; zeros where nothing was to stand for it.
        shares: for each thing the largest share, 0..1, that it has at any place of what all nouns get there. The maps
            themselves reach from 0 to 1 whether or not the thing is in the picture at all.
    """

    size: tuple[int, int]
    things: Mapping[str, FloatArray]
    background: FloatArray
    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        wrong = [name for name, where in self.things.items() if where.shape != self.size]
        if wrong or self.background.shape != self.size or set(self.shares) != set(self.things):
            raise UserError(f"the maps of nouns do not have the size {self.size[0]}x{self.size[1]}")


@dataclass(frozen=True)
class Attention:
    """Averages of the attention maps that the artistic picture was made with.

    Attributes:
        size: (h, w) of the grid; pixel (row, column) of the grid is token row * w + column.
        self_attention: float32 [h * w, h * w], query by key; each row sums to 1.
        words: for each word that moves, float32 [h, w], 0..1: where the model put it.
        nouns: where the model sees each thing in the finished pictures, or None where it was not asked.
    """

    size: tuple[int, int]
    self_attention: FloatArray
    words: Mapping[str, FloatArray] = field(default_factory=dict)
    nouns: NounMaps | None = None

    def __post_init__(self) -> None:
        tokens = self.size[0] * self.size[1]
        wrong = [word for word, where in self.words.items() if where.shape != self.size]
        if self.self_attention.shape != (tokens, tokens) or wrong:
            raise UserError(f"the attention maps do not have the size {self.size[0]}x{self.size[1]}")


@dataclass(frozen=True)
class Twin:
    """Result of the twin stage: two pixel-aligned pictures of one scene.

    Attributes:
        art: the picture that will move.
        natural: its natural-looking twin, or None where there is none (a painting without a model at hand).
        attention: of the artistic picture, or None where no model made it.
        notes: sentences for the user.
    """

    art: Picture
    natural: Picture | None = None
    attention: Attention | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Region:
    """A named soft mask.

    Attributes:
        name: the word that the user knows it by.
        mask: float32 [H, W], 0..1.
        score: 0..1, how sure its maker is; 1 for a mask that the user gave.
        source: what made it ("mask file", "clusters", "sam2" ...).
    """

    name: str
    mask: FloatArray
    score: float = 1.0
    source: str = ""


@dataclass(frozen=True)
class Regions:
    """Result of the region stage: what moves, region by region.

    Attributes:
        regions: the regions, all of one size; they may overlap.
        notes: sentences for the user.
        segmentation: the regions as the segmenter found them, where the attention has redrawn them; else empty.
    """

    regions: tuple[Region, ...]
    notes: tuple[str, ...] = ()
    segmentation: tuple[Region, ...] = ()

    @property
    def mask(self) -> FloatArray:
        """float32 [H, W]: the union (maximum) of the regions."""
        if not self.regions:
            raise UserError("there is no region to move")
        first, *others = (region.mask for region in self.regions)
        return first if not others else reduce(np.maximum, others, first)


@dataclass(frozen=True)
class RegionLaw:
    """A region that moves by another law than flow.

    Attributes:
        name: the region's.
        kind: the law.
        mask: float32 [H, W], 0..1.
        speed: a factor of its frequencies, above 0.
        strength: a factor of its amplitudes.
        root: which side of it is fast: "below", "above", "beside" or "within" (all over).
        angle: degrees of the way that it goes, or None for its own.
        depth: float32 [h, w] of any size, larger is nearer: of what a camera passes; None where it is not known.
    """

    name: str
    kind: MotionKind
    mask: FloatArray
    speed: float = 1.0
    strength: float = 1.0
    root: str = "within"
    angle: float | None = None
    depth: FloatArray | None = None


@dataclass(frozen=True)
class Arrow:
    """A point travels from `start` to `end` in one second (30 frames) at speed 1. Coordinates 0..1.

    Attributes:
        start, end: its ends.
        region: the name of its region, or None for the one under it.
        speed: in units of speed 1, where it says that in place of its length; else None.
    """

    start: tuple[float, float]
    end: tuple[float, float]
    region: str | None = None
    speed: float | None = None

    def pixels(self, height: int, width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Rows and columns, intp [33] each, of pixels that lie evenly along it, in a picture of this size."""
        share = np.linspace(0, 1, 33)
        x = self.start[0] + share * (self.end[0] - self.start[0])
        y = self.start[1] + share * (self.end[1] - self.start[1])
        return np.minimum((y * height).astype(np.intp), height - 1), np.minimum((x * width).astype(np.intp), width - 1)


@dataclass(frozen=True)
class Swirl:
    """A turning about `at` within `radius` (share of the short side). `turn` 1 is counter-clockwise, -1 clockwise."""

    at: tuple[float, float]
    radius: float
    turn: float = 1.0


@dataclass(frozen=True, eq=False)
class Painted:
    """What a brush left: 8-bit grey, of the picture's shape but of any size. Equal where every level is.

    Attributes:
        levels: uint8 [h, w]; 255 is painted fully.
    """

    levels: ByteArray

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Painted) and np.array_equal(self.levels, other.levels)

    def __hash__(self) -> int:
        return hash((self.levels.shape, self.levels.tobytes()))

    @property
    def mask(self) -> FloatArray:
        """float32 [h, w], 0..1."""
        return self.levels.astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class RegionHint:
    """What the user says about a named region.

    Attributes:
        name: the region's.
        angle: degrees, or None for its own.
        speed: a factor.
        kind: how it moves; all but a translation have no angle. None, or a translation without an angle: its own.
        colour: "#rrggbb" that it is shown in, or "".
        mask: where it is, if the user painted it.
    """

    name: str
    angle: float | None = None
    speed: float = 1.0
    kind: MotionKind | None = None
    colour: str = ""
    mask: Painted | None = None


@dataclass(frozen=True)
class Hints:
    """What the user drew; `motion.hints` reads and writes the document.

    Attributes:
        arrows, swirls: motion drawn.
        pins: places that stand still.
        freeze: polygons that stand still.
        regions: what is known of each region by name.
        still: what stands still, painted softly, or None.
    """

    arrows: tuple[Arrow, ...] = ()
    swirls: tuple[Swirl, ...] = ()
    pins: tuple[tuple[float, float], ...] = ()
    freeze: tuple[tuple[tuple[float, float], ...], ...] = ()
    regions: tuple[RegionHint, ...] = ()
    still: Painted | None = None

    @property
    def painted(self) -> tuple[RegionHint, ...]:
        """The regions that the user painted; one that was wiped out again is none."""
        return tuple(hint for hint in self.regions if hint.mask is not None and hint.mask.levels.any())

    @property
    def besides(self) -> tuple[str, ...]:
        """The names of the regions that stand without a mask beside painted ones: they are to be found."""
        return tuple(hint.name for hint in self.regions if hint.mask is None) if self.painted else ()


@dataclass(frozen=True)
class Flow:
    """Result of the motion stage.

    Attributes:
        field: float32 [H, W, 2], (dx, dy) in pixels per frame; finite; zero where the mask is zero.
        source: what made it ("solver", "file" ...).
        notes: sentences for the user.
    """

    field: FloatArray
    source: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Loop:
    """Result of the loop stage.

    Attributes:
        path: the video (or folder of frames) that was written.
        poster: the still beside it, or None.
        frames: number of frames of one period.
        holes: the largest share of the mask's pixels, over the frames, that no source pixel reached.
        seconds: time it took to render and encode.
        notes: sentences for the user.
    """

    path: Path
    poster: Path | None
    frames: int
    holes: float = 0.0
    seconds: float = 0.0
    notes: tuple[str, ...] = field(default_factory=tuple)


def scale_of(height: int, width: int) -> float:
    """Pixels of this picture per pixel of one whose short side is 512."""
    return min(height, width) / REFERENCE_SIDE


def unit_vector(angle: float) -> tuple[float, float]:
    """(dx, dy) of length 1 for an angle in degrees (0 right, 90 up); y points down."""
    radians = np.deg2rad(angle)
    return float(np.cos(radians)), float(-np.sin(radians))


def angle_of(dx: float, dy: float) -> float:
    """The angle in degrees, 0 <= angle < 360, of a vector whose y points down."""
    return float(np.rad2deg(np.arctan2(-dy, dx))) % 360.0
