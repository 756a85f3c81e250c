"""From a still, a mask and a field to the frames of a seamless loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from t2c_ext.errors import UserError
from t2c_ext.extents import LARGE, Window, all_finite, bands, to_bytes
from t2c_ext.loop.blend import FADE
from t2c_ext.loop.budget import check_memory
from t2c_ext.loop.forward import forward_frames
from t2c_ext.loop.gather import Places, Scene, draw, prepare
from t2c_ext.loop.slivers import without_slivers
from t2c_ext.loop.structure import held_structure
from t2c_ext.loop.trajectories import workers
from t2c_ext.loop.windows import windows_of
from t2c_ext.progress import Reporter
from t2c_ext.settings import LoopSettings
from t2c_ext.types import BoolArray, ByteArray, FloatArray

FrameSource = Callable[[], Iterator[tuple[ByteArray, float]]]


@dataclass
class Rendering:
    """The frames of one period, made anew each time they are asked for.

    Attributes:
        count: frames of one period.
        source: makes a fresh iterator of (frame, share of holes).
        notes: sentences for the user.
        holes: largest share, over the frames made so far, of the mask's pixels that received nothing before filling.
    """

    count: int
    source: FrameSource
    notes: tuple[str, ...] = ()
    holes: float = field(default=0.0)

    def frames(self) -> Iterator[ByteArray]:
        """A fresh iterator of uint8 [H, W, 3]; frame 0 follows frame `count` - 1."""
        for frame, holes in self.source():
            self.holes = max(self.holes, holes)
            yield frame


def check_input(picture: FloatArray | ByteArray, mask: FloatArray, flow: FloatArray) -> None:
    """Refuse what cannot be animated.

    Raises:
        UserError: sizes differ, nothing is masked, or the field is not finite or too fast.
    """
    height, width = picture.shape[:2]
    if picture.ndim != 3 or picture.shape[2] != 3:
        raise UserError(f"the picture has the shape {picture.shape}, but must be height x width x 3")
    if mask.shape != (height, width) or flow.shape != (height, width, 2):
        raise UserError(f"the picture is {width}x{height}, but mask {mask.shape} or flow {flow.shape} is not")
    if (picture.dtype != np.uint8 and not all_finite(np.asarray(picture, np.float32))) or not all_finite(mask):
        raise UserError("the picture or the mask holds values that are no numbers; load it again")
    if not (mask > 0).any():
        raise UserError("the mask is empty, so nothing would move; paint what should move")
    if not all_finite(flow):
        raise UserError("the flow holds values that are no numbers; make it again or give another flow file")
    fastest = max(float(np.abs(flow[band][mask[band] > 0]).max(initial=0)) for band in bands(mask.shape))
    limit = max(min(height, width) / 4, 1)
    if fastest > limit:
        raise UserError(
            f"the flow moves {fastest:.4g} pixels per frame, but at most a quarter of the picture ({limit:g}) is "
            "possible; lower the speed"
        )


def render_loop(
    picture: FloatArray | ByteArray,
    mask: FloatArray,
    flow: FloatArray,
    settings: LoopSettings,
    *,
    seed: int,
    structure: FloatArray | None = None,
    reporter: Reporter | None = None,
    largest: int = LARGE,
) -> Rendering:
    """Prepare the frames of a loop; they are computed while they are taken.

    The default looks up each pixel along its streamline (`gather`); the kernels "splat" and "bilinear" push pixels
    forward instead (`forward`), and blend "paper" with kernel "bilinear" is the paper's own way.

    Args:
        picture: float32 [H, W, 3], 0..1, or uint8; of a large one the latter spares four times its memory.
        mask: float32 [H, W], 0..1; where it is 0, every frame is exactly the picture.
        flow: float32 [H, W, 2], pixels per frame.
        settings: frames, blend, kernel, phase spread, start with the still.
        seed: of the phases.
        structure: float32 [H, W], 0..1, how far the large shapes of each place usually stay, where the settings leave
            that to what moves; `USUAL` everywhere when None.
        reporter: asked before each frame whether to stop.
        largest: pixels of a picture that is worked on as a whole; of a larger one, only windows around what moves.

    Raises:
        UserError: see `check_input`.
    """
    check_input(picture, mask, flow)
    reporter = reporter or Reporter()
    still = picture if picture.dtype == np.uint8 else to_bytes(np.asarray(picture, np.float32))
    still, count = np.asarray(still, np.uint8), settings.frames
    moving = _moving(mask, flow)
    if count == 1 or not moving.any():
        note = "one frame is only the still" if count == 1 else "the flow is zero everywhere, so nothing moves"
        return Rendering(count, lambda: _stand(still, count, reporter), (note,))
    check_memory(moving, settings)
    if settings.kernel != "sharp":
        prepared = _prepared(picture, mask, flow)
        return Rendering(count, lambda: forward_frames(*prepared, settings, reporter))
    held, scenes = held_structure(mask.shape, settings, structure), []
    for window in windows_of(moving, largest):
        reporter.check()
        scenes.append(_scene(window, picture, mask, flow, held, settings, seed))

    def source() -> Iterator[tuple[ByteArray, float]]:
        return _stream(scenes, still, count, settings.blend != "paper", reporter)

    return Rendering(count, source)


def _moving(mask: FloatArray, flow: FloatArray) -> BoolArray:
    """bool [H, W]: inside the mask, and not at rest."""
    moving = np.empty(mask.shape, np.bool_)
    for band in bands(mask.shape):
        moving[band] = (mask[band] > 0) & (flow[band] != 0).any(axis=-1)
    return moving


def _prepared(
    picture: FloatArray | ByteArray, mask: FloatArray, flow: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Contiguous, the mask within 0..1, the flow zero outside of it."""
    colours = np.ascontiguousarray(picture, np.float32)
    if picture.dtype == np.uint8:
        colours /= np.float32(255)
    mask = np.clip(mask, 0, 1).astype(np.float32, copy=False)
    return colours, mask, np.where(mask[..., None] > 0, flow, np.float32(0)).astype(np.float32, copy=False)


def _scene(  # noqa: PLR0917
    window: Window,
    picture: FloatArray | ByteArray,
    mask: FloatArray,
    flow: FloatArray,
    structure: FloatArray,
    settings: LoopSettings,
    seed: int,
) -> Scene:
    """What is drawn from in one window."""
    colours, mask, travel = _prepared(
        picture[window.top : window.bottom, window.left : window.right], window.of(mask), window.of(flow)
    )
    moving = mask if settings.blend == "paper" else without_slivers(colours, mask, window)
    if moving is not mask:
        if travel[moving > 0].any():
            travel[moving <= 0] = 0
        else:
            moving = mask
    return prepare(colours, moving, travel, window.of(structure), settings, seed, window)


def _stand(still: ByteArray, count: int, reporter: Reporter) -> Iterator[tuple[ByteArray, float]]:
    for _ in range(count):
        reporter.check()
        yield still.copy(), 0.0


class _Part(NamedTuple):
    """A scene, and the spans of its pixels that threads draw."""

    scene: Scene
    spans: list[tuple[int, int]]


def _spans(count: int) -> list[tuple[int, int]]:
    edges = np.linspace(0, count, 2 * workers() + 1).astype(int)
    return [(int(low), int(high)) for low, high in pairwise(edges) if high > low]


def _stream(
    scenes: list[Scene], still: ByteArray, count: int, preserve: bool, reporter: Reporter
) -> Iterator[tuple[ByteArray, float]]:
    """Frames in order; while one is taken, the next is made. Pixels are independent, so threads change nothing."""
    parts = [_Part(scene, _spans(scene.pixels.row.size)) for scene in scenes]
    style = (np.float32(FADE if preserve else 1.0), preserve)

    def make(scene: Scene, span: tuple[int, int], frame: int, places: Places, out: ByteArray) -> None:
        texture, kept = scene.texture, scene.trajectories.kept
        draw(texture.spline, texture.broad, texture.step, places, kept, span, frame, count, style, scene.picture, out)

    with ThreadPoolExecutor(workers()) as pool:

        def begin(frame: int) -> tuple[list[tuple[Window, ByteArray]], list[Future[None]]]:
            pieces, futures = [], []
            for scene, spans in parts:
                piece = scene.window.of(still).copy()
                places = scene.pixels.places(frame, count)
                pieces.append((scene.window, piece))
                futures += [pool.submit(make, scene, span, frame, places, piece) for span in spans]
            return pieces, futures

        upcoming = begin(0)
        for frame in range(count):
            reporter.check()
            pieces, futures = upcoming
            for future in futures:
                future.result()
            if frame + 1 < count:
                upcoming = begin(frame + 1)
            yield _together(still, pieces), 0.0


def _together(still: ByteArray, pieces: list[tuple[Window, ByteArray]]) -> ByteArray:
    """The still with the windows' pieces in it, a new array."""
    if len(pieces) == 1 and pieces[0][0].is_whole:
        return pieces[0][1]
    out = still.copy()
    for window, piece in pieces:
        window.of(out)[:] = piece
    return out
