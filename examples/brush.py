"""A brush, some noise, and a canvas that knows which of its pixels show which region."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def grid(height: int, width: int) -> tuple[Array, Array]:
    """y and x of every pixel's centre, as shares of the height and of the width."""
    ys, xs = np.mgrid[:height, :width].astype(np.float64)
    return (ys + 0.5) / height, (xs + 0.5) / width


def smoothstep(low: float, high: float, value: Array) -> Array:
    """0 below `low`, 1 above `high`, smooth in between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def mix(first: Array, second: Array, share: Array) -> Array:
    """Colours [..., 3] between `first` and `second`."""
    return first + (second - first) * np.asarray(share)[..., None]


def ramp(value: Array, stops: list[tuple[float, tuple[int, int, int]]]) -> Array:
    """Colours [..., 3], 0..1, along a gradient of (position, colour in levels of 255)."""
    places = [place for place, _ in stops]
    return np.stack([np.interp(value, places, [colour[c] / 255 for _, colour in stops]) for c in range(3)], axis=-1)


def noise(random: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int]) -> Array:
    """Smooth value noise of mean 0 in -1..1: a random lattice of `cells`, interpolated with a quintic."""
    lattice = random.random((cells[0] + 2, cells[1] + 2)) * 2 - 1
    ys = np.linspace(0, cells[0], shape[0], endpoint=False)
    xs = np.linspace(0, cells[1], shape[1], endpoint=False)
    rows, columns = ys.astype(int), xs.astype(int)
    fy, fx = (t * t * t * (t * (t * 6 - 15) + 10) for t in (ys - rows, xs - columns))
    top = lattice[rows][:, columns] * (1 - fx) + lattice[rows][:, columns + 1] * fx
    low = lattice[rows + 1][:, columns] * (1 - fx) + lattice[rows + 1][:, columns + 1] * fx
    return np.asarray(top * (1 - fy[:, None]) + low * fy[:, None])


def fractal(random: np.random.Generator, shape: tuple[int, int], cells: tuple[int, int], octaves: int = 5) -> Array:
    """A sum of `noise` with doubling frequency and halving height."""
    total = np.zeros(shape)
    for octave in range(octaves):
        total += noise(random, shape, (cells[0] << octave, cells[1] << octave)) / 2**octave
    return total


@dataclass
class Canvas:
    """A picture under way.

    Attributes:
        rgb: float64 [H, W, 3], 0..1.
        random: draws the bristles of each stroke.
        shows: for each tracked region, float64 [H, W]: the share of the pixel at which it is seen.
    """

    rgb: Array
    random: np.random.Generator
    shows: dict[str, Array] = field(default_factory=dict)

    def fill(self, mask: Array, colour: Array, region: str | None = None) -> None:
        """Lay `colour` [H, W, 3] over the canvas with the opacity `mask` [H, W]."""
        self.rgb += (colour - self.rgb) * mask[..., None]
        if region is not None:
            self.shows.setdefault(region, np.zeros(mask.shape))
        for name, shown in self.shows.items():
            self.shows[name] = shown + ((1.0 if name == region else 0.0) - shown) * mask

    def stroke(
        self,
        place: tuple[float, float],
        angle: float,
        size: tuple[float, float],
        colour: Array,
        opacity: float = 0.9,
        *,
        clip: Array | None = None,
        region: str | None = None,
    ) -> None:
        """One stroke of a bristle brush.

        Args:
            place: (x, y) of its middle, in pixels.
            angle: its direction in radians, y down.
            size: its length and width, in pixels.
            colour: [3], 0..1.
            opacity: 0..1.
            clip: [H, W], 0..1, where paint may land.
            region: the tracked region that it belongs to; every other one is covered by it.
        """
        height, width = self.rgb.shape[:2]
        half_length, half_width = size[0] / 2, size[1] / 2
        cosine, sine = np.cos(angle), np.sin(angle)
        reach_x = abs(cosine) * half_length + abs(sine) * half_width + 1
        reach_y = abs(sine) * half_length + abs(cosine) * half_width + 1
        left, right = max(0, int(place[0] - reach_x)), min(width, int(place[0] + reach_x) + 2)
        top, bottom = max(0, int(place[1] - reach_y)), min(height, int(place[1] + reach_y) + 2)
        bristles = self.random.random(9)
        if left >= right or top >= bottom:
            return
        dx = np.arange(left, right) - place[0]
        dy = (np.arange(top, bottom) - place[1])[:, None]
        along = (dx * cosine + dy * sine) / half_length
        across = (dy * cosine - dx * sine) / half_width
        hair = np.interp(across.ravel(), np.linspace(-1, 1, 9), bristles).reshape(across.shape)
        end = np.clip((1 - np.abs(along) - 0.22 * hair) * half_length * 0.5 + 0.35, 0, 1)
        side = np.clip((1 - np.abs(across)) * half_width + 0.35, 0, 1)
        paint = end * side * (opacity * (0.72 + 0.28 * hair))
        box = (slice(top, bottom), slice(left, right))
        if clip is not None:
            paint = paint * clip[box]
        shade = np.clip(colour + ((hair - 0.5) * 0.075)[..., None], 0, 1)
        self.rgb[box] += (shade - self.rgb[box]) * paint[..., None]
        for name, shown in self.shows.items():
            if name == region:
                shown[box] += (1 - shown[box]) * paint
            else:
                shown[box] *= 1 - paint


@dataclass(frozen=True)
class Brush:
    """How a layer is covered with strokes.

    Attributes:
        length, width: of a stroke, pixels.
        spacing: between strokes, as a share of the geometric mean of length and width.
        colour_jitter, angle_jitter: random change of each stroke, in 0..1 and radians.
        opacity: of a stroke.
    """

    length: float
    width: float
    spacing: float = 0.7
    colour_jitter: float = 0.04
    angle_jitter: float = 0.12
    opacity: float = 0.85


def cover(
    canvas: Canvas,
    mask: Array,
    colour: Array,
    angle: Array,
    brush: Brush,
    *,
    scale: Array | None = None,
    region: str | None = None,
) -> None:
    """Cover the mask with strokes in random order, coloured and turned as the fields say where each one lies.

    Args:
        canvas: what is painted on; its generator draws places and jitter.
        mask: [H, W], 0..1; paint lands only there.
        colour: [H, W, 3], 0..1.
        angle: [H, W], radians, y down.
        brush: the strokes.
        scale: [H, W], factor of the strokes' size (perspective); None: 1.
        region: the tracked region that the strokes belong to.
    """
    height, width = mask.shape
    random = canvas.random
    step = brush.spacing * float(np.sqrt(brush.length * brush.width))
    smallest = 1.0 if scale is None else float(max(0.25, scale[mask > 0.2].min(initial=1.0)))
    rows = np.arange(0, height, step * smallest)
    columns = np.arange(0, width, step * smallest)
    places = np.stack(np.meshgrid(columns, rows), axis=-1).reshape(-1, 2)
    places = places + random.random(places.shape) * step * smallest
    draws = random.random((len(places), 6))
    for number in np.argsort(draws[:, 0], kind="stable"):
        x, y = places[number]
        column, row = min(int(x), width - 1), min(int(y), height - 1)
        factor = 1.0 if scale is None else max(float(scale[row, column]), smallest)
        # few large strokes or many small ones: keep a share that holds the cover even
        if mask[row, column] < 0.2 or draws[number, 1] > (smallest / factor) ** 2:
            continue
        jitter = (draws[number, 2:5] - 0.5 + (draws[number, 5] - 0.5)) * brush.colour_jitter
        turn = (draws[number, 5] - 0.5) * 2 * brush.angle_jitter
        size = (brush.length * factor * (0.7 + 0.6 * draws[number, 2]), brush.width * factor)
        canvas.stroke(
            (float(x), float(y)),
            float(angle[row, column]) + turn,
            size,
            np.clip(colour[row, column] + jitter, 0, 1),
            brush.opacity,
            clip=mask,
            region=region,
        )
